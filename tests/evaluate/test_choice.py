"""Options read from written answers of both languages; what is no clear answer names none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.evaluate.choice import NONE, SEVERAL, Choice, read, texts_of

LATIN, ARABIC = [" A", " B", " C", " D"], [" أ", " ب", " ج", " د"]
ENGLISH_TEXTS = dict(enumerate(["femur", "neck of the femur", "tibia", "hamate"]))
ARABIC_TEXTS = dict(enumerate(["الزند", "الفخذ", "العضد", "الشظية"]))


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("B", "B"),
        (" (c) ", "C"),
        ("**D**", "D"),
        ("\uff22", "B"),
        ("The answer is \uff23\u3002", "C"),
        ("A. femur", "A"),
        ("b) neck, because it breaks", "B"),
        ("D - hamate", "D"),
        ("The answer is C.", "C"),
        ("The correct answer: **D**", "D"),
        ("The best option would be (b).", "B"),
        ("I would choose option B, not something else.", "B"),
        ("C is correct because it is in the shin.", "C"),
        ("It lies below the knee.\n\nFinal answer: \\boxed{C}", "C"),
        ("<think>Option A? The answer is A.</think>\nC", "C"),
        ("Option A is incorrect. The answer is C.", "C"),
        ("The bone is the neck of the femur.", "B"),
        ("A patient who hurts his tibia.", "C"),
        ("ج", "C"),
        ("B, a part of the thigh", "B"),
        ("الإجابة الصحيحة هي D", "D"),
    ],
)
def test_a_letter_in_english(answer: str, letter: str) -> None:
    assert read(answer, LATIN, ENGLISH_TEXTS) == Choice("ABCD".index(letter))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", NONE),
        ("I cannot answer that.", NONE),
        ("A patient like this should be seen again.", NONE),
        ("The answer is a fracture.", NONE),
        ("The answer is not A.", NONE),
        ("It is not the tibia.", NONE),
        ("<think>The answer is A, or", NONE),
        ("E", NONE),
        ("A or B", SEVERAL),
        ("A, B and C", SEVERAL),
        ("Either option A or option B.", SEVERAL),
        ("The tibia and the hamate.", SEVERAL),
    ],
)
def test_what_names_no_option(answer: str, reason: str) -> None:
    assert read(answer, LATIN, ENGLISH_TEXTS) == Choice(None, reason)


@pytest.mark.parametrize(
    ("answer", "letter"),
    [
        ("ب", "ب"),
        ("(ج) العضد", "ج"),
        ("الجواب: أ", "أ"),
        ("ا", "أ"),
        ("الإجابة الصحيحة هي: **د**", "د"),
        ("الخيار ب هو الأفضل", "ب"),
        ("الإجابةُ الصحيحةُ هي ب.", "ب"),
        ("العظم الموجود في الفخذ هو الفخذ.", "ب"),
        ("B", "ب"),
        ("The answer is C", "ج"),
        ("بعد الفحص يجب الانتظار.", None),
        ("ليس الفخذ", None),
        ("لا أعرف.", None),
        ("الفخذ أو العضد", None),
        ("أ أو ب", None),
    ],
)
def test_a_letter_in_arabic(answer: str, letter: str | None) -> None:
    expected = None if letter is None else "أبجد".index(letter)
    assert read(answer, ARABIC, ARABIC_TEXTS).place == expected


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ("Yes", "yes"),
        ("yes it does", "yes"),
        ("no.", "no"),
        ("No, it does not.", "no"),
        ("**Maybe**", "maybe"),
        ("The answer is no", "no"),
        ("Answer: maybe", "maybe"),
        ("نعم، لأن النتيجة واضحة", "yes"),
        ("لا", "no"),
        ("ربما.", "maybe"),
        ("الجواب: لا", "no"),
        ("الإجابة هي نعم.", "yes"),
        ("No evidence was found.", None),
        ("The answer is no longer known.", None),
        ("لا يمكن الجزم", None),
        ("It depends on the dose.", None),
        ("Yes and no", None),
    ],
)
def test_words_count_in_either_language(answer: str, word: str | None) -> None:
    for options in (["yes", "no", "maybe"], ["نعم", "لا", "ربما"]):
        expected = None if word is None else ["yes", "no", "maybe"].index(word)
        assert read(answer, options).place == expected


def test_texts_are_those_of_the_last_question() -> None:
    shown = "Which?\nA. ulna\nB. tibia\nAnswer: A\n\nWhere?\nA. head\nB. the knee, below\nAnswer:"
    assert texts_of(shown, [" A", " B"]) == {0: "head", 1: "the knee, below"}
    assert texts_of("ما العظم؟\nأ. الزند\nب. الفخذ\nالإجابة:", [" أ", " ب"]) == {0: "الزند", 1: "الفخذ"}
    assert texts_of("Abstract: ...\nAnswer:", [" yes", " no"]) == {}


@given(st.text())
def test_any_text_is_read_or_left(text: str) -> None:
    for options, texts in ((LATIN, ENGLISH_TEXTS), (ARABIC, ARABIC_TEXTS), (["yes", "no", "maybe"], {})):
        found = read(text, options, texts)
        assert (found.place is None) == bool(found.reason)
        assert found.place is None or 0 <= found.place < len(options)
