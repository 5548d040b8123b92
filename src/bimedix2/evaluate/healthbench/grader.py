"""A language model as grader: one rubric of one response a call, met or not, with a sentence of reason.

The published grader (``healthbench_eval.py`` of github.com/openai/simple-evals) sees the conversation and the
criterion with its points, and is asked until its reply can be read. Here it is asked ``tries`` times; a
verdict that is still unreadable is neither met nor unmet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from bimedix2.evaluate import canaries as known
from bimedix2.evaluate.canaries import Canary
from bimedix2.evaluate.healthbench.load import Item, Rubric, Turn
from bimedix2.evaluate.mbench.prompts import Prompt, parse
from bimedix2.language.concepts import Tongue
from bimedix2.llm.backend import Backend, Reply, Request, Sampling
from bimedix2.llm.structured import Accepted, Answer, Rejected, Rules, ask_structured
from bimedix2.llm.structured import read as read_reply
from bimedix2.records import DataClass

MAX_TOKENS = 1024
"""Of the grader's reply."""
UNPARSED, REFUSED = "unparsed verdict", "refused by the grader"
"""Why a rubric has no verdict."""
EMPTY = "(The response is empty.)"
VERDICTS = {True: "met", False: "not met"}


class Verdict(Answer):
    """What the grader gives."""

    explanation: str
    criteria_met: bool


@dataclass(frozen=True)
class Graded:
    """One rubric: met, unmet, or ``None`` with the reason in ``failure``."""

    met: bool | None
    explanation: str = ""
    failure: str = ""
    replies: tuple[str, ...] = ()
    """What the grader said, wrong replies first."""

    def to_json(self) -> dict[str, Any]:
        """As it stands in ``answers.jsonl``."""
        return {**vars(self), "replies": list(self.replies)}


@dataclass(frozen=True)
class Asked:
    """What a verdict is about."""

    turns: tuple[Turn, ...]
    response: str
    rubric: Rubric


@cache
def prompt() -> Prompt:
    """The grader's prompt with its hash."""
    path = files("bimedix2.evaluate.healthbench").joinpath("prompts", "criterion.md")
    return parse("criterion", path.read_text(encoding="utf-8"))


def asked(item: Item, response: str) -> list[Asked]:
    """The verdicts that a response needs, in the order of its rubrics."""
    return [Asked(item.turns, response, rubric) for rubric in item.rubrics]


def request(one: Asked, data_class: DataClass) -> Request:
    """The grader's request for one rubric; the criterion is shown with its points, as published."""
    conversation = "\n\n".join(f"{turn.role}: {turn.content}" for turn in one.turns)
    messages = prompt().fill(
        conversation=conversation,
        response=one.response.strip() or EMPTY,
        criterion=f"[{one.rubric.points:g}] {one.rubric.criterion}",
    )
    return Request(
        messages, sampling=Sampling(max_tokens=MAX_TOKENS), data_class=data_class, prompt=prompt().version
    )


def grade(backend: Backend, some: Sequence[Asked], data_class: DataClass, tries: int) -> list[Graded]:
    """Grade rubrics, a call each.

    Args:
        backend: the grader, behind a cache if the run is to resume.
        some: what is graded.
        data_class: of the conversations.
        tries: replies asked for at most, a rubric.

    Raises:
        EndpointError: the grader cannot be reached; what it answered is in its cache.
        DataClassError: the conversations may not be sent to it.
    """
    requests = [request(one, data_class) for one in some]
    found = ask_structured(backend, requests, Rules(Verdict, tries=tries))
    return [_graded(outcome, tries) for outcome in found]


def _graded(outcome: Accepted[Verdict] | Rejected, tries: int) -> Graded:
    before = tuple(one.text for one in outcome.attempts)
    if isinstance(outcome, Rejected):
        failure = UNPARSED if len(before) >= tries else REFUSED
        return Graded(None, outcome.reason, failure, before)
    value = outcome.value
    return Graded(value.criteria_met, value.explanation, "", (*before, outcome.reply.text))


def met_again(graded: dict[str, Any]) -> bool | None:
    """The verdict that a kept one's own replies give, for a replay; ``graded`` as ``Graded.to_json``."""
    if graded["failure"]:
        return None
    value, _ = read_reply(Reply(graded["replies"][-1], "", "stop", 0, 0), Rules(Verdict))
    return None if value is None else value.criteria_met


def canaries() -> dict[Tongue, list[dict[str, Any]]]:
    """Language -> ``user``, ``response``, ``criterion``, ``points`` and ``met`` of known verdicts."""
    path = files("bimedix2.evaluate.healthbench").joinpath("data", "canaries.yaml")
    found: dict[Tongue, list[dict[str, Any]]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def grade_canaries(backend: Backend, languages: Sequence[Tongue], tries: int) -> list[dict[str, Any]]:
    """Grade what is known; a line each, with the verdict that is right (``wanted``)."""
    out = []
    for language in languages:
        cases = canaries()[language]
        some = [
            Asked(
                (Turn(role="user", content=one["user"]),),
                one["response"],
                Rubric(criterion=one["criterion"], points=float(one["points"])),
            )
            for one in cases
        ]
        for one, found in zip(cases, grade(backend, some, DataClass.OPEN, tries), strict=True):
            shown = {name: one[name] for name in ("user", "response", "criterion", "points")}
            out.append({"language": language, **shown, "wanted": one["met"], "verdict": found.to_json()})
    return out


def canaries_of(lines: Sequence[dict[str, Any]]) -> list[Canary]:
    """Count the lines of ``grade_canaries``."""
    return known.count(
        (line["language"], VERDICTS[line["wanted"]], line["verdict"]["met"] is line["wanted"])
        for line in lines
    )
