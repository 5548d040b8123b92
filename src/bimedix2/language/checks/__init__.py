"""Critical-entity checks of a translation: each compares one thing that must not change, and fails by name.

They read English and Arabic by rules and word lists, without a model: the same pair gives the same answer
every time. They know nothing about how a translation was made, and an unknown word says nothing to them.
"""

from collections.abc import Callable, Iterable, Iterator

from bimedix2.language.checks import (
    comparisons,
    doses,
    drugs,
    laterality,
    levels,
    negation,
    numbers,
    people,
    sentences,
    sites,
    structure,
    units,
    wording,
)
from bimedix2.language.checks.context import Context
from bimedix2.language.checks.pair import Failure, Pair, Span, Tongue

Check = Callable[[Context], Iterator[Failure]]

CHECKS: dict[str, Check] = {
    "language": wording.language,
    "placeholders": structure.placeholders,
    "options": structure.options,
    "turns": structure.turns,
    "laterality": laterality.check,
    "negation": negation.check,
    "numbers": numbers.check,
    "units": units.check,
    "doses": doses.check,
    "ranges": comparisons.check_ranges,
    "comparisons": comparisons.check,
    "levels": levels.check,
    "drugs": drugs.check,
    "sites": sites.check,
    "gender": people.check,
    "sentences": sentences.check,
    "english": wording.english,
    "dialect": wording.dialect,
    "repetition": wording.repetition,
}
"""Every check by its name. ``language`` comes first: where it fails, the others have nothing to compare."""


def check_translation(
    source: str, translation: str, target: Tongue | None = None, only: Iterable[str] | None = None
) -> list[Failure]:
    """What a translation gets wrong, in the order of ``CHECKS``; an empty list is a translation that passes.

    Args:
        source: the text that was translated, English or Arabic.
        translation: the same text in the other language.
        target: the language that was asked for; without it the letters of both texts decide.
        only: names of the checks to make; all without it.
    """
    context = Context(Pair(source, translation, target))
    wanted = CHECKS if only is None else [name for name in CHECKS if name in set(only)]
    found: list[Failure] = []
    for name in wanted:
        found += CHECKS[name](context)
        if name == "language" and found:
            break
    return found


__all__ = ["CHECKS", "Failure", "Span", "Tongue", "check_translation"]
