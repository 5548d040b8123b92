"""Paired tests against values worked out by hand or by scipy, and what must hold of any of them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from bimedix2.errors import DataError
from bimedix2.stats import paired

GOOD = [1.0] * 70 + [0.0] * 30
POOR = [1.0] * 40 + [0.0] * 60


def test_a_clear_difference_is_found_by_all_three() -> None:
    items = range(100)
    boot = paired.paired_bootstrap(GOOD, POOR, items, resamples=1000)
    swapped = paired.randomisation(GOOD, POOR, items, rounds=2000)
    exact = paired.mcnemar([v > 0 for v in GOOD], [v > 0 for v in POOR])
    assert boot.difference.value == pytest.approx(0.3)
    assert boot.difference.low is not None
    assert boot.difference.low > 0.2
    assert (boot.wins, boot.items, boot.groups) == (1.0, 100, 100)
    assert boot.p == pytest.approx(2 / 1001)  # no resample proves that it is 0
    assert swapped.p == pytest.approx(1 / 2001)
    assert (exact.ours_only, exact.theirs_only) == (30, 0)
    assert exact.p == pytest.approx(2 * 0.5**30)


def test_equal_systems_differ_by_nothing() -> None:
    boot = paired.paired_bootstrap(GOOD, GOOD, range(100))
    assert (boot.difference.value, boot.wins, boot.p) == (0.0, 0.5, 1.0)
    assert paired.randomisation(GOOD, GOOD, range(100)).p == 1.0
    assert paired.mcnemar([True, False], [True, False]).p == 1.0


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 20))
@settings(max_examples=60, deadline=None)
def test_mcnemar_is_the_binomial_test_of_the_items_that_differ(ours: int, theirs: int, both: int) -> None:
    left = [True] * ours + [False] * theirs + [True] * both
    right = [False] * ours + [True] * theirs + [True] * both
    if not left:
        return
    found = paired.mcnemar(left, right)
    wanted = binomtest(ours, ours + theirs, 0.5).pvalue if ours + theirs else 1.0
    assert found.p == pytest.approx(wanted, abs=1e-9)
    assert (found.ours_only, found.theirs_only) == (ours, theirs)


def test_mcnemar_of_many_items_does_not_underflow() -> None:
    left, right = [True] * 2100 + [False] * 1900, [False] * 2100 + [True] * 1900
    assert paired.mcnemar(left, right).p == pytest.approx(binomtest(2100, 4000, 0.5).pvalue, rel=1e-6)


def test_mcnemar_with_groups_counts_a_group_as_one_coin() -> None:
    """Three pictures with 4, 3 and 1 answers that ours alone has right: 2 of the 8 signings reach 8."""
    groups = ["a"] * 4 + ["b"] * 3 + ["c"]
    found = paired.mcnemar([True] * 8, [False] * 8, groups)
    assert found.p == pytest.approx(2 / 8)
    assert paired.mcnemar([True] * 8, [False] * 8).p == pytest.approx(2 / 256)
    assert (found.items, found.groups) == (8, 3)


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5)), min_size=1, max_size=24),
)
@settings(max_examples=60, deadline=None)
def test_mcnemar_with_groups_is_the_exact_randomisation_test(rows: list[tuple[bool, bool, int]]) -> None:
    ours, theirs, groups = zip(*rows, strict=True)
    swapped = paired.randomisation([float(v) for v in ours], [float(v) for v in theirs], groups)
    assert swapped.exact
    assert paired.mcnemar(ours, theirs, groups).p == pytest.approx(swapped.p, abs=1e-9)


def test_few_groups_are_swapped_in_every_way() -> None:
    """Differences 3, 2, 1: of the eight sums (6 4 2 0 and their negatives) 2 are at least 6 in size."""
    found = paired.randomisation([3.0, 2.0, 1.0], [0.0, 0.0, 0.0], "abc")
    assert (found.exact, found.rounds, found.p) == (True, 8, 0.25)
    assert found.difference == pytest.approx(2.0)


def test_random_swaps_come_close_to_all_swaps(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    ours, theirs = rng.normal(0.3, 1, 14).tolist(), rng.normal(0, 1, 14).tolist()
    exact = paired.randomisation(ours, theirs, range(14))
    monkeypatch.setattr(paired, "EXACT", 4)
    monkeypatch.setattr(paired, "CHUNK", 1000)
    drawn = paired.randomisation(ours, theirs, range(14), rounds=20_000, seed=1)
    assert exact.exact
    assert not drawn.exact
    assert drawn.p == pytest.approx(exact.p, abs=4 * math.sqrt(exact.p * (1 - exact.p) / 20_000))


def test_answers_about_one_picture_are_no_independent_evidence() -> None:
    """Ten answers on each of six pictures, all or none of them better: six coins, not sixty."""
    groups = np.repeat(range(6), 10).tolist()
    ours, theirs = [1.0] * 50 + [0.0] * 10, [0.0] * 50 + [1.0] * 10
    alone = paired.randomisation(ours, theirs, range(60), rounds=4000)
    together = paired.randomisation(ours, theirs, groups)
    assert alone.p < 0.001
    assert together.p == pytest.approx((6 + 1) * 2 / 64)
    wide = paired.paired_bootstrap(ours, theirs, groups, resamples=1000).difference
    narrow = paired.paired_bootstrap(ours, theirs, range(60), resamples=1000).difference
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)  # type: ignore[operator]


def test_a_macro_mean_weighs_a_small_part_as_much_as_a_large_one() -> None:
    """Better by 1 on 2 questions of anatomy, worse by 1 on 2 of 8 of MedQA: 1 - 0.25, halved."""
    parts = ["anatomy"] * 2 + ["medqa"] * 8
    ours, theirs = [1.0, 1.0] + [0.0] * 8, [0.0, 0.0] + [1.0, 1.0] + [0.0] * 6
    boot = paired.paired_bootstrap(ours, theirs, range(10), parts, resamples=500)
    assert boot.difference.value == pytest.approx(0.375)
    assert paired.randomisation(ours, theirs, range(10), parts).difference == pytest.approx(0.375)
    assert paired.randomisation(ours, theirs, range(10)).difference == pytest.approx(0.0)


def test_the_bootstrap_of_a_macro_mean_agrees_with_that_of_the_interval() -> None:
    rng = np.random.default_rng(2)
    ours, theirs = rng.integers(0, 2, 60).astype(float), rng.integers(0, 2, 60).astype(float)
    parts = ["a"] * 45 + ["b"] * 15
    boot = paired.paired_bootstrap(ours.tolist(), theirs.tolist(), range(60), parts, resamples=2000, seed=3)
    draws = paired.bootstrap.draw(range(60), 2000, 3)
    samples = paired._resampled(ours - theirs, parts, draws)
    low, high = paired.bootstrap.interval(samples)
    assert (boot.difference.low, boot.difference.high) == (pytest.approx(low), pytest.approx(high))


def test_equal_seeds_give_equal_p_values() -> None:
    rng = np.random.default_rng(7)
    ours, theirs = rng.random(40).tolist(), rng.random(40).tolist()
    once, again = (paired.randomisation(ours, theirs, range(40), rounds=500, seed=9) for _ in range(2))
    assert once == again
    assert once != paired.randomisation(ours, theirs, range(40), rounds=500, seed=10)


def test_one_group_says_nothing_of_the_next() -> None:
    boot = paired.paired_bootstrap([1.0, 1.0], [0.0, 0.0], ["p", "p"])
    assert (boot.wins, boot.p, boot.difference.low) == (None, None, None)
    assert paired.mcnemar([True, True], [False, False], ["p", "p"]).p == 1.0


def test_holm_keeps_the_order_and_never_falls() -> None:
    assert paired.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert paired.holm([0.9, 0.9]) == [1.0, 1.0]
    assert paired.holm([]) == []


@pytest.mark.parametrize(
    ("ours", "theirs", "message"),
    [
        ([1.0, 0.0], [1.0], "2 values of ours, 1 of theirs"),
        ([], [], "no items to compare"),
        ([1.0, float("nan")], [1.0, 1.0], "item 1 has no number"),
    ],
)
def test_what_cannot_be_paired_is_refused(ours: list[float], theirs: list[float], message: str) -> None:
    for test in (paired.paired_bootstrap, paired.randomisation):
        with pytest.raises(DataError, match=message):
            test(ours, theirs, range(len(ours)))
