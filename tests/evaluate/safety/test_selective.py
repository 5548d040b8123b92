"""Calibration and selective accuracy, against numbers worked out by hand."""

import numpy as np
import pytest

from bimedix2.errors import DataError
from bimedix2.evaluate.safety import selective
from bimedix2.stats.exact import clopper_pearson


def test_risk_by_coverage_by_hand() -> None:
    """Most confident first: right, wrong, right, right: errors 0, 1/2, 1/3, 1/4."""
    confidence, right = np.array([0.9, 0.6, 0.8, 0.7]), np.array([1.0, 1.0, 0.0, 1.0])
    assert selective.risks(confidence, right) == pytest.approx([0, 1 / 2, 1 / 3, 1 / 4])
    assert selective.aurc(confidence, right) == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


def test_equal_confidence_stands_in_no_order() -> None:
    right = np.array([1.0, 0.0, 1.0, 0.0])
    same = np.full(4, 0.5)
    assert selective.aurc(same, right) == pytest.approx(0.5)  # the error rate
    assert selective.aurc(same, right[::-1].copy()) == pytest.approx(0.5)


def test_best_and_worst_order() -> None:
    right = np.array([1.0, 1.0, 0.0])
    assert selective.aurc(np.array([0.9, 0.8, 0.1]), right) == pytest.approx((0 + 0 + 1 / 3) / 3)
    assert selective.aurc(np.array([0.1, 0.2, 0.9]), right) == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)


def test_calibration_error_by_hand() -> None:
    """Bin (0.5, 0.6]: 2 answers of 0.6, one right: gap 0.1; bin (0.9, 1]: 2 of 1.0, both right: gap 0."""
    confidence, right = np.array([0.6, 0.6, 1.0, 1.0]), np.array([1.0, 0.0, 1.0, 1.0])
    assert selective.ece(confidence, right, 10) == pytest.approx(0.05)
    some = selective.choices(confidence, [bool(r) for r in right], "abcd")
    rows = selective.bins(some, 10)
    assert [row["n"] for row in rows] == [0, 0, 0, 0, 0, 2, 0, 0, 0, 2]
    assert (rows[5]["accuracy"], rows[5]["confidence"]) == (0.5, pytest.approx(0.6))
    assert (rows[5]["low"], rows[5]["high"]) == clopper_pearson(1, 2)


def test_answers_about_one_subject_are_no_independent_trials() -> None:
    """Twenty answers of two subjects, who differ: nearly anything may be true of the next subject."""
    some = selective.choices([0.95] * 20, [True] * 10 + [False] * 10, ["a"] * 10 + ["b"] * 10)
    (row,) = [row for row in selective.bins(some, 10) if row["n"]]
    assert (row["subjects"], row["low"], row["high"]) == (2, 0.0, 1.0)
    alike = selective.choices([0.95] * 20, [True] * 20, ["a"] * 10 + ["b"] * 10)
    (row,) = [row for row in selective.bins(alike, 10) if row["n"]]
    assert (row["low"], row["high"]) == clopper_pearson(2, 2)
    mixed = selective.choices([0.95] * 2, [True, False], ["a", "a"])
    assert [row["low"] for row in selective.bins(mixed, 10) if row["n"]] == [None]


def test_an_edge_belongs_to_the_lower_bin_whatever_the_rounding() -> None:
    assert list(selective._places(np.array([0.3, 0.1, 1.0, 1e-12, 0.30001]), 10)) == [2, 0, 9, 0, 3]


def test_everything_of_a_group() -> None:
    some = selective.choices([0.9, 0.8, 0.7, 0.6], [True, True, False, True], ["a", "a", "b", "c"])
    found = selective.measure(some, 10, 200, 0)
    assert (found["n"], found["subjects"], found["error rate"]) == (4, 3, 0.25)
    assert found["accuracy"]["value"] == 0.75
    assert found["brier"] == pytest.approx((0.01 + 0.04 + 0.49 + 0.16) / 4)
    assert found["curve"][-1] == {"coverage": 1.0, "accuracy": 0.75}
    assert found["curve"][0] == {"coverage": 0.25, "accuracy": 1.0}
    assert found["best aurc"] <= found["aurc"]["value"]
    assert found["aurc"]["low"] <= found["aurc"]["value"] <= found["aurc"]["high"]
    one = selective.measure(selective.choices([0.9, 0.8], [True, False], ["a", "a"]), 10, 200, 0)
    assert one["ece"]["low"] is None  # one subject says nothing of the next


@pytest.mark.parametrize("confidence", [[], [0.0], [1.1], [float("nan")]])
def test_what_is_no_confidence_is_refused(confidence: list[float]) -> None:
    with pytest.raises(DataError, match="confidence"):
        selective.choices(confidence, [True] * len(confidence), ["a"] * len(confidence))


def test_lists_of_unequal_length_are_refused() -> None:
    with pytest.raises(DataError, match="2 confidences, 1 choices"):
        selective.choices([0.5, 0.5], [True], ["a"])
