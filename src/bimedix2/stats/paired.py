"""Is one system better than another on the same items? Paired tests in which whole groups stay together.

All three take a value an item and system, in one order, and the group of each item (its image, subject or
claim): answers about one picture are no independent evidence. ``parts`` makes the statistic a macro mean, the
mean over parts of the parts' means, as the average of the paper's Table 2 is.

Sources: paired bootstrap, Koehn 2004 (EMNLP, 388-395) and Efron and Tibshirani 1993, chapter 15; approximate
randomisation, Noreen 1989, with the p-value of Phipson and Smyth 2010; McNemar 1947, exact.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bimedix2.errors import DataError
from bimedix2.stats import bootstrap
from bimedix2.stats.bootstrap import Estimate

Array = NDArray[np.float64]

EXACT = 16
"""Up to so many groups every way of swapping them is tried, instead of random ones."""
CHUNK = 1 << 22
"""Random signs drawn at a time."""
TIE = 1e-12
"""Sums that differ by less are equal."""


@dataclass(frozen=True)
class Bootstrapped:
    """The paired difference, ours minus theirs, and what resampling says of its sign.

    ``wins`` is the share of resamples in which ours is ahead (half of a tie); ``p`` is two-sided. Both are
    ``None`` with a single group.
    """

    difference: Estimate
    wins: float | None
    p: float | None
    items: int
    groups: int


@dataclass(frozen=True)
class Randomised:
    """The paired difference and the share of swaps that give one as large; ``exact``: of all swaps."""

    difference: float
    p: float
    exact: bool
    rounds: int
    items: int
    groups: int


@dataclass(frozen=True)
class McNemar:
    """Items that ours alone has right, that theirs alone has right, and the exact two-sided p-value."""

    ours_only: int
    theirs_only: int
    p: float
    items: int
    groups: int


def paired_bootstrap(
    ours: Sequence[float],
    theirs: Sequence[float],
    groups: Sequence[Hashable],
    parts: Sequence[Hashable] | None = None,
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> Bootstrapped:
    """Draw groups again and look at the difference of the means each time.

    Args:
        ours: a value for each item.
        theirs: the same items in the same order.
        groups: the group of each item; groups are drawn with replacement.
        parts: the part of each item, for a macro mean; ``None`` for a plain mean.
        resamples: how many times.
        seed: equal seeds give equal results.

    Raises:
        DataError: lists of unequal length, no items, or a value that is no number.
    """
    apart = _differences(ours, theirs, groups, parts)
    draws = bootstrap.draw(groups, resamples, seed)
    estimate = bootstrap.macro(apart, parts, draws) if parts is not None else bootstrap.mean(apart, draws)
    if draws.clusters < 2:
        return Bootstrapped(estimate, None, None, len(apart), draws.clusters)
    samples = _resampled(apart, parts, draws)
    samples = samples[~np.isnan(samples)]
    ahead, behind = int((samples > TIE).sum()), int((samples < -TIE).sum())
    ties = len(samples) - ahead - behind
    # One is added on both sides: no number of resamples proves that p is 0.
    p = min(1.0, 2 * (min(ahead, behind) + ties + 1) / (len(samples) + 1))
    return Bootstrapped(estimate, (ahead + ties / 2) / len(samples), p, len(apart), draws.clusters)


def _resampled(values: Array, parts: Sequence[Hashable] | None, draws: bootstrap.Draws) -> Array:
    """The statistic of each resample; NaN where a resample has none of the parts."""
    names = list(dict.fromkeys(parts)) if parts is not None else [None]
    sums = np.zeros(len(draws.weights))
    counted = np.zeros(len(draws.weights))
    for name in names:
        inside = np.ones(len(values)) if parts is None else np.array([p == name for p in parts], dtype=float)
        top = draws.weights @ np.bincount(draws.of, values * inside, draws.clusters)
        under = draws.weights @ np.bincount(draws.of, inside, draws.clusters)
        there = under > 0
        sums[there] += top[there] / under[there]
        counted += there
    with np.errstate(invalid="ignore", divide="ignore"):
        result: Array = sums / counted
    return result


def randomisation(
    ours: Sequence[float],
    theirs: Sequence[float],
    groups: Sequence[Hashable],
    parts: Sequence[Hashable] | None = None,
    *,
    rounds: int = 10_000,
    seed: int = 0,
) -> Randomised:
    """Swap the two systems' values, a whole group at a time, and see how often the difference is as large.

    With few groups all swaps are made, so the p-value is exact.

    Args:
        ours: a value for each item.
        theirs: the same items in the same order.
        groups: the group of each item.
        parts: the part of each item, for a macro mean; ``None`` for a plain mean.
        rounds: random swaps, where there are too many to make all.
        seed: equal seeds give equal results.

    Raises:
        DataError: lists of unequal length, no items, or a value that is no number.
    """
    apart = _differences(ours, theirs, groups, parts)
    place: dict[Hashable, int] = {}
    of = np.array([place.setdefault(group, len(place)) for group in groups], dtype=np.intp)
    sums: Array = np.bincount(of, apart * _weights(parts, len(apart)), len(place)).astype(np.float64)
    observed = float(sums.sum())
    moving = sums[np.abs(sums) > TIE]  # a group without a difference is the same either way
    if len(moving) <= EXACT:
        found = _every_swap(moving)
        share = float((np.abs(found) >= abs(observed) - TIE).mean())
        return Randomised(observed, share, True, len(found), len(apart), len(place))
    rng = np.random.default_rng(seed)
    extreme, done = 0, 0
    while done < rounds:
        some = min(rounds - done, max(1, CHUNK // len(moving)))
        signs = rng.integers(0, 2, size=(some, len(moving)), dtype=np.int8) * 2.0 - 1.0
        extreme += int((np.abs(signs @ moving) >= abs(observed) - TIE).sum())
        done += some
    return Randomised(observed, (extreme + 1) / (rounds + 1), False, rounds, len(apart), len(place))


def _every_swap(sums: Array) -> Array:
    """All sums of signed values, ``(2 ** len(sums),)``."""
    found = np.zeros(1)
    for value in sums:
        found = np.concatenate([found + value, found - value])
    return found


def mcnemar(
    ours: Sequence[bool], theirs: Sequence[bool], groups: Sequence[Hashable] | None = None
) -> McNemar:
    """McNemar's exact test on right and wrong answers, two-sided.

    Without groups it is the binomial test on the items that only one of them has right. With groups, whole
    groups are swapped: the exact distribution of the sum of their differences, each with a random sign.

    Args:
        ours: whether each item is right.
        theirs: the same items in the same order.
        groups: the group of each item; ``None``: every item is one.

    Raises:
        DataError: lists of unequal length, or no items.
    """
    groups = range(len(ours)) if groups is None else groups
    apart = _differences([float(value) for value in ours], [float(value) for value in theirs], groups, None)
    totals: Counter[Hashable] = Counter()
    for group, difference in zip(groups, apart, strict=True):
        totals[group] += int(difference)
    sizes = Counter(abs(total) for total in totals.values() if total)
    observed = abs(int(apart.sum()))
    p = _tail(sizes, observed)
    return McNemar(int((apart > 0).sum()), int((apart < 0).sum()), p, len(apart), len(totals))


def _tail(sizes: Counter[int], observed: int) -> float:
    """P(|sum of size x random sign| >= observed), exact.

    ``sizes``: absolute difference of a group -> number of such groups. The sums of equal sizes are binomial;
    those of different sizes are convolved.
    """
    if not observed:
        return 1.0
    reach = sum(size * count for size, count in sizes.items())
    chances = np.ones(1)
    for size, count in sizes.items():
        own = np.zeros(2 * size * count + 1)
        own[:: 2 * size] = _binomial_half(count)
        chances = np.convolve(chances, own)
    sums = np.arange(-reach, reach + 1)
    return min(1.0, float(chances[np.abs(sums) >= observed].sum()))


def _binomial_half(trials: int) -> Array:
    """P(k of ``trials`` fair coins), by logarithms: 0.5 ** trials alone underflows."""
    logs = [
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1) - trials * math.log(2)
        for k in range(trials + 1)
    ]
    chances: Array = np.exp(np.array(logs))
    return chances


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values of several comparisons, adjusted so that one false alarm among them stays unlikely.

    Holm 1979, Scand. J. Statist. 6:65-70. In the order given.
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted = [1.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def _weights(parts: Sequence[Hashable] | None, items: int) -> Array:
    """What each item counts for in the mean, or in the mean of the parts' means."""
    if parts is None:
        return np.full(items, 1 / items)
    counts = Counter(parts)
    return np.array([1 / (len(counts) * counts[part]) for part in parts])


def _differences(
    ours: Sequence[Any], theirs: Sequence[Any], groups: Sequence[Hashable], parts: Sequence[Hashable] | None
) -> Array:
    lengths = [len(ours), len(theirs), len(groups), *([] if parts is None else [len(parts)])]
    if len(set(lengths)) > 1:
        more = f" and {lengths[3]} parts" if parts is not None else ""
        raise DataError(
            f"{lengths[0]} values of ours, {lengths[1]} of theirs, {lengths[2]} groups{more} cannot be "
            "paired; give one for each item"
        )
    if len(ours) == 0:
        raise DataError("there are no items to compare; give both systems' values of the same items")
    apart = np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)
    if not np.isfinite(apart).all():
        raise DataError(f"item {int(np.argmin(np.isfinite(apart)))} has no number; leave it out of both")
    return apart
