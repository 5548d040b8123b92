"""Right stays right and left stays left, in each sentence and at each organ."""

import re
from collections.abc import Iterator
from functools import cache

from bimedix2.language.checks.context import Context
from bimedix2.language.checks.pair import Failure, Side, Span, arabic, english, spans_of, table, within

SIDES = ("right", "left")


@cache
def _abbreviated(side: str) -> re.Pattern[str]:
    words = "|".join(table("laterality")["english"]["abbreviated"][side])
    return re.compile(rf"(?<![A-Za-z\d])(?:{words})(?![A-Za-z\d])")


@cache
def _not_a_side(side: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    words = table("laterality")["english"]["not_a_side"]
    before = "|".join(re.escape(w) for w in words[f"{side}_before"])
    after = "|".join(re.escape(w) for w in words[f"{side}_after"])
    return (
        re.compile(rf"(?<![a-z])(?:{before})\s+$", re.IGNORECASE),
        re.compile(rf"[\s-]+(?:{after})(?![a-z])", re.IGNORECASE),
    )


def _english(text: str, side: str) -> tuple[list[Span], list[Span]]:
    """Places that name a side for certain, and places that may mean something else."""
    certain: list[Span] = []
    unsure: list[Span] = []
    before, after = _not_a_side(side)
    for start, end in spans_of(english(tuple(table("laterality")["english"][side])), text):
        # "It is nothing, right?"
        asked = text[max(0, start - 2) : start] == ", " and text[end : end + 1] == "?"
        around = before.search(text[max(0, start - 20) : start]), after.match(text[end : end + 20])
        other = asked or any(around)
        (unsure if other else certain).append((start, end))
    return certain, unsure


def named(side: Side) -> dict[str, tuple[list[Span], list[Span]]]:
    """Of each side, the places that certainly name it and those that may."""
    found = {}
    for name in SIDES:
        if side.tongue == "en":
            certain, unsure = _english(side.text, name)
        else:
            forms = tuple(table("laterality")["arabic"][name])
            certain, unsure = spans_of(arabic(forms), side.outside), []
        # An abbreviation may be written out, beside itself even: it asks for nothing and explains.
        found[name] = (certain, unsure + spans_of(_abbreviated(name), side.text))
    return found


def check(context: Context) -> Iterator[Failure]:
    """Sides of the two texts compared, sentence by sentence."""
    en, ar = named(context.pair.en), named(context.pair.ar)
    failed = False
    for part in context.parts:
        sides = {
            name: (
                within(en[name][0], part.en),
                within(en[name][1], part.en),
                within(ar[name][0], part.ar),
                within(ar[name][1], part.ar),
            )
            for name in SIDES
        }
        for failure in _compare(context, sides):
            failed = True
            yield failure
        if not failed:
            yield from _order(context, sides)
    yield from _both(context)


def _compare(
    context: Context, sides: dict[str, tuple[list[Span], list[Span], list[Span], list[Span]]]
) -> Iterator[Failure]:
    more, fewer = [], []
    for name, (sure, unsure, there, maybe) in sides.items():
        if len(there) > len(sure) + len(unsure):
            more.append(name)
        if len(there) + len(maybe) < len(sure):
            fewer.append(name)
    for name in SIDES:
        sure, unsure, there, maybe = sides[name]
        other = "left" if name == "right" else "right"
        if name in fewer and other in more:
            why = (
                f"The source says '{name}' where the translation says '{other}' "
                f"({context.pair.ar.words(sides[other][2])}); keep the side."
            )
            yield context.pair.fail("laterality", why, sure, sides[other][2])
            return
    for name in SIDES:
        sure, unsure, there, maybe = sides[name]
        if sure and not there and not maybe:
            why = f"The source says '{name}' and the translation names no such side; add it."
            yield context.pair.fail("laterality", why, sure)
        elif there and not sure and not unsure:
            why = f"The translation says '{name}' and the source does not; take it out."
            yield context.pair.fail("laterality", why, (), there)


def _order(
    context: Context, sides: dict[str, tuple[list[Span], list[Span], list[Span], list[Span]]]
) -> Iterator[Failure]:
    """Right and left that changed places: as many of each, in another order."""
    if any(unsure or maybe for _, unsure, _, maybe in sides.values()):
        return
    first = sorted((span, name) for name in SIDES for span in sides[name][0])
    second = sorted((span, name) for name in SIDES for span in sides[name][2])
    names, said = [n for _, n in first], [n for _, n in second]
    if len(set(names)) == 2 and names != said and sorted(names) == sorted(said):
        why = "Right and left have changed places in the translation; give each its own side."
        yield context.pair.fail("laterality", why, [s for s, _ in first], [s for s, _ in second])


def _both(context: Context) -> Iterator[Failure]:
    """One side, both, the other and the same are not taken for each other."""
    words = table("laterality")
    en = {k: spans_of(english(tuple(words["english"][k])), context.pair.en.text) for k in ("both", "one")}
    ar = {k: spans_of(arabic(tuple(words["arabic"][k])), context.pair.ar.outside) for k in ("both", "one")}
    bilateral = spans_of(english(("bilateral", "bilaterally")), context.pair.en.text)
    if ar["one"] and not en["one"] and len(ar["both"]) < len(bilateral):
        why = "The source says 'bilateral' and the translation says one side; say both sides."
        yield context.pair.fail("laterality", why, bilateral, ar["one"])
    elif en["one"] and not ar["one"] and ar["both"] and not en["both"]:
        why = "The source says 'unilateral' and the translation says both sides; say one side."
        yield context.pair.fail("laterality", why, en["one"], ar["both"])
