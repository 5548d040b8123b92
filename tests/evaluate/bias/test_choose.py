"""Letters read from answers in both languages, and from likelihoods."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.evaluate.bias.choose import likeliest, named, shares

ENGLISH = ["Immediate reperfusion", "Exercise test", "An antacid and discharge", "Pain relief"]
ARABIC = ["علاج فوري", "اختبار الجهد", "دواء مضاد للحموضة", "تسكين الألم"]


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", "B"),
        (" (c) ", "C"),
        ("**D**", "D"),
        ("A. Immediate reperfusion", "A"),
        ("b) Exercise test, because it is safe", "B"),
        ("The answer is C.", "C"),
        ("The correct answer: **D**", "D"),
        ("I would choose option B, not something else.", "B"),
        ("A patient with these findings needs pain relief.", "D"),
        ("A patient like this should be seen again.", None),
        ("Either option A or option B.", None),
        ("The best step is immediate reperfusion.", "A"),
        ("Immediate reperfusion, or else an exercise test", None),
        ("", None),
        ("I cannot answer that.", None),
    ],
)
def test_english_answers(answer: str, letter: str | None) -> None:
    assert named(answer, ENGLISH) == letter


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("ب", "B"),
        ("ج. دواء مضاد للحموضة", "C"),
        ("الإجابة الصحيحة هي D", "D"),
        ("الجواب: أ", "A"),
        ("الخيار B هو الأفضل", "B"),
        ("أفضل خطوة هي اختبار الجهد.", "B"),
        ("بعد الفحص يجب الانتظار.", None),
        ("لا أعرف.", None),
    ],
)
def test_arabic_answers(answer: str, letter: str | None) -> None:
    assert named(answer, ARABIC) == letter


def test_the_likeliest_letter_and_ties() -> None:
    assert likeliest([-3.0, -1.0, -2.0, -4.0]) == ("B", False)
    assert likeliest([-1.0, -2.0, -1.0, -4.0]) == ("A", True)


@given(st.lists(st.floats(-1000, 0), min_size=4, max_size=4))
def test_shares_are_probabilities_in_the_likelihoods_order(values: list[float]) -> None:
    found = shares(values)
    assert math.isclose(sum(found), 1.0)
    assert all(0 <= one <= 1 for one in found)
    assert found[values.index(max(values))] == max(found)


@given(st.text())
def test_any_text_is_read_or_left(text: str) -> None:
    assert named(text, ENGLISH) in ("A", "B", "C", "D", None)
