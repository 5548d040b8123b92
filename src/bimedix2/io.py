"""Files: atomic writes, hashes, JSON lines. Knows nothing about records, rooms or models."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NoReturn, TextIO

from bimedix2.errors import DataError

CHUNK = 1 << 20
"""Bytes read at a time when a file is hashed, and characters when one is parsed piece by piece."""
ITEM = 1 << 26
"""Characters of one item of a JSON file, above which the file counts as broken and is read no further."""


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


def parse_json(text: str, *, nan: bool = False) -> Any:
    """Parse JSON text as the standard has it.

    Args:
        text: one value.
        nan: take NaN and Infinity too, which pandas writes where there is no value.

    Raises:
        ValueError: a syntax error (``json.JSONDecodeError``), NaN or Infinity, nesting without end, or half
            of a surrogate pair, which no UTF-8 file can hold.
    """
    try:
        value = json.loads(text, parse_constant=None if nan else _refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    refuse_halves(text, value)
    return value


def refuse_halves(text: str, value: Any) -> None:
    """Refuse a value with half of a surrogate pair.

    Args:
        text: the JSON that the value was parsed from.
        value: what is looked through where the text has such an escape.

    Raises:
        ValueError: there is one.
    """
    if "\\ud" in text.lower():
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            raise ValueError("an escape is half of a surrogate pair") from None


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


def read_lines(path: Path, nan: bool = False) -> Iterator[tuple[int, Any]]:
    """Yield ``(line number from 1, value)`` of a JSON Lines file; empty lines are skipped.

    A line that is not JSON is a ``DataError`` in the place of its value, so that the reader decides whether
    the file ends there.

    Args:
        path: the file.
        nan: read NaN and infinities too, which tables write where there is no value.

    Raises:
        DataError: there is no such file, or it cannot be read.
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
                if line:
                    yield number, parse_json(line, nan=nan)
            except UnicodeDecodeError:
                yield number, DataError(f"{path} line {number} is not UTF-8; convert it to UTF-8")
            except ValueError as error:
                said = error.msg if isinstance(error, json.JSONDecodeError) else error
                yield number, DataError(f"{path} line {number} is not JSON: {said}; correct that line")


def read_jsonl(path: Path, nan: bool = False) -> Iterator[tuple[int, Any]]:
    """Yield ``(line number from 1, value)`` of a JSON Lines file; empty lines are skipped.

    Args:
        path: the file.
        nan: as in ``read_lines``.

    Raises:
        DataError: naming the file and line of the first one that is not JSON.
    """
    for number, value in read_lines(path, nan):
        if isinstance(value, DataError):
            raise value
        yield number, value


_DECODER = json.JSONDecoder(parse_constant=_refuse)


class _Text:
    """The text of a file, a piece at a time: what stands before ``at`` is forgotten at the next piece."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lines = 1
        self.held = ""
        self.at = 0

    def more(self) -> bool:
        """Read on; false at the file's end, or when what is held is longer than any item."""
        if len(self.held) - self.at > ITEM:
            return False
        piece = self._file.read(CHUNK)
        self._lines += self.held.count("\n", 0, self.at)
        self.held, self.at = self.held[self.at :] + piece, 0
        return bool(piece)

    def line(self, at: int) -> int:
        """Number of the line, from 1, that holds a character."""
        return self._lines + self.held.count("\n", 0, at)

    def peek(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            while self.at < len(self.held):
                if not self.held[self.at].isspace():
                    return self.held[self.at]
                self.at += 1
            if not self.more():
                return ""

    def value(self) -> Any:
        """Parse the value that begins here, and go to its end."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self.held, self.at)
            except json.JSONDecodeError as error:
                within = error.pos - self.at
                if not self.more():  # so it is not the piece that ends too early
                    error.pos = self.at + within
                    raise
                continue
            except RecursionError:
                raise ValueError("it is nested too deeply") from None
            # "1e+" holds a whole 1: two characters may follow a number before it is seen to go on
            length = end - self.at  # reading on moves what is held
            if end + 2 < len(self.held) or not self.more():
                end = self.at + length
                refuse_halves(self.held[self.at : end], value)
                self.at = end
                return value


def read_items(path: Path) -> Iterator[tuple[int | str, Any]]:
    """Yield the items of a JSON file that is one list or one object, without holding the file in memory.

    Of a list these are ``(number from 1, value)``, of an object ``(key, value)``.

    Raises:
        DataError: the file is neither, not UTF-8, or not JSON, with the line; what came before was yielded.
    """
    try:
        file = path.open(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; check the path") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check it") from error
    with file:
        text = _Text(file)
        try:
            yield from _items(text, path)
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path} is not UTF-8 after line {text.line(text.at)}; convert it to UTF-8"
            ) from error
        except json.JSONDecodeError as error:
            line = text.line(error.pos)
            raise DataError(f"{path} is not JSON at line {line}: {error.msg}; correct it there") from error
        except ValueError as error:
            line = text.line(text.at)
            raise DataError(f"{path} is not JSON at line {line}: {error}; correct it there") from error


def _items(text: _Text, path: Path) -> Iterator[tuple[int | str, Any]]:
    opening = text.peek()
    if opening not in ("[", "{"):
        raise DataError(f"{path} is neither a JSON list nor a JSON object; check that it is the right file")
    closing = "]" if opening == "[" else "}"
    text.at += 1
    number = 0
    if text.peek() != closing:
        while True:
            number += 1
            key: int | str = number
            if opening == "{":
                key = text.value()
                if not isinstance(key, str):
                    raise ValueError("a key is no text")
                _expect(text, ":")
            yield key, text.value()
            if text.peek() != ",":
                break
            text.at += 1
    _expect(text, closing)
    if text.peek():
        raise ValueError("there is text after its end")


def _expect(text: _Text, character: str) -> None:
    if text.peek() != character:
        raise ValueError(f"'{character}' is missing")
    text.at += 1


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
