"""Which studies and notes are asked, with which reference, and what is said of a copy that is not whole."""

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bimedix2.errors import DataError
from bimedix2.evaluate.answering import InPlace
from bimedix2.evaluate.reports import mimic_cxr, mimic_iii
from bimedix2.evaluate.reports.items import Collection
from bimedix2.evaluate.reports.mimic_cxr import Cxr
from bimedix2.evaluate.reports.mimic_iii import Mimic3, row_ids
from bimedix2.records import DataClass

from .conftest import FINDINGS, HEAD, patient, table, write_cxr

GOLDEN = Path("../shared/golden")


def read(path: Path, **changes: Any) -> Collection:
    return mimic_cxr.read(Cxr(path=path, **changes), InPlace(path))


def test_a_study_is_one_item_with_its_pictures_in_order_and_findings_unchanged(cxr: Path) -> None:
    found = read(cxr)
    assert [item.record.id for item in found.items] == ["mimic_cxr/s50000001", "mimic_cxr/s50000002"]
    first, second = found.items
    assert first.reference == FINDINGS
    assert second.reference == " Patchy left opacity.\n "  # a view names the findings
    assert [image.name for image in first.turn.images] == ["aa-1.jpg", "aa-2.jpg"]
    assert {item.record.data_class for item in found.items} == {DataClass.CREDENTIALED}
    assert first.record.provenance.subject == "mimic_cxr:10000001"
    assert found.removed == [("mimic_cxr/s50000003", "no findings", "")]
    assert found.partial == "mimic_cxr: 2 of 2347 published (left out: no findings: 1)"


def test_both_published_wordings_an_indication_and_fewer_pictures(cxr: Path) -> None:
    assert read(cxr).items[0].turn.text == "Please caption this scan with findings and impressions."
    theirs = read(cxr, prompt="multimedeval", indication=True, max_images=1)
    assert theirs.items[0].turn.text == "Cough. Can you provide a radiology report for this medical image?"
    assert theirs.items[1].turn.text == "Can you provide a radiology report for this medical image?"
    assert [len(item.turn.images) for item in theirs.items] == [1, 1]
    assert theirs.notes == [
        "mimic_cxr: 1 x pictures beyond max_images=1 not shown",
        "mimic_cxr: 1 x no indication to put before the words",
    ]
    assert theirs.hash != read(cxr).hash  # other pictures are another benchmark
    assert read(cxr, prompt="multimedeval").hash == read(cxr).hash  # other words are not


def test_reports_may_stand_in_a_tree_of_their_own_and_the_split_unpacked(tmp_path: Path) -> None:
    copy = write_cxr(tmp_path / "copy", packed=False, texts=tmp_path / "reports")
    assert len(read(copy, texts=tmp_path / "reports").items) == 2
    assert len(read(copy / "mimic-cxr-jpg" / "2.0.0", texts=tmp_path / "reports").items) == 2
    said = (
        r"s50000001.txt is missing, and so is every report: MIMIC-CXR-JPG has none. Unpack mimic-cxr-reports"
    )
    with pytest.raises(DataError, match=said):
        read(copy)


def test_a_report_and_a_picture_that_are_missing_are_counted(cxr: Path) -> None:
    root = cxr / "mimic-cxr-jpg" / "2.0.0"
    (patient(root, 10000001) / "s50000001" / "aa-2.jpg").unlink()
    (patient(root, 11000003) / "s50000003.txt").unlink()
    found = read(cxr)
    assert [(name, reason) for name, reason, _ in found.removed] == [
        ("mimic_cxr/s50000001", "picture missing or empty"),
        ("mimic_cxr/s50000003", "report missing"),
    ]
    (patient(root, 10000002) / "s50000002.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(
        DataError, match=r"no test study .* \(picture missing or empty: 1; report cannot be read: 1"
    ):
        read(cxr)


