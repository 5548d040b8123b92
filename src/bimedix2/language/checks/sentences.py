"""No sentence of the source is dropped, and none is added."""

from collections.abc import Iterator

from bimedix2.language.checks.context import Context
from bimedix2.language.checks.pair import Failure


def check(context: Context) -> Iterator[Failure]:
    """Sentences that have no partner on the other side."""
    pair = context.pair
    first, second = pair.en.sentences, pair.ar.sentences
    alone = {
        "en": [first[n] for bead in context.beads if not bead.ar for n in bead.en],
        "ar": [second[n] for bead in context.beads if not bead.en for n in bead.ar],
    }
    source, target = alone[pair.source.tongue], alone[pair.target.tongue]
    if source:
        why = f"The translation leaves out {pair.source.words(source)}; translate every sentence."
        yield Failure("sentences", why, pair.source.original(source), ())
    if target:
        why = f"The translation adds {pair.target.words(target)}, which the source does not say; take it out."
        yield Failure("sentences", why, (), pair.target.original(target))
