"""What a judge must get right where the verdict is known, before a score of it is printed."""

from collections.abc import Iterable

from bimedix2.errors import DataError

PASSES = 0.8
"""Share of each verdict's canaries, in each language. Set by us: no real judge has been measured."""


def enough(right: int, n: int) -> bool:
    """Whether so many of ``n`` are right."""
    return right >= PASSES * n


def require(judge: str, found: Iterable[tuple[str, str, int, int]]) -> None:
    """Stop before a score of a judge that fails is printed.

    Args:
        judge: what it is called.
        found: language, verdict, how many were right (unparsed ones are not), of how many.

    Raises:
        DataError: naming each language and verdict that failed.
    """
    failed = [
        f"{right} of {n} '{verdict}' in '{language}'"
        for language, verdict, right, n in found
        if not enough(right, n)
    ]
    if failed:
        said = "; ".join(failed)
        raise DataError(
            f"the {judge} failed its canaries (right: {said}; at least {PASSES:.0%} are needed); no score is "
            f"printed: choose another {judge.split()[0]}"
        )
