"""Runs of words are equal where the words are, whatever their case, marks, digits and punctuation."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bimedix2.dataset import ngrams
from bimedix2.text.arabic import normalise

letters = st.text("abZé09_& -,.;\n\t()،؟ابتأإىةَُّـ٣۴µ🙂", max_size=40)


def words_of(text: str, size: int) -> list[tuple[str, ...]]:
    words = normalise(text).split()
    return [tuple(words[start : start + size]) for start in range(len(words) - size + 1)]


@settings(max_examples=300, deadline=None)
@given(st.lists(letters, min_size=1, max_size=6), st.integers(1, 4))
def test_runs_are_equal_as_their_words_are(texts: list[str], size: int) -> None:
    numbers, of_text, first = ngrams.runs(pa.array(texts, pa.string()), size)
    wanted = [
        (place, start, run)
        for place, text in enumerate(texts)
        for start, run in enumerate(words_of(text, size))
    ]
    assert list(zip(of_text.tolist(), first.tolist(), strict=True)) == [
        (place, start) for place, start, _ in wanted
    ]
    runs = [run for _, _, run in wanted]
    found = numbers.tolist()
    for i in range(len(runs)):
        for j in range(i):
            assert (found[i] == found[j]) == (runs[i] == runs[j])


@pytest.mark.parametrize("limit", [7, 1 << 20])
def test_texts_are_hashed_alike_however_they_are_cut(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(ngrams, "CHARACTERS", limit)
    texts = pa.array(
        ["x", "one two three four five", "", "صورة أشعة للصدر تُظهر", "one two three, FOUR five"] * 3
    )
    numbers, text, _ = ngrams.runs(texts.slice(1), 3)
    by_text = {place: numbers[text == place].tolist() for place in range(len(texts) - 1)}
    assert by_text[0] == by_text[3] == by_text[5]
    assert len(by_text[2]) == 2
    assert 1 not in text.tolist()


def test_the_words_of_a_run_are_shown_as_they_stand() -> None:
    assert ngrams.words_at("The Chest, of (a) child", 1, 3) == "Chest of a"
    assert ngrams.words_at("الصَّدر لا كسر", 0, 2) == "الصدر لا"
