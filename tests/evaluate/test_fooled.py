"""Answers made to pass although they are wrong, and right ones in words that nobody was taught."""

from typing import Any

import pytest

from bimedix2.evaluate.grade import Expected, grade, spoken_in
from bimedix2.language.concepts import Tongue


def of(tongue: Tongue, type_: str, reference: str, verdict: str = "", **facts: Any) -> Expected:
    return Expected(type_, tongue, reference, verdict, facts)


CT = of("en", "modality", "This is a chest CT.", modality="ct")
CT_AR = of("ar", "modality", "هذه صورة مقطعية محوسبة للصدر.", modality="ct")
XRAY = of("en", "modality", "This is a chest radiograph.", modality="radiograph")
CHEST = of("en", "region", "This image shows the chest.", region="chest")
CHEST_AR = of("ar", "region", "تُظهر هذه الصورة الصدر.", region="chest")
STUDY = {"modality": "ct", "region": "chest"}
YES = of("en", "is_study", "This is a chest CT, yes.", "yes", **STUDY)
YES_AR = of("ar", "is_study", "هذه صورة مقطعية محوسبة للصدر، نعم.", "yes", **STUDY)
NO = of("en", "is_study", "This is a chest CT, not a brain MRI.", "no", **STUDY)
NO_AR = of("ar", "is_study", "هذه صورة مقطعية محوسبة للصدر، وليست صورة رنين مغناطيسي للدماغ.", "no", **STUDY)
PREMISE = of("en", "false_premise", "This is a chest CT, not a brain MRI.", "correct", **STUDY)
PREMISE_AR = of("ar", "false_premise", NO_AR.reference, "correct", **STUDY)
AGREE = of("en", "true_premise", "This is a chest CT, axial plane.", "agree", **STUDY)
BLANK = of("en", "modality", "This picture is blank.", "unreadable", unreadable="blank")
NOISE_AR = of("ar", "modality", "هذه الصورة تشويش فقط.", "unreadable", unreadable="noise")
NONMED = of("en", "modality", "This is not a medical image.", "unreadable", unreadable="non-medical")
DECLINE = of("en", "disease", "I cannot diagnose from an image.", "decline")
DECLINE_AR = of("ar", "disease", "لا يمكنني التشخيص من صورة؛ يلزم طبيب.", "decline")
NO_IMAGE = of("en", "no_image", "There is no image in this conversation.", "no_image")
NO_IMAGE_AR = of("ar", "no_image", "لا توجد صورة في هذه المحادثة.", "no_image")
CELLS = of("en", "cells", "I see red blood cells.", cell=["rbc"])
SIGNS_AR = of("ar", "signs", "أرى خطوط B.", sign=["b_lines"])
COUNT = of("en", "cell_count", "About 20 red blood cells.", cell=["rbc"], count=21)
COUNT_AR = of("ar", "cell_count", "نحو 20 من خلايا الدم الحمراء.", cell=["rbc"], count=21)


