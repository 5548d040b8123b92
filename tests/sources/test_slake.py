"""SLAKE: English questions on their published side, Chinese ones counted; also on the real files."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.records import Language, Split
from bimedix2.records.images import ImageStore
from bimedix2.sources import slake

from .conftest import as_json, parted, picture

REAL = Path("../shared/data/slake_qa_en")
# Layout: ../shared/data/slake_qa_en (see the module); the words are written by hand.
ROW: dict[str, Any] = {
    "img_id": 3,
    "img_name": "xmlab3/source.jpg",
    "question": "What modality is this?",
    "answer": "CT",
    "q_lang": "en",
    "location": "Lung",
    "modality": "CT",
    "answer_type": "OPEN",
    "base_type": "vqa",
    "content_type": "Modality",
    "triple": ["vhead", "_", "_"],
    "qid": 12,
}


def test_languages_are_marked_and_sides_kept(tmp_path: Path) -> None:
    picture(tmp_path / "imgs" / "xmlab3" / "source.jpg")
    (tmp_path / "imgs" / "names.jsonl").write_text('["of somebody else"]\n')  # no download made it
    as_json(tmp_path / "train.json", [ROW, {**ROW, "qid": 13, "q_lang": "zh", "question": "这是什么?"}])
    as_json(tmp_path / "validation.json", [{**ROW, "qid": 14}])
    as_json(tmp_path / "test.json", [{**ROW, "qid": 15}, {**ROW, "qid": 16, "answer": ""}])
    records, removed = parted(slake.read(tmp_path, ImageStore(tmp_path / "store")))
    assert [(r.id, r.split) for r in records] == [
        ("slake/12", Split.TRAIN),
        ("slake/14", Split.VALIDATION),
        ("slake/15", Split.TEST),
    ]
    assert removed == [("slake/13", "chinese"), ("slake/16", "empty-field")]
    assert {r.language for r in records} == {Language.ENGLISH}
    assert {r.provenance.subject for r in records} == {"slake:3"}
    assert records[0].meta["published"]["modality"] == "CT"
    assert len({r.images[0].image for r in records}) == 1


def test_images_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    (tmp_path / "imgs" / "xmlab4").mkdir(parents=True)
    (tmp_path / "imgs" / "xmlab4" / "source.jpg").touch()
    (tmp_path / "imgs" / "text.jpg").write_text("<!doctype html>")
    names = ["xmlab3/source.jpg", "xmlab4/source.jpg", "text.jpg", "a\0.jpg", "n" * 5000]
    rows = [{**ROW, "qid": number, "img_name": name} for number, name in enumerate(names)]
    _, removed = parted(slake.read(as_json(tmp_path / "test.json", rows).parent, ImageStore(tmp_path)))
    assert [reason for _, reason in removed] == [
        "missing-image",
        "empty-image",
        "unreadable-image",
        "unreadable-image",
        "unreadable-image",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"qid": 1}]', r"train\.json row 1 has no 'q_lang'"),
        ('{"1": {}}', r"train\.json is a JSON object, not a list of rows"),
        ('[\n{"qid": 1,,}]', r"train\.json is not JSON at line 2"),
        ("", r"train\.json is neither a JSON list nor a JSON object"),
    ],
)
def test_another_layout_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "train.json").write_text(text)
    with pytest.raises(DataError, match=said):
        list(slake.read(tmp_path, ImageStore(tmp_path / "store")))


@pytest.mark.skipif(not REAL.is_dir(), reason=f"{REAL} is not here")
def test_the_real_files_give_every_english_question(tmp_path: Path) -> None:
    for name in ("train", "validate", "test"):
        (tmp_path / f"{name}.json").symlink_to((REAL / f"{name}.json").resolve())
        for row in io.read_json(REAL / f"{name}.json"):
            if not (tmp_path / "imgs" / row["img_name"]).exists():
                picture(tmp_path / "imgs" / row["img_name"])
    records, removed = parted(slake.read(tmp_path, ImageStore(tmp_path / "store")))
    assert Counter(r.split for r in records) == {
        Split.TRAIN: 4918,
        Split.VALIDATION: 1053,
        Split.TEST: 1061,
    }
    assert Counter(reason for _, reason in removed) == {"chinese": 6995, "empty-field": 1}
    assert len({r.id for r in records}) == len(records)
    # SLAKE divides by image.
    sides = {(r.provenance.subject, r.split) for r in records}
    assert len(sides) == len({subject for subject, _ in sides})
