"""The benchmarks of training and decoding compare only what computes the same."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bimedix2.errors import DataError
from bimedix2.records import Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records


def script(name: str) -> ModuleType:
    """A file of benchmarks/, which is no package."""
    file = Path(__file__).parents[2] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def ladder() -> ModuleType:
    return script("train_ladder")


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


def test_the_engine_says_what_generate_says(
    tiny: Any, squares: Path, make_dataset: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    held = [r.model_copy(update={"split": Split.TEST}) for r in read_records(squares)]
    folder = make_dataset(held, ImageStore(squares / "images"))
    options = ["--requests", "2", "--tokens", "6", "--repeat", "2"]
    script("decode").main(["--dataset", str(folder), "--model", "tiny-base", *options])
    rows = {line.split(" | ")[0]: line for line in capsys.readouterr().out.splitlines() if "engine" in line}
    assert rows["| alone, engine"].endswith("| 2 of 2 |")
    assert rows["| batch, engine"].endswith("| 2 of 2 |")
    assert rows["| one picture, engine"].endswith("| 2 of 2 |")
    assert rows["| next turn, engine"].endswith("| 1 of 1 |")
