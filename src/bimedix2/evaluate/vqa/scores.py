"""From rows of answers to the columns of Table 5: means under MultiMedEval's keys, intervals over pictures.

Everything here is computed from the rows as they stand in ``answers.jsonl``, so that a replay gives the same
digits. ``compat`` and ``arabic`` rows are two groups with a signature each and are never averaged together.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bimedix2.evaluate.answering import failures, oddities, require, seed_of
from bimedix2.evaluate.metrics import vqa, vqa_arabic
from bimedix2.evaluate.probes.scores import Plan
from bimedix2.evaluate.vqa.load import BENCHMARKS, Mode
from bimedix2.stats import bootstrap
from bimedix2.stats.exact import clopper_pearson

Array = NDArray[np.float64]
Row = dict[str, Any]

COLUMNS = {
    "bleu": "BLEU-1",
    "closedQuestionsAccuracy": "closed Q accuracy",
    "openQuestionsRecall": "open Q recall",
    "recall": "recall",
    "openQuestionsAccuracy": "open Q accuracy",
    "F1": "F1",
}
"""MultiMedEval's keys in Table 5's order, and the paper's names."""
PRECISION = "precision"
"""The paper's text names it, neither its table nor MultiMedEval reports it."""
STEM = "LightStem"


def score(gold: str, answer: str, mode: Mode) -> dict[str, Any]:
    """One answer under the keys of the means; ``None`` under those of the other kind of question.

    MultiMedEval has 0 there, which a mean over all questions would take for a wrong answer. It strips and
    lower-cases the gold before it is cleaned, which changes no score.
    """
    if mode == "arabic":
        found: dict[str, Any] = vqa_arabic.per_item(vqa_arabic.score_pair(gold, answer))
    else:
        found = vqa.per_item(vqa.score_pair(gold, answer))
    other = "open" if found["closed"] else "closedQuestions"
    return {key: None if key.startswith(other) else value for key, value in found.items()}


def benchmark(rows: Sequence[Row], name: str, plan: Plan) -> dict[str, Any]:
    """All numbers of one benchmark.

    Returns:
        ``n`` (questions with a score), ``closed``, ``open``, ``images``, ``values`` (means, 0 over no
        question as in MultiMedEval), ``intervals`` (95 %, ``null`` where one picture says nothing about the
        next), ``odd`` and ``failures``.

    Raises:
        DataError: no question has a score.
    """
    mode = BENCHMARKS[name].mode
    odd, lost = oddities(row["odd"] for row in rows), failures(row["failure"] for row in rows)
    rows = scored(rows)
    require(name, len(rows), lost)
    values = _means(rows, mode)
    draws = bootstrap.draw([row["image"] for row in rows], plan.resamples, seed_of(plan.seed, name))
    closed = sum(bool(row["scores"]["closed"]) for row in rows)
    return {
        "n": len(rows),
        "closed": closed,
        "open": len(rows) - closed,
        "images": draws.clusters,
        "values": values,
        "intervals": {key: _interval(rows, key, draws) for key in values if key != "contradictory"},
        "odd": odd,
        "failures": lost,
    }


def scored(rows: Sequence[Row]) -> list[Row]:
    """Rows that have a score."""
    return [row for row in rows if row["scores"] is not None]


def _means(rows: Sequence[Row], mode: Mode) -> dict[str, float]:
    golds, answers = [row["gold"] for row in rows], [row["answer"] for row in rows]
    if mode == "arabic":
        return vqa_arabic.aggregate(map(vqa_arabic.score_pair, golds, answers))
    return vqa.aggregate(vqa.score_pairs(zip(golds, answers, strict=True)))


def _inside(key: str) -> Callable[[Row], bool]:
    """Which questions a mean is over."""
    if key.startswith("closed"):
        return lambda row: bool(row["scores"]["closed"])
    if key.startswith("open"):
        return lambda row: not row["scores"]["closed"]
    return lambda _: True


def _columns(rows: Sequence[Row], key: str) -> tuple[Array, Array]:
    """A question's value, and whether the mean is over it."""
    inside = np.array([_inside(key)(row) for row in rows], dtype=np.float64)
    return np.array([float(row["scores"][key] or 0.0) for row in rows]) * inside, inside


