"""Rows of Parquet, CSV and JSON files, every complaint with its file and row."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from bimedix2 import io
from bimedix2.errors import DataError

CHUNK = 1 << 12
"""Bytes in which a JSON file shows what it is."""


@dataclass(frozen=True)
class Table:
    """One row, and where it stands."""

    path: Path
    number: int | str
    value: dict[str, Any]

    @property
    def where(self) -> str:
        return f"{self.path} row {self.number}"


@dataclass(frozen=True)
class Rows:
    """A file's rows."""

    path: Path
    rows: list[Table]

    def __iter__(self) -> Iterator[Table]:
        return iter(self.rows)


def find(folder: Path, *patterns: str) -> list[Path]:
    """The files of the first pattern that has any.

    Raises:
        DataError: none has.
    """
    for pattern in patterns:
        if found := sorted(folder.glob(pattern)):
            return found
    raise DataError(
        f"{folder} has none of {', '.join(patterns)}; copy the benchmark there as it is published"
    )


def read(paths: list[Path], *, header: bool = True) -> Iterator[Rows]:
    """The rows of each file."""
    for path in paths:
        yield Rows(path, list(table(path, header=header)))


def table(path: Path, *, header: bool = True) -> Iterator[Table]:
    """Yield the rows of one file.

    Args:
        path: Parquet, CSV, JSON Lines, or JSON that is a list.
        header: a CSV file's first row names its columns; otherwise they are numbers from "0" on.

    Raises:
        DataError: the file is none of these, or a row is no object.
    """
    if path.suffix == ".parquet":
        rows = _parquet(path)
    elif path.suffix == ".csv":
        rows = _csv(path, header)
    else:
        rows = _json(path)
    for place, value in enumerate(rows):
        if not isinstance(value, dict):
            raise DataError(f"{path} row {place} is no object; fetch the file again")
        yield Table(path, place, value)


def _parquet(path: Path) -> Iterator[Any]:
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        for batch in file.iter_batches():
            yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is no Parquet file or is cut short; fetch it again") from error


def _csv(path: Path, header: bool) -> Iterator[Any]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no CSV file in UTF-8; fetch it again") from error
    names = rows[0] if header and rows else []
    for row in rows[1:] if header else rows:
        yield dict(zip(names, row, strict=False)) if header else {str(n): one for n, one in enumerate(row)}


def _json(path: Path) -> Iterator[Any]:
    if _is_list(path):
        yield from io.read_json(path)
    else:  # published files of JSON Lines are often called .json
        for _, value in io.read_jsonl(path):
            yield value


def _is_list(path: Path) -> bool:
    """Whether a file begins as a JSON list does, whatever stands behind."""
    try:
        with path.open("rb") as file:
            return file.read(CHUNK).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")
    except OSError:
        return False  # who reads on says what is wrong with it


def text(row: Table, field: str, *, blank: bool = False) -> str:
    """A field that is a text; ``blank``: it may be empty, as a few published options are.

    Raises:
        DataError: it is missing, empty, or no text.
    """
    value = row.value.get(field)
    if not isinstance(value, str) or not (blank or value.strip()):
        raise DataError(
            f"{row.where}: '{field}' is no text ({value!r:.40}); is this the benchmark's own layout?"
        )
    return value


def texts(row: Table, field: str, count: int | None = None) -> list[str]:
    """A field that is a list of texts, of so many where ``count`` says.

    Raises:
        DataError: it is not.
    """
    value = row.value.get(field)
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise DataError(f"{row.where}: '{field}' is no list of texts; is this the benchmark's own layout?")
    if count is not None and len(value) != count:
        raise DataError(f"{row.where}: '{field}' has {len(value)} texts, not {count}; correct that row")
    return value


def number(row: Table, field: str, low: int, high: int) -> int:
    """A field that is a whole number within bounds.

    Raises:
        DataError: it is not.
    """
    value = row.value.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise DataError(f"{row.where}: '{field}' is {value!r:.40}, not {low} to {high}; correct that row")
    return value


def letter(row: Table, value: str, options: int) -> int:
    """The place of a letter among so many options.

    Raises:
        DataError: it is none of theirs.
    """
    letters = ascii_uppercase[:options]
    one = value.strip().upper()
    if len(one) != 1 or one not in letters:
        raise DataError(
            f"{row.where}: the answer {value!r:.40} is none of {', '.join(letters)}; correct that row"
        )
    return letters.index(one)
