"""The mixture: how many records of each kind, so that a large source does not drown a small one."""

import math
import random
from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from bimedix2.config import Settings
from bimedix2.dataset.batches import Bools, Ints
from bimedix2.dataset.survey import Profile

OWN = frozenset({"task", "language", "source", "component"})
"""What a cell can be made of beside the keys of a record's ``meta``."""


class MixtureConfig(Settings):
    """How the kept records of one side are drawn."""

    total: int | None = Field(default=None, ge=1)
    """How many records to keep, those of ``whole`` not counted; ``None`` keeps all."""
    whole: list[str] = []
    """Tasks of which every record is kept."""
    balance: list[str] = ["task", "language"]
    """What makes a cell: ``task``, ``language``, ``source``, ``component``, or a key of the record's
    ``meta``."""
    power: float = Field(default=0.5, ge=0, le=1)
    """A cell's weight is its size to this power: 0 gives equal cells, 1 the natural sizes."""
    weights: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = {}
    """Task, component, or any value that ``balance`` makes cells of (a language, a type) -> factor on the
    weight of its cells (1 where absent, 0 leaves them out); the factors of one cell multiply."""

    def meta(self) -> list[str]:
        """The keys of ``meta`` that make cells."""
        return [key for key in self.balance if key not in OWN]


def cell_of(profile: Profile, component: str, balance: Sequence[str], meta: Sequence[str]) -> tuple[str, ...]:
    """The cell of the records with a profile; its task stands first, whatever else makes it.

    Args:
        profile: theirs.
        component: theirs, empty where the recipe declares none.
        balance: what makes a cell.
        meta: the keys that ``profile.cells`` holds the values of.
    """
    own = {
        "task": profile.task,
        "language": profile.language,
        "source": profile.source,
        "component": component,
        **dict(zip(meta, profile.cells, strict=True)),
    }
    return (profile.task, *(own[key] for key in balance))


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


def shuffled(count: int, seed: int) -> Ints:
    """The numbers below ``count`` in a seeded random order."""
    order = list(range(count))
    random.Random(seed).shuffle(order)
    return np.array(order, dtype=np.int64)


def mix(
    cells: Ints, names: Sequence[tuple[str, ...]], components: Sequence[str], config: MixtureConfig, seed: int
) -> tuple[Ints, Bools]:
    """Draw the mixture of one side.

    Args:
        cells: of every row of the side, its cell: an index into ``names``.
        names: the cells, each beginning with its task.
        components: the component of every cell, which ``weights`` may name.
        config: how many of what.
        seed: of the order.

    Returns:
        A seeded random order of the side's rows; which of them, in that order, are kept.
    """
    order = shuffled(len(cells), seed)
    drawn = cells[order]
    whole = np.array([name[0] in config.whole for name in names], dtype=np.bool_)
    counts = np.bincount(cells, minlength=len(names))
    sizes = {name: int(counts[n]) for n, name in enumerate(names) if counts[n] and not whole[n]}
    factor = {
        name: math.prod(config.weights.get(part, 1.0) for part in sorted({*name, components[n]}))
        for n, name in enumerate(names)
    }
    weights = {name: factor[name] * size**config.power for name, size in sizes.items()}
    total = config.total if config.total is not None else len(cells)
    taken = allot(sizes, weights, total)
    most = np.array([counts[n] if whole[n] else taken.get(name, 0) for n, name in enumerate(names)])
    return order, place_in_group(drawn) < most[drawn]


def place_in_group(groups: Ints) -> Ints:
    """How many of the same group stand before each."""
    by_group = np.argsort(groups, kind="stable")
    ordered = groups[by_group]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(groups) else by_group
    sizes = np.diff(np.append(starts, len(groups)))
    place = np.empty(len(groups), dtype=np.int64)
    place[by_group] = np.arange(len(groups)) - np.repeat(starts, sizes)
    return place
