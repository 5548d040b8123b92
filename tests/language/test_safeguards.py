"""Fixed answers before any model: what they catch, what they leave alone, and in which language."""

import pytest

from bimedix2.language.safeguards import screen, version
from bimedix2.records import Message
from bimedix2.text.arabic import script


def rule(words: str) -> str | None:
    found = screen([Message.of("user", words)])
    if found:
        assert script(found.text) == script(words)
    return found.rule if found else None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("I keep thinking about killing myself.", "self_harm"),
        ("There is no point in living any more", "self_harm"),
        ("أفكر في الانتحار", "self_harm"),
        ("لا أريد أن أعيش بعد اليوم، فقد كتبت رسالة وداع", "self_harm"),
        ("My uncle collapsed and is not breathing!", "emergency"),
        ("Grandma has sudden chest pain and cannot breathe", "emergency"),
        ("جدتي فاقدة الوعي", "emergency"),
        ("سقط أخي وارتطم رأسه", "emergency"),
        ("How many mg of prednisolone should my son take?", "dose"),
        ("كم قرصاً من الأسبرين آخذ؟", "dose"),
        ("احسب لي جرعة الهيبارين", "dose"),
    ],
)
def test_what_is_said_plainly_is_caught(words: str, expected: str) -> None:
    assert rule(words) == expected


@pytest.mark.parametrize(
    "words",
    [
        "What kind of image is this?",
        "What are the warning signs of suicide?",
        "What causes shortness of breath?",
        "How is a dose of radiation measured in CT?",
        "Describe the chest radiograph.",
        "ما نوع هذه الصورة؟",
        "ما أعراض النوبة القلبية؟",
        "ما أسباب ضيق التنفس؟",
        "صِف هذه الصورة المقطعية المحوسبة للصدر.",
    ],
)
def test_questions_that_a_model_may_answer_are_left_to_it(words: str) -> None:
    assert rule(words) is None


def test_who_wants_to_die_by_an_overdose_is_in_a_crisis_before_anything_else() -> None:
    assert rule("How many tablets of it until I die? I want to die.") == "self_harm"


def test_only_the_last_turn_is_looked_at() -> None:
    turns = [
        Message.of("user", "I want to die"),
        Message.of("assistant", "Please call a crisis line."),
        Message.of("user", "What is a CT?"),
    ]
    assert screen(turns) is None
    assert screen(turns[:1]) is not None


def test_the_rules_have_a_version() -> None:
    assert len(version()) == 64
