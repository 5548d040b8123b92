"""Do the paper's printed averages recompute from its printed cells? The cells that do not, listed.

Printed cells are rounded, so a recomputed average has room: half a unit of the last digit for the inputs, and
as much for the average. What differs by more was computed from other numbers than those printed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bimedix2.evaluate.paper.published import Check, Published, Table

Verdict = Literal["equal", "within rounding", "differs"]

SLACK = 1e-9
"""For decimal halves that binary numbers miss."""


@dataclass(frozen=True)
class Recomputed:
    """One average: as printed, and as its cells give it."""

    table: str
    row: str
    check: str
    printed: float
    recomputed: float
    verdict: Verdict


@dataclass(frozen=True)
class Compared:
    """Two cells that stand for the same thing."""

    first: tuple[str, str, str]
    second: tuple[str, str, str]
    values: tuple[float, float]
    same: bool


def recompute(check: Check, values: Mapping[str, float | None]) -> float | None:
    """The mean that a check speaks of; ``None`` if any cell of it is empty."""
    total = 0.0
    for key, share in check.shares.items():
        value = values.get(key)
        if value is None:
            return None
        total += share * value
    return total


def averages(published: Published) -> list[Recomputed]:
    """Every average that can be recomputed, in the order of the tables."""
    found = []
    for table in published.tables:
        for check in table.checks:
            for row in table.rows:
                values = {column.key: table.value(row, column.key) for column in table.columns}
                printed, ours = values[check.column], recompute(check, values)
                if printed is not None and ours is not None:
                    verdict = _verdict(table, check.column, printed, ours)
                    found.append(Recomputed(table.id, row, check.name, printed, ours, verdict))
    return found


def _verdict(table: Table, column: str, printed: float, ours: float) -> Verdict:
    unit = 10.0 ** -table.places(column)
    if abs(printed - ours) <= unit / 2 + SLACK:
        return "equal"
    return "within rounding" if abs(printed - ours) <= unit + SLACK else "differs"


def mismatches(published: Published) -> list[Recomputed]:
    """Averages that no rounding of the printed cells explains."""
    return [one for one in averages(published) if one.verdict == "differs"]


def agreements(published: Published) -> list[Compared]:
    """Cells that are printed in two places; equal up to the coarser one's rounding."""
    found = []
    for pair in published.agree:
        tables = [published.table(table) for table, _, _ in pair]
        values = [table.value(row, key) or 0.0 for table, (_, row, key) in zip(tables, pair, strict=True)]
        places = min(table.places(key) for table, (_, _, key) in zip(tables, pair, strict=True))
        same = abs(values[0] - values[1]) <= 10.0**-places / 2 + SLACK
        found.append(Compared(pair[0], pair[1], (values[0], values[1]), same))
    return found


def impossible(table: Table) -> list[tuple[str, str, float]]:
    """Cells in per cent that no whole number of right answers gives, where the number of items is known.

    Returns:
        Row, column and printed value. Such a cell was truncated, or rests on another number of items.
    """
    found = []
    for column in table.columns:
        if column.n is None or table.unit != "percent":
            continue
        for row in table.rows:
            value = table.value(row, column.key)
            if value is not None and not _possible(value, column.n, table.places(column.key)):
                found.append((row, column.key, value))
    return found


def _possible(value: float, items: int, places: int) -> bool:
    unit = 10.0**-places
    nearest = round(value * items / 100)
    # An exact half may be rounded either way.
    return any(
        abs(100 * right / items - value) <= unit / 2 + SLACK
        for right in (nearest - 1, nearest, nearest + 1)
        if 0 <= right <= items
    )


def report(published: Published) -> str:
    """The checks as Markdown: what does not recompute first."""
    done = averages(published)
    wrong = [one for one in done if one.verdict == "differs"]
    close = [one for one in done if one.verdict == "within rounding"]
    parts = [
        "# Do the published averages recompute?",
        f"{len(done)} averages: {len(done) - len(wrong) - len(close)} equal, {len(close)} within the "
        f"rounding of their cells, {len(wrong)} differ.",
        "## Averages that differ from their cells",
        _table(wrong),
        "## Averages that only the rounding of their cells explains",
        _table(close),
        "## Cells that are printed twice",
    ]
    same = agreements(published)
    lines = [
        f"- {' and '.join(map(_cell, (c.first, c.second)))}: {c.values[0]} and {c.values[1]}"
        for c in same
        if not c.same
    ]
    parts.append("\n".join(lines) if lines else f"All {len(same)} pairs agree.")
    parts.append("## Cells of Table 2 that no whole number of right answers gives")
    odd = impossible(published.table("table-2"))
    parts.append("\n".join(f"- {row}, {key}: {value}" for row, key, value in odd) or "None.")
    return "\n\n".join(parts) + "\n"


def _cell(cell: tuple[str, str, str]) -> str:
    return ", ".join(cell)


def _table(rows: list[Recomputed]) -> str:
    if not rows:
        return "None."
    lines = ["| table | row | check | printed | recomputed |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {r.table} | {r.row} | {r.check} | {r.printed} | {r.recomputed:.4f} |" for r in rows]
    return "\n".join(lines)
