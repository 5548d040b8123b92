"""PathVQA: images inside Parquet files come into the store, and questions on one image share a subject."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bimedix2.errors import DataError
from bimedix2.records import Split
from bimedix2.records.images import ImageStore
from bimedix2.sources import path_vqa

from .conftest import parted, png

# Layout: the card of flaviagiammarino/path-vqa; the words are written by hand.
ROW: dict[str, Any] = {
    "image": {"bytes": png(1), "path": None},
    "question": "What is shown?",
    "answer": "a cell",
}


def shard(tmp_path: Path, side: str, rows: list[dict[str, Any]]) -> Path:
    (tmp_path / "data").mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "data" / f"{side}-00000-of-00001.parquet")
    return tmp_path


def test_images_are_stored_and_sides_kept(tmp_path: Path) -> None:
    shard(tmp_path, "train", [ROW, {**ROW, "question": "Is it a cell?", "answer": "yes"}])
    shard(tmp_path, "validation", [{**ROW, "image": {"bytes": png(2), "path": "2.jpg"}}])
    shard(tmp_path, "test", [{**ROW, "image": {"bytes": b"text", "path": "3.jpg"}}])
    store = ImageStore(tmp_path / "store")
    records, removed = parted(path_vqa.read(tmp_path, store))
    assert [r.split for r in records] == [Split.TRAIN, Split.TRAIN, Split.VALIDATION]
    assert store.read(records[2].images[0].image) == png(2)
    subjects = [r.provenance.subject for r in records]
    assert subjects[0] == subjects[1] != subjects[2]
    assert removed == [("path_vqa/test-00000-of-00001/1", "unreadable-image")]


def test_an_image_that_is_no_object_is_named(tmp_path: Path) -> None:
    path = shard(tmp_path, "train", [{**ROW, "image": "1.jpg"}])
    with pytest.raises(DataError, match=r"parquet row 1 has no 'image' with 'bytes'"):
        list(path_vqa.read(path, ImageStore(tmp_path / "store")))


def test_the_authors_pickles_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "qas").mkdir()
    (tmp_path / "qas" / "train_qa.pkl").write_bytes(b"cos\nsystem\n")
    with pytest.raises(DataError, match=r"has none of data/train-\*\.parquet"):
        list(path_vqa.read(tmp_path, ImageStore(tmp_path / "store")))
