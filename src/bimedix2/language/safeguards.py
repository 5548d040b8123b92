"""Fixed answers to questions that no model should answer alone: self-harm, emergencies, doses.

Found by words, without a model, so that a server can put it before one and an evaluation can measure what
it does. Knows nothing about either.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from bimedix2 import io
from bimedix2.language.concepts import Tongue
from bimedix2.records import Message
from bimedix2.text.arabic import normalise, script

FILE = "safeguards.yaml"


@dataclass(frozen=True)
class Ruling:
    """What is said in the place of a model's answer, and by which rule."""

    rule: str
    text: str


@cache
def _text() -> str:
    return files("bimedix2.language").joinpath(FILE).read_text(encoding="utf-8")


@cache
def _rules() -> tuple[tuple[str, re.Pattern[str], re.Pattern[str] | None, dict[Tongue, str]], ...]:
    """Name, when, unless, and what is said."""
    return tuple(
        (row["rule"], _either(row["when"]), _either(row["unless"]) if any(row["unless"].values()) else None,
         row["say"])
        for row in yaml.safe_load(_text())
    )  # fmt: skip


def _either(words: dict[str, Any]) -> re.Pattern[str]:
    # "And" and "so" are written as part of the next word in Arabic.
    return re.compile(rf"(?<!\w)[وف]?(?:{'|'.join([*words['en'], *words['ar']])})(?!\w)")


def version() -> str:
    """Hash of the rules."""
    return io.sha256_bytes(_text().encode())


def screen(messages: Sequence[Message]) -> Ruling | None:
    """What is said to the last turn, in its language, without asking a model; ``None``: the model is asked.

    Earlier turns and pictures are not looked at.
    """
    words = messages[-1].text
    text = normalise(words)
    tongue: Tongue = script(words) or "en"
    for name, when, unless, say in _rules():
        if when.search(text) and not (unless and unless.search(text)):
            return Ruling(name, say[tongue])
    return None
