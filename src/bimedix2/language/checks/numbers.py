"""Every number of the source is in the translation, and no other."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from bimedix2.language.checks.context import Context
from bimedix2.language.checks.doses import arabic_times, english_times
from bimedix2.language.checks.levels import level_spans, levels
from bimedix2.language.checks.pair import Failure, Span, inside
from bimedix2.text.numbers import Number, fractions

_ALPHA = re.compile(r"(?<![a-z])alpha|α", re.IGNORECASE)
STRICT = ("figure", "word", "ordinal", "dual")
_OF_A_PART = {"1/2": (), "1/3": ("3",), "2/3": ("2", "3"), "1/4": ("4",)}
_TIMES = {
    "en": (
        (r"half(?:\s+an|\s+of\s+an|-an)?[\s-]+hour|half[\s-]hourly", "30", "min"),
        (r"quarter(?:\s+of\s+an|\s+an)?[\s-]+hour", "15", "min"),
        (r"hour\s+and\s+a\s+half", "90", "min"),
        (r"half(?:\s+a)?[\s-]+year", "6", "month"),
        (r"year\s+and\s+a\s+half", "18", "month"),
        (r"(?i:\bhalf)(?!\s+(?:an?\s+|of\s+an\s+)?(?:hour|year|day|dose|tablet))", "50", "percent"),
    ),
    "ar": (
        (r"نصف\s+(?:ال)?ساعة", "30", "min"),
        (r"ربع\s+(?:ال)?ساعة", "15", "min"),
        (r"ثلاثة\s+ارباع\s+(?:ال)?ساعة", "45", "min"),
        (r"ساعة\s+ونصف", "90", "min"),
        (r"نصف\s+(?:ال)?(?:سنة|عام)", "6", "month"),
        (r"(?:سنة|عام)\s+ونصف", "18", "month"),
        (
            r"(?<!\w)[وفبلك]{0,2}(?:ال|لل)?نصف(?!\w)(?!\s+(?:ال)?(?:ساعة|سنة|عام|يوم|قرص|جرعة))",
            "50",
            "percent",
        ),
    ),
}
"""What one language counts (minutes, per cent), and the other has as a part of an hour, a year or a whole."""
_COUNTED = {
    "min": re.compile(r"[\s-]*(?:min|دقيق|دقائق)"),
    "month": re.compile(r"[\s-]*(?:month|شهر|اشهر|شهور)"),
    "percent": re.compile(r"\s*(?:%|percent|per cent|في المئة|في المائة|بالمئة|بالمائة)"),
}


def _split(numbers: Iterable[Number], excused: list[Span]) -> tuple[list[Number], list[Number]]:
    """Numbers that the other side must have, and numbers that it may have."""
    strict: list[Number] = []
    loose: list[Number] = []
    for number in numbers:
        sure = number.kind in STRICT and not inside((number.start, number.end), excused)
        (strict if sure else loose).append(number)
    return strict, loose


def _without(
    first: list[Number], second: list[Number], spare: list[Number], levelled: Iterable[Number] = ()
) -> list[Number]:
    """Numbers of ``first`` for which neither ``second`` nor ``spare`` has a partner left.

    The figures of ``levelled`` are those of levels: they answer for a level's ordinal, and for no figure.
    """
    left = Counter(n.value for n in second) + Counter(n.value for n in spare)
    of_levels = Counter(n.value for n in levelled)
    missing = []
    for number in first:
        if left[number.value]:
            left[number.value] -= 1
        elif number.kind != "figure" and of_levels[number.value]:
            of_levels[number.value] -= 1
        else:
            missing.append(number)
    return missing


def _parted(numbers: list[Number], spans: list[Span]) -> tuple[list[Number], list[Number]]:
    """Numbers outside some spans, and those inside."""
    within = [n for n in numbers if inside((n.start, n.end), spans)]
    return [n for n in numbers if n not in within], within


def _halved(first: list[Number], second: list[Number], halves: int) -> tuple[list[Number], list[Number]]:
    """Numbers that the other side does not say as a whole and a half: 1.5 hours, an hour and a half."""
    for number in [n for n in first if n.value.endswith(".5")][: max(0, halves)]:
        first = [n for n in first if n is not number]
        whole = next((n for n in second if n.value == number.value[:-2]), None)
        second = [n for n in second if n is not whole]
    return first, second


def brackets(text: str, outside: str) -> list[Span]:
    """The spans that were blanked: English brackets in an Arabic text."""
    return [m.span() for m in re.finditer(r"\([^()\n]*\)|\[[^\[\]\n]*\]", text) if outside[m.start()] == " "]


def check(context: Context) -> Iterator[Failure]:
    """Values compared with their counts; "one", duals and parts of codes may be said or not."""
    pair = context.pair
    en, en_spare = _split(context.en_numbers, level_spans(pair.en))
    excused = brackets(pair.ar.text, pair.ar.outside) + level_spans(pair.ar)
    numbers = context.ar_numbers
    if _ALPHA.search(pair.en.text):  # the letter is written like a thousand
        numbers = [n for n in numbers if "الفا" not in pair.ar.text[n.start : n.end]]
    ar, ar_spare = _split(numbers, excused)
    for side, tongue, spare in ((pair.en, "en", en_spare), (pair.ar, "ar", ar_spare)):
        for part in fractions(side.text, tongue):
            spare += [Number(v, part.start, part.end, "loose") for v in _OF_A_PART[part.value]]
    en_levels: list[Number] = []
    ar_levels: list[Number] = []
    if {x.name for x in levels(pair.en)} == {x.name for x in levels(pair.ar)}:
        en_spare, en_levels = _parted(en_spare, level_spans(pair.en))
        ar_spare, ar_levels = _parted(ar_spare, level_spans(pair.ar))
    missing = _without(en, ar, ar_spare, ar_levels)
    extra = _without(ar, en, en_spare, en_levels)
    missing = [n for n in missing if not (n.value == "1" and n.kind in ("figure", "ordinal"))]
    missing = _said_once(context, missing)
    missing, extra = _as_part(context, "en", "ar", missing, extra)
    extra, missing = _as_part(context, "ar", "en", extra, missing)
    halves = [sum(f.value == "1/2" for f in fractions(s.text, s.tongue)) for s in (pair.en, pair.ar)]
    missing, extra = _halved(missing, extra, halves[1] - halves[0])
    extra, missing = _halved(extra, missing, halves[0] - halves[1])
    lost, new = [(n.start, n.end) for n in missing], [(n.start, n.end) for n in extra]
    if missing and extra:
        why = (
            f"The source has {pair.en.words(lost)} and the translation has {pair.ar.words(new)} instead; "
            "copy every number as it is."
        )
    elif missing:
        why = f"The translation lacks {pair.en.words(lost)} of the source; add it."
    elif extra:
        why = f"The translation has {pair.ar.words(new)}, which the source does not say; take it out."
    if missing or extra:
        yield pair.fail("numbers", why, lost, new)
    else:
        yield from _signs(context, en, ar + ar_spare)
    yield from _parts(context)


def _said_once(context: Context, missing: list[Number]) -> list[Number]:
    """Without what is said of several things at once: each of them twice daily."""
    there = {value for value, _ in arabic_times(context.pair.ar.text, context.ar_numbers)}
    said = [span for value, span in english_times(context.pair.en.text, context.en_numbers) if value in there]
    return [n for n in missing if not inside((n.start, n.end), said)]


def _as_part(
    context: Context, tongue: str, other: str, missing: list[Number], extra: list[Number]
) -> tuple[list[Number], list[Number]]:
    """Without 30 minutes of one language that are half an hour in the other, and their like."""
    sides = {"en": context.pair.en, "ar": context.pair.ar}
    for pattern, value, unit in _TIMES[other]:
        there = [m.span() for m in re.finditer(pattern, sides[other].text)]
        for place in there:
            same = (
                n for n in missing if n.value == value and _COUNTED[unit].match(sides[tongue].text, n.end)
            )
            found = next(same, None)
            if found:
                missing = [n for n in missing if n is not found]
                extra = [n for n in extra if not inside((n.start, n.end), [place])]
    return missing, extra


def _signs(context: Context, en: list[Number], ar: list[Number]) -> Iterator[Failure]:
    """A minus that was lost or added."""
    first = Counter(n.value for n in en if n.negative)
    text = context.pair.ar.text
    below = re.search(r"(?<!\w)(?:سالب|ناقص|تحت الصفر)", text) is not None
    # A right-to-left text may have the sign typed behind the number.
    second = Counter(
        n.value
        for n in ar
        if n.negative or (first[n.value] and re.match(r"-(?!\w)", text[n.end : n.end + 2]))
    )
    if first != second and not below:
        wrong = [n for n in en + ar if n.value in (first - second) + (second - first)]
        why = f"The sign of {', '.join(sorted({n.value for n in wrong}))} differs; keep the minus as it is."
        yield context.pair.fail(
            "numbers",
            why,
            [(n.start, n.end) for n in wrong if n in en],
            [(n.start, n.end) for n in wrong if n in ar],
        )


def _parts(context: Context) -> Iterator[Failure]:
    """Half is not a third: said where the source names one part and the translation another alone."""
    first = fractions(context.pair.en.text, "en")
    second = fractions(context.pair.ar.text, "ar")
    said, there = {n.value for n in first}, {n.value for n in second}
    if "1/2" in said and "1/2" not in there and there - said:
        wrong = [n for n in second if n.value not in said]
    elif (
        "1/2" in there
        and "1/2" not in said
        and said - there
        and not re.search("[Hh]emi", context.pair.en.text)
    ):
        wrong = [n for n in second if n.value == "1/2"]
    else:
        return
    why = (
        f"The translation says {context.pair.ar.words((n.start, n.end) for n in wrong)} where the source "
        f"says {context.pair.en.words((n.start, n.end) for n in first)}; keep the fraction."
    )
    yield context.pair.fail(
        "numbers", why, [(n.start, n.end) for n in first], [(n.start, n.end) for n in wrong]
    )
