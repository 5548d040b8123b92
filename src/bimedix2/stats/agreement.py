"""Agreement of raters beyond chance: Cohen's (also weighted) and Fleiss' kappa, Krippendorff's alpha.

Intervals are percentile intervals over items drawn again (``bootstrap.draw``); a resample in which every
rating is the same has no kappa and is left out. A statistic that cannot be had (nobody ever used a second
value) is NaN without an interval, never 1.
"""

import math
from collections.abc import Hashable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bimedix2.errors import DataError
from bimedix2.stats.bootstrap import Draws, Estimate, interval

Array = NDArray[np.float64]
Level = Literal["nominal", "ordinal"]


def cohen_kappa(first: Sequence[Hashable], second: Sequence[Hashable], draws: Draws) -> Estimate:
    """Cohen's kappa of two raters who rated the same items (Cohen 1960, Educ. Psychol. Meas. 20:37-46).

    Args:
        first: a value for each item.
        second: the other rater's, in the same order.
        draws: over items.

    Raises:
        DataError: the lists are empty or of unequal length.
    """
    if len(first) != len(second):
        raise DataError(f"{len(first)} ratings cannot be paired with {len(second)}; give one for each item")
    place = _places([*first, *second])
    size = len(place)
    each = np.zeros((len(first), size, size))
    for item, (one, other) in enumerate(zip(first, second, strict=True)):
        each[item, place[one], place[other]] = 1.0

    def kappa(tables: Array) -> Array:
        shares = tables / tables.sum(axis=(-2, -1), keepdims=True)
        observed = np.trace(shares, axis1=-2, axis2=-1)
        expected = (shares.sum(axis=-1) * shares.sum(axis=-2)).sum(axis=-1)
        return _beyond(observed, expected)

    return _estimate(each, draws, kappa)


def weighted_kappa(first: Sequence[float], second: Sequence[float], draws: Draws) -> Estimate:
    """Kappa with quadratic weights of two raters who gave scores (Cohen 1968, Psychol. Bull. 70:213-220).

    ``1 - mean (x - y)^2 / (var x + var y + (mean x - mean y)^2)``: what is expected is the mean of the
    squared differences of every score of one with every score of the other. Of whole scores that is the
    table's weighted kappa; it needs no categories, so that means of several scores can be compared too, and
    it is Lin's concordance correlation coefficient (1989, Biometrics 45:255-268, variances over n).

    Args:
        first: a score for each item.
        second: the other rater's, in the same order.
        draws: over items.

    Raises:
        DataError: the lists are empty or of unequal length.
    """
    if len(first) != len(second):
        raise DataError(f"{len(first)} scores cannot be paired with {len(second)}; give one for each item")
    if not len(first):
        raise DataError("there are no ratings; have items rated first")
    x, y = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    each = np.stack([x, y, x**2 + y**2, x * y, np.ones_like(x)], axis=1)

    def kappa(sums: Array) -> Array:
        means = sums[..., :4] / sums[..., 4:]
        observed = means[..., 2] - 2 * means[..., 3]
        expected = means[..., 2] - 2 * means[..., 0] * means[..., 1]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(expected > 1e-9, 1 - observed / expected, np.nan)

    return _estimate(each, draws, kappa)


def fleiss_kappa(ratings: Sequence[Sequence[Hashable]], draws: Draws) -> Estimate:
    """Fleiss' kappa: every item rated equally often, by whomever (Fleiss 1971, Psychol. Bull. 76:378-382).

    Args:
        ratings: for each item its values.
        draws: over items.

    Raises:
        DataError: no item, fewer than two ratings of an item, or items rated unequally often.
    """
    if len({len(row) for row in ratings}) > 1:
        raise DataError("items are rated unequally often; use krippendorff_alpha, which allows it")
    place = _places([value for row in ratings for value in row])
    counts = _counts(ratings, place)
    times = counts[0].sum()
    if times < 2:
        raise DataError("every item is rated once, so nothing can agree; have items rated twice")
    agreed = (counts * (counts - 1)).sum(axis=1) / (times * (times - 1))
    each = np.concatenate([counts, agreed[:, None], np.ones((len(counts), 1))], axis=1)

    def kappa(sums: Array) -> Array:
        items = sums[..., -1]
        shares = sums[..., :-2] / (items * times)[..., None]
        return _beyond(sums[..., -2] / items, (shares**2).sum(axis=-1))

    return _estimate(each, draws, kappa)


