"""Folded text reads alike, and every character leads back to where it stood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.text.fold import fold, folded


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("٤٫٥ ملغ", "4.5 ملغ"),
        ("١٬٢٠٠", "1,200"),
        ("40٪", "40%"),
        ("10⁹/L and m²", "10^9/L and m2"),
        ("x 10¹²", "x 10^12"),
        ("5–10 − 2", "5-10 - 2"),
        ("مَرِيضٌ", "مريض"),
        ("اليُسرى", "اليسري"),
        ("\u202b5 mg\u202c", "5 mg"),
        ("µg", "μg"),
    ],
)
def test_what_patterns_need_not_know_is_folded(text: str, expected: str) -> None:
    assert folded(text) == expected


def test_without_letters_the_hamza_stays() -> None:
    assert folded("ألا إلا", letters=False) == "ألا إلا"
    assert folded("ألا إلا") == "الا الا"


def test_a_span_leads_back_to_the_text_as_it_was() -> None:
    text = "\u202bالرئة اليُمنى 5"
    found = fold(text)
    start = found.text.index("اليمني")
    first, last = found.span(start, start + len("اليمني"))
    assert text[first:last] == "اليُمنى"


@given(st.text(max_size=60))
def test_any_text_folds_and_every_span_is_inside_it(text: str) -> None:
    found = fold(text)
    assert len(found.at) == len(found.text) + 1
    assert list(found.at) == sorted(found.at)
    first, last = found.span(0, len(found.text))
    assert 0 <= first <= last <= len(text)
