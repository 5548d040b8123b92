"""Mixtures add up, and are shaped by cells, power and weights."""

import random
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bimedix2.dataset.mixture import MixtureConfig, allot, mix, place_in_group

cells = st.dictionaries(st.tuples(st.text("abc", max_size=2)), st.integers(0, 50), max_size=8)


@settings(deadline=None)
@given(cells, st.integers(0, 400), st.floats(0, 1))
def test_an_allotment_adds_up_and_fits(sizes: dict[tuple[str, ...], int], total: int, power: float) -> None:
    weights = {cell: size**power for cell, size in sizes.items()}
    taken = allot(sizes, weights, total)
    assert all(0 <= taken[cell] <= sizes[cell] for cell in sizes)
    assert sum(taken.values()) == min(total, sum(size for cell, size in sizes.items() if weights[cell] > 0))


def drawn(config: MixtureConfig, seed: int = 0) -> Counter[str]:
    names = [("big", "en"), ("small", "en")]
    of_row = np.array([0] * 90 + [1] * 10)
    order, kept = mix(of_row, names, ["", ""], config, seed)
    assert sorted(order.tolist()) == list(range(100))
    return Counter(names[of_row[row]][0] for row in order[kept].tolist())


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({}, {"big": 90, "small": 10}),
        ({"total": 20, "power": 0}, {"big": 10, "small": 10}),
        ({"total": 20, "power": 1}, {"big": 18, "small": 2}),
        ({"total": 20, "weights": {"small": 0}}, {"big": 20}),
        ({"total": 20, "whole": ["small"]}, {"big": 20, "small": 10}),
    ],
)
def test_weights_and_power_shape_the_mixture(config: dict[str, Any], found: dict[str, int]) -> None:
    assert drawn(MixtureConfig(**config)) == found


def test_the_order_is_that_of_the_seed() -> None:
    wanted = list(range(100))
    random.Random(3).shuffle(wanted)
    order, kept = mix(np.zeros(100, dtype=np.int64), [("t",)], [""], MixtureConfig(), 3)
    assert order.tolist() == wanted
    assert kept.all()
    empty, _ = mix(np.zeros(0, dtype=np.int64), [], [], MixtureConfig(), 3)
    assert not len(empty)


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), max_size=30))
def test_places_are_counted_within_a_group(groups: list[int]) -> None:
    found = place_in_group(np.array(groups, dtype=np.int64)).tolist()
    assert found == [groups[:place].count(group) for place, group in enumerate(groups)]
