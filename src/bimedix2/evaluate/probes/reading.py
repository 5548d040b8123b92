"""Whether an answer to a probe says yes or no, in either language; never a guess.

The first of these that finds anything:

1. it is read as options are (``choice``): it begins with yes or no, or a phrase names one; or it ends with
   one alone ("This is a CT scan, yes.");
2. words call the statement right or wrong, and all of them agree;
3. what it names (``naming``): it affirms what the statement is about, or denies it, or affirms another value
   that excludes it. A whole sentence in the place of a yes says what the model holds for true.

An answer that contradicts itself is ``both``; one that says none of this is neither.
"""

import re
from dataclasses import dataclass
from typing import Literal

from bimedix2.evaluate import choice, grade
from bimedix2.evaluate.probes.build import false_of
from bimedix2.language.concepts import mentions
from bimedix2.language.denial import parts
from bimedix2.text.arabic import without_marks

VERSION = f"probes-1,{choice.VERSION},{grade.VERSION}"
"""In the signature: another reading is another score."""
Said = Literal["yes", "no", "both", ""]
OPTIONS: tuple[Literal["yes", "no"], ...] = ("yes", "no")
_LAST = re.compile(r"[,،;؛:.]\s*(?:(?P<yes>yes|نعم)|(?P<no>no|لا|كلا))\W*$", re.IGNORECASE)
_CALLED = re.compile(
    r"(?<!\w)(?P<denied>(?:not|isn't|غير|ليس|ليست|وليست|وليس)\s+)?"
    r"(?:(?P<right>correct|true|accurate|صحيح|صحيحة)|(?P<wrong>incorrect|false|wrong|inaccurate|خاطئ|خاطئة|خطأ))"
    r"(?!\w)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Reading:
    """What an answer says, and whether only what it names tells it."""

    said: Said
    naming: bool = False


def read(answer: str, kind: str, value: str, form: str) -> Reading:
    """Read one answer.

    Args:
        answer: as the model gave it.
        kind: of the statement.
        value: what it is about.
        form: ``is`` or ``is_not``.
    """
    found = choice.read(answer, OPTIONS)
    if found.place is not None:
        return Reading(OPTIONS[found.place])
    if found.reason == choice.SEVERAL:
        return Reading("both")
    plain = without_marks(answer).strip()
    if last := _LAST.search(plain):
        return Reading("yes" if last["yes"] else "no")
    called = {(m["right"] is not None) != (m["denied"] is not None) for m in _CALLED.finditer(plain)}
    if called:
        return Reading("both" if len(called) > 1 else "yes" if called.pop() else "no")
    return _named(answer, kind, value, form)


def _named(answer: str, kind: str, value: str, form: str) -> Reading:
    """By what an answer affirms and denies of the statement's kind."""
    found = parts(answer)
    said = [values for _, _, values in mentions(kind, found.affirmed)]
    affirms = any(value in values for values in said)
    denies = any(value in values for text in found.denied for _, _, values in mentions(kind, text))
    if affirms and denies:
        return Reading("both")
    others = {other for values in said for other in values}
    excluded = bool(others) and others <= set(false_of(kind, value))
    if not (affirms or denies or excluded):
        return Reading("")
    return Reading("yes" if affirms == (form == "is") else "no", naming=True)
