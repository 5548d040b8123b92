"""Vertebral and dermatome levels: L4-L5, T10 to T12, the fifth lumbar vertebra."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from bimedix2.language.checks.context import Context
from bimedix2.language.checks.pair import Failure, Side, Span, arabic, table
from bimedix2.text.numbers import Number, arabic_numbers, english_numbers

HIGHEST = {"C": 8, "T": 12, "L": 5, "S": 5}
_LATIN = re.compile(
    r"(?<![A-Za-z\d.])(?P<letter>[CTLSD])-?(?P<first>\d{1,2})"
    r"(?:\s*[-/]\s*(?P<next>[CTLSD]?)(?P<last>\d{1,2}))?(?![A-Za-z\d^]|\.\d)"
)


@dataclass(frozen=True)
class Level:
    """A level such as L4 at a span; ``sure`` unless its surroundings say that it is something else."""

    name: str
    span: Span
    sure: bool


def _valid(letter: str, number: int) -> str | None:
    letter = "T" if letter == "D" else letter
    return f"{letter}{number}" if 1 <= number <= HIGHEST[letter] else None


@cache
def _around() -> tuple[re.Pattern[str], re.Pattern[str]]:
    words = table("levels")["english_not"]
    before = "|".join(words["before"])
    after = "|".join(re.escape(w) for w in words["after"])
    return (
        re.compile(rf"(?<![a-z])(?:{before})\s+$", re.IGNORECASE),
        re.compile(rf"[\s-]*(?:and\s+[TS]\d[\s-]+)?(?:{after})(?![a-z])", re.IGNORECASE),
    )


def _latin(side: Side) -> Iterator[Level]:
    before, after = _around()
    for match in _LATIN.finditer(side.text):
        first = _valid(match["letter"], int(match["first"]))
        if first is None:
            continue
        sure = side.tongue == "ar" or not (
            before.search(side.text[max(0, match.start() - 14) : match.start()])
            or after.match(side.text[match.end() : match.end() + 20])
        )
        sure = sure and match["letter"] != "D"
        yield Level(first, match.span(), sure)
        if match["last"]:
            last = _valid(match["next"] or match["letter"], int(match["last"]))
            if last:
                yield Level(last, match.span(), sure)


@cache
def _arabic_words() -> tuple[tuple[str, re.Pattern[str]], ...]:
    rows = table("levels")
    nouns = arabic(tuple(rows["arabic_nouns"])).pattern
    return tuple(
        (letter, re.compile(rf"{nouns}\s+{arabic(tuple(words)).pattern}\s+$"))
        for letter, words in rows["arabic"].items()
    )


def _in_words(side: Side) -> Iterator[Level]:
    numbers: list[Number]
    if side.tongue == "en":
        numbers = english_numbers(side.text)
        kinds = "|".join(table("levels")["english"])
        for number in numbers:
            after = re.match(
                rf"\s+({kinds})\s+(?:vertebra|level|disc|disk|nerve|root|segment|dermatome|spinal)",
                side.text[number.end :],
                re.IGNORECASE,
            )
            if after and number.value.isdigit():
                name = _valid(table("levels")["english"][after[1].lower()], int(number.value))
                if name:
                    yield Level(name, (number.start, number.end + after.end(1)), False)
        return
    numbers = [n for n in arabic_numbers(side.text) if n.value.isdigit() and n.kind in ("ordinal", "loose")]
    for number in numbers:
        before = side.text[max(0, number.start - 40) : number.start]
        for letter, pattern in _arabic_words():
            match = pattern.search(before)
            name = _valid(letter, int(number.value)) if match else None
            if match and name:
                yield Level(name, (number.start - len(before) + match.start(), number.end), False)


def levels(side: Side) -> list[Level]:
    """The levels that a text names, in letters and in words."""
    return [*_latin(side), *_in_words(side)]


def level_spans(side: Side) -> list[Span]:
    """Where the levels stand: their figures are compared here, not among the numbers."""
    return [level.span for level in levels(side)]


def check(context: Context) -> Iterator[Failure]:
    """Levels compared with their counts; one that is also said in words is one."""
    pair = context.pair
    en, ar = levels(pair.en), levels(pair.ar)
    yield from _words_and_letters(context, ar)
    asked, there = _counts(en, sure=True), _counts(ar, sure=True)
    may, said = _counts(en), _counts(ar)
    missing = sorted(name for name in asked if not _enough(said, name, asked[name], ar))
    words = {level.name for level in ar if not level.sure}
    extra = sorted({name for name in there if there[name] > may[name]} | (words - set(may)))
    if not missing and not extra:
        return
    spans = [x.span for x in en if x.name in missing], [x.span for x in ar if x.name in extra]
    if missing and extra:
        why = (
            f"The source names {', '.join(missing)} and the translation {', '.join(extra)}; keep every level."
        )
    elif missing:
        why = f"The translation lacks the level {', '.join(missing)}; keep it as the source writes it."
    else:
        why = f"The translation names {', '.join(extra)} more often than the source; keep to its levels."
    yield pair.fail("levels", why, *spans)


def _counts(found: list[Level], sure: bool = False) -> Counter[str]:
    return Counter(level.name for level in found if level.sure or not sure)


def _enough(said: Counter[str], name: str, asked: int, ar: list[Level]) -> bool:
    """Whether a level is said as often as asked; words and letters side by side count once."""
    both = sum(
        not x.sure and any(y.sure and y.name == name and 0 <= y.span[0] - x.span[1] <= 3 for y in ar)
        for x in ar
        if x.name == name
    )
    return said[name] - both >= asked


def _words_and_letters(context: Context, ar: list[Level]) -> Iterator[Failure]:
    """A level in words beside another in letters: one of the two is wrong."""
    for words in ar:
        for letters in ar:
            beside = context.pair.ar.text[words.span[1] : letters.span[0]].strip() == "("
            if not words.sure and letters.sure and beside and words.name != letters.name:
                why = f"The translation says {words.name} in words and {letters.name} beside it; correct one."
                yield context.pair.fail("levels", why, (), [words.span, letters.span])
