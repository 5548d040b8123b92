"""Is text ability kept? PubMedQA and perplexity, the model against its base on the same questions."""

from collections.abc import Sequence
from typing import Any

from bimedix2.evaluate.aggregate import Plan
from bimedix2.evaluate.rows import Row
from bimedix2.evaluate.tasks.pubmedqa import choice
from bimedix2.stats import bootstrap
from bimedix2.stats.exact import clopper_pearson


def _paired(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Model and base rows of the same records, in one order."""
    sides = [{row.sample.record.id: row for row in rows if row.role == role} for role in ("model", "base")]
    both = sorted(sides[0].keys() & sides[1].keys())
    return [sides[0][key] for key in both], [sides[1][key] for key in both]


def _share(count: int, total: int) -> dict[str, Any]:
    low, high = clopper_pearson(count, total)
    return {"value": count / total, "low": low, "high": high, "n": total}


def pubmedqa(rows: Sequence[Row], plan: Plan) -> dict[str, Any]:
    """Accuracy of both with exact intervals, the paired difference, and how often each option is chosen."""
    ours, theirs = _paired(rows)
    draws = bootstrap.draw([row.subject for row in ours], plan.resamples, plan.seed)
    right = [[float(row.grade.right) for row in side] for side in (ours, theirs)]
    options = ours[0].sample.options
    chosen = [[choice(row.sample, row.raw) for row in side] for side in (ours, theirs)]
    return {
        "model": _share(int(sum(right[0])), len(ours)),
        "base": _share(int(sum(right[1])), len(ours)),
        "difference": {**vars(bootstrap.difference(right[0], right[1], draws)), "n": len(ours)},
        "shares": {
            option: {
                "model": chosen[0].count(option) / len(ours),
                "base": chosen[1].count(option) / len(ours),
                "truth": sum(_truth(row) == option for row in ours) / len(ours),
            }
            for option in options
        },
    }


def _truth(row: Row) -> str:
    return row.sample.expected.reference if row.sample.expected else ""


def perplexity(rows: Sequence[Row], plan: Plan) -> dict[str, Any]:
    """Perplexity per token of both on all texts, and their ratio."""
    ours, theirs = _paired(rows)
    draws = bootstrap.draw([row.subject for row in ours], plan.resamples, plan.seed)
    columns = [
        ([row.raw["values"][0] for row in side], [float(row.raw["tokens"][0]) for row in side])
        for side in (ours, theirs)
    ]
    sums = [(sum(values), sum(tokens)) for values, tokens in columns]
    return {
        # Per token: of unlike tokenisers the two are no measure of the same thing.
        **({} if columns[0][1] == columns[1][1] else {"other tokens": True}),
        "model": bootstrap.perplexity(*sums[0]),
        "base": bootstrap.perplexity(*sums[1]),
        "ratio": {**vars(bootstrap.perplexity_ratio(columns[0], columns[1], draws)), "n": len(ours)},
    }
