"""The five rewritings: what each asks for, what its answer must be, and the records that it gives.

An answer that says more than its source does is worse than none: numbers and sides that the source does not
have are refused here, whatever the schema says.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from bimedix2 import io
from bimedix2.llm.structured import Answer
from bimedix2.records import ImagePart, Message, Record
from bimedix2.text.arabic import find_words, normalise
from bimedix2.text.fold import folded

Text = Annotated[str, Field(min_length=1)]
LETTERS = ("A", "B", "C", "D")
NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)?")
CORRECT = (
    "after|answer|away|choice|diagnosis|drug|medicine|now|option|place|step|test|thing|time|treatment|way"
)
"""What "right" says nothing of a side before."""
SIDES = {
    "left": re.compile(r"\bleft\b|\b[وبف]?(?:ال|لل)?(?:ايسر|يسري|يسار)\b", re.I),
    "right": re.compile(rf"\bright\b(?!\s+(?:{CORRECT})\b)|\b[وبف]?(?:ال|لل)?(?:ايمن|يمني|يمين)\b", re.I),
}
"""As they stand in a folded text."""
SPOKEN_OF = re.compile(r"\b(?:caption|figure legend|the text|the passage|as described|mentioned)\b", re.I)
EVERY = re.compile(r"\b(?:all|none|both) of (?:the|these)\b", re.I)
YES_NO = {"yes", "no", "نعم", "لا"}


class Exchange(Answer):
    """A question and its answer."""

    question: Text
    answer: Text


class Detailed(Answer):
    """A short answer, said in full."""

    answer: Text


class Pairs(Answer):
    """Questions that stand alone."""

    pairs: Annotated[list[Exchange], Field(min_length=1, max_length=6)]


class Choice(Answer):
    """A multiple-choice question; the right option first, its place is drawn here and not by the model."""

    question: Text
    right: Text
    wrong: Annotated[list[Text], Field(min_length=3, max_length=3)]


class Conversation(Answer):
    """Questions that build on each other."""

    turns: Annotated[list[Exchange], Field(min_length=2, max_length=6)]


class Line(Answer):
    """What one of the two says."""

    speaker: Literal["patient", "doctor"]
    text: Text


class Dialogue(Answer):
    """Patient and doctor by turns, the doctor last."""

    lines: Annotated[list[Line], Field(min_length=4, max_length=12)]


@dataclass(frozen=True)
class Given:
    """What one record gives to be rewritten: the JSON for the model, and all that it may say."""

    shown: dict[str, Any]
    grounds: str
    short: str = ""
    """The answer that has to be kept."""


@dataclass(frozen=True)
class Kind:
    """One rewriting.

    Attributes:
        task: of the records that come of it.
        schema: of the model's answer.
        given: what a record gives; ``None`` where it is not of this kind's input.
        check: what is wrong with an answer, in words for the model, or nothing.
        turns: the messages of each new record (without the images).
    """

    task: str
    schema: type[Answer]
    given: Callable[[Record], Given | None]
    check: Callable[[Any, Given], str]
    turns: Callable[[Any, Record], list[list[str]]]


# What records give


def _first(record: Record) -> tuple[str, str]:
    """The words of the first question and answer."""
    turns = [message for message in record.messages if message.role != "system"]
    return turns[0].text.strip(), turns[1].text.strip() if len(turns) > 1 else ""


def _short_answer(record: Record) -> Given | None:
    question, answer = _first(record)
    if not answer or len(record.messages) > 3 or len(answer.split()) > 12:
        return None
    return Given({"question": question, "answer": answer}, f"{question} {answer}", answer)


def _caption(record: Record) -> Given | None:
    _, caption = _first(record)
    if record.task != "caption" or not record.images or len(caption.split()) < 5:
        return None
    return Given({"caption": caption}, caption)


def _options(record: Record) -> Given | None:
    question, answer = _first(record)
    if record.task != "mcq" or not answer:
        return None
    letter = re.match(r"\W*([A-Z])\b", answer)
    said = re.sub(r"^\W*[A-Z]\b[\s.):-]*", "", answer) if letter else answer
    if letter and not said.strip():
        option = re.search(rf"(?m)^\W*{letter[1]}\s*[.):-]\s*(.+)$", question)
        said = option[1] if option else ""
    if not said.strip():
        return None
    return Given({"question": question, "answer": said.strip()}, f"{question} {answer}", said.strip())


# What is wrong with an answer


def ungrounded(text: str, grounds: str) -> str:
    """A number or a side of ``text`` that its source does not have, as a sentence; or nothing."""
    text, grounds = folded(text), folded(grounds)
    known = set(NUMBER.findall(grounds))
    new = [number for number in NUMBER.findall(text) if number not in known]
    if new:
        return f"the number {new[0]} does not stand in the source; say nothing that it does not say"
    for side, words in SIDES.items():
        if words.search(text) and not words.search(grounds):
            return f"the side '{side}' does not stand in the source; say nothing that it does not say"
    return ""


def _check_detailed(value: Detailed, given: Given) -> str:
    short = normalise(given.short).strip(" .").lower()
    answer = normalise(value.answer).lower()
    if short in YES_NO:
        lead = re.match(r"\w+", answer)
        if not lead or lead[0] != short:
            return f"it has to begin with '{given.short.strip(' .')}', as the short answer says"
    elif not find_words(answer, short):
        return f"the short answer '{given.short}' has to stand in it, word for word"
    return ungrounded(value.answer, given.grounds)


def _check_exchanges(exchanges: Sequence[Exchange], given: Given) -> str:
    questions = {normalise(one.question).lower() for one in exchanges}
    if len(questions) < len(exchanges):
        return "two questions are the same; ask each once"
    for one in exchanges:
        for text in (one.question, one.answer):
            spoken = SPOKEN_OF.search(text)
            if spoken:
                return f"'{spoken[0]}' speaks of the source; speak of the image alone"
            problem = ungrounded(text, given.grounds)
            if problem:
                return problem
    return ""


def _check_choice(value: Choice, given: Given) -> str:
    options = [value.right, *value.wrong]
    if len({normalise(option).strip(" .").lower() for option in options}) < len(options):
        return "two options are the same; give four different ones"
    every = next((found[0] for option in options if (found := EVERY.search(option))), "")
    if every:
        return f"an option says '{every}'; options have to stand for themselves"
    return _check_exchanges([Exchange(question=value.question, answer=value.right)], given)


def _check_dialogue(value: Dialogue, given: Given) -> str:
    for number, line in enumerate(value.lines):
        wanted = "doctor" if number % 2 else "patient"
        if line.speaker != wanted:
            return f"line {number + 1} has to be the {wanted}'s: they speak by turns, the patient first"
    if len(value.lines) % 2:
        return "the doctor has to speak last"
    said = normalise(" ".join(line.text for line in value.lines if line.speaker == "doctor")).lower()
    if not find_words(said, normalise(given.short).strip(" .").lower()):
        return f"the doctor has to say the answer '{given.short}', word for word"
    return ungrounded(" ".join(line.text for line in value.lines), given.grounds)


# The records


def place(value: Choice, record: Record) -> tuple[str, str]:
    """The question with its options, and the answer; the right option's letter depends on the record's id."""
    options = [value.right, *value.wrong]
    Random(io.sha256_bytes(record.id.encode())).shuffle(options)
    lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=True)]
    right = options.index(value.right)
    return "\n".join([value.question, *lines]), f"{LETTERS[right]}. {value.right}"


def messages(texts: Sequence[str], images: Sequence[ImagePart]) -> tuple[Message, ...]:
    """User and assistant by turns, the images before the first words."""
    made = [Message.of("assistant" if n % 2 else "user", text) for n, text in enumerate(texts)]
    first = Message.of("user", *images, texts[0])
    return (first, *made[1:])


KINDS: dict[str, Kind] = {
    "vqa-detailed": Kind(
        "vqa",
        Detailed,
        _short_answer,
        _check_detailed,
        lambda value, record: [[_first(record)[0], value.answer]],
    ),
    "caption-qa": Kind(
        "vqa",
        Pairs,
        _caption,
        lambda value, given: _check_exchanges(value.pairs, given),
        lambda value, _: [[one.question, one.answer] for one in value.pairs],
    ),
    "caption-mcq": Kind(
        "mcq",
        Choice,
        _caption,
        _check_choice,
        lambda value, record: [list(place(value, record))],
    ),
    "caption-conversation": Kind(
        "conversation",
        Conversation,
        _caption,
        lambda value, given: _check_exchanges(value.turns, given),
        lambda value, _: [[text for one in value.turns for text in (one.question, one.answer)]],
    ),
    "mcq-dialogue": Kind(
        "conversation",
        Dialogue,
        _options,
        _check_dialogue,
        lambda value, _: [[line.text for line in value.lines]],
    ),
}
"""Name -> rewriting; ``prompts/NAME.md`` is its instruction."""
