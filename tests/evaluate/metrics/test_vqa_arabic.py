"""The Arabic mode: what must count as the same word, and what an answer says."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.evaluate.metrics import vqa, vqa_arabic
from bimedix2.evaluate.metrics.vqa_arabic import Folding, clean, polarity, score_pair

LETTERS = [chr(code) for code in (*range(0x621, 0x63B), *range(0x641, 0x64B))]
TEXT = st.text(alphabet=[*LETTERS, " ", " ", "،", "؟", ".", "٢", "5", "a", "\u064e", "\u200f"], max_size=30)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("نعم، يوجد كسر.", "نعم يوجد كسر"),
        ("القلب؟", "القلب"),
        ("الرئة اليُسرى", "الرئه اليسري"),
        ("٢٫٥ سم؛ ١٬٠٠٠ مل", "2.5 سم 1000 مل"),
        ("٢.٥ سم.", "2.5 سم"),
        ("تضخـــم القلب (cardiomegaly)", "تضخم القلب cardiomegaly"),
        ("«إيكو» آخر", "ايكو اخر"),
        ("نسبة ٥٠٪", "نسبه 50"),
        ("\u2067الكبد\u2069 \u200fسليم", "الكبد سليم"),
        ("ﻻ", "لا"),
        ("صبغة H&E", "صبغه h&e"),
        ("The lung", "lung"),
    ],
)
def test_what_is_folded(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_letters_can_be_left_as_they_are() -> None:
    assert clean("الرئة اليسرى", Folding(letters=False)) == "الرئة اليسرى"
    assert score_pair("الرئة", "الرئه", letters=False).plain.recall == 0
    assert score_pair("نعم", "أجل", letters=False).plain.correct


@pytest.mark.parametrize(
    ("word", "stem"),
    [
        ("والقلب", "قلب"),
        ("بالرنين", "رنين"),
        ("للدماغ", "دماغ"),
        ("وتضخم", "تضخم"),
        ("الدم", "دم"),
        ("ورم", "ورم"),
        ("وجع", "وجع"),
        ("ألم", "الم"),
    ],
)
def test_light_stems(word: str, stem: str) -> None:
    assert clean(word, vqa_arabic.STEMMED) == stem


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("نعم", "yes"),
        ("أجل، هذا صحيح.", "yes"),
        ("بلى", "yes"),
        ("الجواب هو نعم", "yes"),
        ("لا", "no"),
        ("كلا.", "no"),
        ("لا يوجد كسر", "no"),
        ("ليس هناك كسر", "no"),
        ("لم يُلاحظ أي كسر", "no"),
        ("الحدود غير واضحة", "no"),
        ("لَا", "no"),
        # A leading yes stands, whatever its explanation denies later on; at once denied it does not.
        ("نعم، الرئتان صافيتان ولا يوجد انصباب.", "yes"),
        ("نعم، يوجد كسر غير متبدل", "yes"),
        ("نعم، لا يوجد كسر", "both"),
        ("نعم ولا", "both"),
        ("لا، نعم", "both"),
        ("نعم أو لا", "both"),
        ("لا يوجد كسر، نعم", "both"),
        ("ليس واضحا لكن نعم", "both"),
        ("نعم (no)", "both"),
        # Words of the lists that mean something else here.
        ("كلا الرئتين صافيتان", ""),
        ("من أجل التشخيص", ""),
        ("لا يزال هناك انصباب", ""),
        ("الدماغ", ""),
        # Who does not know says neither; who sees nothing does.
        ("لا أعرف", ""),
        ("لا أدري إن كان هناك كسر.", ""),
        ("لا يمكنني تحديد ذلك من الصورة", ""),
        ("أنا غير متأكد", ""),
        ("لا يمكن الجزم بذلك", ""),
        ("لا، أعرف ذلك", "no"),
        ("نعم أعرف ذلك", "yes"),
        ("لا أرى كسرًا", "no"),
        ("لا يمكن رؤية كسر", "no"),
        ("yes", ""),
        ("", ""),
        ("؟!", ""),
    ],
)
def test_what_an_answer_says(answer: str, says: str) -> None:
    assert polarity(answer) == says


def test_an_english_gold_has_english_words() -> None:
    assert polarity("Yes.", "en") == "yes"
    assert polarity("There is not any", "en") == "no"
    assert polarity("I am not sure.", "en") == polarity("I do not know", "en") == ""
    assert polarity("yes and no", "en") == "both"
    assert not score_pair("yes", "yes and no").plain.correct


@pytest.mark.parametrize("gold", ["نعم", "لا"])
def test_an_answer_that_says_both_is_wrong_for_either(gold: str) -> None:
    score = score_pair(gold, "نعم ولا")
    assert score.plain.closed
    assert not score.plain.correct
    assert vqa_arabic.aggregate([score])["contradictory"] == 1


def test_the_golden_pairs_that_the_original_gets_wrong(golden: Callable[[str], Any]) -> None:
    """Of the same pairs the original has closed accuracy 0 of 0 and misses spelling, digits and commas."""
    pairs = [(p["gold"], p["pred"]) for p in golden("vqa")["arabic"]["pairs"]]
    ours = vqa_arabic.aggregate([score_pair(*pair) for pair in pairs])
    theirs = vqa.aggregate([vqa.score_pair(*pair) for pair in pairs])
    assert sum(score_pair(*pair).plain.closed for pair in pairs) == 6
    assert ours["closedQuestionsAccuracy"] == pytest.approx(5 / 6)
    assert ours["recall"] > theirs["recall"]
    assert ours["recallLightStem"] > ours["recall"]
    same = score_pair("2 سم", "٢ سم").plain
    assert (same.recall, same.bleu) == (1.0, 1.0)
    assert score_pair("الدماغ", "دماغ").plain.recall == 0
    assert score_pair("الدماغ", "دماغ").stemmed.recall == 1


def test_an_answer_in_the_other_language_is_not_right() -> None:
    assert not score_pair("نعم", "Yes, there is.").plain.correct


@given(TEXT)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(TEXT)
def test_marks_and_direction_change_no_score(text: str) -> None:
    marked = "".join(f"\u200f{letter}\u064e" if letter in LETTERS else letter for letter in text)
    assert score_pair(text, marked) == score_pair(text, text)


@given(TEXT)
def test_a_negated_answer_is_never_a_yes(text: str) -> None:
    assert polarity(f"لا، {text}") != "yes"
