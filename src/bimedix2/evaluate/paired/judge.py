"""One item's two answers: is each right and in its language, and do they contradict each other?"""

import re
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Any

from bimedix2.evaluate import choice
from bimedix2.evaluate.grade import COUNT_SHARE, COUNT_WITHIN, Expected, grade
from bimedix2.evaluate.lexicon import Lexicon
from bimedix2.evaluate.paired.pairs import Twins
from bimedix2.evaluate.spoken import EXCLUSIVE, Spoken
from bimedix2.evaluate.task import Raw, Sample
from bimedix2.language.concepts import Tongue, concepts
from bimedix2.text.arabic import find_words, normalise, script

_ARABIC = r"\u0610-\u061a\u0621-\u065f\u0670-\u06d3"
_OTHER: dict[Tongue, re.Pattern[str]] = {
    "ar": re.compile(r"[A-Za-z][A-Za-z'’-]*[A-Za-z]"),
    "en": re.compile(rf"[{_ARABIC}]{{2,}}"),
}
_GLOSS: dict[Tongue, re.Pattern[str]] = {
    "ar": re.compile(rf"(?<=[{_ARABIC}])[»”\"]?\s*[(\[][^()\[\]]*[)\]]"),
    "en": re.compile(r"(?<=[A-Za-z])[»”\"]?\s*[(\[][^()\[\]]*[)\]]"),
}
"""A bracket right after a word of the answer's language: the term in the other one."""


def switched(answer: str, tongue: Tongue) -> list[str]:
    """Words of the other script (of two letters or more), those in brackets after a word left out.

    >>> switched("ورم سحائي (meningioma) في MRI", "ar")
    ['MRI']
    """
    return _OTHER[tongue].findall(_GLOSS[tongue].sub(" ", answer))


def chosen(answer: str, options: tuple[str, ...]) -> str:
    """The option that an answer begins with, else the only one that it names, else nothing.

    Of options that are letters, words that are letters too are none: the article in "a large effusion".
    """
    if options == tuple(ascii_uppercase[: len(options)]):
        place = choice.read(answer, options).place
        return "" if place is None else options[place]
    text = normalise(answer)
    names = {option: normalise(option) for option in options}
    spans = {option: find_words(text, name) for option, name in names.items() if name}
    first = [option for option, found in spans.items() if found and found[0][0] == 0]
    named = first or [option for option, found in spans.items() if found]
    return named[0] if len(named) == 1 else ""


@dataclass(frozen=True)
class Said:
    """One answer and what is judged of it. ``None`` where it cannot be judged."""

    answer: str
    right: bool | None
    kept: bool | None
    """In the question's language; of an empty answer it is not, and of a likelihood there is no saying."""
    switched: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    choice: str = ""
    """The option's place, where options are given, so that it is the same in both languages."""

    @property
    def answered(self) -> bool:
        return bool(self.answer.strip())


@dataclass(frozen=True)
class Pair:
    """Both answers; ``contradicts`` are the kinds in which they name different things."""

    twins: Twins
    english: Said
    arabic: Said
    comparable: bool
    """Both answer, and name something of one kind."""
    contradicts: tuple[str, ...] = ()
    scores: tuple[float, float] | None = None
    """A judge's, of English and Arabic, where answers are not right or wrong by themselves."""
    requests: tuple[str, str] = ("", "")
    raws: tuple[Raw, Raw] = field(default_factory=lambda: ({}, {}))

    @property
    def agreement(self) -> str:
        """Both right, one of them, or none; ``not graded`` without a grader."""
        if self.english.right is None or self.arabic.right is None:
            return "not graded"
        return {
            (True, True): "both right",
            (True, False): "English alone",
            (False, True): "Arabic alone",
            (False, False): "both wrong",
        }[self.english.right, self.arabic.right]


def judge(twins: Twins, raws: tuple[Raw, Raw], lexicon: Lexicon | None) -> Pair:
    """Judge one item.

    Args:
        twins: the item.
        raws: what came back, English and Arabic.
        lexicon: the words that right answers are made of; ``None`` for a model that was taught others too.
    """
    english, arabic = (
        _said(twins, tongue, sample, raw, lexicon)
        for (tongue, sample), raw in zip(twins.sides, raws, strict=True)
    )
    if twins.english.notes.get("choices"):
        comparable = bool(english.choice and arabic.choice)
        differ: tuple[str, ...] = ("option",) if comparable and english.choice != arabic.choice else ()
    else:
        wanted = [sample.expected for _, sample in twins.sides]
        comparable, differ = _compare(english, arabic, wanted) if _about_picture(twins) else (False, ())
    return Pair(twins, english, arabic, comparable, differ, raws=raws)


