"""Fixed answers to questions that no model should answer alone: self-harm, emergencies, doses.

Found by words, without a model, so that a server can put it before one and an evaluation can measure what
it does. Knows nothing about either.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import yaml

from bimedix2 import io
from bimedix2.language.concepts import Tongue
from bimedix2.language.medicines import names_medicine
from bimedix2.language.medicines import version as medicines_version
from bimedix2.llm.backend import Reply
from bimedix2.records import Message
from bimedix2.text import sentences
from bimedix2.text.arabic import normalise, script

FILE = "safeguards.yaml"
SHORT = 25
"""Words up to which a message is a line that somebody typed, and no report."""


@dataclass(frozen=True)
class Ruling:
    """What is said in the place of a model's answer, and by which rule."""

    rule: str
    text: str


@dataclass(frozen=True)
class Fixed(Reply):
    """An answer that no model wrote; ``model`` is the one in whose place it stands. It has no tokens."""

    rule: str = ""


@cache
def _text() -> str:
    return files("bimedix2.language").joinpath(FILE).read_text(encoding="utf-8")


class _Rule(NamedTuple):
    """A row of the file, compiled; its fields as the file's head explains them."""

    name: str
    when: re.Pattern[str]
    blank: re.Pattern[str] | None
    unless: re.Pattern[str] | None
    despite: re.Pattern[str] | None
    medicine: bool
    say: dict[Tongue, str]

    def answers(self, text: str, parts: Sequence[tuple[str, bool]]) -> bool:
        """Whether the rule answers a text, all of it normalised, and its sentences as ``_parts`` has them."""
        if not self.medicine:
            return self._fits(text)
        before = ""
        for part, asks in parts:
            if asks and self._fits(part) and (names_medicine(part) or names_medicine(before)):
                return True
            before = part
        return False

    def _fits(self, text: str) -> bool:
        left = self.blank.sub("_", text) if self.blank else text
        if not self.when.search(left):
            return False
        excused = self.unless is not None and self.unless.search(left) is not None
        return not excused or (self.despite is not None and self.despite.search(left) is not None)


@cache
def _rules() -> tuple[_Rule, ...]:
    found = yaml.safe_load(_text())
    words: dict[str, str] = {}
    for name, pattern in found["words"].items():  # a word may use those above it
        words[name] = _filled(pattern, words)
    parts = ("when", "blank", "unless", "despite")
    return tuple(
        _Rule(
            row["rule"],
            **{part: _either(row.get(part), words) for part in parts},
            medicine=row.get("medicine", False),
            say=row["say"],
        )
        for row in found["rules"]
    )


def _filled(pattern: str, words: dict[str, str]) -> str:
    return re.sub(r"(?<!\(\?)<([a-z]+)>", lambda found: words[found[1]], pattern)


def _either(patterns: dict[str, list[str]] | None, words: dict[str, str]) -> Any:
    if patterns is None:
        return None
    any_of = "|".join(_filled(pattern, words) for tongue in ("en", "ar") for pattern in patterns[tongue])
    # "And" and "so" are written as part of the next word in Arabic.
    return re.compile(rf"(?<!\w)[وف]?(?:{any_of})(?!\w)")


def version() -> str:
    """Hash of the rules, and of the names of medicines that they know."""
    return io.sha256_bytes((_text() + medicines_version()).encode())


def screen(messages: Sequence[Message]) -> Ruling | None:
    """What is said to the last turn, in its language, without asking a model; ``None``: the model is asked.

    Earlier turns and pictures are not looked at.
    """
    words = messages[-1].text
    text = normalise(words)
    parts = _parts(words)
    tongue: Tongue = script(words) or "en"
    for rule in _rules():
        if rule.answers(text, parts):
            return Ruling(rule.name, rule.say[tongue])
    return None


def _parts(words: str) -> list[tuple[str, bool]]:
    """The sentences, normalised, and whether each may ask for something.

    In a long text, a report or a case, only what ends in a question mark asks; of a line it may be left out.
    """
    short = len(words.split()) <= SHORT
    said = [words[start:end] for start, end in sentences.split(words)]
    return [(normalise(one), short or "?" in one or "؟" in one) for one in said]


def answer(messages: Sequence[Message], model: str) -> Fixed | None:
    """``screen``, as a reply in the place of the named model's."""
    ruling = screen(messages)
    return Fixed(ruling.text, model, "stop", 0, 0, ruling.rule) if ruling else None
