"""What can truthfully be asked of an image, and what a right answer says, in both languages."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from bimedix2.curate.facts import Facts
from bimedix2.language.concepts import Study, Tongue, concepts, studies

TONGUES: tuple[Tongue, Tongue] = ("en", "ar")
Words = dict[Tongue, str]


@dataclass(frozen=True)
class Ask:
    """One question before its wording is chosen.

    ``slots`` fill the wording. ``expect`` is what a right answer must affirm, kind -> value or list of
    values;
    ``verdict`` names the judgement beside it: ``yes``, ``no``, ``correct`` (a false premise), ``agree`` (a
    true one), ``decline``, ``unreadable``, ``no_image``, or nothing.
    """

    type: str
    answer: Words
    slots: dict[str, Words] = field(default_factory=dict)
    expect: dict[str, Any] = field(default_factory=dict)
    verdict: str = ""
    wording: str = ""
    """The question type whose wordings it shares; its own where empty."""


@cache
def answers() -> dict[str, Any]:
    """The answer templates."""
    read: dict[str, Any] = yaml.safe_load(
        files("bimedix2.curate").joinpath("answers.yaml").read_text(encoding="utf-8")
    )
    return read


def say(template: dict[Tongue, str], **slots: Words) -> Words:
    """Fill a template in both languages."""
    return {t: template[t].format(**{k: v[t] for k, v in slots.items()}) for t in TONGUES}


def term(kind: str, value: str) -> Words:
    """A concept's words."""
    return dict(concepts(kind)[value].term)


def _list(kind: str, values: Iterable[str]) -> Words:
    """Terms joined by commas and a last "and"."""
    out: Words = {}
    for tongue in TONGUES:
        words = [concepts(kind)[value].term[tongue] for value in values]
        head = answers()["joint"][tongue].join(words[:-1])
        out[tongue] = (head + answers()["and"][tongue] if head else "") + words[-1]
    return out


def _plain(kind: str) -> Callable[[Facts, random.Random], list[Ask]]:
    def ask(facts: Facts, _: random.Random) -> list[Ask]:
        if kind not in facts.values:
            return []
        value = facts.values[kind]
        answer = say(answers()[kind], **{kind: term(kind, value)})
        return [Ask(kind, answer, expect={kind: value})]

    return ask


def _study_expect(facts: Facts) -> dict[str, Any]:
    return {kind: facts.values[kind] for kind in ("modality", "region") if kind in facts.values}


def _modality(facts: Facts, _: random.Random) -> list[Ask]:
    if facts.study is None:
        return []
    answer = say(answers()["study"], study=facts.study.name)
    return [Ask("modality", answer, expect={"modality": facts.values["modality"]})]


def _describe(facts: Facts, _: random.Random) -> list[Ask]:
    if facts.study is None:
        return []
    templates, parts = answers()["details"], []
    for kind in ("projection", "view", "plane", "window", "stain"):
        if kind in facts.values:
            parts.append(say(templates[kind], **{kind: term(kind, facts.values[kind])}))
    if facts.counts:
        parts.append(say(templates["cells"], cells=_list("cell", facts.counts)))
    if facts.signs:
        parts.append(say(templates["signs"], signs=_list("sign", facts.signs)))
    named = {t: answers()["joint"][t].join([facts.study.name[t], *(p[t] for p in parts)]) for t in TONGUES}
    return [Ask("describe", say(answers()["study"], study=named), expect=_study_expect(facts))]


def _cells(facts: Facts, _: random.Random) -> list[Ask]:
    if not facts.counts:
        return []
    answer = say(answers()["cells"], cells=_list("cell", facts.counts))
    return [Ask("cells", answer, expect={"cell": sorted(facts.counts)})]


def rough(count: int) -> int:
    """A count as people say it: exact up to 7, then to the nearest 5."""
    return count if count < 8 else 5 * round(count / 5)


def _cell_count(facts: Facts, _: random.Random) -> list[Ask]:
    out = []
    for cell, count in facts.counts.items():
        number = {t: str(rough(count)) for t in TONGUES}
        answer = say(answers()["cell_count"], count=number, cells=term("cell", cell))
        out.append(Ask("cell_count", answer, {"cells": term("cell", cell)}, {"cell": [cell], "count": count}))
    return out


def _signs(facts: Facts, _: random.Random) -> list[Ask]:
    if not facts.signs:
        return []
    answer = say(answers()["signs"], signs=_list("sign", facts.signs))
    return [Ask("signs", answer, expect={"sign": sorted(facts.signs)})]


