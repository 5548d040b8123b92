"""Normalisation of Arabic and mixed text for comparing it, and the script that a text is written in."""

import re
import unicodedata
from typing import Literal

_MARKS = re.compile(
    r"[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0640]"
)
"""Tashkil, Quranic marks and tatweel; by number, since an editor may reorder combining marks in a range."""
_LETTERS = str.maketrans("أإآٱىة", "اااايه")
_DIGITS = {ord(c): str(unicodedata.digit(c)) for c in "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹"}
_NOT_WORD = re.compile(r"[^\w&]+")


def without_marks(text: str) -> str:
    """Text without tashkil and tatweel, as most people type."""
    return _MARKS.sub("", text)


def normalise(text: str) -> str:
    """Fold what does not change a word: case, tashkil, alef and ya forms, digits' script, punctuation.

    The words are left, parted by one space each.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = without_marks(folded).translate(_LETTERS).translate(_DIGITS)
    return _NOT_WORD.sub(" ", folded).strip()


def script(text: str) -> Literal["ar", "en", ""]:
    """The script that most letters of a text are in; empty when it has no Arabic or Latin letter.

    Runs in brackets do not count: an Arabic answer names an English term there.
    """
    outside = re.sub(r"\([^()]*\)", "", text)
    arabic = len(re.findall(r"[\u0621-\u064a\u0671-\u06ff]", outside))
    latin = len(re.findall(r"[A-Za-z]", outside))
    if not arabic and not latin:
        return ""
    return "ar" if arabic > latin else "en"


def find_words(text: str, phrase: str) -> list[tuple[int, int]]:
    """Spans of ``phrase`` in ``text``, both normalised already, at word boundaries alone.

    In Arabic the boundary matters: the word for blood stands inside the word for brain. "And" and "with" are
    written as part of the next word there and belong to the span.
    """
    if phrase not in text:
        return []
    attached = "و?ب?" if script(phrase) == "ar" else ""
    pattern = rf"(?<!\w){attached}{re.escape(phrase)}(?!\w)"
    return [match.span() for match in re.finditer(pattern, text)]
