"""Where every item of a trial stands, folded from the events. Knows no SQL, no pages and no model's name.

An item is handed out to ``overlap`` people, none of whom ever sees what another chose: nothing is discussed
and nothing resolved. Who has chosen may choose again; the last choice counts, and all stay in the log.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bimedix2.errors import DataError, RunError
from bimedix2.review.desk import Folded
from bimedix2.review.events import Event
from bimedix2.review.trial.choice import Choice, Said
from bimedix2.review.trial.items import Item


@dataclass
class Standing:
    """One item, and what people chose."""

    item: Item
    choices: dict[str, list[Choice]] = field(default_factory=dict)
    """Name -> choices, first to latest."""
    chosen: dict[str, str] = field(default_factory=dict)
    """Name -> time of the latest choice."""
    events: dict[str, int] = field(default_factory=dict)
    """Name -> number of the event of the latest choice."""
    claims: dict[str, str] = field(default_factory=dict)
    """Name -> when the item was handed out to somebody who has not chosen."""

    @property
    def latest(self) -> dict[str, Choice]:
        """What each person says by now."""
        return {name: given[-1] for name, given in self.choices.items()}


class Board(Folded):
    """All items of a trial.

    Args:
        items: in the order in which they are handed out.
        overlap: people an item.
        claim_hours: after so long an item that was handed out is free again.
    """

    def __init__(self, items: Sequence[Item], overlap: int, claim_hours: float = 24) -> None:
        super().__init__(claim_hours)
        self.standings = {item.id: Standing(item) for item in items}
        self.overlap = overlap
        scored = any(item.scales for item in items)
        self.kinds: tuple[Said, ...] = ("scored", "abstain") if scored else ("best", "tie", "abstain")
        """What can be said of an item."""

    def _take(self, event: Event) -> None:
        if event.item is None:
            return
        standing = self.standings[event.item]
        if event.kind == "assigned":
            standing.claims[event.actor] = event.time
        elif event.kind == "chosen":
            standing.claims.pop(event.actor, None)
            standing.choices.setdefault(event.actor, []).append(Choice.model_validate(event.payload))
            standing.chosen[event.actor] = event.time
            standing.events[event.actor] = event.seq

    def of(self, item: str) -> Standing:
        """One item.

        Raises:
            DataError: there is none of that id.
        """
        if item not in self.standings:
            raise DataError(f"there is no item '{item:.80}' in this trial; go back to the list")
        return self.standings[item]

    def next_for(self, name: str, time: str) -> Standing | None:
        """The item that a person does next: the one they hold, else the first that needs a judgement."""
        found: Standing | None = None
        for standing in self.standings.values():
            if name in standing.choices:
                continue
            holders = self.holders(standing.claims, time)
            if name in holders:
                return standing
            if found is None and len(standing.choices) + len(holders) < self.overlap:
                found = standing
        return found

    def may_choose(self, name: str, item: str) -> Standing:
        """Refuse a choice of an item that was not handed out to that person.

        Raises:
            RunError: it was not, or the batch is closed.
        """
        self.may_write()
        standing = self.of(item)
        if name not in standing.choices and name not in standing.claims:
            raise RunError("this item was not given to you; go on with the next")
        return standing

    def mine(self, name: str) -> list[Standing]:
        """What a person chose, the latest first."""
        own = [s for s in self.standings.values() if name in s.choices]
        return sorted(own, key=lambda s: s.events[name], reverse=True)

    def progress(self) -> dict[str, int]:
        """Items, those with all their judgements, and judgements given and needed."""
        given = [min(len(s.choices), self.overlap) for s in self.standings.values()]
        return {
            "items": len(given),
            "done": sum(count == self.overlap for count in given),
            "judgements": sum(given),
            "needed": self.overlap * len(given),
        }

    def counts(self) -> dict[str, int]:
        """Latest choices by what they are."""
        found = Counter(choice.choice for s in self.standings.values() for choice in s.latest.values())
        return {kind: found[kind] for kind in self.kinds}
