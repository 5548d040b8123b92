"""Is an answer right? Whole answers are judged: the facts, the judgement, the language and the sentence.

Knows nothing about models, files or tables. A term inside a broken sentence does not pass.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from bimedix2.errors import DataError
from bimedix2.evaluate.lexicon import Lexicon
from bimedix2.evaluate.spoken import EXCLUSIVE, SEVERAL, Spoken, implied_regions
from bimedix2.language import glossary
from bimedix2.language.concepts import Tongue, mentions, study_of
from bimedix2.text.arabic import normalise, script
from bimedix2.text.fold import folded
from bimedix2.text.numbers import arabic_numbers, english_numbers

VERSION = "facts-2"
"""Of these rules, in the signature: another reading is another score."""
COUNT_WITHIN = 2
COUNT_SHARE = 0.25
"""A count is right within two cells or a quarter, whichever is more: the answers that were taught are rounded
to the nearest five from eight on (an error of up to two), and nobody counts a crowded field by eye."""

LETTERS = 0.6
"""An answer is in a language when so many of its letters, those in brackets left out, are of its script."""
VERDICTS = ("", "yes", "no", "correct", "agree", "decline", "unreadable", "no_image")
DESCRIPTIONS = ("describe", "true_premise")
"""Types whose whole reference is checked: no detail may contradict it."""
WIDE = ("whole_body", "leg", "shoulder", "bone", "trunk")
"""Regions of which a limb or the neck may be a part."""
_PREFIXED = dict.fromkeys(("disease", "other_modality", "other_region"), "[وف]?[بلك]?(?:ال|ل)?")
"""What Arabic may write before a word of a list; of the others "and" and "so" alone."""


@dataclass(frozen=True)
class Expected:
    """What a right answer says; ``reference`` is the record's own answer."""

    type: str
    tongue: Tongue
    reference: str
    verdict: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Grade:
    """The judgement of one answer; ``right`` is all of it."""

    right: bool
    terms: bool
    """The facts and the yes or no are right, whatever the sentence."""
    well_formed: bool
    language: bool
    extra: tuple[str, ...]
    """Cells or signs named beyond the annotated ones."""
    reasons: tuple[str, ...]


@cache
def _judgements() -> dict[str, re.Pattern[str]]:
    read = yaml.safe_load(files("bimedix2.evaluate").joinpath("judgement.yaml").read_text(encoding="utf-8"))
    out = {}
    for name, words in read.items():
        arabic = f"{_PREFIXED.get(name, '[وف]?')}(?:{'|'.join(words['ar'])})"
        out[name] = re.compile(rf"(?<!\w)(?:{'|'.join(words['en'])}|{arabic})(?!\w)")
    return out


def grade(answer: str, finish: str, expected: Expected, lexicon: Lexicon | None = None) -> Grade:
    """Judge one answer.

    Args:
        answer: what the model said.
        finish: ``stop``, or ``length`` where it was cut.
        expected: what a right answer says.
        lexicon: the words that answers are made of; ``None`` for models that were taught others too.
    """
    if not answer.strip():
        return Grade(False, False, False, False, (), ("empty answer",))
    language = spoken_in(answer, expected.tongue)
    form = ["cut before its end"] if finish != "stop" else []
    if lexicon and language:
        form += lexicon.faults(answer, expected.tongue)
    spoken = Spoken(answer)
    wrong = _facts(spoken, expected) + _verdict(spoken, expected, answer)
    reasons = ([] if language else ["other language"]) + wrong + form
    return Grade(
        right=not reasons,
        terms=not wrong,
        well_formed=language and not form,
        language=language,
        extra=_extra(spoken, expected),
        reasons=tuple(reasons),
    )


def spoken_in(answer: str, tongue: Tongue) -> bool:
    """Whether an answer is in a language: in its script, and not in two languages at once."""
    outside = re.sub(r"\([^()]*\)", "", answer)
    letters = [script(letter) for letter in outside if letter.isalpha()]
    return script(answer) == tongue and letters.count(tongue) >= LETTERS * len(letters)


