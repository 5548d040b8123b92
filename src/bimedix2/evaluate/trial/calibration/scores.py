"""What people's scores say of the judge's: kappa, agreement, correlation, bias; and of each other.

The judge is compared with one person at a time: every judgement of a person is a pair with the judge's own,
so that with three people an item gives three pairs. Beside it stand each person alone and, of scores, the
mean of an item's people. Intervals draw pictures again, with all that was said of them. Differences are the
judge's minus a person's: above 0 the judge is the milder one.
"""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bimedix2.evaluate.trial.calibration.columns import Column, Rating, Row, columns, headline, most, said
from bimedix2.evaluate.trial.scores import Plan
from bimedix2.stats.agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha, weighted_kappa
from bimedix2.stats.bootstrap import Draws, Estimate, draw, mean
from bimedix2.stats.correlation import pearson, spearman

Pair = tuple[Rating, float | str]
"""A judge's value, and one person's, or people's mean, of the same."""
HALF = 0.5 + 1e-9
"""A mean of two scores may lie between them: half a point away is the same score."""
FACETS = ("system", "type", "domain")


def values(rows: Sequence[Row], about: dict[str, Any], plan: Plan) -> dict[str, Any]:
    """Every figure, as JSON.

    Args:
        rows: of ``answers.jsonl``.
        about: what the manifest says of the calibration.
        plan: how intervals are drawn.
    """
    found = columns(rows, about["protocol"])
    first = headline(about["protocol"])[0]
    return {
        "counts": _counts(rows, about),
        "columns": {name: _column(column, plan) for name, column in found.items()},
        "groups": {facet: _groups(rows, found[first], facet, plan) for facet in FACETS},
        "raters": _raters(rows),
    }


def _counts(rows: Sequence[Row], about: dict[str, Any]) -> dict[str, Any]:
    given = [one for row in rows for one in row["judgements"]]
    choices = Counter(one["choice"] for one in given)
    scored = [row for row in rows if said(row)]
    return {
        "items": len(rows),
        "wanted": about["wanted"],
        "scored_items": len(scored),
        "abstained_by_all": sum(bool(row["judgements"]) for row in rows) - len(scored),
        "images": len({row["cluster"] for row in scored}),
        "raters": len({rater for row in scored for rater in said(row)}),
        "judgements": len(given),
        "scored": choices["scored"],
        "abstain": choices["abstain"],
        "revised": sum(one["revisions"] > 0 for one in given),
        "per_item": {str(n): c for n, c in sorted(Counter(len(row["judgements"]) for row in rows).items())},
        "judged_answers": about["judged_answers"],
        "unjudged": about["unjudged"],
    }


def _json(one: Estimate) -> dict[str, Any]:
    return {"value": None if math.isnan(one.value) else one.value, "low": one.low, "high": one.high}


def _column(column: Column, plan: Plan) -> dict[str, Any]:
    pairs = [(rating, value) for rating in column.ratings for value in rating.people.values()]
    raters = sorted({name for rating in column.ratings for name in rating.people})
    out: dict[str, Any] = {
        "kind": column.kind,
        "items": sum(bool(rating.people) for rating in column.ratings),
        "each": _compare(column, pairs, plan),
        "raters": {
            name: _compare(column, [(r, r.people[name]) for r in column.ratings if name in r.people], plan)
            for name in raters
        },
        "people": _people(column, plan),
    }
    if column.kind == "scores" and len(raters) > 1:
        means: list[Pair] = [
            (r, statistics.fmean(float(v) for v in r.people.values())) for r in column.ratings if r.people
        ]
        out["mean"] = _compare(column, means, plan)
    return out


def _draws(ratings: Sequence[Rating], plan: Plan) -> Draws:
    return draw([rating.cluster for rating in ratings], plan.resamples, plan.seed)


def _compare(column: Column, pairs: Sequence[Pair], plan: Plan) -> dict[str, Any]:
    """The judge against one value of each pair; nothing where there is no pair."""
    if not pairs:
        return {"pairs": 0}
    draws = _draws([rating for rating, _ in pairs], plan)
    if column.kind == "labels":
        judge = [str(rating.judge) for rating, _ in pairs]
        person = [str(value) for _, value in pairs]
        same = [float(one == other) for one, other in zip(judge, person, strict=True)]
        return {
            "pairs": len(pairs),
            "kappa": _json(cohen_kappa(judge, person, draws)),
            "agreement": _json(mean(same, draws)),
        }
    left, right = [float(rating.judge) for rating, _ in pairs], [float(value) for _, value in pairs]
    apart = [one - other for one, other in zip(left, right, strict=True)]
    found = {
        "pairs": len(pairs),
        "weighted_kappa": _json(weighted_kappa(left, right, draws)),
        "spearman": _json(spearman(left, right, draws)),
        "pearson": _json(pearson(left, right, draws)),
        "bias": _json(mean(apart, draws)),
        "distance": _json(mean([abs(one) for one in apart], draws)),
    }
    if column.unit:
        found["agreement"] = _json(mean([float(abs(one) <= HALF) for one in apart], draws))
        found["within_one"] = _json(mean([float(abs(one) <= 1 + 1e-9) for one in apart], draws))
    return found


def _people(column: Column, plan: Plan) -> dict[str, Any]:
    """Agreement among people, of what at least two of them rated; nothing where no two did.

    Fleiss' kappa is of labels, and of items with as many ratings as most have; Krippendorff's alpha of all.
    """
    rated = [rating for rating in column.ratings if len(rating.people) > 1]
    if not rated or (column.kind == "scores" and not column.order):
        return {}
    given = [list(rating.people.values()) for rating in rated]
    if column.kind == "scores":
        alpha = krippendorff_alpha(given, _draws(rated, plan), "ordinal", column.order)
        return {"krippendorff_alpha": {**_json(alpha), "level": "ordinal", "items": len(rated)}}
    times = most([len(row) for row in given])
    whole = [rating for rating in rated if len(rating.people) == times]
    kappa = fleiss_kappa([list(rating.people.values()) for rating in whole], _draws(whole, plan))
    alpha = krippendorff_alpha(given, _draws(rated, plan))
    return {
        "fleiss_kappa": {**_json(kappa), "items": len(whole), "ratings": times},
        "krippendorff_alpha": {**_json(alpha), "level": "nominal", "items": len(rated)},
    }


def _groups(rows: Sequence[Row], column: Column, facet: str, plan: Plan) -> dict[str, Any]:
    """The first column by one facet: agreement, and of scores the bias."""
    of = {row["item"]: str(row[facet]) for row in rows}
    found: dict[str, Any] = {}
    for name in sorted(set(of.values())):
        inside = [rating for rating in column.ratings if of[rating.item] == name]
        pairs = [(rating, value) for rating in inside for value in rating.people.values()]
        one = _compare(column, pairs, plan)
        kept = {key: one[key] for key in ("pairs", "agreement", "bias") if key in one}
        found[name] = {"items": sum(bool(rating.people) for rating in inside), **kept}
    return found


def _raters(rows: Sequence[Row]) -> dict[str, Any]:
    found = {}
    given = [one for row in rows for one in row["judgements"]]
    for rater in sorted({one["rater"] for one in given}):
        own = [one for one in given if one["rater"] == rater]
        seconds = [one["seconds"] for one in own if one["seconds"] is not None]
        found[rater] = {
            "judgements": len(own),
            "scored": sum(one["choice"] == "scored" for one in own),
            "abstain": sum(one["choice"] == "abstain" for one in own),
            "revised": sum(one["revisions"] > 0 for one in own),
            "median_seconds": statistics.median(seconds) if seconds else None,
        }
    return found
