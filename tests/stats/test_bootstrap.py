"""The bootstrap against values worked out by hand, and what must hold of any of them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bimedix2.errors import DataError
from bimedix2.stats import bootstrap
from bimedix2.stats.bootstrap import draw

shares = st.lists(st.floats(0, 1), min_size=2, max_size=30)


@given(shares, st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_an_interval_holds_the_mean_and_stays_within_the_values(values: list[float], seed: int) -> None:
    found = bootstrap.mean(values, draw(range(len(values)), 400, seed))
    assert found.value == pytest.approx(sum(values) / len(values))
    assert found.low is not None
    assert found.high is not None
    # 1e-9: a weighted mean of equal values may differ from them in the last bit.
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9


def test_independent_values_give_the_interval_of_the_normal_approximation() -> None:
    values = [1.0] * 60 + [0.0] * 40
    found = bootstrap.mean(values, draw(range(100), 20_000, 0))
    half = 1.96 * math.sqrt(0.6 * 0.4 / 100)
    assert found.low == pytest.approx(0.6 - half, abs=0.015)
    assert found.high == pytest.approx(0.6 + half, abs=0.015)


def test_a_subject_with_many_answers_counts_as_one() -> None:
    """Ten copies of each of 20 subjects: the interval is that of 20 values, not of 200."""
    values = [float(i % 2) for i in range(20)]
    few = bootstrap.mean(values, draw(range(20), 4000, 1))
    many = bootstrap.mean(np.repeat(values, 10), draw(np.repeat(range(20), 10).tolist(), 4000, 1))
    assert (many.low, many.high) == (pytest.approx(few.low), pytest.approx(few.high))
    alone = bootstrap.mean(np.repeat(values, 10), draw(range(200), 4000, 1))
    assert alone.high - alone.low < 0.5 * (many.high - many.low)  # type: ignore[operator]


def test_equal_seeds_give_equal_intervals() -> None:
    values = [0.0, 1.0, 1.0, 0.5, 0.2]
    once, again, other = (bootstrap.mean(values, draw("abcde", 500, seed)) for seed in (3, 3, 4))
    assert once == again
    assert once != other


def test_a_macro_mean_weighs_groups_equally() -> None:
    values, groups = [1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"]
    found = bootstrap.macro(values, groups, draw([0, 1, 0, 1], 500, 0))
    assert found.value == 0.5
    # Subject 1 is right in a and wrong in b, subject 0 is right in a alone.
    assert (found.low, found.high) == (0.5, 1.0)


def test_a_group_that_a_resample_misses_is_left_out_of_it() -> None:
    found = bootstrap.macro([1.0, 0.0], ["a", "b"], draw(range(2), 500, 0))
    assert (found.value, found.low, found.high) == (0.5, 0.0, 1.0)


def test_one_subject_gives_no_interval() -> None:
    found = bootstrap.mean([0.0, 1.0, 1.0], draw(["p", "p", "p"], 500, 0))
    assert found.value == pytest.approx(2 / 3)
    assert (found.low, found.high) == (None, None)


def test_a_paired_difference_is_narrower_than_an_unpaired_one() -> None:
    base = [float(i % 3 == 0) for i in range(90)]
    ours = list(base)
    ours[1] = 1.0
    found = bootstrap.difference(ours, base, draw(range(90), 2000, 0))
    assert found.value == pytest.approx(1 / 90)
    assert found.low == 0.0
    assert found.high is not None
    assert found.high < 0.05


@given(st.lists(st.tuples(st.floats(-500, -1), st.integers(1, 200)), min_size=2, max_size=12))
@settings(max_examples=40, deadline=None)
def test_the_ratio_of_a_perplexity_to_itself_is_one(texts: list[tuple[float, int]]) -> None:
    column = ([value for value, _ in texts], [float(tokens) for _, tokens in texts])
    found = bootstrap.perplexity_ratio(column, column, draw(range(len(texts)), 200, 0))
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def test_perplexity_of_known_likelihoods() -> None:
    assert bootstrap.perplexity(-4 * math.log(8), 4) == pytest.approx(8)
    ours, theirs = ([-math.log(9) * 2], [2.0]), ([-math.log(3) * 2], [2.0])
    assert bootstrap.perplexity_ratio(ours, theirs, draw("a", 100, 0)).value == pytest.approx(3)


@pytest.mark.parametrize("bad", [[], [0.5, float("nan")], [float("inf")]])
def test_what_is_no_number_is_refused(bad: list[float]) -> None:
    with pytest.raises(DataError, match=r"empty|NaN or infinity at"):
        bootstrap.mean(bad, draw(range(max(1, len(bad))), 100, 0))


def test_values_without_a_partner_are_refused() -> None:
    with pytest.raises(DataError, match="2 values cannot be paired with 1"):
        bootstrap.difference([1.0, 0.0], [1.0], draw(range(2), 100, 0))


def test_a_function_of_sums_has_the_interval_of_the_mean_that_it_is() -> None:
    values, names = [0.0, 1.0, 1.0, 0.0, 1.0], ["a", "a", "b", "c", "d"]
    draws = bootstrap.draw(names, 500, 3)
    addends = np.stack([values, np.ones(5)], axis=1)
    found = bootstrap.of_sums(
        addends, lambda s: {"mean": s[..., 0] / s[..., 1], "none": s[..., 0] * np.nan}, draws
    )
    wanted = bootstrap.mean(values, draws)
    got = found["mean"]
    assert got is not None
    assert (got.value, got.low, got.high) == pytest.approx((wanted.value, wanted.low, wanted.high))
    assert found["none"] is None
    alone = bootstrap.of_sums(addends, lambda s: {"sum": s[..., 0]}, bootstrap.draw(["a"] * 5, 100, 3))
    assert alone["sum"] == bootstrap.Estimate(3.0, None, None)
