"""The mixture: how many records of each kind, so that a large source does not drown a small one."""

import random
from collections.abc import Mapping, Sequence

from pydantic import Field

from bimedix2.config import Settings
from bimedix2.records import Record


class MixtureConfig(Settings):
    """How the kept records of one side are drawn."""

    total: int | None = Field(default=None, ge=1)
    """How many records to keep, those of ``whole`` not counted; ``None`` keeps all."""
    whole: list[str] = []
    """Tasks of which every record is kept."""
    balance: list[str] = ["task", "language"]
    """What makes a cell: ``task``, ``language``, ``source``, or a key of the record's ``meta``."""
    power: float = Field(default=0.5, ge=0, le=1)
    """A cell's weight is its size to this power: 0 gives equal cells, 1 the natural sizes."""
    weights: dict[str, float] = {}
    """Task -> factor on the weight of its cells (1 where absent, 0 leaves the task out)."""


def cell_of(record: Record, balance: Sequence[str]) -> tuple[str, ...]:
    """The cell that a record belongs to."""
    own = {"task": record.task, "language": record.language.value, "source": record.provenance.source}
    return tuple(str(own[key]) if key in own else str(record.meta.get(key, "")) for key in balance)


def allot(
    sizes: Mapping[tuple[str, ...], int], weights: Mapping[tuple[str, ...], float], total: int
) -> dict[tuple[str, ...], int]:
    """Share ``total`` over cells by weight, none above its size; what a full cell cannot take goes to others.

    Returns:
        Cell -> number; the sum is ``total``, or the sum of the sizes of weighted cells where that is smaller.
    """
    taken = dict.fromkeys(sizes, 0)
    open_cells = sorted(cell for cell, size in sizes.items() if size and weights[cell] > 0)
    left = min(total, sum(sizes[cell] for cell in open_cells))
    while left and open_cells:
        weight = sum(weights[cell] for cell in open_cells)
        shares = {cell: left * weights[cell] / weight for cell in open_cells}
        full = [cell for cell in open_cells if shares[cell] >= sizes[cell]]
        if full:
            for cell in full:
                taken[cell] = sizes[cell]
                left -= sizes[cell]
            open_cells = [cell for cell in open_cells if cell not in full]
            continue
        for cell in open_cells:
            taken[cell] = int(shares[cell])
        rest = left - sum(taken[cell] for cell in open_cells)
        for cell in sorted(open_cells, key=lambda c: (int(shares[c]) - shares[c], c))[:rest]:
            taken[cell] += 1
        break
    return taken


def mix(records: Sequence[Record], config: MixtureConfig, seed: int) -> tuple[list[Record], list[Record]]:
    """Draw the mixture; return ``(kept, left out)``, both in a seeded random order."""
    order = list(records)
    random.Random(seed).shuffle(order)
    cells: dict[tuple[str, ...], list[Record]] = {}
    tasks: dict[tuple[str, ...], str] = {}
    for record in order:
        if record.task in config.whole:
            continue
        cell = (record.task, *cell_of(record, config.balance))
        cells.setdefault(cell, []).append(record)
        tasks[cell] = record.task
    sizes = {cell: len(rows) for cell, rows in cells.items()}
    weights = {
        cell: config.weights.get(tasks[cell], 1.0) * size**config.power for cell, size in sizes.items()
    }
    total = config.total if config.total is not None else len(order)
    taken = allot(sizes, weights, total)
    chosen = {record.id for cell, rows in cells.items() for record in rows[: taken[cell]]}
    chosen |= {record.id for record in order if record.task in config.whole}
    kept = [record for record in order if record.id in chosen]
    return kept, [record for record in order if record.id not in chosen]
