"""Judged items to the paper's columns: mean of ratios by question type, kind of image and over all.

A relative score is 100 x the mean of candidate over reference, item by item (LLaVA-Med's
``summarize_gpt_review.py``; specification 3.4), not the ratio of the means. Values over 100 are possible.
Items that could not be judged are counted and are in no mean. Intervals draw images again, not questions.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bimedix2.errors import DataError
from bimedix2.evaluate.mbench.parse import HIGH, LOW
from bimedix2.stats import bootstrap

TYPES = ("conversation", "detailed_description")
DOMAINS = ("chest_xray", "mri", "histology", "gross", "ct_scan")
"""In the order in which the first true flag counts."""
OVERALL = "overall"
COLUMNS = {
    "conversation": "conversation",
    "detailed_description": "description",
    "chest_xray": "cxr",
    "mri": "mri",
    "histology": "histology",
    "gross": "gross",
    "ct_scan": "ct",
    OVERALL: "overall",
}
"""Group -> column of Tables 3 and 4 (``paper/published.yaml``)."""


@dataclass(frozen=True)
class Judged:
    """One item: the reference's and the candidate's score, or why there is none."""

    question_id: int
    type: str
    domain: str
    image: str
    reference: float | None = None
    candidate: float | None = None
    failure: str = ""

    def __post_init__(self) -> None:
        scores = (self.reference, self.candidate)
        if (None in scores) != bool(self.failure):
            raise DataError(f"question {self.question_id}: scores, or a reason why there are none, not both")
        if any(score is not None and not LOW <= score <= HIGH for score in scores):
            raise DataError(
                f"question {self.question_id}: scores {scores} are not from 1 to 10; judge it again"
            )

    @property
    def ratio(self) -> float:
        """Candidate over reference."""
        assert self.reference is not None
        assert self.candidate is not None
        return self.candidate / self.reference


@dataclass(frozen=True)
class Scored:
    """One item of a protocol that scores the candidate alone, 0 to 100, or why there is no score."""

    question_id: int
    type: str
    domain: str
    image: str
    score: float | None
    failure: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.score is None) != bool(self.failure):
            raise DataError(f"question {self.question_id}: a score, or a reason why there is none, not both")

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Mean:
    """A mean score of one group, with its interval over images."""

    n: int
    of: int
    images: int
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Group:
    """Numbers of one group; ``n`` judged items of ``of``, on ``images`` images."""

    n: int
    of: int
    images: int
    relative: float
    low: float | None
    high: float | None
    ref_avg: float
    cand_avg: float
    ratio_of_means: float

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Result:
    """Every group that has a judged item, and failures by reason."""

    groups: dict[str, Group]
    failures: dict[str, int]
    items: int

    @property
    def partial(self) -> str:
        """Which items are missing from the means; empty if none is."""
        failed = sum(self.failures.values())
        if not failed:
            return ""
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(self.failures.items()))
        return f"{failed} of {self.items} items have no score ({reasons})"

    def paper_values(self) -> dict[str, float]:
        """Relative scores under the keys of Tables 3 and 4."""
        return {COLUMNS[name]: group.relative for name, group in self.groups.items()}

    def paper_intervals(self) -> dict[str, tuple[float, float]]:
        """Intervals under the same keys, where there are any."""
        return {
            COLUMNS[name]: (group.low, group.high)
            for name, group in self.groups.items()
            if group.low is not None and group.high is not None
        }

    def to_json(self) -> dict[str, Any]:
        groups = {name: group.to_json() for name, group in self.groups.items()}
        return {"groups": groups, "failures": self.failures, "items": self.items, "partial": self.partial}


def aggregate(items: Sequence[Judged], *, resamples: int = 2000, seed: int = 0) -> Result:
    """Score every group.

    Args:
        items: judged or failed, each question once.
        resamples: of the bootstrap over images.
        seed: of the same.

    Raises:
        DataError: no items, a question twice, or a type or domain that the benchmark does not have.
    """
    groups = {name: _group(inside, resamples, seed) for name, inside in _members(items).items()}
    failures = Counter(item.failure for item in items if item.failure)
    kept = {name: group for name, group in groups.items() if group is not None}
    return Result(kept, dict(failures), len(items))


T = TypeVar("T", Judged, Scored)


def _members(items: Sequence[T]) -> dict[str, list[T]]:
    """Every group's items; all that is wrong with the items is said here."""
    if not items:
        raise DataError("there are no judged items; judge the answers first")
    (twice, times), *_ = Counter(item.question_id for item in items).most_common(1)
    if times > 1:
        raise DataError(f"question {twice} is judged {times} times; join answers by question_id, once each")
    for item in items:
        if item.type not in TYPES or item.domain not in DOMAINS:
            raise DataError(
                f"question {item.question_id} is of type '{item.type}' and domain '{item.domain}'; types are "
                f"{', '.join(TYPES)} and domains {', '.join(DOMAINS)}"
            )
    members = {name: [item for item in items if name in (item.type, item.domain)] for name in TYPES + DOMAINS}
    return members | {OVERALL: list(items)}


def means(items: Sequence[Scored], *, resamples: int = 2000, seed: int = 0) -> dict[str, Mean]:
    """Mean scores of every group that has any, of a protocol that scores the candidate alone.

    Raises:
        DataError: as ``aggregate``.
    """
    found = {}
    for name, inside in _members(items).items():
        there = [(item.score, item.image) for item in inside if item.score is not None]
        if there:
            draws = bootstrap.draw([image for _, image in there], resamples, seed)
            one = bootstrap.mean([score for score, _ in there], draws)
            found[name] = Mean(len(there), len(inside), draws.clusters, one.value, one.low, one.high)
    return found


def _group(items: Sequence[Judged], resamples: int, seed: int) -> Group | None:
    scored = [item for item in items if not item.failure]
    if not scored:
        return None
    draws = bootstrap.draw([item.image for item in scored], resamples, seed)
    estimate = bootstrap.mean([100 * item.ratio for item in scored], draws)
    sums = [sum(float(getattr(item, side)) for item in scored) for side in ("reference", "candidate")]
    return Group(
        n=len(scored),
        of=len(items),
        images=draws.clusters,
        relative=estimate.value,
        low=estimate.low,
        high=estimate.high,
        ref_avg=sums[0] / len(scored),
        cand_avg=sums[1] / len(scored),
        ratio_of_means=100 * sums[1] / sums[0],
    )
