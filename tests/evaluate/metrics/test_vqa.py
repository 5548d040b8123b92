"""The compat scorer gives MultiMedEval's numbers, and keeps its peculiarities."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.evaluate.metrics import vqa

KEYS = ("bleu", "F1", "recall", "closedQuestionsAccuracy", "openQuestionsRecall", "openQuestionsAccuracy")
TEXT = st.text(alphabet='abcdef yesno tha.,;/-"1234؟،نعملا', max_size=40)


def test_cleaning_is_the_originals(golden: Callable[[str], Any]) -> None:
    cases = golden("clean_str")["cases"]
    assert len(cases) == 36
    for case in cases:
        assert vqa.clean(case["in"]) == case["out"], case
        assert sorted(vqa.tokens(case["in"]).set) == sorted(case["tokens"])


@pytest.mark.parametrize("language", ["english", "arabic"])
def test_scores_are_the_originals_to_the_last_digit(golden: Callable[[str], Any], language: str) -> None:
    side = golden("vqa")[language]
    scores = [vqa.score_pair(pair["gold"], pair["pred"]) for pair in side["pairs"]]
    for pair, score in zip(side["pairs"], scores, strict=True):
        item = vqa.per_item(score)
        assert {key: item[key] for key in KEYS} == pair["single_metrics"], pair
        assert score.closed == pair["closed"]
    totals = vqa.aggregate(scores)
    assert {key: totals[key] for key in KEYS} == pytest.approx(side["metrics"], rel=0, abs=1e-12)


def test_precision_stands_beside_recall() -> None:
    score = vqa.score_pair("left lung", "the left lung and heart")
    assert (score.precision, score.recall) == (0.5, 1.0)
    assert vqa.aggregate([score])["precision"] == 0.5


@pytest.mark.parametrize(
    ("gold", "pred", "right"),
    [
        ("yes", "yes and no", True),
        ("no", "yes and no", True),
        ("no", "there is not any", True),
        ("no", "the lungs are clear", False),
        ("Yes", "YES!", True),
        ("yes", "yesterday", False),
        ("no", "", False),
    ],
)
def test_closed_questions_by_the_published_rule(gold: str, pred: str, right: bool) -> None:
    score = vqa.score_pair(gold, pred)
    assert (score.closed, score.correct) == (True, right)


def test_an_open_answer_needs_three_quarters_of_the_tokens() -> None:
    assert vqa.score_pair("one two three four", "1 2 3").correct
    assert not vqa.score_pair("right lower lobe", "lower lobe").correct


def test_repeats_do_not_count_in_sets_and_are_clipped_in_bleu() -> None:
    score = vqa.score_pair("left left lung", "left left left")
    assert (score.precision, score.recall) == (1.0, 0.5)
    assert score.bleu == pytest.approx(2 / 3)


def test_one_number_with_a_comma_joins_what_every_mark_parts() -> None:
    assert vqa.clean("L4/L5") == "l4 l5"
    assert vqa.clean("L4/L5 of 1,000") == "l4l5 of 1000"


def test_only_thirty_two_periods_go() -> None:
    assert vqa.clean("a.b." * 20) == "ab" * 16 + "a.b." * 4


@pytest.mark.parametrize(
    ("word", "contraction"),
    [
        ("isnt", "isn't"),
        ("couldnt've", "couldn't've"),
        ("couldn'tve", "couldn't've"),
        ("oclock", "o'clock"),
        ("somebody'd", "somebodyd"),
        ("ill", "ill"),
        ("its", "its"),
    ],
)
def test_contractions_are_given_their_apostrophe(word: str, contraction: str) -> None:
    assert vqa.clean(word) == contraction


def test_no_answers_give_zeros_and_no_division() -> None:
    assert set(vqa.aggregate([]).values()) == {0.0}


@given(TEXT, TEXT)
def test_every_score_is_a_share(gold: str, pred: str) -> None:
    score = vqa.score_pair(gold, pred)
    assert all(0 <= value <= 1 for value in score[:4])
    assert score.f1 <= max(score.precision, score.recall)


@given(TEXT)
def test_an_answer_that_is_the_gold_is_right_unless_nothing_is_left_of_it(text: str) -> None:
    score = vqa.score_pair(text, text)
    assert score.correct == bool(vqa.clean(text))
    assert score.bleu == pytest.approx(float(bool(vqa.clean(text))))
