"""What a translator sees of a text, and the text again from what it gives back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.language.segments import Segments, mask


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("<image>\nWhat is this?", ("<image>",)),
        ("See https://a.org/b?c=1. Then <|im_end|>.", ("https://a.org/b?c=1", "<|im_end|>")),
        ("Write to a.b@c.org, PMID: 123 and 10.1000/xyz-1.", ("a.b@c.org", "PMID: 123", "10.1000/xyz-1")),
        ("Coded J18.9 for {name}", ("J18.9", "{name}")),
        ("BP < 90 mmHg and > 60; T12 fracture", ()),
        ("already ⟦7⟧ here", ("⟦7⟧",)),
    ],
)
def test_protected_spans_are_masked_and_come_back(text: str, spans: tuple[str, ...]) -> None:
    masked = mask(text)
    assert masked.spans == spans
    assert not any(span in masked.text for span in spans if span != "⟦7⟧")
    assert masked.unmask(masked.text) == (text, "")


def test_a_mark_that_is_lost_doubled_or_new_is_named() -> None:
    masked = mask("<image> and <image>")
    assert masked.text == "⟦1⟧ and ⟦2⟧"
    assert masked.unmask("⟦2⟧ و⟦1⟧") == ("<image> و<image>", "")
    for wrong, named in (("⟦1⟧", "⟦2⟧"), ("⟦1⟧ ⟦2⟧ ⟦2⟧", "⟦2⟧"), ("⟦1⟧ ⟦2⟧ ⟦3⟧", "⟦3⟧")):
        assert named in masked.unmask(wrong)[1]


def test_of_json_only_the_words_are_translated() -> None:
    text = '{\n  "answer": "B",\n  "why": ["The left lung", 3, "", "<image>"],\n  "n": 1.5\n}'
    segments = Segments(text)
    assert segments.texts == ("The left lung",)
    assert json.loads(segments.join(["الرئة اليسرى"])) == {
        "answer": "B",
        "why": ["الرئة اليسرى", 3, "", "<image>"],
        "n": 1.5,
    }
    assert '\n  "why"' in segments.join(["الرئة"])


@pytest.mark.parametrize("text", ["B", "(C).", "12.5", "<image>", " ", "[1, 2]", "{not json", "a {b} c"])
def test_what_has_no_words_is_left_alone(text: str) -> None:
    wanted = () if text not in ("{not json", "a {b} c") else (text,)
    assert Segments(text).texts == wanted
    assert Segments(text).join(wanted) == text


def test_a_wrong_number_of_translations_is_refused() -> None:
    with pytest.raises(ValueError, match="2 translations of 1"):
        Segments("one text").join(["a", "b"])


@given(st.text(alphabet="ab <image>⟦⟧12|{}x@.c", max_size=40))
def test_masking_loses_nothing(text: str) -> None:
    masked = mask(text)
    assert masked.unmask(masked.text) == (text, "")
    segments = Segments(text)
    if not text.strip().startswith(("{", "[")):
        assert segments.join(segments.texts) == text
