"""Exact answers and answers in other words, in both languages; the table itself."""

import pytest

from bimedix2.evaluate.metrics import vqa, vqa_arabic
from bimedix2.evaluate.metrics.vqa_same import ambiguous, canonical, exact, same, version


@pytest.mark.parametrize(
    ("gold", "answer", "language", "is_exact", "is_same"),
    [
        ("X-Ray", "x-ray.", "en", True, True),
        ("X-Ray", "A chest radiograph", "en", False, False),
        ("X-Ray", "plain film", "en", False, True),
        ("CT", "Computed tomography", "en", False, True),
        ("Lung", "the lungs", "en", False, True),
        ("right lung", "right side lung", "en", False, True),
        ("left lung", "right lung", "en", False, False),
        ("two", "2", "en", False, True),
        ("12", "2", "en", False, False),
        ("cardiomegaly", "an enlarged heart", "en", False, True),
        ("Liver, Heart", "liver heart", "en", True, True),
        ("Lower Left Lung", "lower lung", "en", False, False),
        ("الرئة اليسرى", "الرئة اليُسرى.", "ar", True, True),
        ("انصباب جنبي", "الانصباب الجنبي", "ar", False, True),
        ("انصباب جنبي", "انصباب بلوري", "ar", False, True),
        ("أشعة سينية", "صورة شعاعية", "ar", False, True),
        ("تصوير مقطعي محوسب", "الأشعة المقطعية", "ar", False, True),
        ("يسار", "يمين", "ar", False, False),
        ("٢", "اثنان", "ar", False, True),
        ("lung", "", "en", False, False),
        ("the", "the", "en", False, False),
    ],
)
def test_what_is_the_same(gold: str, answer: str, language: str, is_exact: bool, is_same: bool) -> None:
    assert exact(gold, answer) is is_exact
    assert same(gold, answer, language) is is_same


@pytest.mark.parametrize("language", ["en", "ar"])
def test_no_phrase_stands_in_two_lines_of_the_table(language: str) -> None:
    assert list(ambiguous(language)) == []


def test_a_phrase_is_taken_whole_and_the_longest_first() -> None:
    assert canonical("white blood cells and platelets", "en") == canonical(
        "leukocytes and thrombocytes", "en"
    )
    assert canonical("octet", "en") == "octet"  # "ct" inside a word


def test_neither_published_nor_arabic_scores_know_synonyms() -> None:
    assert vqa.score_pair("ct", "computed tomography").recall == 0
    assert vqa_arabic.score_pair("انصباب جنبي", "انصباب بلوري").plain.recall == 0.5
    assert version().startswith("same-1:")
