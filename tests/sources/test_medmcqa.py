"""MedMCQA: options counted from one in JSON and from nought in Parquet; no answer where none is published."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bimedix2.errors import DataError
from bimedix2.records import Split
from bimedix2.sources import medmcqa

from .conftest import as_lines, parted

# Layout: README.md of github.com/medmcqa/medmcqa and the hub's card; the words are written by hand.
ROW: dict[str, Any] = {
    "id": "a-1",
    "question": "Which bone is in the arm?",
    "opa": "Femur",
    "opb": "Humerus",
    "opc": "Tibia",
    "opd": "Rib",
    "cop": 2,
    "choice_type": "single",
    "exp": None,
    "subject_name": "Anatomy",
    "topic_name": None,
}


def test_json_files_count_options_from_one(tmp_path: Path) -> None:
    as_lines(tmp_path / "train.json", [ROW, {**ROW, "id": "a-2", "cop": 4, "exp": "It is flat."}])
    as_lines(tmp_path / "dev.json", [{**ROW, "id": "b-1"}])
    as_lines(tmp_path / "test.json", [{k: v for k, v in ROW.items() if k != "cop"} | {"id": "c-1"}])
    records, removed = parted(medmcqa.read(tmp_path))
    assert [(r.id, r.messages[1].text, r.split) for r in records] == [
        ("medmcqa/a-1", "B. Humerus", Split.TRAIN),
        ("medmcqa/a-2", "D. Rib", Split.TRAIN),
        ("medmcqa/b-1", "B. Humerus", Split.VALIDATION),
    ]
    assert removed == [("medmcqa/c-1", "no-answer")]
    assert records[0].meta["subject_name"] == "Anatomy"
    assert "exp" not in records[0].meta
    assert "topic_name" not in records[0].meta
    assert records[1].meta["exp"] == "It is flat."


def test_the_hubs_files_count_options_from_none(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name, right in (("train", 1), ("test", -1)):
        rows = [{**ROW, "id": name, "cop": right}]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "data" / f"{name}-00000-of-00001.parquet")
    records, removed = parted(medmcqa.read(tmp_path))
    assert [(r.id, r.messages[1].text) for r in records] == [("medmcqa/train", "B. Humerus")]
    assert removed == [("medmcqa/test", "no-answer")]


def test_a_number_that_is_none_is_absent(tmp_path: Path) -> None:
    """As pandas writes a column in which nothing, or not everything, is known."""
    (tmp_path / "data").mkdir()
    unknown = float("nan")
    rows = [
        {**ROW, "id": n, "cop": 1, "exp": unknown, "opd": last} for n, last in (("a", 5.0), ("b", unknown))
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "data" / "train-0.parquet")
    records, removed = parted(medmcqa.read(tmp_path))
    assert [r.id for r in records] == ["medmcqa/a"]
    assert "exp" not in records[0].meta
    assert removed == [("medmcqa/b", "empty-field")]


@pytest.mark.parametrize("right", [0, 5, "2", True])
def test_an_option_that_is_none_is_named(tmp_path: Path, right: Any) -> None:
    with pytest.raises(DataError, match=r"train\.json line 1: 'cop' is .*, which is no option"):
        list(medmcqa.read(as_lines(tmp_path / "train.json", [{**ROW, "cop": right}]).parent))


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train-0.parquet").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(DataError, match=r"train-0\.parquet is no readable Parquet file after row 0"):
        list(medmcqa.read(tmp_path))
