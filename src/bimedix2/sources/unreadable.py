"""Blank and noise pictures, drawn from a seed, so that a model learns to say that there is nothing to see."""

import io as bytes_io
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from bimedix2.records import ImagePart, Language, Message, Provenance, Record
from bimedix2.records.images import ImageStore

Pixels = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
SIZES = (96, 112, 160, 224, 320)


def _solid(rng: np.random.Generator, shape: tuple[int, int, int]) -> Pixels:
    colour = (
        rng.uniform(0, 255, 3)
        if rng.random() < 0.4
        else np.full(3, rng.choice([0, 255, rng.uniform(0, 255)]))
    )
    return np.broadcast_to(colour, shape).astype(np.float64)


def _faint(rng: np.random.Generator, shape: tuple[int, int, int]) -> Pixels:
    level = rng.choice([0.0, 255.0, float(rng.uniform(0, 255))])
    return np.asarray(level + rng.normal(0, 1.5, (*shape[:2], 1)) * np.ones(3))


def _gradient(rng: np.random.Generator, shape: tuple[int, int, int]) -> Pixels:
    low, high = sorted(rng.uniform(0, 255, 2))
    ramp = np.linspace(low, min(high, low + 40), shape[int(rng.integers(2))])
    plane = ramp[:, None] if len(ramp) == shape[0] and rng.random() < 0.5 else ramp[None, : shape[1]]
    return np.broadcast_to(plane[..., None], shape).astype(np.float64)


def _gaussian(rng: np.random.Generator, shape: tuple[int, int, int]) -> Pixels:
    channels = 3 if rng.random() < 0.5 else 1
    return rng.uniform(60, 190) + rng.normal(0, rng.uniform(25, 90), (*shape[:2], channels)) * np.ones(3)


def _uniform(rng: np.random.Generator, shape: tuple[int, int, int]) -> Pixels:
    channels = 3 if rng.random() < 0.5 else 1
    return rng.uniform(0, 255, (*shape[:2], channels)) * np.ones(3)


def _speckle(rng: np.random.Generator, shape: tuple[int, int, int]) -> Pixels:
    chosen = rng.random((*shape[:2], 1))
    share = rng.uniform(0.15, 0.5)
    return np.where(chosen < share, 255.0, np.where(chosen > 1 - share, 0.0, 127.0)) * np.ones(3)


def _coarse(rng: np.random.Generator, shape: tuple[int, int, int]) -> Pixels:
    block = int(rng.integers(2, 9))
    small = rng.uniform(0, 255, (shape[0] // block + 1, shape[1] // block + 1, 1))
    return np.kron(small, np.ones((block, block, 1)))[: shape[0], : shape[1]] * np.ones(3)


DRAW: dict[str, tuple[Callable[[np.random.Generator, tuple[int, int, int]], Pixels], ...]] = {
    "blank": (_solid, _faint, _gradient),
    "noise": (_gaussian, _uniform, _speckle, _coarse),
}
CAPTIONS = {"blank": "A blank image.", "noise": "An image of random noise."}


def draw(kind: str, number: int, seed: int) -> bytes:
    """PNG bytes of one picture; the same arguments give the same bytes.

    Args:
        kind: ``blank`` or ``noise``.
        number: which one; also chooses the way it is drawn, in turn.
        seed: of the whole set.
    """
    rng = np.random.default_rng([seed, number, sorted(DRAW).index(kind)])
    shape = (int(rng.choice(SIZES)), int(rng.choice(SIZES)), 3)
    ways = DRAW[kind]
    pixels = ways[number % len(ways)](rng, shape)
    file = bytes_io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(file, format="PNG")
    return file.getvalue()


def read(store: ImageStore, count: int, seed: int) -> Iterator[Record]:
    """Yield ``count`` blank and ``count`` noise records, ``meta.kind`` naming which."""
    for kind in sorted(DRAW):
        for number in range(count):
            name = f"{kind}-{number:03d}.png"
            image = ImagePart(image=store.add(draw(kind, number, seed)), name=name)
            yield Record(
                id=f"unreadable/{name}",
                messages=(Message.of("user", image), Message.of("assistant", CAPTIONS[kind])),
                language=Language.ENGLISH,
                task="caption",
                provenance=Provenance(
                    source="unreadable",
                    source_id=name,
                    subject=f"unreadable:{name}",
                    licence="CC0-1.0",
                    attribution="drawn by bimedix2.sources.unreadable",
                ),
                meta={"kind": kind},
            )
