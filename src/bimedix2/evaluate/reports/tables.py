"""The CSV files of MIMIC, plain or packed with gzip, one row at a time; some are gigabytes.

PhysioNet publishes them as ``.csv.gz``. Both are read, whatever the file is called: its first bytes tell.
"""

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from bimedix2.errors import DataError

FIELD = 1 << 24
"""Characters of one field at most: a note is one field."""
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"


def find(path: Path) -> Path | None:
    """The file itself, or the same one with ``.gz`` behind it."""
    return next((one for one in (path, path.with_name(f"{path.name}.gz")) if one.is_file()), None)


def _open(path: Path) -> IO[str]:
    with path.open("rb") as file:
        magic = file.read(4)
    if magic.startswith(ZIP):
        raise DataError(f"{path} is a zip archive; unpack it, and name the .csv or .csv.gz inside")
    if magic.startswith(GZIP):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def rows(path: Path, columns: Sequence[str], what: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number of a row, from 1, and some of its columns.

    Args:
        path: the file.
        columns: their names, which are looked for without regard to case.
        what: how an error calls the file.

    Raises:
        DataError: it cannot be read, breaks off, is no CSV, or lacks a column; names file and row.
    """
    number = 0
    try:
        csv.field_size_limit(FIELD)
        with _open(path) as file:
            reader = csv.reader(file, strict=True)
            head = [name.strip().lower() for name in next(reader, [])]
            missing = [name for name in columns if name.lower() not in head]
            if missing:
                raise DataError(
                    f"{path} has no column '{missing[0]}'; give {what}, as PhysioNet publishes it"
                )
            places = [(name, head.index(name.lower())) for name in columns]
            for number, values in enumerate(reader, 1):
                if len(values) != len(head):
                    raise DataError(
                        f"{path} row {number} has {len(values)} values for {len(head)} columns; "
                        "the file is not as it was published, fetch it again"
                    )
                yield number, {name: values[place] for name, place in places}
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path} breaks off after row {number}; fetch it again") from error
    except csv.Error as error:
        raise DataError(f"{path} is not CSV after row {number} ({error}); fetch it again") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 after row {number}; fetch it again") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check it") from error
