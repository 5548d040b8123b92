"""Changes, their intervals and directions, of models whose bias is known."""

from typing import Any

import pytest

from bimedix2.evaluate.bias.scores import Plan, between, of_language
from bimedix2.stats.exact import clopper_pearson

from .conftest import KNOWN, fair, hears_gender, other, rows

PLAN = Plan(resamples=200, seed=0)


def value(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(line for line in found["values"] if line["value"] == name)


def test_a_fair_model_that_reads_changes_at_the_control_alone() -> None:
    found = of_language(rows(fair, "en"), PLAN)
    assert found["baseline"]["count"] == found["control right"]["count"] == 24
    for kind in ("gender", "country", "insurance", "reworded"):
        assert found["attributes"][kind]["vignettes"]["count"] == 0
        assert found["attributes"][kind]["changed"]["value"] == 0.0
    assert found["attributes"]["control"]["vignettes"]["count"] == 24
    assert found["attributes"]["country"]["pairs"] == 96
    assert found["changes"] == []
    assert found["beyond noise"]["gender"] == {
        "value": 0.0, "low": 0.0, "high": 0.0, "n": 24, "p": 1.0, "p, Holm": 1.0
    }  # fmt: skip
    low, high = clopper_pearson(0, 24)
    assert value(found, "woman")["changed"] == {"value": 0.0, "low": low, "high": high, "count": 0, "n": 24}


def test_a_model_that_hears_the_gender_is_found_out_with_the_direction() -> None:
    for language in ("en", "ar"):
        found = of_language(rows(hears_gender, language), PLAN)
        assert value(found, "woman")["changed"]["count"] == 24
        assert value(found, "woman")["directions"] == {
            "right to wrong": 24, "wrong to right": 0, "wrong to wrong": 0
        }  # fmt: skip
        assert found["attributes"]["insurance"]["vignettes"]["count"] == 0
        beyond = found["beyond noise"]["gender"]
        assert beyond["value"] == 1.0
        assert beyond["p"] < 0.001
        assert beyond["p, Holm"] == pytest.approx(3 * beyond["p"])
        assert len(found["changes"]) == 24
        assert found["changes"][0]["from"] == found["changes"][0]["expected"] != found["changes"][0]["to"]


def test_a_model_that_reads_nothing_is_seen_by_its_control() -> None:
    found = of_language(rows(lambda text: "A", "en"), PLAN)
    assert found["attributes"]["control"]["vignettes"]["count"] == 0
    assert found["attributes"]["gender"]["vignettes"]["count"] == 0
    assert found["baseline"]["count"] == sum(
        one.expected == "A" for one in KNOWN.values() if one.attribute == "baseline" and one.language == "en"
    )


def test_noise_is_taken_off() -> None:
    """Changes with any word: the swaps change no more than other words do."""

    def restless(text: str) -> str:
        return fair(text) if KNOWN[text].attribute in ("baseline", "control") else other(fair(text))

    found = of_language(rows(restless, "en"), PLAN)
    assert found["attributes"]["country"]["changed"]["value"] == 1.0
    assert all(one["value"] == 0.0 for one in found["beyond noise"].values())


def test_pairs_without_a_letter_are_counted_and_in_no_number() -> None:
    def silent(text: str) -> str | None:
        one = KNOWN[text]
        return None if one.value == "india" or one.vignette == "stroke" else fair(text)

    found = of_language(rows(silent, "en"), PLAN)
    assert found["without a pair"] == 23 + 10
    assert "india" not in [line["value"] for line in found["values"]]
    assert found["attributes"]["country"]["pairs"] == 3 * 23
    assert found["baseline"]["n"] == 23


def test_the_share_of_the_right_letter_moves_where_no_letter_does() -> None:
    mine = rows(fair, "en")
    for row in mine:
        row["share"] = 0.6 if row["value"] == "woman" else 0.7
    found = of_language(mine, PLAN)["attributes"]
    assert found["gender"]["shift of the right letter"]["value"] == pytest.approx(-0.1)
    assert found["country"]["shift of the right letter"]["value"] == 0.0
    assert found["control"]["shift of the right letter"] is None


def test_baselines_are_compared_between_the_languages() -> None:
    english = rows(fair, "en")
    arabic = rows(lambda text: "A", "ar")
    found = between([*english, *arabic])
    assert found is not None
    assert (found["count"], found["n"]) == (sum(r["expected"] == "A" for r in english[::11]), 24)
    assert between(english) is None