def _samples(rows: Sequence[Row], key: str, draws: bootstrap.Draws) -> Array:
    """The mean in each resample; NaN where it drew no such question."""
    values, inside = _columns(rows, key)
    top = draws.weights @ np.bincount(draws.of, weights=values, minlength=draws.clusters)
    under = draws.weights @ np.bincount(draws.of, weights=inside, minlength=draws.clusters)
    found: Array = np.full(len(top), np.nan)
    np.divide(top, under, out=found, where=under > 0)
    return found


def _interval(rows: Sequence[Row], key: str, draws: bootstrap.Draws) -> list[float] | None:
    values, inside = _columns(rows, key)
    there = values[inside > 0]
    pictures = len(set(draws.of[inside > 0]))
    if not len(there) or pictures < 2:
        return None
    if there.min() == there.max():
        # All alike: drawing again shows no spread. The exact interval, a picture counting as one trial.
        if there[0] not in (0, 1):
            return None
        return list(clopper_pearson(pictures if there[0] else 0, pictures))
    return list(bootstrap.interval(_samples(rows, key, draws)))


def average(groups: Mapping[str, Sequence[Row]], plan: Plan) -> dict[str, Any] | None:
    """The mean of Table 5's 18 cells, pictures of each benchmark drawn on their own.

    Returns:
        ``None`` unless all three published benchmarks are there, each with closed and open questions.
    """
    names = [name for name, about in BENCHMARKS.items() if about.paper]
    cells: list[float] = []
    samples: list[Array] = []
    for name in names:
        rows = scored(groups.get(name, []))
        kinds = {bool(row["scores"]["closed"]) for row in rows}
        if kinds != {True, False}:
            return None
        means = _means(rows, "compat")
        draws = bootstrap.draw([row["image"] for row in rows], plan.resamples, seed_of(plan.seed, name))
        cells += [means[key] for key in COLUMNS]
        if draws.clusters > 1:
            samples += [_samples(rows, key, draws) for key in COLUMNS]
    value = sum(cells) / len(cells)
    if len(samples) < len(cells):
        return {"value": value, "low": None, "high": None}
    low, high = bootstrap.interval(np.mean(samples, axis=0))
    return {"value": value, "low": low, "high": high}


def every(rows: Sequence[Row], plan: Plan) -> dict[str, Any]:
    """Mode -> ``benchmarks`` (name -> numbers) and, of ``compat``, the ``average`` of the 18 cells."""
    names = [name for name in BENCHMARKS if any(row["benchmark"] == name for row in rows)]
    groups = {name: [row for row in rows if row["benchmark"] == name] for name in names}
    out: dict[str, Any] = {}
    for name in names:
        mode = out.setdefault(BENCHMARKS[name].mode, {"benchmarks": {}})
        mode["benchmarks"][name] = benchmark(groups[name], name, plan)
    if "compat" in out:
        out["compat"]["average"] = average(groups, plan)
    return out


def paper_row(
    values: Mapping[str, Any], partial: Sequence[str], model: str, signature: str
) -> dict[str, Any] | None:
    """The line of ``paper.jsonl`` for Table 5; a mean over no question is left out of it.

    Args:
        values: of ``compat``, as ``every`` gives them.
        partial: why it is no whole result.
        model: its name.
        signature: in one line.
    """
    cells: dict[str, float] = {}
    intervals: dict[str, list[float]] = {}
    for name, found in values["benchmarks"].items():
        for key in COLUMNS:
            kind = "closed" if key.startswith("closed") else "open" if key.startswith("open") else "n"
            if not found[kind]:
                continue
            cell = f"{BENCHMARKS[name].paper}.{key}"
            cells[cell] = found["values"][key]
            if found["intervals"][key] is not None:
                intervals[cell] = found["intervals"][key]
    mean = values.get("average")
    if mean is not None:
        cells["average"] = mean["value"]
        if mean["low"] is not None:
            intervals["average"] = [mean["low"], mean["high"]]
    if not cells:
        return None
    return {
        "table": "table-5",
        "model": model,
        "values": cells,
        "intervals": intervals,
        "signature": signature,
        "partial": "; ".join(partial),
    }
