"""Strengths against cases that are known by hand, a general optimiser, and the limits that do not exist."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from bimedix2.errors import DataError
from bimedix2.stats.bootstrap import draw
from bimedix2.stats.bradley_terry import bradley_terry, strengths, wins_of


def by_optimiser(wins: np.ndarray) -> np.ndarray:
    """The maximum of the likelihood by BFGS on log-strengths, the first held at 0."""
    models = len(wins)

    def loss(rest: np.ndarray) -> float:
        s = np.concatenate([[0.0], rest])
        apart = s[:, None] - s[None, :]
        return float((wins * np.log1p(np.exp(-apart))).sum())

    s = np.concatenate([[0.0], minimize(loss, np.zeros(models - 1), tol=1e-12).x])
    p = np.exp(s)
    return p / p.sum()


def test_two_models_have_their_shares_of_wins() -> None:
    assert strengths(np.array([[0, 30.0], [10, 0]])) == pytest.approx([0.75, 0.25])


def test_choices_among_the_same_models_have_the_shares_of_choices() -> None:
    """As the paper's: 10, 2 and 1 of 13 (Luce's model has this closed form)."""
    wins = sum(wins_of([best], 3) for best in [0] * 10 + [1] * 2 + [2])
    assert strengths(wins) == pytest.approx([10 / 13, 2 / 13, 1 / 13])


def test_a_tie_is_half_a_win_of_each_over_each_other() -> None:
    wins = wins_of([0, 2], 3)
    assert wins.tolist() == [[0, 1, 0.5], [0, 0, 0], [0.5, 1, 0]]
    assert wins_of([], 3).sum() == 0
    assert strengths(sum(wins_of([0, 1, 2], 3) for _ in range(4))) == pytest.approx([1 / 3] * 3)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=12, max_size=12))
def test_the_fit_is_the_maximum_of_the_likelihood(counts: list[int]) -> None:
    wins = np.zeros((4, 4))
    wins[~np.eye(4, dtype=bool)] = counts
    assert strengths(wins) == pytest.approx(by_optimiser(wins), abs=2e-5)


def test_who_is_never_best_has_strength_0_and_who_is_never_beaten_has_all() -> None:
    assert strengths(np.array([[0, 3.0, 4], [1, 0, 4], [0, 0, 0]])) == pytest.approx([0.75, 0.25, 0])
    assert strengths(np.array([[0, 1.0, 1], [0, 0, 5], [0, 5, 0]])) == pytest.approx([1, 0, 0])


def test_models_that_were_never_compared_have_no_order() -> None:
    wins = np.zeros((4, 4))
    wins[0, 1] = wins[1, 0] = wins[2, 3] = wins[3, 2] = 1
    assert np.isnan(strengths(wins)).all()


def test_many_at_once_are_as_one_by_one() -> None:
    many = np.random.default_rng(0).poisson(2, (50, 3, 3)).astype(float)
    assert strengths(many) == pytest.approx(np.stack([strengths(one) for one in many]), abs=1e-7, nan_ok=True)


def test_intervals_hold_the_value_and_narrow_with_items() -> None:
    def widths(items: int) -> float:
        rng = np.random.default_rng(1)
        wins = [wins_of([int(best)], 3) for best in rng.choice(3, items, p=[0.6, 0.3, 0.1])]
        found = bradley_terry(wins, draw(range(items), 500, 0))
        for one in found.each:
            assert one.low is not None
            assert one.high is not None
            assert one.low <= one.value <= one.high
        assert sum(one.value for one in found.each) == pytest.approx(1)
        first = found.each[0]
        return float(first.high or 0) - float(first.low or 0)

    assert widths(400) < 0.6 * widths(40)


def test_several_judgements_of_an_item_are_drawn_together() -> None:
    one = [wins_of([0], 2), wins_of([1], 2)] * 10
    twice = [win for win in one for _ in range(3)]
    alone = bradley_terry(one, draw(range(20), 500, 0))
    grouped = bradley_terry(twice, draw([n // 3 for n in range(60)], 500, 0))
    apart = bradley_terry(twice, draw(range(60), 500, 0))
    assert grouped.each[0] == alone.each[0]
    assert apart.each[0].low > grouped.each[0].low  # type: ignore[operator]


def test_one_item_alone_gives_no_interval() -> None:
    found = bradley_terry([wins_of([0], 2), wins_of([1], 2)], draw(["a", "a"], 100, 0))
    assert (found.each[0].value, found.each[0].low) == (0.5, None)


def test_bad_judgements_are_refused() -> None:
    with pytest.raises(DataError, match="no choice among 2 models"):
        wins_of([2], 2)
    with pytest.raises(DataError, match="no choice"):
        wins_of([0, 0], 2)
    with pytest.raises(DataError, match="drawn for 0"):
        bradley_terry([], draw(["a"], 100, 0))
