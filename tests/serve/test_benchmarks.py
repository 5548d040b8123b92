"""The benchmark of the server's memory starts a server, asks it, and reads its peak."""

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "serve_memory.py"


def test_every_answer_is_counted_and_the_peak_never_falls(
    tiny_base: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = importlib.util.spec_from_file_location("serve_memory", SCRIPT)
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script, "SCANS", script.SCANS[:2])
    monkeypatch.setattr(sys, "argv", ["serve_memory.py", f"model={tiny_base.folder}", "tokens=2"])
    script.main()
    said = capsys.readouterr().out
    # Two turns alone; then of four conversations at once one has both scans and one the second alone.
    assert ": 5 streamed answers, " in said
    peaks = [int(size) for size in re.findall(r"^ *(\d+) MiB peak after: ", said, flags=re.MULTILINE)]
    assert len(peaks) == 3
    assert 50 < peaks[0] <= peaks[1] <= peaks[2]
