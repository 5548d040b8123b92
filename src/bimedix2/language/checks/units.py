"""A number keeps its unit: milligrams stay milligrams, per decilitre stays per decilitre."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from bimedix2.language.checks.context import Context
from bimedix2.language.checks.pair import Failure, Side, Span, arabic_form, table
from bimedix2.text.fold import folded
from bimedix2.text.numbers import Number

_PER = {
    "en": r"\s*/\s*|\s+(?:per|an?(?!\s+\w+\s+(?:ago|later|before|after|earlier|apart))|each)\s+",
    "ar": r"\s*/\s*|\s+(?:لكل|في|كل|بكل)\s+(?:ال)?|\s+لل|\s+بال",
}
LOOSE = ("day", "night", "year", "angle", "event", "form")
"""Units and dimensions that one language may say and the other leave out."""
_RANGE = re.compile(r"\s*(?:-|\bto\b|\band\b)\s*\d+(?:\.\d+)?")
_AGE = re.compile(
    r"\b(?:aged?(?:\s+of)?|(?:man|woman|boy|girl|male|female|lady|gentleman|patient|child|person)\s+of)\s+$",
    re.IGNORECASE,
)
"""What makes an English number without a unit a person's years."""
HARD = ("mass", "volume", "length", "amount", "activity", "radiation", "pressure", "electric", "ratio")
"""Dimensions whose units no figure of speech has."""
_BEFORE = {
    "en": re.compile(r"\b(day|week|month)s?\s+$", re.IGNORECASE),
    "ar": re.compile(
        r"ال(يوم|يومين|ايام|اسبوع|اسبوعين|اسابيع|شهر|شهرين|اشهر|شهور|ساعات|دقائق|ثواني|سنوات|سنين|اعوام|ليالي)\s+(?:ال)?$"
    ),
}
_PARTS = {
    "en": (
        (re.compile(r"\b(?:half|quarter)\b[\w\s-]{0,7}\bhour|\bhour\s+and\s+a\s+half"), "min"),
        (re.compile(r"\bhalf\b[\w\s-]{0,7}\byear|\byear\s+and\s+a\s+half"), "month"),
    ),
    "ar": (
        (re.compile(r"(?:نصف|ربع|ارباع)\s+(?:ال)?ساعة|ساعة\s+ونصف"), "min"),
        (re.compile(r"نصف\s+(?:ال)?(?:سنة|عام)|(?:سنة|عام)\s+ونصف"), "month"),
    ),
}
"""Parts of a longer unit, which the other language may count in a shorter one."""
_DAYS = re.compile(r"(?<!\d)\d{1,2}\s?\+\s?[0-6]$")
"""The days behind completed weeks, 35+2: the unit that follows is that of the weeks."""
ADVERBS = ("/day", "/night", "/week", "/month", "/year")
"""Denominators that an adverb may say: daily, yearly."""


@dataclass(frozen=True)
class Measure:
    """A number with its unit: base and denominators, such as ``("mg", "kg")``; none where it has none."""

    value: str
    units: tuple[str, ...]
    span: Span


@cache
def _forms(tongue: str) -> tuple[dict[str, str], re.Pattern[str]]:
    """Written form -> unit, and the pattern of all forms, the longest first."""
    names: dict[str, str] = {}
    patterns: list[tuple[int, str]] = []
    for rows in table("units").values():
        for name, row in rows.items():
            for form in row["en"]:
                written = folded(form)
                names.setdefault(written, name)
                word = re.fullmatch(r"[a-z -]{4,}", written)
                body = re.escape(written).replace(r"\ ", r"[\s-]?")
                end = r"(?![A-Za-z\d])" if written[-1].isalnum() else ""
                patterns.append((len(written), (f"(?i:{body})" if word else body) + end))
            for form in row["ar"] if tongue == "ar" else ():
                patterns.append((len(form), _arabic_unit(folded(form))))
    ordered = sorted(patterns, key=lambda row: -row[0])
    return names, re.compile("|".join(pattern for _, pattern in ordered))


def _arabic_unit(form: str) -> str:
    parts = form.split()
    if len(form) <= 2 or (not form.isalpha() and " " not in form):
        return re.escape(form).replace(r"\ ", r"\s*") + r"(?!\w)"
    words = [arabic_form(word, first=False) for word in parts]
    return r"\s+".join(words) + r"(?!\w)"


