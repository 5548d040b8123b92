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
from bimedix2.language.concepts import NEGATION, Tongue, mentions, stated, studies, study_of
from bimedix2.text.arabic import normalise, script

COUNT_WITHIN = 2
COUNT_SHARE = 0.25
"""A count is right within two cells or a quarter, whichever is more: the answers that were taught are rounded
to the nearest five from eight on (an error of up to two), and nobody counts a crowded field by eye."""

EXCLUSIVE = ("modality", "region", "plane", "projection", "view", "window", "stain")
"""Kinds of which a picture has one value; of cells and signs it may have several, and one that is not
annotated is unknown: naming it is counted apart, not as wrong."""
VERDICTS = ("", "yes", "no", "correct", "agree", "decline", "unreadable", "no_image")
DESCRIPTIONS = ("describe", "true_premise")
"""Types whose whole reference is checked: no detail may contradict it."""


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
    return {
        name: re.compile(rf"(?<!\w)(?:{'|'.join([*words['en'], *words['ar']])})(?!\w)")
        for name, words in read.items()
    }


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
    language = script(answer) == expected.tongue
    form = ["cut before its end"] if finish != "stop" else []
    if lexicon and language:
        form += lexicon.faults(answer, expected.tongue)
    spoken = Spoken(answer)
    wrong = _facts(spoken, expected) + _verdict(spoken, expected)
    reasons = ([] if language else ["other language"]) + wrong + form
    return Grade(
        right=not reasons,
        terms=not wrong,
        well_formed=language and not form,
        language=language,
        extra=_extra(spoken, expected),
        reasons=tuple(reasons),
    )


class Spoken:
    """An answer as its affirmed part and its denied part; what it is said to be without is in neither."""

    def __init__(self, answer: str) -> None:
        self.text = normalise(answer)
        said = stated(answer)
        opening = re.match(rf"(?:{_judgements()['no'].pattern})", said)
        comma = re.match(r"\s*\w+\s*[,،.:;؛]", answer)
        self.opens_with_no = bool(opening and comma)
        body = said[opening.end() :] if opening and comma else said
        affirmed, *denied = NEGATION.split(body, maxsplit=1)
        self.affirmed = affirmed
        self.denied = denied[0] if denied else ""

    def values(self, kind: str, *, denied: bool = False, whole: bool = False) -> list[frozenset[str]]:
        """What each mention of a kind can stand for, in the affirmed or the denied part."""
        text = self.text if whole else self.denied if denied else self.affirmed
        found = mentions(kind, text)
        if kind == "region":
            return [v for start, end, v in found if not _part_of_other(text, start, end)]
        return [values for _, _, values in found]


def _part_of_other(text: str, start: int, end: int) -> bool:
    """A region's word inside another: ``lung window``, ``bone scan``, ``red blood cells``."""
    if text[end:].startswith(" window") or text[:start].endswith("نافذه "):
        return True
    longer = [*mentions("modality", text), *mentions("cell", text)]
    return any(s <= start and end <= e and (s, e) != (start, end) for s, e, _ in longer)


@cache
def _implied_regions() -> dict[str, str]:
    """Modalities that have one region alone: who says mammogram has said breast."""
    regions: dict[str, set[str | None]] = {}
    for study in studies():
        regions.setdefault(study.modality, set()).add(study.region)
    return {m: next(iter(r)) for m, r in regions.items() if len(r) == 1 and None not in r}  # type: ignore[misc]


def _one_value(spoken: Spoken, kind: str, value: str, type_: str) -> list[str]:
    """The value is affirmed and no other of its kind is."""
    found = _windows(spoken) if kind == "window" and type_ != "window" else spoken.values(kind)
    others = sorted({v for values in found if value not in values for v in values})
    reasons = [f"says {kind} {' or '.join(others)}, it is {value}"] if others else []
    if not others and not any(value in values for values in found):
        reasons = [f"does not say {kind} {value}"]
    return reasons


