"""What a source yields for a row that did not become a record."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Removed:
    """A row that did not become a record, and why."""

    id: str
    reason: str
    what: str
