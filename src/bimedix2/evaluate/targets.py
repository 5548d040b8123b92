"""What a released nano must reach, beside what was measured: the first table of ``scores.md``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bimedix2.evaluate.aggregate import SCOPES, Cell, Plan, cell, fact, kept, macro, of_type
from bimedix2.evaluate.rows import Row

SUBJECTS = 5
"""A modality's own accuracy is held to its target from so many held-out subjects on."""
POINTS = 0.10
"""How far the share of an answer to PubMedQA may move from the base's."""


@dataclass(frozen=True)
class Target:
    """One row: ``met`` is of all held-out subjects together; ``None`` where nothing was measured."""

    name: str
    bound: str
    met: bool | None
    cells: dict[str, Any]
    """Scope -> value, interval, answers, subjects."""


Measure = Callable[[Sequence[Row]], Cell | None]


def _share(plan: Plan) -> Measure:
    return lambda rows: cell(rows, plan)


def _macro(kind: str, plan: Plan) -> Measure:
    return lambda rows: macro(rows, fact(kind), plan)


def _row(name: str, rows: Sequence[Row], measure: Measure, limit: float, below: bool = False) -> Target:
    cells = {scope: measure([row for row in rows if inside(row)]) for scope, inside in SCOPES.items()}
    whole = cells["together"]
    met = None if whole is None else whole.value < limit if below else whole.value >= limit
    bound = f"{'under' if below else 'at least'} {limit:.0%}"
    return Target(name, bound, met, {k: c.to_json() for k, c in cells.items() if c is not None})


def image_targets(rows: Sequence[Row], plan: Plan) -> list[Target]:
    """Modality, region, language, false premises, blank and noise."""
    modality, region = of_type(rows, "modality"), of_type(rows, "region")
    out = []
    for tongue, word in (("en", "English"), ("ar", "Arabic")):
        mine = [row for row in modality if row.tongue == tongue]
        out.append(_row(f"modality, macro mean, {word}", mine, _macro("modality", plan), 0.90))
    for value in sorted({fact("modality")(row) for row in modality}):
        mine = [row for row in modality if fact("modality")(row) == value]
        if len({row.subject for row in mine}) >= SUBJECTS:
            out.append(_row(f"modality: {value}", mine, _share(plan), 0.85))
    # What no picture of the training side shows cannot be known from it; such regions are reported apart.
    region = [row for row in region if row.taught]
    out.append(_row("body region, macro mean", region, _macro("region", plan), 0.85))
    out.append(_row("answer in the user's language", rows, lambda part: cell(part, plan, kept), 0.99))
    out.append(_row("false premise corrected", of_type(rows, "false_premise"), _share(plan), 0.85))
    blank = [row for row in rows if row.modality in ("blank", "noise")]
    out.append(_row("blank or noise recognised", blank, _share(plan), 0.95))
    return out


def canary_targets(rows: Sequence[Row], plan: Plan) -> list[Target]:
    """Accuracy against the label that was not shown."""
    return [
        _row(
            f"pictures swapped: {kind} of the original",
            [row for row in rows if row.type == kind],
            _share(plan),
            0.20,
            below=True,
        )
        for kind in ("modality", "region")
    ]


def pubmedqa_targets(scores: dict[str, Any]) -> list[Target]:
    """The difference's lower bound, and the shares."""
    difference = scores["difference"]
    low = difference["low"]
    whole = {**difference, "subjects": difference["n"], "unknown": 0}
    out = [
        Target(
            "PubMedQA, model minus base",
            "lower bound above -4 points",
            None if low is None else low > -0.04,
            {"together": whole},
        )
    ]
    moved = {option: row["model"] - row["base"] for option, row in scores["shares"].items()}
    option = max(moved, key=lambda name: abs(moved[name]))
    cells = {"value": moved[option], "low": None, "high": None, "n": difference["n"], "unknown": 0}
    out.append(
        Target(
            f"PubMedQA, share of an answer, furthest from the base's ({option})",
            f"within {POINTS * 100:.0f} points",
            abs(moved[option]) <= POINTS,
            {"together": {**cells, "subjects": difference["n"]}},
        )
    )
    return out


def perplexity_targets(scores: dict[str, Any]) -> list[Target]:
    """The ratio; lower than the base's is no loss, and of other tokens than the base's it says nothing."""
    ratio = scores["ratio"]
    whole = {**ratio, "subjects": ratio["n"], "unknown": 0}
    met = ratio["value"] <= 1.03 if "other tokens" not in scores else None
    return [Target("perplexity, model over base", "at most 1.03", met, {"together": whole})]
