"""Correlations against scipy, by hand, and resamples written out."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr

from bimedix2.errors import DataError
from bimedix2.stats.bootstrap import draw, interval
from bimedix2.stats.correlation import pearson, spearman

pairs_of_scores = st.lists(st.tuples(st.integers(1, 10), st.integers(1, 10)), min_size=3, max_size=30).filter(
    lambda pairs: all(len({pair[side] for pair in pairs}) > 1 for side in (0, 1))
)


@given(pairs_of_scores)
@settings(max_examples=60, deadline=None)
def test_both_are_those_of_scipy(pairs: list[tuple[int, int]]) -> None:
    first, second = ([float(pair[side]) for pair in pairs] for side in (0, 1))
    draws = draw(range(len(pairs)), 20, 0)
    assert pearson(first, second, draws).value == pytest.approx(pearsonr(first, second).statistic, abs=1e-9)
    assert spearman(first, second, draws).value == pytest.approx(spearmanr(first, second).statistic, abs=1e-9)


def test_by_hand_and_ties_at_their_mean() -> None:
    """Ranks 1.5 1.5 3 and 1 2 3: deviations -.5 -.5 1 and -1 0 1, so 1.5 / sqrt(1.5 x 2)."""
    found = spearman([4, 4, 9], [1, 5, 6], draw("abc", 20, 0))
    assert found.value == pytest.approx(1.5 / math.sqrt(3))


def test_a_resample_is_ranked_as_if_its_items_stood_there_as_often_as_they_are_drawn() -> None:
    first, second = [1.0, 2.0, 2.0, 7.0, 9.0, 3.0], [2.0, 1.0, 4.0, 4.0, 8.0, 9.0]
    clusters = ["a", "a", "b", "b", "c", "d"]
    draws = draw(clusters, 300, 3)
    samples = []
    for weights in draws.weights[:, draws.of].astype(int):
        drawn = [np.repeat(column, weights) for column in (first, second)]
        alone = any(len(set(column)) < 2 for column in drawn)
        samples.append(math.nan if alone else spearmanr(*drawn).statistic)
    found = spearman(first, second, draws)
    assert (found.low, found.high) == pytest.approx(interval(samples), abs=1e-9)


def test_one_value_alone_has_no_correlation() -> None:
    for way in (pearson, spearman):
        found = way([3, 3, 3], [1, 2, 3], draw("abc", 20, 0))
        assert math.isnan(found.value)
        assert (found.low, found.high) == (None, None)
    assert pearson([1, 2], [1, 2], draw("aa", 20, 0)).low is None  # one cluster says nothing about the next


def test_lists_that_cannot_be_paired_are_refused() -> None:
    with pytest.raises(DataError, match="cannot be paired"):
        pearson([1, 2], [1], draw("ab", 20, 0))
    with pytest.raises(DataError, match="finite numbers"):
        spearman([1, math.nan], [1, 2], draw("ab", 20, 0))
