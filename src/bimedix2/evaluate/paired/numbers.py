"""From judged items to numbers: accuracy and its gap, agreement, contradictions, language.

Everything is of items that have both answers; whole subjects are drawn again.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bimedix2.evaluate.paired.judge import Pair, Said
from bimedix2.stats import bootstrap
from bimedix2.stats.exact import clopper_pearson
from bimedix2.stats.paired import mcnemar, paired_bootstrap, randomisation

AGREEMENTS = ("both right", "English alone", "Arabic alone", "both wrong")
FREQUENT = 12
"""Words of the other script that the page lists."""


@dataclass(frozen=True)
class Plan:
    """How intervals are drawn."""

    resamples: int
    seed: int


def share(values: Sequence[bool], subjects: Sequence[str], plan: Plan) -> dict[str, Any] | None:
    """A share with its 95 % interval over subjects; ``None`` without values.

    Where all values agree drawing again shows no spread: the exact interval, a subject counting as one trial.
    """
    if not values:
        return None
    numbers = [float(value) for value in values]
    draws = bootstrap.draw(subjects, plan.resamples, plan.seed)
    one = bootstrap.mean(numbers, draws)
    low, high = one.low, one.high
    if min(numbers) == max(numbers):
        low, high = clopper_pearson(draws.clusters if numbers[0] else 0, draws.clusters)
    return {"value": one.value, "low": low, "high": high, "n": len(numbers), "subjects": draws.clusters}


def measure(pairs: Sequence[Pair], plan: Plan) -> dict[str, Any]:
    """Every measure of some items.

    Args:
        pairs: judged items that have both answers.
        plan: how intervals are drawn.
    """
    graded = [pair for pair in pairs if pair.agreement != "not graded"]
    found: dict[str, Any] = {
        "items": len(pairs),
        "subjects": len({pair.twins.subject for pair in pairs}),
        "without subject id": sum(not pair.twins.known_subject for pair in pairs),
        "graded": len(graded),
    }
    if graded:
        found["accuracy"] = _accuracy(graded, plan)
        counts = Counter(pair.agreement for pair in graded)
        found["agreement"] = {name: counts[name] for name in AGREEMENTS}
    scored = [pair for pair in pairs if pair.scores is not None]
    if scored:
        found["scores"] = _scores(scored, plan)
    found["contradiction"] = _contradiction(pairs, plan)
    found["language"] = {tongue: _language(pairs, tongue, plan) for tongue in ("en", "ar")}
    return found


def _accuracy(pairs: Sequence[Pair], plan: Plan) -> dict[str, Any]:
    """Both shares, and English minus Arabic with three tests of its sign."""
    subjects = [pair.twins.subject for pair in pairs]
    english = [bool(pair.english.right) for pair in pairs]
    arabic = [bool(pair.arabic.right) for pair in pairs]
    gap = _gap([float(one) for one in english], [float(one) for one in arabic], subjects, plan)
    plain, grouped = mcnemar(english, arabic), mcnemar(english, arabic, subjects)
    return {
        "en": share(english, subjects, plan),
        "ar": share(arabic, subjects, plan),
        "gap": {
            **gap,
            "McNemar, items": plain.p,
            "McNemar, subjects": grouped.p,
            "English alone": plain.ours_only,
            "Arabic alone": plain.theirs_only,
        },
    }


def _gap(
    english: Sequence[float], arabic: Sequence[float], subjects: Sequence[str], plan: Plan
) -> dict[str, Any]:
    boot = paired_bootstrap(english, arabic, subjects, resamples=plan.resamples, seed=plan.seed)
    swapped = randomisation(english, arabic, subjects, seed=plan.seed)
    return {
        **vars(boot.difference),
        "bootstrap": boot.p,
        "randomisation": swapped.p,
        "exact": swapped.exact,
        "n": boot.items,
        "subjects": boot.groups,
    }


def _scores(pairs: Sequence[Pair], plan: Plan) -> dict[str, Any]:
    """A judge's scores in both languages, and their gap."""
    subjects = [pair.twins.subject for pair in pairs]
    english, arabic = (
        [float(pair.scores[side]) for pair in pairs if pair.scores is not None] for side in (0, 1)
    )
    draws = bootstrap.draw(subjects, plan.resamples, plan.seed)
    return {
        "en": {**vars(bootstrap.mean(english, draws)), "n": len(english)},
        "ar": {**vars(bootstrap.mean(arabic, draws)), "n": len(arabic)},
        "gap": _gap(english, arabic, subjects, plan),
    }


def _contradiction(pairs: Sequence[Pair], plan: Plan) -> dict[str, Any]:
    comparable = [pair for pair in pairs if pair.comparable]
    kinds = Counter(kind for pair in comparable for kind in pair.contradicts)
    right = sum(pair.agreement == "both right" for pair in comparable if pair.contradicts)
    return {
        "rate": share(
            [bool(pair.contradicts) for pair in comparable],
            [pair.twins.subject for pair in comparable],
            plan,
        ),
        "not comparable": len(pairs) - len(comparable),
        "kinds": dict(kinds.most_common()),
        "contradicting though both are right": right,
    }


def _language(pairs: Sequence[Pair], tongue: str, plan: Plan) -> dict[str, Any]:
    said = [(_side(pair, tongue), pair.twins.subject) for pair in pairs]
    worded = [(one, subject) for one, subject in said if one.kept is not None]
    written = [(one, subject) for one, subject in worded if one.answered]
    words = Counter(word for one, _ in written for word in one.switched)
    return {
        "kept": share([bool(one.kept) for one, _ in worded], [s for _, s in worded], plan),
        "switched": share([bool(one.switched) for one, _ in written], [s for _, s in written], plan),
        "empty": len(worded) - len(written),
        "words": dict(words.most_common(FREQUENT)),
    }


def _side(pair: Pair, tongue: str) -> Said:
    return pair.english if tongue == "en" else pair.arabic


def by_type(pairs: Sequence[Pair], plan: Plan) -> dict[str, dict[str, Any]]:
    """The same for each question type."""
    names = sorted({pair.twins.type for pair in pairs})
    return {name: measure([pair for pair in pairs if pair.twins.type == name], plan) for name in names}