def _said(twins: Twins, tongue: Tongue, sample: Sample, raw: Raw, lexicon: Lexicon | None) -> Said:
    wanted = sample.expected
    assert wanted is not None
    options: tuple[str, ...] = tuple(sample.notes.get("choices", ()))
    if "values" in raw:
        option = options[raw["values"].index(max(raw["values"]))]
        right = option == wanted.reference
        missed = () if right else (f"chooses {option}",)
        return Said(option, right, None, (), missed, str(options.index(option)))
    answer = raw["answer"]
    kept, words = script(answer) == tongue, tuple(switched(answer, tongue))
    if options:
        option = chosen(answer, options)
        right = option == wanted.reference
        reasons = () if right else (f"chooses {option}" if option else "chooses none of the options",)
        # A letter is of no language.
        worded = sample.notes.get("lettered") is not True
        place = str(options.index(option)) if option else ""
        return Said(answer, right, kept if worded else None, words if worded else (), reasons, place)
    if not twins.graded:
        return Said(answer, None, kept, words)
    found = grade(answer, raw["finish"], wanted, lexicon)
    return Said(answer, found.right, kept, words, found.reasons)


def _about_picture(twins: Twins) -> bool:
    """Greetings and definitions name things too, but nothing that a picture shows."""
    wanted = twins.english.expected
    return not twins.graded or (wanted is not None and bool(wanted.facts or wanted.verdict))


def _compare(english: Said, arabic: Said, wanted: list[Expected | None]) -> tuple[bool, tuple[str, ...]]:
    """Whether there is anything to compare, and the kinds in which the answers differ."""
    if not (english.answered and arabic.answered):
        return False, ()
    spoken = (Spoken(english.answer), Spoken(arabic.answer))
    both: dict[str, bool] = {}
    """Kind that both name -> whether they differ in it."""
    for kind in EXCLUSIVE:
        if kind == "window" and not (wanted[0] and wanted[0].type == "window"):
            continue  # its words are regions too
        left, right = (one.values(kind) for one in spoken)
        if left and right:
            both[kind] = not any(_fit(kind, a, b) for a in left for b in right)
    both |= _unreadable(*spoken)
    if wanted[0] and wanted[1]:
        if "count" in wanted[0].facts:
            both |= _counts(*spoken)
        ways = [_way(said.answer, one) for said, one in zip((english, arabic), wanted, strict=True) if one]
        if all(ways):
            both["judgement"] = ways[0] != ways[1]
    return bool(both), tuple(kind for kind, differ in both.items() if differ)


def _fit(kind: str, one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two mentions can mean one thing; of regions, whether they share a part of the body."""
    if kind != "region":
        return bool(one & other)
    known = concepts("region")
    return any(a == b or known[a].groups & known[b].groups for a in one for b in other)


def _unreadable(one: Spoken, other: Spoken) -> dict[str, bool]:
    """Blank in one language and a radiograph in the other is a contradiction too."""
    left, right = ({v for vs in s.values("unreadable", whole=True) for v in vs} for s in (one, other))
    if left and right:
        return {"unreadable": not left & right}
    if (left and other.values("modality")) or (right and one.values("modality")):
        return {"unreadable": True}
    return {}


def _counts(one: Spoken, other: Spoken) -> dict[str, bool]:
    found = [[int(n) for n in re.findall(r"(?<!\w)\d{1,9}(?!\w)", s.affirmed)] for s in (one, other)]
    if any(len(numbers) != 1 for numbers in found):
        return {}
    (left,), (right,) = found
    return {"count": abs(left - right) > max(COUNT_WITHIN, COUNT_SHARE * max(left, right))}


def _way(answer: str, wanted: Expected) -> str:
    """Yes or no, corrected or not, declined or not; empty where the answer does not say."""
    if wanted.verdict == "decline":
        reasons = _reasons(answer, wanted, "decline")
        if any(reason.startswith("names a disease") for reason in reasons):
            return "names"
        return "" if "does not decline" in reasons else "declines"
    if wanted.verdict not in ("yes", "no", "correct", "agree"):
        return ""
    spoken = Spoken(answer)
    if spoken.rejects():
        return "no"
    if wanted.verdict in ("correct", "agree"):
        return "yes"
    return "" if "does not say yes" in _reasons(answer, wanted, "yes") else "yes"


def _reasons(answer: str, wanted: Expected, verdict: str) -> tuple[str, ...]:
    return grade(answer, "stop", Expected(wanted.type, wanted.tongue, wanted.reference, verdict)).reasons


def to_json(pair: Pair) -> dict[str, Any]:
    """The item as it stands in ``pairs.jsonl``."""
    return {
        "id": pair.twins.id,
        "rule": pair.twins.rule,
        "type": pair.twins.type,
        "subject": pair.twins.subject if pair.twins.known_subject else None,
        "agreement": pair.agreement,
        "comparable": pair.comparable,
        "contradicts": list(pair.contradicts),
        "scores": pair.scores,
        "answers": {"en": pair.english.answer, "ar": pair.arabic.answer},
        "requests": dict(zip(("en", "ar"), pair.requests, strict=True)),
    }
