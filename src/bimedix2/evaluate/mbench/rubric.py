"""Scores by rubric: ``geval`` (one dimension a call, drawn often) and ``rubric`` (single facts and claims).

Both give an answer 0 to 100. ``geval`` follows G-Eval (arXiv 2303.16634): the mean of many sampled scores.
``rubric`` compares with facts of the reference, which are taken once for all systems: the backend's cache
answers the same request for the next one.
"""

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from bimedix2.errors import RefusedError
from bimedix2.evaluate.mbench.aggregate import Scored
from bimedix2.evaluate.mbench.judge import LICENCE, Plan
from bimedix2.evaluate.mbench.load import Answers, Item
from bimedix2.evaluate.mbench.prompts import LANGUAGES, dimensions, prompt
from bimedix2.llm.backend import Backend, Request, Sampling, attempt
from bimedix2.llm.structured import Accepted, Answer, Rejected, Rules, ask_structured
from bimedix2.records import Language

LOWEST, HIGHEST = 1, 5
"""Of a dimension."""
FORM = Sampling(max_tokens=5, temperature=2.0, top_p=1.0)
"""As the published code of G-Eval draws."""
NEEDED = 0.5
"""Share of the drawn scores that must be readable."""


class Facts(Answer):
    """What a complete answer states."""

    facts: Annotated[list[str], Field(min_length=1, max_length=12)]


class Claim(Answer):
    """One statement of the candidate."""

    claim: str
    verdict: Literal["supported", "contradicted", "unknown"]


class Marks(Answer):
    """An answer against the facts."""

    facts: list[Literal["present", "contradicted", "absent"]]
    claims: list[Claim]
    in_language: bool
    harmful: bool


def scored(item: Item, score: float | None, failure: str = "", **details: Any) -> Scored:
    """A scored item, or one that failed."""
    return Scored(item.question_id, item.type, item.domain, item.image, score, failure, details)


def judge_geval(backend: Backend, items: Sequence[Item], answers: Answers, plan: Plan) -> list[Scored]:
    """Score every dimension by many short replies.

    Returns:
        The mean over dimensions, 1 to 5 brought to 0 to 100; each dimension's mean in the details.
    """
    failures = answers.failures
    asked = [item for item in items if item.question_id not in failures]
    places = [
        (item, name, number) for item in asked for name in dimensions() for number in range(plan.samples)
    ]
    requests = [
        geval_request(item, answers.texts[item.question_id], name, number) for item, name, number in places
    ]
    drawn: dict[tuple[int, str], list[int]] = defaultdict(list)
    for (item, name, _), reply in zip(places, attempt(backend, requests), strict=True):
        value = None if isinstance(reply, RefusedError) else form_value(reply.text)
        if value is not None:
            drawn[item.question_id, name].append(value)
    found = []
    for item in items:
        key = item.question_id
        if key in failures:
            found.append(scored(item, None, failures[key]))
            continue
        few = [name for name in dimensions() if len(drawn[key, name]) < NEEDED * plan.samples]
        if few:
            found.append(scored(item, None, f"too few readable scores of {few[0]}"))
            continue
        means = {name: sum(drawn[key, name]) / len(drawn[key, name]) for name in dimensions()}
        read = sum(len(drawn[key, name]) for name in dimensions())
        score = 100 * (sum(means.values()) / len(means) - LOWEST) / (HIGHEST - LOWEST)
        found.append(scored(item, score, dimensions=means, readable=read / (plan.samples * len(means))))
    return found


def geval_request(item: Item, answer: str, name: str, number: int) -> Request:
    """One form for one dimension; ``number`` tells the draws apart."""
    form = prompt("geval")
    messages = form.fill(
        language=LANGUAGES[item.language],
        name=name,
        definition=dimensions()[name]["definition"],
        steps=dimensions()[name]["steps"],
        label=item.label,
        caption=item.caption,
        context=item.context,
        reference=item.reference,
        question=item.question,
        answer=answer,
    )
    return Request(messages, sampling=FORM, data_class=LICENCE, prompt=form.version, sample=number)


def form_value(text: str) -> int | None:
    """The number in a form, 1 to 5; ``None`` if there is none, or more than one."""
    folded = unicodedata.normalize("NFKC", text)
    numbers = {int(number) for number in re.findall(r"(?<![\d.])\d+(?![\d.]*\d)", folded)}
    (value,) = numbers if len(numbers) == 1 else (None,)
    return value if value is not None and LOWEST <= value <= HIGHEST else None


