"""Numbers are read the same in figures of either script, in English words and in Arabic ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.text.fold import folded
from bimedix2.text.numbers import arabic_numbers, canonical, english_numbers, fractions

STRICT = ("figure", "word", "ordinal", "dual")


def english(text: str) -> list[str]:
    return [n.value for n in english_numbers(folded(text)) if n.kind in STRICT]


def arabic(text: str) -> list[str]:
    return [n.value for n in arabic_numbers(folded(text)) if n.kind in STRICT]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("4.50 mg and 1,200 cells", ["4.5", "1200"]),
        ("from 5-10 mg", ["5", "10"]),
        ("165/112 mmHg", ["165", "112"]),
        ("6.5 x 10^9/L", ["6.5", "10^9"]),
        ("twenty-five patients", ["25"]),
        ("one hundred and fifty mg", ["150"]),
        ("two thousand", ["2000"]),
        ("85 thousand cells", ["85000"]),
        ("twice daily for three weeks", ["2", "3"]),
        ("the third day", ["3"]),
        ("HbA1c, T12, COVID-19 and L4-5", []),
        ("a dose of .5 mg", ["0.5"]),
        ("one of them", []),
    ],
)
def test_english_numbers(text: str, values: list[str]) -> None:
    assert english(text) == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("٤٫٥ ملغ و١٬٢٠٠ خلية", ["4.5", "1200"]),
        ("4,5 ملغ", ["4.5"]),
        ("ثلاثة أسابيع", ["3"]),
        ("خمسة وعشرون مريضًا", ["25"]),
        ("اثنتا عشرة ساعة", ["12"]),
        ("أحد عشر يومًا", ["11"]),
        ("مئة وخمسون ملغ", ["150"]),
        ("ثلاثمئة وخمسة وعشرون", ["325"]),
        ("خمسة آلاف", ["5000"]),
        ("بعد أسبوعين", ["2"]),
        ("مرتين يوميًا", ["2"]),
        ("في اليوم الثالث", ["3"]),
        ("الفقرة الثانية عشرة", ["12"]),
        ("في السبعين من عمره", ["70"]),
        ("في الرابعة والخمسين", ["54"]),
        ("٤٠ في المئة", ["40"]),
        ("كوفيد-19", []),
        ("لست مريضًا", []),
        ("الرئة اليمنى", []),
    ],
)
def test_arabic_numbers(text: str, values: list[str]) -> None:
    assert arabic(text) == values


def test_a_minus_is_seen_and_a_range_is_none() -> None:
    found = english_numbers("T-score -2.8, range 5-10")
    assert [(n.value, n.negative) for n in found] == [("2.8", True), ("5", False), ("10", False)]


def test_other_duals_may_be_two() -> None:
    found = arabic_numbers(folded("حصاتان في الكلية"))
    assert [(n.value, n.kind) for n in found] == [("2", "loose")]


def test_parts_of_a_whole() -> None:
    assert [n.value for n in fractions("more than half", "en")] == ["1/2"]
    assert [n.value for n in fractions(folded("أقل من ثلث الحالات"), "ar")] == ["1/3"]


@given(st.integers(0, 10**7))
def test_a_figure_is_the_same_with_and_without_commas_and_in_both_scripts(number: int) -> None:
    eastern = f"{number:,}".translate(str.maketrans("0123456789,", "٠١٢٣٤٥٦٧٨٩٬"))
    assert canonical(f"{number:,}") == canonical(str(number)) == canonical(folded(eastern))


@given(st.text(max_size=80))
def test_no_text_breaks_the_readers(text: str) -> None:
    for read in (english_numbers, arabic_numbers):
        for number in read(folded(text)):
            assert folded(text)[number.start : number.end].strip()
