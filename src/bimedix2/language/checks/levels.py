"""Vertebral and dermatome levels: L4-L5, T10 to T12, the fifth lumbar vertebra."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from bimedix2.language.checks.context import Context
from bimedix2.language.checks.pair import Failure, Side, Span, arabic, table
from bimedix2.text.numbers import arabic_numbers

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


_GOES_ON = re.compile(r"\s*(?:[,\u060c/-]|او|الي|حتي|ثم)?\s*")
"""What stands between two levels of one noun: the third, fourth and fifth lumbar vertebrae."""


_ORDINAL = re.compile(r"اول|حادي|ثان|\d")
"""The first and the second, which are loose among the numbers as duals are."""


@cache
def _arabic_words() -> tuple[tuple[str, re.Pattern[str], re.Pattern[str], re.Pattern[str]], ...]:
    """Of each kind of vertebra: what stands before its ordinal, or before and behind it."""
    rows = table("levels")
    nouns = arabic(tuple(rows["arabic_nouns"])).pattern
    found = []
    for letter, words in rows["arabic"].items():
        kind = arabic(tuple(words)).pattern
        before = re.compile(rf"{nouns}\s+{kind}\s+(?:(?:من|بين|رقم)\s+)?$")
        found.append((letter, before, re.compile(rf"{nouns}\s+$"), re.compile(rf"\s+{kind}")))
    return tuple(found)


@cache
def _english_words() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """One ordinal or more before a kind of vertebra, and each ordinal."""
    rows = table("levels")
    one = rf"(?<![a-z\d])(?:{'|'.join(rows['english_ordinals'])}|\d{{1,2}}(?:st|nd|rd|th))(?![a-z\d])"
    joined = r"(?:\s*(?:,|-|/|\band\b|\bto\b|\bthrough\b|\bor\b)\s*){1,2}(?:the\s+)?"
    noun = "vertebra|level|disc|disk|nerve|root|segment|dermatome|spinal"
    whole = rf"(?P<many>{one}(?:{joined}{one})*)\s+(?P<kind>{'|'.join(rows['english'])})\s+(?:{noun})"
    return re.compile(whole, re.IGNORECASE), re.compile(one, re.IGNORECASE)


def _in_words(side: Side) -> Iterator[Level]:
    yield from _in_english(side.text) if side.tongue == "en" else _in_arabic(side.text)


def _in_english(text: str) -> Iterator[Level]:
    rows = table("levels")
    whole, one = _english_words()
    for match in whole.finditer(text):
        for ordinal in one.finditer(match["many"]):
            said = ordinal.group().lower()
            value = rows["english_ordinals"].get(said) or int(re.sub(r"\D", "", said))
            name = _valid(rows["english"][match["kind"].lower()], value)
            if name:
                yield Level(name, (match.start() + ordinal.start(), match.end("kind")), False)


def _in_arabic(text: str) -> Iterator[Level]:
    # A dual ("the two sacroiliac joints") is no level.
    numbers = [
        n
        for n in arabic_numbers(text)
        if n.value.isdigit()
        and (n.kind == "ordinal" or (n.kind == "loose" and _ORDINAL.search(text[n.start : n.end])))
    ]
    last, end = "", 0
    for number in numbers:
        before = text[max(0, number.start - 40) : number.start]
        found = None
        for letter, pattern, noun, kind in _arabic_words():
            match = pattern.search(before)
            if match is None and kind.match(text, number.end):
                match = noun.search(before)
            if match:
                found = letter, number.start - len(before) + match.start()
        between = _GOES_ON.fullmatch(text, end, number.start)
        joined = between and (between.group().strip() or text[number.start] == "و")
        if found is None and last and joined:
            found = last, number.start
        last = ""
        name = _valid(found[0], int(number.value)) if found else None
        if found and name:
            last, end = found[0], number.end
            yield Level(name, (found[1], number.end), False)


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
    extra = sorted(name for name in there if there[name] > may[name])
    if extra and not missing:
        # What the source says in words and in letters is said twice: one of the two may have moved.
        missing = sorted(name for name in may if not _enough(said, name, may[name], ar))
    if missing:
        net = {name: said[name] - _twice(name, ar) for name in said}
        extra = sorted({*extra, *(name for name in may if net.get(name, 0) > may[name])})
    if not (missing and extra):
        # A level may be said again, or the second time by a pronoun.
        missing = [name for name in missing if not said[name]]
        extra = [name for name in extra if not may[name]]
    extra = sorted({*extra, *({level.name for level in ar if not level.sure} - set(may))})
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
    return said[name] - _twice(name, ar) >= asked


def _twice(name: str, ar: list[Level]) -> int:
    """How often a level is said in words and in letters side by side."""
    return sum(
        not x.sure and any(y.sure and y.name == name and 0 <= y.span[0] - x.span[1] <= 3 for y in ar)
        for x in ar
        if x.name == name
    )


def _words_and_letters(context: Context, ar: list[Level]) -> Iterator[Failure]:
    """A level in words beside another in letters: one of the two is wrong."""
    text = context.pair.ar.text
    for words in ar:
        if words.sure:
            continue
        bracket = re.compile(r"\s*\([^()\n]*\)").match(text, words.span[1])
        beside = [x for x in ar if x.sure and bracket and bracket.start() <= x.span[0] < bracket.end()]
        if beside and words.name not in {x.name for x in beside}:
            letters = beside[0]
            why = f"The translation says {words.name} in words and {letters.name} beside it; correct one."
            yield context.pair.fail("levels", why, (), [words.span, letters.span])
