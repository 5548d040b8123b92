"""What a source yields for a row that did not become a record."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Removed:
    """A row that did not become a record, and why."""

    id: str
    reason: str
    what: str


BROKEN = "broken-row"
"""The reason of a row that does not have its file's layout; a run stops at the recipe's ``max_broken``."""


class Unfit(Exception):
    """Raised while a row is read: it has its file's layout, and still becomes no record.

    Args:
        reason: a word or two with hyphens, counted in the manifest.
        what: one sentence or value for the person who looks it up.
    """

    def __init__(self, reason: str, what: str) -> None:
        super().__init__(what)
        self.reason = reason