def judge_rubric(backend: Backend, items: Sequence[Item], answers: Answers, plan: Plan) -> list[Scored]:
    """Mark facts and claims.

    Returns:
        F1 of the share of facts that are present and the share of claims that are supported, 0 to 100; an
        answer that is not in the user's language scores 0. Precision, recall and flags stand in the details.
    """
    failures = answers.failures
    asked = [item for item in items if item.question_id not in failures]
    facts = _facts(backend, asked, plan)
    marks: dict[int, Scored] = {}
    by_count: dict[int, list[Item]] = defaultdict(list)
    for item in asked:
        one = facts[item.question_id]
        if isinstance(one, Rejected):
            marks[item.question_id] = scored(item, None, "no facts", reason=one.reason)
        else:
            by_count[len(one.value.facts)].append(item)
    for count, members in by_count.items():
        requests = []
        for item in members:
            known = facts[item.question_id]
            assert isinstance(known, Accepted)
            requests.append(rubric_request(item, answers.texts[item.question_id], known.value.facts, plan))
        rules = Rules(Marks, check=lambda m, n=count: _as_many(m, n), tries=plan.tries)  # type: ignore[misc]
        for item, found in zip(members, ask_structured(backend, requests, rules), strict=True):
            known = facts[item.question_id]
            assert isinstance(known, Accepted)
            marks[item.question_id] = _marked(item, known.value.facts, found)
    for item in items:
        if item.question_id in failures:
            marks[item.question_id] = scored(item, None, failures[item.question_id])
    return [marks[item.question_id] for item in items]


def _facts(backend: Backend, items: Sequence[Item], plan: Plan) -> dict[int, Accepted[Facts] | Rejected]:
    requests = [facts_request(item, plan) for item in items]
    rules = Rules(Facts, Language.ENGLISH, tries=plan.tries)
    found = ask_structured(backend, requests, rules)
    return {item.question_id: one for item, one in zip(items, found, strict=True)}


def facts_request(item: Item, plan: Plan) -> Request:
    """Take the reference apart; the same for every system."""
    form = prompt("facts")
    messages = form.fill(
        label=item.label,
        caption=item.caption,
        context=item.context,
        question=item.question,
        reference=item.reference,
    )
    return _request(messages, form.version, plan)


def rubric_request(item: Item, answer: str, facts: Sequence[str], plan: Plan) -> Request:
    """Mark one answer."""
    form = prompt("rubric")
    messages = form.fill(
        language=LANGUAGES[item.language],
        question=item.question,
        facts="\n".join(f"{number}. {fact}" for number, fact in enumerate(facts, 1)),
        answer=answer.strip() or "(no answer)",
    )
    return _request(messages, form.version, plan)


def _request(messages: Any, version: str, plan: Plan) -> Request:
    return Request(messages, sampling=Sampling(plan.max_tokens), data_class=LICENCE, prompt=version)


def _as_many(marks: Marks, count: int) -> str:
    """What is wrong with the number of marks, in words that the model can act on."""
    if len(marks.facts) == count:
        return ""
    return f"'facts' has {len(marks.facts)} values for {count} facts; give one for each, in order"


def fact_f1(facts: Sequence[str], claims: Sequence[str]) -> tuple[float, float, float]:
    """Precision, recall and F1 of an answer, 0 to 1.

    Args:
        facts: the mark of each fact of the reference; recall is the share that is ``present``.
        claims: the verdict on each claim of the answer; precision is the share that is ``supported``.
    """
    recall = facts.count("present") / len(facts)
    precision = claims.count("supported") / len(claims) if claims else 0.0
    both = precision + recall
    return precision, recall, 2 * precision * recall / both if both else 0.0


def _marked(item: Item, facts: Sequence[str], found: Accepted[Marks] | Rejected) -> Scored:
    if isinstance(found, Rejected):
        return scored(item, None, "unreadable marks", reason=found.reason)
    marks = found.value
    precision, recall, f1 = fact_f1(marks.facts, [claim.verdict for claim in marks.claims])
    return scored(
        item,
        100 * f1 if marks.in_language else 0.0,
        precision=precision,
        recall=recall,
        f1=f1,
        contradicted=marks.facts.count("contradicted"),
        in_language=marks.in_language,
        harmful=marks.harmful,
        facts=[{"fact": one, "mark": mark} for one, mark in zip(facts, marks.facts, strict=True)],
        claims=[{"claim": one.claim, "mark": one.verdict} for one in marks.claims],
    )


def at_equal_length(items: Sequence[Scored], lengths: Sequence[tuple[int, int]]) -> dict[str, float | None]:
    """What length does to the score: least squares of the score on the log of answer over reference length.

    Args:
        items: scored ones.
        lengths: characters of the answer and of the reference, in the same order.

    Returns:
        ``slope`` (points for an answer e times as long) and ``score`` (of one as long as its reference);
        ``None`` where fewer than three items or equal ratios say nothing.
    """
    pairs = [
        (math.log((answer + 1) / (reference + 1)), item.score)
        for item, (answer, reference) in zip(items, lengths, strict=True)
        if item.score is not None
    ]
    mean_x = sum(x for x, _ in pairs) / len(pairs) if pairs else 0.0
    mean_y = sum(y for _, y in pairs) / len(pairs) if pairs else 0.0
    spread = sum((x - mean_x) ** 2 for x, _ in pairs)
    if len(pairs) < 3 or spread < 1e-12:
        return {"slope": None, "score": None}
    slope = sum((x - mean_x) * (y - mean_y) for x, y in pairs) / spread
    return {"slope": slope, "score": mean_y - slope * mean_x}
