"""The local folder: every row becomes a record, or a reason; a manifest that is wrong is one sentence."""

import io as bytes_io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bimedix2 import io, manifest, sources
from bimedix2.errors import DataError, RunError
from bimedix2.records import DataClass
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records


def png(shade: int) -> bytes:
    buffer = bytes_io.BytesIO()
    Image.new("L", (4, 4), shade).save(buffer, "PNG")
    return buffer.getvalue()


def folder(tmp_path: Path, rows: Any) -> Path:
    root = tmp_path / "in"
    (root / "cxr").mkdir(parents=True, exist_ok=True)
    (root / "cxr" / "a.png").write_bytes(png(1))
    (root / "cxr" / "b.png").write_bytes(png(2))
    (root / "cxr" / "zero.png").touch()
    (root / "cxr" / "text.png").write_text("<!doctype html><title>404</title>")
    (root / "cxr" / "cut.png").write_bytes(png(3)[:40])
    (root / "manifest.json").write_text(json.dumps(rows))
    return root


GOOD = {
    "file": "cxr/a.png",
    "sha256": io.sha256_bytes(png(1)),
    "caption": "Chest radiograph.",
    "modality": "cxr",
}
B = {"file": "cxr/b.png", "caption": "Chest radiograph."}


def run(tmp_path: Path, rows: Any) -> Path:
    path = folder(tmp_path, rows)
    return sources.run(
        sources.Config(parts=[sources.Part(source="folder", path=path)], output=tmp_path / "out")
    )


def test_rows_become_records_with_meta_and_unknown_stays_absent(tmp_path: Path) -> None:
    row = {**GOOD, "sha256": GOOD["sha256"].upper(), "subject": "p1", "plane": None, "counts": {"RBC": 3}}
    out = run(tmp_path, [{**row, "data_class": "non-commercial", "source": "doi:1", "mine": [1]}])
    (record,) = read_records(out)
    assert record.provenance.subject == "p1"
    assert (record.provenance.source, record.provenance.url) == ("cxr", "doi:1")
    assert record.data_class is DataClass.NON_COMMERCIAL
    assert record.meta == {"modality": "cxr", "counts": {"RBC": 3}, "mine": [1]}
    assert record.messages[1].text == "Chest radiograph."
    assert ImageStore(out / "images").read(record.images[0].image) == png(1)
    manifest.verify(out)


def test_a_subject_may_be_a_number_or_unknown(tmp_path: Path) -> None:
    rows = [{**GOOD, "subject": 7}, {**B, "subject": ""}]
    assert [r.provenance.subject for r in read_records(run(tmp_path, rows))] == ["7", None]


def test_nothing_is_dropped_without_a_reason(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        GOOD,
        GOOD,
        {**B, "file": "cxr/none.png"},
        {**B, "file": "cxr"},
        {**B, "sha256": GOOD["sha256"]},
        {**B, "file": "cxr/zero.png", "sha256": GOOD["sha256"]},
        {**B, "file": "cxr/text.png"},
        {**B, "file": "cxr/cut.png"},
        {"file": "cxr/../cxr/b.png", "caption": " "},
    ]
    out = run(tmp_path, rows)
    counts = manifest.read_manifest(out)["counts"]
    assert counts["in"] == 9
    assert counts["kept"] == 1
    assert counts["removed"] == {
        "duplicate-row": 1,
        "missing-image": 2,
        "hash-mismatch": 1,
        "empty-image": 1,
        "unreadable-image": 2,
        "no-caption": 1,
    }
    removed = {row["id"]: row["what"] for _, row in io.read_jsonl(out / "removed" / "removed.jsonl")}
    assert removed["cxr/text.png"].startswith("cxr/text.png is text, not an image")
    assert removed["cxr/cut.png"].startswith("cxr/cut.png is a damaged or unsupported PNG file")
    assert len([p for p in (out / "images").rglob("*") if p.is_file()]) == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (3, "row 2 is not an object"),
        ({}, "row 2 has no 'file'"),
        ({"fil": "cxr/b.png", "caption": "x"}, "row 2 has the field 'fil'; did you mean 'file'"),
        ({**B, "subjct": "p1"}, "row 2 has the field 'subjct'; did you mean 'subject'"),
        ({**B, "license": "CC0"}, "row 2 has the field 'license'; did you mean 'licence'"),
        ({**B, "modalty": "ct"}, "row 2 has the field 'modalty'; did you mean 'modality'"),
        ({**B, "caption": ["x"]}, "row 2: 'caption' must be text or null"),
        ({**B, "subject": 1.5}, "row 2: 'subject' must be text or null"),
        ({**B, "counts": {"RBC": "many"}}, "row 2: 'counts' must be an object of whole numbers"),
        ({**B, "signs": "B-lines"}, "row 2: 'signs' must be a list of texts"),
        ({**B, "data_class": "secret"}, "row 2: 'data_class' must be one of open, non-commercial"),
        ({**B, "file": "../x.png"}, "row 2: 'file' leaves the folder"),
        ({**B, "file": "/etc/hostname"}, "row 2: 'file' leaves the folder"),
        ({**B, "file": "a\0.png"}, "row 2: 'file' can be no file"),
        ({**B, "file": "n" * 5000}, "row 2: 'file' can be no file"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, row: Any, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        run(tmp_path, [GOOD, row])
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path, [])
    (tmp_path / "secret.png").write_bytes(png(9))
    (path / "cxr" / "link.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(DataError, match="row 1: 'file' leaves the folder"):
        run(tmp_path, [{**B, "file": "cxr/link.png"}])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[\n{"file": "a.png",\n}]', r"manifest\.json is not JSON at line 3"),
        ('[{"file": "a.png", "caption": NaN}]', r"manifest\.json is not JSON: NaN"),
        ('{"file": "a.png"}', r"manifest\.json must be a list of rows"),
        ("", r"manifest\.json is not JSON at line 1"),
    ],
)
def test_a_broken_manifest_is_named(tmp_path: Path, text: str, said: str) -> None:
    path = folder(tmp_path, [])
    (path / "manifest.json").write_text(text)
    part = sources.Part(source="folder", path=path)
    with pytest.raises(DataError, match=said):
        sources.run(sources.Config(parts=[part], output=tmp_path / "out"))


def test_a_run_after_a_correction_holds_only_what_the_manifest_names_now(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 2"):
        run(tmp_path, [B, {}])
    out = run(tmp_path, [GOOD])
    (record,) = read_records(out)
    stored = [p.name for p in (out / "images").rglob("*") if p.is_file()]
    assert stored == [record.images[0].image]
    with pytest.raises(RunError, match="exists and finished folders are immutable"):
        run(tmp_path, [GOOD])


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    part = sources.Part(source="folder", path=tmp_path / "none")
    with pytest.raises(DataError, match=r"manifest\.json does not exist"):
        sources.run(sources.Config(parts=[part], output=tmp_path / "out"))