def _one_value(spoken: Spoken, kind: str, value: str, type_: str) -> list[str]:
    """The value is affirmed, no other of its kind is, and it is not denied again."""
    found = spoken.windows() if kind == "window" and type_ != "window" else spoken.values(kind)
    others = sorted({v for values in found if value not in values for v in values})
    if others:
        return [f"says {kind} {' or '.join(others)}, it is {value}"]
    if not any(value in values for values in found):
        return [f"does not say {kind} {value}"]
    if spoken.takes_back(kind, value):
        return [f"denies {kind} {value} again"]
    return _none_of_ours(spoken, kind, value) if kind == type_ else []


def _none_of_ours(spoken: Spoken, kind: str, value: str) -> list[str]:
    """Other modalities and parts of the body than those of ``concepts.yaml``, beside the right one."""
    if kind not in ("modality", "region") or value in WIDE:
        return []
    other = _judgements()[f"other_{kind}"].search(spoken.affirmed)
    return [f"says {kind} {other[0]}, it is {value}"] if other else []


def _region(spoken: Spoken, value: str, expected: Expected) -> list[str]:
    reasons = _one_value(spoken, "region", value, expected.type)
    if reasons and not reasons[0].startswith("does not"):
        return reasons
    modality = expected.facts.get("modality")
    if expected.verdict in ("no", "correct") and modality is not None:
        # Of a study that is another modality, the modality corrects it: "a CT scan, not a PET image".
        denied = Spoken(expected.reference).values("modality", denied=True)
        if denied and not any(modality in values for values in denied):
            return []
    if modality is not None:
        study = study_of(modality, value)
        # A pair without a study of its own is named by its modality; some modalities imply the region.
        if study is None or study.region is None or implied_regions().get(modality) == value:
            return []
    return reasons


def _facts(spoken: Spoken, expected: Expected) -> list[str]:
    reasons: list[str] = []
    for kind, value in expected.facts.items():
        if kind == "count":
            reasons += _count(spoken, int(value), expected)
        elif kind == "unreadable":
            reasons += _unreadable(spoken, value)
        elif kind == "region":
            reasons += _region(spoken, value, expected)
        elif kind in EXCLUSIVE:
            reasons += _one_value(spoken, kind, value, expected.type)
        else:
            found = {v for values in spoken.values(kind) for v in values}
            reasons += [f"does not say {kind} {v}" for v in value if v not in found]
    if expected.type in DESCRIPTIONS and "unreadable" not in expected.facts:
        reasons += _contradictions(spoken, expected)
    return reasons


def _count(spoken: Spoken, count: int, expected: Expected) -> list[str]:
    """One number is said, of the cells that were asked for."""
    text = spoken.affirmed
    figures = list(re.finditer(r"(?<!\w)\d{1,9}(?!\w)", text))
    numbers = [int(figure[0]) for figure in figures] or _in_words(spoken, expected.tongue)
    if len(numbers) != 1:
        return [f"says {len(numbers)} numbers, one is asked"]
    number, place = numbers[0], figures[0].start() if figures else 0
    within = max(COUNT_WITHIN, COUNT_SHARE * count)
    if abs(number - count) > within:
        return [f"says {number}, there are {count}"]
    nearest = min(mentions("cell", text), key=lambda cell: abs(cell[0] - place), default=None)
    if nearest and not nearest[2] & set(expected.facts.get("cell", nearest[2])):
        return [f"counts {' or '.join(sorted(nearest[2]))}"]
    return []


def _in_words(spoken: Spoken, tongue: Tongue) -> list[int]:
    found = (english_numbers if tongue == "en" else arabic_numbers)(folded(spoken.words))
    return [int(n.value) for n in found if n.value.isdigit() and (n.kind == "word" or n.value == "1")]


def _unreadable(spoken: Spoken, value: str) -> list[str]:
    # "Not a medical image" is a denial itself; "not blank" is none of these.
    found = {v for values in spoken.values("unreadable") for v in values}
    found |= {v for values in spoken.values("unreadable", whole=True) for v in values if v == "non-medical"}
    kinds = ("modality", "region") if value in ("blank", "noise") else ("modality",)
    named = {v for kind in kinds for values in spoken.values(kind) for v in values}
    reasons = [] if found == {value} else [f"says {', '.join(sorted(found)) or 'nothing'}, it is {value}"]
    return reasons + [f"says {v} of a picture that is {value}" for v in sorted(named)]


