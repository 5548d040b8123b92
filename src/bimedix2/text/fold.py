"""Text in the form that patterns read, with the way back to where each character stood."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from bimedix2.text.arabic import without_marks

_UNSEEN = re.compile(r"[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""Soft hyphens, joiners, direction marks and the byte order mark."""
_SIGNS = {
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-"),
    **dict.fromkeys("\u2018\u2019\u02bc", "'"),
    **dict.fromkeys("\u201c\u201d\u00ab\u00bb", '"'),
    "\u066a": "%",
    "\u066b": ".",
    "\u066c": ",",
    "\u061f": "?",
    "\u061b": ";",
    "\u00d7": "x",
    "\u2044": "/",
    "\u06a9": "\u0643",
    "\u06cc": "\u064a",
}
_LETTERS = {**dict.fromkeys("أإآٱ", "ا"), "ى": "ي"}
_RAISED = {"\u00b2": "2", "\u00b3": "3", "\u00b9": "1", "\u2070": "0"} | {
    chr(0x2070 + n): str(n) for n in range(4, 10)
}


@dataclass(frozen=True)
class Folded:
    """A folded text; ``at[n]`` is where its character ``n`` stands in the text that it was made of."""

    text: str
    at: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original text that a span of the folded one was made of."""
        if start >= end:
            return self.at[start], self.at[start]
        return self.at[start], self.at[end - 1] + 1


@lru_cache(4096)
def _char(char: str, letters: bool) -> str:
    if char in _SIGNS:
        return _SIGNS[char]
    if _UNSEEN.match(char):
        return ""
    if char.isdigit() and char not in _RAISED:
        return str(unicodedata.digit(char))
    if char.isspace() and char != "\n":
        return " "
    folded = without_marks(unicodedata.normalize("NFKC", char))
    return "".join(_LETTERS.get(c, c) for c in folded) if letters else folded


def fold(text: str, letters: bool = True) -> Folded:
    """Fold what patterns need not know: digits' scripts, tashkil, dashes, quotes, unseen marks.

    Case, punctuation and ta marbuta stay. A raised figure after a digit becomes ``^9``. With ``letters``
    the hamza on an alef and the alef maqsura go as well; without, "that not" and "except" stay apart.
    """
    out: list[str] = []
    at: list[int] = []
    for place, char in enumerate(text):
        if char in _RAISED:
            after_digit = bool(out) and out[-1].isdigit() and text[place - 1] not in _RAISED
            folded = ("^" if after_digit else "") + _RAISED[char]
        else:
            folded = _char(char, letters)
        out.extend(folded)
        at.extend([place] * len(folded))
    return Folded("".join(out), (*at, len(text)))


@lru_cache(65536)
def folded(word: str, letters: bool = True) -> str:
    """The folded text alone, for words of a data file."""
    return fold(word, letters).text
