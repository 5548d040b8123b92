"""Every question type has enough wordings, those of the test are no one else's, and all slots fill."""

import random
import re
from importlib.resources import files

import pytest

from bimedix2.curate.asks import TONGUES
from bimedix2.curate.wordings import ask_in_words, spellings, wordings
from bimedix2.language.concepts import Tongue
from bimedix2.text.arabic import normalise

KINDS = sorted(
    path.name.removesuffix(".yaml") for path in files("bimedix2.curate").joinpath("questions").iterdir()
)
SLOTS: dict[str, dict[Tongue, str]] = {
    "study": {"en": "a chest CT", "ar": "صورة مقطعية محوسبة للصدر"},
    "region": {"en": "the chest", "ar": "الصدر"},
    "plane": {"en": "axial", "ar": "محوري"},
    "cells": {"en": "platelets", "ar": "الصفائح الدموية"},
    "thing": {"en": "MRI", "ar": "الرنين المغناطيسي"},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tongue", TONGUES)
def test_there_are_enough_wordings_and_the_test_has_its_own(kind: str, tongue: Tongue) -> None:
    train, held_out = wordings(kind, tongue, "train"), wordings(kind, tongue, "held_out")
    assert len(train) >= 15
    assert len(held_out) >= 5
    everything = [normalise(text) for text in (*train, *held_out)]
    assert len(set(everything)) == len(everything)
    spelled = {normalise(text) for line in train for text in spellings(line)}
    assert not spelled & {normalise(text) for text in held_out}
    assert not any("[" in text or "|" in text for text in (*held_out, *spelled))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tongue", TONGUES)
def test_wordings_are_in_their_language_and_fill_the_same_slots(kind: str, tongue: Tongue) -> None:
    slots = set()
    lines = (*wordings(kind, tongue, "train"), *wordings(kind, tongue, "held_out"))
    for text in (text for line in lines for text in spellings(line)):
        slots.add(frozenset(re.findall(r"\{(\w+)\}", text)))
        filled = text.format(**{name: words[tongue] for name, words in SLOTS.items()})
        assert bool(re.search("[\u0621-\u064a]", filled)) == (tongue == "ar"), filled
    assert len(slots) == 1
    assert next(iter(slots)) <= SLOTS.keys()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tongue", TONGUES)
def test_peoples_habits_never_empty_a_question(kind: str, tongue: Tongue) -> None:
    """Marks, case and a question mark may go; the words of the wording stay."""
    rng = random.Random(0)
    known = [
        normalise(t.format(**{n: w[tongue] for n, w in SLOTS.items()}))
        for line in wordings(kind, tongue, "train")
        for t in spellings(line)
    ]
    for _ in range(40):
        asked = normalise(ask_in_words(kind, tongue, "train", rng, SLOTS))
        assert any(asked.endswith(text) for text in known), asked
