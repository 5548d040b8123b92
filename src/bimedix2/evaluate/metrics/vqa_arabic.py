"""VQA scores for Arabic (``arabic``): this project's own, never mixed with the ``compat`` ones.

Spelling that does not change a word is folded, Arabic yes and no make closed questions, and an answer that
says both is wrong. Source: this project's evaluation specification, 1.3; light prefixes after Larkey et al.
2002 (light10). No Arabic editor has reviewed the word lists.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from bimedix2.evaluate.metrics import vqa
from bimedix2.evaluate.metrics.vqa import Words
from bimedix2.text.arabic import without_marks

Polarity = Literal["yes", "no", "both", ""]

_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Directional marks and joiners: pages isolate numbers inside Arabic with them."""
_LETTERS = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه"})
_DIGITS = {ord(c): str(unicodedata.digit(c)) for c in "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹"} | {ord("٫"): ".", ord("٬"): ","}
_APOSTROPHES = re.compile("['\u2019`]")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_NOT_WORD = re.compile(r"(?<!\d)\.|\.(?!\d)|[^\w.&]+|_")
_PIECE = re.compile(r"[^\W_]+|[^\w\s]")
_PREFIX = re.compile(r"^(?:[وف]?(?:[بكل]?ال|لل)(?=\w\w)|و(?=\w\w\w))")

YES = {"ar": ("نعم", "أجل", "بلى"), "en": ("yes",)}
NO = {"ar": ("لا", "كلا"), "en": ("no",)}
"""Words that answer. They also deny inside a sentence, where they are taken as ``DENIES``."""
DENIES = {"ar": ("ليس", "ليست", "لم", "لن", "غير"), "en": ("not",)}
NOT_DENIED = ("سيما", "بأس", "يزال", "تزال", "يزالان", "تزالان")
"""After the word for no these do not deny: especially, considerable, still."""
_CANNOT = ("أستطيع", "نستطيع", "يمكنني", "يمكننا")
_SAY = ("تحديد", "التحديد", "الإجابة", "الجزم", "التأكد", "معرفة", "الحكم", "المساعدة", "تقديم")
UNKNOWING = {
    "ar": (
        *("أعرف", "أعلم", "أدري", "نعرف", "نعلم", "ندري", "متأكد", "متأكدا", "متأكدة", "واثق", "واثقا"),
        *(f"{cannot} {say}" for cannot in _CANNOT for say in _SAY),
        *("يمكن الجزم", "يمكن التأكد", "يمكن الإجابة", "يمكن الحكم", "يمكن تحديد ذلك", "يمكن معرفة ذلك"),
    ),
    "en": ("sure", "certain", "know"),
}
"""After a word that denies: who does not know, or cannot tell, says neither yes nor no."""
FOR_THE_SAKE_OF = "من"
BOTH_OF = "كلا"


@dataclass(frozen=True)
class Folding:
    """``letters``: alef, ya and ta marbuta forms are one. ``light_stem``: words lose "and", "in", "the"."""

    letters: bool = True
    light_stem: bool = False


PLAIN, STEMMED = Folding(), Folding(light_stem=True)


def _folded(text: str, folding: Folding) -> str:
    """Everything but punctuation."""
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold()
    text = _THOUSANDS.sub("", without_marks(text).translate(_DIGITS))
    return text.translate(_LETTERS) if folding.letters else text


def clean(text: str, folding: Folding = PLAIN) -> str:
    """Normalise a text: what is left are words, numbers with their decimals, and one space between them."""
    words = _NOT_WORD.sub(" ", _APOSTROPHES.sub("", _folded(text, folding))).split()
    if folding.light_stem:
        words = [_PREFIX.sub("", word) for word in words]
    return " ".join(word for word in words if word not in vqa.ARTICLES)


@lru_cache(maxsize=1 << 16)
def tokens(text: str, folding: Folding = PLAIN) -> Words:
    """Clean a text and part it into tokens."""
    cleaned = clean(text, folding)
    parts = tuple(cleaned.split())
    return Words(cleaned, parts, frozenset(parts))


class _Lists(NamedTuple):
    yes: frozenset[str]
    no: frozenset[str]
    denies: frozenset[str]
    not_denied: frozenset[str]
    unknowing: frozenset[tuple[str, ...]]


@cache
def _lists(language: str, folding: Folding) -> _Lists:
    def fold(words: Iterable[str]) -> frozenset[str]:
        return frozenset(_folded(word, folding) for word in words)

    return _Lists(
        fold(YES[language]),
        fold(NO[language]),
        fold(DENIES[language]),
        fold(NOT_DENIED),
        frozenset(tuple(phrase.split()) for phrase in fold(UNKNOWING[language])),
    )


def _pieces(text: str, folding: Folding) -> list[str]:
    """Words and punctuation marks in order; "and" is taken from before a word that answers or denies."""
    every = frozenset().union(*_lists("ar", folding)[:3])
    found = _PIECE.findall(_folded(text, folding))
    return [p[1:] if p[0] == "و" and p[1:] in every else p for p in found]


