"""BiMed-V: JSON Lines under a name that ends in .json, both stages, both languages, known subjects."""

from pathlib import Path
from typing import Any

import pytest

from bimedix2.records import Language, Split
from bimedix2.records.images import ImageStore
from bimedix2.sources import bimed_v

from .conftest import as_json, as_lines, parted, picture

# Layout: scripts/download_pmc_images.py of github.com/mbzuai-oryx/BiMediX2, and LLaVA's; words by hand.


def row(identity: str, image: Any, question: str, answer: str) -> dict[str, Any]:
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {"id": identity, "image": image, "conversations": turns}


def test_both_stages_are_read(tmp_path: Path) -> None:
    for name in ("17_F1.jpg", "xmlab3_source.jpg", "synpic5.jpg", "path-vqa_9.jpg"):
        picture(tmp_path / "images" / name)
    as_lines(tmp_path / "BiMed-V_stage1.json", [row("17_F1_0", "17_F1.jpg", "<image>", "A heart.")])
    rows = [
        row("17_F1_1", "17_F1.jpg", "<image>\nما هذا؟", "هذا هو القلب."),
        row("s", "xmlab3_source.jpg", "<image>\nWhat is it?", "A lung."),
        row("r", "synpic5.jpg", "<image>\nWhat is it?", "A lung."),
        row("p", "path-vqa_9.jpg", "<image>\nWhat is it?", "A cell."),
        row("t", "", "What is fever?", "Heat."),
        row("n", None, "What is fever?", "Heat."),
        row("m", "18_F1.jpg", "<image>\nWhat is it?", "A bone."),
    ]
    as_lines(tmp_path / "BiMed-V_stage2.json", rows)
    records, removed = parted(bimed_v.read(tmp_path, ImageStore(tmp_path / "store")))
    assert [(r.id, r.task, r.provenance.subject) for r in records] == [
        ("bimed_v_stage1/17_F1_0", "caption", "pmid:17"),
        ("bimed_v_stage2/17_F1_1", "vqa", "pmid:17"),
        ("bimed_v_stage2/s", "vqa", "slake:3"),
        ("bimed_v_stage2/r", "vqa", "vqa_rad:synpic5"),
        ("bimed_v_stage2/p", "vqa", None),
        ("bimed_v_stage2/t", "qa", None),
        ("bimed_v_stage2/n", "qa", None),
    ]
    assert [r.language for r in records[:3]] == [Language.ENGLISH, Language.ARABIC, Language.ENGLISH]
    assert {r.split for r in records} == {Split.TRAIN}
    assert removed == [("bimed_v_stage2/m", "missing-image")]


@pytest.mark.parametrize("write", [as_json, as_lines])
def test_a_list_is_read_as_lines_are(tmp_path: Path, write: Any) -> None:
    write(tmp_path / "BiMed-V_stage2.json", [row("t", None, "What is fever?", "Heat.")])
    records, _ = parted(bimed_v.read(tmp_path, ImageStore(tmp_path / "store")))
    assert [r.id for r in records] == ["bimed_v_stage2/t"]
