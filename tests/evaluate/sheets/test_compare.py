"""Answers in free words against their references, in both languages."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bimedix2.evaluate.errors.classes import CLASSES, CONTRADICTS, named_by
from bimedix2.evaluate.errors.compare import compare


@pytest.mark.parametrize(
    ("answer", "reference", "name"),
    [
        ("CT scan", "MRI", "modality"),
        ("صورة مقطعية محوسبة", "صورة رنين مغناطيسي", "modality"),
        ("This is the liver.", "the spleen", "region"),
        ("الكبد", "الطحال", "region"),
        ("Pneumonia", "Pneumothorax", "finding"),
        ("استرواح الصدر", "الالتهاب الرئوي", "finding"),
        ("A fracture of the femur.", "A normal femur.", "finding"),
        ("There is an epidural hematoma.", "Subdural hematoma", "subtype"),
        ("ورم دموي فوق الجافية", "ورم دموي تحت الجافية", "subtype"),
        ("acute stroke", "chronic stroke", "subtype"),
        ("احتشاء حاد", "احتشاء مزمن", "subtype"),
        ("axial", "Coronal plane", "subtype"),
        ("Squamous cell carcinoma", "Adenocarcinoma", "subtype"),
        ("L4-L5 disc herniation", "L5-S1 disc herniation", "level"),
        ("انزلاق غضروفي عند L4-L5", "انزلاق غضروفي عند L5-S1", "level"),
        ("the right lung", "The left lung", "side"),
        ("الرئة اليمنى", "الرئة اليسرى", "side"),
        ("yes", "No", "negation"),
        ("لا", "نعم", "negation"),
        ("There is a pleural effusion.", "No pleural effusion is seen.", "negation"),
        ("يوجد انصباب جنبي", "لا يوجد انصباب جنبي", "negation"),
        ("Fracture is not seen", "A fracture of the femur", "negation"),
        ("3 cm", "5 cm", "number"),
        ("قياسها 3 سم", "قياسها 5 سم", "number"),
        ("The heart", "القلب", "language"),
        ("القلب", "the heart", "language"),
        ("", "x", "malformed"),
    ],
)
def test_the_difference_has_its_class(answer: str, reference: str, name: str) -> None:
    fault = named_by(compare(answer, reference))
    assert fault is not None
    assert fault.name == name, compare(answer, reference)


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("No effusion or pneumothorax.", "There is no pneumothorax and no effusion."),
        ("لا يوجد انصباب ولا استرواح", "لا يوجد استرواح ولا انصباب"),
        ("A nodule of 8 mm in the right upper lobe.", "right upper lobe nodule, 8 mm"),
        ("كسر في عظم الفخذ الأيمن", "كسر عظم الفخذ الأيمن"),
        ("right lung", "Right lung"),
    ],
)
def test_the_same_in_other_words_has_no_firm_fault(answer: str, reference: str) -> None:
    assert [fault for fault in compare(answer, reference) if fault.weight == CONTRADICTS] == []


def test_a_side_in_the_other_language_is_compared_too() -> None:
    names = {fault.name for fault in compare("الرئة اليمنى", "the left lung", "en")}
    assert {"side", "language"} <= names


def test_words_that_no_list_knows_say_nothing() -> None:
    assert compare("a cat", "a dog") == []


def test_the_kind_of_a_finding_is_compared_only_where_both_name_it() -> None:
    assert {f.name for f in compare("a spiral staircase", "transverse fracture")} == {"finding"}
    faults = compare("subacute infarct", "acute infarct")
    assert [f.why for f in faults] == ["says course subacute, the reference says acute"]


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_texts_can_be_compared(answer: str, reference: str) -> None:
    assert all(fault.name in CLASSES for fault in compare(answer, reference))


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet="ab CTMRI\u0623\u0634\u0639\u0629 \u0644\u0627 leftright", min_size=1, max_size=40))
def test_a_text_does_not_contradict_itself(text: str) -> None:
    assert [fault for fault in compare(text, text) if fault.weight == CONTRADICTS] == []
