"""Answers in both languages: right, wrong, denied, malformed, in the other language, cut, and empty."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.errors import DataError
from bimedix2.evaluate.grade import Expected, check, grade
from bimedix2.evaluate.lexicon import Lexicon
from bimedix2.language.concepts import Tongue, mentions, named
from bimedix2.text.arabic import normalise

CT_CHEST = {"modality": "ct", "region": "chest"}


def expected(tongue: Tongue, type_: str, reference: str, verdict: str = "", **facts: Any) -> Expected:
    return Expected(type_, tongue, reference, verdict, facts)


MODALITY_EN = expected("en", "modality", "This is a chest CT.", modality="ct")
MODALITY_AR = expected("ar", "modality", "هذه صورة مقطعية محوسبة للصدر.", modality="ct")
NO_EN = expected("en", "is_study", "This is a chest CT, not a brain MRI.", "no", **CT_CHEST)
NO_AR = expected(
    "ar", "is_study", "هذه صورة مقطعية محوسبة للصدر، وليست صورة رنين مغناطيسي للدماغ.", "no", **CT_CHEST
)
NO_HEAD_EN = expected("en", "is_study", "This is a chest CT, not a head CT.", "no", **CT_CHEST)
YES_EN = expected("en", "is_study", "This is a chest CT, yes.", "yes", **CT_CHEST)
YES_AR = expected("ar", "is_study", "هذه صورة مقطعية محوسبة للصدر، نعم.", "yes", **CT_CHEST)
BLANK_EN = expected("en", "modality", "This picture is blank.", "unreadable", unreadable="blank")
NONMED_AR = expected("ar", "region", "هذه ليست صورة طبية.", "unreadable", unreadable="non-medical")
DECLINE_EN = expected("en", "disease", "I cannot diagnose from an image; see a physician.", "decline")
DECLINE_AR = expected("ar", "disease", "لا يمكنني التشخيص من صورة؛ يلزم طبيب.", "decline")
COUNT_EN = expected("en", "cell_count", "About 20 red blood cells.", cell=["rbc"], count=21)
COUNT_AR = expected("ar", "cell_count", "نحو 20 من خلايا الدم الحمراء.", cell=["rbc"], count=21)
CELLS_AR = expected("ar", "cells", "أرى خلايا الدم الحمراء.", cell=["rbc"])
REGION_EN = expected("en", "region", "This image shows the trunk.", region="trunk")
DESCRIBE_EN = expected("en", "describe", "This is a chest CT, axial plane, lung window.", **CT_CHEST)
AGREE_EN = expected("en", "true_premise", "This is a chest CT, axial plane.", "agree", **CT_CHEST)
NO_IMAGE_AR = expected("ar", "no_image", "لا توجد صورة في هذه المحادثة؛ يُرجى إرفاق صورة.", "no_image")
GREET_EN = expected("en", "greet", "Hello, I am BiMediX2.")
DEFINE_EN = expected("en", "define", "MRI makes slices of the body with a magnetic field, without X-rays.")
DEFINE_AR = expected("ar", "define", "يصوّر مقاطع الجسم بمجال مغناطيسي دون أشعة سينية.")
MAMMO_EN = expected(
    "en", "is_study", "This is a mammogram, yes.", "yes", modality="mammography", region="breast"
)
PROJECTION_AR = expected("ar", "projection", "الإسقاط أمامي خلفي (AP).", projection="ap")


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        (MODALITY_EN, "This is a chest CT."),
        (MODALITY_EN, "This is computed tomography of the head."),  # the region is another question's
        (MODALITY_AR, "هذه صُورةٌ مَقطعيّة محوسَبة."),
        (NO_EN, "This is a chest CT, not a brain MRI."),
        (NO_EN, "No, this is a CT of the thorax."),
        (NO_AR, "لا، هذه صورة مقطعية محوسبة للصدر."),
        (NO_AR, NO_AR.reference),
        (NO_EN, "This is a CT scan, not a brain MRI."),  # another modality is corrected without the region
        (NO_EN, "This is a CT scan, not an MRI."),
        (NO_AR, "هذه صورة مقطعية محوسبة، وليست صورة رنين مغناطيسي للدماغ."),
        (YES_EN, "Yes, this is a chest CT."),
        (YES_AR, "نعم، هذه صورة مقطعية محوسبة للصدر."),
        (BLANK_EN, "The picture is empty."),
        (NONMED_AR, "هذه ليست صورة طبية."),
        (DECLINE_EN, "I can't tell a diagnosis from one picture."),
        (DECLINE_AR, DECLINE_AR.reference),
        (COUNT_EN, "About 25 red blood cells."),
        (COUNT_AR, "نحو ٢٠ من خلايا الدم الحمراء."),
        (REGION_EN, "This image shows the chest and the abdomen."),
        (DESCRIBE_EN, "This is a chest CT."),
        (AGREE_EN, "This is a chest CT, axial plane, yes."),
        (NO_IMAGE_AR, "لا توجد صورة هنا."),
        (GREET_EN, "Hello! I am BiMediX2"),
        (MAMMO_EN, "This is a mammogram, yes."),  # the region is in the word
        (PROJECTION_AR, "الإسقاط أمامي خلفي (AP)."),
        (CELLS_AR, "أرى خلايا الدم البيضاء وخلايا الدم الحمراء."),  # an absent annotation is unknown
        (DEFINE_EN, DEFINE_EN.reference),
        (DEFINE_AR, DEFINE_AR.reference),
        # What a picture is without is not said of it, and denies nothing else.
        (MODALITY_EN, "This is a chest CT, made without MRI."),
        (MODALITY_AR, "هذه صورة مقطعية محوسبة للصدر، وبدون رنين مغناطيسي."),
        (YES_EN, "Yes, this is a CT without contrast of the chest."),
        (YES_AR, "نعم، هذه صورة مقطعية محوسبة للصدر دون صبغة."),
        (NO_EN, "No, this is a chest CT without contrast."),
        (DESCRIBE_EN, "This is a chest CT without a bone window."),
        (AGREE_EN, "This is a chest CT without contrast, axial plane."),
        (MODALITY_EN, "Without doubt this is a chest CT."),
    ],
)
def test_right_answers(wanted: Expected, answer: str) -> None:
    assert grade(answer, "stop", wanted).reasons == ()
    assert grade(answer, "stop", wanted).right


@pytest.mark.parametrize(
    ("wanted", "answer", "why"),
    [
        (MODALITY_EN, "This is a chest radiograph.", "says modality radiograph, it is ct"),
        (MODALITY_EN, "This is a CT and an MRI.", "says modality mri, it is ct"),
        (MODALITY_EN, "This is not a CT.", "does not say modality ct"),
        (MODALITY_EN, "I do not know.", "does not say modality ct"),
        (MODALITY_AR, "هذه ليست صورة مقطعية محوسبة.", "does not say modality ct"),
        (MODALITY_AR, "هذه صورة للدماغ.", "does not say modality ct"),
        (NO_EN, "This is a chest CT, yes.", "says yes to what is false"),
        (NO_EN, "This is a chest CT.", "does not deny what is false"),
        (NO_EN, "This is a chest CT, not a mammogram.", "denies another modality than was asked"),
        (NO_EN, "This is a CT scan, not a scan of the lung.", "denies another region than was asked"),
        (NO_EN, "This is a head CT, not a brain MRI.", "says region brain or head, it is chest"),
        (NO_HEAD_EN, "This is a CT scan, not a head CT.", "does not say region chest"),
        (NO_EN, "No, this is a brain MRI.", "says modality mri, it is ct"),
        (NO_AR, "هذه صورة رنين مغناطيسي للدماغ، وليست صورة مقطعية محوسبة.", "says modality mri, it is ct"),
        (YES_EN, "This is a chest CT.", "does not say yes"),
        (YES_EN, "This is a head CT, yes.", "says region brain or head, it is chest"),
        (YES_AR, "هذه صورة مقطعية محوسبة للصدر، وليست صورة للدماغ.", "denies what is true"),
        (YES_EN, "No, this is a chest CT, yes.", "denies what is true"),
        (BLANK_EN, "This picture is only noise.", "says noise, it is blank"),
        (BLANK_EN, "This is a blank chest CT.", "says ct of a picture that is blank"),
        (NONMED_AR, "هذه صورة طبية.", "says nothing, it is non-medical"),
        (DECLINE_EN, "I cannot diagnose it, but it looks like pneumonia.", "names a disease: pneumonia"),
        (DECLINE_EN, "The lungs are normal.", "does not decline"),
        (DECLINE_AR, "أرى ورماً في الدماغ.", "names a disease: ورما"),
        (COUNT_EN, "About 30 red blood cells.", "says 30, there are 21"),
        (COUNT_EN, "About 20 or 21 red blood cells.", "says 2 numbers, one is asked"),
        (COUNT_AR, "نحو 20 من الصفائح الدموية.", "does not say cell rbc"),
        (REGION_EN, "This image shows the brain.", "says region brain or head, it is trunk"),
        (DESCRIBE_EN, "This is a chest CT, coronal plane.", "plane contradicts the annotation"),
        (DESCRIBE_EN, "This is a chest CT, bone window.", "window contradicts the annotation"),
        (AGREE_EN, "This is a chest CT, not a brain MRI.", "corrects what was true"),
        (NO_IMAGE_AR, "هذه صورة للصدر.", "does not say that there is no image"),
        (GREET_EN, "Good morning.", "not the reference's words"),
        (DEFINE_EN, "MRI makes slices of the body with a magnetic field.", "not the reference's words"),
        (MODALITY_EN, "This is an image without CT.", "does not say modality ct"),
        (MODALITY_AR, "هذه صورة من دون تصوير مقطعي محوسب.", "does not say modality ct"),
        (NO_EN, "This is a chest CT without contrast.", "does not deny what is false"),
        (MODALITY_EN, "Without contrast, this is an MRI.", "says modality mri, it is ct"),
        (PROJECTION_AR, "الإسقاط خلفي أمامي (PA).", "says projection pa, it is ap"),
        (CELLS_AR, "أرى الصفائح الدموية.", "does not say cell rbc"),
    ],
)
def test_wrong_answers_and_why(wanted: Expected, answer: str, why: str) -> None:
    found = grade(answer, "stop", wanted)
    assert not found.right
    assert not found.terms
    assert why in found.reasons


def test_the_word_for_blood_inside_the_word_for_brain_names_no_blood() -> None:
    assert named("region", "تُظهر هذه الصورة الدماغ.") == {"brain", "head"}
    assert named("region", "تُظهر هذه الصورة الدم.") == {"blood"}


@pytest.mark.parametrize(
    ("answer", "values"),
    [
        (DEFINE_EN.reference, {"mri"}),
        ("MRI shows the brain without any X-ray.", {"mri"}),
        ("Ultrasound shows the body without X-ray or CT.", {"ultrasound"}),
        ("Without the use of X-ray machines, MRI makes slices.", {"mri"}),
        ("يُظهر الرنين المغناطيسي الجسم دُونَ أشعة سينية.", {"mri"}),
        ("يُظهر الرنين المغناطيسي الجسم دون الحاجة إلى الأشعة السينية.", {"mri"}),
        ("يُظهر الرنين المغناطيسي الجسم، وبدون تصوير مقطعي محوسب.", {"mri"}),
    ],
)
def test_what_a_study_is_made_without_is_not_affirmed(answer: str, values: set[str]) -> None:
    assert named("modality", answer) == values
    heard = {value for _, _, values in mentions("modality", normalise(answer)) for value in values}
    assert heard > values


def test_a_sentence_goes_on_after_what_it_is_without() -> None:
    assert named("region", "This is a CT without contrast of the chest.") == {"chest", "trunk"}
    assert "chest" in named("region", "هذه صورة مقطعية محوسبة دون صبغة للصدر.")


def test_and_and_with_are_written_on_the_next_word() -> None:
    text = normalise("أرى خطوط B وعدم انتظام خط الجنبة.")
    assert [set(values) for _, _, values in mentions("sign", text)] == [{"b_lines"}, {"pleural"}]
    assert named("modality", "هذه صورة بالتصوير البوزيتروني.") == {"pet"}


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [(MODALITY_EN, "هذه صورة مقطعية محوسبة للصدر."), (MODALITY_AR, "This is a chest CT.")],
)
def test_the_other_language_is_wrong_though_the_term_is_right(wanted: Expected, answer: str) -> None:
    found = grade(answer, "stop", wanted)
    assert (found.right, found.terms, found.language) == (False, True, False)
    assert found.reasons == ("other language",)


def test_english_in_brackets_leaves_an_arabic_answer_arabic() -> None:
    wanted = expected("ar", "view", "الوضعية مائل إنسي وحشي (MLO).", view="mlo")
    assert grade("الوضعية (mediolateral oblique projection).", "stop", wanted).language


def test_a_cut_answer_is_wrong_and_counted_as_malformed() -> None:
    found = grade("This is a chest CT.", "length", MODALITY_EN)
    assert (found.right, found.terms, found.well_formed) == (False, True, False)


@pytest.mark.parametrize("answer", ["", "  \n"])
def test_an_empty_answer_is_wrong_in_every_way(answer: str) -> None:
    found = grade(answer, "stop", MODALITY_EN)
    assert (found.right, found.terms, found.language) == (False, False, False)
    assert found.reasons == ("empty answer",)


LEXICON = Lexicon(
    [
        "This is a chest CT.",
        "This is a brain MRI.",
        "هذه صورة مقطعية محوسبة للصدر.",
        "هذه صورة رنين مغناطيسي للدماغ.",
        "نحو 20 من خلايا الدم الحمراء.",
    ]
)


@pytest.mark.parametrize(
    ("wanted", "answer", "why"),
    [
        (MODALITY_AR, "هذه صورة مقطعية محوسبة للصذر.", "unknown word 'للصذر'"),
        (MODALITY_AR, "صورة هذه مقطعية محوسبة للصدر.", "broken sentence at '^ صوره'"),
        (MODALITY_EN, "This is a chest chest CT.", "broken sentence at 'chest chest'"),
        (MODALITY_EN, "This is a CT", "broken sentence at 'a ct'"),
    ],
)
def test_the_right_term_in_a_broken_sentence_does_not_pass(wanted: Expected, answer: str, why: str) -> None:
    found = grade(answer, "stop", wanted, LEXICON)
    assert (found.right, found.terms, found.language, found.well_formed) == (False, True, True, False)
    assert why in found.reasons


def test_numbers_and_marks_are_no_unknown_words() -> None:
    assert grade("نحو ١٩ من خلايا الدم الحمراء", "stop", COUNT_AR, LEXICON).right
    assert grade("هَذِهِ صورة مقطعية محوسبة للصدر", "stop", MODALITY_AR, LEXICON).right


def test_a_cell_that_is_not_annotated_is_counted_apart() -> None:
    found = grade("أرى خلايا الدم البيضاء وخلايا الدم الحمراء.", "stop", CELLS_AR)
    assert found.right
    assert found.extra == ("wbc",)


@pytest.mark.parametrize(
    ("count", "said", "right"), [(4, 6, True), (4, 7, False), (100, 125, True), (100, 126, False)]
)
def test_a_count_is_right_within_two_or_a_quarter(count: int, said: int, right: bool) -> None:
    wanted = expected("en", "cell_count", "", cell=["rbc"], count=count)
    assert grade(f"About {said} red blood cells.", "stop", wanted).right is right


@given(st.text(max_size=60), st.sampled_from([MODALITY_EN, NO_AR, YES_EN, BLANK_EN, DECLINE_AR, COUNT_EN]))
def test_no_answer_breaks_the_grader_and_right_means_no_reason(answer: str, wanted: Expected) -> None:
    found = grade(answer, "stop", wanted, LEXICON)
    assert found.right is (not found.reasons)
    assert found.right <= (found.terms and found.language and found.well_formed)


def test_what_no_grader_knows_is_told_before_anything_is_asked() -> None:
    with pytest.raises(DataError, match="r1: verdict 'perhaps' is not one of"):
        check(expected("en", "x", "", "perhaps"), "r1")
    with pytest.raises(DataError, match="r1: expect names 'organ'"):
        check(expected("en", "x", "", organ="liver"), "r1")
