"""Percentile bootstrap over clusters: whole subjects are drawn again, never single answers.

Efron and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13 (percentile intervals) and chapter 8
(more general data structures: the unit that is drawn is the independent one).
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bimedix2.errors import DataError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A value with its interval; ``low`` and ``high`` are ``None`` where it cannot be estimated."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Draws:
    """How often each cluster is drawn in each resample, and which cluster each value belongs to.

    ``weights``: ``(resamples, clusters)``; ``of``: ``(values,)``, indices of clusters.
    """

    weights: Array
    of: NDArray[np.intp]

    @property
    def clusters(self) -> int:
        return int(self.weights.shape[1])


def _finite(values: Sequence[float] | Array, what: str) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not len(array):
        raise DataError(f"the {what} are empty; there is nothing to estimate")
    if not np.isfinite(array).all():
        raise DataError(
            f"the {what} hold NaN or infinity at {int(np.argmin(np.isfinite(array)))}; correct it"
        )
    return array


def draw(clusters: Sequence[Hashable], resamples: int, seed: int) -> Draws:
    """Draw clusters with replacement.

    Args:
        clusters: the cluster of each value, for example its subject.
        resamples: how many times.
        seed: of the random generator; equal seeds give equal draws.
    """
    names: dict[Hashable, int] = {}
    of = np.array([names.setdefault(name, len(names)) for name in clusters], dtype=np.intp)
    rng = np.random.default_rng(seed)
    share = np.full(len(names), 1 / len(names))
    weights = rng.multinomial(len(names), share, size=resamples).astype(np.float64)
    return Draws(weights, of)


def interval(samples: Any, level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of resampled values; resamples without a value are left out."""
    low, high = np.nanquantile(np.asarray(samples, dtype=np.float64), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _estimate(value: float, samples: Array, clusters: int) -> Estimate:
    if clusters < 2:  # one subject says nothing about the next
        return Estimate(value, None, None)
    return Estimate(value, *interval(samples))


def _sums(values: Array, draws: Draws) -> Array:
    sums: Array = np.bincount(draws.of, weights=values, minlength=draws.clusters).astype(np.float64)
    return sums


def mean(values: Sequence[float] | Array, draws: Draws) -> Estimate:
    """The mean of all values, clusters drawn again."""
    array = _finite(values, "values")
    top = draws.weights @ _sums(array, draws)
    under = draws.weights @ _sums(np.ones_like(array), draws)
    return _estimate(float(array.mean()), top / under, draws.clusters)


def macro(values: Sequence[float] | Array, groups: Sequence[Hashable], draws: Draws) -> Estimate:
    """The mean of the groups' means, each group equally heavy; a group that a resample misses is left out."""
    array = _finite(values, "values")
    names = sorted(set(groups), key=str)
    means, tops = [], []
    for name in names:
        inside = np.array([group == name for group in groups], dtype=np.float64)
        means.append(float(array[inside > 0].mean()))
        top = draws.weights @ _sums(array * inside, draws)
        under = draws.weights @ _sums(inside, draws)
        with np.errstate(invalid="ignore", divide="ignore"):
            tops.append(np.where(under > 0, top / under, np.nan))
    stacked = np.stack(tops)
    counts = (~np.isnan(stacked)).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        samples = np.where(counts > 0, np.nansum(stacked, axis=0) / counts, np.nan)
    return _estimate(float(np.mean(means)), samples, draws.clusters)


def of_sums(
    addends: Array, function: Callable[[Array], Mapping[str, Array]], draws: Draws
) -> dict[str, Estimate | None]:
    """Numbers that are functions of sums over all values, such as a micro F1; clusters drawn again.

    Args:
        addends: ``(values, parts)``, what each value adds to each sum.
        function: of sums ``(..., parts)`` to a number ``(...)`` under each name; NaN where it is undefined.
        draws: over the values.

    Returns:
        ``None`` under a name whose number is undefined.
    """
    array = np.asarray(addends, dtype=np.float64)
    grouped = np.zeros((draws.clusters, array.shape[1]))
    np.add.at(grouped, draws.of, array)
    values, samples = function(array.sum(axis=0)), function(draws.weights @ grouped)
    found: dict[str, Estimate | None] = {}
    for name, value in values.items():
        drawn = samples[name]
        if np.isnan(value):
            found[name] = None
        elif np.isnan(drawn).all():
            found[name] = Estimate(float(value), None, None)
        else:
            found[name] = _estimate(float(value), drawn, draws.clusters)
    return found


def difference(ours: Sequence[float] | Array, theirs: Sequence[float] | Array, draws: Draws) -> Estimate:
    """The mean of paired differences, ours minus theirs."""
    left, right = _finite(ours, "values"), _finite(theirs, "values")
    if len(left) != len(right):
        raise DataError(f"{len(left)} values cannot be paired with {len(right)}; give one for each")
    return mean(left - right, draws)


def perplexity(loglikelihood: float, tokens: float) -> float:
    """exp of the mean negative log-likelihood of a token (Jurafsky and Martin, 3.3)."""
    return float(np.exp(-loglikelihood / tokens))


def perplexity_ratio(
    ours: tuple[Sequence[float], Sequence[float]],
    theirs: tuple[Sequence[float], Sequence[float]],
    draws: Draws,
) -> Estimate:
    """Our perplexity over theirs, on the same texts.

    Args:
        ours: natural-log likelihood and number of tokens of each text.
        theirs: the same texts, in the same order.
        draws: over texts.
    """
    sums = [_sums(_finite(column, "likelihoods"), draws) for column in (*ours, *theirs)]

    def ratio(parts: list[Any]) -> Any:
        return np.exp(-parts[0] / parts[1] + parts[2] / parts[3])

    value = float(ratio([part.sum() for part in sums]))
    return _estimate(value, ratio([draws.weights @ part for part in sums]), draws.clusters)
