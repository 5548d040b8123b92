"""Files: atomic writes, hashes, JSON lines. Knows nothing about records, rooms or models."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn

from bimedix2.errors import DataError

CHUNK = 1 << 20
"""Bytes read at a time when a file is hashed."""


def sha256_bytes(data: bytes) -> str:
    """Return the hex sha256 of ``data``."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the hex sha256 of a file, read in pieces so that its size does not matter."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def canonical_json(value: Any) -> str:
    """Return JSON with sorted keys and no spaces: equal values give equal text, so it can be hashed."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def fsync_dir(path: Path) -> None:
    """Flush a directory's entries, so that a rename inside it survives a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _beside(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of ``path`` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    fsync_dir(path.parent)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: beside, fsync, rename."""
    with _beside(path) as file:
        file.write(data)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON (UTF-8, NaN refused) whole or not at all."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def parse_json(text: str) -> Any:
    """Parse JSON text as the standard has it.

    Raises:
        ValueError: a syntax error (``json.JSONDecodeError``), NaN or Infinity, nesting without end, or half
            of a surrogate pair, which no UTF-8 file can hold.
    """
    try:
        value = json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if "\\ud" in text.lower():
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            raise ValueError("an escape is half of a surrogate pair") from None
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON value, null is")


def read_json(path: Path) -> Any:
    """Read a JSON file; one that is missing, not UTF-8 or not JSON is a ``DataError``."""
    try:
        return parse_json(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; check the path") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check it") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 at byte {error.start}; convert it to UTF-8") from error
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path} is not JSON at line {error.lineno}: {error.msg}; correct it there"
        ) from error
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}; correct it there") from error


def read_jsonl(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield ``(line number from 1, value)`` of a JSON Lines file; empty lines are skipped.

    Raises:
        DataError: naming the file and line of the first one that is not JSON.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; check the path") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check it") from error
    with file:
        for number, raw in enumerate(file, 1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
                value = parse_json(line) if line else None
            except UnicodeDecodeError as error:
                raise DataError(f"{path} line {number} is not UTF-8; convert it to UTF-8") from error
            except ValueError as error:
                said = error.msg if isinstance(error, json.JSONDecodeError) else error
                raise DataError(f"{path} line {number} is not JSON: {said}; correct that line") from error
            if line:
                yield number, value


def write_jsonl(path: Path, rows: Iterable[Any]) -> int:
    """Write JSON Lines whole or not at all, row by row; return the number of rows."""
    count = 0
    with _beside(path) as file:
        for row in rows:
            file.write((json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8"))
            count += 1
    return count


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Sort key in which ``slice10`` follows ``slice9``."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"([0-9]+)", text)]
