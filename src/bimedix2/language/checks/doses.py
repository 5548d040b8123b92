"""How often, when and how a drug is given: twice daily, every week, at bedtime, before meals, by mouth."""

import re
from collections.abc import Iterator
from functools import cache

from bimedix2.language.checks.context import Context
from bimedix2.language.checks.pair import Failure, Span, arabic, english, spans_of, table
from bimedix2.text.fold import folded
from bimedix2.text.numbers import Number

GROUPS = ("period", "alternation", "when", "meal", "route")


_LASTS = re.compile(
    r"(?<![a-z])(?:than|about|within|in|for|after|over|of|nearly|almost|half|takes?|took|lasts?|lasted)\s+$",
    re.IGNORECASE,
)
"""Before "an hour": what makes it a time that something takes."""
_NAMED = re.compile(
    r"\s+(?:ال)(?:اول|تالي|ماضي|اخير|سابق|قادم|مقبل|ثاني|ثالث|رابع|خامس|سادس|سابع|ثامن|تاسع|عاشر)\w*"
)
"""Behind "in the day": what makes it one day, and no frequency."""


@cache
def _english(forms: tuple[str, ...]) -> re.Pattern[str]:
    """English words in any case; an abbreviation in capitals as it is written."""
    exact = [f for f in forms if f.isupper()]
    words = english(tuple(f for f in forms if not f.isupper()))
    if not exact:
        return words
    return re.compile(rf"(?<![A-Za-z\d])(?:{'|'.join(exact)})(?![A-Za-z\d])|(?i:{words.pattern})")


def check(context: Context) -> Iterator[Failure]:
    """Times a period with their counts; period, time of day, meals and route by what took whose place."""
    yield from _times(context)
    pair = context.pair
    for group in GROUPS:
        classes = table("doses")[group]
        en = {name: spans_of(_english(tuple(row["en"])), pair.en.text) for name, row in classes.items()}
        ar = {name: spans_of(arabic(tuple(row["ar"])), pair.ar.outside) for name, row in classes.items()}
        if group == "period":
            text, outside = pair.en.text, pair.ar.outside
            en = {
                name: [s for s in of if not _LASTS.search(text[max(0, s[0] - 12) : s[0]])]
                for name, of in en.items()
            }
            ar = {name: [s for s in of if not _NAMED.match(outside, s[1])] for name, of in ar.items()}
        lost = [name for name in classes if en[name] and not ar[name]]
        new = [name for name in classes if ar[name] and not en[name]]
        lost += [name for name in classes if group == "when" and _joined(pair.ar.outside, ar, name, new)]
        if lost and new:
            here = [span for name in lost for span in en[name]]
            there = [span for name in new for span in ar[name]]
            why = (
                f"The source says {pair.en.words(here)} and the translation {pair.ar.words(there)}; keep how "
                "often, when and how it is given."
            )
            yield pair.fail("doses", why, here, there)


def _joined(text: str, ar: dict[str, list[Span]], name: str, new: list[str]) -> bool:
    """Whether another time of day was joined to one of the source's: in the morning and in the evening."""
    return any(
        first[1] <= second[0] and re.fullmatch(r"\s*", text[first[1] : second[0]]) and text[second[0]] == "و"
        for other in new
        for first in ar[name]
        for second in ar[other]
    )


def _times(context: Context) -> Iterator[Failure]:
    pair = context.pair
    en = english_times(pair.en.text, context.en_numbers)
    ar = arabic_times(pair.ar.text, context.ar_numbers)
    first, second = {value for value, _ in en}, {value for value, _ in ar}
    # "Twice daily" behind each of three drugs may be said once, of all of them.
    lost, new = first - second, second - first
    # "Daily" may be "once daily": one time may be said or not.
    lost_many = {v for v in lost if v != "1"}
    new_many = {v for v in new if v != "1"}
    if (lost_many and new) or (new_many and lost) or (new_many and not lost and en):
        here = [span for value, span in en if value in lost]
        there = [span for value, span in ar if value in new]
        why = (
            f"The source says {pair.en.words(here) or 'no such frequency'} and the translation "
            f"{pair.ar.words(there) or 'none'}; keep how often it is given."
        )
        yield pair.fail("doses", why, here, there)


def english_times(text: str, numbers: list[Number]) -> list[tuple[str, Span]]:
    """How many times a period an English text says, with where: twice daily, b.i.d."""
    rows = table("doses")["times"]
    after = re.compile(rf"(?:\s+times?)?[\s-]+(?:{'|'.join(rows['en_after'])})(?![a-z])", re.IGNORECASE)
    found = [
        (n.value, (n.start, match.end()))
        for n in numbers
        if n.kind in ("word", "figure", "loose") and (match := after.match(text, n.end))
        if "time" in match.group() or text[n.start : n.end].lower() in ("once", "twice", "thrice")
    ]
    for match in re.finditer(r"(?<![\w.])(?:[a-z]\.?){2,3}(?![\w])", text):
        value = rows["latin"].get(match.group().replace(".", ""))
        if value:
            found.append((str(value), match.span()))
    return found


def arabic_times(text: str, numbers: list[Number]) -> list[tuple[str, Span]]:
    """How many times a period an Arabic text says, with where."""
    ends = "|".join(r"\s+".join(folded(form).split()) for form in table("doses")["times"]["ar_after"])
    after = re.compile(rf"(?:\s+واحدة)?\s+(?:{ends})(?!\w)")
    found = []
    for number in numbers:
        times = re.match(r"\s+مر(?:ات|ة)", text[number.end :])
        if number.kind == "dual" and "مرت" in text[number.start : number.end]:
            match = after.match(text, number.end)
        elif times and number.value != "1" and number.kind in ("figure", "word"):
            match = after.match(text, number.end + times.end())
        else:
            continue
        if match:
            found.append((number.value, (number.start, match.end())))
    for once in re.finditer(r"(?<!\w)[وف]?[بل]?مرة(?!\w)", text):
        match = after.match(text, once.end())
        if match and not any(start <= once.start() < end for _, (start, end) in found):
            found.append(("1", (once.start(), match.end())))
    return found
