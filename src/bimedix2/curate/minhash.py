"""Near-duplicate texts: which pairs of many are worth comparing, and how alike two are.

MinHash (Broder 1997) with locality-sensitive hashing by bands: of the runs of five words that a text holds,
128 minima under random hashes estimate the Jaccard similarity; texts that agree on all rows of a band are
candidates, and only these are compared, exactly. Own code in numpy and not the ``datasketch`` package: that
one keeps a Python set for every bucket of every band, where this keeps 8 bytes a text and band and sorts
them.
"""

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bimedix2.text.arabic import normalise

Hashes = NDArray[np.uint64]
PERMUTATIONS = 128
SHINGLE = 5
"""Words of a run."""
_MIX = np.uint64(0x9E3779B97F4A7C15)


@lru_cache(1 << 17)
def _word(word: str) -> int:
    digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest)


# By hashing and not from numpy's generator, whose streams may change between versions.
_FACTORS: Hashes = np.array([_word(f"factor {n}") | 1 for n in range(PERMUTATIONS)], np.uint64)
_OFFSETS: Hashes = np.array([_word(f"offset {n}") for n in range(PERMUTATIONS)], np.uint64)


def shingles(text: str) -> Hashes:
    """Return the hashes of a text's runs of ``SHINGLE`` words, sorted, each once.

    Case, punctuation, tashkil and the forms of alef and ya are folded first. A shorter text is one run.
    """
    words = np.array([_word(word) for word in normalise(text).split()], np.uint64)
    width = max(1, min(SHINGLE, len(words)))
    runs = np.zeros(max(1, len(words) - width + 1), np.uint64)
    for place in range(min(width, len(words))):
        runs = (runs * _MIX) ^ words[place : place + len(runs)]
    runs = (runs ^ (runs >> np.uint64(29))) * _MIX
    return np.unique(runs ^ (runs >> np.uint64(32)))


def rows_for(threshold: float) -> int:
    """Return the rows of a band: the most for which a pair at the threshold becomes a candidate in 99 of 100.

    Of ``b`` bands of ``r`` rows one agrees with probability ``1 - (1 - s**r)**b`` (Leskovec et al., Mining of
    Massive Datasets, 3.4.2).
    """
    for rows in (16, 8, 4, 2):
        if 1 - (1 - threshold**rows) ** (PERMUTATIONS // rows) >= 0.99:
            return rows
    return 1


def bands(runs: Hashes, rows: int, salt: bytes = b"") -> Hashes:
    """Return one key a band, ``PERMUTATIONS // rows`` of them; texts of another salt share none.

    Args:
        runs: of ``shingles``.
        rows: of ``rows_for``.
        salt: what two texts must have in common to be compared, such as their images.
    """
    minima = (runs[:, None] * _FACTORS + _OFFSETS >> np.uint64(16)).min(axis=0).reshape(-1, rows)
    keys = np.full(len(minima), _word(salt.hex()) if salt else 0, np.uint64)
    for row in range(rows):
        keys = (keys ^ minima[:, row]) * _MIX
        keys ^= keys >> np.uint64(31)
    return keys


def likeness(one: Hashes, other: Hashes) -> float:
    """Return the Jaccard similarity of two sets of runs, 0 to 1."""
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / (len(one) + len(other) - both)


def shared(keys: Hashes) -> list[NDArray[np.intp]]:
    """Return the groups of rows that share a key in one band.

    Args:
        keys: (texts,) of one band.
    """
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return [group for group in np.split(order, starts) if len(group) > 1]
