"""How questions are worded: one file a type, some wordings for training and others held out for the test."""

import random
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from bimedix2.language.concepts import Tongue
from bimedix2.text.arabic import without_marks

Side = Literal["train", "held_out"]


@cache
def _read(name: str) -> Any:
    return yaml.safe_load(files("bimedix2.curate").joinpath(name).read_text(encoding="utf-8"))


def wordings(kind: str, tongue: Tongue, side: Side) -> list[str]:
    """The wordings of a question type."""
    read: list[str] = _read(f"questions/{kind}.yaml")[tongue][side]
    return read


def ask_in_words(
    kind: str, tongue: Tongue, side: Side, rng: random.Random, slots: dict[str, dict[Tongue, str]]
) -> str:
    """Draw a wording and fill its slots; in training people's small habits are added now and then."""
    text = rng.choice(wordings(kind, tongue, side)).format(**{k: v[tongue] for k, v in slots.items()})
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
