"""Two answers to two scores: the published protocols and ``swap``, through any ``Backend``.

Knows nothing about files, endpoints or caches: a run that was killed goes on because the backend it is handed
keeps answers (``llm.cache.Cached``). A reply that cannot be read is asked for again, then counted, never 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from bimedix2.config import Settings
from bimedix2.errors import ConfigError, RefusedError
from bimedix2.evaluate.mbench.aggregate import Judged
from bimedix2.evaluate.mbench.load import Answers, Item, Tongue
from bimedix2.evaluate.mbench.parse import Scores, parse_scores
from bimedix2.evaluate.mbench.prompts import Version, pair_messages, pair_prompt
from bimedix2.llm.backend import Backend, Request, Sampling, attempt
from bimedix2.records import DataClass

Protocol = Literal["llavamed", "bimedix2", "swap", "geval", "rubric"]
PAIRS: tuple[Protocol, ...] = ("llavamed", "bimedix2", "swap")
"""Protocols that score the reference and the candidate side by side."""
PUBLISHED_JUDGE: dict[Protocol, str] = {"llavamed": "gpt-4-0314", "bimedix2": "gpt-4o-2024-08-06"}
"""The model that a protocol's published numbers rest on; with another judge they are not comparable."""
LICENCE = DataClass.NON_COMMERCIAL
"""Of the published benchmark (CC-BY-NC-SA)."""


class Plan(Settings):
    """How answers are judged; all of it is part of the signature."""

    protocol: Protocol = "bimedix2"
    prompt: Version | None = None
    """``published`` or ``ours``; ``None``: ``ours`` for swap, else ``published``."""
    tries: int = Field(default=3, ge=1)
    """Times that a reply which cannot be read is asked for."""
    max_tokens: int = Field(default=1024, ge=1)
    """Of a reply with its explanation."""
    samples: int = Field(default=20, ge=1)
    """Scores drawn a dimension (``geval``)."""

    @property
    def version(self) -> Version:
        """The prompt's version.

        Raises:
            ConfigError: a published protocol with another prompt.
        """
        if self.protocol in PUBLISHED_JUDGE:
            if self.prompt == "ours":
                raise ConfigError(
                    f"protocol '{self.protocol}' has the published prompt; use protocol=swap for prompt=ours"
                )
            return "published"
        return self.prompt or "ours"

    def check(self, language: Tongue) -> None:
        """Refuse what has no published prompt.

        Raises:
            ConfigError: ``llavamed`` with Arabic questions, or a published protocol with another prompt.
        """
        _ = self.version
        if self.protocol == "llavamed" and language != "en":
            raise ConfigError("protocol 'llavamed' is in English alone; use protocol=bimedix2 for Arabic")


@dataclass(frozen=True)
class Judgement:
    """What became of one answer: scores or a failure, every raw reply, and what the protocol adds."""

    judged: Judged
    replies: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {**vars(self.judged), "replies": list(self.replies), "details": self.details}


def outcome_of(item: Item, failure: str = "", scores: tuple[float, float] | None = None) -> Judged:
    """A judged item: reference and candidate, or a failure."""
    reference, candidate = scores or (None, None)
    return Judged(item.question_id, item.type, item.domain, item.image, reference, candidate, failure)


def judge_pairs(backend: Backend, items: Sequence[Item], answers: Answers, plan: Plan) -> list[Judgement]:
    """Judge every question; those without a single answer fail without being asked.

    Args:
        backend: the judge.
        items: of one language.
        answers: the candidate's.
        plan: a protocol of ``PAIRS``.

    Raises:
        ConfigError: the protocol does not fit the language.
        EndpointError: the judge cannot be reached; what it answered is in the backend's cache.
    """
    for item in items:
        plan.check(item.language)
    failures = answers.failures
    asked = [item for item in items if item.question_id not in failures]
    orders = (False, True) if plan.protocol == "swap" else (False,)
    rounds = [_ask(backend, asked, answers.texts, plan, swapped) for swapped in orders]
    done = {item.question_id: _together(item, [r[item.question_id] for r in rounds]) for item in asked}
    for item in items:
        if item.question_id in failures:
            done[item.question_id] = Judgement(outcome_of(item, failures[item.question_id]))
    return [done[item.question_id] for item in items]