def other_studies(facts: Facts) -> list[Study]:
    """Studies that the image certainly is not: another modality, or a region that shares no body area."""
    modality, region = facts.values["modality"], facts.values.get("region")
    out = []
    for study in studies():
        # A mammogram is a radiograph too.
        if {modality, study.modality} == {"mammography", "radiograph"} and study.region is None:
            continue
        if study.modality != modality or (region and study.region and _apart(region, study.region)):
            out.append(study)
    return out


def _apart(one: str, other: str) -> bool:
    regions = concepts("region")
    return not regions[one].groups & regions[other].groups


def _absent(region: str, other: str) -> bool:
    """Whether a picture of a region certainly does not show the other one."""
    return _apart(region, other) and other not in concepts("region")[region].beside


def _is_study(facts: Facts, rng: random.Random) -> list[Ask]:
    if facts.study is None:
        return []
    wrong = rng.choice(other_studies(facts))
    expect = _study_expect(facts)
    yes = say(answers()["is_study_yes"], study=facts.study.name)
    no = say(answers()["is_study_no"], study=facts.study.name, other=wrong.name)
    return [
        Ask("is_study", yes, {"study": facts.study.name}, expect, "yes"),
        Ask("is_study", no, {"study": wrong.name}, expect, "no"),
    ]


def _premise(facts: Facts, rng: random.Random) -> list[Ask]:
    """A study asserted in passing: a wrong one is corrected, a right one must not be."""
    if facts.study is None:
        return []
    wrong = rng.choice(
        [study for study in other_studies(facts) if study.modality != facts.values["modality"]]
    )
    corrected = say(answers()["is_study_no"], study=facts.study.name, other=wrong.name)
    described = _describe(facts, rng)[0].answer
    expect = _study_expect(facts)
    slots = {"study": facts.study.name}
    return [
        Ask("false_premise", corrected, {"study": wrong.name}, expect, "correct", "premise"),
        Ask("true_premise", described, slots, expect, "agree", "premise"),
    ]


def _is(kind: str) -> Callable[[Facts, random.Random], list[Ask]]:
    def ask(facts: Facts, rng: random.Random) -> list[Ask]:
        if kind not in facts.values:
            return []
        value = facts.values[kind]
        others = [v for v in concepts(kind) if v != value and (kind != "region" or _absent(value, v))]
        if not others:
            return []
        wrong = term(kind, rng.choice(others))
        yes = say(answers()[f"is_{kind}_yes"], **{kind: term(kind, value)})
        no = say(answers()[f"is_{kind}_no"], **{kind: term(kind, value)}, other=wrong)
        return [
            Ask(f"is_{kind}", yes, {kind: term(kind, value)}, {kind: value}, "yes"),
            Ask(f"is_{kind}", no, {kind: wrong}, {kind: value}, "no"),
        ]

    return ask


def _disease(facts: Facts, _: random.Random) -> list[Ask]:
    return [Ask("disease", say(answers()["disease"]), verdict="decline")] if facts.study else []


IMAGE_ASKS: dict[str, Callable[[Facts, random.Random], list[Ask]]] = {
    "modality": _modality,
    "region": _plain("region"),
    "plane": _plain("plane"),
    "projection": _plain("projection"),
    "view": _plain("view"),
    "window": _plain("window"),
    "stain": _plain("stain"),
    "cells": _cells,
    "cell_count": _cell_count,
    "signs": _signs,
    "describe": _describe,
    "is_study": _is_study,
    "is_region": _is("region"),
    "is_plane": _is("plane"),
    "premise": _premise,
    "disease": _disease,
}
"""Question family -> what it asks of an image; an empty list where the annotations do not say."""

ANY_IMAGE = ("modality", "region", "describe", "is_study", "is_region", "disease", "false_premise")
"""Types that can be put to a picture of which nothing medical can be said."""


def asks_of(facts: Facts, rng: random.Random) -> list[Ask]:
    """Everything that can be asked of an image, yes and no in pairs."""
    if facts.unreadable is None:
        return [ask for make in IMAGE_ASKS.values() for ask in make(facts, rng)]
    answer = say(answers()[facts.unreadable])
    expect = {"unreadable": facts.unreadable}
    study, region = rng.choice(studies()).name, term("region", rng.choice(sorted(concepts("region"))))
    slots = {"is_study": {"study": study}, "false_premise": {"study": study}, "is_region": {"region": region}}
    return [
        Ask(kind, answer, slots.get(kind, {}), expect, "unreadable", "premise" if "premise" in kind else "")
        for kind in ANY_IMAGE
    ]
