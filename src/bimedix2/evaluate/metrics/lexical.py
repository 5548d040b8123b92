"""BLEU and ROUGE of one pair of texts. Knows nothing about corpora: what is averaged is averaged elsewhere.

``compat`` values are torchmetrics 1.9.0's, which computes in float32; BLEU is rounded at the same steps here,
so that it agrees to the last printed digit.
"""

import math
import re
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

_NOT_ASCII_WORD = re.compile(r"[^a-z0-9]+")


class Overlap(NamedTuple):
    """Precision, recall and their harmonic mean; 0 where nothing is shared."""

    precision: float
    recall: float
    f: float


def single(value: float) -> float:
    """``value`` rounded to float32."""
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded


@lru_cache(maxsize=1 << 16)
def bleu_of_counts(matches: tuple[int, ...], hypothesis: int, reference: int) -> float:
    """BLEU from clipped n-gram matches, orders 1 to n, without smoothing, in float32 as torchmetrics.

    Args:
        matches: of each order.
        hypothesis: its length in tokens.
        reference: its length in tokens.
    """
    if not all(matches):
        return 0.0
    weight = single(1 / len(matches))
    total = 0.0
    for order, count in enumerate(matches):
        logarithm = single(math.log(single(count / (hypothesis - order))))
        total = single(total + single(weight * logarithm))
    geometric = single(math.exp(total))
    if hypothesis > reference:
        return geometric
    brevity = single(math.exp(single(1 - single(reference / hypothesis))))
    return single(brevity * geometric)


def bleu(reference: Sequence[str], hypothesis: Sequence[str], order: int) -> float:
    """BLEU-``order`` of one pair of token lists (Papineni et al. 2002), uniform weights, no smoothing."""
    matches = []
    for n in range(1, order + 1):
        ours = Counter(tuple(hypothesis[i : i + n]) for i in range(len(hypothesis) - n + 1))
        theirs = Counter(tuple(reference[i : i + n]) for i in range(len(reference) - n + 1))
        matches.append((ours & theirs).total())
        if not matches[-1]:
            return 0.0
    return bleu_of_counts(tuple(matches), len(hypothesis), len(reference))


def ascii_words(text: str) -> list[str]:
    """Words as ROUGE of torchmetrics sees them: lower case, ``a-z0-9`` alone. Arabic text has none."""
    return _NOT_ASCII_WORD.sub(" ", text.lower()).split()


def lcs_length(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence, a word of bits for a row (Hyyro 2004)."""
    masks: dict[str, int] = {}
    for position, token in enumerate(first):
        masks[token] = masks.get(token, 0) | 1 << position
    full = (1 << len(first)) - 1
    row = full
    for token in second:
        shared = row & masks.get(token, 0)
        row = (row + shared | row - shared) & full
    return len(first) - row.bit_count()


def _overlap(shared: int, reference: int, hypothesis: int) -> Overlap:
    if not shared:
        return Overlap(0.0, 0.0, 0.0)
    precision, recall = shared / hypothesis, shared / reference
    return Overlap(precision, recall, 2 * precision * recall / (precision + recall))


class Rouge(NamedTuple):
    """ROUGE-L and ROUGE-1 of one pair."""

    longest: Overlap
    unigram: Overlap


def rouge(reference: str, hypothesis: str, words: Callable[[str], list[str]] = ascii_words) -> Rouge:
    """ROUGE-L (one sequence a text) and ROUGE-1 without stemming (Lin 2004).

    Args:
        reference: the text that is right.
        hypothesis: the text to score.
        words: the tokeniser; with ``ascii_words`` the numbers are torchmetrics', and 0 for any Arabic text.
    """
    theirs, ours = words(reference), words(hypothesis)
    shared = (Counter(theirs) & Counter(ours)).total()
    return Rouge(
        _overlap(lcs_length(theirs, ours), len(theirs), len(ours)),
        _overlap(shared, len(theirs), len(ours)),
    )
