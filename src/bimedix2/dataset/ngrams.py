"""Runs of words as numbers, for millions of texts: equal words in equal order give equal numbers.

Words are those of ``text.arabic.normalise`` (case, tashkil, alef and ya forms, digits' script and
punctuation do not count), found with a table of characters instead of expressions. A word's number is the
polynomial of its characters, a run's the polynomial of its words' numbers, both modulo 2**64 by prefix sums;
each is mixed, so that a chance collision among a billion runs is rarer than one run in ten thousand.
"""

import unicodedata
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bimedix2.dataset.batches import Ints, strings
from bimedix2.text.arabic import normalise, without_marks

Numbers = np.ndarray[tuple[int, ...], np.dtype[np.uint64]]
Codes = np.ndarray[tuple[int, ...], np.dtype[np.uint32]]

CHARACTERS = 1 << 20
"""Characters hashed together: the arrays of a step stay in the processor's cache or near it."""
PLAIN = 0x3000
"""Characters from here to the presentation forms are letters of themselves or nothing."""
FORMS = 0xF900
SKIP = np.uint32(0xFFFFFFFF)
_CHARACTER, _WORD, _MIX = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0xBF58476D1CE4E5B9


@cache
def _folds() -> Codes:
    """Character -> what it is folded to, 0 between words, ``SKIP`` where it counts as absent."""
    table = np.zeros(0x10000, dtype=np.uint32)
    for code in range(0x10000):
        character = chr(code)
        if PLAIN <= code < FORMS:
            table[code] = code if unicodedata.category(character)[0] in "LN" else 0
        elif not without_marks(character):
            table[code] = SKIP
        elif not 0xD800 <= code < 0xE000 and (folded := normalise(character)):
            table[code] = ord(folded[-1])
    return table


@cache
def _ascii() -> bytes:
    """The same for ASCII, as ``bytes.translate`` takes it."""
    return bytes(int(code) for code in _folds()[:128]) + bytes(128)


@cache
def _powers(base: int, count: int) -> tuple[Numbers, Numbers]:
    """Powers of an odd base modulo 2**64, and their inverses."""
    inverse = pow(base, -1, 1 << 64)
    both = []
    for factor in (base, inverse):
        steps = np.full(count, factor, dtype=np.uint64)
        steps[0] = 1
        both.append(np.multiply.accumulate(steps))
    return both[0], both[1]


def _grown(base: int, count: int) -> tuple[Numbers, Numbers]:
    size = 1 << max(16, (count - 1).bit_length())
    power, inverse = _powers(base, size)
    return power[:count], inverse[:count]


def _mixed(numbers: Numbers) -> Numbers:
    numbers = numbers ^ (numbers >> np.uint64(31))
    numbers = numbers * np.uint64(_MIX)
    return np.asarray(numbers ^ (numbers >> np.uint64(29)))


def _sums(values: Numbers) -> Numbers:
    total = np.zeros(len(values) + 1, dtype=np.uint64)
    np.cumsum(values, out=total[1:])
    return total


def word_bounds(inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], at: Ints) -> tuple[Ints, Ints]:
    """First character of every word, and the one after its last.

    Args:
        inside: of every character, whether it belongs to a word.
        at: offsets of the texts; no word goes over one.
    """
    before = np.empty_like(inside)
    before[1:] = inside[:-1]
    after = np.empty_like(inside)
    after[:-1] = inside[1:]
    if len(inside):
        before[0] = after[-1] = False
    inner = at[(at > 0) & (at < len(inside))]
    before[inner] = False
    after[inner - 1] = False
    return np.flatnonzero(inside & ~before), np.flatnonzero(inside & ~after) + 1


def _characters(texts: pa.StringArray) -> tuple[Any, Ints]:
    """Folded characters of the texts one after the other, and the offsets of the texts in them."""
    at, data = strings(texts)
    raw = data[at[0] : at[-1]].tobytes()
    if raw.isascii():
        return np.frombuffer(raw.translate(_ascii()), dtype=np.uint8), at - at[0]
    codes = np.frombuffer(raw.decode("utf-8").encode("utf-32-le"), dtype=np.uint32)
    at = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(pc.utf8_length(texts).fill_null(0).to_numpy(), out=at[1:])
    folded = _folds()[np.minimum(codes, 0xFFFF)]
    absent = folded == SKIP
    if absent.any():
        gone = np.zeros(len(folded) + 1, dtype=np.int64)
        np.cumsum(absent, out=gone[1:])
        folded, at = folded[~absent], at - gone[at]
    return folded, at


def runs(texts: pa.StringArray, size: int) -> tuple[Numbers, Ints, Ints]:
    """Numbers of all runs of ``size`` words that stand inside one text.

    Args:
        texts: a column without nulls that hold bytes.
        size: words in a run.

    Returns:
        The numbers; the text (its place in the column) of each; the run's first word, counted in its text.
    """
    found: list[tuple[Numbers, Ints, Ints]] = []
    at, _ = strings(texts)
    start = 0
    while start < len(texts):
        stop = int(np.searchsorted(at, at[start] + CHARACTERS, side="right")) - 1
        stop = min(max(stop, start + 1), len(texts))
        numbers, text, word = _runs(texts.slice(start, stop - start), size)
        found.append((numbers, text + start, word))
        start = stop
    if not found:
        return np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64)
    numbers, text, word = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return numbers, text, word


def _runs(texts: pa.StringArray, size: int) -> tuple[Numbers, Ints, Ints]:
    characters, at = _characters(texts)
    first, last = word_bounds(characters != 0, at)
    power, inverse = _grown(_CHARACTER, len(characters) + 1)
    sums = _sums(characters * power[:-1])
    words = _mixed((sums[last] - sums[first]) * inverse[first])
    of_text = np.searchsorted(first, at)
    text = np.repeat(np.arange(len(texts)), np.diff(of_text))
    count = max(0, len(words) - size + 1)
    power, inverse = _grown(_WORD, len(words) + 1)
    sums = _sums(words * power[:-1])
    numbers = _mixed((sums[size : size + count] - sums[:count]) * inverse[:count])
    within = text[:count] == text[size - 1 : size - 1 + count]
    text = text[:count][within]
    return numbers[within], text, np.flatnonzero(within) - of_text[text]


def words_at(text: str, word: int, size: int) -> str:
    """The run of ``size`` words of a text that begins with that word, for people."""
    table = _folds()
    words: list[str] = []
    now: list[str] = []
    for character in text + " ":
        code = int(table[min(ord(character), 0xFFFF)])
        if code == SKIP:
            continue
        if code:
            now.append(character)
        elif now:
            words.append("".join(now))
            now = []
            if len(words) == word + size:
                break
    return " ".join(words[word : word + size])
