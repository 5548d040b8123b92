"""Which pairs are reviewed: a random share, the lowest quality first, or all of a kind."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.records import Record
from bimedix2.review.pairs import translation_of
from bimedix2.review.settings import Plan


class Sample(NamedTuple):
    """What the plans chose."""

    chosen: dict[str, tuple[str, ...]]
    """Id -> names of the plans, in the order in which pairs are handed out."""
    population: dict[str, int]
    """Plan -> how many pairs it chose from."""


def rank(name: str, seed: int) -> str:
    """The place of a record in a random order that depends on its id and the seed alone."""
    return io.sha256_bytes(f"review:{seed}:{name}".encode())


def choose(records: Iterable[Record], plans: Sequence[Plan], seed: int) -> Sample:
    """Choose from the translated records, each plan from all that its ``where`` takes.

    Plans do not know of each other: a random share of what another plan left over would estimate nothing.

    Raises:
        DataError: no record is a translation, a plan finds none, or ``lowest`` finds no quality at all.
    """
    found: list[list[tuple[str, float | None]]] = [[] for _ in plans]
    any_pair = False
    for record in records:
        said = translation_of(record)
        if said is None:
            continue
        any_pair = True
        for pool, plan in zip(found, plans, strict=True):
            if plan.where.takes(record):
                pool.append((record.id, said.quality))
    if not any_pair:
        raise DataError("no record has meta.translation, so there is nothing to review; run translate first")
    chosen: dict[str, tuple[str, ...]] = {}
    for pool, plan in zip(found, plans, strict=True):
        if not pool:
            raise DataError(f"the plan '{plan.name}' finds no translated record; check its 'where'")
        for name in _draw(pool, plan, seed):
            chosen[name] = (*chosen.get(name, ()), plan.name)
    return Sample(chosen, {plan.name: len(pool) for pool, plan in zip(found, plans, strict=True)})


def _draw(pool: list[tuple[str, float | None]], plan: Plan, seed: int) -> list[str]:
    if plan.plan == "all":
        return [name for name, _ in pool]
    size = plan.count if plan.count is not None else math.ceil(plan.share * len(pool) - 1e-9)  # type: ignore[operator]
    if plan.plan == "random":
        return sorted((name for name, _ in pool), key=lambda name: rank(name, seed))[:size]
    if all(quality is None for _, quality in pool):
        raise DataError(
            f"the plan '{plan.name}' needs meta.translation.quality, and no record has it; estimate it"
        )
    # Nothing vouches for a translation of unknown quality, so it comes before the lowest known.
    return [name for _, name in sorted((-math.inf if q is None else q, name) for name, q in pool)][:size]
