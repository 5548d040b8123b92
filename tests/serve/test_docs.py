"""The examples of docs/serve.md, against a running server."""

import os
import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "serve.md").read_text(encoding="utf-8")
MARKED = re.compile(r"<!-- not run: it needs the server[^\n]*\n```(\w+)\n(.*?)```", re.DOTALL)
BLOCKS = dict(MARKED.findall(PAGE))


def run(service: Any, folder: Path, *command: str) -> str:
    """Run an example, its address and model changed to the test's."""
    text = BLOCKS[command[-1]].replace("http://127.0.0.1:8000", service.address).replace("nano", "scripted")
    environment = {**os.environ, "no_proxy": "*"}
    arguments = [*command[:-1], text]
    done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_has_both_examples() -> None:
    assert BLOCKS.keys() == {"bash", "python"}


def test_the_curl_example(service: Any, tmp_path: Path) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not here; it is the example's client")
    assert '"model":"bimedix2-scripted@12345678"' in run(service, tmp_path, "bash", "-c", "bash")


def test_the_python_example(service: Any, tmp_path: Path) -> None:
    scan = files("pydicom") / "data" / "test_files" / "CT_small.dcm"
    (tmp_path / "scan.dcm").write_bytes(scan.read_bytes())
    said = run(service, tmp_path, sys.executable, "-c", "python")
    assert said == "Answer to: What kind of image is this? [1 of 1 images, turn 1]"
    assert len(service.backend.requests[0].images) == 1
