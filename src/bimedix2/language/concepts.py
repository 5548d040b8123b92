"""Concepts and studies: their words in both languages, and which of them an answer names."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from bimedix2.text.arabic import find_words, normalise

Tongue = Literal["en", "ar"]

NEGATION = re.compile(r"(?<!\w)(?:not|rather than|وليست|وليس|ليست|ليس|لا)(?!\w)")
"""In normalised text: what follows is denied."""


@dataclass(frozen=True)
class Concept:
    """A value of a kind, such as modality ``ct``; ``groups`` are body areas, for regions alone."""

    kind: str
    value: str
    term: dict[Tongue, str]
    accept: dict[Tongue, tuple[str, ...]]
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Study:
    """A modality of a region (``None``: the modality alone) as a noun phrase."""

    modality: str
    region: str | None
    name: dict[Tongue, str]


def _read(name: str) -> Any:
    return yaml.safe_load(files("bimedix2.language").joinpath(name).read_text(encoding="utf-8"))


@cache
def concepts(kind: str) -> dict[str, Concept]:
    """Value -> concept of one kind.

    Raises:
        KeyError: there is no such kind.
    """
    out = {}
    for value, row in _read("concepts.yaml")[kind].items():
        term: dict[Tongue, str] = {"en": row["en"]["term"], "ar": row["ar"]["term"]}
        accept: dict[Tongue, tuple[str, ...]] = {
            "en": tuple(row["en"]["accept"]),
            "ar": tuple(row["ar"]["accept"]),
        }
        out[value] = Concept(kind, value, term, accept, frozenset(row.get("groups", ())))
    return out


@cache
def studies() -> tuple[Study, ...]:
    """All studies, in the file's order."""
    return tuple(
        Study(row["modality"], row.get("region"), {"en": row["en"], "ar": row["ar"]})
        for row in _read("studies.yaml")
    )


def study_of(modality: str, region: str | None) -> Study | None:
    """The study of a modality and region, the modality's own where the pair has none, else ``None``."""
    exact = [s for s in studies() if (s.modality, s.region) == (modality, region)]
    alone = [s for s in studies() if (s.modality, s.region) == (modality, None)]
    return next(iter(exact + alone), None)


@cache
def _phrases(kind: str) -> tuple[tuple[str, str], ...]:
    """Normalised phrase and value, longest first, so that ``soft tissue`` is not read as ``tissue``."""
    pairs = {
        (normalise(phrase), concept.value)
        for concept in concepts(kind).values()
        for tongue in ("en", "ar")
        for phrase in (concept.term[tongue], *concept.accept[tongue])
    }
    return tuple(sorted(pairs, key=lambda pair: (-len(pair[0]), pair)))


def affirmed(answer: str) -> str:
    """The normalised part of an answer before its first negation word."""
    return NEGATION.split(normalise(answer), maxsplit=1)[0]


def named(kind: str, answer: str) -> set[str]:
    """Values of a kind that an answer affirms; a phrase inside a longer phrase does not count.

    A phrase that several values accept names all of them.
    """
    text = affirmed(answer) if kind != "unreadable" else normalise(answer)
    taken: list[tuple[int, int, str]] = []
    found: set[str] = set()
    for phrase, value in _phrases(kind):
        for start, end in find_words(text, phrase):
            inside = any(s <= start and end <= e and words != phrase for s, e, words in taken)
            if not inside:
                taken.append((start, end, phrase))
                found.add(value)
    return found
