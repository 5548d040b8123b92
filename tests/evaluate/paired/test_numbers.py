"""Measures worked out by hand."""

from dataclasses import replace

import pytest

from bimedix2.evaluate.paired.judge import Pair, Said
from bimedix2.evaluate.paired.numbers import Plan, measure

from .test_judge import item

PLAN = Plan(200, 0)


def pair(subject: str, english: bool, arabic: bool, *contradicts: str, comparable: bool = True) -> Pair:
    twins = replace(item(), subject=subject, known_subject=subject != "?")
    said = [Said("words", right, right, () if right else ("CT",)) for right in (english, arabic)]
    return Pair(twins, said[0], said[1], comparable, contradicts)


def test_the_gap_and_its_tests() -> None:
    """Of 8 items English has 7 right and Arabic 3; in 5 English alone, in 1 Arabic alone."""
    pairs = [
        *(pair("a", True, False) for _ in range(3)),
        *(pair("b", True, False, "region") for _ in range(2)),
        pair("c", False, True),
        *(pair("d", True, True) for _ in range(2)),
    ]
    found = measure(pairs, PLAN)
    assert found["agreement"] == {
        "both right": 2, "English alone": 5, "Arabic alone": 1, "both wrong": 0,
    }  # fmt: skip
    accuracy = found["accuracy"]
    assert (accuracy["en"]["value"], accuracy["ar"]["value"]) == (7 / 8, 3 / 8)
    gap = accuracy["gap"]
    assert (gap["value"], gap["n"], gap["subjects"]) == (0.5, 8, 4)
    # Six items of which one has it right: 1 or 5 of 6 fair coins, both sides.
    assert gap["McNemar, items"] == pytest.approx(2 * (1 + 6) / 2**6)
    # Subjects' sums are 3, 2, -1 and 0: of eight signs +-4 and +-6 are as far as 4.
    assert gap["McNemar, subjects"] == pytest.approx(4 / 8)
    assert (gap["randomisation"], gap["exact"]) == (pytest.approx(4 / 8), True)
    assert found["contradiction"]["rate"]["value"] == 2 / 8
    assert found["contradiction"]["kinds"] == {"region": 2}
    assert found["language"]["en"]["kept"]["value"] == 7 / 8
    assert found["language"]["ar"]["switched"]["value"] == 5 / 8
    assert found["language"]["ar"]["words"] == {"CT": 5}


def test_what_cannot_be_compared_is_in_no_rate() -> None:
    pairs = [pair("a", True, True), pair("?", True, True, comparable=False)]
    found = measure(pairs, PLAN)
    assert found["contradiction"]["rate"]["n"] == 1
    assert found["contradiction"]["not comparable"] == 1
    assert found["without subject id"] == 1
    assert measure(pairs[1:], PLAN)["contradiction"]["rate"] is None


def test_where_all_agree_the_interval_is_exact_and_one_subject_has_none_of_its_gap() -> None:
    found = measure([pair("a", True, True)] * 3, PLAN)
    assert found["accuracy"]["en"] == {
        "value": 1.0, "low": pytest.approx(0.025), "high": 1.0, "n": 3, "subjects": 1,
    }  # fmt: skip
    gap = found["accuracy"]["gap"]
    assert (gap["value"], gap["low"], gap["bootstrap"], gap["McNemar, items"]) == (0.0, None, None, 1.0)
