"""Normalising Arabic: what is folded, what must not be, and words found at their boundaries."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.text.arabic import find_words, normalise, script, without_marks

LETTERS = [chr(code) for code in (*range(0x621, 0x63B), *range(0x641, 0x64B))]
MARKS = [chr(code) for code in (*range(0x64B, 0x660), 0x670, 0x640)]


@given(st.text(alphabet=[*LETTERS, " ", "؟", "a", "7"]))
def test_every_letter_stays_when_marks_go(text: str) -> None:
    """A range of combining marks that an editor reorders can swallow the alphabet: none of it may go."""
    assert without_marks(text) == text


@given(st.lists(st.sampled_from([*LETTERS, *MARKS])))
def test_marks_go_and_nothing_else(characters: list[str]) -> None:
    assert without_marks("".join(characters)) == "".join(c for c in characters if c not in MARKS)


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


def test_what_is_folded() -> None:
    assert normalise("صُورَةٌ للدِّماغِ، إكليليّة ٢٥!") == "صوره للدماغ اكليليه 25"
    assert normalise("H&E  Stain.") == "h&e stain"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("هذه صورة مقطعية (CT of the chest) للصدر.", "ar"),
        ("This is a chest CT.", "en"),
        ("12 / 7", ""),
        ("صورة", "ar"),
    ],
)
def test_script(text: str, expected: str) -> None:
    assert script(text) == expected


def test_the_word_for_blood_is_not_found_in_the_word_for_brain() -> None:
    text = normalise("هذه صورة رنين مغناطيسي للدماغ، الدماغ")
    assert find_words(text, normalise("الدم")) == []
    assert len(find_words(text, normalise("الدماغ"))) == 1


@given(st.sampled_from(LETTERS), st.sampled_from(MARKS))
def test_a_mark_does_not_hide_a_letter(letter: str, mark: str) -> None:
    assert without_marks(letter + mark) == letter
    assert unicodedata.category(letter) in ("Lo", "Lm")
