"""More stays more and less stays less; a range keeps both of its ends, in order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from bimedix2.language.checks.context import Context, Part
from bimedix2.language.checks.pair import Failure, Span, arabic, english, spans_of, table, within
from bimedix2.text.numbers import Number

_SIGN = re.compile(r"^[<>≤≥=]+$")
_FIGURE_NEXT = re.compile(r"\s*(?:(?:the\s+)?[\w\u0621-\u064a]+\s+)?(?:-?\d|[CTLS]\d)")
"""A number or a level, behind one word at most."""

_DENIED = {
    "en": re.compile(
        r"(?:\b(?:not|no|never)|n't)\s+(?:\w+\s+){1,4}$|\b(?:neither|nor|none|without)\s+(?:\w+\s+){0,4}$",
        re.IGNORECASE,
    ),
    "ar": re.compile(
        r"(?<!\w)(?<!ما )[وف]?(?:لا|لم|لن|الا|ليس|ليست)\s+(?:(?:\w+\s+){1,8}|(?:\w+\s+){1,6}(?:علي|عن)\s+)$"
    ),
}
"""A denial a few words before: "not needed for more than a week" is "at most"."""
_TURNED = {
    "en": re.compile(r"\b(?:not|no|never)\s+$", re.IGNORECASE),
    "ar": re.compile(r"(?<!\w)(?<!ما )[وف]?(?:لا|لم|لن|الا|عدم|دون)\s+$"),
}
"""A denial right before a bound."""
_DURING = re.compile(
    r"\s+(?:the\s+)?(?:\w+\s+){0,2}(?:[\d.-]+\s?)?(?:minutes?|mins?|hours?|hrs?|h|days?|weeks?|months?|nights?)\b",
    re.IGNORECASE,
)
"""Behind "over": a time in which something happens."""
_FALLEN = re.compile(r"fall|falls|fell|fallen|falling", re.IGNORECASE)
_MEASURED = re.compile(
    r"\s+(?:in|of)\s|(?:\s+[\w%-]+){0,6}\s+(?:to|by|below|under|from)\s+[\d<]", re.IGNORECASE
)
"""Behind "fall": what makes it one of a value, not of a person."""
_WITHIN = re.compile(r"\bwithin\s+(?:a|one|two|three|four|five|six|\d[\d.]*)\b", re.IGNORECASE)
_NO_BOUND = re.compile(r"\s+ان(?!\w)")
"""Behind an Arabic comparative: "smaller than that it could be told" is "too small to tell"."""
_DEFINITE = re.compile(r"[وف]?(?:[بك]?ال|لل)(?:اكثر|اكبر|اعلي|اطول|اشد|اقل|اصغر|ادني|اقصر|اخف)\w*$")
"""The Arabic superlative: it names a thing (the trough level, the upper limit) and bounds nothing."""
_IMMUNITY = re.compile(r"\s+المناع")
_UNLESS = re.compile(r"(?<!\w)ما لم\s+\w+$")
_HEIGHT = re.compile(r"(?<!\w)(?:من|علي)\s+ارتفاع(?!\w)|ارتفاع(?:ه|ها)?\s+[\d.]+\s*(?:م|سم|متر|امتار)(?!\w)")
"""The Arabic word for a rise, where it is a height."""
_UNIT = r"(?:\s*-?\s*[A-Za-z\u0621-\u064aμ%°][^\s\d,،.;]*(?:\s+[\u0621-\u064a]+){0,1})?"
_RANGES = {
    "en": re.compile(rf"{_UNIT}\s*(?:-|\bto\b|\bthrough\b)\s*$|^\s*-\s*$", re.IGNORECASE),
    "ar": re.compile(rf"{_UNIT}\s*(?:-|\bالي\b|\bحتي\b)\s*$|^\s*-\s*$"),
}
_AND = {"en": re.compile(rf"{_UNIT}\s+and\s*$"), "ar": re.compile(rf"{_UNIT}\s+و\s*$")}
_OPENS = {"en": re.compile(r"between\s*$", re.IGNORECASE), "ar": re.compile(r"بين\s*$")}


@cache
def _words(tongue: str, name: str) -> re.Pattern[str]:
    forms = tuple(table("comparisons")["english" if tongue == "en" else "arabic"][name])
    signs = [re.escape(f) for f in forms if _SIGN.match(f)]
    words = tuple(f for f in forms if not _SIGN.match(f))
    pattern = (english if tongue == "en" else arabic)(words)
    if not signs:
        return pattern
    # A tag such as <image> is no comparison.
    return re.compile(
        rf"{pattern.pattern}|(?:{'|'.join(sorted(signs, key=len, reverse=True))})(?=\s*\d)", pattern.flags
    )


def _found(tongue: str, text: str) -> dict[str, list[Span]]:
    """Where a text says more and less; of two that overlap the longer one stands."""
    candidates = [(span, name) for name in _BOTH for span in spans_of(_words(tongue, name), text)]
    found: dict[str, list[Span]] = {
        name: []
        for name in ("place", "rise_allowed", "fall_allowed", *_BOTH, *(f"{name}_may" for name in _BOTH))
    }
    for name in ("up", "down"):
        for span in spans_of(_words(tongue, f"{name}_place"), text):
            sure = _FIGURE_NEXT.match(text, span[1]) and not _DURING.match(text, span[1])
            candidates.append((span, name if sure else f"{name}_may" if tongue == "en" else "place"))
    for name in _MAY[tongue]:
        candidates += [(span, name) for span in spans_of(_words(tongue, name), text)]
    if tongue == "en":
        candidates += [(span, "either") for span in spans_of(_words("en", "either"), text)]
    taken: list[Span] = []
    for span, name in sorted(candidates, key=lambda c: (c[0][0] - c[0][1], c[0], c[1] in ("rise", "fall"))):
        if not any(span[0] < end and start < span[1] for start, end in taken):
            taken.append(span)
            before = text[max(0, span[0] - 12) : span[0]]
            if (
                name in ("up", "down")
                and _TURNED[tongue].search(before)
                and "often" not in text[slice(*span)]
            ):
                # "Not larger than" is "at most", and "shall not rise above" is "at most".
                name = "down" if name == "up" else "up"
            if tongue == "ar" and _other_sense(text, span, name):
                continue
            if name == "down" and tongue == "ar" and _UNLESS.search(before + text[slice(*span)]):
                name = "up"  # unless it exceeds
            if name == "fall" and _FALLEN.fullmatch(text, *span) and not _MEASURED.match(text, span[1]):
                name = "fall_allowed"
            if name == "either" or (
                name in ("up", "down") and _DENIED[tongue].search(text[max(0, span[0] - 60) : span[0]])
            ):
                found["up_may"].append(span)
                found["down_may"].append(span)
            else:
                found[name].append(span)
    return found


_BOTH = ("up", "down", "rise", "fall")
_MAY = {"en": ("up_may", "down_may", "rise_allowed", "fall_allowed"), "ar": ("up_may", "down_may")}
"""Words that may have a direction, and words that allow it in the translation alone."""


def _other_sense(text: str, span: Span, name: str) -> bool:
    """Whether an Arabic word of direction has another sense at its place."""
    if "فعال" in text[slice(*span)] or _IMMUNITY.match(text, span[1]):
        return True  # efficacy, no "and high"; HIV's deficiency
    if name in ("up", "down"):
        return bool(_NO_BOUND.match(text, span[1]) or _DEFINITE.match(text[slice(*span)]))
    return name == "rise" and _HEIGHT.search(text[max(0, span[0] - 5) : span[1] + 20]) is not None


def bounds(text: str) -> list[Span]:
    """The bounds of an English text that are certain: at least, up to, within, more than."""
    found = _found("en", text)
    return sorted(found["up"] + found["down"] + spans_of(_WITHIN, text))


def check(context: Context) -> Iterator[Failure]:
    """Bounds and changes whose direction turned, sentence by sentence; then ranges."""
    pair = context.pair
    en, ar = _found("en", pair.en.text), _found("ar", pair.ar.outside)
    # "More" and "worse" may be an increase in Arabic.
    changes = en | {
        "rise_may": en["up"] + en["up_may"],
        "fall_may": en["down"] + en["down_may"],
    }
    for part in context.parts:
        yield from _turned(context, part, en, ar, ("up", "down"))
        yield from _turned(context, part, changes, ar, ("rise", "fall"))


def _turned(
    context: Context,
    part: Part,
    en: dict[str, list[Span]],
    ar: dict[str, list[Span]],
    names: tuple[str, str],
) -> Iterator[Failure]:
    pair = context.pair
    first = {name: within(en[name], part.en) for name in names}
    second = {name: within(ar[name], part.ar) for name in names}
    for name, other in (names, names[::-1]):
        there = len(second[name]) + len(within(ar.get(f"{name}_may", []), part.ar))
        fewer = there < len(first[name]) + len(within(en.get(f"{name}_may", []), part.en))
        allowed = within(en.get(f"{other}_may", []) + en.get(f"{other}_allowed", []), part.en)
        # What answers for "lower" cannot allow "less than" as well.
        answered = len(within(ar.get(f"{other}_may", []), part.ar))
        more = len(second[other]) > len(first[other]) + max(0, len(allowed) - answered)
        if fewer and more:
            why = (
                f"The source says {pair.en.words(first[name])} and the translation "
                f"{pair.ar.words(second[other])}, which is the opposite; keep the direction."
            )
            yield pair.fail("comparisons", why, first[name], second[other])
            return


@dataclass(frozen=True)
class Range:
    """Two numbers and the span from the first to the second."""

    low: str
    high: str
    span: Span


def ranges(text: str, numbers: list[Number], tongue: str) -> list[Range]:
    """The ranges of a text: 5-10, 5 to 10, from 5 mm to 10 mm, between 5 and 10."""
    found = []
    figures = [n for n in numbers if n.kind in ("figure", "word", "dual")]
    for first, second in pairwise(figures):
        between = text[first.end : second.start]
        if len(between) > 30 or "\n" in between:
            continue
        joined = _RANGES[tongue].match(between)
        opens = _OPENS[tongue].search(text[max(0, first.start - 10) : first.start])
        if joined or (opens and _AND[tongue].match(between)):
            found.append(Range(first.value, second.value, (first.start, second.end)))
    return found


def check_ranges(context: Context) -> Iterator[Failure]:
    """Each range of the source has its two ends in the translation, in order."""
    pair = context.pair
    en = ranges(pair.en.text, context.en_numbers, "en")
    ar = ranges(pair.ar.text, context.ar_numbers, "ar")
    left = [(r.low, r.high) for r in ar]
    there = [n.value for n in context.ar_numbers]
    for source in en:
        if (source.low, source.high) in left:
            left.remove((source.low, source.high))
            continue
        wrong = [r for r in ar if _one_end(source, r) and (r.low, r.high) in left]
        lost = [v for v in (source.low, source.high) if v not in there and v != "1"]
        if wrong or lost:
            said = pair.ar.words([wrong[0].span]) if wrong else "no such range"
            why = (
                f"The source has the range {pair.en.words([source.span])} and the translation {said}; keep "
                "both ends in their order."
            )
            yield pair.fail("ranges", why, [source.span], [wrong[0].span] if wrong else [])


def _one_end(source: Range, other: Range) -> bool:
    """Whether two ranges share an end, or have the same ends the other way round."""
    swapped = (source.low, source.high) == (other.high, other.low)
    return swapped or (source.low == other.low) != (source.high == other.high)
