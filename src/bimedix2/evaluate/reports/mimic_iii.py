"""MIMIC-III summarisation out of a user's own copy: findings of radiology notes, and the impression to write.

As MultiMedEval prepares them (specification 1.4, after Delbrouck et al.): notes of eleven groups of modality
and anatomy, from ``FINAL REPORT`` on, without page breaks; exactly one impression; findings under the group's
headers; blanks as one space, de-identification marks as ``___``; and only the rows that the published split
names for its test.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import DataError
from bimedix2.evaluate.metrics.sections import group_of, summary_pair
from bimedix2.evaluate.reports.items import Collection, Item, record
from bimedix2.evaluate.reports.tables import find, rows
from bimedix2.records import Message

NAME = "mimic_iii"
NOTES = "NOTEEVENTS.csv"
COLUMNS = ("ROW_ID", "SUBJECT_ID", "DESCRIPTION", "TEXT")
ROW = "ROW_ID"
DIGITS = 18
"""Of a row id at most: longer ones are something else."""
PUBLISHED = 13_054
"""Notes that MultiMedEval counts."""
WORDS = "\nSummarize the findings."


class Mimic3(Settings):
    """Where the copy is, and which of its rows are the test."""

    notes: Path
    """``NOTEEVENTS.csv`` of MIMIC-III 1.4, plain or ``.gz``, or the folder that holds it."""
    split: Path
    """The test side of ``croyer/MIMIC-III-split`` of the hub: CSV or Parquet with a column ``ROW_ID``, JSON
    (Lines) with that key, or a text file of one number a line."""


def read(settings: Mimic3) -> Collection:
    """Select the notes and prepare them.

    Raises:
        DataError: a file is missing, broken, or names no row of the other.
    """
    path = settings.notes / NOTES if settings.notes.is_dir() else settings.notes
    notes = find(path)
    if notes is None:
        raise DataError(f"{path} does not exist (nor {path.name}.gz); give {NOTES} of MIMIC-III 1.4")
    wanted = row_ids(settings.split)
    found = Collection(NAME, PUBLISHED, {"notes": notes, "split": settings.split})
    missing = set(wanted)
    for number, row in rows(notes, COLUMNS, NOTES):
        identity = _number(row[ROW])
        if identity is None:
            raise DataError(f"{notes} row {number}: ROW_ID is no number; fetch the file again")
        if identity not in missing:
            continue
        missing.remove(identity)
        _take(found, identity, row)
    for identity in sorted(missing):
        found.leave(f"{NAME}/{identity}", "not in the notes")
    found.check(
        f"none of the {len(wanted)} rows of {settings.split} gives findings and an impression in {notes}"
    )
    return found


def _take(found: Collection, identity: int, row: dict[str, str]) -> None:
    name = f"{NAME}/{identity}"
    group = group_of(row["DESCRIPTION"].strip())
    if group is None:
        found.leave(name, "of no group")
        return
    pair = summary_pair(row["TEXT"], group)
    if pair.dropped or not pair.impression:
        found.leave(name, pair.dropped or "no impression")
        return
    turn = Message.of("user", f"{pair.findings}{WORDS}")
    made = record(NAME, name, turn, pair.impression, f"{NAME}:{row['SUBJECT_ID'].strip()}")
    found.items.append(Item(made, turn, pair.impression))


def row_ids(path: Path) -> set[int]:
    """The rows that a split names.

    Raises:
        DataError: the file is missing, has no ``ROW_ID``, or a value there that is no number.
    """
    if not path.is_file():
        raise DataError(
            f"{path} does not exist; fetch the test side of croyer/MIMIC-III-split from the hub, or write "
            "the ROW_IDs of the test into a text file, one a line"
        )
    ids: set[int] = set()
    for where, value in _values(path):
        number = _number(value)
        if number is None:
            raise DataError(f"{path} {where}: {ROW} is no whole number; correct it there")
        ids.add(number)
    if not ids:
        raise DataError(f"{path} names no row; give the test side of the split")
    return ids


def _values(path: Path) -> Iterable[tuple[str, object]]:
    """Place and value of each row id."""
    kind = path.suffix.lower()
    if kind == ".txt":
        lines = _text(path).splitlines()
        return [(f"line {number}", line) for number, line in enumerate(lines, 1) if line.strip()]
    if kind in (".csv", ".gz"):
        what = "the test side of croyer/MIMIC-III-split"
        return ((f"row {number}", row[ROW]) for number, row in rows(path, [ROW], what))
    if kind == ".parquet":
        return _parquet(path)
    if kind in (".json", ".jsonl"):
        return _json(path)
    raise DataError(f"{path} is neither .csv, .parquet, .json, .jsonl nor .txt; give one of them")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 at byte {error.start}; convert it to UTF-8") from error


def _json(path: Path) -> list[tuple[str, object]]:
    try:
        value = io.parse_json(_text(path), nan=True)
    except json.JSONDecodeError:
        value = None  # several lines: JSON Lines, which says where it breaks
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}; fetch it again") from error
    lines = io.read_jsonl(path) if not isinstance(value, list) else enumerate(value, 1)
    found: list[tuple[str, object]] = []
    for number, row in lines:
        if isinstance(row, dict):
            named = [value for key, value in row.items() if key.lower() == ROW.lower()]
            if not named:
                raise DataError(f"{path} row {number} has no '{ROW}'; give the test side of the split")
            row = named[0]
        found.append((f"row {number}", row))
    return found


def _parquet(path: Path) -> list[tuple[str, object]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} is no readable Parquet file; fetch it again") from error
    name = next((one for one in table.column_names if one.lower() == ROW.lower()), None)
    if name is None:
        raise DataError(f"{path} has no column '{ROW}'; give the test side of the split")
    return [(f"row {number}", value) for number, value in enumerate(table[name].to_pylist(), 1)]


def _number(value: object) -> int | None:
    """A whole number, also where a table was read as floats; ``None`` for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    text = str(value).strip().removesuffix(".0")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS else None
