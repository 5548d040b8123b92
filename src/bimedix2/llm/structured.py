"""Answers as JSON of a schema: asked for, checked, asked for again with the mistake shown, or rejected.

The schema is a pydantic model; what it calls wrong is wrong, whatever stands around it. Prose around the JSON
is passed over only if exactly one object in the answer is valid.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from bimedix2 import io
from bimedix2.errors import RefusedError
from bimedix2.llm.backend import Backend, Reply, Request, attempt
from bimedix2.records import ImagePart, Language, Message
from bimedix2.text.arabic import script

CANDIDATES = 64
"""Places of an answer at which a JSON object is looked for."""
SHOWN = 2000
"""Characters of a wrong answer that are shown to the model again: a repetition would fill the context."""
SENTENCE = 20
"""Letters from which on a text counts as written in a language; a shorter one may be a name."""
TIMES, UNIT, PERIOD = 20, 20, 40
"""A text of ``UNIT`` characters at most that often in a row repeats; so do words, ``PERIOD`` at most."""
ASK = "Answer with one JSON object of this JSON Schema and with nothing else:\n{schema}"
AGAIN = "That answer cannot be used: {problem}. {ask}"


class Answer(BaseModel):
    """Base of schemas: no further keys, no values of another type, and no change later."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


S = TypeVar("S", bound=Answer)
Check = Callable[[S], str]
"""A room's own check: what is wrong, in words that the model can act on, or nothing."""


@dataclass(frozen=True)
class Attempt:
    """One answer and what was wrong with it."""

    text: str
    problem: str


@dataclass(frozen=True)
class Accepted(Generic[S]):
    """A valid answer, who gave it, and the wrong ones before it."""

    value: S
    reply: Reply
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True)
class Rejected:
    """No valid answer: every attempt, in order. ``to_json`` is what stands in ``removed/``."""

    reason: str
    prompt: str
    attempts: tuple[Attempt, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self) | {"attempts": [asdict(one) for one in self.attempts]}


@dataclass(frozen=True)
class Rules(Generic[S]):
    """What is asked for.

    Attributes:
        schema: the answer's model.
        language: of its sentences; ``None`` does not look.
        check: further rules.
        tries: answers asked for at most.
    """

    schema: type[S]
    language: Language | None = None
    check: Check[S] | None = None
    tries: int = 3


def ask_structured(
    backend: Backend, requests: Sequence[Request], rules: Rules[S] | Sequence[Rules[S]]
) -> list[Accepted[S] | Rejected]:
    """Ask for JSON, all requests together, then those with a wrong answer again, and so on.

    The schema is added to the last message. Errors of the endpoint end the call; a request that it refuses is
    rejected.

    Args:
        backend: who is asked.
        requests: what is asked.
        rules: one for all requests, or one for each.
    """
    each = [rules] * len(requests) if isinstance(rules, Rules) else list(rules)
    asked = [as_asked(request, rule) for request, rule in zip(requests, each, strict=True)]
    wrong: list[list[Attempt]] = [[] for _ in requests]
    done: dict[int, Accepted[S] | Rejected] = {}
    while open_ := [n for n in range(len(requests)) if n not in done]:
        for number, outcome in zip(open_, attempt(backend, [asked[n] for n in open_]), strict=True):
            if isinstance(outcome, RefusedError):
                done[number] = Rejected(str(outcome), requests[number].prompt, tuple(wrong[number]))
                continue
            value, problem = read(outcome, each[number])
            if value is not None:
                done[number] = Accepted(value, outcome, tuple(wrong[number]))
                continue
            attempts = wrong[number]
            attempts.append(Attempt(outcome.text, problem))
            if len(attempts) >= each[number].tries:
                done[number] = Rejected(problem, requests[number].prompt, tuple(attempts))
                continue
            again = AGAIN.format(problem=problem, ask=_ask(each[number]))
            asked[number] = _corrected(asked[number], outcome.text, again)
    return [done[number] for number in range(len(requests))]


def as_asked(request: Request, rules: Rules[S]) -> Request:
    """A request as it is sent first: what an estimate has to count, and what the cache knows it by."""
    return _with_text(replace(request, schema=_schema(rules)), _ask(rules))


def _schema(rules: Rules[S]) -> str:
    return io.canonical_json(rules.schema.model_json_schema())


def _ask(rules: Rules[S]) -> str:
    return ASK.format(schema=_schema(rules))