def _contradictions(spoken: Spoken, expected: Expected) -> list[str]:
    """Details of which the reference says another value; what it leaves out is unknown."""
    reference = Spoken(expected.reference)
    reasons = []
    for kind in EXCLUSIVE:
        if kind in expected.facts:
            continue
        true, said = ((s.windows() if kind == "window" else s.values(kind)) for s in (reference, spoken))
        if true and any(not any(t & s for t in true) for s in said):
            reasons.append(f"{kind} contradicts the annotation")
    return reasons


def _extra(spoken: Spoken, expected: Expected) -> tuple[str, ...]:
    out = []
    for kind in SEVERAL:
        wanted = expected.facts.get(kind)
        if wanted is not None:
            out += sorted({v for values in spoken.values(kind) for v in values} - set(wanted))
    return tuple(out)


def _verdict(spoken: Spoken, expected: Expected, answer: str) -> list[str]:
    words = _judgements()
    if expected.verdict == "yes":
        if spoken.rejects() or words["denies"].search(spoken.text):
            return ["denies what is true"]
        return [] if words["yes"].search(spoken.text) else ["does not say yes"]
    if expected.verdict in ("no", "correct"):
        return _denial(spoken, expected)
    if expected.verdict == "agree":
        wrong = spoken.rejects() or words["denies"].search(spoken.text)
        return ["corrects what was true"] if wrong else []
    if expected.verdict == "decline":
        return _decline(spoken, answer)
    if expected.verdict == "no_image":
        return _no_image(spoken)
    if not expected.facts:  # greetings and definitions have no concept: the reference word for word
        return [] if normalise(answer) == normalise(expected.reference) else ["not the reference's words"]
    return []


def _decline(spoken: Spoken, answer: str) -> list[str]:
    words = _judgements()
    reasons = [] if words["decline"].search(spoken.text) else ["does not decline"]
    listed = words["disease"].search(spoken.text)
    if named := listed[0] if listed else _disease(answer):
        reasons.append(f"names a disease: {named}")
    # "Whether it is normal" is what is not said.
    said = words["whether"].sub(" ", spoken.affirmed)
    if calm := words["healthy"].search(said):
        reasons.append(f"says that it is none: {calm[0]}")
    return reasons


def _disease(answer: str) -> str:
    """The first disease of the glossary that an answer names, in either language."""
    english = next((f.term.en for f in glossary.find(answer) if f.term in _diseases()), "")
    return english or next((term.ar for term in _diseases() if glossary.says(term, answer)), "")


@cache
def _diseases() -> frozenset[glossary.Term]:
    general = {"disease", "disorder", "syndrome"}
    return frozenset(t for t in glossary.load() if t.kind == "disease" and t.en not in general)


def _no_image(spoken: Spoken) -> list[str]:
    """That there is none, and nothing is said to be seen in it."""
    words = _judgements()
    reasons = [] if words["no_image"].search(spoken.text) else ["does not say that there is no image"]
    named = [v for kind in ("modality", "region") for values in spoken.values(kind) for v in sorted(values)]
    if named and words["shows"].search(spoken.affirmed):
        reasons.append(f"says {named[0]} of a picture that is not there")
    return reasons


def _denial(spoken: Spoken, expected: Expected) -> list[str]:
    """What was asked is denied: by an opening "no", by "that is wrong", or by "..., not X" with the X of the
    reference."""
    words = _judgements()
    if words["yes"].search(words["denies"].sub(" | ", spoken.text)):
        return ["says yes to what is false"]
    if spoken.opens_with_no or words["denies"].search(spoken.text):
        return []
    if not spoken.denied:
        return ["does not deny what is false"]
    reference = Spoken(expected.reference)
    said = False
    for kind in ("modality", "region", "plane"):
        asked, denied = reference.values(kind, denied=True), spoken.values(kind, denied=True)
        if asked and denied and not any(a & d for a in asked for d in denied):
            return [f"denies another {kind} than was asked"]
        said = said or bool(asked and denied)
    return [] if said else ["does not say what is denied"]


def check(expected: Expected, where: str) -> None:
    """Refuse what this grader cannot judge, before anything is asked.

    Raises:
        DataError: naming the record.
    """
    if expected.verdict not in VERDICTS:
        raise DataError(f"{where}: verdict '{expected.verdict}' is not one of {', '.join(VERDICTS[1:])}")
    unknown = set(expected.facts) - {*EXCLUSIVE, *SEVERAL, "count", "unreadable"}
    if unknown:
        raise DataError(f"{where}: expect names '{min(unknown)}', which no grader knows; correct the record")
