"""Clopper-Pearson against published and closed values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.errors import DataError
from bimedix2.stats.exact import clopper_pearson


def test_the_closed_forms_at_the_ends() -> None:
    """All right: (a/2)**(1/n); none right: its mirror image."""
    low, high = clopper_pearson(12, 12)
    assert (low, high) == (pytest.approx(0.025 ** (1 / 12)), 1.0)
    assert clopper_pearson(0, 12) == (0.0, pytest.approx(1 - low))


def test_a_textbook_value() -> None:
    """4 of 10, as R prints binom.test(4, 10) (figures from memory)."""
    assert clopper_pearson(4, 10) == (pytest.approx(0.1215523, abs=1e-6), pytest.approx(0.7376219, abs=1e-6))


@given(st.integers(1, 300), st.data())
def test_it_holds_the_share_and_mirrors(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    low, high = clopper_pearson(successes, trials)
    assert 0 <= low <= successes / trials <= high <= 1
    mirror = clopper_pearson(trials - successes, trials)
    assert mirror == (pytest.approx(1 - high, abs=1e-9), pytest.approx(1 - low, abs=1e-9))


@pytest.mark.parametrize(("successes", "trials"), [(1, 0), (3, 2), (-1, 2)])
def test_counts_that_cannot_be_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(DataError, match="is no proportion"):
        clopper_pearson(successes, trials)
