"""What the judgements say: shares of best with exact intervals, strengths, agreement, strata, labels, time.

A judgement is of one person and one item. An exact interval (Clopper and Pearson 1934) takes judgements as
independent; several people judge one item and several items may share a picture, so beside it stands a
percentile interval over the pictures or subjects drawn again, and the share of items that a model wins by
most of their judgements, for which an item counts once.
"""

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from bimedix2.errors import DataError
from bimedix2.evaluate.trial.judgements import Judged, Opened, by_rater
from bimedix2.stats.agreement import fleiss_kappa, krippendorff_alpha
from bimedix2.stats.bootstrap import Draws, Estimate, draw, mean
from bimedix2.stats.bradley_terry import bradley_terry, wins_of
from bimedix2.stats.exact import clopper_pearson


@dataclass(frozen=True)
class Plan:
    """How intervals are drawn."""

    resamples: int
    seed: int


def values(opened: Opened, plan: Plan) -> dict[str, Any]:
    """Every figure of the trial, as JSON.

    Raises:
        DataError: nobody judged anything.
    """
    if not opened.judged:
        raise DataError("nobody has judged an item of this trial; serve it, and close it again")
    of_items = opened.of_items()
    said = [one for one in opened.judged if one.choice != "abstain"]
    return {
        "counts": _counts(opened, of_items),
        "models": {model: _model(opened, model, of_items, plan) for model in opened.models},
        "bradley_terry": _strengths(opened, said, plan),
        "pairs": _pairs(opened, said),
        "agreement": _agreement(opened, of_items, plan),
        "strata": _strata(opened),
        "labels": _labels(opened),
        "raters": _raters(opened),
    }


def _counts(opened: Opened, of_items: dict[str, list[Judged]]) -> dict[str, Any]:
    choices = Counter(one.choice for one in opened.judged)
    return {
        "items": len(opened.items),
        "judged_items": sum(bool(judged) for judged in of_items.values()),
        "raters": len({one.rater for one in opened.judged}),
        "judgements": len(opened.judged),
        **{choice: choices[choice] for choice in ("best", "tie", "abstain")},
        "revised": sum(one.revisions > 0 for one in opened.judged),
        "per_item": dict(sorted(Counter(len(judged) for judged in of_items.values()).items())),
    }


def _draws(opened: Opened, judged: Sequence[Judged], plan: Plan) -> Draws:
    return draw([opened.items[one.item]["cluster"] for one in judged], plan.resamples, plan.seed)


def _share(count: int, of: int) -> dict[str, Any]:
    """A share with its exact interval; none where nothing is behind it."""
    if not of:
        return {"count": 0, "of": 0, "share": None, "low": None, "high": None}
    low, high = clopper_pearson(count, of)
    return {"count": count, "of": of, "share": count / of, "low": low, "high": high}


def _model(opened: Opened, model: str, of_items: dict[str, list[Judged]], plan: Plan) -> dict[str, Any]:
    decided = [one for one in opened.judged if one.choice == "best"]
    chosen = [float(one.best == (model,)) for one in decided]
    over: Estimate = Estimate(float("nan"), None, None)
    if decided:
        over = mean(chosen, _draws(opened, decided, plan))
    winners = [winner for judged in of_items.values() if (winner := _winner(judged)) is not None]
    return {
        "best": _share(int(sum(chosen)), len(decided)),
        "over_items": {"low": over.low, "high": over.high},
        "tied": sum(one.choice == "tie" and model in one.best for one in opened.judged),
        "items_won": _share(winners.count(model), len(winners)),
    }


def _winner(judged: Sequence[Judged]) -> str | None:
    """The model that more people chose as best than any other; ``None`` where there is none."""
    counts = Counter(one.best[0] for one in judged if one.choice == "best").most_common(2)
    if not counts or (len(counts) > 1 and counts[0][1] == counts[1][1]):
        return None
    return counts[0][0]


def _strengths(opened: Opened, said: Sequence[Judged], plan: Plan) -> dict[str, Any]:
    if not said:
        return {}
    place = {model: number for number, model in enumerate(opened.models)}
    wins = [wins_of([place[model] for model in one.best], len(place)) for one in said]
    found = bradley_terry(wins, _draws(opened, said, plan))
    return {
        model: {
            "strength": None if one.value != one.value else one.value,  # NaN: there is no order
            "low": one.low,
            "high": one.high,
        }
        for model, one in zip(opened.models, found.each, strict=True)
    }