@dataclass(frozen=True)
class _Asked:
    """One order of one item: its scores (reference, candidate) or a failure, and the replies."""

    scores: tuple[float, float] | None
    failure: str
    strict: bool
    swapped: bool
    replies: tuple[str, ...]


def _ask(
    backend: Backend, items: Sequence[Item], texts: Mapping[int, str], plan: Plan, swapped: bool
) -> dict[int, _Asked]:
    """Ask for one order of all items, unread ones again."""
    replies: dict[int, list[str]] = {item.question_id: [] for item in items}
    done: dict[int, _Asked] = {}
    waiting = list(items)
    for number in range(plan.tries):
        requests = [pair_request(item, texts[item.question_id], plan, swapped, number) for item in waiting]
        failed = []
        for item, reply in zip(waiting, attempt(backend, requests), strict=True):
            key = item.question_id
            if isinstance(reply, RefusedError):
                done[key] = _Asked(None, "refused", False, swapped, (*replies[key], str(reply)))
                continue
            replies[key].append(reply.text)
            found = parse_scores(reply.text)
            if isinstance(found, Scores):
                scores = (found.second, found.first) if swapped else (found.first, found.second)
                done[key] = _Asked(scores, "", found.strict, swapped, tuple(replies[key]))
            else:
                failed.append(item)
                done[key] = _Asked(None, found, False, swapped, tuple(replies[key]))
        waiting = failed
        if not waiting:
            break
    return done


def pair_request(item: Item, answer: str, plan: Plan, swapped: bool = False, number: int = 0) -> Request:
    """The request that scores one answer.

    Args:
        item: the question.
        answer: the candidate's.
        plan: protocol and prompt.
        swapped: the candidate stands first.
        number: of the try.
    """
    first, second = (answer, item.reference) if swapped else (item.reference, answer)
    return Request(
        pair_messages(plan.version, item, first, second),
        sampling=Sampling(max_tokens=plan.max_tokens),
        data_class=LICENCE,
        prompt=pair_prompt(plan.version, item.language).version,
        sample=number,
    )


def _together(item: Item, orders: Sequence[_Asked]) -> Judgement:
    """The mean of both orders, or the first failure."""
    replies = tuple(text for one in orders for text in one.replies)
    failure = next((one.failure for one in orders if one.failure), "")
    pairs = [one.scores for one in orders if one.scores is not None]
    details: dict[str, Any] = {
        "orders": [{"swapped": one.swapped, "scores": list(one.scores or ())} for one in orders],
        "published script reads it": all(one.strict for one in orders),
    }
    if failure:
        return Judgement(outcome_of(item, failure), replies, details)
    if len(orders) == 2:
        signs = [_sign(candidate - reference) for reference, candidate in pairs]
        details["consistent"] = signs[0] == signs[1]
        details["verdict"] = {1: "win", 0: "tie", -1: "loss"}[signs[0] if signs[0] == signs[1] else 0]
    reference, candidate = (sum(side) / len(pairs) for side in zip(*pairs, strict=True))
    return Judgement(outcome_of(item, "", (reference, candidate)), replies, details)


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def swap_summary(judgements: Sequence[Judgement]) -> dict[str, Any]:
    """How much the order of the answers changed: consistency, preference for a place, and verdicts.

    A win counts if both orders agree, otherwise it is a tie (MT-Bench, arXiv 2306.05685).
    """
    both = [one.details for one in judgements if "consistent" in one.details]
    if not both:
        return {"n": 0}
    leads = []
    for details in both:
        for order in details["orders"]:
            reference, candidate = order["scores"]
            leads.append(candidate - reference if order["swapped"] else reference - candidate)
    verdicts = [details["verdict"] for details in both]
    return {
        "n": len(both),
        "consistent": sum(details["consistent"] for details in both) / len(both),
        "first place ahead by": sum(leads) / len(leads),
        **{name: verdicts.count(name) for name in ("win", "tie", "loss")},
    }
