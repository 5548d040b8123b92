"""Words in opposite pairs: one lost, and its opposite there instead."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from bimedix2.language.checks.context import Context, Part
from bimedix2.language.checks.pair import Failure, Span, arabic, english, spans_of, table, within

Sides = tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]


_DENIED = re.compile(
    r"(?:(?<![a-z])(?:no|not|non|never|without|nothing)[\s-]+(?:\w+\s+)?|(?<!\w)[وف]?(?:غير|ليس|ليست|عدم|لا|دون)\s+)$",
    re.IGNORECASE,
)


def _affirmed(found: list[Span], text: str) -> list[Span]:
    """Without the words that a denial right before them turns round: "not normal" is no "normal"."""
    return [span for span in found if not _DENIED.search(text[max(0, span[0] - 24) : span[0]])]


@cache
def opposites(name: str) -> tuple[Sides, ...]:
    """The pairs of a data file, as an English and an Arabic pattern a side."""
    rows: list[Any] = table(name)
    return tuple(tuple((english(tuple(s["en"])), arabic(tuple(s["ar"]))) for s in pair) for pair in rows)


def exchanged(context: Context, part: Part, name: str, check: str) -> Iterator[Failure]:
    """Failures of one check: words of a file that turned into their opposite in one part."""
    pair = context.pair
    for sides in opposites(name):
        en = [_affirmed(within(spans_of(first, pair.en.text), part.en), pair.en.text) for first, _ in sides]
        ar = [
            _affirmed(within(spans_of(second, pair.ar.outside), part.ar), pair.ar.outside)
            for _, second in sides
        ]
        for one, other in ((0, 1), (1, 0)):
            if len(ar[one]) < len(en[one]) and len(ar[other]) > len(en[other]):
                why = (
                    f"The source says {pair.en.words(en[one])} and the translation "
                    f"{pair.ar.words(ar[other])}, which is the opposite; keep what the source says."
                )
                yield pair.fail(check, why, en[one], ar[other])
                break
