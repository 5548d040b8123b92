"""The training benchmark's rungs compute one loss and one gradient, so that their times may be compared."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bimedix2.errors import DataError
from bimedix2.records.store import read_records

FILE = Path(__file__).parents[2] / "benchmarks" / "train_ladder.py"


@pytest.fixture(scope="module")
def ladder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("train_ladder", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["train_ladder"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_all_rungs_agree(
    tiny: Any, squares: Path, ladder: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "--dataset",
        str(squares),
        "--model",
        "tiny",
        "--samples",
        "4",
        "--repeat",
        "2",
        "--each",
        "1",
        "2",
    ]
    ladder.main(command)
    out = capsys.readouterr().out
    assert "pictures seen once: 4 samples on 4 pictures" in out
    assert "pictures seen 2 times: 4 samples on 2 pictures" in out
    for rung in ("padded", "sorted", "packed", "answers", "features", "shared"):
        assert out.count(f"| {rung} | ") == 2


def test_rungs_that_differ_are_not_reported_as_equal(
    tiny: Any, squares: Path, ladder: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ladder.Bench.padded
    monkeypatch.setattr(ladder.Bench, "padded", lambda self, by_length=False: real(self, by_length) * 1.01)
    with pytest.raises(SystemExit, match="do not compute the same loss"):
        ladder.main(
            ["--dataset", str(squares), "--model", "tiny", "--samples", "4", "--repeat", "1", "--each", "1"]
        )


def test_too_many_samples_is_one_sentence(squares: Path, ladder: ModuleType) -> None:
    with pytest.raises(DataError, match="only 4 pictures have 2 questions"):
        ladder.choose(list(read_records(squares)), 100, 2, 0)
