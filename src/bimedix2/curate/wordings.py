"""How questions are worded: one file a type, some wordings for training and others held out for the test.

A wording for training may hold alternatives, ``[this|that]``: it stands for each combination of them.
"""

import random
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from bimedix2.language.concepts import Tongue
from bimedix2.text.arabic import without_marks

Side = Literal["train", "held_out"]
_CHOICE = re.compile(r"\[([^\[\]]*)\]")


@cache
def _read(name: str) -> Any:
    return yaml.safe_load(files("bimedix2.curate").joinpath(name).read_text(encoding="utf-8"))


TEXT_ONLY = frozenset({"define", "greet", "no_image"})
"""Types that are asked without a picture."""


@cache
def picture_types() -> frozenset[str]:
    """The question types that a picture may be asked; two of them share the wordings of ``premise``."""
    names = {
        file.name.removesuffix(".yaml") for file in files("bimedix2.curate").joinpath("questions").iterdir()
    }
    return frozenset(names - TEXT_ONLY - {"premise"} | {"false_premise", "true_premise"})


def wordings(kind: str, tongue: Tongue, side: Side) -> list[str]:
    """The wordings of a question type."""
    read: list[str] = _read(f"questions/{kind}.yaml")[tongue][side]
    return read


def spellings(wording: str) -> Iterator[str]:
    """Every text that a wording with alternatives stands for."""
    found = _CHOICE.search(wording)
    if not found:
        yield wording
        return
    for choice in found[1].split("|"):
        yield from spellings(wording[: found.start()] + choice + wording[found.end() :])


def _draw(lines: list[str], rng: random.Random) -> str:
    """A wording, more often one with many alternatives, and one of each of these."""
    (line,) = rng.choices(lines, [1 + line.count("[") for line in lines])
    return _CHOICE.sub(lambda found: rng.choice(found[1].split("|")), line)


def ask_in_words(
    kind: str, tongue: Tongue, side: Side, rng: random.Random, slots: dict[str, dict[Tongue, str]]
) -> str:
    """Draw a wording and fill its slots; in training people's small habits are added now and then."""
    text = _draw(wordings(kind, tongue, side), rng).format(**{k: v[tongue] for k, v in slots.items()})
    if side == "held_out":
        return text
    if tongue == "ar" and rng.random() < 0.4:
        text = without_marks(text)
    habit = rng.random()
    if habit < 0.12:
        opener: str = rng.choice(_read("openers.yaml")[tongue])
        return opener + text
    if habit < 0.2:
        return text.rstrip("?؟.")
    if habit < 0.27:
        return text.lower()
    return text
