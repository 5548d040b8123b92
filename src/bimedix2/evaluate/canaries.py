"""What a judge must get right where the verdict is known, before a score of it is printed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bimedix2.errors import DataError

PASSES = 0.8
"""Share of each verdict's canaries, in each language. Set by us: no real judge has been measured."""


@dataclass(frozen=True)
class Canary:
    """Known answers of one language and verdict: how many the judge got right, of ``n``."""

    language: str
    verdict: str
    right: int
    n: int

    @property
    def passed(self) -> bool:
        """Whether that is enough."""
        return self.right >= PASSES * self.n

    def to_json(self) -> dict[str, Any]:
        """As it stands in ``scores.json``."""
        return {**vars(self), "passed": self.passed}


def count(said: Iterable[tuple[str, str, bool]]) -> list[Canary]:
    """Count known answers by language and verdict, each in the order of its first.

    Args:
        said: language, the verdict that is right, and whether the judge gave it; a reply that could not be
            read is wrong.
    """
    found: dict[tuple[str, str], list[bool]] = {}
    for language, verdict, right in said:
        found.setdefault((language, verdict), []).append(right)
    return [Canary(*key, sum(rights), len(rights)) for key, rights in found.items()]


def in_short(found: Sequence[Canary]) -> str:
    """As it stands in a signature: ``canaries=19/20``."""
    return f"canaries={sum(one.right for one in found)}/{sum(one.n for one in found)}"


def require(judge: str, found: Sequence[Canary]) -> None:
    """Stop before a score of a judge that fails is printed.

    Args:
        judge: what it is called.
        found: of ``count``.

    Raises:
        DataError: naming each language and verdict that failed.
    """
    failed = [
        f"{one.right} of {one.n} '{one.verdict}' in '{one.language}'" for one in found if not one.passed
    ]
    if failed:
        said = "; ".join(failed)
        raise DataError(
            f"the {judge} failed its canaries (right: {said}; at least {PASSES:.0%} are needed); no score is "
            f"printed: choose another {judge.split()[0]}"
        )
