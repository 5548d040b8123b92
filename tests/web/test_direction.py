"""Which way a paragraph runs, and which of its runs are kept apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.web.direction import direction, isolated_runs


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("This is a chest radiograph.", "ltr"),
        ("هذه صورة أشعة سينية للصدر.", "rtl"),
        ("CT للصدر مع نافذة الرئة", "rtl"),
        ("The word القلب means heart, and here is a long English sentence.", "ltr"),
        ("القلب is the Arabic word for the organ that is called the heart", "ltr"),
        ("", "ltr"),
        ("12.5 / 40", "ltr"),
    ],
)
def test_the_direction_of_a_paragraph(text: str, way: str) -> None:
    assert direction(text) == way


@pytest.mark.parametrize(
    ("text", "isolated"),
    [
        ("الجرعة 10-20 mg من Paracetamol كل 6 ساعات.", ["10-20 mg", "Paracetamol", "6"]),
        ("ضغط الدم 120/80 mmHg.", ["120/80 mmHg"]),
        ("نافذة -600/1500", ["-600/1500"]),
        ("درجة الحرارة 38.5 °C", ["38.5 °C"]),
        ("النسبة < 5%", ["< 5%"]),
        ("الأشعة السينية", []),
    ],
)
def test_numbers_units_and_names_inside_arabic(text: str, isolated: list[str]) -> None:
    assert [run for run, way in isolated_runs(text, "rtl") if way == "ltr"] == isolated


def test_arabic_inside_english_is_one_run() -> None:
    runs = isolated_runs("The term تصوير مقطعي محوسب (CT) is used.", "ltr")
    assert [run for run, way in runs if way == "rtl"] == ["تصوير مقطعي محوسب"]


@given(st.text(alphabet="ab1 .-/%()\nابتث،؟<>&°µ", max_size=60), st.sampled_from(["ltr", "rtl"]))
def test_the_pieces_joined_are_the_text(text: str, base: str) -> None:
    assert "".join(run for run, _ in isolated_runs(text, base)) == text  # type: ignore[arg-type]
