"""The local folder: every row becomes a record, or a reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import io, manifest, sources
from bimedix2.errors import DataError
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records


def folder(tmp_path: Path, rows: list[dict[str, Any]]) -> Path:
    root = tmp_path / "in"
    (root / "cxr").mkdir(parents=True)
    (root / "cxr" / "a.png").write_bytes(b"A")
    (root / "cxr" / "b.png").write_bytes(b"B")
    (root / "cxr" / "zero.png").touch()
    (root / "manifest.json").write_text(json.dumps(rows))
    return root


GOOD = {
    "file": "cxr/a.png",
    "sha256": io.sha256_bytes(b"A"),
    "caption": "Chest radiograph.",
    "modality": "cxr",
}


def run(tmp_path: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder(tmp_path, rows)
    return sources.run(
        sources.Config(parts=[sources.Part(source="folder", path=path)], output=tmp_path / "out")
    )


def test_rows_become_records_with_meta_and_unknown_stays_absent(tmp_path: Path) -> None:
    out = run(tmp_path, [{**GOOD, "subject": "p1", "plane": None}])
    (record,) = read_records(out)
    assert record.provenance.subject == "p1"
    assert record.meta == {"modality": "cxr"}
    assert record.messages[1].text == "Chest radiograph."
    assert ImageStore(out / "images").read(record.images[0].image) == b"A"
    manifest.verify(out)


def test_nothing_is_dropped_without_a_reason(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        GOOD,
        GOOD,
        {**GOOD, "file": "cxr/none.png"},
        {**GOOD, "file": "cxr/b.png"},
        {**GOOD, "file": "cxr/zero.png", "sha256": io.sha256_bytes(b"")},
        {"file": "cxr/b.png"},
    ]
    out = run(tmp_path, rows)
    counts = manifest.read_manifest(out)["counts"]
    assert counts["in"] == 6
    assert counts["kept"] == 1
    assert counts["removed"] == {"duplicate-row": 2, "missing-image": 1, "hash-mismatch": 1, "empty-image": 1}


@pytest.mark.parametrize(
    ("rows", "said"), [([{}], "row 1 has no 'file'"), ([{**GOOD, "file": "../x.png"}], "leaves the folder")]
)
def test_a_wrong_manifest_is_named(tmp_path: Path, rows: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(DataError, match=said):
        run(tmp_path, rows)
