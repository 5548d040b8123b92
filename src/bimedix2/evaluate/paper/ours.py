"""Our own rows for the paper's tables: read, checked against the columns, averages completed.

An evaluation writes ``paper.jsonl`` into its folder, one row a line, and any program may write such a file:

    {"table": "table-3", "model": "nano", "values": {"conversation": 41.2, ...},
     "intervals": {"conversation": [38.0, 44.1]}, "signature": "benchmark:...", "partial": ""}

A row without a signature is refused. Values are in the table's unit (per cent, or shares of 1).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import DataError
from bimedix2.evaluate.paper.check import recompute
from bimedix2.evaluate.paper.published import Published, Table
from bimedix2.manifest import read_manifest

ROWS = "paper.jsonl"
"""In a folder of scores."""
AGREES = 1e-6
"""How far a given average may lie from the mean of its cells."""


class OurRow(Settings):
    """A system that was run here, or elsewhere and scored here, in one table."""

    table: str
    model: str = Field(min_length=1)
    values: dict[str, float] = Field(min_length=1)
    intervals: dict[str, tuple[float, float]] = {}
    signature: str = Field(min_length=1)
    """What the score rests on, in one line."""
    partial: str = ""
    """Why it is no whole result; empty if it is one."""


@dataclass(frozen=True)
class Rescaling:
    """How raw BLEU-4 and RadCliQ are brought to "higher is better, at most 1" (specification 2).

    The paper rescales both and does not say how; times ten and ``1 - RadCliQ / 10`` are the simplest reading
    of its cells, not proven by them.
    """

    bleu4: float = 10.0
    radcliq: float = 10.0

    def apply(self, values: dict[str, float]) -> dict[str, float]:
        """Add the rescaled values of the raw ones that are there."""
        done = dict(values)
        if "bleu4" in values:
            done.setdefault("bleu4_rescaled", min(1.0, self.bleu4 * values["bleu4"]))
        if "radcliq" in values:
            done.setdefault("radcliq_rescaled", min(1.0, max(0.0, 1 - values["radcliq"] / self.radcliq)))
        return done

    def words(self) -> str:
        """The formula, for beneath a table."""
        return (
            f"Of systems run here, BLEU-4* is {self.bleu4:g} x BLEU-4, at most 1, and RadCliQ* is "
            f"1 - RadCliQ-v1 / {self.radcliq:g}, from 0 to 1; how the paper rescales is not published, so "
            "its averages and ours must not be ranked together."
        )


@dataclass(frozen=True)
class Rows:
    """Our rows, complete, by table."""

    by_table: dict[str, list[OurRow]] = field(default_factory=dict)
    rescaling: Rescaling = Rescaling()

    def of(self, table: str) -> list[OurRow]:
        return self.by_table.get(table, [])


def read(sources: Sequence[Path]) -> list[OurRow]:
    """Read rows of finished folders of scores (their ``paper.jsonl``), or of files.

    Raises:
        DataError: a line is no row, or has no signature.
        RunError: a folder is not finished.
    """
    rows = []
    for source in sources:
        path = source
        if not source.is_file():
            if ROWS not in read_manifest(source)["files"]:
                raise DataError(f"{source} has no {ROWS}; it holds no score that the paper has a table for")
            path = source / ROWS
        rows += [_parse(value, f"{path} line {number}") for number, value in io.read_jsonl(path)]
    return rows


def _parse(value: Any, where: str) -> OurRow:
    try:
        return OurRow.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "row"
        raise DataError(f"{where}: '{key}': {first['msg']}; correct that row") from error


def arrange(rows: Iterable[OurRow], published: Published, rescaling: Rescaling | None = None) -> Rows:
    """Check rows against the tables, complete rescaled values and averages, and sort them by table.

    Raises:
        DataError: no such table or column, a value outside the unit, an average that its cells do not give,
            or a model twice in one table.
    """
    rescaling = rescaling or Rescaling()
    by_table: dict[str, list[OurRow]] = {}
    for row in rows:
        table = published.table(row.table)
        where = f"{row.table}, row '{row.model}'"
        if row.model in (other.model for other in by_table.get(row.table, [])):
            raise DataError(f"{where} is given twice; name the second model otherwise, or leave it out")
        for key, value in [*row.values.items(), *_ends(row)]:
            _check_value(table, key, value, where)
        values = _with_averages(table, rescaling.apply(row.values), where)
        by_table.setdefault(row.table, []).append(row.model_copy(update={"values": values}))
    return Rows(by_table, rescaling)


def _ends(row: OurRow) -> list[tuple[str, float]]:
    return [(key, end) for key, ends in row.intervals.items() for end in ends]


def _check_value(table: Table, key: str, value: float, where: str) -> None:
    column = table.column(key)
    if not math.isfinite(value):
        raise DataError(f"{where}: '{key}' is {value}; leave out what could not be measured")
    if table.unit == "share" and not column.free and not 0 <= value <= 1:
        raise DataError(f"{where}: '{key}' is {value}, but {table.id} has shares from 0 to 1; divide by 100")
    if table.unit != "share" and value < 0:
        raise DataError(f"{where}: '{key}' is {value}, below 0; check the score")


def _with_averages(table: Table, values: dict[str, float], where: str) -> dict[str, float]:
    """Values with the average that their cells give; never one of some of the cells alone."""
    done = dict(values)
    for check in table.checks:
        mean = recompute(check, done)
        if mean is None:
            continue
        given = done.setdefault(check.column, mean)
        # Weighted averages are of items: some of those may have failed to be judged.
        if check.mean and abs(given - mean) > AGREES:
            raise DataError(
                f"{where}: '{check.column}' is {given}, but its cells give {mean:.6f}; leave the average out"
            )
    return done
