"""BLEU, ROUGE and METEOR are torchmetrics' and NLTK's."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.evaluate.metrics.lexical import bleu, lcs_length, rouge
from bimedix2.evaluate.metrics.report import arabic_words

WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=14)


@pytest.mark.parametrize("language", ["english", "arabic"])
def test_bleu_and_rouge_are_the_originals(golden: Callable[[str], Any], language: str) -> None:
    for pair in golden("report_lexical")[language]["pairs"]:
        words = pair["ref"].split(), pair["hyp"].split()
        for order in (1, 2, 4):
            assert bleu(*words, order) == pytest.approx(pair[f"bleu{order}"], abs=1e-7), pair["hyp"]
        longest, unigram = rouge(pair["ref"], pair["hyp"])
        ours = (longest.precision, longest.recall, longest.f, unigram.f)
        theirs = [pair[key] for key in ("rougeL_p", "rougeL_r", "rougeL", "rouge1")]
        assert ours == pytest.approx(theirs, abs=1e-7), pair["hyp"]


def test_rouge_for_arabic_sees_arabic_words() -> None:
    same = "لا يوجد انصباب جنبي"
    assert rouge(same, same).longest.f == 0
    assert rouge(same, same, arabic_words).longest.f == 1
    assert rouge("الرئة اليُسرى ٤ مم", "الرئه اليسرى 4 مم", arabic_words).unigram.f == 1


def _table(first: list[str], second: list[str]) -> int:
    """The textbook's table."""
    rows = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, a in enumerate(first, 1):
        for j, b in enumerate(second, 1):
            rows[i][j] = rows[i - 1][j - 1] + 1 if a == b else max(rows[i - 1][j], rows[i][j - 1])
    return rows[-1][-1]


@given(WORDS, WORDS)
def test_the_longest_common_subsequence(first: list[str], second: list[str]) -> None:
    assert lcs_length(first, second) == _table(first, second)


@given(WORDS, WORDS, st.integers(1, 4))
def test_bleu_is_a_share_and_one_for_the_same_words(first: list[str], second: list[str], order: int) -> None:
    assert 0 <= bleu(first, second, order) <= 1.0000002
    if len(first) >= order:
        assert bleu(first, first, order) == pytest.approx(1)


def test_a_short_answer_has_no_long_ngram_and_pays_for_brevity() -> None:
    assert bleu(list("abcde"), list("abc"), 4) == 0
    assert bleu(list("abcd"), list("ab"), 1) == pytest.approx(0.36787945, abs=1e-7)
    assert bleu([], [], 1) == 0
