"""RadFact from verdicts (Bannur et al. 2024, MAIRA-2; github.com/microsoft/RadFact): which statements hold?

A pair's precision is the share of the candidate's statements that the reference entails, its recall the share
of the reference's that the candidate entails; a report without statements has none. Over all pairs: the mean
precision and the mean recall of the pairs that have one, and the F1 of the two means, not the mean of F1s.
``radfact_ct`` is RadEval's: the same of CT reports, times 100. Statements that deny something can be left
out ("RadFact +"): that has keys of its own too. Boxes and their grounding are not scored here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Study = Literal["cxr", "ct"]
Negatives = Literal["keep", "drop"]
Side = Mapping[str, Any]
"""``phrases``: each with ``text`` and ``status``; ``null`` where the report could not be split."""

ENTAILED, NOT_ENTAILED = "entailment", "not_entailment"
PARTS = 4
"""Precision, pairs that have one, recall, pairs that have one."""


def share(side: Side) -> float | None:
    """The share of a side's statements that the other side entails; ``None`` where there is none.

    A statement without a readable verdict is left out (and counted): what a judge writes is no fault of the
    report. Both sources count it as not entailed.
    """
    read = [phrase["status"] for phrase in side["phrases"] or () if phrase["status"] is not None]
    return read.count(ENTAILED) / len(read) if read else None


def unsplit(detail: Mapping[str, Any]) -> bool:
    """Whether a report of the pair could not be split, so that the pair has no number."""
    return any(detail[side]["phrases"] is None for side in ("ref", "hyp"))


@dataclass(frozen=True)
class Variant:
    """One of the published forms, with its own keys."""

    study: Study
    negatives: Negatives

    @property
    def name(self) -> str:
        return (
            "radfact"
            + ("_ct" if self.study == "ct" else "")
            + ("_positive" if self.negatives == "drop" else "")
        )

    @property
    def precision(self) -> str:
        return f"{self.name}_precision"

    @property
    def recall(self) -> str:
        return f"{self.name}_recall"

    @property
    def f1(self) -> str:
        return f"{self.name}_f1"

    @property
    def keys(self) -> tuple[str, str, str]:
        return self.precision, self.recall, self.f1

    @property
    def scale(self) -> float:
        """What 1 is written as."""
        return 100.0 if self.study == "ct" else 1.0

    def columns(self, detail: Mapping[str, Any]) -> dict[str, float | None]:
        """A pair's precision and recall."""
        sides = {self.precision: detail["hyp"], self.recall: detail["ref"]}
        found: dict[str, float | None] = {}
        for key, side in sides.items():
            value = None if unsplit(detail) else share(side)
            found[key] = None if value is None else self.scale * value
        return found

    def addends(self, detail: Mapping[str, Any]) -> list[float]:
        """What a pair adds to the two means."""
        out: list[float] = []
        for value in self.columns(detail).values():
            out += [0.0, 0.0] if value is None else [value, 1.0]
        return out

    def of_sums(self, sums: Array) -> dict[str, Array]:
        """F1 of the two means; NaN where either has no pair, 0 where both means are 0 (as RadEval)."""
        tops, under = sums[..., 0::2], sums[..., 1::2]
        means = np.divide(tops, under, out=np.full_like(tops, np.nan), where=under > 0)
        precision, recall = means[..., 0], means[..., 1]
        both = precision + recall
        f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
        return {self.f1: np.where(np.isnan(both), np.nan, f1)}


VARIANTS = {
    (study, negatives): Variant(study, negatives) for study in ("cxr", "ct") for negatives in ("keep", "drop")
}


def counts(details: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """What a reader of the scores should know of the judge's replies, under the page's words."""
    sides = [detail[side] for detail in details for side in ("ref", "hyp")]
    whole = [detail for detail in details if not unsplit(detail)]
    phrases = [phrase for detail in whole for side in ("ref", "hyp") for phrase in detail[side]["phrases"]]
    return {
        "pairs": len(details),
        "pairs without a number": sum(unsplit(detail) for detail in details),
        "blank reports": sum(side["blank"] for side in sides),
        "reports without statements": sum(side["phrases"] == [] and not side["blank"] for side in sides),
        "statements": len(phrases),
        "statements without a readable verdict": sum(phrase["status"] is None for phrase in phrases),
        "statements left out as negative": sum(len(side["dropped"]) for side in sides),
        "reports whose negatives could not be told": sum(side["unfiltered"] for side in sides),
    }