def _windows(spoken: Spoken) -> list[frozenset[str]]:
    """Windows said as such: ``brain`` alone in a description is a region."""
    text = spoken.affirmed
    return [
        values
        for start, end, values in mentions("window", text)
        if text[end:].startswith(" window") or text[:start].endswith("نافذه ")
    ]


def _region(spoken: Spoken, value: str, expected: Expected) -> list[str]:
    reasons = _one_value(spoken, "region", value, "")
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
        if study is None or study.region is None or _implied_regions().get(modality) == value:
            return []
    return reasons


def _facts(spoken: Spoken, expected: Expected) -> list[str]:
    reasons: list[str] = []
    for kind, value in expected.facts.items():
        if kind == "count":
            reasons += _count(spoken, int(value))
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


def _count(spoken: Spoken, count: int) -> list[str]:
    numbers = [int(n) for n in re.findall(r"(?<!\w)\d{1,9}(?!\w)", spoken.affirmed)]
    if len(numbers) != 1:
        return [f"says {len(numbers)} numbers, one is asked"]
    within = max(COUNT_WITHIN, COUNT_SHARE * count)
    return [] if abs(numbers[0] - count) <= within else [f"says {numbers[0]}, there are {count}"]


def _unreadable(spoken: Spoken, value: str) -> list[str]:
    found = {v for values in spoken.values("unreadable", whole=True) for v in values}
    named = {v for values in spoken.values("modality") for v in values}
    reasons = [] if found == {value} else [f"says {', '.join(sorted(found)) or 'nothing'}, it is {value}"]
    return reasons + [f"says {v} of a picture that is {value}" for v in sorted(named)]


def _contradictions(spoken: Spoken, expected: Expected) -> list[str]:
    """Details of which the reference says another value; what it leaves out is unknown."""
    reference = Spoken(expected.reference)
    reasons = []
    for kind in EXCLUSIVE:
        if kind in expected.facts:
            continue
        read = _windows if kind == "window" else (lambda s, kind=kind: s.values(kind))
        true, said = read(reference), read(spoken)
        if true and any(not any(t & s for t in true) for s in said):
            reasons.append(f"{kind} contradicts the annotation")
    return reasons


def _extra(spoken: Spoken, expected: Expected) -> tuple[str, ...]:
    out = []
    for kind in ("cell", "sign"):
        wanted = expected.facts.get(kind)
        if wanted is not None:
            out += sorted({v for values in spoken.values(kind) for v in values} - set(wanted))
    return tuple(out)


def _verdict(spoken: Spoken, expected: Expected) -> list[str]:
    words = _judgements()
    if expected.verdict == "yes":
        if spoken.denied or spoken.opens_with_no:
            return ["denies what is true"]
        return [] if words["yes"].search(spoken.text) else ["does not say yes"]
    if expected.verdict in ("no", "correct"):
        return _denial(spoken, expected)
    if expected.verdict == "agree":
        return ["corrects what was true"] if spoken.denied or spoken.opens_with_no else []
    if expected.verdict == "decline":
        named = words["disease"].search(spoken.text)
        reasons = [] if words["decline"].search(spoken.text) else ["does not decline"]
        return reasons + ([f"names a disease: {named[0]}"] if named else [])
    if expected.verdict == "no_image":
        return [] if words["no_image"].search(spoken.text) else ["does not say that there is no image"]
    if not expected.facts:  # greetings and definitions have no concept: the reference word for word
        return [] if spoken.text == normalise(expected.reference) else ["not the reference's words"]
    return []


def _denial(spoken: Spoken, expected: Expected) -> list[str]:
    """What was asked is denied: by an opening "no", or by "..., not X" with the X of the reference."""
    if _judgements()["yes"].search(spoken.text):
        return ["says yes to what is false"]
    if spoken.opens_with_no:
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
    unknown = set(expected.facts) - {*EXCLUSIVE, "cell", "sign", "count", "unreadable"}
    if unknown:
        raise DataError(f"{where}: expect names '{min(unknown)}', which no grader knows; correct the record")
