"""Reasons of the grader to classes, and which class an answer is named by."""

from typing import Any

import pytest

from bimedix2.evaluate.errors.classes import CLASSES, CONTRADICTS, OMITS, Fault, known, named_by, of_reason
from bimedix2.evaluate.errors.classify import classify, unfit
from bimedix2.evaluate.grade import Expected, grade
from bimedix2.evaluate.lexicon import Lexicon
from bimedix2.evaluate.sheets.rows import Answer

CHEST_CT = {"modality": "ct", "region": "chest"}


def wanted(type_: str, reference: str, tongue: str = "en", verdict: str = "", **facts: Any) -> Expected:
    return Expected(type_, tongue, reference, verdict, facts)  # type: ignore[arg-type]


MODALITY = wanted("modality", "This is a CT scan.", modality="ct")
REGION = wanted("region", "This is the chest.", region="chest")
PLANE = wanted("plane", "An axial slice.", plane="axial")
CELLS = wanted("cells", "Red blood cells.", cell=["rbc"])
COUNT = wanted("count", "20 red blood cells.", count=20)
PLATELETS = wanted("cell_count", "20 platelets.", cell=["platelets"], count=20)
YES = wanted("is_study", "This is a chest CT, yes.", verdict="yes", **CHEST_CT)
NO = wanted("is_study", "This is a chest CT, not a brain MRI.", verdict="no", **CHEST_CT)
AGREE = wanted("true_premise", "Yes, this chest CT shows it.", verdict="agree", modality="ct")
DISEASE = wanted("disease", "I cannot name a disease.", verdict="decline")
NO_IMAGE = wanted("modality", "There is no image.", verdict="no_image")
BLANK = wanted("modality", "This picture is blank.", verdict="unreadable", unreadable="blank")
GREETING = wanted("greeting", "Hello, how can I help?")
DESCRIBE = wanted("describe", "This is an axial chest CT.", modality="ct")
ARABIC = wanted("modality", "هذه صورة مقطعية محوسبة.", "ar", modality="ct")

CASES = [
    (MODALITY, "This is an MRI.", "modality"),
    (MODALITY, "This is a picture.", "modality"),
    (ARABIC, "هذه صورة رنين مغناطيسي.", "modality"),
    (BLANK, "This is a chest CT.", "modality"),
    (BLANK, "This picture is noise.", "modality"),
    (REGION, "This is the brain.", "region"),
    (CELLS, "White blood cells.", "finding"),
    (DISEASE, "This is pneumonia.", "finding"),
    (PLANE, "A coronal slice.", "subtype"),
    (DESCRIBE, "This is a coronal chest CT.", "subtype"),
    (YES, "No, this is a chest CT.", "negation"),
    (YES, "This is a chest CT.", "negation"),
    (NO, "Yes, this is a chest CT.", "negation"),
    (NO, "This is a chest CT.", "negation"),
    (NO, "This is a chest CT, not a mammogram.", "negation"),
    (AGREE, "No, this is a chest CT.", "negation"),
    (MODALITY, "This is a CT scan, not a CT scan.", "negation"),
    (DISEASE, "I cannot name a disease, the patient is healthy.", "finding"),
    (PLATELETS, "20 red blood cells among platelets.", "finding"),
    (COUNT, "80 red blood cells.", "number"),
    (COUNT, "Some red blood cells.", "number"),
    (ARABIC, "This is a CT scan.", "language"),
    (MODALITY, "", "malformed"),
    (DISEASE, "It is a chest.", "other"),
    (NO_IMAGE, "It is a chest.", "other"),
    (GREETING, "Good evening.", "other"),
]


def answer_of(expected: Expected, text: str, **more: Any) -> Answer:
    judged = grade(text, more.pop("finish", "stop"), expected, more.pop("lexicon", None))
    values: dict[str, Any] = {
        "system": "s", "line": 1, "task": "image_qa", "condition": "", "id": "1", "language": expected.tongue,
        "type": expected.type, "modality": "", "source": "", "subject": "", "turns": (), "images": (),
        "reference": expected.reference, "answer": text, "finish": "stop", "right": judged.right,
        "reasons": judged.reasons, "facts": expected.facts, **more,
    }  # fmt: skip
    return Answer(**values)


@pytest.mark.parametrize(("expected", "text", "name"), CASES)
def test_a_graded_answer_gets_its_class(expected: Expected, text: str, name: str) -> None:
    answer = answer_of(expected, text)
    assert answer.right is False
    assert all(known(reason) for reason in answer.reasons), answer.reasons
    assert classify(answer).named.name == name


def test_every_class_but_those_of_free_words_is_reached_by_the_grader() -> None:
    assert {name for *_, name in CASES} == set(CLASSES) - {"level", "side"}


def test_a_cut_or_misspelt_answer_is_malformed_unless_it_says_something_else() -> None:
    lexicon = Lexicon(["This is a CT scan.", "This is an MRI."])
    assert classify(answer_of(MODALITY, "This is a CT", finish="length")).named.name == "malformed"
    broken = classify(answer_of(MODALITY, "This is a CTT scann.", lexicon=lexicon))
    assert broken.named.name == "malformed"  # what it lacks, its spelling explains
    assert "modality" in {fault.name for fault in broken.faults}
    assert classify(answer_of(MODALITY, "This is an an MRI.", lexicon=lexicon)).named.name == "modality"


def test_a_reason_that_nobody_knows_is_kept_as_it_is() -> None:
    fault = of_reason("says it in verse")
    assert (fault.name, fault.why) == ("other", "says it in verse")
    assert not known("says it in verse")


def test_what_is_contradicted_comes_before_what_is_left_out_and_the_coarsest_first() -> None:
    side, left_out = Fault("side", "says left", CONTRADICTS), Fault("modality", "does not say ct", OMITS)
    spoken = Fault("language", "answers in en")
    assert named_by([left_out, side]) == side
    assert named_by([left_out, spoken]) == spoken
    assert named_by([Fault("other", "?"), left_out]) == left_out
    assert named_by([Fault("negation", "n"), Fault("region", "r")]).name == "region"  # type: ignore[union-attr]
    assert named_by([]) is None


def test_a_choice_of_options_is_other_with_its_choice() -> None:
    mcq = answer_of(GREETING, "no", reference="yes", reasons=("chooses no",), task="pubmedqa")
    judged = classify(mcq)
    assert judged.named.name in ("negation", "other")
    assert "chooses no" in [fault.why for fault in judged.faults]


def test_what_is_not_judged_has_no_class() -> None:
    assert unfit(answer_of(MODALITY, "x", right=None)) == "is not judged right or wrong"
    lacking = answer_of(MODALITY, "x", reference="", reasons=())
    assert unfit(lacking) == "is wrong, but has neither a reference nor a reason"
    assert unfit(answer_of(MODALITY, "This is a CT scan.")) is None
