"""Does a response support a claim, refute it, or neither? Asked of a judge, with the words that decide it.

The judge sees the claim and the response and not the query, as in UPHILL. Its quote must stand in the
response: what cannot be read, or quotes what is not there, is asked for again and then counted as unparsed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from bimedix2.evaluate import canaries as known
from bimedix2.evaluate.canaries import Canary
from bimedix2.evaluate.mbench.prompts import Prompt, parse
from bimedix2.evaluate.uphill.load import canaries
from bimedix2.language.concepts import Tongue
from bimedix2.llm.backend import Backend, Reply, Request, Sampling
from bimedix2.llm.structured import Accepted, Answer, Rejected, Rules, ask_structured
from bimedix2.llm.structured import read as read_reply
from bimedix2.records import DataClass
from bimedix2.text.fold import fold

Label = Literal["support", "refute", "neutral"]
LABELS: tuple[Label, ...] = get_args(Label)
QUOTED = 3
"""Words that a quote has at least, unless it is all of the response: one word stands everywhere."""
MAX_TOKENS = 400
"""Of the judge's reply."""
UNPARSED, REFUSED = "unparsed", "refused by the judge"
"""Why a response has no label."""


class Verdict(Answer):
    """What the judge gives."""

    quote: str
    reason: str
    label: Label


@dataclass(frozen=True)
class Judged:
    """One response: its label and the words for it, or why there is none."""

    label: Label | None
    quote: str = ""
    reason: str = ""
    failure: str = ""
    replies: tuple[str, ...] = ()
    """What the judge said, wrong replies first."""

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "replies": list(self.replies)}


@cache
def prompt() -> Prompt:
    """The judge's prompt with its hash."""
    path = files("bimedix2.evaluate.uphill").joinpath("prompts", "entailment.md")
    return parse("entailment", path.read_text(encoding="utf-8"))


def _plain(text: str) -> str:
    """Text as quotes are compared: signs, Arabic marks and blanks folded, case and letters as they are."""
    return " ".join(fold(text, letters=False).text.split())


def quote_problem(verdict: Verdict, response: str) -> str:
    """What is wrong with a quote, in words for the judge; empty if nothing is."""
    quote, whole = _plain(verdict.quote), _plain(response)
    if quote not in whole:
        return "'quote' does not stand in the response; copy its words exactly"
    if verdict.label != "neutral" and quote != whole and len(quote.split()) < QUOTED:
        return f"'quote' has fewer than {QUOTED} words; copy at least {QUOTED} in a row from the response"
    return ""


def request(claim: str, response: str, data_class: DataClass) -> Request:
    """The judge's request for one response."""
    messages = prompt().fill(claim=claim, response=response)
    return Request(
        messages, sampling=Sampling(max_tokens=MAX_TOKENS), data_class=data_class, prompt=prompt().version
    )


def judge_all(
    backend: Backend, pairs: Sequence[tuple[str, str]], data_class: DataClass, tries: int
) -> list[Judged]:
    """Label responses; an empty one is neutral and not asked about.

    Args:
        backend: the judge, behind a cache if the run is to resume.
        pairs: ``(claim, response)``.
        data_class: of the claims and the responses.
        tries: replies asked for at most, a response.

    Raises:
        EndpointError: the judge cannot be reached; what it answered is in its cache.
    """
    done: dict[int, Judged] = {
        place: Judged("neutral", reason="the response is empty")
        for place, (_, text) in enumerate(pairs)
        if not text.strip()
    }
    places = [place for place in range(len(pairs)) if place not in done]
    rules = [Rules(Verdict, check=_check(pairs[place][1]), tries=tries) for place in places]
    requests = [request(*pairs[place], data_class) for place in places]
    for place, outcome in zip(places, ask_structured(backend, requests, rules), strict=True):
        done[place] = _judged(outcome, tries)
    return [done[place] for place in range(len(pairs))]


def label_again(response: str, judged: dict[str, Any] | None) -> Label | None:
    """The label that a kept judgement's own replies give, for a replay.

    Args:
        response: what was judged.
        judged: as ``Judged.to_json``; ``None`` where there was nothing to judge.
    """
    if judged is None or judged["failure"]:
        return None
    if not response.strip():
        return "neutral"
    last = Reply(judged["replies"][-1], "", "stop", 0, 0)
    value, _ = read_reply(last, Rules(Verdict, check=_check(response)))
    return None if value is None else value.label


def _check(response: str) -> Any:
    return lambda verdict: quote_problem(verdict, response)


def _judged(outcome: Accepted[Verdict] | Rejected, tries: int) -> Judged:
    before = tuple(one.text for one in outcome.attempts)
    if isinstance(outcome, Rejected):
        failure = UNPARSED if len(before) >= tries else REFUSED
        return Judged(None, reason=outcome.reason, failure=failure, replies=before)
    value = outcome.value
    return Judged(value.label, value.quote, value.reason, "", (*before, outcome.reply.text))


def label_canaries(backend: Backend, languages: Sequence[Tongue], tries: int) -> list[dict[str, Any]]:
    """Label the responses whose label is known; a line each, with what is right (``wanted``)."""
    out = []
    for language in languages:
        cases = canaries(language)
        judged = judge_all(backend, [(claim, text) for claim, text, _ in cases], DataClass.OPEN, tries)
        out += [
            {"language": language, "claim": claim, "answer": text, "wanted": wanted, "judge": one.to_json()}
            for one, (claim, text, wanted) in zip(judged, cases, strict=True)
        ]
    return out


def canaries_of(lines: Sequence[dict[str, Any]]) -> list[Canary]:
    """Count the lines of ``label_canaries``."""
    return known.count(
        (line["language"], line["wanted"], line["judge"]["label"] == line["wanted"]) for line in lines
    )