def _with_text(request: Request, text: str) -> Request:
    """Add a paragraph to the last message."""
    *before, last = request.messages
    parts = [part if isinstance(part, ImagePart) else part.text for part in last.content]
    if parts and isinstance(parts[-1], str):
        parts[-1] = f"{parts[-1]}\n\n{text}"
    else:
        parts.append(text)
    return replace(request, messages=(*before, Message.of(last.role, *parts)))


def _corrected(request: Request, wrong: str, text: str) -> Request:
    """Show the model its answer and what is wrong with it; chat templates take no empty turn."""
    shown = wrong if len(wrong) <= SHOWN else f"{wrong[:SHOWN]} ..."
    turns = (Message.of("assistant", shown.strip() or "(nothing)"), Message.of("user", text))
    return replace(request, messages=(*request.messages, *turns))


def read(reply: Reply, rules: Rules[S]) -> tuple[S | None, str]:
    """Read one answer: its value, or ``None`` and what is wrong."""
    value, problem = _find(reply.text, rules.schema)
    if value is None or reply.finish == "length":
        repeated = repetition(reply.text)
        if repeated:
            return None, f"it repeats {repeated!r} without end"
        if reply.finish == "length":  # what is whole in it may be a part of something larger
            return None, "it was cut off at the token limit; give a shorter one"
        return None, problem
    texts = list(_texts(value.model_dump()))
    for text in texts:
        repeated = repetition(text)
        if repeated:
            return None, f"it repeats {repeated!r} without end"
    problem = _in_language(texts, rules.language) or (rules.check(value) if rules.check else "")
    return (None, problem) if problem else (value, "")


# JSON inside an answer


def _find(text: str, schema: type[S]) -> tuple[S | None, str]:
    """The one valid object of an answer, or what is wrong with the likeliest one."""
    found: list[S] = []
    problem = ""
    for piece in _objects(text):
        try:
            value = schema.model_validate_json(piece)
        except ValidationError as error:
            problem = problem or _explain(error)
            continue
        if value not in found:
            found.append(value)
    if len(found) == 1:
        return found[0], ""
    if found:
        return None, f"it holds {len(found)} different objects of the schema; give one"
    return None, problem or "it holds no whole JSON object"


class _Twice(ValueError):
    """A key stands twice in an object, and one of the two would be lost."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise _Twice
    return value


def _not_json(constant: str) -> Any:
    raise ValueError(constant)


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_not_json)


def _objects(text: str) -> Iterator[str]:
    """The outermost JSON objects of a text, as they stand there."""
    at = text.find("{")
    for _ in range(CANDIDATES):
        if at < 0:
            return
        try:
            _, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        else:
            yield text[at:end]
        at = text.find("{", end)


def _explain(error: ValidationError) -> str:
    """Every mistake in a few words, without the values."""
    words = []
    for one in error.errors(include_url=False, include_context=False, include_input=False)[:5]:
        place = ".".join(str(part) for part in one["loc"]) or "the object"
        words.append(f"'{place}': {one['msg'].removeprefix('Value error, ')}")
    more = error.error_count() - len(words)
    return "; ".join(words) + (f"; and {more} more" if more > 0 else "")


# What no schema says


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _texts(item)


def _in_language(texts: Sequence[str], language: Language | None) -> str:
    """What is not in the language: any sentence, or all texts together."""
    if language not in (Language.ENGLISH, Language.ARABIC):
        return ""
    names = {"en": "English", "ar": "Arabic"}
    together = " ".join(texts)
    for text in [text for text in texts if sum(map(str.isalpha, text)) >= SENTENCE] + [together]:
        written = script(text)
        if written and written != language.value:
            return f"the text {text[:60]!r} is in {names[written]} and has to be in {names[language]}"
    return ""


_SHORT = re.compile(rf"(.{{1,{UNIT}}}?)\1{{{TIMES - 1},}}", re.DOTALL)


def repetition(text: str) -> str:
    """Return what a text says over and over, or nothing.

    That is a unit of up to 20 characters 20 times in a row (blanks and rules do not count), or up to 40 words
    that come at least five more times.
    """
    for match in _SHORT.finditer(text):
        if any(character.isalnum() for character in match[1]):
            return match[1]
    words = text.split()
    for period in range(1, PERIOD + 1):
        needed = max(5 * period, 20)
        run = 0
        for at in range(period, len(words)):
            run = run + 1 if words[at] == words[at - period] else 0
            if run >= needed:
                return " ".join(words[at - period + 1 : at + 1])
    return ""
