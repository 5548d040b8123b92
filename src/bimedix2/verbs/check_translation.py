"""``bimedix2 check translation``: what each translation of a file gets wrong, by name."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bimedix2.errors import DataError

if TYPE_CHECKING:
    from bimedix2.language.checks import Failure

FIELDS = ("source", "target")


@dataclass(frozen=True)
class Pair:
    """One line of the file."""

    line: int
    id: str
    source: str
    target: str


def translation(
    pairs: Annotated[
        Path, typer.Argument(help="JSON Lines with the fields source, target and, if you like, id.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a pair, then the summary.")
    ] = False,
) -> None:
    """Check translations between English and Arabic: sides, negation, numbers, units, drugs, sites and more.

    A verdict and the named failures are printed for every pair, then a table. A line that cannot be read is
    counted and the run goes on. Exit code: 0 all passed, 1 some failed or could not be read, 2 nothing could
    be checked.

    Example: bimedix2 check translation PAIRS.jsonl
    """
    from bimedix2.language.checks import check_translation

    passed, bad = 0, 0
    failed: Counter[str] = Counter()
    wrong = 0
    for row in _read(pairs):
        if isinstance(row, DataError):
            bad += 1
            _bad_line(row, as_json)
            continue
        failures = check_translation(row.source, row.target)
        passed, wrong = passed + (not failures), wrong + bool(failures)
        failed.update({failure.check for failure in failures})
        (_json if as_json else _plain)(row, failures)
    if not passed and not wrong:
        raise DataError(
            f"{pairs} has no pair that can be read; give lines like {{'source': ..., 'target': ...}}"
        )
    _summary(passed, wrong, bad, failed, as_json)
    if wrong or bad:
        raise typer.Exit(1)


def _read(path: Path) -> Iterator[Pair | DataError]:
    """The pairs of a file, and an error in the place of each line that is none."""
    from bimedix2.io import read_lines

    for number, value in read_lines(path):
        yield value if isinstance(value, DataError) else _pair(path, number, value)


def _pair(path: Path, number: int, value: Any) -> Pair | DataError:
    where = f"{path} line {number}"
    if not isinstance(value, dict):
        return DataError(f"{where} is no JSON object; write the fields source and target")
    for field in FIELDS:
        if not isinstance(value.get(field), str):
            return DataError(f"{where} has no text as '{field}'; write one")
    if not value["source"].strip():
        return DataError(f"{where} has an empty 'source'; remove the line or fill it in")
    own = value.get("id")
    name = f"line {number}" if own is None or own == "" else str(own)
    return Pair(number, name, value["source"], value["target"])


def _bad_line(error: DataError, as_json: bool) -> None:
    sys.stderr.write(f"skipped: {error}\n")
    if as_json:
        _write({"skipped": str(error)})


def _json(pair: Pair, failures: list["Failure"]) -> None:
    rows = [asdict(failure) for failure in failures]
    _write({"id": pair.id, "line": pair.line, "passed": not failures, "failures": rows})


def _plain(pair: Pair, failures: list["Failure"]) -> None:
    names = ", ".join(dict.fromkeys(failure.check for failure in failures))
    sys.stdout.write(f"{pair.id}: {f'FAILED {names}' if failures else 'passed'}\n")
    for failure in failures:
        sys.stdout.write(f"    {failure.check}: {failure.why}\n")


def _summary(passed: int, wrong: int, bad: int, failed: Counter[str], as_json: bool) -> None:
    if as_json:
        counts = dict(failed.most_common())
        _write({"summary": {"passed": passed, "failed": wrong, "skipped": bad, "failed_by_check": counts}})
        return
    sys.stdout.write(f"\n{passed + wrong} pairs: {passed} passed, {wrong} failed; {bad} lines skipped\n")
    for name, count in failed.most_common():
        sys.stdout.write(f"  {name:<14}{count:>8}\n")


def _write(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
