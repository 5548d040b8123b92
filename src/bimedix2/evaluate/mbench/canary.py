"""Is the judge a judge? Answers whose score is known beforehand; without them passing no score is printed.

The reference as candidate must come near 100; an empty answer, another picture's answer and the right answer
in the other language must stay low (specification 3.6).
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bimedix2.errors import DataError
from bimedix2.evaluate.mbench.aggregate import Scored
from bimedix2.evaluate.mbench.judge import PAIRS, Judgement, Plan, judge_pairs
from bimedix2.evaluate.mbench.load import Answers, Item
from bimedix2.evaluate.mbench.rubric import HIGHEST, LOWEST, judge_geval, judge_rubric
from bimedix2.llm.backend import Backend

REFERENCE, EMPTY, SWAPPED, LANGUAGE = "reference", "empty answer", "other image", "other language"
BOUNDS: dict[str, dict[str, tuple[float, float]]] = {
    "pairs": {REFERENCE: (90, 112), EMPTY: (0, 30), SWAPPED: (0, 60), LANGUAGE: (0, 60)},
    "geval": {REFERENCE: (75, 100), EMPTY: (0, 35), SWAPPED: (0, 60), LANGUAGE: (0, 35)},
    "rubric": {REFERENCE: (75, 100), EMPTY: (0, 10), SWAPPED: (0, 50), LANGUAGE: (0, 20)},
}
"""Lowest and highest mean that a canary may have. Set by us: no real judge has been measured yet."""


@dataclass(frozen=True)
class Canary:
    """One kind of known answer: the judge's mean on it, and whether that is within its bounds."""

    name: str
    value: float | None
    low: float
    high: float
    n: int
    of: int
    """Known answers that were judged; of ``n`` the judge's reply could be read."""
    required: bool

    @property
    def passed(self) -> bool:
        """Within its bounds, and most replies were read: a mean over the few readable ones shows nothing."""
        return self.value is not None and self.low <= self.value <= self.high and 2 * self.n > self.of

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "passed": self.passed}


def known_answers(
    items: Mapping[int, Item], twin: Mapping[int, Item], seed: int, count: int
) -> tuple[list[Item], dict[str, dict[int, str]]]:
    """Choose items, and write their known answers.

    Args:
        items: the benchmark, at least two images.
        twin: the same questions in the other language; empty if there are none.
        seed: of the choice.
        count: items a canary.

    Returns:
        The chosen items; canary -> question -> answer.

    """
    both = sorted(items.keys() & twin.keys()) if twin else sorted(items)
    draw = random.Random(f"{seed}:canary")
    chosen = [items[number] for number in sorted(draw.sample(both, min(count, len(both))))]
    answers: dict[str, dict[int, str]] = {REFERENCE: {}, EMPTY: {}, SWAPPED: {}}
    for item in chosen:
        others = [other for other in items.values() if other.image != item.image]
        # Of the same type and another kind of image where there is one: the farther, the clearer.
        best = max(
            others, key=lambda o: (o.type == item.type) + (o.domain != item.domain) + draw.random() / 2
        )
        answers[REFERENCE][item.question_id] = item.reference
        answers[EMPTY][item.question_id] = ""
        answers[SWAPPED][item.question_id] = best.reference
    if twin:
        answers[LANGUAGE] = {item.question_id: twin[item.question_id].reference for item in chosen}
    return chosen, answers


def speaks_of_language(plan: Plan, items: Sequence[Item]) -> bool:
    """Whether the prompt tells the judge what an answer in another language is worth."""
    return not (plan.protocol in PAIRS and plan.version == "published" and items[0].language == "en")


def check(items: Mapping[int, Item], twin: Mapping[int, Item], plan: Plan) -> None:
    """Say before anybody is asked that there is nothing to try the judge with.

    Raises:
        DataError: the prompt speaks of languages and there is no twin, or it shares no question with the
            benchmark; or all items are about one image.
    """
    if not twin and speaks_of_language(plan, list(items.values())):
        raise DataError(
            "the canary in the other language needs the benchmark's other file; give it beside this one"
        )
    if twin and not items.keys() & twin.keys():
        raise DataError("the benchmark's two files share no question_id; check that they belong together")
    if len({item.image for item in items.values()}) < 2:
        raise DataError("the canaries need a benchmark of at least two images; give one")


def run_canaries(
    backend: Backend,
    items: Mapping[int, Item],
    twin: Mapping[int, Item],
    plan: Plan,
    *,
    count: int = 5,
    seed: int = 0,
) -> list[Canary]:
    """Judge the known answers.

    Raises:
        DataError: as ``check``.
    """
    check(items, twin, plan)
    chosen, answers = known_answers(items, twin, seed, count)
    bounds = BOUNDS["pairs" if plan.protocol in PAIRS else plan.protocol]
    found = []
    for name, texts in answers.items():
        low, high = bounds[name]
        values = _values(backend, chosen, Answers(f"canary: {name}", texts, {}), plan, name)
        required = name != LANGUAGE or speaks_of_language(plan, chosen)
        mean = sum(values) / len(values) if values else None
        found.append(Canary(name, mean, low, high, len(values), len(chosen), required))
    return found


def _values(backend: Backend, items: Sequence[Item], answers: Answers, plan: Plan, name: str) -> list[float]:
    """The canary's scores, 0 to 100; those that could not be read are left out."""
    if plan.protocol in PAIRS:
        judged: list[Judgement] = judge_pairs(backend, items, answers, plan)
        return [100 * one.judged.ratio for one in judged if not one.judged.failure]
    if plan.protocol == "rubric":
        return [one.score for one in judge_rubric(backend, items, answers, plan) if one.score is not None]
    take: Callable[[Scored], float] = _language_score if name == LANGUAGE else _score
    return [take(one) for one in judge_geval(backend, items, answers, plan) if one.score is not None]


def _score(one: Scored) -> float:
    assert one.score is not None
    return one.score


def _language_score(one: Scored) -> float:
    """Of the dimension that is to see the language: the other four rightly do not."""
    return 100 * (float(one.details["dimensions"]["language"]) - LOWEST) / (HIGHEST - LOWEST)


def require(canaries: Sequence[Canary]) -> None:
    """Stop before a score of a judge that fails is printed.

    Raises:
        DataError: naming each canary that failed.
    """
    failed = [one for one in canaries if one.required and not one.passed]
    if failed:
        said = "; ".join(
            f"'{one.name}' got {'no readable score' if one.value is None else f'{one.value:.1f}'} "
            f"({one.n} of {one.of} replies read), expected {one.low:g} to {one.high:g}"
            for one in failed
        )
        raise DataError(f"the judge failed its canaries ({said}); no score is printed: choose another judge")