def test_a_split_that_is_not_as_published_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"holds no mimic-cxr-2.0.0-split.csv \(nor .*gz\), there or in mimic-cxr-"
    ):
        read(tmp_path)
    split = tmp_path / "mimic-cxr-2.0.0-split.csv"
    table(split, ["dicom_id", "study_id", "split"], [])
    with pytest.raises(
        DataError, match=r"has no column 'subject_id'; give mimic-cxr-2.0.0-split.csv, as Physio"
    ):
        read(tmp_path)
    with zipfile.ZipFile(split, "w") as archive:
        archive.writestr("x.csv", "y")
    with pytest.raises(DataError, match="is a zip archive; unpack it"):
        read(tmp_path)
    lines = b"".join(b"%x,1,2,train\n" % (number * number) for number in range(9000))
    split.write_bytes(gzip.compress(b"dicom_id,study_id,subject_id,split\n" + lines)[:-300])
    with pytest.raises(DataError, match=r"breaks off after row \d+; fetch it again"):
        read(tmp_path)
    split.write_text("dicom_id,study_id,subject_id,split\na,1,2,test\nb,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="row 2 has 2 values for 4 columns"):
        read(tmp_path)


@pytest.mark.skipif(not GOLDEN.is_dir(), reason=f"{GOLDEN} is not here")
def test_references_are_the_findings_that_the_original_parser_gives(tmp_path: Path) -> None:
    cases = json.loads((GOLDEN / "section_text.json").read_text(encoding="utf-8"))["cases"]
    copy = write_cxr(tmp_path / "copy")
    root = copy / "mimic-cxr-jpg" / "2.0.0"
    compared = 0
    for case in cases:
        wanted = next(
            (t for n, t in zip(case["names"], case["sections"], strict=True) if n == "findings"), None
        )
        (patient(root, 10000001) / "s50000001.txt").write_text(case["text"], encoding="utf-8")
        found = {item.record.id: item.reference for item in read(copy).items}
        assert found.get("mimic_cxr/s50000001") == wanted
        compared += wanted is not None
    assert compared == 3


def test_notes_are_prepared_and_what_is_none_is_counted(notes: dict[str, str]) -> None:
    found = mimic_iii.read(Mimic3.model_validate(notes))
    assert [item.record.id for item in found.items] == ["mimic_iii/11", "mimic_iii/13"]
    first = found.items[0]
    assert first.turn.text == "No bleed on ___. No shift.\nSummarize the findings."
    assert first.reference == "Normal study."
    assert first.record.data_class is DataClass.CREDENTIALED
    assert found.left_out == {"of no group": 1, "0 impressions": 1, "not in the notes": 1}
    assert "2 of 13054 published" in found.partial


@pytest.mark.skipif(not GOLDEN.is_dir(), reason=f"{GOLDEN} is not here")
def test_a_note_of_the_original_comes_out_as_there(tmp_path: Path) -> None:
    case = json.loads((GOLDEN / "mimic3_pre.json").read_text(encoding="utf-8"))["cases"][0]
    row = [7, 1, 2, "", "", "", "Radiology", "CT HEAD W/O CONTRAST", "", "", case["in"]]
    table(tmp_path / "NOTEEVENTS.csv", HEAD, [row])
    (tmp_path / "test.txt").write_text("7\n", encoding="utf-8")
    (item,) = mimic_iii.read(Mimic3(notes=tmp_path, split=tmp_path / "test.txt")).items
    cut = case["masked"].split("FINDINGS: ")[1].split(" \n IMPRESSION: ")
    assert (item.turn.text.split("\n")[0], item.reference) == (cut[0], cut[1])


def _parquet(path: Path) -> None:
    pq.write_table(pa.table({"row_id": [11.0, 13.0]}), path)


SPLITS: dict[str, str | Callable[[Path], None]] = {
    "a.csv": "ROW_ID,x\n11,1\n13,2\n",
    "a.txt": "11\n\n13\n",
    "a.json": '[{"ROW_ID": 11}, {"ROW_ID": "13"}]',
    "b.json": "[11, 13]",
    "a.jsonl": '{"ROW_ID": 11}\n{"ROW_ID": 13}\n',
    "a.parquet": _parquet,
}


@pytest.mark.parametrize("name", SPLITS)
def test_the_published_split_is_read_in_any_of_its_forms(tmp_path: Path, name: str) -> None:
    content = SPLITS[name]
    if isinstance(content, str):
        (tmp_path / name).write_text(content, encoding="utf-8")
    else:
        content(tmp_path / name)
    assert row_ids(tmp_path / name) == {11, 13}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "row\n11\n", r"has no column 'ROW_ID'"),
        ("a.txt", "11\nx\n", r"a.txt line 2: ROW_ID is no whole number"),
        ("a.json", '[{"id": 1}]', r"row 1 has no 'ROW_ID'"),
        ("a.json", "[NaN]", r"row 1: ROW_ID is no whole number"),
        ("a.txt", "\n", r"names no row"),
        ("a.xlsx", "", r"is neither .csv, .parquet"),
    ],
)
def test_a_split_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        row_ids(tmp_path / name)


def test_notes_that_are_missing_or_of_other_rows_are_named(tmp_path: Path, notes: dict[str, str]) -> None:
    with pytest.raises(DataError, match=r"NOTEEVENTS.csv does not exist \(nor NOTEEVENTS.csv.gz\)"):
        mimic_iii.read(Mimic3(notes=tmp_path / "else" / "NOTEEVENTS.csv", split=Path(notes["split"])))
    with pytest.raises(
        DataError, match=r"none.txt does not exist; fetch the test side of croyer/MIMIC-III-split"
    ):
        mimic_iii.read(Mimic3(notes=Path(notes["notes"]), split=tmp_path / "none.txt"))
    (tmp_path / "other.txt").write_text("404\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"none of the 1 rows .* \(not in the notes: 1\)"):
        mimic_iii.read(Mimic3(notes=Path(notes["notes"]), split=tmp_path / "other.txt"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"11\n\xff\n", "a.txt is not UTF-8 at byte 3; convert it"),
        ("a.json", b'["\xe9"]', "a.json is not UTF-8 at byte 2"),
        ("a.json", b"[" * 100_000, "a.json is not JSON: it is nested too deeply"),
        ("a.json", b"[11, NaN]", "a.json row 2: ROW_ID is no whole number"),
        ("a.txt", "\u00b2\n".encode(), "a.txt line 1: ROW_ID is no whole number"),
        ("a.txt", b"9" * 5000, "a.txt line 1: ROW_ID is no whole number"),
    ],
)
def test_bytes_that_are_no_split_are_one_sentence(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=said):
        row_ids(tmp_path / name)