def krippendorff_alpha(
    ratings: Sequence[Sequence[Hashable | None]],
    draws: Draws,
    level: Level = "nominal",
    order: Sequence[Hashable] = (),
) -> Estimate:
    """Krippendorff's alpha, by coincidences (Krippendorff 2011, Computing Krippendorff's Alpha-Reliability).

    Args:
        ratings: for each item its values; ``None`` is a missing one. Items with fewer than two values
            cannot be paired and count for nothing.
        draws: over items, one value for each of ``ratings``.
        level: ``ordinal`` weighs a disagreement by how many ratings lie between the two values.
        order: the values in order, lowest first, for ``ordinal``.

    Raises:
        DataError: no item has two values, or a value is not in ``order``.
    """
    given = [[value for value in row if value is not None] for row in ratings]
    values = [value for row in given for value in row]
    if not any(len(row) > 1 for row in given):
        raise DataError("no item has two ratings, so nothing can agree; have items rated twice")
    unknown = [value for value in values if value not in order] if level == "ordinal" else []
    if unknown:
        raise DataError(f"the rating '{unknown[0]}' has no place in the order; add it to 'order'")
    place = _places(order if level == "ordinal" else values)
    counts = _counts(given, place)
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(len(place))
    each = pairs / np.maximum(counts.sum(axis=1) - 1, 1)[:, None, None]

    def alpha(coincidences: Array) -> Array:
        totals = coincidences.sum(axis=-1)
        pairable = totals.sum(axis=-1)
        distance = _distance(totals, level)
        observed = (coincidences * distance).sum(axis=(-2, -1))
        expected = (totals[..., :, None] * totals[..., None, :] * distance).sum(axis=(-2, -1))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(expected > 0, 1 - (pairable - 1) * observed / expected, np.nan)

    return _estimate(each, draws, alpha)


def _distance(totals: Array, level: Level) -> Array:
    """Squared differences of all pairs of values, ``(..., values, values)``; the ordinal one needs totals."""
    size = totals.shape[-1]
    if level == "nominal":
        return np.broadcast_to(1 - np.eye(size), (*totals.shape, size))
    # Ratings from one value to another, half of each end: differences of the running middle.
    middle = np.cumsum(totals, axis=-1) - totals / 2
    squared: Array = (middle[..., :, None] - middle[..., None, :]) ** 2
    return squared


def _places(values: Sequence[Hashable]) -> dict[Hashable, int]:
    if not values:
        raise DataError("there are no ratings; have items rated first")
    return {value: place for place, value in enumerate(dict.fromkeys(values))}


def _counts(ratings: Sequence[Sequence[Hashable]], place: dict[Hashable, int]) -> Array:
    """How often each item got each value, ``(items, values)``."""
    counts = np.zeros((len(ratings), len(place)))
    for item, row in enumerate(ratings):
        for value in row:
            counts[item, place[value]] += 1
    return counts


def _beyond(observed: Array, expected: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        # 1e-12: with one value alone the expected agreement is 1 up to rounding.
        return np.where(1 - expected > 1e-12, (observed - expected) / (1 - expected), np.nan)


def _estimate(each: Array, draws: Draws, statistic: Any) -> Estimate:
    """A statistic of sums over items, and its interval.

    ``each``: ``(items, ...)``; ``statistic`` takes ``(..., *each.shape[1:])`` of sums, and gives ``(...)``.
    """
    if len(each) != len(draws.of):
        raise DataError(f"{len(draws.of)} items were drawn for {len(each)}; draw over the same items")
    flat = each.reshape(len(each), -1)
    sums = np.zeros((draws.clusters, flat.shape[1]))
    np.add.at(sums, draws.of, flat)
    value = float(statistic(each.sum(axis=0)))
    if draws.clusters < 2 or math.isnan(value):
        return Estimate(value, None, None)
    with np.errstate(invalid="ignore", divide="ignore"):
        samples = statistic((draws.weights @ sums).reshape(-1, *each.shape[1:]))
    return Estimate(value, *interval(samples)) if not np.isnan(samples).all() else Estimate(value, None, None)
