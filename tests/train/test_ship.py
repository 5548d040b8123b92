"""A trained checkpoint goes into the package with its card, its log and its scores."""

import json
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config, train
from bimedix2.errors import RunError
from bimedix2.manifest import RunFolder
from bimedix2.model import checkpoint
from bimedix2.train import ship

RATES = {"learning_rate": 1e-2, "row_tokens": 200, "variants": 1, "warmup": 1, "threads": 1}


REPORT = """**Partial.**

## Targets

| measure | met |
| --- | --- |
| modality | yes |

## Image questions

long tables
"""


@pytest.fixture
def runs(tiny: Any, squares: Path, tmp_path: Path) -> Path:
    """A folder as ``recipes/nano.sh`` leaves it, two stages really trained."""
    folder = tmp_path / "runs"
    folder.mkdir()
    (folder / "dataset").symlink_to(squares)
    for stage, more in (
        ("align", {"prealign_steps": 3}),
        ("instruct", {"start": folder / "align", "keep_sources": ["held"]}),
    ):
        values = {
            "model": "tiny",
            "input": squares,
            "output": folder / stage,
            "stage": stage,
            **RATES,
            **more,
        }
        train.run(config.build(train.Config, values))
    with RunFolder(folder / "scores", "evaluate", {}) as out:
        (out.path / "scores.md").write_text(REPORT, encoding="utf-8")
        (out.path / "scores.json").write_text('{"signature": {}}', encoding="utf-8")
        out.publish({"in": 1, "kept": 1, "removed": {}})
    return folder


def test_what_is_shipped_loads_and_its_card_says_what_it_was_made_of(runs: Path, tmp_path: Path) -> None:
    target = ship.ship(runs, tmp_path / "shipped")
    card = (target / "README.md").read_text(encoding="utf-8")
    assert "@" not in card.replace("PATH@", "")
    assert "| squares | 4 of unnamed | - |" in card
    # Of the report the card takes the warning and the targets; the rest lies beside it.
    assert "**Partial.**" in card
    assert "| modality | yes |" in card
    assert "Image questions" not in card
    assert "## Targets" not in card
    assert (target / "scores.md").read_text(encoding="utf-8") == REPORT
    assert "18 records, 4 images" in card
    steps = len((target / "instruct.jsonl").read_text(encoding="utf-8").splitlines())
    assert f"| instruct | {steps} |" in card
    assert (target / "align.png").read_bytes().startswith(b"\x89PNG")
    assert checkpoint.load(str(target)).identity == checkpoint.load(str(runs / "instruct")).identity


def test_shipping_again_replaces_what_was_there(runs: Path, tmp_path: Path) -> None:
    target = tmp_path / "shipped"
    target.mkdir()
    (target / "old.txt").write_text("old", encoding="utf-8")
    ship.ship(runs, target)
    assert not (target / "old.txt").exists()
    assert json.loads((target / "scores.json").read_text(encoding="utf-8")) == {"signature": {}}


def test_an_unfinished_or_too_large_checkpoint_is_not_shipped(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ship, "SIZE_LIMIT", 10)
    with pytest.raises(RunError, match="over 10"):
        ship.ship(runs, tmp_path / "shipped")
    (runs / "scores" / "manifest.json").unlink()
    with pytest.raises(RunError):
        ship.ship(runs, tmp_path / "shipped")
    assert not (tmp_path / "shipped").exists()


def test_folders_of_different_runs_are_not_shipped(runs: Path, tmp_path: Path) -> None:
    file = runs / "instruct" / "manifest.json"
    manifest = json.loads(file.read_text(encoding="utf-8"))
    manifest["inputs"]["start"] = "0" * 64
    file.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(RunError, match="another 'align'"):
        ship.ship(runs, tmp_path / "shipped")
    assert not (tmp_path / "shipped").exists()
