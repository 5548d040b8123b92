"""The trained nano in the package: its card, its log and its scores are those of its own weights."""

import re
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import io
from bimedix2.model import checkpoint
from bimedix2.model.presets import PRESETS, Wheel
from bimedix2.train import loop, ship

README = Path(__file__).parents[2] / "README.md"


@pytest.fixture(scope="module")
def nano() -> Path:
    folder = checkpoint.shipped("nano")
    assert folder is not None, "the package brings no trained nano"
    return folder


@pytest.fixture(scope="module")
def scores(nano: Path) -> dict[str, Any]:
    found: dict[str, Any] = io.read_json(nano / "scores.json")
    return found


def test_it_is_small_and_whole(nano: Path) -> None:
    stamp = checkpoint.read_stamp(nano)
    assert (stamp["preset"], stamp["stage"]) == ("nano", "instruct")
    weights = [nano / checkpoint.PROJECTOR, *(nano / checkpoint.ADAPTER).iterdir()]
    assert sum(file.stat().st_size for file in weights) <= ship.SIZE_LIMIT


def test_the_scores_are_of_these_weights(nano: Path, scores: dict[str, Any]) -> None:
    """As ``checkpoint.load`` names them: base, projector, adapter, and what all of it computed in."""
    signature = scores["signature"]
    files = {path.relative_to(nano).as_posix(): path for path in nano.rglob("*.safetensors")}
    hashes = {"base": checkpoint.read_stamp(nano)["base"]}
    hashes |= {name: io.sha256_file(path) for name, path in files.items()}
    if (dtype := signature["decoding"]["dtype"]) != "float32":
        hashes["dtype"] = f"torch.{dtype}"
    identity = io.sha256_bytes(io.canonical_json(hashes).encode())
    assert signature["checkpoint"]["model"] == identity
    assert not scores["partial"]


def test_the_card_says_what_it_is_made_of_and_what_was_measured(nano: Path, scores: dict[str, Any]) -> None:
    card = (nano / "README.md").read_text(encoding="utf-8")
    assert "Research only. It gives no medical advice" in card
    for part in (PRESETS["nano"].llm, PRESETS["nano"].vision):
        assert isinstance(part, Wheel)
        assert part.sha256 in card
        assert part.licence in card
    page = (nano / "scores.md").read_text(encoding="utf-8")
    for target in scores["targets"]:
        (row,) = [line for line in card.splitlines() if line.startswith(f"| {target['name']} | ")]
        assert row in page.splitlines()
        assert ("**no**" in row) == (target["met"] is False)


def test_the_log_is_of_the_training_that_the_card_names(nano: Path) -> None:
    card = (nano / "README.md").read_text(encoding="utf-8")
    for stage in ("align", "instruct"):
        lines = list(loop.read_log(nano / f"{stage}.jsonl"))
        assert [line["step"] for line in lines] == list(range(len(lines)))
        tokens = sum(line["tokens"] for line in lines)
        assert f"| {stage} | {len(lines)} | {tokens:,} | " in card
        assert (nano / f"{stage}.png").read_bytes().startswith(b"\x89PNG")


def test_the_readmes_figures_are_the_shipped_ones(scores: dict[str, Any]) -> None:
    """Of its table of what nano was to reach, every measured figure that has a decimal point."""
    cells = [target["cells"].get("together") or {} for target in scores["targets"]]
    known = [abs(cell[key]) for cell in cells for key in ("value", "low") if cell.get(key) is not None]
    _, _, table = README.read_text(encoding="utf-8").partition("| target | measured |")
    rows = [line.split("|") for line in table.partition("\n\n")[0].splitlines()[2:]]
    assert len(rows) >= 5, "README.md has no table of what nano was to reach"
    for _, what, _, measured, *_ in rows:
        for figure in re.findall(r"\d+\.\d+", measured):
            places = len(figure.partition(".")[2])
            shown = {f"{scale * value:.{places}f}" for value in known for scale in (1, 100)}
            assert figure in shown, f"README.md, {what.strip()}: {figure} is no figure of scores.json"
