"""VQA-RAD: the split stands in the phrase type; answers may be numbers; images are found or counted."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bimedix2.errors import DataError
from bimedix2.records import Split
from bimedix2.records.images import ImageStore
from bimedix2.sources import vqa_rad

from .conftest import as_json, parted, picture, png

# Layout: fields as code on GitHub writes them (see the module); the words are written by hand.
ROW: dict[str, Any] = {
    "qid": "7",
    "phrase_type": "freeform",
    "qid_linked_id": "03f451",
    "image_case_url": "https://example.org/case?id=1",
    "image_name": "synpic1.jpg",
    "image_organ": "CHEST",
    "evaluation": "not evaluated",
    "question": "Are the lungs clear?",
    "question_rephrase": "NULL",
    "question_relation": "NULL",
    "question_frame": "NULL",
    "question_type": "ABN",
    "answer": "Yes",
    "answer_type": "CLOSED ",
}


def folder(tmp_path: Path, rows: Any) -> Path:
    picture(tmp_path / "VQA_RAD Image Folder" / "synpic1.jpg")
    as_json(tmp_path / "VQA_RAD Dataset Public.json", rows)
    return tmp_path


def test_questions_keep_side_subject_and_what_is_said_of_them(tmp_path: Path) -> None:
    rows = [
        ROW,
        {**ROW, "qid": 8, "phrase_type": "test_para", "answer": 2},
        {**ROW, "qid": "9", "image_name": "synpic2.jpg"},
        {**ROW, "qid": "10", "image_name": "../x.jpg"},
    ]
    store = ImageStore(tmp_path / "store")
    records, removed = parted(vqa_rad.read(folder(tmp_path, rows), store))
    assert [(r.id, r.split, r.messages[1].text) for r in records] == [
        ("vqa_rad/7", Split.TRAIN, "Yes"),
        ("vqa_rad/8", Split.TEST, "2"),
    ]
    record = records[0]
    assert store.read(record.images[0].image) == png()
    assert record.messages[0].text == "Are the lungs clear?"
    assert record.provenance.subject == "vqa_rad:synpic1"
    assert record.provenance.url == "https://example.org/case?id=1"
    assert record.meta == {
        "published": {
            "phrase_type": "freeform",
            "image_organ": "CHEST",
            "question_type": "ABN",
            "answer_type": "CLOSED",
        }
    }
    assert removed == [("vqa_rad/9", "missing-image"), ("vqa_rad/10", "image-outside")]


def test_an_unknown_phrase_type_is_named(tmp_path: Path) -> None:
    path = folder(tmp_path, [{**ROW, "phrase_type": "dev"}])
    with pytest.raises(DataError, match=r"Public\.json row 1: 'phrase_type' is 'dev', not one of freeform"):
        list(vqa_rad.read(path, ImageStore(tmp_path / "store")))


def test_the_hubs_copy_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    row = {"image": {"bytes": png(), "path": None}, "question": "Is it clear?", "answer": "yes"}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "data" / "test-00000-of-00001.parquet")
    records, _ = parted(vqa_rad.read(tmp_path, ImageStore(tmp_path / "store")))
    assert [(r.id, r.split) for r in records] == [("vqa_rad/test-00000-of-00001/1", Split.TEST)]
