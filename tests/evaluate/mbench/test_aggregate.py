"""Aggregation against LLaVA-Med's own (golden file), and what failures and pictures do to it."""

import json
from pathlib import Path

import pytest

from bimedix2.errors import DataError
from bimedix2.evaluate.mbench.aggregate import Judged, Scored, aggregate, means

GOLDEN = Path("../shared/golden/judge_aggregate.json")


def item(
    number: int,
    reference: float | None = 8.0,
    candidate: float | None = 6.0,
    *,
    type: str = "conversation",
    domain: str = "mri",
    image: str = "",
    failure: str = "",
) -> Judged:
    return Judged(number, type, domain, image or f"{number}.jpg", reference, candidate, failure)


@pytest.mark.skipif(not GOLDEN.is_file(), reason="the golden file is not on this machine")
def test_the_golden_aggregate_is_met_to_the_last_digit() -> None:
    """Invented scores on the real layout of 193 items; numbers by LLaVA-Med's ``summarize_gpt_review.py``."""
    golden = json.loads(GOLDEN.read_text())
    items = [
        item(row["question_id"], row["ref"], row["cand"], type=row["type"], domain=row["domain"])
        for row in golden["rows"]
    ]
    found = aggregate(items, resamples=100)
    assert found.groups.keys() == golden["aggregate"].keys()
    for name, wanted in golden["aggregate"].items():
        group = vars(found.groups[name])
        assert group["n"] == group["of"] == wanted["n"]
        for key in ("ref_avg", "cand_avg", "relative", "ratio_of_means"):
            assert group[key] == pytest.approx(wanted[key], abs=1e-9), (name, key)
    assert found.partial == ""
    assert list(found.paper_values()) == [
        "conversation", "description", "cxr", "mri", "histology", "gross", "ct", "overall",
    ]  # fmt: skip


def test_a_mean_of_ratios_is_not_the_ratio_of_means() -> None:
    found = aggregate([item(0, 10, 5), item(1, 2, 3)]).groups["overall"]
    assert found.relative == pytest.approx((50 + 150) / 2)
    assert found.ratio_of_means == pytest.approx(100 * 8 / 12)
    assert (found.ref_avg, found.cand_avg) == (6, 4)


def test_failures_are_counted_by_reason_and_are_in_no_mean() -> None:
    failed = [item(1, None, None, failure="prose"), item(2, None, None, failure="refused", domain="gross")]
    found = aggregate([item(0, 10, 5), *failed])
    assert found.groups["overall"].relative == 50
    assert (found.groups["mri"].n, found.groups["mri"].of) == (1, 2)
    assert "gross" not in found.groups  # all of it failed: no number, not a zero
    assert found.failures == {"prose": 1, "refused": 1}
    assert found.partial == "2 of 3 items have no score (1 prose, 1 refused)"


def test_intervals_draw_pictures_not_questions() -> None:
    """Ten questions on each of four pictures, all alike on a picture: as wide as four values."""
    many = [item(n, 10, 4 + 2 * (n % 4), image=str(n % 4)) for n in range(40)]
    few = [item(n, 10, 4 + 2 * n, image=str(n)) for n in range(4)]
    wide, same = (aggregate(items, resamples=2000).groups["overall"] for items in (many, few))
    assert (wide.low, wide.high) == (pytest.approx(same.low), pytest.approx(same.high))
    assert wide.images == 4
    alone = aggregate([item(n, 10, 4 + 2 * (n % 4)) for n in range(40)], resamples=2000).groups["overall"]
    assert alone.high - alone.low < 0.5 * (wide.high - wide.low)  # type: ignore[operator]


def test_one_picture_gives_no_interval() -> None:
    found = aggregate([item(0, image="a"), item(1, image="a")])
    assert found.groups["overall"].low is None
    assert found.paper_intervals() == {}


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "no judged items"),
        ([item(3), item(3)], "question 3 is judged 2 times"),
        ([item(0, type="وصف تفصيلي")], "of type 'وصف تفصيلي'"),
        ([item(0, domain="pet")], "domain 'pet'"),
    ],
)
def test_what_the_benchmark_does_not_have_is_refused(items: list[Judged], message: str) -> None:
    with pytest.raises(DataError, match=message):
        aggregate(items)


@pytest.mark.parametrize(
    ("reference", "candidate", "failure"),
    [(None, None, ""), (8, None, ""), (8, 6, "prose"), (0, 6, ""), (8, 11, "")],
)
def test_a_score_or_a_reason_never_both_and_none_out_of_range(
    reference: float | None, candidate: float | None, failure: str
) -> None:
    with pytest.raises(DataError, match="question 0"):
        item(0, reference, candidate, failure=failure)


def test_scores_without_a_reference_have_means_too() -> None:
    items = [
        Scored(0, "conversation", "mri", "a", 80.0),
        Scored(1, "conversation", "mri", "b", 40.0),
        Scored(2, "conversation", "gross", "c", None, "no facts"),
    ]
    found = means(items, resamples=200)
    assert (found["overall"].value, found["overall"].n, found["overall"].of) == (60.0, 2, 3)
    assert "gross" not in found
    with pytest.raises(DataError, match="not both"):
        Scored(0, "conversation", "mri", "a", None)
