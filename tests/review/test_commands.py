"""The live room's three verbs as a person types them."""

import functools
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml


def bimedix2(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bimedix2", "review", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


@pytest.fixture
def recipe(open_room: Any, tmp_path: Path) -> str:
    """A recipe whose batch is not open yet, beside one that is."""
    batch = open_room(2)
    given = batch.config.model_dump(mode="json", exclude_none=True)
    given |= {"store": str(tmp_path / "other.sqlite"), "output": str(tmp_path / "out")}
    path = tmp_path / "review.yaml"
    path.write_text(yaml.safe_dump(given), encoding="utf-8")
    return str(path)


def test_open_and_close(recipe: str, tmp_path: Path) -> None:
    opened = bimedix2("open", recipe)
    assert opened.returncode == 0, opened.stderr
    assert opened.stdout.startswith("2 pairs to review, 0 reviews imported. First passwords of amal, omar")
    again = bimedix2("open", recipe)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "holds a batch already" in again.stderr
    early = bimedix2("close", recipe)
    assert (early.returncode, "2 of 2 pairs have no verdict" in early.stderr) == (2, True)
    closed = bimedix2("close", recipe, "unfinished=true")
    assert closed.returncode == 0, closed.stderr
    assert closed.stdout.strip() == str(tmp_path / "out")
    assert (tmp_path / "out" / "manifest.json").is_file()


def test_serve_says_where_and_ends_with_an_interrupt(recipe: str) -> None:
    assert bimedix2("open", recipe).returncode == 0
    command = [sys.executable, "-m", "bimedix2", "review", "serve", recipe]
    # A shell's background job, as this test may be, starts its children deaf to Ctrl+C.
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ}, preexec_fn=heard
    ) as server:
        assert server.stdout is not None
        line = server.stdout.readline()
        server.send_signal(signal.SIGINT)
        try:
            assert server.wait(30) == 0
        finally:
            server.kill()
    assert "opens at http://127.0.0.1:" in line


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("open", "no/such.yaml"), "does not exist"),
        (("serve", "RECIPE"), "run: bimedix2 review open"),
        (("close", "RECIPE", "limt=1"), "did you mean 'limit'?"),
    ],
)
def test_a_mistake_is_one_sentence(recipe: str, args: tuple[str, ...], said: str) -> None:
    done = bimedix2(*(recipe if word == "RECIPE" else word for word in args))
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_another_verb_is_refused() -> None:
    assert bimedix2("begin", "x.yaml").returncode == 2


def test_help_shows_an_example_and_imports_nothing_heavy() -> None:
    done = bimedix2("--help")
    assert done.returncode == 0
    assert "Example" in done.stdout
    assert done.stdout.count("bimedix2 review") >= 2
    code = (
        "import sys; import bimedix2.cli, bimedix2.review\n"
        "heavy = {'torch', 'sqlalchemy', 'fastapi', 'pydicom', 'scipy'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
