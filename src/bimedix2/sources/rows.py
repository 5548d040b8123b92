"""Rows of published files, one at a time: JSON (a list, an object, or lines), CSV and Parquet.

The first row decides: when it does not have the layout that the source states, the file is another one, and
the run stops with a sentence that names file, row and field. A later row that does not have it is kept aside
as a ``broken-row``, and the others go on.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.records import Language, Message, Provenance, Record, Split
from bimedix2.records.formats import Origin
from bimedix2.sources.removed import BROKEN, Removed, Unfit

BATCH = 64
"""Parquet rows in memory at a time: each may hold an image of megabytes."""


@dataclass(frozen=True)
class Row:
    """One row of a file.

    Attributes:
        where: file and row, for errors.
        key: its number in the file, from 1, or its key in a JSON object.
        value: the fields as they were published.
    """

    where: str
    key: str
    value: dict[str, Any]

    def text(self, field: str) -> str:
        """A field that must hold words or a number, without the blanks around it.

        Raises:
            DataError: it is absent or something else.
            Unfit: it is there and empty.
        """
        if field not in self.value:
            raise DataError(
                f"{self.where} has no '{field}'; fetch the file again as its authors published it"
            )
        value = self.value[field]
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if value is not None and not isinstance(value, str):
            raise DataError(f"{self.where}: '{field}' must be text, not {value!r:.60}; correct that row")
        if not (value or "").strip():
            raise Unfit("empty-field", f"{self.where}: '{field}' is empty")
        return str(value).strip()

    def about(self, *fields: str) -> dict[str, Any]:
        """Those of the fields that say something, under their published names."""
        found = {field: self.value.get(field) for field in fields}
        return {k: v.strip() if isinstance(v, str) else v for k, v in found.items() if v not in (None, "")}


Rows = Iterator[Row | DataError]


def _row(where: str, key: int | str, value: Any) -> Row | DataError:
    if isinstance(value, DataError):
        return value
    if not isinstance(value, dict):
        return DataError(f"{where} is not an object with fields; fetch the file again")
    return Row(where, str(key), value)


def _filled(read: Callable[[Path], Rows]) -> Callable[[Path], Rows]:
    """A reader that takes no file without rows for an empty part of a dataset: its download broke off."""

    @wraps(read)
    def rows(file: Path) -> Rows:
        row = None
        for row in read(file):
            yield row
        if row is None:
            raise DataError(f"{file} holds no row; fetch it again, or take it out of the folder")

    return rows


@_filled
def lines(file: Path) -> Rows:
    """Rows of JSON Lines; one that is not JSON is its error."""
    for number, value in io.read_lines(file):
        yield _row(f"{file} line {number}", number, value)


@_filled
def items(file: Path) -> Rows:
    """Rows of one JSON list; JSON that breaks off ends the reading."""
    for key, value in io.read_items(file):
        if not isinstance(key, int):
            raise DataError(f"{file} is a JSON object, not a list of rows; check that it is the right file")
        yield _row(f"{file} row {key}", key, value)


@_filled
def members(file: Path) -> Rows:
    """Rows of one JSON object, each under its key; JSON that breaks off ends the reading."""
    for key, value in io.read_items(file):
        if not isinstance(key, str):
            raise DataError(f"{file} is a JSON list, not an object of rows; check that it is the right file")
        yield _row(f"{file} '{key:.60}'", key, value)


def items_or_lines(file: Path) -> Rows:
    """Rows of a JSON list, or of JSON Lines whatever the file is called: its first character tells."""
    if not file.is_file():
        raise DataError(f"{file} does not exist; check the path")
    with file.open("rb") as opened:
        head = opened.read(4096).decode("utf-8-sig", "replace").lstrip()
    yield from lines(file) if head.startswith("{") else items(file)


@_filled
def table(file: Path) -> Rows:
    """Rows of a CSV file under the names of its first line."""
    with file.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as opened:
        reader = csv.reader(opened, strict=True)
        names = next(reader, [])
        number = 0
        while True:
            number += 1
            where = f"{file} row {number}"
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield DataError(f"{where} (line {reader.line_num}) is not CSV: {error}; correct it there")
                continue
            if len(values) != len(names):
                yield DataError(
                    f"{where} has {len(values)} values for {len(names)} columns; correct that row"
                )
            elif any(not text.isprintable() and _undecoded(text) for text in values):
                yield DataError(f"{where} is not UTF-8; convert the file to UTF-8")
            else:
                yield Row(where, str(number), dict(zip(names, values, strict=True)))


def _undecoded(text: str) -> bool:
    return any("\udc80" <= character <= "\udcff" for character in text)


@_filled
def parquet(file: Path) -> Rows:
    """Rows of a Parquet file."""
    number = 0
    try:
        with pq.ParquetFile(file) as opened:
            for batch in opened.iter_batches(BATCH):
                for value in batch.to_pylist():
                    number += 1
                    # pandas writes what is absent from a column of numbers as NaN, which equals nothing.
                    known = {name: one if one == one else None for name, one in value.items()}
                    yield _row(f"{file} row {number}", number, known)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{file} is no readable Parquet file after row {number}; fetch it again") from error


def published(path: Path, files: Mapping[str, Split], dataset: str) -> list[tuple[Path, Split]]:
    """The files of a dataset that are in a folder, each with its published side.

    Args:
        path: the folder.
        files: name, or pattern for numbered shards -> side.
        dataset: how the error calls it.

    Raises:
        DataError: there is none, or no folder.
    """
    if not path.is_dir():
        raise DataError(f"{path} is no folder; give the one that holds {dataset}'s published files")
    found = [(file, split) for name, split in files.items() for file in sorted(path.glob(name))]
    if not found:
        raise DataError(
            f"{path} has none of {', '.join(files)}; give the folder that holds {dataset}'s published files"
        )
    return found


def each(
    source: str, rows: Rows, identify: Callable[[Row], str], convert: Callable[[Row, str], Record]
) -> Iterator[Record | Removed]:
    """Yield what every row becomes.

    Args:
        source: the dataset, in front of every id.
        rows: of one file.
        identify: the id of a row inside the dataset.
        convert: ``convert(row, id)``: the record, id with the dataset in front.

    Raises:
        DataError: the first row does not have the layout, or there is none.
    """
    fits = False
    for number, row in enumerate(rows, 1):
        identity = f"{source}/row {number}"
        result: Record | Removed
        try:
            if isinstance(row, DataError):
                raise row
            identity = f"{source}/{identify(row)}"
            result = convert(row, identity)
        except Unfit as unfit:
            result = Removed(identity, unfit.reason, str(unfit))
        except DataError as error:
            if not fits:
                raise
            result = Removed(identity, BROKEN, str(error))
        fits = True
        yield result


def record(
    origin: Origin,
    identity: str,
    messages: Sequence[Message],
    *,
    split: Split,
    subject: str | None = None,
    url: str = "",
    meta: Mapping[str, Any] | None = None,
) -> Record:
    """Build a record of a dataset.

    Args:
        origin: what is true of all its records; ``language`` is one, not a function.
        identity: its id, the dataset in front.
        messages: the conversation.
        split: the published side.
        subject: patient, image or article, where the dataset tells.
        url: of this record, where it has one of its own.
        meta: what the dataset says of it.
    """
    assert isinstance(origin.language, Language)  # as the docstring asks
    return Record(
        id=identity,
        messages=tuple(messages),
        language=origin.language,
        task=origin.task,
        split=split,
        data_class=origin.data_class,
        provenance=Provenance(
            source=origin.source,
            source_id=identity.removeprefix(f"{origin.source}/"),
            subject=subject,
            url=url or origin.url,
            licence=origin.licence,
            attribution=origin.attribution,
        ),
        meta=dict(meta or {}),
    )
