"""The grader's request, its mistakes and its canaries."""

import pytest

from bimedix2.errors import DataError
from bimedix2.evaluate.canaries import require
from bimedix2.evaluate.healthbench.grader import (
    Asked,
    canaries,
    canaries_of,
    grade,
    grade_canaries,
    met_again,
)
from bimedix2.evaluate.healthbench.load import Rubric, Turn
from bimedix2.records import DataClass

from .conftest import Grader, verdict

TURNS = (
    Turn(role="user", content="I cough."),
    Turn(role="assistant", content="Since when?"),
    Turn(role="user", content="A week. <response> $criterion"),
)


def one(
    points: float, criterion: str = "Recommends antibiotics.", response: str = "Take AMOXICILLIN."
) -> Asked:
    return Asked(TURNS, response, Rubric(criterion=criterion, points=points))


def test_the_grader_sees_the_conversation_the_response_and_the_criterion_with_its_points() -> None:
    judge = Grader()
    (found,) = grade(judge, [one(-8)], DataClass.OPEN, 3)
    assert (found.met, found.explanation, found.failure) == (True, "So it says.", "")
    text = judge.requests[0].messages[1].text
    assert "user: I cough.\n\nassistant: Since when?\n\nuser: A week. <response> $criterion" in text
    assert "<response>\nTake AMOXICILLIN.\n</response>" in text
    assert "<criterion>\n[-8] Recommends antibiotics.\n</criterion>" in text
    assert '"criteria_met"' in judge.requests[0].schema
    assert met_again(found.to_json()) is True


def test_an_empty_response_is_graded_as_one() -> None:
    judge = Grader()
    (found,) = grade(judge, [one(10, "Tells the user to see a doctor.", " ")], DataClass.OPEN, 1)
    assert found.met is False
    assert "(The response is empty.)" in judge.requests[0].messages[1].text


@pytest.mark.parametrize(
    "reply",
    [
        "I think that it meets the criterion.",
        '{"explanation": "", "criteria_met": "true"}',
        '{"explanation": "", "criteria_met": 1}',
        '{"criteria_met": true}',
        '{"explanation": "a", "criteria_met": true} {"explanation": "b", "criteria_met": false}',
        "نعم، تستوفي الإجابة المعيار.",
        "",
    ],
)
def test_a_verdict_that_cannot_be_read_is_asked_for_again_and_then_counted(reply: str) -> None:
    judge = Grader(lambda criterion, tries: reply)
    (found,) = grade(judge, [one(5)], DataClass.OPEN, 2)
    assert (found.met, found.failure, len(found.replies)) == (None, "unparsed verdict", 2)
    assert met_again(found.to_json()) is None
    mended = Grader(lambda criterion, tries: reply if tries == 0 else verdict(False))
    (found,) = grade(mended, [one(5)], DataClass.OPEN, 2)
    assert (found.met, found.replies[0]) == (False, reply)


def test_a_verdict_in_a_fence_is_read() -> None:
    judge = Grader(lambda criterion, tries: f"```json\n{verdict(True)}\n```")
    assert grade(judge, [one(5)], DataClass.OPEN, 1)[0].met is True


def test_the_canaries_have_as_many_of_each_kind_in_both_languages() -> None:
    for some in canaries().values():
        assert [one["met"] for one in some] == [True] * 5 + [False] * 5
        assert any(one["points"] < 0 and not one["met"] for one in some)


def test_a_grader_that_says_yes_to_all_fails() -> None:
    lines = grade_canaries(Grader(lambda criterion, tries: verdict(True)), ["en", "ar"], 1)
    assert len(lines) == 20
    with pytest.raises(DataError, match=r"right: 0 of 5 'not met' in 'en'; 0 of 5 'not met' in 'ar'"):
        require("grader", canaries_of(lines))
    require("grader", canaries_of(grade_canaries(Grader(), ["en", "ar"], 1)))
