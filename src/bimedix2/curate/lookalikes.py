"""Pictures that look the same though their files differ: scaled, saved again, a little cropped or brightened.

A perceptual hash (pHash: Zauner 2010) of 255 bits: of the grey picture at 64 x 64 the lowest 16 x 16
frequencies of its cosine transform, each above or below their median. Two pictures look alike when few bits
differ. Neighbouring slices of one scan do look alike, and two normal chest films may: the threshold is the
recipe's, and ``docs/curate.md`` says what was measured.
"""

from collections import defaultdict
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE, LOW = 64, 16
BITS = LOW * LOW - 1
FLAT = 2.0
"""Grey levels of deviation below which a picture has nothing to be told by: it is like no other."""


@cache
def _cosines() -> NDArray[np.float64]:
    """The first ``LOW`` rows of the cosine transform (DCT-II) of ``SIDE`` points."""
    places = np.arange(SIDE) + 0.5
    return np.asarray(np.cos(np.pi / SIDE * np.arange(LOW)[:, None] * places))


def phash(image: Image.Image) -> bytes | None:
    """Return the hash of a picture, 32 bytes (the last bit unused); nothing for a flat one."""
    grey = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    pixels = np.asarray(grey, np.float64)
    if pixels.std() < FLAT:
        return None
    frequencies = (_cosines() @ pixels @ _cosines().T).ravel()[1:]
    return np.packbits(frequencies > np.median(frequencies)).tobytes()


class Lookalikes:
    """The pictures seen so far, and which of them a new one looks like.

    Among pictures within a distance, some stretch of the bits agrees whole when there is one stretch more
    than bits may differ (the pigeonhole principle), so only those that share a stretch are compared.

    Args:
        distance: bits that may differ.
    """

    def __init__(self, distance: int) -> None:
        self.distance = distance
        ends = np.linspace(0, BITS, distance + 2).astype(int)
        self._stretches = list(pairwise(ends.tolist()))
        self._buckets: list[dict[bytes, list[int]]] = [defaultdict(list) for _ in self._stretches]
        self._hashes: list[NDArray[np.uint8]] = []
        self._names: list[str] = []

    def place(self, name: str, hashed: bytes) -> tuple[str, int] | None:
        """Return the first picture that this one looks like, and the bits that differ; else remember it.

        A picture is compared with those remembered alone, so a chain of small steps does not join its ends.
        """
        packed = np.frombuffer(hashed, np.uint8)
        bits = np.unpackbits(packed)
        keys = [np.packbits(bits[start:end]).tobytes() for start, end in self._stretches]
        places = list(zip(keys, self._buckets, strict=True))
        near = sorted({i for key, bucket in places for i in bucket.get(key, ())})
        if near:
            stack = np.stack([self._hashes[i] for i in near])
            apart = np.bitwise_count(stack ^ packed).sum(axis=1)
            first = np.flatnonzero(apart <= self.distance)
            if len(first):
                return self._names[near[first[0]]], int(apart[first[0]])
        for key, bucket in places:
            bucket[key].append(len(self._names))
        self._names.append(name)
        self._hashes.append(packed)
        return None
