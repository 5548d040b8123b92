"""Pairs of texts from a JSON Lines file. What cannot be scored is kept aside with its line, never skipped."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bimedix2 import io
from bimedix2.errors import DataError

IDS = ("id", "question_id")


class Pair(NamedTuple):
    """One line: the text that is right, the text to score, and the row's own id if it has one."""

    line: int
    right: str
    given: str
    id: str | int | None = None


class Fault(NamedTuple):
    """A line that is not scored, or one that is and deserves a look."""

    line: int
    reason: str


@dataclass(frozen=True)
class Pairs:
    """A file's pairs; ``left_out`` are lines that have none, ``noted`` are scored all the same."""

    path: Path
    pairs: list[Pair]
    left_out: list[Fault] = field(default_factory=list)
    noted: list[Fault] = field(default_factory=list)

    @property
    def partial(self) -> str:
        """One sentence where lines were left out, else empty."""
        count = len(self.left_out)
        total = count + len(self.pairs)
        return f"partial: {count} of {total} lines of {self.path.name} are left out" if count else ""


def count_reasons(faults: Iterable[Fault]) -> dict[str, int]:
    """Reason -> number of lines, the most frequent first."""
    return dict(Counter(fault.reason for fault in faults).most_common())


def read_pairs(path: Path, right: str, given: str) -> Pairs:
    """Read a file of pairs.

    A text that is absent, null, not a string, or in a line that is not JSON (NaN is none) leaves its line
    out. An empty text is scored, and noted.

    Args:
        path: JSON Lines.
        right: the field of the text that is right.
        given: the field of the text to score.

    Raises:
        DataError: there is no such file, or no line of it has a pair.
    """
    found = Pairs(path, [])
    seen: dict[str | int, int] = {}
    for line, row in io.read_lines(path):
        if isinstance(row, DataError):
            found.left_out.append(Fault(line, str(row).removeprefix(f"{path} line {line} ")))
            continue
        reason = _fault(row, right, given)
        if reason:
            found.left_out.append(Fault(line, reason))
            continue
        own = next((row[key] for key in IDS if isinstance(row.get(key), str | int)), None)
        if own is not None and seen.setdefault(own, line) != line:
            found.noted.append(Fault(line, "an id that came before"))
        for name in (right, given):
            if not row[name].strip():
                found.noted.append(Fault(line, f"'{name}' is empty"))
        found.pairs.append(Pair(line, row[right], row[given], own))
    if not found.pairs:
        why = f"; line {found.left_out[0].line}: {found.left_out[0].reason}" if found.left_out else ""
        raise DataError(f"{path} has no pair of '{right}' and '{given}' to score{why}")
    return found


def _fault(row: Any, right: str, given: str) -> str:
    if not isinstance(row, dict):
        return "is no JSON object"
    for name in (right, given):
        if name not in row:
            return f"has no field '{name}'"
        if not isinstance(row[name], str):
            kind = "null" if row[name] is None else type(row[name]).__name__
            return f"'{name}' is {kind}, not text"
    return ""
