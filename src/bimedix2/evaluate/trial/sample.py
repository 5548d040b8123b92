"""A sample that is as even over its strata as the benchmark allows; what a stratum lacks is told."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bimedix2.evaluate.trial.items import Question, Stratum

FACETS = ("domain", "type", "language")
"""What parts questions into strata."""


@dataclass(frozen=True)
class Share:
    """One stratum: how many questions it has, how many an even sample would take, and how many were taken."""

    stratum: Stratum
    has: int
    even: int
    taken: int

    @property
    def lacks(self) -> int:
        """By how much it falls short of an even share; other strata give more in its place."""
        return max(0, self.even - self.taken)


@dataclass(frozen=True)
class Sampled:
    """The questions in the order in which they are judged, and their strata."""

    questions: list[Question]
    strata: list[Share]
    wanted: int
    facets: tuple[str, ...] = FACETS
    """The names of a stratum's parts."""

    @property
    def lacks(self) -> int:
        return self.wanted - len(self.questions)

    def to_json(self) -> list[dict[str, Any]]:
        """A row a stratum."""
        return [
            {
                **dict(zip(self.facets, share.stratum, strict=True)),
                "has": share.has,
                "even": share.even,
                "taken": share.taken,
                "lacks": share.lacks,
            }
            for share in self.strata
        ]


def sample(
    questions: Sequence[Question],
    size: int,
    seed: int,
    strata: Iterable[Stratum] = (),
    facets: tuple[str, ...] = FACETS,
) -> Sampled:
    """Take one question of each stratum in turn until there are ``size``, or no more.

    Within a stratum the order is random, questions of pictures or subjects that were not taken yet first.

    Args:
        questions: all that may be taken.
        size: how many are wanted.
        seed: of every random choice.
        strata: of the benchmark; one that no question is left of is told too.
        facets: the names of a stratum's parts.
    """
    rng = random.Random(f"{seed}:trial:sample")
    by_stratum: dict[Stratum, list[Question]] = {stratum: [] for stratum in sorted(set(strata))}
    for question in sorted(questions, key=lambda q: q.id):
        by_stratum.setdefault(question.stratum, []).append(question)
    for inside in by_stratum.values():
        rng.shuffle(inside)
    turns = sorted(by_stratum)
    rng.shuffle(turns)  # where the size is no multiple of the strata, chance says who gives one more
    waiting = {stratum: list(by_stratum[stratum]) for stratum in turns}
    taken: dict[Stratum, list[Question]] = {stratum: [] for stratum in turns}
    seen: set[str] = set()
    count = 0
    while count < size and any(waiting.values()):
        for stratum in turns:
            if count == size or not waiting[stratum]:
                continue
            fresh = next((q for q in waiting[stratum] if q.cluster not in seen), waiting[stratum][0])
            waiting[stratum].remove(fresh)
            taken[stratum].append(fresh)
            seen.add(fresh.cluster)
            count += 1
    chosen = [question for inside in taken.values() for question in inside]
    rng.shuffle(chosen)
    whole, more = divmod(size, len(turns)) if turns else (0, 0)
    shares = [
        Share(stratum, len(by_stratum[stratum]), whole + (place < more), len(taken[stratum]))
        for place, stratum in enumerate(turns)
    ]
    return Sampled(chosen, sorted(shares, key=lambda s: s.stratum), size, facets)
