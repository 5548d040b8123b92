"""Bradley-Terry strengths from choices, ties as half a win for each, with intervals over clusters.

Model: i is preferred to j with probability ``p_i / (p_i + p_j)`` (Bradley and Terry 1952, Biometrika
39:324-345). Fitted by the minorisation-maximisation of Hunter 2004 (Annals of Statistics 32:384-406, equation
3): ``p_i <- W_i / sum_j n_ij / (p_i + p_j)``, strengths scaled to a sum of 1. Where the choice is of one best
among k, it counts as a win over each of the k - 1 others; for choices that always are among the same k the
strengths are then the shares of choices, as in Luce's model (1959). A tie of several is half a win of each
over each other, and a win of each over those that are not in it.

A maximum exists where every group of models was beaten by the rest at least once (Ford 1957, American
Mathematical Monthly 64:28-33). Where one group never was, the likelihood rises towards strength 0 of the
rest, and 0 is what stands here; where two groups were never compared there is no order, and all are NaN.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bimedix2.errors import DataError
from bimedix2.stats.bootstrap import Draws, Estimate, interval

Array = NDArray[np.float64]

STEPS = 10_000
"""At most so many iterations; what has not settled by then is nearly tied in likelihood."""
SETTLED = 1e-10
"""Largest change of a strength in the last iteration."""


@dataclass(frozen=True)
class Strengths:
    """Strengths that sum to 1, in the order of the models, and the wins that they rest on.

    ``wins``: ``(models, models)``, row over column, half a win for a tie.
    """

    each: tuple[Estimate, ...]
    wins: Array


def wins_of(best: Sequence[int], models: int) -> Array:
    """The wins of one choice among all models, ``(models, models)``, row over column.

    Args:
        best: the chosen one, or those that are tied as best; none where nothing was chosen.
        models: how many there are.

    Raises:
        DataError: a number that is none of the models', or one that is chosen twice.
    """
    if len(set(best)) < len(best) or any(not 0 <= one < models for one in best):
        raise DataError(f"{list(best)} is no choice among {models} models; correct that judgement")
    wins = np.zeros((models, models))
    others = [one for one in range(models) if one not in best]
    for one in best:
        wins[one, others] = 1.0
        wins[one, [other for other in best if other != one]] = 0.5
    return wins if best else np.zeros((models, models))


def strengths(wins: Array) -> Array:
    """Fit strengths to wins; ``wins`` and the result may have leading dimensions.

    Args:
        wins: ``(..., models, models)``, row over column, not below 0; the diagonal is not read.

    Returns:
        ``(..., models)``, each row summing to 1, or NaN where models were never compared.
    """
    models = wins.shape[-1]
    flat = wins.reshape(-1, models, models) * (1 - np.eye(models))
    top = _unbeaten(flat)
    kept = flat * top[:, :, None] * top[:, None, :]
    played = kept + kept.swapaxes(1, 2)
    won = kept.sum(axis=2)
    p = top / np.maximum(top.sum(axis=1, keepdims=True), 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        for _ in range(STEPS):
            under = np.where(played > 0, played / (p[:, :, None] + p[:, None, :]), 0.0).sum(axis=2)
            fresh = np.where(under > 0, won / under, p)  # a single one has played nobody
            fresh = fresh / fresh.sum(axis=1, keepdims=True)
            moved = np.nanmax(np.abs(fresh - p), initial=0.0)
            p = fresh
            if moved < SETTLED:
                break
    p = np.where(top.any(axis=1, keepdims=True), p, np.nan)
    done: Array = p.reshape(wins.shape[:-1])
    return done


def _unbeaten(wins: Array) -> Array:
    """The group that reaches everybody by wins, ``(many, models)`` of 0 and 1; all 0 if there is none."""
    models = wins.shape[-1]
    reach = (wins > 0) | np.eye(models, dtype=bool)
    steps = 1
    while steps < models:
        reach = (reach.astype(np.float64) @ reach.astype(np.float64)) > 0
        steps *= 2
    top: Any = reach.all(axis=2)
    unbeaten: Array = top.astype(np.float64)
    return unbeaten


def bradley_terry(wins: Sequence[Array], draws: Draws) -> Strengths:
    """Strengths of all models with percentile intervals, clusters drawn again.

    Args:
        wins: of each judgement, ``(models, models)`` (``wins_of``).
        draws: over judgements; their clusters are the items.

    Raises:
        DataError: there is no judgement, or draws of other judgements.
    """
    if not len(wins) or len(wins) != len(draws.of):
        raise DataError(f"{len(draws.of)} judgements were drawn for {len(wins)}; draw over the same ones")
    each = np.stack(wins)
    models = each.shape[-1]
    sums = np.zeros((draws.clusters, models * models))
    np.add.at(sums, draws.of, each.reshape(len(each), -1))
    total: Array = each.sum(axis=0)
    values = strengths(total)
    if draws.clusters < 2 or np.isnan(values).any():
        return Strengths(tuple(Estimate(float(value), None, None) for value in values), total)
    samples: Any = strengths((draws.weights @ sums).reshape(-1, models, models))
    found = [Estimate(float(v), *interval(samples[:, n])) for n, v in enumerate(values)]
    return Strengths(tuple(found), total)
