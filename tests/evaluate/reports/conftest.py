"""Copies of MIMIC-CXR and MIMIC-III in the published layout, with invented reports and drawn pictures."""

import csv
import gzip
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bimedix2 import config, evaluate

# Layouts from the evaluation specification (1.4); no word of a real report stands here.
FINDINGS = "\n \n The lungs are clear.  Heart size is normal.\n There is no effusion.\n "
REPORTS = {
    50000001: f" FINAL REPORT\n INDICATION:  Cough.\n \n FINDINGS: {FINDINGS}\n IMPRESSION: \n \n Normal.\n",
    50000002: " FINAL REPORT\n CHEST, TWO VIEWS:  Patchy left opacity.\n \n IMPRESSION:  Pneumonia?\n",
    50000003: " FINAL REPORT\n INDICATION:  Fall.\n \n IMPRESSION:  No fracture.\n",
    50000004: " FINAL REPORT\n FINDINGS:  Of the training side.\n",
}
STUDIES = [
    # picture, study, subject, side
    ("aa-1", 50000001, 10000001, "test"),
    ("bb-1", 50000002, 10000002, "test"),
    ("aa-2", 50000001, 10000001, "test"),
    ("cc-1", 50000003, 11000003, "test"),
    ("dd-1", 50000004, 11000004, "train"),
]
NOTE = """[**2101-1-1**] {title}
 FINAL REPORT
 INDICATION:  Fall of [**Known lastname 7**].

 {header}:  No bleed on [**Hospital 4**].
 (Over)
 page two
 (Cont)
 No   shift.

 IMPRESSION:  Normal
 study.
"""
NOTES = [
    # ROW_ID, subject, description, text
    (
        11,
        1,
        "CT HEAD W/O CONTRAST",
        NOTE.format(title="CT HEAD", header="CT OF THE HEAD WITHOUT CONTRAST"),
    ),
    (12, 2, "CHEST (PORTABLE AP)", NOTE.format(title="CHEST", header="FINDINGS")),
    (13, 3, "MR HEAD W & W/O CONTRAST", NOTE.format(title="MR HEAD", header="FINDINGS")),
    (14, 3, "MR HEAD W/O CONTRAST", "MR HEAD\n FINAL REPORT\n FINDINGS:  No infarct.\n"),
    (15, 4, "CT CHEST W/CONTRAST", NOTE.format(title="CT CHEST", header="FINDINGS")),
]
HEAD = ["ROW_ID", "SUBJECT_ID", "HADM_ID", "CHARTDATE", "CHARTTIME", "STORETIME", "CATEGORY", "DESCRIPTION"]
HEAD += ["CGID", "ISERROR", "TEXT"]


def table(path: Path, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    """A CSV file, packed where its name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = StringIO()
    csv.writer(text).writerows([head, *rows])
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def patient(root: Path, subject: int) -> Path:
    return root / "files" / f"p{str(subject)[:2]}" / f"p{subject}"


def write_cxr(folder: Path, *, packed: bool = True, texts: Path | None = None) -> Path:
    """MIMIC-CXR-JPG 2.0.0; the reports beside the pictures, or in a tree of their own."""
    root = folder / "mimic-cxr-jpg" / "2.0.0"
    name = "mimic-cxr-2.0.0-split.csv" + (".gz" if packed else "")
    head = ["dicom_id", "study_id", "subject_id", "split"]
    table(root / name, head, STUDIES)
    for number, (dicom, study, subject, _) in enumerate(STUDIES):
        picture = patient(root, subject) / f"s{study}" / f"{dicom}.jpg"
        picture.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (16, 12), 40 * number).save(picture)
        text = patient(texts or root, subject) / f"s{study}.txt"
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text(REPORTS[study], encoding="utf-8")
    return folder


def write_notes(path: Path) -> Path:
    """NOTEEVENTS of MIMIC-III 1.4."""
    rows = [
        [row, subject, 100 + subject, "2101-01-01", "", "", "Radiology", description, "", "", text]
        for row, subject, description, text in NOTES
    ]
    return table(path, HEAD, rows)


Make = Callable[..., evaluate.Config]


@pytest.fixture
def cxr(tmp_path: Path) -> Path:
    return write_cxr(tmp_path / "copy")


@pytest.fixture
def notes(tmp_path: Path) -> dict[str, str]:
    """The keys of ``mimic3``: four rows of the test, one of which is not in the notes."""
    split = tmp_path / "split.csv"
    table(split, ["ROW_ID"], [[11], [12], [13], [14], [99]])
    return {"notes": str(write_notes(tmp_path / "NOTEEVENTS.csv.gz")), "split": str(split)}


@pytest.fixture
def settings(cxr: Path, tmp_path: Path) -> Make:
    """The room's recipe; keywords go over ``reports``, those with a ``_`` over the room's own keys."""

    def make(**changes: Any) -> evaluate.Config:
        inner = {"cxr": {"path": str(cxr)}} | {k: v for k, v in changes.items() if not k.startswith("_")}
        recipe: dict[str, Any] = {"output": str(tmp_path / "scores"), "reports": inner, "resamples": 100}
        changed = {k[1:]: v for k, v in changes.items() if k.startswith("_")}
        return config.build(evaluate.Config, recipe | {"threads": 1} | changed)

    return make
