"""Numbers of all pairs together that are no mean of the pairs' own, as a micro F1: functions of sums.

A scorer keeps for each pair what they come from (its ``details``, JSON values). The pair's own numbers, the
numbers of all pairs and their intervals are computed from these alone, so that a replay needs no weights and
no judge. ``POOLED`` is the table.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bimedix2.evaluate.metrics import chexbert_f1
from bimedix2.evaluate.metrics.radfact import scores as radfact

Array = NDArray[np.float64]
Detail = dict[str, Any]
Details = Sequence[Detail | None]
"""One a pair; ``None`` where the scorer has nothing of it."""


@dataclass(frozen=True)
class Pooled:
    """``keys``: of all pairs. ``columns``: a pair's own numbers. ``addends``: what it adds to the sums.

    ``of_sums``: sums ``(..., parts)`` to a number ``(...)`` under each key, NaN where it is undefined.
    ``parts``: how many addends there are.
    """

    keys: tuple[str, ...]
    parts: int
    columns: Callable[[Detail], dict[str, float | None]]
    addends: Callable[[Detail], list[float]]
    of_sums: Callable[[Array], dict[str, Array]]


POOLED: dict[str, Pooled] = {
    chexbert_f1.NAME: Pooled(
        chexbert_f1.POOLED,
        chexbert_f1.PARTS,
        chexbert_f1.columns,
        chexbert_f1.addends,
        chexbert_f1.of_sums,
    ),
    **{
        one.name: Pooled((one.f1,), radfact.PARTS, one.columns, one.addends, one.of_sums)
        for one in radfact.VARIANTS.values()
    },
}


def columns(name: str, details: Details) -> dict[str, list[float | None]]:
    """The pairs' own numbers, a column a key; ``None`` where there is no detail."""
    one = POOLED[name]
    rows = [None if detail is None else one.columns(detail) for detail in details]
    keys = next((list(row) for row in rows if row is not None), [])
    return {key: [None if row is None else row[key] for row in rows] for key in keys}


def matrix(name: str, details: Details) -> Array:
    """What the pairs that have details add, ``(pairs, parts)``."""
    one = POOLED[name]
    there = [one.addends(detail) for detail in details if detail is not None]
    return np.array(there, dtype=np.float64).reshape(len(there), one.parts)


def values(details: Mapping[str, Details]) -> dict[str, float | None]:
    """The numbers of all pairs together; ``None`` where one is undefined."""
    found: dict[str, float | None] = {}
    for name, rows in details.items():
        for key, value in POOLED[name].of_sums(matrix(name, rows).sum(axis=0)).items():
            found[key] = None if np.isnan(value) else float(value)
    return found
