"""Agreement against published worked examples, scikit-learn, and what must hold of any ratings.

The examples' tables and figures were compared with those that several public test suites cite from the same
sources; the papers themselves were not at hand.
"""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from bimedix2.errors import DataError
from bimedix2.stats.agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha, weighted_kappa
from bimedix2.stats.bootstrap import Draws, draw


def over(items: Sequence[object], resamples: int = 200) -> Draws:
    return draw(range(len(items)), resamples, 0)


GRANTS = (["yes"] * 25 + ["no"] * 25, ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15)

FLEISS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]
"""Counts of five values, 14 raters an item."""


def krippendorff_units(*observers: str) -> list[list[str | None]]:
    """Observers as rows of characters, ``.`` for a missing value, to items."""
    return [[None if c == "." else c for c in unit] for unit in zip(*observers, strict=True)]


FOUR = krippendorff_units("123321412...", "1233224125.3", ".3332342251.", "12332441251.")


def test_cohens_kappa_of_fifty_grant_proposals() -> None:
    """20 both yes, 5 and 10 mixed, 15 both no: 0.7 observed, 0.5 expected, kappa 0.4 (Wikipedia, Cohen's
    kappa, the simple example; also worked out by hand)."""
    assert cohen_kappa(*GRANTS, over(GRANTS[0])).value == pytest.approx((0.7 - 0.5) / 0.5)


def test_fleiss_kappa_of_ten_subjects_and_fourteen_raters() -> None:
    """Wikipedia, Fleiss' kappa, worked example: 0.210 (mean P 0.378, P_e 0.213)."""
    ratings = [[value for value, count in enumerate(row) for _ in range(count)] for row in FLEISS]
    assert fleiss_kappa(ratings, over(ratings)).value == pytest.approx(0.210, abs=5e-4)


@pytest.mark.parametrize(
    ("units", "value"),
    [
        # Krippendorff 2011: A (binary, two observers), B (nominal, two), C (nominal, four, missing values).
        (krippendorff_units("0100000010", "1110010000"), 0.095),
        (krippendorff_units("aabbdcccedda", "babbbccceddd"), 0.692),
        (FOUR, 0.743),
    ],
)
def test_krippendorffs_nominal_examples(units: list[list[str | None]], value: float) -> None:
    assert krippendorff_alpha(units, over(units)).value == pytest.approx(value, abs=5e-4)


def test_krippendorffs_ordinal_example() -> None:
    """Krippendorff 2011, section D: the four observers' values as ranks, 0.815."""
    found = krippendorff_alpha(FOUR, over(FOUR), "ordinal", "12345")
    assert found.value == pytest.approx(0.815, abs=5e-4)


def test_ordinal_alpha_by_the_definition() -> None:
    """The ordinal difference written out: ratings between two values, half of both ends, squared."""
    units = krippendorff_units("1132", "1223", "13.3")
    values = [value for row in units for value in row if value is not None]
    ranks = "123"
    count = {rank: values.count(rank) for rank in ranks}

    def squared(one: str, other: str) -> float:
        low, high = sorted((one, other))
        between = sum(count[r] for r in ranks if low <= r <= high)
        return (between - (count[one] + count[other]) / 2) ** 2

    observed = 0.0
    for row in units:
        given_ = [value for value in row if value is not None]
        pairs = [(a, b) for i, a in enumerate(given_) for j, b in enumerate(given_) if i != j]
        observed += sum(squared(*pair) for pair in pairs) / (len(given_) - 1)
    n = len(values)
    expected = sum(squared(a, b) for i, a in enumerate(values) for j, b in enumerate(values) if i != j)
    by_hand = 1 - (observed / n) / (expected / (n * (n - 1)))
    assert krippendorff_alpha(units, over(units), "ordinal", ranks).value == pytest.approx(by_hand)


pairs_of_ratings = st.lists(
    st.tuples(st.sampled_from(["none", "minor", "major"]), st.sampled_from(["none", "minor", "major"])),
    min_size=3,
    max_size=40,
).filter(lambda pairs: len({value for pair in pairs for value in pair}) > 1)


@given(pairs_of_ratings)
@settings(max_examples=60, deadline=None)
def test_cohens_kappa_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    first, second = zip(*pairs, strict=True)
    ours = cohen_kappa(first, second, over(pairs, 20))
    assert ours.value == pytest.approx(cohen_kappa_score(list(first), list(second)))


def test_weighted_kappa_worked_out_by_hand() -> None:
    """1 2 3 and 2 2 3: squared differences of 1/3; of all nine pairs (1 1 4 + 0 0 1 + 1 1 0) / 9 = 1."""
    found = weighted_kappa([1, 2, 3], [2, 2, 3], over("abc"))
    assert found.value == pytest.approx(1 - (1 / 3) / 1)


