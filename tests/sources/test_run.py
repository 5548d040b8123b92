"""The room: every source is in the table, broken rows stop it at a stated number, ids stay unique."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from bimedix2 import io, manifest, sources
from bimedix2.errors import DataError
from bimedix2.records.store import read_records

from .conftest import as_json, as_lines
from .test_medqa import ROW


def config(tmp_path: Path, **values: Any) -> sources.Config:
    part = sources.Part(source="medqa", path=tmp_path / "in")
    return sources.Config(parts=[part], output=tmp_path / "out", **values)


def test_broken_rows_are_counted_up_to_the_stated_number(tmp_path: Path) -> None:
    as_lines(tmp_path / "in" / "train.jsonl", [ROW, [], ROW, {}, ROW])
    with pytest.raises(DataError, match=r"more than 1 rows are broken \('max_broken'\), the last: .*line 4"):
        sources.run(config(tmp_path, max_broken=1))
    assert not (tmp_path / "out").exists()
    as_lines(tmp_path / "in" / "train.jsonl", [ROW, [], ROW])
    out = sources.run(config(tmp_path, max_broken=1))
    counts = manifest.read_manifest(out)["counts"]
    assert counts == {"in": 3, "kept": 2, "removed": {"broken-row": 1}}


def test_a_run_after_one_that_stopped_holds_its_own_records_alone(tmp_path: Path) -> None:
    as_lines(tmp_path / "in" / "train.jsonl", [ROW, ROW, []])
    with pytest.raises(DataError, match="rows are broken"):
        sources.run(config(tmp_path, max_broken=0))
    as_lines(tmp_path / "in" / "train.jsonl", [ROW])
    out = sources.run(config(tmp_path, max_broken=0))
    assert [r.id for r in read_records(out)] == ["medqa/train/1"]


def test_a_second_record_with_an_id_is_removed(tmp_path: Path) -> None:
    row = {"QUESTION": "Does it?", "CONTEXTS": ["We asked."], "final_decision": "yes"}
    as_json(tmp_path / "in" / "ori_pqaa.json", {"11": row})
    as_json(tmp_path / "in" / "pqaa_train_set.json", {"11": row, "12": row})
    part = sources.Part(source="pubmedqa", path=tmp_path / "in")
    out = sources.run(sources.Config(parts=[part], output=tmp_path / "out"))
    assert [r.id for r in read_records(out)] == ["pubmedqa/11", "pubmedqa/12"]
    ((_, removed),) = io.read_jsonl(out / "removed" / "removed.jsonl")
    assert (removed["id"], removed["reason"]) == ("pubmedqa/11", "duplicate-id")


@pytest.mark.parametrize("source", sorted(sources.PUBLISHED))
def test_every_published_source_needs_a_folder_and_names_what_is_not_there(
    tmp_path: Path, source: str
) -> None:
    with pytest.raises(ValidationError, match=f"source '{source}' needs a 'path'"):
        sources.Part(source=source)
    part = sources.Part(source=source, path=tmp_path)
    with pytest.raises(DataError, match=r"has none of|does not exist"):
        sources.run(sources.Config(parts=[part], output=tmp_path / "out"))
    part = sources.Part(source=source, path=tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"nowhere is no folder|nowhere/manifest.json does not exist"):
        sources.run(sources.Config(parts=[part], output=tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []  # so the corrected recipe meets nothing


@pytest.mark.parametrize(
    ("source", "name", "text"),
    [
        ("medqa", "train.jsonl", "\n"),
        ("slake", "train.json", "[]"),
        ("pubmedqa", "ori_pqaa.json", "{}"),
        ("pmc_vqa", "train.csv", "Figure_path,Question\n"),
        ("pmc_vqa", "train.csv", ""),
        ("llava_med_alignment", "llava_med_alignment_500k.json", "[ ]"),
        ("folder", "manifest.json", "[]"),
    ],
)
def test_a_file_without_a_row_is_no_empty_part(tmp_path: Path, source: str, name: str, text: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_text(text)
    part = sources.Part(source=source, path=tmp_path / "in")
    with pytest.raises(DataError, match=rf"{name} holds no row; "):
        sources.run(sources.Config(parts=[part], output=tmp_path / "out"))


def test_a_parquet_file_without_a_row_is_none_either(tmp_path: Path) -> None:
    (tmp_path / "in" / "data").mkdir(parents=True)
    pq.write_table(pa.table({"question": pa.array([], pa.string())}), tmp_path / "in/data/train-0.parquet")
    part = sources.Part(source="path_vqa", path=tmp_path / "in")
    with pytest.raises(DataError, match=r"train-0\.parquet holds no row"):
        sources.run(sources.Config(parts=[part], output=tmp_path / "out"))


def test_a_name_that_is_no_source_is_refused_with_the_names() -> None:
    with pytest.raises(ValidationError, match="'medqq' is no source; choose one of folder, pubmedqa"):
        sources.Part(source="medqq")
