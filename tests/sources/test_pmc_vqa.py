"""PMC-VQA: two versions of the columns, images in two folders, articles as subjects."""

import csv
from pathlib import Path

import pytest

from bimedix2.errors import DataError
from bimedix2.records import Split
from bimedix2.records.images import ImageStore
from bimedix2.sources import pmc_vqa

from .conftest import parted, picture

# Layout: the card of RadGenome/PMC-VQA, version 2 as loaders on GitHub read it; words written by hand.
ONE = {
    "Figure_path": "PMC10_F1.jpg",
    "Question": "What is shown?",
    "Answer": "A heart, cut",
    "Choice A": "A:A lung",
    "Choice B": " B:A heart, cut ",
    "Choice C": "C:A bone",
    "Choice D": "D:Nothing",
    "Answer_label": "B",
}
TWO = {
    "index": "0",
    "Figure_path": "PMC11_F2.jpg",
    "Caption": "A bone.",
    "Question": "What is shown?",
    "Choice A": "A: A lung ",
    "Choice B": "B: A heart",
    "Choice C": "C: A bone",
    "Choice D": "D: Nothing",
    "Answer": "C",
    "split": "train",
}


def table(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_both_versions_are_read(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "PMC10_F1.jpg")
    picture(tmp_path / "figures" / "PMC11_F2.jpg", 1)
    table(tmp_path / "train.csv", [ONE, {**ONE, "Figure_path": "PMC12_F1.jpg"}])
    table(tmp_path / "test_2.csv", [TWO, {**TWO, "Answer": "E"}])
    records, removed = parted(pmc_vqa.read(tmp_path, ImageStore(tmp_path / "store")))
    assert [(r.id, r.split, r.messages[1].text, r.provenance.subject) for r in records] == [
        ("pmc_vqa/train/1", Split.TRAIN, "B. A heart, cut", "pmc:PMC10"),
        ("pmc_vqa/test_2/1", Split.TEST, "C. A bone", "pmc:PMC11"),
    ]
    assert (
        records[0].messages[0].text == "What is shown?\n\nA. A lung\nB. A heart, cut\nC. A bone\nD. Nothing"
    )
    assert records[1].meta["Caption"] == "A bone."
    assert removed == [("pmc_vqa/train/2", "missing-image"), ("pmc_vqa/test_2/2", "unknown-answer")]


def test_rows_that_are_broken_are_kept_aside(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "PMC10_F1.jpg")
    path = table(tmp_path / "train.csv", [ONE] * 4)
    lines = path.read_bytes().split(b"\r\n")
    lines[2] = b"one,two"
    lines[3] = lines[3].replace(b"heart", b"c\xe9ur")
    path.write_bytes(b"\r\n".join(lines))
    records, removed = parted(pmc_vqa.read(tmp_path, ImageStore(tmp_path / "store")))
    assert [r.id for r in records] == ["pmc_vqa/train/1", "pmc_vqa/train/4"]
    assert removed == [("pmc_vqa/row 2", "broken-row"), ("pmc_vqa/row 3", "broken-row")]


def test_another_layout_is_named(tmp_path: Path) -> None:
    table(tmp_path / "train.csv", [{"figure": "PMC10_F1.jpg", "question": "What?"}])
    with pytest.raises(DataError, match=r"train\.csv row 1 has no 'Choice A'; fetch the file again"):
        list(pmc_vqa.read(tmp_path, ImageStore(tmp_path / "store")))