@cache
def _arabic_names() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Patterns of the Arabic forms with their units, the longest first."""
    rows = [
        (folded(form), name)
        for group in table("units").values()
        for name, row in group.items()
        for form in row["ar"]
    ]
    rows.sort(key=lambda row: -len(row[0]))
    return tuple((re.compile(_arabic_unit(form)), name) for form, name in rows)


@lru_cache(16384)
def name_of(written: str, tongue: str) -> str:
    """The unit that a written form means."""
    names, _ = _forms(tongue)
    plain = re.sub(r"[\s-]+", " ", written)
    for form in (written, plain, written.lower(), plain.lower()):
        if form in names:
            return names[form]
    return next((name for pattern, name in _arabic_names() if pattern.fullmatch(written)), written)


def is_unit(word: str) -> bool:
    """Whether Latin letters are a unit as it is written."""
    return word in _forms("en")[0]


@cache
def dimension(unit: str) -> str:
    """The dimension that a unit measures."""
    return next((d for d, rows in table("units").items() if unit in rows), "")


def measure(number: Number, side: Side) -> Measure:
    """A number with the unit that stands behind it, or before it: 34 weeks, week 34."""
    text, at = side.text, number.end
    found: list[str] = []
    if _DAYS.search(text[max(0, number.start - 4) : at]):
        return Measure(number.value, (), (number.start, at))
    if number.kind == "dual":
        found = _of_dual(text[number.start : at])
    elif (match := _behind(side.tongue).match(text, at)) and not _is_label(match["unit"], text, match.end()):
        found.append(name_of(match["unit"], side.tongue))
        at = match.end()
    elif before := _BEFORE[side.tongue].search(text[max(0, number.start - 16) : number.start]):
        found.append(name_of(before[1].lower(), side.tongue))
    elif side.tongue == "en" and _AGE.search(text[max(0, number.start - 20) : number.start]):
        found.append(_of_range(text, at) or "year")
    per = _per(side.tongue)
    while (match := per.match(text, at)) and not _no_rate(match):
        found.append(f"/{name_of(match['unit'], side.tongue)}")
        at = match.end()
    return Measure(number.value, tuple(found), (number.start, at))


def _no_rate(match: re.Match[str]) -> bool:
    """Whether Arabic says with what, or how often, and no rate: with a spoon, every two minutes."""
    if match["sep"].endswith("بال"):
        return dimension(name_of(match["unit"], "ar")) != "time"
    return "كل" in match["sep"] and match["unit"].endswith(("ين", "ان"))


def _of_range(text: str, at: int) -> str:
    """The unit of an English range whose first number ends at ``at``: 2 to 12 months."""
    second = _RANGE.match(text, at)
    unit = _behind("en").match(text, second.end()) if second else None
    return name_of(unit["unit"], "en") if unit else ""


def _is_label(unit: str, text: str, at: int) -> bool:
    """Whether a letter is no unit: an initial, or the next option's, as in "B) Three C) Four"."""
    if re.match(r"\.[A-Z]", text[at : at + 2]):
        return True  # the six U.S. states
    return len(unit) == 1 and text[at : at + 1] == ")" and text.rfind("(", 0, at) <= text.rfind(")", 0, at)


def _of_dual(word: str) -> list[str]:
    """The unit that a dual names by itself: two weeks are one word."""
    names = (name_of(word[cut:], "ar") for cut in range(3))
    return next(([name] for name in names if dimension(name)), [])


@cache
def _behind(tongue: str) -> re.Pattern[str]:
    return re.compile(rf"[\s-]?\s?(?P<unit>{_forms(tongue)[1].pattern})")


@cache
def _per(tongue: str) -> re.Pattern[str]:
    _, unit = _forms(tongue)
    # "In the first hour" is no rate.
    return re.compile(rf"(?P<sep>{_PER[tongue]})(?P<unit>{unit.pattern})(?![^\S\n]+ال(?!واحد|ي(?!\w)))")


def _counted(units: tuple[str, ...]) -> list[str]:
    """What is counted and no measure: beats, breaths."""
    return [unit for unit in units if dimension(unit) == "event"]


