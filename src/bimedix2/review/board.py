"""Where every pair stands, folded from the events; and what each person may do next. Knows no SQL, no pages.

A pair is ``open`` until ``overlap`` people have reviewed it, none seeing the others. When their reviews
differ it is a ``conflict``: the reviews and their rationales are then shown, without names, to those who
wrote them and to the adjudicator; who reviewed may revise, all may discuss, and the adjudicator resolves.
Agreement is measured on first reviews, which were blind; the verdict comes from the latest ones.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Literal

from bimedix2 import io
from bimedix2.errors import DataError, RunError
from bimedix2.review.desk import Folded
from bimedix2.review.events import Event
from bimedix2.review.judgement import Judgement, agree, merge
from bimedix2.review.pairs import Item

State = Literal["open", "conflict", "settled"]


@dataclass
class Standing:
    """One pair, and what people said of it."""

    item: Item
    reviews: dict[str, list[Judgement]] = field(default_factory=dict)
    """Name -> reviews, first to latest."""
    reviewed: dict[str, str] = field(default_factory=dict)
    """Name -> time of the latest review."""
    claims: dict[str, str] = field(default_factory=dict)
    """Name -> when the pair was handed out to somebody who has not reviewed it."""
    skipped: dict[str, str] = field(default_factory=dict)
    """Name -> why they leave it to others."""
    comments: list[tuple[str, str, str]] = field(default_factory=list)
    """Time, name, words."""
    resolution: Judgement | None = None
    resolved_by: str | None = None
    resolved_at: str = ""

    def take(self, event: Event) -> None:
        """Fold one event of this pair."""
        name = event.actor
        if event.kind == "assigned":
            self.claims[name] = event.time
        elif event.kind == "skipped":
            self.claims.pop(name, None)
            self.skipped[name] = event.payload["reason"]
        elif event.kind == "reviewed":
            self.claims.pop(name, None)
            self.reviews.setdefault(name, []).append(Judgement.model_validate(event.payload))
            self.reviewed[name] = event.time
        elif event.kind == "commented":
            self.comments.append((event.time, name, event.payload["text"]))
        elif event.kind == "resolved":
            self.resolution = Judgement.model_validate(event.payload)
            self.resolved_by, self.resolved_at = name, event.time

    def copy(self) -> "Standing":
        """Another one that says the same, to try events on."""
        return deepcopy(self)

    @property
    def first(self) -> dict[str, Judgement]:
        """The blind reviews."""
        return {name: given[0] for name, given in self.reviews.items()}

    @property
    def latest(self) -> dict[str, Judgement]:
        """What each person thinks now."""
        return {name: given[-1] for name, given in self.reviews.items()}

    def state(self, overlap: int) -> State:
        """Open, in conflict, or settled."""
        if self.resolution is not None:
            return "settled"
        if len(self.reviews) < overlap:
            return "open"
        return "settled" if agree(list(self.latest.values())) else "conflict"

    def verdict(self, overlap: int) -> Judgement | None:
        """The judgement that stands; ``None`` while there is none."""
        if self.state(overlap) != "settled":
            return None
        return self.resolution or merge(list(self.latest.values()))

    def date(self) -> str:
        """The day of the last thing that settled it."""
        return max(self.resolved_at, *self.reviewed.values(), "")[:10]

    def letter(self, name: str) -> str:
        """How others see a reviewer: a letter that does not say who was first."""
        order = sorted(self.reviews, key=lambda other: io.sha256_bytes(f"{self.item.id}:{other}".encode()))
        return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[order.index(name)]


class Board(Folded):
    """All pairs of a batch.

    Args:
        items: in the order in which they are handed out.
        overlap: reviews a pair.
        claim_hours: after so long a pair that was handed out is free again.
    """

    def __init__(self, items: Sequence[Item], overlap: int, claim_hours: float = 24) -> None:
        super().__init__(claim_hours)
        self.standings = {item.id: Standing(item) for item in items}
        self.overlap = overlap
        self.imported: set[str] = set()
        """Hashes of the files whose reviews were read in."""
        self.imports: list[dict[str, Any]] = []
        """What the log says of each."""

    def _take(self, event: Event) -> None:
        if event.kind == "imported":
            self.imported.add(event.payload["sha256"])
            self.imports.append(event.payload)
        elif event.item is not None:
            self.standings[event.item].take(event)

    def of(self, item: str) -> Standing:
        """One pair.

        Raises:
            DataError: there is none of that id.
        """
        if item not in self.standings:
            raise DataError(f"there is no pair '{item:.80}' in this batch; go back to the list")
        return self.standings[item]

    def next_for(self, name: str, time: str) -> Standing | None:
        """The pair that a reviewer does next: the one they hold, else the first that still needs a review."""
        found: Standing | None = None
        for standing in self.standings.values():
            if name in standing.reviews or name in standing.skipped or standing.resolution is not None:
                continue
            holders = self.holders(standing.claims, time)
            if name in holders:
                return standing
            if found is None and len(standing.reviews) + len(holders) < self.overlap:
                found = standing
        return found

    # What may be done; each raises with one sentence when it may not.

    def may_review(self, name: str, item: str) -> Standing:
        """Refuse a review of a pair that was resolved, or was not handed out to that person.

        Raises:
            RunError: it was.
        """
        self.may_write()
        standing = self.of(item)
        if standing.resolution is not None:
            raise RunError("this pair was resolved by the adjudicator; go on with the next")
        if name not in standing.reviews and name not in standing.claims:
            raise RunError("this pair was not given to you; go on with the next")
        return standing

    def may_discuss(self, name: str, item: str, adjudicates: bool) -> Standing:
        """Refuse somebody who may not see the others' reviews: they are shown after one's own, in a conflict.

        Raises:
            RunError: it is not to be seen by that person.
        """
        standing = self.of(item)
        in_queue = item in {other.item.id for other in self.queue()}
        if adjudicates and (in_queue or standing.resolution is not None):
            return standing
        if not adjudicates and name in standing.reviews and standing.state(self.overlap) == "conflict":
            return standing
        raise RunError("the reviews of this pair are not shown to you; go back to the list")

    def may_resolve(self, name: str, item: str) -> Standing:
        """Refuse a resolution of what is not in the queue, or by somebody who reviewed it.

        Raises:
            RunError: it is not to be resolved by that person.
        """
        self.may_write()
        standing = self.of(item)
        if name in standing.reviews:
            raise RunError("you reviewed this pair, so another adjudicator resolves it")
        if item not in {other.item.id for other in self.queue()}:
            raise RunError("this pair is not in the queue; go back to the list")
        return standing

    # What is where.

    def queue(self) -> list[Standing]:
        """What waits for the adjudicator: verdicts that differ, wordings that differ, what somebody left."""
        conflicts = [s for s in self.standings.values() if s.state(self.overlap) == "conflict"]
        conflicts.sort(key=lambda s: len({judged.verdict for judged in s.latest.values()}) == 1)
        left = [s for s in self.standings.values() if s.skipped and s.state(self.overlap) == "open"]
        return [*conflicts, *left]

    def mine(self, name: str) -> list[Standing]:
        """What a person reviewed, conflicts first, then the latest first."""
        own = [s for s in self.standings.values() if name in s.reviews]
        own.sort(key=lambda s: s.reviewed[name], reverse=True)
        return sorted(own, key=lambda s: s.state(self.overlap) != "conflict")

    def progress(self) -> dict[str, int]:
        """Pairs, how many are settled, how many in conflict, and reviews given and needed."""
        states = [standing.state(self.overlap) for standing in self.standings.values()]
        given = sum(min(len(s.reviews), self.overlap) for s in self.standings.values())
        return {
            "pairs": len(states),
            "settled": states.count("settled"),
            "conflicts": states.count("conflict"),
            "reviews": given,
            "needed": self.overlap * len(states),
        }
