"""What a text affirms and what it denies, in both languages. Knows nothing about concepts.

Read by words, not by grammar: a clause is denied from its negation word to its end, or to where the text goes
on to say what is the case ("not a CT, this is an MRI"; "not a CT but an MRI").
"""

import re
import unicodedata
from dataclasses import dataclass

from bimedix2.text.arabic import normalise, without_marks

APART = " | "
"""Between clauses, so that no phrase is read across them."""

_CONTRACTED = (
    (re.compile(r"\bcan(?:['’]t|not)\b"), "can not"),
    (re.compile(r"\bwon['’]t\b"), "will not"),
    (re.compile(r"n['’]t\b"), " not"),
)
_NO = re.compile(
    r"\s*(?:no|nope|لا|كلا)(?:\s*[,،.:;؛!—–]|\s+-\s|\s+(?=(?:it|this|that|the|هذه|هذا|[إا]نها)(?!\w)))"
)
"""An answer that opens with it denies what was asked."""
_NEGATION = re.compile(
    r"""(?<!\w)(?:not(?!\s+only(?!\w))|rather\s+than|instead\s+of|as\s+opposed\s+to|neither|nor|never
    |[وف]?ليس(?:ت|ا|تا|وا)?|[وف]?لا(?!\s+(?:شك|ريب|سيما|[يت]زال)(?!\w))|[وف]?ل[من]|بدلا\s+من|عوضا\s+عن)(?!\w)""",
    re.VERBOSE,
)
"""What follows is denied."""
_END = re.compile(r"((?<=[^\s.]{2})\.(?=\s|$)|[!?؟;؛\n])")
_RESUMES = re.compile(
    r"""[,،:]\s*(?=(?:and\s+)?(?:it|this|that|these|those|i\s+see|(?:the\s+)?(?:image|picture|scan|slice))(?!\w))
    |[,،:]\s*(?=(?:the|his|her|your|their)\s+\w+\s+(?:is|are|looks?|appears?|seems?|shows?)(?!\w))
    |[,،:]\s*(?=[وف]?ال\w+\s+(?:\w+\s+)?(?:سليم|طبيعي)\w*)
    |[,،:]\s*(?=و?(?:هذه|هذا|[إا]نها|[إا]نه|هي|هو|تظهر|يظهر|[أا]رى)(?!\w))
    |(?<!\w)(?:but|however|except|(?:بل|و?لكن(?:ها|ه)?|و?[إا]نما|[إا]لا|سوى|باستثناء))(?!\w)""",
    re.VERBOSE,
)
"""Where the text goes on to say what is the case."""
_UNSEEN = re.compile(
    r"""\s*(?:(?:be|been|clearly)\s+)*
    (?:seen|visible|present|shown|found|there|here|detected|identified|observed|included|what|the\s+case)(?!\w)"""
    r"|\s*(?:تظهر|ترى|توجد|يظهر|يوجد|يرى)(?:\s+(?:هنا|في\s+(?:هذه\s+)?الصورة))?\s*$",
    re.VERBOSE,
)
"""After a negation word: its subject, which stands before it, is what is denied."""
_ABSENT = re.compile(r"(?<!\w)(?:(?:is|are)\s+(?:absent|missing)|غير\s+(?:مرئي|موجود|ظاهر)\w*|غائب\w*)(?!\w)")
_SUBJECT = re.compile(r"[,،]|(?<!\w)(?:and|with)(?!\w)")
_WITHOUT = re.compile(
    r"""(?<!\w)(?:without|no(?!\s+(?:it|this|that|the)(?!\w))|و?(?:بدون|دون|بلا))\s+
    (?!(?:(?:a|any|أي|اي)\s+)?(?:doubt|question|شك|ريب)(?!\w))
    (?:(?:the\s+)?(?:use|using|need|help)\s+(?:of\s+|for\s+)?
      |(?:(?:any|clear|visible)\s+)*(?:signs?|evidence|traces?|views?)\s+of\s+
      |(?:الحاجة|حاجة|اللجوء|التعرض)\s+(?:إلى|الى)\s+
      |(?:(?:أي|اي)\s+)?(?:أثر|اثر|علامات?|دليل|وجود)\s+(?:على\s+)?)?
    (?:(?!(?:of|in|on|at|with|from|for|but|في|من|على|مع|بل|لل\w+)(?!\w))[^\s.,;:!?()،؛؟]+[^\S\n]*){1,6}""",
    re.VERBOSE,
)
"""A phrase that is denied inside a sentence that is not. It ends at a mark, at the preposition with which the
sentence goes on ("a CT without contrast of the chest"), or after six words."""


@dataclass(frozen=True)
class Parts:
    """A text in two parts, both normalised; in neither are questions, and what a thing is without."""

    affirmed: str
    """Clauses, parted by ``APART``."""
    denied: tuple[str, ...]
    """What each negation word denies; empty where nothing follows it ("it is not")."""
    opens_with_no: bool


def plain(text: str) -> str:
    """Lower case, no tashkil, contractions written out ("isn't" is "is not"); marks and letters are kept."""
    text = without_marks(unicodedata.normalize("NFKC", text).casefold())
    for contracted, whole in _CONTRACTED:
        text = contracted.sub(whole, text)
    return text


def parts(text: str) -> Parts:
    """Read what a text affirms and what it denies."""
    said = plain(text)
    opening = _NO.match(said)
    said = _WITHOUT.sub(" ", said[opening.end() :] if opening else said)
    affirmed: list[str] = []
    denied: list[str] = []
    for clause in _clauses(said):
        yes, no = _divided(clause)
        affirmed += map(normalise, yes)
        denied += map(normalise, no)
    return Parts(APART.join(filter(None, affirmed)), tuple(denied), opening is not None)


def affirmed(text: str) -> str:
    """The normalised part of a text that is said to be so."""
    return parts(text).affirmed


def _clauses(text: str) -> list[str]:
    """Stretches in which a negation word denies all that follows it; questions are left out."""
    pieces = _END.split(text)
    ends = [*pieces[1::2], ""]
    sentences = [one for one, end in zip(pieces[::2], ends, strict=True) if end not in ("?", "؟")]
    return [clause for sentence in sentences for clause in _RESUMES.split(sentence) if clause.strip()]


def _divided(clause: str) -> tuple[list[str], list[str]]:
    """What a clause affirms, and what it denies."""
    found = _NEGATION.search(clause)
    if not found:
        absent = _ABSENT.search(clause)
        if not absent:
            return [clause], []
        head, subject = _last(clause[: absent.start()])
        return [head, clause[absent.end() :]], [subject]
    before, after = clause[: found.start()], clause[found.end() :]
    unseen = _UNSEEN.match(after)
    if unseen and before.strip():
        head, subject = _last(before)
        return [head, after[unseen.end() :]], [subject]
    return [before], [after]


def _last(text: str) -> tuple[str, str]:
    """A text without its last subject, and that subject."""
    cuts = list(_SUBJECT.finditer(text))
    return (text[: cuts[-1].start()], text[cuts[-1].end() :]) if cuts else ("", text)