@given(st.lists(st.tuples(st.integers(1, 10), st.integers(1, 10)), min_size=3, max_size=40))
@settings(max_examples=60, deadline=None)
def test_weighted_kappa_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    ours = weighted_kappa(first, second, over(pairs, 20))
    if len({*first, *second}) == 1:
        assert math.isnan(ours.value)
    else:
        theirs = cohen_kappa_score(first, second, labels=list(range(1, 11)), weights="quadratic")
        assert ours.value == pytest.approx(theirs, abs=1e-9)


@given(pairs_of_ratings)
@settings(max_examples=60, deadline=None)
def test_alpha_of_two_raters_is_scotts_pi_corrected_for_size(pairs: list[tuple[str, str]]) -> None:
    """With n values, alpha = 1 - (1 - pi) (n - 1) / n, and pi is Fleiss' kappa of two (Krippendorff 2011)."""
    pi = fleiss_kappa(pairs, over(pairs, 20)).value
    alpha = krippendorff_alpha(pairs, over(pairs, 20)).value
    n = 2 * len(pairs)
    assert alpha == pytest.approx(1 - (1 - pi) * (n - 1) / n)


def test_an_interval_holds_the_value_and_narrows_with_items() -> None:
    few = cohen_kappa(*GRANTS, over(GRANTS[0], 2000))
    many = cohen_kappa(GRANTS[0] * 16, GRANTS[1] * 16, over(GRANTS[0] * 16, 2000))
    assert few.low is not None
    assert few.high is not None
    assert few.low < few.value < few.high
    assert many.high - many.low == pytest.approx((few.high - few.low) / 4, rel=0.15)  # type: ignore[operator]
    # The large-sample standard error without chance's own variance: sqrt(po (1 - po) / n) / (1 - pe).
    half = 1.96 * math.sqrt(0.7 * 0.3 / 50) / 0.5
    assert few.high - few.low == pytest.approx(2 * half, rel=0.1)


def test_items_of_one_cluster_are_drawn_together() -> None:
    """Four copies of each item say no more than the items themselves."""
    alone = krippendorff_alpha(FOUR, draw(range(12), 500, 1))
    copies = krippendorff_alpha(FOUR * 4, draw([*range(12)] * 4, 500, 1), "nominal")
    assert copies.low == pytest.approx(alone.low, abs=0.05)
    assert copies.high == pytest.approx(alone.high, abs=0.05)


def test_an_item_with_one_rating_counts_for_nothing() -> None:
    with_single = [*FOUR, ["1", None, None, None], [None] * 4]
    found = krippendorff_alpha(with_single, over(with_single))
    assert found.value == pytest.approx(krippendorff_alpha(FOUR, over(FOUR)).value)


def test_raters_who_always_agree_and_never_agree() -> None:
    ratings = [["a", "a"], ["b", "b"], ["a", "a"], ["b", "b"]]
    found = krippendorff_alpha(ratings, over(ratings))
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    assert cohen_kappa("abab", "baba", over("abab")).value == pytest.approx(-1)


def test_one_value_alone_gives_no_number_and_no_interval() -> None:
    same = [["none", "none"]] * 5
    for found in (
        krippendorff_alpha(same, over(same)),
        fleiss_kappa(same, over(same)),
        cohen_kappa(["none"] * 5, ["none"] * 5, over(same)),
    ):
        assert math.isnan(found.value)
        assert (found.low, found.high) == (None, None)


def test_equal_seeds_give_equal_intervals() -> None:
    once, again, other = (krippendorff_alpha(FOUR, draw(range(12), 300, seed)) for seed in (1, 1, 2))
    assert once == again
    assert once != other


def test_ratings_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(DataError, match="2 ratings cannot be paired with 1"):
        cohen_kappa("ab", "a", over("ab"))
    with pytest.raises(DataError, match="rated unequally often; use krippendorff_alpha"):
        fleiss_kappa([["a", "a"], ["a"]], over("ab"))
    with pytest.raises(DataError, match="rated once"):
        fleiss_kappa([["a"], ["b"]], over("ab"))
    with pytest.raises(DataError, match="no item has two ratings"):
        krippendorff_alpha([["a", None], [None, "b"]], over("ab"))
    with pytest.raises(DataError, match="'c' has no place in the order"):
        krippendorff_alpha([["a", "c"]], over("a"), "ordinal", "ab")
    with pytest.raises(DataError, match="no ratings"):
        cohen_kappa([], [], draw("a", 10, 0))
    with pytest.raises(DataError, match="2 scores cannot be paired with 1"):
        weighted_kappa([1, 2], [1], over("ab"))
    with pytest.raises(DataError, match="no ratings"):
        weighted_kappa([], [], draw("a", 10, 0))
    with pytest.raises(DataError, match="3 items were drawn for 2"):
        cohen_kappa("ab", "ab", over("abc"))


def test_draws_may_be_of_whole_clusters_named_by_anything() -> None:
    draws = draw(["p1", "p1", "p2"], 100, 0)
    found = fleiss_kappa([["a", "a"], ["a", "b"], ["b", "b"]], draws)
    assert np.isfinite(found.value)