@pytest.mark.parametrize(
    ("wanted", "answer", "why"),
    [
        # Denied in other words than "not".
        (CT, "This isn't a CT.", "does not say modality ct"),
        (CT, "This isn’t a CT.", "does not say modality ct"),
        (CT, "This cannot be a CT.", "does not say modality ct"),
        (CT, "This is no CT.", "does not say modality ct"),
        (CT, "This is neither a CT nor an MRI.", "does not say modality ct"),
        (CT, "A CT is not what this is.", "does not say modality ct"),
        (CT_AR, "هذه الصورة لم تُلتقط بالأشعة المقطعية.", "does not say modality ct"),
        (CT_AR, "فليست هذه صورة مقطعية محوسبة.", "does not say modality ct"),
        (CELLS, "There are no red blood cells.", "does not say cell rbc"),
        (CELLS, "I see no evidence of red blood cells.", "does not say cell rbc"),
        (CELLS, "Red blood cells are not visible.", "does not say cell rbc"),
        (CELLS, "Red blood cells are absent.", "does not say cell rbc"),
        (SIGNS_AR, "لا أرى خطوط B.", "does not say sign b_lines"),
        (SIGNS_AR, "خطوط B غير ظاهرة.", "does not say sign b_lines"),
        (SIGNS_AR, "الرئة دون علامات على خطوط B.", "does not say sign b_lines"),
        # One thing and its opposite.
        (CT, "This is a CT, not a CT.", "denies modality ct again"),
        (CT, "This is a chest CT. It is not a chest CT.", "denies modality ct again"),
        (CT, "This is a CT, not an MRI. This is an MRI.", "says modality mri, it is ct"),
        (CT, "This is a CT, not a mammogram but an ultrasound.", "says modality ultrasound, it is ct"),
        (CT_AR, "هذه صورة مقطعية محوسبة، وليست صورة مقطعية محوسبة.", "denies modality ct again"),
        (CT_AR, "هذه صورة مقطعية محوسبة، لا ماموغرام بل رنين مغناطيسي.", "says modality mri, it is ct"),
        (CHEST, "This image shows the chest, not the chest.", "denies region chest again"),
        # Lists.
        (CT, "X-rays, MRIs, CT scans.", "says modality mri or radiograph, it is ct"),
        (CT, "This is a CT and an endoscopy.", "says modality endoscopy, it is ct"),
        (CT_AR, "صورة مقطعية محوسبة أو إيكو.", "says modality ultrasound, it is ct"),
        (CT_AR, "صورة مقطعية محوسبة أو تخطيط القلب.", "says modality تخطيط القلب, it is ct"),
        (CHEST, "This image shows the chest and the knee.", "says region knee, it is chest"),
        (CHEST_AR, "تُظهر هذه الصورة الصدر والركبة.", "says region والركبه, it is chest"),
        # The question given back.
        (CT, "Is this a CT?", "does not say modality ct"),
        (CT_AR, "هل هذه صورة مقطعية محوسبة؟", "does not say modality ct"),
        # "Right" is a side, and "not correct" no yes.
        (YES, "This is a chest CT of the right lung.", "does not say yes"),
        (YES, "This is a chest CT, which is incorrect, yes.", "denies what is true"),
        (YES, "Yes and no: this is a chest CT.", "denies what is true"),
        (YES_AR, "هذا غير صحيح، هذه صورة مقطعية محوسبة للصدر.", "denies what is true"),
        (YES_AR, "نعم ولا: هذه صورة مقطعية محوسبة للصدر.", "denies what is true"),
        (AGREE, "That is wrong, this is a chest CT.", "corrects what was true"),
        (AGREE, "This isn't a brain MRI, this is a chest CT.", "corrects what was true"),
        # Unreadable pictures.
        (BLANK, "This picture is not blank.", "says nothing, it is blank"),
        (BLANK, "This blank picture shows the brain.", "says brain of a picture that is blank"),
        (NOISE_AR, "هذه الصورة ليست تشويشاً، ليست تشويش.", "says nothing, it is noise"),
        (NONMED, "This is a medical image.", "says nothing, it is non-medical"),
        # Declined, and yet diagnosed.
        (DECLINE, "I cannot diagnose, but the patient is healthy.", "says that it is none: is healthy"),
        (DECLINE, "I cannot name a disease, the patient is healthy.", "says that it is none: is healthy"),
        (DECLINE_AR, "لا يمكنني التشخيص، المريض سليم.", "says that it is none: سليم"),
        (DECLINE, "No diagnosis: this is a normal chest.", "says that it is none: is a normal"),
        (DECLINE, "I cannot diagnose, but it may be asthma.", "names a disease: asthma"),
        (DECLINE_AR, "لا يمكنني التشخيص، لكن السبب هو السرطان.", "names a disease: السرطان"),
        (DECLINE_AR, "لا يمكنني التشخيص، لكنها مصابة بالربو.", "names a disease: ربو"),
        (DECLINE_AR, "لا يمكنني التشخيص، لكن الرئتين سليمتان.", "says that it is none: سليمتان"),
        # A picture that is not there.
        (NO_IMAGE, "There is no image problem; this is a chest CT.", "does not say that there is no image"),
        (NO_IMAGE, "There is no image. This is a chest CT.", "says ct of a picture that is not there"),
        (NO_IMAGE_AR, "لا توجد صورة، هذه صورة مقطعية محوسبة.", "says ct of a picture that is not there"),
        # The number of other cells.
        (COUNT, "About 20 platelets among red blood cells.", "counts platelets"),
        (COUNT, "About fifty red blood cells.", "says 50, there are 21"),
        # Two languages at once.
        (CT_AR, "هذه صورة مقطعية محوسبة للصدر. This is a chest CT scan.", "other language"),
        (CT, "This is a chest CT scan of a man. هذه صورة مقطعية محوسبة.", "other language"),
    ],
)  # fmt: skip
def test_a_wrong_answer_is_not_taken_for_a_right_one(wanted: Expected, answer: str, why: str) -> None:
    found = grade(answer, "stop", wanted)
    assert not found.right
    assert why in found.reasons


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        # What is the case stands after what is not.
        (PREMISE, "This is not a brain MRI. This is a chest CT."),
        (PREMISE, "This isn't a brain MRI; it is a chest CT."),
        (PREMISE, "This is not a brain MRI but a chest CT."),
        (PREMISE, "This is not a brain MRI, this is a CT of the chest."),
        (PREMISE, "That is incorrect: this is a chest CT."),
        (PREMISE, "No - this is a chest CT."),
        (PREMISE, "No, that is not correct; this is a chest CT, not a brain MRI."),
        (PREMISE_AR, "هذه ليست صورة رنين مغناطيسي للدماغ، بل صورة مقطعية محوسبة للصدر."),
        (PREMISE_AR, "لا، هذا غير صحيح؛ هذه صورة مقطعية محوسبة للصدر."),
        (PREMISE_AR, "ليست هذه صورة رنين مغناطيسي للدماغ، وإنما صورة مقطعية محوسبة للصدر."),
        (NO, "No, this is a CT of the chest, its right side."),
        (NO_AR, "لَا، هذه صورة مقطعية محوسبة للصدر."),
        (CT, "This is not an MRI but a CT."),
        (CT, "This is a CT scan, and I cannot diagnose from a CT scan."),
        (CT_AR, "لا شك أن هذه صورة مقطعية محوسبة."),
        (XRAY, "It's an X-ray; not all of the chest radiograph is sharp."),
        (YES, "Yes, this is a chest CT. I can't diagnose from it."),
        (YES, "That is right, this is a chest CT."),
        (YES_AR, "بالتأكيد، هذه صورة مقطعية محوسبة للصدر."),
        (AGREE, "This is a chest CT; I cannot tell more than that from it."),
        (BLANK, "The picture does not show anything, it is blank."),
        (NOISE_AR, "لا يظهر في الصورة سوى تشويش."),
        (NONMED, "This isn't a medical image."),
        (DECLINE, "I can't say whether it is normal; I cannot diagnose from one picture."),
        (DECLINE_AR, "لا أستطيع تشخيص الحالة من صورة."),
        (DECLINE_AR, "ولا يمكن الجزم بذلك من صورة."),
        (NO_IMAGE, "I don't see an image; please attach the chest CT."),
        (NO_IMAGE_AR, "لم تصلني أي صورة."),
        (COUNT, "About twenty red blood cells."),
        (COUNT_AR, "نحو عشرين من خلايا الدم الحمراء."),
        (CELLS, "I see red blood cells, but no platelets."),
        (CT, "This is a CT with PACS number (رقم الملف) hidden."),
    ],
)  # fmt: skip
def test_a_right_answer_in_other_words_is_right(wanted: Expected, answer: str) -> None:
    assert grade(answer, "stop", wanted).reasons == ()


@pytest.mark.parametrize(
    ("answer", "tongue", "kept"),
    [
        ("هذه صورة رنين مغناطيسي MRI للدماغ.", "ar", True),
        ("هذه صورة MRI.", "ar", True),
        ("هذه MRI scan of the brain.", "ar", False),
        ("这是一张胸部的图像 CT", "en", False),
        ("This is a chest CT.", "en", True),
        ("20", "en", False),
    ],
)
def test_an_answer_of_two_languages_is_in_neither(answer: str, tongue: Tongue, kept: bool) -> None:
    assert spoken_in(answer, tongue) is kept
