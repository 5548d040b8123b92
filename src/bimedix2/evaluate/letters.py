"""Which option's letter an answer names, in English and Arabic. "A patient ..." names none."""

import re
from collections.abc import Iterator
from functools import cache
from string import ascii_uppercase

ARABIC = dict(zip("أابجد", "AABCD", strict=True))
"""Arabic letters that stand for options in the order of the alphabet that lists use."""


@cache
def _patterns(count: int) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """A letter alone at the beginning; one that is called the answer; a capital that stands alone."""
    last = ascii_uppercase[count - 1]
    latin = f"[A-{last}]"
    arabic = "".join(letter for letter, option in ARABIC.items() if option <= last)
    any_ = rf"[A-{last}a-{last.lower()}]|[{arabic}]"
    first = rf"[\s\W]*({any_})(?:\s*$|\s*[.):،,;\-–—]|\s*\n|\*)"
    said = (
        rf"(?:answer|option|choice)\s*(?:is|would be)?\s*[:*(\"'\s]*({latin})(?!\w)"
        r"|(?:الإجابة|الجواب|الخيار|الحرف)(?:\s+(?:الصحيحة|الصحيح|هي|هو|الأفضل))*\s*[:*(\"'«\s]*"
        rf"({latin}|[{latin[1:-1].lower()}]|[{arabic}])(?!\w)"
    )
    alone = rf"(?<![\w'’])({latin})(?![\w'’])"
    return re.compile(first), re.compile(said), re.compile(alone)


def named(answer: str, count: int, *, anywhere: bool = False) -> str | None:
    """The letter that an answer names; empty where it names none, ``None`` where it names several.

    A letter alone at the beginning counts first, then "the answer is B" (or its Arabic).

    Args:
        answer: what was said.
        count: of options; they stand under the first letters of the alphabet.
        anywhere: a capital that stands alone elsewhere counts last, but for the article "A".
    """
    first, said, _ = _patterns(count)
    if match := first.match(answer.strip()):
        return _latin(match[1])
    found = {_latin(one or other) for one, other in said.findall(answer)}
    if not found and anywhere:
        found = set(_alone(answer, count))
    return None if len(found) > 1 else next(iter(found), "")


def _alone(answer: str, count: int) -> Iterator[str]:
    for match in _patterns(count)[2].finditer(answer):
        if match[1] != "A" or not re.match(r"\s+[a-z]", answer[match.end() :]):
            yield match[1]


def _latin(letter: str) -> str:
    return ARABIC.get(letter) or letter.upper()
