"""Does confidence mean anything? Calibration in bins, and the error of the most confident part.

Expected calibration error with bins of equal width: Guo, Pleiss, Sun and Weinberger 2017 (ICML), section 2.
Risk by coverage and its area: Geifman and El-Yaniv 2017 (NeurIPS) and Geifman, Uziel and El-Yaniv 2019
(ICLR). Brier 1950, of the chosen option.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bimedix2.errors import DataError
from bimedix2.stats import bootstrap
from bimedix2.stats.exact import clopper_pearson

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Choices:
    """Confidence in (0, 1], whether the choice was right, and whose picture it is; one of each a question."""

    confidence: Array
    right: Array
    subjects: tuple[Hashable, ...]


def choices(confidence: Sequence[float], right: Sequence[bool], subjects: Sequence[Hashable]) -> Choices:
    """Check and pack.

    Raises:
        DataError: nothing, lists of unequal length, or a confidence that is no share.
    """
    found = np.asarray(confidence, dtype=np.float64)
    if not len(found) or not len(found) == len(right) == len(subjects):
        raise DataError(
            f"{len(found)} confidences, {len(right)} choices and {len(subjects)} subjects cannot be measured "
            "together; give one of each"
        )
    if not ((found > 0) & (found <= 1)).all():
        raise DataError("a confidence is no share above 0 and up to 1; check the likelihoods")
    return Choices(found, np.asarray(right, dtype=np.float64), tuple(subjects))


def bins(some: Choices, count: int, resamples: int = 2000, seed: int = 0) -> list[dict[str, Any]]:
    """Bins of equal width, ((b-1)/count, b/count]: answers, mean confidence, accuracy and its interval.

    The interval is exact where each answer is of a subject of its own. Else subjects are drawn again, or,
    where all answers agree, are one trial each. ``low`` is ``None`` where one subject gives mixed answers.
    """
    place = _places(some.confidence, count)
    out = []
    for number in range(count):
        inside = place == number
        row: dict[str, Any] = {"from": number / count, "to": (number + 1) / count, "n": int(inside.sum())}
        if row["n"]:
            low, high = _interval(some, inside, resamples, seed)
            row |= {
                "confidence": float(some.confidence[inside].mean()),
                "accuracy": float(some.right[inside].mean()),
                "subjects": len({some.subjects[n] for n in np.flatnonzero(inside)}),
            }
            row |= {"low": low, "high": high}
        out.append(row)
    return out


def _interval(
    some: Choices, inside: NDArray[np.bool_], resamples: int, seed: int
) -> tuple[float | None, float | None]:
    right = some.right[inside]
    draws = bootstrap.draw([some.subjects[n] for n in np.flatnonzero(inside)], resamples, seed)
    if draws.clusters == len(right):
        return clopper_pearson(int(right.sum()), len(right))
    if right.min() == right.max():
        return clopper_pearson(draws.clusters if right[0] else 0, draws.clusters)
    found = bootstrap.mean(right, draws)
    return found.low, found.high


def _places(confidence: Array, count: int) -> NDArray[np.intp]:
    # Rounded first: 0.3 * 10 is a hair above 3.
    found = np.ceil(np.round(confidence * count, 9)).astype(np.intp) - 1
    return np.clip(found, 0, count - 1)


def ece(confidence: Array, right: Array, count: int) -> float:
    """Expected calibration error: the mean gap of accuracy and confidence, bins weighted by answers."""
    place = _places(confidence, count)
    gaps = np.bincount(place, weights=right - confidence, minlength=count)
    return float(np.abs(gaps).sum() / len(confidence))


def risks(confidence: Array, right: Array) -> Array:
    """Share of errors among the k most confident answers, for k = 1, 2, ..., n.

    Answers of equal confidence stand in no order: each counts as their mean.
    """
    order = np.argsort(-confidence, kind="stable")
    sorted_, wrong = confidence[order], 1 - right[order]
    edges = np.flatnonzero(np.diff(sorted_)) + 1
    for start, end in zip([0, *edges], [*edges, len(wrong)], strict=True):
        wrong[start:end] = wrong[start:end].mean()
    return np.asarray(np.cumsum(wrong) / np.arange(1, len(wrong) + 1))


def aurc(confidence: Array, right: Array) -> float:
    """Area under risk by coverage: the mean of ``risks``. 0 is best; the error rate is what chance gives."""
    return float(risks(confidence, right).mean())


def measure(some: Choices, count: int, resamples: int, seed: int) -> dict[str, Any]:
    """Everything of one group of questions; intervals by drawing subjects again.

    Args:
        some: the questions.
        count: bins.
        resamples: of the bootstrap.
        seed: equal seeds give equal intervals.
    """
    n, hits = len(some.right), int(some.right.sum())
    draws = bootstrap.draw(some.subjects, resamples, seed)
    accuracy = bootstrap.mean(some.right, draws)
    curve = risks(some.confidence, some.right)
    steps = sorted({max(1, round(n * share / 20)) for share in range(1, 21)})
    return {
        "n": n,
        "subjects": draws.clusters,
        "accuracy": vars(accuracy),
        "mean confidence": float(some.confidence.mean()),
        "ece": vars(_drawn(some, draws, lambda c, r: ece(c, r, count))),
        "brier": float(((some.confidence - some.right) ** 2).mean()),
        "aurc": vars(_drawn(some, draws, aurc)),
        "best aurc": aurc(some.right, some.right),
        "error rate": 1 - hits / n,
        "bins": bins(some, count, resamples, seed),
        "curve": [{"coverage": k / n, "accuracy": float(1 - curve[k - 1])} for k in steps],
    }


def _drawn(some: Choices, draws: bootstrap.Draws, statistic: Callable[[Array, Array], float]) -> Any:
    value = statistic(some.confidence, some.right)
    if draws.clusters < 2:
        return bootstrap.Estimate(value, None, None)
    samples = []
    for weights in draws.weights:
        again = np.repeat(np.arange(len(some.right)), weights[draws.of].astype(np.intp))
        samples.append(statistic(some.confidence[again], some.right[again]))
    return bootstrap.Estimate(value, *bootstrap.interval(samples))
