"""Pairs the sentences of a source with those of its translation, and knows which have no partner.

Gale and Church's dynamic programme (Computational Linguistics 19:1, 1993): sentences that translate each
other are about as long. Here what must survive a translation (numbers, levels, Latin words, sites, sides,
negation, glossary terms) weighs as well. Line by line where both texts have as many lines.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bimedix2.language.checks.pair import Span

RATIO = 0.92
"""Letters of an Arabic sentence for one of its English source (development pairs of the benchmark)."""
SMOOTH = 12
"""Added to both lengths, so that short sentences may differ more."""
LENGTH = 16.0
"""Weight of the squared logarithm of the lengths' ratio, whose standard deviation is about 0.15."""
SHARED = 0.9
"""What one shared anchor is worth."""
UNSHARED = 0.35
"""What an anchor without its partner costs."""
ALONE = 2.6
"""What a sentence without a partner costs."""
JOINED = 1.9
"""What two English sentences that become one Arabic one cost; three cost twice as much."""
SPLIT = 3.1
"""What one English sentence that becomes two Arabic ones costs, which is rarer; three cost twice as much."""


@dataclass(frozen=True)
class Sentence:
    """A sentence's place, its length in letters, and what must be found in its partner."""

    span: Span
    length: int
    anchors: Counter[str]


@dataclass(frozen=True)
class Bead:
    """Sentences that translate each other, by number; one side may be empty."""

    en: tuple[int, ...]
    ar: tuple[int, ...]


STEPS = (
    *((1, 1, 0.0), (1, 0, ALONE), (0, 1, ALONE), (2, 1, JOINED), (1, 2, SPLIT)),
    *((2, 2, JOINED + SPLIT), (3, 1, 2 * JOINED), (1, 3, 2 * SPLIT)),
)


def _cost(en: Sequence[Sentence], ar: Sequence[Sentence], base: float) -> float:
    if not en or not ar:
        anchors = sum((s.anchors for s in (*en, *ar)), Counter[str]())
        return base + UNSHARED * sum(anchors.values())
    # Each sentence has an anchor once, however often it says it; so has a pair of them.
    first, second = (Counter({name for s in side for name in s.anchors}) for side in (en, ar))
    shared = sum((first & second).values())
    apart = sum(first.values()) + sum(second.values()) - 2 * shared
    ratio = math.log((sum(s.length for s in ar) + SMOOTH) / (RATIO * sum(s.length for s in en) + SMOOTH))
    return base + LENGTH * ratio * ratio + UNSHARED * apart - SHARED * shared


def align(en: Sequence[Sentence], ar: Sequence[Sentence], offset: tuple[int, int] = (0, 0)) -> list[Bead]:
    """The cheapest way to pair two lists of sentences in order; ``offset`` is added to their numbers."""
    best: list[list[float]] = [[math.inf] * (len(ar) + 1) for _ in range(len(en) + 1)]
    back: dict[tuple[int, int], tuple[int, int]] = {}
    best[0][0] = 0.0
    for i in range(len(en) + 1):
        for j in range(len(ar) + 1):
            for take, give, base in STEPS:
                if take > i or give > j or best[i - take][j - give] == math.inf:
                    continue
                cost = best[i - take][j - give] + _cost(en[i - take : i], ar[j - give : j], base)
                if cost < best[i][j] - 1e-9:
                    best[i][j] = cost
                    back[i, j] = (take, give)
    beads = []
    i, j = len(en), len(ar)
    while i or j:
        take, give = back[i, j]
        beads.append(
            Bead(
                tuple(range(i - take + offset[0], i + offset[0])),
                tuple(range(j - give + offset[1], j + offset[1])),
            )
        )
        i, j = i - take, j - give
    return beads[::-1]


def align_lines(en: Sequence[Sequence[Sentence]], ar: Sequence[Sequence[Sentence]]) -> list[Bead]:
    """Pair sentences given by line: no pair crosses a line where there are as many lines on both sides."""
    if len(en) != len(ar):
        return align([s for line in en for s in line], [s for line in ar for s in line])
    beads: list[Bead] = []
    before = (0, 0)
    for first, second in zip(en, ar, strict=True):
        if len(first) == len(second) == 1:
            beads.append(Bead((before[0],), (before[1],)))
        else:
            beads += align(first, second, before)
        before = (before[0] + len(first), before[1] + len(second))
    return beads
