"""The figures of a batch: rates of errors with their denominators, agreement, and acceptance.

Rates are of settled pairs, by the plan that chose them. The exact interval takes pairs as independent
(Clopper and Pearson 1934); records of one patient are not quite that, so few subjects make it too narrow.
Agreement is of first reviews, which were blind, with intervals over subjects drawn again.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from bimedix2.errors import DataError
from bimedix2.review.board import Board, Standing
from bimedix2.review.judgement import Category, Verdict
from bimedix2.review.settings import Config
from bimedix2.stats.agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha
from bimedix2.stats.bootstrap import Draws, Estimate, draw
from bimedix2.stats.exact import clopper_pearson

ORDER = tuple(verdict.value for verdict in Verdict)
FEWEST_IN_COMMON = 10
"""Pairs that two people must both have reviewed before their kappa is printed."""


def rates(standings: Sequence[Standing], overlap: int, level: float) -> dict[str, Any]:
    """Counts and shares of the verdicts of settled pairs, with exact intervals."""
    settled = [judged for s in standings if (judged := s.verdict(overlap)) is not None]
    counts = Counter(judged.verdict.value for judged in settled)
    kinds = Counter(category for judged in settled for category in judged.categories)
    out: dict[str, Any] = {"pairs": len(standings), "settled": len(settled)}
    for verdict in ORDER:
        count = counts[verdict]
        low, high = clopper_pearson(count, len(settled), level) if settled else (None, None)
        share = count / len(settled) if settled else None
        out[verdict] = {"count": count, "of": len(settled), "share": share, "low": low, "high": high}
    out["categories"] = {kind.value: kinds[kind] for kind in Category}
    return out


def _json(estimate: Estimate, items: int) -> dict[str, Any]:
    value = None if estimate.value != estimate.value else estimate.value  # NaN: it cannot be had
    return {"value": value, "low": estimate.low, "high": estimate.high, "pairs": items}


def _draws(standings: Sequence[Standing], config: Config) -> Draws:
    clusters = [s.item.subject or f"pair:{s.item.id}" for s in standings]
    return draw(clusters, config.resamples, config.seed)


def agreement(board: Board, config: Config) -> dict[str, Any]:
    """Agreement of first reviews on pairs that at least two people reviewed."""
    both = [s for s in board.standings.values() if len(s.reviews) > 1]
    if not both:
        return {}
    rated = [[judged.verdict.value for judged in s.first.values()] for s in both]
    draws = _draws(both, config)
    same = sum(len(set(row)) == 1 for row in rated)
    out: dict[str, Any] = {
        "all_the_same": {"count": same, "of": len(both)},
        "krippendorff_alpha_nominal": _json(krippendorff_alpha(rated, draws), len(both)),
        "krippendorff_alpha_ordinal": _json(krippendorff_alpha(rated, draws, "ordinal", ORDER), len(both)),
    }
    whole = [(s, row) for s, row in zip(both, rated, strict=True) if len(row) == board.overlap]
    if whole and board.overlap > 1:
        kappa = fleiss_kappa([row for _, row in whole], _draws([s for s, _ in whole], config))
        out["fleiss_kappa"] = _json(kappa, len(whole))
    out["cohen_kappa"] = _cohen(both, config)
    return out


def _cohen(standings: Sequence[Standing], config: Config) -> dict[str, Any]:
    """Of each two people who reviewed enough of the same pairs."""
    names = sorted({name for s in standings for name in s.reviews})
    out = {}
    for one, other in combinations(names, 2):
        shared = [s for s in standings if one in s.reviews and other in s.reviews]
        if len(shared) >= FEWEST_IN_COMMON:
            left, right = ([s.first[name].verdict.value for s in shared] for name in (one, other))
            out[f"{one}, {other}"] = _json(cohen_kappa(left, right, _draws(shared, config)), len(shared))
    return out


def _people(board: Board) -> dict[str, Any]:
    given: dict[str, Counter[str]] = {}
    for standing in board.standings.values():
        for name, judged in standing.first.items():
            given.setdefault(name, Counter())[judged.verdict.value] += 1
    return {
        name: {"reviews": sum(counts.values()), **{verdict: counts[verdict] for verdict in ORDER}}
        for name, counts in sorted(given.items())
    }


def _import(said: dict[str, Any]) -> dict[str, Any]:
    """What came out of another tool's file, and what did not; each one by its item stands in the log."""
    keys = ("file", "format", "sha256", "reviews", "resolutions", "already_there", "left_out", "noted")
    return {key: said[key] for key in keys if key in said}


def acceptance(plans: dict[str, Any], config: Config) -> dict[str, Any]:
    """Whether every plan that estimates has its upper bound below the limit.

    ``None`` where pairs are left without a verdict, or no plan estimates anything: it is not decided then.
    """
    judged = {plan.name: plans[plan.name] for plan in config.plans if plan.estimates}
    whole = bool(judged) and all(found["settled"] == found["pairs"] > 0 for found in judged.values())
    accepted = all(found["major"]["high"] < config.limit for found in judged.values()) if whole else None
    rule = f"the {config.level:.0%} Clopper-Pearson upper bound of the major rate is below {config.limit:.1%}"
    return {"accepted": accepted, "rule": rule, "limit": config.limit, "level": config.level}


def figures(board: Board, config: Config) -> dict[str, Any]:
    """All figures, as JSON.

    Raises:
        DataError: the batch has no pair.
    """
    if not board.standings:
        raise DataError("the batch has no pair; open it again with other plans")
    everything = list(board.standings.values())
    population = board.opened.get("population", {})
    plans = {}
    for plan in config.plans:
        chosen = [s for s in everything if plan.name in s.item.plans]
        about = {"population": population.get(plan.name), "estimates": plan.estimates}
        plans[plan.name] = {**about, **rates(chosen, config.overlap, config.level)}
    states = Counter(s.state(config.overlap) for s in everything)
    return {
        "acceptance": acceptance(plans, config),
        "plans": plans,
        "overlap": config.overlap,
        "states": {state: states[state] for state in ("settled", "conflict", "open")},
        "resolved_by_adjudicator": sum(s.resolution is not None for s in everything),
        "revised_after_discussion": sum(any(len(r) > 1 for r in s.reviews.values()) for s in everything),
        "kept_aside": board.opened.get("kept_aside", {}),
        "imports": [_import(one) for one in board.imports],
        "agreement": agreement(board, config),
        "people": _people(board),
    }
