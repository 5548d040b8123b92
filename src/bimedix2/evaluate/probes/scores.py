"""Answers to probes to POPE's numbers, and what becomes of them when the statement is denied.

An answer that says neither yes nor no, or both, is wrong: it counts in no yes-rate, and in accuracy and
recall as a miss. ``precision`` is of the answers that say yes, ``recall`` of the statements that are right.
Intervals draw pictures again.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bimedix2.evaluate.answering import failures, oddities, require, seed_of
from bimedix2.evaluate.probes.build import FORMS, TRUE
from bimedix2.stats import bootstrap
from bimedix2.stats.exact import clopper_pearson
from bimedix2.stats.paired import mcnemar

Array = NDArray[np.float64]
Row = dict[str, Any]
RATES = ("accuracy", "yes_rate", "precision", "recall", "F1")
PAIRED = ("both_right", "consistent")


@dataclass(frozen=True)
class Plan:
    """How intervals are drawn."""

    resamples: int
    seed: int


def every(rows: Sequence[Row], plan: Plan) -> dict[str, Any]:
    """All numbers.

    Returns:
        ``languages``: language -> ``strategies``, ``kinds`` and ``modalities`` (each name -> rates), and
        ``negation``; ``odd`` and ``failures`` beside it.

    Raises:
        DataError: no answer has a score.
    """
    lost = failures(row["failure"] for row in rows)
    scored = [row for row in rows if not row["failure"]]
    require("probes", len(scored), lost)
    languages = dict.fromkeys(row["language"] for row in scored)
    return {
        "languages": {
            one: _language([r for r in scored if r["language"] == one], one, plan) for one in languages
        },
        "odd": oddities(row["odd"] for row in rows),
        "failures": lost,
    }


def _language(rows: Sequence[Row], language: str, plan: Plan) -> dict[str, Any]:
    strategies = [one for one in dict.fromkeys(s for row in rows for s in row["drawn_by"]) if one != TRUE]
    hardest = balanced(rows, strategies[-1]) if strategies else []
    plain = [row for row in hardest if row["form"] == FORMS[0]]

    def parted(field: str) -> dict[str, Any]:
        names = sorted({row[field] for row in plain})
        return {one: rates([r for r in plain if r[field] == one], f"{language}:{one}", plan) for one in names}

    return {
        "strategies": {
            one: rates([r for r in balanced(rows, one) if r["form"] == FORMS[0]], f"{language}:{one}", plan)
            for one in strategies
        },
        "hardest": strategies[-1] if strategies else "",
        "kinds": parted("kind"),
        "modalities": parted("modality"),
        "negation": negation(hardest, language, plan),
    }


def balanced(rows: Sequence[Row], strategy: str) -> list[Row]:
    """True statements, and as many false ones: those that a strategy drew."""
    return [row for row in rows if row["drawn_by"] == [TRUE] or strategy in row["drawn_by"]]


def rates(rows: Sequence[Row], name: str, plan: Plan) -> dict[str, Any]:
    """POPE's numbers of some answers: ``n``, ``images``, counts, and rates with intervals."""
    counts = Counter((row["gold"], row["said"]) for row in rows)
    out: dict[str, Any] = {
        "n": len(rows),
        "images": len({row["image"] for row in rows}),
        "right_statements": sum(row["gold"] == "yes" for row in rows),
        "unread": sum(count for (_, said), count in counts.items() if said not in ("yes", "no")),
        "naming": sum(bool(row.get("naming")) for row in rows),
    }
    if not rows:
        return out
    # Answers, right statements, said yes, said yes of a right one, right answers, and those that were read.
    each = np.array(
        [
            [
                1,
                row["gold"] == "yes",
                row["said"] == "yes",
                row["said"] == "yes" == row["gold"],
                row["said"] == row["gold"],
                row["said"] in ("yes", "no"),
            ]
            for row in rows
        ],
        dtype=np.float64,
    )
    return out | _estimates(rows, each, _rates, name, plan)


def _rates(sums: Array) -> dict[str, Array]:
    n, true, yes, hits, right, read = (sums[..., place] for place in range(6))
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "accuracy": right / n,
            "yes_rate": yes / read,
            "precision": hits / yes,
            "recall": hits / true,
            "F1": np.where(yes + true > 0, 2 * hits / (yes + true), np.nan),
        }


def _estimates(
    rows: Sequence[Row],
    each: Array,
    function: Callable[[Array], Mapping[str, Array]],
    name: str,
    plan: Plan,
) -> dict[str, Any]:
    draws = bootstrap.draw([row["image"] for row in rows], plan.resamples, seed_of(plan.seed, name))
    found = bootstrap.of_sums(each, function, draws)
    return {key: stated(one, draws.clusters) for key, one in found.items()}


def stated(one: bootstrap.Estimate | None, pictures: int) -> dict[str, Any]:
    """A rate; where every picture agrees, drawing again shows no spread: exact, a picture as one trial."""
    if one is None:
        return {"value": None, "low": None, "high": None}
    low, high = one.low, one.high
    if low is not None and low == high and one.value in (0, 1):
        low, high = clopper_pearson(pictures if one.value else 0, pictures)
    return {"value": one.value, "low": low, "high": high}


def negation(rows: Sequence[Row], language: str, plan: Plan) -> dict[str, Any]:
    """What becomes of the answers when the statement is denied; nothing where none was.

    Returns:
        ``pairs``; ``both_right`` and ``consistent`` (one yes and one no, right or wrong) with intervals;
        ``yes_to_both``, ``no_to_both``, ``unread``; accuracy of either form, and McNemar's exact test between
        them with whole pictures swapped.
    """
    forms: dict[str, dict[str, Row]] = {}
    for row in rows:
        forms.setdefault(row["pair"], {})[row["form"]] = row
    pairs = [(one["is"], one["is_not"]) for one in forms.values() if len(one) == len(FORMS)]
    if not pairs:
        return {"pairs": 0}
    said = [(plain["said"], denied["said"]) for plain, denied in pairs]
    each = np.array(
        [
            [1, plain["right"] and denied["right"], {plain["said"], denied["said"]} == {"yes", "no"}]
            for plain, denied in pairs
        ],
        dtype=np.float64,
    )
    found = _estimates(
        [plain for plain, _ in pairs],
        each,
        lambda sums: {name: sums[..., place] / sums[..., 0] for place, name in enumerate(PAIRED, 1)},
        f"{language}:negation",
        plan,
    )
    right = [[bool(pair[side]["right"]) for pair in pairs] for side in (0, 1)]
    test = mcnemar(right[0], right[1], [plain["image"] for plain, _ in pairs])
    return {
        "pairs": len(pairs),
        **found,
        "yes_to_both": said.count(("yes", "yes")),
        "no_to_both": said.count(("no", "no")),
        "unread": sum(not {one, other} <= {"yes", "no"} for one, other in said),
        "accuracy_is": sum(right[0]) / len(pairs),
        "accuracy_is_not": sum(right[1]) / len(pairs),
        "mcnemar": {"is_only": test.ours_only, "is_not_only": test.theirs_only, "p": test.p},
    }
