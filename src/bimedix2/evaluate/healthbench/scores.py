"""From verdicts to HealthBench's scores: an item's, a tag's, the clipped mean, and how sure that is.

Published (``calculate_score`` and ``_compute_clipped_stats`` of ``healthbench_eval.py`` in
github.com/openai/simple-evals, read 2026-11-30): an item's score is the points of the criteria that are met
over the sum of the positive points, so it may be below 0. A tag of an item has the item's score, a tag of
rubrics the same formula over the rubrics that have it, none where these have no positive points. A set's
score is the mean over items, clipped to [0, 1], and its spread the standard deviation (of a population) of
1,000 such clipped means of items drawn again; theirs has no seed, ours has one.

Ours beside it: the mean that is not clipped with its 95 % percentile interval over items. An item of which a
verdict is missing has no score; ``bounds`` say between which two values the mean would lie, whatever the
missing verdicts were.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from bimedix2.evaluate.answering import failures, oddities, seed_of
from bimedix2.stats import bootstrap
from bimedix2.stats.paired import randomisation

Row = dict[str, Any]
ROUNDS = 1000
"""Resamples of the published standard deviation."""


@dataclass(frozen=True)
class Plan:
    """How intervals are drawn."""

    resamples: int
    seed: int


def score(rubrics: Sequence[Row]) -> float | None:
    """An item's score from its rubrics (``points`` and ``met``).

    ``None`` where a verdict is missing, or no rubric has positive points.
    """
    if any(rubric["met"] is None for rubric in rubrics):
        return None
    possible = sum(rubric["points"] for rubric in rubrics if rubric["points"] > 0)
    if not possible:
        return None
    return float(sum(rubric["points"] for rubric in rubrics if rubric["met"]) / possible)


def tags(row: Row) -> dict[str, float]:
    """Every tag's score of one scored item; a tag of rubrics takes the place of an item's of its name."""
    if row["score"] is None:
        return {}
    found: dict[str, float] = dict.fromkeys(row["tags"], float(row["score"]))
    for tag in dict.fromkeys(tag for rubric in row["rubrics"] for tag in rubric["tags"]):
        value = score([rubric for rubric in row["rubrics"] if tag in rubric["tags"]])
        if value is not None:
            found[tag] = value
    return found


def clipped(value: float) -> float:
    """A mean, clipped to [0, 1]."""
    return min(max(value, 0.0), 1.0)


def bootstrap_std(values: Sequence[float], seed: int, rounds: int = ROUNDS) -> float:
    """Standard deviation of the clipped means of ``rounds`` draws of items with replacement."""
    array = np.asarray(values, dtype=np.float64)
    draw = np.random.default_rng(seed)
    means = [array[draw.integers(0, len(array), len(array))].mean() for _ in range(rounds)]
    return float(np.std(np.clip(means, 0, 1)))


def cell(values: Sequence[float], items: Sequence[str], plan: Plan, name: str) -> dict[str, Any] | None:
    """The published numbers of some items and ours; ``None`` over none.

    Returns:
        ``score`` (clipped mean), ``std`` (published), ``mean``, ``low`` and ``high`` (ours; ``null`` of one
        item), and ``n``.
    """
    if not values:
        return None
    seed = seed_of(plan.seed, f"healthbench:{name}")
    ours = bootstrap.mean(values, bootstrap.draw(items, plan.resamples, seed))
    return {
        "score": clipped(ours.value),
        "std": bootstrap_std(values, seed),
        "mean": ours.value,
        "low": ours.low,
        "high": ours.high,
        "n": len(values),
    }


def bounds(rows: Sequence[Row]) -> list[float] | None:
    """The clipped mean over all answered items, every missing verdict taken against and for the model.

    ``None`` where no verdict is missing.
    """
    there = [row for row in rows if row["rubrics"] and not row["no answer"]]
    if all(rubric["met"] is not None for row in there for rubric in row["rubrics"]):
        return None
    ends = []
    for kind in (False, True):
        values = []
        for row in there:
            settled = [
                {**one, "met": (one["points"] > 0) is kind if one["met"] is None else one["met"]}
                for one in row["rubrics"]
            ]
            values.append(score(settled) or 0.0)
        ends.append(clipped(float(np.mean(values))))
    return ends


def of_set(rows: Sequence[Row], name: str, plan: Plan) -> dict[str, Any]:
    """All numbers of one set.

    Returns:
        ``overall``, ``tags`` (tag -> cell, in order of name) and ``scripts`` (of the question -> cell);
        ``verdicts`` (rubrics asked about, and missing by reason), ``met`` (of the positive and of the
        negative criteria), ``kept script`` (answers in the question's script), ``written`` (how often which
        scripts meet), ``characters`` (median answer), ``bounds`` and counts.
    """
    done = [row for row in rows if row["score"] is not None]
    each = [tags(row) for row in done]

    def some(tag: str) -> dict[str, Any] | None:
        pairs = [(found[tag], row["id"]) for found, row in zip(each, done, strict=True) if tag in found]
        return cell([value for value, _ in pairs], [item for _, item in pairs], plan, f"{name}:{tag}")

    answered = [row for row in rows if not row["no answer"]]
    rubrics = [rubric for row in answered for rubric in row["rubrics"]]
    written: dict[str, int] = {}
    for row in answered:
        key = f"question {row['script']}, rubrics {row['rubric_script']}, answer {row['answer_script']}"
        written[key] = written.get(key, 0) + 1
    kept = [row["answer_script"] == row["script"] for row in answered]
    return {
        "items": len(rows),
        "overall": cell([row["score"] for row in done], [row["id"] for row in done], plan, name),
        "tags": {tag: some(tag) for tag in sorted({tag for found in each for tag in found})},
        "scripts": {
            kind: cell(
                [row["score"] for row in done if row["script"] == kind],
                [row["id"] for row in done if row["script"] == kind],
                plan,
                f"{name}:{kind}",
            )
            for kind in dict.fromkeys(row["script"] for row in done)
        },
        "verdicts": {"rubrics": len(rubrics), "missing": failures(rubric["failure"] for rubric in rubrics)},
        "met": {kind: _met(rubrics, sign) for kind, sign in (("positive", 1), ("negative", -1))},
        "kept script": sum(kept) / len(kept) if kept else None,
        "written": dict(sorted(written.items())),
        "characters": median(len(row["answer"]) for row in answered) if answered else None,
        "bounds": bounds(rows),
        "failures": failures(row["failure"] for row in rows),
        "odd": oddities(row["odd"] for row in rows),
    }


def _met(rubrics: Sequence[Row], sign: int) -> dict[str, int]:
    """Criteria with points above (1) or below (-1) zero that have a verdict, and those that are met."""
    mine = [rubric for rubric in rubrics if rubric["points"] * sign > 0 and rubric["met"] is not None]
    return {"met": sum(rubric["met"] for rubric in mine), "of": len(mine)}


def gap(rows: Sequence[Row], twin: str, other: str, plan: Plan) -> dict[str, Any] | None:
    """A set minus its twin, on the ids that have a score in both; ``None`` where there are none.

    The difference of unclipped means with its paired interval, and p of an approximate randomisation test.
    """
    sides = [
        {
            row["prompt_id"]: row["score"]
            for row in rows
            if row["benchmark"] == name and row["score"] is not None
        }
        for name in (twin, other)
    ]
    both = sorted(sides[0].keys() & sides[1].keys())
    if not both:
        return None
    ours, theirs = ([side[key] for key in both] for side in sides)
    draws = bootstrap.draw(both, plan.resamples, seed_of(plan.seed, f"healthbench:{twin}-{other}"))
    found = bootstrap.difference(ours, theirs, draws)
    p = randomisation(ours, theirs, both, seed=plan.seed).p
    return {"first": twin, "second": other, "n": len(both), **vars(found), "p": p}