def _pairs(opened: Opened, said: Sequence[Judged]) -> list[dict[str, Any]]:
    """Of each two models, how often one was best where the other was not, ties of both apart."""
    pairs = []
    for one, other in combinations(opened.models, 2):
        ours = sum(one in judged.best and other not in judged.best for judged in said)
        theirs = sum(other in judged.best and one not in judged.best for judged in said)
        both = sum(one in judged.best and other in judged.best for judged in said)
        pairs.append({"models": [one, other], "tied": both, **_share(ours, ours + theirs)})
    return pairs


def _agreement(opened: Opened, of_items: dict[str, list[Judged]], plan: Plan) -> dict[str, Any]:
    """Agreement on the model that is best, a tie being a value of its own; abstentions are no rating.

    Fleiss' kappa is of items with as many ratings as most have; Krippendorff's alpha of all with two or more.
    """
    rated = {
        item: [one.value for one in judged if one.choice != "abstain"] for item, judged in of_items.items()
    }
    rated = {item: row for item, row in rated.items() if len(row) > 1}
    if not rated:
        return {}

    def draws(items: Sequence[str]) -> Draws:
        return draw([opened.items[item]["cluster"] for item in items], plan.resamples, plan.seed)

    times = max(Counter(len(row) for row in rated.values()).items(), key=lambda pair: (pair[1], pair[0]))[0]
    whole = [item for item, row in rated.items() if len(row) == times]
    kappa = fleiss_kappa([rated[item] for item in whole], draws(whole))
    alpha = krippendorff_alpha(list(rated.values()), draws(list(rated)))
    same = sum(len(set(row)) == 1 for row in rated.values())
    return {
        "fleiss_kappa": {**_estimate(kappa), "items": len(whole), "ratings": times},
        "krippendorff_alpha": {**_estimate(alpha), "items": len(rated)},
        "all_the_same": _share(same, len(rated)),
    }


def _estimate(one: Estimate) -> dict[str, Any]:
    return {"value": None if one.value != one.value else one.value, "low": one.low, "high": one.high}


def _strata(opened: Opened) -> dict[str, Any]:
    """Shares of best by domain, type and language, and by all three together."""
    facets: dict[str, Callable[[dict[str, Any]], str]] = {
        "domain": lambda item: str(item["domain"]),
        "type": lambda item: str(item["type"]),
        "language": lambda item: str(item["language"]),
        "stratum": lambda item: f"{item['domain']}, {item['type']}, {item['language']}",
    }
    found: dict[str, Any] = {}
    for facet, of in facets.items():
        names = sorted({of(item) for item in opened.items.values()})
        found[facet] = {name: _stratum(opened, of, name) for name in names}
    return found


def _stratum(opened: Opened, of: Callable[[dict[str, Any]], str], name: str) -> dict[str, Any]:
    inside = [one for one in opened.judged if of(opened.items[one.item]) == name]
    decided = [one for one in inside if one.choice == "best"]
    return {
        "items": sum(of(item) == name for item in opened.items.values()),
        "tie": sum(one.choice == "tie" for one in inside),
        "abstain": sum(one.choice == "abstain" for one in inside),
        "models": {
            model: _share(sum(one.best == (model,) for one in decided), len(decided))
            for model in opened.models
        },
    }


def _labels(opened: Opened) -> dict[str, Any]:
    """Shares of best by the label, whatever stood under it: far from equal is a habit of the raters."""
    decided = [one for one in opened.judged if one.choice == "best"]
    counts = Counter(one.labels[0] for one in decided)
    return {label: _share(counts[label], len(decided)) for label in opened.sealed["labels"]}


def _raters(opened: Opened) -> dict[str, Any]:
    found = {}
    for rater, judged in by_rater(opened.judged).items():
        choices = Counter(one.choice for one in judged)
        seconds = [one.seconds for one in judged if one.seconds is not None]
        found[rater] = {
            "judgements": len(judged),
            **{choice: choices[choice] for choice in ("best", "tie", "abstain")},
            "revised": sum(one.revisions > 0 for one in judged),
            "median_seconds": statistics.median(seconds) if seconds else None,
        }
    return found
