"""Whether a question names a medicine: by its name in either script, or by a word such as tablet."""

import time

import pytest

from bimedix2.language.medicines import names_medicine, version
from bimedix2.text.arabic import normalise


@pytest.mark.parametrize(
    "text",
    [
        "Can I raise my levothyroxine?",
        "is panadol ok",
        "what about zorbimab or rivastatin",  # endings of drugs that no list has
        "my sleeping pills",
        "كم من الريفاروكسابان",
        "هل أوقف الأميودارون؟",
        "بالإيبوبروفين",
        "جرعة إنسولين",
        "أقراصي البيضاء",
    ],
)
def test_names_and_words_of_medicines_are_found(text: str) -> None:
    assert names_medicine(normalise(text))


@pytest.mark.parametrize("spelt", ["الباراسيتامول", "البراسيتامول", "باراسيتمول", "الباراستامول"])
def test_one_name_may_be_spelt_in_several_ways_in_arabic(spelt: str) -> None:
    assert names_medicine(normalise(spelt))


@pytest.mark.parametrize(
    "text",
    [
        "How many ribs are broken on the right?",
        "What is the size of the mass in this scan?",
        "كم ضلعاً مكسورة في الجهة اليمنى؟",
        "ما نوع السرطان في صورة الرنين للبروستاتا والركبتين؟",
        "ما مستوى الكوليسترول والبيليروبين؟",
    ],
)
def test_other_words_are_none(text: str) -> None:
    assert not names_medicine(normalise(text))


def test_twenty_thousand_different_words_are_looked_up_within_seconds() -> None:
    words = [f"كلم{chr(0x628 + n % 20)}{chr(0x628 + n // 20 % 20)}{'و' * (n // 400)}ن" for n in range(20_000)]
    start = time.perf_counter()
    list(map(names_medicine, words))
    assert time.perf_counter() - start < 10


def test_what_is_looked_up_has_a_version() -> None:
    assert len(version()) == 64
