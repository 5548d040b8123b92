"""A record that is not fit for use is named with its reason; a fit one passes."""

from typing import Any

import pytest

from bimedix2.curate.filters import FilterConfig, objection, repeated_share
from bimedix2.records import ImagePart, Language, Message, Provenance, Record

ARABIC = "تُظهر الصورة كسراً في عظم الفخذ الأيسر."
ENGLISH = "The image shows a fracture of the left femur."


def record(answer: str, language: str = "en", question: str = "What is seen?", image: bool = False) -> Record:
    parts: list[Any] = [ImagePart(image="0" * 64), question] if image else [question]
    return Record(
        id="a",
        messages=(Message.of("user", *parts), Message.of("assistant", answer)),
        language=Language(language),
        task="qa",
        provenance=Provenance(source="made"),
    )


def reason(answer: str, tongue: str = "en", **settings: Any) -> str:
    found = objection(record(answer, tongue), FilterConfig(**settings))
    return found[0] if found else ""


@pytest.mark.parametrize(
    ("answer", "language"), [(ENGLISH, "en"), (ARABIC, "ar"), ("CT", "ar"), ("42", "ar")]
)
def test_a_fit_record_passes(answer: str, language: str) -> None:
    assert reason(answer, language) == ""


@pytest.mark.parametrize("bounds", [(50, 5), (-1, 5)])
def test_lengths_the_wrong_way_round_are_refused_at_the_door(bounds: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="write at least and at most, as"):
        FilterConfig(characters=bounds)


def test_lengths_are_of_all_words_together() -> None:
    assert reason(ENGLISH, characters=(100, 200)) == "too-short"
    assert reason(ENGLISH, characters=(1, 20)) == "too-long"
    assert reason(ENGLISH, characters=(len(ENGLISH) + 13, len(ENGLISH) + 13)) == ""


def test_an_answer_in_another_language_is_out() -> None:
    assert reason(ENGLISH, "ar") == "wrong-language"
    assert reason(ARABIC, "en") == "wrong-language"
    assert reason("这张图片显示左股骨骨折并且有明显移位", "en") == "wrong-language"
    assert reason(ENGLISH, "ar", language=False) == ""
    assert reason(ENGLISH, "mixed") == ""


def test_an_english_term_in_brackets_leaves_an_arabic_answer_arabic() -> None:
    assert reason("احتشاء عضلة القلب (myocardial infarction of the left ventricle).", "ar") == ""


def test_endless_repetition_is_out() -> None:
    sentence = "There is a fracture of the left femur with displacement."
    assert reason(" ".join([sentence] * 8)) == "repeated-text"
    assert reason("no " * 20) == "repeated-text"
    assert reason("a" * 50) == "repeated-text"
    assert reason("هناك كسر في الفخذ. " * 12, "ar") == "repeated-text"
    assert reason(" ".join([sentence] * 8), repeated=1) == ""


def test_tables_and_long_texts_are_no_repetition() -> None:
    assert reason("| a | b |\n" + "| - | - |\n" * 3) == ""
    assert repeated_share(" ".join(f"word{n}" for n in range(200))) == 0
    assert repeated_share("one two three four five six " * 20) > 0.9


@pytest.mark.parametrize(
    "text",
    ["<image> " + ENGLISH, "Look at <image1> now.", "انظر إلى <صورة>", "[image] shows", "Hello {name}",
     "{{age}}", "[INSERT DATE HERE]", "<|image|>"],
)  # fmt: skip
def test_marks_for_images_and_unfilled_slots_are_out(text: str) -> None:
    found = objection(record(text, image=True), FilterConfig(language=False))
    assert found is not None
    assert found[0] == "placeholder"
    assert "1 images in the record" in found[1]


@pytest.mark.parametrize("text", ["p < 0.05 and > 0.01", "[NAME] was seen", "{1, 2, 3}", "the <b>image</b>"])
def test_what_looks_like_a_mark_and_is_none_passes(text: str) -> None:
    assert reason(text) == ""


@pytest.mark.parametrize(
    ("character", "said"),
    [("\u202e", "U+202E RIGHT-TO-LEFT OVERRIDE"), ("\u2067", "U+2067"), ("\x00", "U+0000"),
     ("\ufffd", "U+FFFD"), ("\ue000", "U+E000"), ("\x9f", "U+009F")],
)  # fmt: skip
def test_characters_that_mislead_are_named(character: str, said: str) -> None:
    found = objection(record(f"The left{character} femur."), FilterConfig())
    assert found is not None
    assert (found[0], said in found[1]) == ("bad-characters", True)


def test_marks_of_direction_are_common_in_arabic_and_pass() -> None:
    assert reason("العظم\u200f (L5\u200e) سليم ولا كسر فيه.\u061c", "ar") == ""


def test_arabic_that_was_decoded_wrongly_is_named() -> None:
    broken = ARABIC.encode().decode("latin-1")
    assert reason(broken) == "bad-characters"
    windows = "كسر في عظم".encode().decode("cp1252", "replace").replace("\ufffd", "")
    assert reason(windows) == "bad-characters"
    assert reason("Sjögren and Ménière, 5 µm, 37 °C, naïve Ångström ×") == ""


def test_a_translation_that_fails_a_check_waits_for_a_reviewer() -> None:
    fit = record(ARABIC, "ar")
    failed = fit.model_copy(update={"meta": {"translation": {"of": "b", "failed": ["laterality", "units"]}}})
    found = objection(failed, FilterConfig())
    assert found is not None
    assert found[0] == "failed-translation"
    assert "laterality, units" in found[1]
    assert objection(failed, FilterConfig(failed_translation=False)) is None
    passed = fit.model_copy(update={"meta": {"translation": {"of": "b", "failed": []}}})
    assert objection(passed, FilterConfig()) is None
    reviewed = failed.model_copy(update={"meta": {**failed.meta, "review": {"verdict": "none"}}})
    assert objection(reviewed, FilterConfig()) is None
