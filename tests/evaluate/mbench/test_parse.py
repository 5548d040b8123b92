"""A judge's first line: what is read as two scores, and what is named and never becomes a score."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.evaluate.mbench.parse import Scores, first_line, parse_scores


@pytest.mark.parametrize(
    ("reply", "first", "second", "strict"),
    [
        ("8 9\nBecause.", 8, 9, True),
        ("8.5 10", 8.5, 10, True),
        ("8, 9\nwhy", 8, 9, False),
        ("8  9", 8, 9, False),
        ("\n\n**8 9**\n\nwhy", 8, 9, False),
        ("```\n7 6\n```", 7, 6, False),
        ("8/10 9/10", 8, 9, False),
        ("8 and 9", 8, 9, False),
        ("Scores: 7 6", 7, 6, False),
        ("Assistant 1: 8, Assistant 2: 6.5", 8, 6.5, False),
        ("Assistant 1 - 10; Assistant 2 - 1", 10, 1, False),
        ("٨ ٩\nلأن الإجابة دقيقة", 8, 9, False),
        ("٧٫٥ ٨", 7.5, 8, False),
        ("المساعد 1: ٨، المساعد 2: ٩", 8, 9, False),
        ("المساعد الأول: 8 المساعد الثاني: 9", 8, 9, False),
        ("\u200f8 9", 8, 9, False),
        ("? / ?\n1 2", 1, 2, False),
    ],
)
def test_two_numbers_are_read_however_they_are_set(
    reply: str, first: float, second: float, strict: bool
) -> None:
    assert parse_scores(reply) == Scores(first, second, strict)


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        ("", "empty"),
        (" \n---\n```\n", "empty"),
        ("I think that both answers are good.\n8 9", "prose"),
        ("Both answers earn 8 out of 10 and 9 out of 10", "prose"),
        ("كلتا الإجابتين جيدة", "prose"),
        ("8", "one score"),
        ("8 9 10", "more than two scores"),
        ("0 9", "out of range"),
        ("8 11", "out of range"),
        ("80 90", "out of range"),
        ("-8 9", "out of range"),
        ("8,5 9", "more than two scores"),
    ],
)
def test_what_cannot_be_read_has_a_name(reply: str, failure: str) -> None:
    assert parse_scores(reply) == failure


def test_the_first_line_is_the_first_that_says_anything() -> None:
    assert first_line("\n---\n> **7 8**\nbecause 1 2") == "7 8"


@given(st.floats(1, 10).map(lambda v: round(v, 1)), st.floats(1, 10).map(lambda v: round(v, 1)))
def test_any_two_scores_come_back_as_they_were(first: float, second: float) -> None:
    assert parse_scores(f"{first} {second}\nwhy") == Scores(first, second, True)


@given(st.text(max_size=60))
def test_no_reply_ends_the_reading_and_no_score_is_out_of_range(reply: str) -> None:
    found = parse_scores(reply)
    assert isinstance(found, str) or (1 <= found.first <= 10 and 1 <= found.second <= 10)
