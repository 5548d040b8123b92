"""Concepts and studies: their words in both languages, and which of them an answer names."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from bimedix2.language.denial import affirmed
from bimedix2.text.arabic import find_words, normalise

Tongue = Literal["en", "ar"]


@dataclass(frozen=True)
class Concept:
    """A value of a kind, such as modality ``ct``.

    For regions alone: ``groups`` are body areas, ``beside`` other regions that a picture of it shows too,
    as ribs on a chest film.
    """

    kind: str
    value: str
    term: dict[Tongue, str]
    accept: dict[Tongue, tuple[str, ...]]
    groups: frozenset[str] = frozenset()
    beside: frozenset[str] = frozenset()


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
        areas = (frozenset(row.get(name, ())) for name in ("groups", "beside"))
        out[value] = Concept(kind, value, term, accept, *areas)
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
def _phrases(kind: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """Normalised phrases with the values that accept them.

    The longest stand first, so that ``soft tissue`` is not read as ``tissue``.
    """
    values: dict[str, set[str]] = {}
    for concept in concepts(kind).values():
        for tongue in ("en", "ar"):
            for phrase in (concept.term[tongue], *concept.accept[tongue]):
                # Without its article: "the brain" means what "brain" means.
                words = normalise(phrase).removeprefix("the ").removeprefix("a ")
                values.setdefault(words, set()).add(concept.value)
    return tuple((p, frozenset(values[p])) for p in sorted(values, key=lambda p: (-len(p), p)))


def mentions(kind: str, text: str) -> list[tuple[int, int, frozenset[str]]]:
    """Where a normalised text speaks of a kind, and the values that the words can stand for.

    A phrase inside a longer phrase does not count.
    """
    taken: list[tuple[int, int, frozenset[str]]] = []
    for phrase, values in _phrases(kind):
        for start, end in find_words(text, phrase):
            if not any(s <= start and end <= e for s, e, _ in taken):
                taken.append((start, end, values))
    return sorted(taken, key=lambda place: place[:2])


def named(kind: str, answer: str) -> set[str]:
    """Values of a kind that an answer affirms; words that several values accept name all of them."""
    text = affirmed(answer) if kind != "unreadable" else normalise(answer)
    return {value for _, _, values in mentions(kind, text) for value in values}