def _unknown(pieces: list[str], at: int, lists: _Lists) -> bool:
    """Whether what is denied is to know."""
    return any(tuple(pieces[at + 1 : at + 1 + len(one)]) == one for one in lists.unknowing)


def _said(pieces: list[str], lists: _Lists, both_of: str) -> list[tuple[int, str]]:
    """Where an answer says yes (``y``), says no (``n``) or denies (``d``), by number of the piece."""
    said = []
    for at, piece in enumerate(pieces):
        before = pieces[at - 1] if at else ""
        after = pieces[at + 1] if at + 1 < len(pieces) else ""
        alone = not after or not after[0].isalnum()
        if piece in lists.yes and before != FOR_THE_SAKE_OF:
            said.append((at, "y"))
        elif piece in lists.no:
            if _unknown(pieces, at, lists) or (piece == both_of and not alone):
                continue
            if after not in lists.not_denied:
                said.append((at, "n" if alone or not at else "d"))
        elif piece in lists.denies and not _unknown(pieces, at, lists):
            said.append((at, "d"))
    return said


def polarity(text: str, language: str = "ar", folding: Folding = PLAIN) -> Polarity:
    """Whether an answer says yes or no.

    A leading yes or no counts first: negations in what explains it do not matter, unless a yes is at once
    followed by one. Words that answer both ways, or a yes and a negation with neither leading, are ``both``.
    An answer in the other language is none, but it can contradict.

    Args:
        text: the answer.
        language: of the gold; ``ar`` or ``en``.
        folding: as everywhere in the score.
    """
    pieces = _pieces(text, folding)
    both_of = _folded(BOTH_OF, folding)
    said = _said(pieces, _lists(language, folding), both_of)
    other = _said(pieces, _lists("en" if language == "ar" else "ar", folding), both_of)
    kinds = {kind for _, kind in said}
    against = {kind for _, kind in other if kind != "d"}
    if not kinds:
        return ""
    if {"y", "n"} <= kinds | against:
        return "both"
    words = [at for at, piece in enumerate(pieces) if piece[0].isalnum()]
    if "y" in kinds:
        leads = said[0] == (words[0], "y")
        at_once = len(words) > 1 and (words[1], "d") in said
        return "both" if "d" in kinds and (at_once or not leads) else "yes"
    return "no"


class ArabicScore(NamedTuple):
    """One answer: its plain scores, and those of light-stemmed tokens."""

    plain: vqa.PairScore
    stemmed: vqa.PairScore
    polarity: Polarity
    """What the answer to a closed question says."""


def _closed(gold: str, folding: Folding) -> tuple[str, str] | None:
    """Language and polarity of a gold that is a yes or a no alone."""
    word = tokens(gold, folding).text
    for language in ("ar", "en"):
        lists = _lists(language, folding)
        if word in lists.yes:
            return language, "yes"
        if word in lists.no | lists.denies:
            return language, "no"
    return None


def score_pair(gold: str, pred: str, letters: bool = True) -> ArabicScore:
    """Score one answer against its gold."""
    plain, stemmed = Folding(letters), Folding(letters, light_stem=True)
    kind = _closed(gold, plain)
    says: Polarity = polarity(pred, kind[0], plain) if kind else ""
    scores = []
    for folding in (plain, stemmed):
        precision, recall, f1, bleu = vqa.overlap(tokens(gold, folding), tokens(pred, folding))
        correct = says == kind[1] if kind else recall >= vqa.OPEN_SHARE
        scores.append(vqa.PairScore(precision, recall, f1, bleu, kind is not None, correct))
    return ArabicScore(scores[0], scores[1], says)


def aggregate(scores: Iterable[ArabicScore]) -> dict[str, float]:
    """Means under the keys of ``vqa.aggregate``; light-stemmed ones have ``LightStem`` added.

    ``contradictory`` counts answers to closed questions that say both.
    """
    every = list(scores)
    stemmed = vqa.aggregate(score.stemmed for score in every)
    return {
        **vqa.aggregate(score.plain for score in every),
        **{
            f"{key}LightStem": value
            for key, value in stemmed.items()
            if key != "closedQuestionsAccuracy"  # the same: no token is stemmed for it
        },
        "contradictory": sum(score.polarity == "both" for score in every),
    }


def per_item(score: ArabicScore) -> dict[str, float | bool | str]:
    """One answer under the keys of the aggregates, and what it says to a closed question."""
    stemmed = vqa.per_item(score.stemmed)
    kept = [key for key in stemmed if key not in ("closed", "closedQuestionsAccuracy")]
    return {
        **vqa.per_item(score.plain),
        **{f"{key}LightStem": stemmed[key] for key in kept},
        "polarity": score.polarity,
    }
