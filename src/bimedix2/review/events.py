"""What happened, in order: every event carries the hash of the one before, so that a change shows.

An event's hash is the sha256 of the canonical JSON of its other fields. Whoever holds the last hash (it
stands in the manifest of the closed folder) can check the whole log with ``check_chain``.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from bimedix2 import io
from bimedix2.errors import DataError

Kind = Literal[
    "opened", "assigned", "reviewed", "skipped", "commented", "resolved", "imported", "chosen", "closed"
]
GENESIS = "0" * 64
"""What the first event names as the one before it."""


@dataclass(frozen=True)
class Event:
    """One thing that one person did."""

    seq: int
    """From 1, without gaps."""
    time: str
    """ISO 8601, UTC."""
    actor: str
    kind: Kind
    item: str | None
    payload: dict[str, Any]
    previous: str
    hash: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    def computed(self) -> str:
        """The hash of what the event says."""
        said = {key: value for key, value in self.to_json().items() if key != "hash"}
        return io.sha256_bytes(io.canonical_json(said).encode("utf-8"))


@dataclass(frozen=True)
class Head:
    """The end of the log."""

    seq: int = 0
    hash: str = GENESIS

    def next(self, actor: str, kind: Kind, item: str | None, payload: dict[str, Any], time: str) -> Event:
        """The event that follows."""
        event = Event(self.seq + 1, time, actor, kind, item, payload, self.hash)
        return replace(event, hash=event.computed())


def now() -> str:
    """This moment, as events write it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def check_chain(events: Iterable[Event]) -> Head:
    """Return the end of a log that is whole.

    Raises:
        DataError: an event was changed, left out or put in; the first one is named.
    """
    head = Head()
    for event in events:
        if event.seq != head.seq + 1:
            raise DataError(f"event {head.seq + 1} is not in the log; restore the store from a copy")
        if event.previous != head.hash or event.computed() != event.hash:
            raise DataError(
                f"event {event.seq} was changed after it was written; restore the store from a copy"
            )
        head = Head(event.seq, event.hash)
    return head
