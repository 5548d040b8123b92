"""A user's own LLaVA, ShareGPT or messages file: what is wrong with it, and a mended copy beside it.

The file itself is never written to. A row that cannot be mended goes to a file of its own, as it was read.
"""

import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.dataset.mend import Form, Problem, form_of, mend
from bimedix2.errors import ConfigError, DataError
from bimedix2.records.formats import FORMATS
from bimedix2.records.formats.files import LINES, RowFile

BOM = b"\xef\xbb\xbf"
WIDE = (b"\xff\xfe", b"\xfe\xff")
HIGH = re.compile(rb"[\x80-\xff]+")
ARABIC = re.compile(r"[\u0621-\u064a]")
BROKEN_JSON = "broken-json"
LOST = "\ufffd"
"""What stands in the place of bytes that are no character."""


@dataclass(frozen=True)
class Broken:
    """A row that is no JSON: why, and its words as far as it is known where they end."""

    why: str
    text: str


@dataclass(frozen=True)
class Result:
    """What was found.

    Attributes:
        problems: all, in the order of the file.
        rows: how many there are.
        left_out: how many cannot be mended.
        form: the format that the file was read as.
        written: the files that ``fix`` made.
    """

    problems: list[Problem]
    rows: int
    left_out: int
    form: Form
    written: list[Path] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Problems by name."""
        return dict(Counter(problem.name for problem in self.problems).most_common())


def check(file: Path, form: str | None = None, images: Path | None = None, fix: bool = False) -> Result:
    """Check a file, and mend a copy of it if ``fix`` says so.

    ``fix`` writes ``NAME.fixed.json`` (or the file's own suffix), ``NAME.report.jsonl`` with every problem
    and what was done about it, and ``NAME.left_out.jsonl`` with the rows that cannot be mended; nothing if
    nothing is wrong.

    Args:
        file: a JSON list or JSON Lines.
        form: a key of ``FORMATS``; ``None`` tells it by the first row.
        images: the folder below which the rows name images, to look whether they are there.
        fix: whether to write.

    Raises:
        DataError: there is no such file, it is a folder, or no row is in it.
        ConfigError: no such format; or a file that would be written is there already.
    """
    if form is not None and form not in FORMATS:
        raise ConfigError(f"'{form}' is no format; choose one of {', '.join(FORMATS)}")
    if file.is_dir():
        raise DataError(f"{file} is a folder; give a file of conversations in it")
    suffix = file.suffix or ".json"
    outputs = [
        file.with_name(f"{file.stem}.{name}") for name in (f"fixed{suffix}", "report.jsonl", "left_out.jsonl")
    ]
    there = [path for path in outputs if path.exists()]
    if fix and there:
        raise ConfigError(f"{there[0]} is there already and is not overwritten; move it away")
    with tempfile.TemporaryDirectory() as scratch:
        clean, problems = as_utf8(file, Path(scratch))
        result = _checked(file, clean, problems, form, images, None)
        if not fix or not result.problems:
            return result
        result = _checked(file, clean, problems, form, images, (outputs[0], outputs[2]))
        io.write_jsonl(outputs[1], (asdict(problem) for problem in result.problems))
        result.written.extend(path for path in outputs if path.exists())
        return result


def _checked(
    file: Path,
    clean: Path,
    problems: list[Problem],
    form: str | None,
    images: Path | None,
    out: tuple[Path, Path] | None,
) -> Result:
    problems = list(problems)
    seen: dict[str, set[str]] = {}
    chosen: Any = form
    rows = left_out = 0
    with ExitStack() as stack:
        fixed = stack.enter_context(RowFile(out[0])) if out else None
        aside: RowFile | None = None
        for number, value in _rows(clean, file):
            if isinstance(value, Broken):
                row, found = None, [Problem(number, 0, BROKEN_JSON, value.why, "")]
            else:
                if chosen is None and isinstance(value, dict):
                    chosen = form_of(value)
                row, found = mend(value, number, chosen or "llava", images)
            if row is not None:
                row = _once(row, number, seen, found)
            rows += 1
            problems += found
            if row is None:
                left_out += 1
                if out is not None:
                    aside = aside or stack.enter_context(RowFile(out[1]))
                    broken = isinstance(value, Broken)
                    aside.add({"row": number, **({"text": value.text} if broken else {"value": value})})
            elif fixed is not None:
                fixed.add(row)
    if not rows:
        raise DataError(f"{file} holds no row; check that it is the right file")
    return Result(problems, rows, left_out, chosen or "llava")


def _once(
    row: dict[str, Any], number: int, seen: dict[str, set[str]], found: list[Problem]
) -> dict[str, Any] | None:
    """A row whose id an earlier one has gets another, or is left out if it says the same."""
    own = row.get("id")
    if own in (None, ""):
        return row
    name, content = str(own), io.sha256_bytes(io.canonical_json(row).encode("utf-8", "surrogatepass"))
    if name not in seen:
        seen[name] = {content}
        return row
    if content in seen[name]:
        found.append(
            Problem(number, 0, "duplicate-row", f"an earlier row is the same, id {name!r:.60}", "left out")
        )
        return None
    seen[name].add(content)
    renamed = f"{name}#{number}"
    while renamed in seen:
        renamed += "#"
    found.append(
        Problem(number, 0, "duplicate-id", f"an earlier row has the id {name!r:.60}", f"now '{renamed}'")
    )
    seen[renamed] = {content}
    return {**row, "id": renamed}


def _rows(clean: Path, file: Path) -> Iterator[tuple[int, Any]]:
    """Yield (row number from 1, value or ``Broken``); of JSON Lines, the line number."""
    if file.suffix.lower() in LINES or _first_character(clean) == "{":
        with clean.open("rb") as opened:
            lines = enumerate(opened, 1)
            for number, value in io.read_lines(clean):
                if isinstance(value, DataError):
                    raw = next(line for at, line in lines if at == number)
                    value = Broken(_of_file(value, clean, file), raw.decode("utf-8").rstrip("\r\n"))
                yield number, value
        return
    number = 0
    try:
        for key, value in io.read_items(clean):
            number += 1
            if not isinstance(key, int):
                raise DataError(f"{file} is one JSON object, not a list of rows; wrap it in [ ]")
            yield number, value
    except DataError as error:
        why = f"{_of_file(error, clean, file)}; this row and all that follow it were not read"
        yield number + 1, Broken(why, "")


def _of_file(error: DataError, clean: Path, file: Path) -> str:
    return str(error).replace(str(clean), str(file))


def _first_character(path: Path) -> str:
    with path.open("rb") as opened:
        return opened.read(4096).decode("utf-8", "replace").lstrip()[:1]


def as_utf8(file: Path, scratch: Path) -> tuple[Path, list[Problem]]:
    """The file itself if it is UTF-8 without a byte order mark, else a copy that is, and what was wrong.

    Bytes that are not UTF-8 are read as Windows-1256 where that gives Arabic letters, else as Windows-1252.

    Raises:
        DataError: there is no such file.
    """
    try:
        opened = file.open("rb")
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror}); check the path") from error
    problems: list[Problem] = []
    copy = scratch / file.name
    with opened, copy.open("wb") as out:
        head = opened.read(3)
        if head[:2] in WIDE:
            opened.seek(0)
            text = opened.read().decode("utf-16", "replace")
            problems.append(Problem(0, 0, "not-utf8", f"the file is UTF-16{_lost(text)}", "written as UTF-8"))
            out.write(text.encode("utf-8"))
            return copy, problems
        if head == BOM:
            problems.append(Problem(0, 0, "byte-order-mark", "the file begins with one", "taken out"))
        else:
            opened.seek(0)
        for number, line in enumerate(opened, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                before = line.count(LOST.encode())
                line, encoding = _decoded(line)
                what = f"line {number} is not UTF-8 at its byte {error.start + 1}; it looks like {encoding}"
                what += _lost(line.decode("utf-8"), before)
                row = number if file.suffix.lower() in LINES else 0
                problems.append(Problem(row, 0, "not-utf8", what, "written as UTF-8"))
            out.write(line)
    return (copy if problems else file), problems


def _lost(text: str, before: int = 0) -> str:
    """What is to be said of characters that no encoding gives; ``before`` of them stood there as such."""
    count = text.count(LOST) - before
    return f", and {count} characters cannot be read ({LOST!a})" if count > 0 else ""


def _decoded(line: bytes) -> tuple[bytes, str]:
    """A line with other bytes than UTF-8, as UTF-8, and what they were taken for."""
    used: Counter[str] = Counter()

    def piece(match: re.Match[bytes]) -> bytes:
        try:
            match[0].decode("utf-8")
            return match[0]
        except UnicodeDecodeError:
            arabic = match[0].decode("cp1256", "replace")
            encoding = "cp1256" if ARABIC.search(arabic) and len(match[0]) > 1 else "cp1252"
            used[encoding] += 1
            return match[0].decode(encoding, "replace").encode("utf-8")

    fixed = HIGH.sub(piece, line)
    names = {"cp1256": "Windows-1256", "cp1252": "Windows-1252"}
    return fixed, " and ".join(names[name] for name in sorted(used))