def _same(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Whether two units are one; "a day" may be said by an adverb in one of the languages."""
    if _counted(first) or _counted(second):  # 80 beats a minute, 80 a minute, 80 bpm
        first, second = (tuple(u for u in units if u not in _counted(units)) for units in (first, second))
        if not first or not second:
            return True
    short, long = sorted((first, second), key=len)
    if short == long[: len(short)] and all(u in ADVERBS for u in long[len(short) :]):
        return True
    degrees = {"C", "F", "degree"}
    return bool(short and long) and "degree" in (first[0], second[0]) and {first[0], second[0]} <= degrees


def mentioned(side: Side, measures: list[Measure]) -> set[str]:
    """All units that a text has behind a number, a slash or "per"."""
    found = {name_of(m["unit"], side.tongue) for m in _per(side.tongue).finditer(side.text)}
    return found | {unit.lstrip("/") for m in measures for unit in m.units}


def check(context: Context) -> Iterator[Failure]:
    """Units compared at the same value; where none differs, the units that each text has at all."""
    failures = [*_at_numbers(context)]
    yield from failures
    if not failures:
        pair = context.pair
        here, there = _measures(context, "en"), _measures(context, "ar")
        lost = mentioned(pair.en, here) - _words(pair.ar)
        yield from _dimensions(
            context, lost, mentioned(pair.ar, there) - mentioned(pair.en, here) - _words(pair.en)
        )


def _measures(context: Context, tongue: str) -> list[Measure]:
    if tongue == "en":
        return [measure(n, context.pair.en) for n in context.en_numbers if n.kind in ("figure", "word")]
    return [measure(n, context.pair.ar) for n in context.ar_numbers if n.kind in ("figure", "word", "dual")]


def _at_numbers(context: Context) -> Iterator[Failure]:
    pair = context.pair
    en, ar = _measures(context, "en"), _measures(context, "ar")
    left, unmatched = list(ar), list(en)
    for alike in (tuple.__eq__, _same):  # "two or three nights" must not take what "twice a day" is
        for first in list(unmatched):
            match = next((x for x in left if x.value == first.value and alike(first.units, x.units)), None)
            if match:
                left.remove(match)
                unmatched.remove(first)
    unmatched = [first for first in unmatched if first.units]
    everywhere = mentioned(pair.ar, ar)
    here = mentioned(pair.en, en) | _words(pair.en)
    for first in unmatched:
        same = [x for x in left if x.value == first.value]
        if dimension(first.units[0].lstrip("/")) in LOOSE or first.units[0] in LOOSE:
            other = [x for x in same if x.units and (_clash(first, x) or _foreign(x, here))]
        else:
            other = [x for x in same if x.units or not _said(first, everywhere)]
        if other:
            said = pair.ar.words([other[0].span])
            why = f"The source has {pair.en.words([first.span])} and the translation {said}; keep the unit."
            yield pair.fail("units", why, [first.span], [other[0].span])
            left.remove(other[0])
    for more in left:
        if more.units and _added(more, here) and any(x.value == more.value and not x.units for x in en):
            why = f"The translation says {pair.ar.words([more.span])}, a unit that the source does not name."
            yield pair.fail("units", why, (), [more.span])


def _words(side: Side) -> set[str]:
    """Units that a text has as a word, with or without a number: weekly, in the first month."""
    return _named(side) | {unit for pattern, unit in _PARTS[side.tongue] if pattern.search(side.text)}


def _named(side: Side) -> set[str]:
    if side.tongue == "en":
        words = (m.group() for m in re.finditer(r"[A-Za-z]{3,}", side.text))
        stems = {"daily": "day", "weekly": "week", "monthly": "month", "yearly": "year", "annual": "year"}
        return {
            stems.get(w.lower(), name_of(w, "en")) for w in words if w.lower() in stems or is_unit(w.lower())
        }
    return {name_of(m["unit"], "ar") for m in _anywhere().finditer(side.text)}


@cache
def _anywhere() -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)[وفبلك]{{0,2}}(?:ال)?(?P<unit>{_forms('ar')[1].pattern})")


def _added(other: Measure, here: set[str]) -> bool:
    """Whether a time other than years, which an age may leave out, stands in the translation alone."""
    unit = other.units[0]
    return unit not in here and unit not in LOOSE and dimension(unit) in ("time", "ratio")


def _said(first: Measure, everywhere: set[str]) -> bool:
    return all(unit.lstrip("/") in everywhere for unit in first.units)


def _foreign(other: Measure, here: set[str]) -> bool:
    """Whether a translation has a unit of measurement that the source has nowhere."""
    unit = other.units[0].lstrip("/")
    return dimension(unit) in HARD and unit not in here


def _clash(first: Measure, other: Measure) -> bool:
    """Whether two units are certainly different: of one dimension, and not the same."""
    one, two = first.units[0].lstrip("/"), other.units[0].lstrip("/")
    return one != two and dimension(one) == dimension(two)


def _dimensions(context: Context, lost: set[str], new: set[str]) -> Iterator[Failure]:
    """A unit of the source that is nowhere in the translation, where another of its dimension is."""
    for dim in table("units"):
        if dim in ("angle", "form", "event", "temperature"):
            continue
        gone = sorted(u for u in lost - new if dimension(u) == dim and u not in LOOSE)
        came = sorted(u for u in new - lost if dimension(u) == dim)
        if gone and came:
            why = f"The source measures in {', '.join(gone)}, the translation in {', '.join(came)}; keep it."
            yield context.pair.fail("units", why)
