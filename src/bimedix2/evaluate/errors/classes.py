"""Classes of wrong answers, and which class each reason of ``evaluate.grade`` belongs to.

Knows nothing about files: a reason, or a list of faults, in; a class out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

CLASSES: dict[str, str] = {
    "modality": "takes the study for another kind of imaging, or does not say which it is",
    "region": "names another part of the body, or leaves out the one that was asked for",
    "finding": "states a finding or disease that is not there, or leaves out the one that is",
    "subtype": "right finding or study, wrong kind of it: stage, course, plane, projection, window, stain",
    "level": "another vertebral or dermatome level",
    "side": "another side",
    "negation": "affirms what is to be denied, or denies what is true",
    "number": "another number or measurement",
    "language": "answers in another language than the question's",
    "malformed": "empty, cut, or in words and sentences that are broken",
    "other": "wrong in a way that no rule names; the reason says what is known",
}
"""Class -> what it is, the coarsest mistake first: an answer is named by the first that it makes."""

ORDER = {name: number for number, name in enumerate(CLASSES)}

CONTRADICTS, OMITS, UNSURE = 0, 1, 2
"""How firmly a fault is known: another value is said; the right one is left out; a guess of the words."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with an answer."""

    name: str
    """A class of ``CLASSES``."""
    why: str
    """A sentence or a grader's reason."""
    weight: int = CONTRADICTS


_KINDS = {
    **dict.fromkeys(("modality", "unreadable"), "modality"),
    "region": "region",
    **dict.fromkeys(("cell", "sign"), "finding"),
    **dict.fromkeys(("plane", "projection", "view", "window", "stain"), "subtype"),
}
"""Kind of fact that the grader names -> class."""
_KIND = "|".join(_KINDS)
_PICTURE = "blank|noise|non-medical"

_REASONS: tuple[tuple[re.Pattern[str], str | None, int], ...] = tuple(
    (re.compile(pattern), name, weight)
    for pattern, name, weight in (
        (rf"says (?P<kind>{_KIND}) .+, it is .+", None, CONTRADICTS),
        (rf"does not say (?P<kind>{_KIND}) .+", None, OMITS),
        (rf"(?P<kind>{_KIND}) contradicts the annotation", None, CONTRADICTS),
        (rf"says \S+ of a picture that is (?:{_PICTURE})", "modality", CONTRADICTS),
        (rf"says nothing, it is (?:{_PICTURE})", "modality", OMITS),
        (rf"says .+, it is (?:{_PICTURE})", "modality", CONTRADICTS),
        (r"names a disease: .+|says that it is none: .+|counts .+", "finding", CONTRADICTS),
        (r"says \d+ numbers, one is asked", "number", OMITS),
        (r"says \d+, there are \d+", "number", CONTRADICTS),
        (r"says yes to what is false|denies what is true|corrects what was true", "negation", CONTRADICTS),
        (rf"denies another (?:{_KIND}) than was asked|denies (?:{_KIND}) .+ again", "negation", CONTRADICTS),
        (r"does not deny what is false|does not say yes|does not say what is denied", "negation", OMITS),
        (r"other language", "language", CONTRADICTS),
        (r"empty answer|cut before its end|unknown word '.*'|broken sentence at '.*'", "malformed", OMITS),
        (r"does not decline|does not say that there is no image", "other", OMITS),
        (r"says .+ of a picture that is not there", "other", CONTRADICTS),
        (r"not the reference's words|chooses .*", "other", OMITS),
    )
)


def of_reason(reason: str) -> Fault:
    """The fault that a grader's reason states; a reason that no rule knows is ``other``, as it is."""
    for pattern, name, weight in _REASONS:
        match = pattern.fullmatch(reason)
        if match:
            return Fault(name or _KINDS[match["kind"]], reason, weight)
    return Fault("other", reason, UNSURE)


def known(reason: str) -> bool:
    """Whether a rule reads this reason."""
    return of_reason(reason).weight != UNSURE


def named_by(faults: Iterable[Fault]) -> Fault | None:
    """The fault that an answer is named by; ``None`` without faults.

    What contradicts the reference comes first, the coarsest before the others; then the other language and
    broken or cut words, which explain why something is left out; then what is left out; ``other`` last.
    """

    def rank(fault: Fault) -> tuple[int, int]:
        form = fault.name in ("language", "malformed")
        tier = 3 if fault.name == "other" else 1 if form else 2 if fault.weight else 0
        return tier, ORDER[fault.name]

    return min(faults, key=rank, default=None)
