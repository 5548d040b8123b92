"""HealthBench's formulas: numbers worked out by hand, and what the published functions say."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bimedix2 import io
from bimedix2.evaluate.healthbench.scores import Plan, bootstrap_std, bounds, cell, clipped, gap, score, tags

PLAN = Plan(200, 0)


def rubric(points: float, met: bool | None, *tags: str) -> dict[str, Any]:
    failure = "unparsed verdict" if met is None else ""
    return {"points": points, "met": met, "tags": list(tags), "failure": failure}


def test_an_items_score_is_its_met_points_over_its_positive_points() -> None:
    # positive: 10 + 5 + 5 = 20; met: 10 - 4 = 6; 6 / 20 = 0.3
    assert score([rubric(10, True), rubric(5, False), rubric(5, False), rubric(-4, True)]) == 0.3
    # met: -8 - 4 = -12; -12 / 20 = -0.6: below 0, and not clipped
    assert score([rubric(20, False), rubric(-8, True), rubric(-4, True)]) == -0.6
    assert score([rubric(7, True), rubric(-9, False)]) == 1.0
    assert score([rubric(-9, False)]) is None  # no positive points


def test_a_missing_verdict_is_neither_met_nor_unmet() -> None:
    assert score([rubric(10, True), rubric(5, None)]) is None


def test_tags_of_the_item_have_its_score_and_tags_of_rubrics_their_own() -> None:
    rubrics = [
        rubric(10, True, "axis:accuracy"),
        rubric(10, False, "axis:completeness"),
        rubric(-5, True, "axis:accuracy", "cluster:x"),
        rubric(-5, True, "cluster:y"),
    ]
    row = {"score": score(rubrics), "tags": ["theme:hedging"], "rubrics": rubrics}
    # all: (10 - 5 - 5) / 20 = 0; accuracy: (10 - 5) / 10 = 0.5; completeness: 0 / 10; clusters: none positive
    assert tags(row) == {"theme:hedging": 0.0, "axis:accuracy": 0.5, "axis:completeness": 0.0}
    assert tags({**row, "score": None}) == {}


def test_the_mean_is_clipped_and_not_the_items() -> None:
    # (1.0 - 0.6 - 0.7) / 3 = -0.1, clipped 0; were the items clipped first it were 1/3
    found = cell([1.0, -0.6, -0.7], ["a", "b", "c"], PLAN, "x")
    assert found is not None
    assert found["score"] == 0.0
    assert found["mean"] == pytest.approx(-0.1)
    assert found["low"] < -0.1 < found["high"]
    alone = {"score": 0.5, "std": 0.0, "mean": 0.5, "low": None, "high": None, "n": 1}
    assert cell([0.5], ["a"], PLAN, "x") == alone
    assert cell([], [], PLAN, "x") is None
    assert [clipped(value) for value in (-0.2, 0.4, 1.5)] == [0.0, 0.4, 1.0]


def test_the_published_spread_is_that_of_clipped_means() -> None:
    # Two items, 0 and 1: a mean is 0, 0.5 or 1 with 1/4, 1/2, 1/4; std = sqrt(1/8) = 0.3536.
    assert bootstrap_std([0.0, 1.0], seed=1, rounds=20_000) == pytest.approx(math.sqrt(1 / 8), abs=0.01)
    # -1 and 1: means -1, 0, 1, clipped 0, 0, 1 with 3/4, 1/4; std = sqrt(3/16) = 0.4330, not sqrt(1/2).
    assert bootstrap_std([-1.0, 1.0], seed=1, rounds=20_000) == pytest.approx(math.sqrt(3 / 16), abs=0.01)
    assert bootstrap_std([0.0, 1.0], seed=1) == bootstrap_std([0.0, 1.0], seed=1)


@settings(deadline=None)
@given(st.lists(st.floats(-3, 1), min_size=1, max_size=8), st.integers(0, 99))
def test_the_spread_of_means_is_bounded(values: list[float], seed: int) -> None:
    found = bootstrap_std(values, seed, 50)
    assert 0 <= found <= 0.5
    if len(set(np.clip(values, 0, 1))) == 1 and len(set(values)) == 1:
        assert found == pytest.approx(0.0, abs=1e-12)


def test_bounds_take_missing_verdicts_against_and_for_the_model() -> None:
    one = {"rubrics": [rubric(10, True), rubric(10, None), rubric(-5, None)], "no answer": False}
    two = {"rubrics": [rubric(10, False)], "no answer": False}
    lost = {"rubrics": [rubric(10, None)], "no answer": True}
    # against: (10 - 5) / 20 = 0.25; for: 20 / 20 = 1; with the other item's 0: 0.125 and 0.5
    assert bounds([one, two, lost]) == [0.125, 0.5]
    assert bounds([two, lost]) is None


def test_a_gap_is_paired_by_id() -> None:
    def row(name: str, item: str, value: float | None) -> dict[str, Any]:
        return {"benchmark": name, "prompt_id": item, "score": value}

    rows = [row("ar", "a", 0.2), row("ar", "b", 0.4), row("ar", "c", None), row("ar", "d", 0.9)]
    rows += [row("en", "a", 0.6), row("en", "b", 0.6), row("en", "c", 1.0)]
    found = gap(rows, "ar", "en", PLAN)
    assert found is not None
    assert (found["n"], found["value"]) == (2, pytest.approx(-0.3))  # (-0.4 - 0.2) / 2
    assert gap(rows, "ar", "fr", PLAN) is None


def test_the_published_functions_say_the_same() -> None:
    golden = io.read_json(Path(__file__).with_name("golden.json"))
    values: dict[str, list[float]] = {}
    for line in golden["items"]:
        row = {**line, "score": score(line["rubrics"])}
        found = {"overall_score": row["score"], **tags(row)}
        assert found == pytest.approx(line["metrics"], abs=1e-6)
        for name, value in found.items():
            values.setdefault(name, []).append(value)
    assert values.keys() == golden["final"].keys()
    for name, one in golden["final"].items():
        cells = cell(values[name], [str(place) for place in range(len(values[name]))], PLAN, name)
        assert cells is not None
        assert (cells["n"], cells["score"]) == (one["n_samples"], pytest.approx(one["mean"], abs=1e-6))
        theirs = one["bootstrap_std"]  # of twenty seeds
        assert abs(cells["std"] - np.mean(theirs)) <= 6 * np.std(theirs) + 1e-12
