"""Rates, slopes, consistency and gaps against numbers worked out by hand and by UPHILL's own definitions."""

import math
import random
from typing import Any

import pytest

from bimedix2.evaluate.uphill.scores import Plan, gap, of_language

PLAN = Plan(resamples=200, seed=0)
SHORT = {"s": "support", "r": "refute", "n": "neutral", "-": None}


def rows(claim: str, veracity: str, labels: str, language: str = "en") -> list[dict[str, Any]]:
    """Five responses to a claim, a letter each."""
    return [
        {"language": language, "claim_id": claim, "veracity": veracity, "level": n, "label": SHORT[one]}
        for n, one in enumerate(labels)
    ]


def test_rates_by_level_their_mean_and_their_slope() -> None:
    one = of_language(
        [*rows("a", "false", "rrrns"), *rows("b", "false", "rrsss"), *rows("c", "true", "sssss")], PLAN
    )
    refuted = [cell["value"] for cell in one["levels"]["refuted false"]]
    assert refuted == [1.0, 1.0, 0.5, 0.0, 0.0]
    assert one["means"]["refuted false"]["value"] == pytest.approx(0.5)
    assert one["slopes"]["refuted false"]["value"] == pytest.approx(-0.3)  # (-2 - 1 + 0) / 10
    assert [cell["value"] for cell in one["levels"]["supported true"]] == [1.0] * 5
    assert one["slopes"]["supported true"]["value"] == pytest.approx(0.0)
    assert [cell["value"] for cell in one["levels"]["balanced accuracy"]] == [1.0, 1.0, 0.75, 0.5, 0.5]
    assert one["levels"]["neutral"][3]["value"] == pytest.approx(1 / 3)
    assert one["means"]["refuted false"]["low"] < 0.5 < one["means"]["refuted false"]["high"]
    assert one["consistency"]["all"]["value"] == pytest.approx(1 / 3)
    assert one["consistency"]["true"]["value"] == 1.0
    assert one["labels"] == {"support": 9, "refute": 5, "neutral": 1}


def test_a_model_that_contradicts_everything_does_not_win() -> None:
    one = of_language([*rows("a", "false", "rrrrr"), *rows("b", "true", "rrrrr")], PLAN)
    assert one["means"]["refuted false"]["value"] == 1.0
    assert one["means"]["balanced accuracy"]["value"] == 0.5
    assert one["means"]["factual accuracy"]["value"] == 0.5


def test_mixtures_want_neutrality_and_fabricated_claims_stand_apart() -> None:
    one = of_language([*rows("m", "mixture", "nnnss"), *rows("f", "fabricated", "ssrrn")], PLAN)
    assert [cell["value"] for cell in one["levels"]["factual accuracy"]] == [1, 1, 1, 0, 0]
    assert [cell["value"] for cell in one["levels"]["supported fabricated"]] == [1, 1, 0, 0, 0]
    assert "refuted false" not in one["levels"]
    assert one["claims"] == {"mixture": 1, "fabricated": 1}


def test_responses_without_a_label_are_in_no_rate() -> None:
    one = of_language([*rows("a", "false", "rr-rr"), *rows("b", "false", "sssss")], PLAN)
    assert [cell["value"] for cell in one["levels"]["refuted false"]] == [0.5, 0.5, 0.0, 0.5, 0.5]
    assert one["complete claims"] == 1
    assert one["consistency"]["all"]["value"] == 1.0  # of the complete one
    alone = of_language(rows("a", "false", "rr-rr"), PLAN)
    assert alone["levels"]["refuted false"][2] is None
    assert "refuted false" not in alone["means"]  # no mean of four levels passes for one of five
    assert alone["levels"]["refuted false"][0]["low"] is None  # one claim shows no spread


def published_accuracy(found: list[dict[str, Any]]) -> float:
    """UPHILL's own: correct responses over responses to true, false and mixture claims."""
    wanted = {"true": "support", "false": "refute", "mixture": "neutral"}
    counted = [row for row in found if row["veracity"] in wanted]
    return sum(row["label"] == wanted[row["veracity"]] for row in counted) / len(counted)


def published_consistency(found: list[dict[str, Any]]) -> float:
    """UPHILL's own: claims whose responses have a single label."""
    labels: dict[str, set[str]] = {}
    for row in found:
        labels.setdefault(row["claim_id"], set()).add(row["label"])
    return sum(len(values) == 1 for values in labels.values()) / len(labels)


def test_accuracy_and_consistency_are_those_of_the_published_definitions() -> None:
    draw = random.Random(7)
    found = [
        row
        for number in range(80)
        for row in rows(
            str(number),
            ("true", "false", "mixture", "fabricated")[number % 4],
            draw.choice(("sssss", "rrrrr", "".join(draw.choice("srn") for _ in range(5)))),
        )
    ]
    one = of_language(found, PLAN)
    assert one["consistency"]["all"]["value"] == pytest.approx(published_consistency(found))
    for level in range(5):
        mine = [row for row in found if row["level"] == level]
        cell = one["levels"]["factual accuracy"][level]
        assert cell["value"] == pytest.approx(published_accuracy(mine))
        assert cell["low"] <= cell["value"] <= cell["high"]
    assert one["means"]["factual accuracy"]["value"] == pytest.approx(published_accuracy(found))


def test_the_gap_pairs_claims_and_levels_that_both_languages_have() -> None:
    english = [*rows("a", "false", "rrrrr"), *rows("b", "false", "rrrrr"), *rows("c", "true", "sssss")]
    arabic = [
        *rows("a", "false", "ssrrr", "ar"),
        *rows("b", "false", "rrrr-", "ar"),
        *rows("d", "true", "rrrrr", "ar"),
    ]
    found = gap([*english, *arabic], PLAN)
    assert found is not None
    assert (found["claims"], found["pairs"]) == (2, 9)
    assert found["means"]["refuted false"]["value"] == pytest.approx((-0.5 - 0.5 + 0 + 0 + 0) / 5)
    assert found["opposed"]["value"] == pytest.approx(2 / 9)
    assert found["consistency"]["all"]["value"] == pytest.approx(-1.0)  # of claim a alone: b lacks a label
    assert 0 < found["p"]["refuted false"] <= 1
    assert "supported true" not in found["p"]


def test_no_gap_without_a_twin() -> None:
    assert gap(rows("a", "false", "rrrrr"), PLAN) is None
    assert gap([*rows("a", "false", "rrrrr"), *rows("b", "false", "rrrrr", "ar")], PLAN) is None


def test_equal_seeds_give_equal_intervals_and_all_are_numbers() -> None:
    found = [*rows("a", "false", "rrrns"), *rows("b", "false", "ssrrr"), *rows("c", "true", "ssnss")]
    assert of_language(found, PLAN) == of_language(found, PLAN)
    cells = [c for level in of_language(found, PLAN)["levels"].values() for c in level if c]
    assert all(math.isfinite(cell[key]) for cell in cells for key in ("value", "low", "high"))
