"""Correlation of two lists of numbers, with intervals over clusters drawn again.

Pearson's r, and Spearman's rho as Pearson's r of the ranks, equal values having the mean of their ranks
(Spearman 1904, Am. J. Psychol. 15:72-101). In a resample an item that is drawn k times stands there k times,
and ranks are of that resample. Where one list has a single value there is no correlation: NaN, and such
resamples are left out.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bimedix2.errors import DataError
from bimedix2.stats.bootstrap import Draws, Estimate, interval

Array = NDArray[np.float64]
SAME = 1e-12
"""A variance below this is rounding."""


def pearson(first: Sequence[float], second: Sequence[float], draws: Draws) -> Estimate:
    """Pearson's r.

    Args:
        first: a number for each item.
        second: the same items in the same order.
        draws: over items.

    Raises:
        DataError: the lists are empty, of unequal length, or hold what is no number.
    """
    return _correlated(first, second, draws, lambda column, _: column[None, :])


def spearman(first: Sequence[float], second: Sequence[float], draws: Draws) -> Estimate:
    """Spearman's rho; arguments and errors as ``pearson``."""
    return _correlated(first, second, draws, _ranks)


def _ranks(column: Array, weights: Array) -> Array:
    """Ranks of each resample, ``(resamples, items)``, ties at their mean.

    ``weights``: how often each item stands there, ``(resamples, items)``.
    """
    values, place = np.unique(column, return_inverse=True)
    counts = np.zeros((len(weights), len(values)))
    for value in range(len(values)):
        counts[:, value] = weights[:, place == value].sum(axis=1)
    middle: Array = np.cumsum(counts, axis=1) - counts / 2 + 0.5
    return middle[:, place]


def _correlated(
    first: Sequence[float],
    second: Sequence[float],
    draws: Draws,
    scaled: Callable[[Array, Array], Array],
) -> Estimate:
    x, y = (np.asarray(column, dtype=np.float64) for column in (first, second))
    if len(x) != len(y) or len(x) != len(draws.of):
        raise DataError(
            f"{len(x)} and {len(y)} numbers of {len(draws.of)} items cannot be paired; give one each"
        )
    if not len(x) or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise DataError("correlation needs finite numbers of at least one item; leave out what has none")

    def of(weights: Array) -> Array:
        return _weighted(scaled(x, weights), scaled(y, weights), weights)

    value = float(of(np.ones((1, len(x))))[0])
    if draws.clusters < 2 or math.isnan(value):
        return Estimate(value, None, None)
    samples = of(draws.weights[:, draws.of])
    return Estimate(value, *interval(samples)) if not np.isnan(samples).all() else Estimate(value, None, None)


def _weighted(x: Array, y: Array, weights: Array) -> Array:
    """Pearson's r of each row, items counted by their weights."""
    total = weights.sum(axis=1, keepdims=True)
    left = x - (weights * x).sum(axis=1, keepdims=True) / total
    right = y - (weights * y).sum(axis=1, keepdims=True) / total
    both = (weights * left * right).sum(axis=1)
    spread = (weights * left**2).sum(axis=1) * (weights * right**2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(spread > SAME, both / np.sqrt(spread), np.nan)
