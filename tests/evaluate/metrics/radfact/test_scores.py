"""RadFact's numbers from verdicts, by hand."""

from typing import Any

import pytest

from bimedix2.evaluate.metrics import pooled
from bimedix2.evaluate.metrics.radfact.scores import VARIANTS, counts


def side(*verdicts: str | None, blank: bool = False, split: bool = True) -> dict[str, Any]:
    """``+`` entailed, ``-`` not, ``None`` no readable verdict."""
    status = {"+": "entailment", "-": "not_entailment", None: None}
    phrases = [{"text": str(n), "status": status[one]} for n, one in enumerate(verdicts)]
    return {"blank": blank, "dropped": [], "unfiltered": False, "phrases": phrases if split else None}


def pair(ref: dict[str, Any], hyp: dict[str, Any]) -> dict[str, Any]:
    return {"ref": ref, "hyp": hyp}


CXR, CT = VARIANTS["cxr", "keep"], VARIANTS["ct", "keep"]
PAIRS = [
    pair(side("+", "-"), side("+", "+", "-")),  # precision 2/3, recall 1/2
    pair(side("-"), side("-", "-")),  # 0, 0
    pair(side("+", "+"), side("+")),  # 1, 1
]


def test_f1_is_that_of_the_mean_precision_and_the_mean_recall() -> None:
    found = pooled.values({"radfact": PAIRS})
    own = pooled.columns("radfact", PAIRS)
    assert own["radfact_precision"] == pytest.approx([2 / 3, 0, 1])
    assert own["radfact_recall"] == pytest.approx([1 / 2, 0, 1])
    precision, recall = (2 / 3 + 1) / 3, (1 / 2 + 1) / 3
    assert found == {"radfact_f1": pytest.approx(2 * precision * recall / (precision + recall))}
    each = [2 * p * r / (p + r) if p + r else 0 for p, r in ((2 / 3, 1 / 2), (0, 0), (1, 1))]
    assert found["radfact_f1"] != pytest.approx(sum(each) / 3)


def test_radfact_ct_is_the_same_times_a_hundred_under_its_own_name() -> None:
    (f1,) = pooled.values({"radfact": PAIRS}).values()
    assert pooled.values({"radfact_ct": PAIRS}) == {"radfact_ct_f1": pytest.approx(100 * (f1 or 0))}
    assert pooled.columns("radfact_ct", PAIRS)["radfact_ct_recall"] == pytest.approx([50, 0, 100])
    names = {key for one in VARIANTS.values() for key in one.keys}
    assert len(names) == 12
    assert VARIANTS["ct", "drop"].f1 == "radfact_ct_positive_f1"


def test_a_report_without_statements_is_in_the_other_mean_alone() -> None:
    """Both sources take the mean over the pairs that have a number."""
    details = [pair(side("+"), side("+")), pair(side("-", "-"), side(blank=True))]
    own = pooled.columns("radfact", details)
    assert own["radfact_precision"] == [1, None]
    assert own["radfact_recall"] == [1, 0]
    assert pooled.values({"radfact": details})["radfact_f1"] == pytest.approx(2 * 1 * 0.5 / 1.5)


def test_nothing_to_score_is_no_zero_and_nothing_right_is_one() -> None:
    assert pooled.values({"radfact": [pair(side(blank=True), side(blank=True))]})["radfact_f1"] is None
    assert pooled.values({"radfact": [pair(side("-"), side(blank=True))]})["radfact_f1"] is None
    assert pooled.values({"radfact": [pair(side("-"), side("-"))]})["radfact_f1"] == 0


def test_an_unsplit_report_takes_its_pair_out_and_an_unread_verdict_its_statement() -> None:
    details = [pair(side("+", None, "-"), side(None)), pair(side("+"), side(split=False))]
    own = pooled.columns("radfact", details)
    assert own["radfact_recall"] == [0.5, None]
    assert own["radfact_precision"] == [None, None]
    counted = counts(details)
    assert counted["pairs without a number"] == 1
    assert counted["statements"] == 4
    assert counted["statements without a readable verdict"] == 2
    assert counts([pair(side(), side(blank=True))])["reports without statements"] == 1
