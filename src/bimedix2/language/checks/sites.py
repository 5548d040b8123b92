"""Organs and places of the body, and opposite directions: what is said of one is not said of another."""

from collections.abc import Iterator

from bimedix2.language.checks.context import Context, Part
from bimedix2.language.checks.levels import levels
from bimedix2.language.checks.opposites import exchanged
from bimedix2.language.checks.pair import Failure, Span
from bimedix2.language.checks.places import Place, hinted, marked, of_term
from bimedix2.language.glossary import says


def _whole(found: list[Place]) -> list[Place]:
    """Places without the words of a longer phrase: the marrow of "spinal cord" is none by itself."""
    return [
        place
        for place in found
        if not any(
            other.span != place.span and other.span[0] <= place.span[0] and place.span[1] <= other.span[1]
            for other in found
        )
    ]


def check(context: Context) -> Iterator[Failure]:
    """Sites compared sentence by sentence, then directions."""
    en, ar = context.en_places, context.ar_places
    for part in context.parts:
        yield from _compare(context, part, en, ar)
        yield from exchanged(context, part, "directions", "sites")


def _inside(found: list[Place], part: Span) -> list[Place]:
    return [place for place in found if part[0] <= place.span[0] < part[1]]


def _compare(context: Context, part: Part, en: list[Place], ar: list[Place]) -> Iterator[Failure]:
    here, there = _inside(en, part.en), _inside(ar, part.ar)
    said = frozenset(name for place in here for name in place.sites)
    implied = frozenset(
        name
        for found in context.terms
        if part.en[0] <= found.start < part.en[1]
        for name in of_term(found.term)
    )
    asked = [place for place in _whole(here) if not _in_a_term(context, part, place)]
    lost = _unmatched(asked, there)
    new = [
        place
        for place in _whole(there)
        if place.sure and not place.sites & (said | implied) and not place.sites <= marked("weak")
    ]
    if all(place.sites <= marked("weak") for place in lost):
        # A site that is only new may be in the Arabic name of a disease; of a few that cannot be. What the
        # source names in another sentence may stand for a pronoun: "wash it" is "wash the foot".
        named = frozenset(name for place in en for name in place.sites)
        new = [place for place in new if place.sites <= marked("alone") and not place.sites & named]
    elif not new:
        # What is said once more than in the source may stand for what was lost: an eye for an arm.
        more = _unmatched(_whole(there), here)
        new = [place for place in more if place.sure and not place.sites <= marked("weak")]
    pair = context.pair
    if new:
        hints = hinted(pair.en.text[slice(*part.en)]) | _of_levels(context, part)
        new = [place for place in new if not place.sites & hints]
    if not new:
        return
    first, second = [p.span for p in lost], [p.span for p in new]
    why = (
        f"The source says {pair.en.words(first) or 'no such place'} and the translation "
        f"{pair.ar.words(second)}, another place of the body; keep the site."
    )
    yield pair.fail("sites", why, first, second)


_OF_LEVEL = {
    "C": frozenset({"cervical spine", "neck"}),
    "T": frozenset({"thoracic spine", "chest"}),
    "L": frozenset({"lumbar"}),
    "S": frozenset({"sacrum"}),
}
"""Sites that a level names by its letter: C7 may be the seventh cervical root."""


def _of_levels(context: Context, part: Part) -> frozenset[str]:
    named = (x.name[0] for x in levels(context.pair.en) if part.en[0] <= x.span[0] < part.en[1])
    return frozenset(site for letter in named for site in _OF_LEVEL[letter])


def _in_a_term(context: Context, part: Part, place: Place) -> bool:
    """Whether a word belongs to a glossary term that the translation says: cirrhosis needs no liver."""
    said = context.pair.ar.text[part.ar[0] : part.ar[1]]
    return any(
        found.start <= place.span[0]
        and place.span[1] <= found.end
        and not place.sites & of_term(found.term)
        and says(found.term, said)
        for found in context.terms
    )


def _unmatched(asked: list[Place], there: list[Place]) -> list[Place]:
    """Places without a partner of their own, when as many as possible have one (augmenting paths)."""
    partner: dict[int, int] = {}

    def match(number: int, seen: set[int]) -> bool:
        for other, place in enumerate(there):
            if other not in seen and asked[number].sites & place.sites:
                seen.add(other)
                if other not in partner or match(partner[other], seen):
                    partner[other] = number
                    return True
        return False

    return [place for number, place in enumerate(asked) if not match(number, set())]
