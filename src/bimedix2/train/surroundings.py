"""What lies beside the body in a sectional image: cleared, strewn with other things, or cut away.

A head rest, markers of a frame and burned-in letters say by which machine a picture was made, and where one
source alone shows them, a model learns them in the place of the body: nano called heads on MRI that lay in a
frame CT scans, since in training only CT scans had anything there (docs/decisions.md). The body itself is not
touched.
"""

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIDE = 160
"""Pixels of the longer side on which the body is looked for."""
UNEVEN = 40.0
"""Grey levels of deviation along the border from which there is no ground: the body fills the picture."""
CONTRAST = (6.0, 18.0)
"""Grey levels from the ground to the body, at least and at most: four times the ground's own deviation."""
PART = 0.2
"""A part this large beside the largest is body too: an arm beside a trunk."""
LEAST, MOST = 0.04, 0.92
"""Shares of the picture between which what was found may be a body."""
AS_IT_IS, CLEARED, STREWN = 0.3, 0.55, 0.8
"""Where a draw from 0 to 1 falls: left alone, cleared, strewn, and above that cut away."""

Mask = NDArray[np.bool_]


def body(image: Image.Image) -> tuple[Mask, tuple[int, int, int]] | None:
    """Where the body is, and the colour of the ground around it.

    Args:
        image: RGB.

    Returns:
        A mask of the image's size ``(height, width)`` and the ground's colour; nothing where no even ground
        surrounds one body.
    """
    from scipy import ndimage

    scale = min(1.0, SIDE / max(image.size))
    small = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    grey = np.asarray(small.convert("L"), np.int16)
    border = _border(grey)
    if border.std() > UNEVEN:
        return None
    away = np.abs(grey - np.median(border))
    contrast = np.clip(4 * np.median(_border(away)), *CONTRAST)
    found = ndimage.binary_opening(away > contrast, np.ones((3, 3)))
    parts, count = ndimage.label(found)
    if not count:
        return None
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    mask = ndimage.binary_fill_holes(np.isin(parts, np.flatnonzero(sizes >= PART * sizes.max())))
    mask = ndimage.binary_dilation(mask, iterations=2)
    if not LEAST < mask.mean() < MOST:
        return None
    whole = np.asarray(Image.fromarray(mask).resize(image.size, Image.Resampling.NEAREST))
    red, green, blue = (int(level) for level in np.median(_border(np.asarray(small)), axis=0))
    return whole, (red, green, blue)


def _border(pixels: NDArray[Any]) -> NDArray[Any]:
    """The outermost pixels: ``(n,)`` or ``(n, 3)``."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _lines(draw: ImageDraw.ImageDraw, size: tuple[int, int], rng: random.Random, level: int) -> None:
    """Two or three short parallel strokes, as a scale or a frame has."""
    x, y, step = rng.randrange(size[0]), rng.randrange(size[1]), rng.uniform(0.03, 0.08) * max(size)
    length, upright = rng.uniform(0.03, 0.12) * max(size), rng.random() < 0.5
    for number in range(rng.randint(2, 6)):
        at = number * step
        ends = (x + at, y, x + at, y + length) if upright else (x, y + at, x + length, y + at)
        draw.line(ends, fill=(level,) * 3, width=max(1, max(size) // 160))


def _discs(draw: ImageDraw.ImageDraw, size: tuple[int, int], rng: random.Random, level: int) -> None:
    """One to four markers."""
    for _ in range(rng.randint(1, 4)):
        x, y, r = rng.randrange(size[0]), rng.randrange(size[1]), rng.uniform(0.008, 0.025) * max(size)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(level,) * 3)


def _arc(draw: ImageDraw.ImageDraw, size: tuple[int, int], rng: random.Random, level: int) -> None:
    """A rest or a couch: a flat arc somewhere below, or beside."""
    width, height = size
    x, y = rng.uniform(0.2, 0.8) * width, rng.uniform(0.3, 0.9) * height
    a, b = rng.uniform(0.3, 0.7) * width, rng.uniform(0.1, 0.6) * height
    start = rng.choice((0, 0, 0, 90, 270))
    box = (x - a, y - b, x + a, y + b)
    draw.arc(
        box, start, start + 180, fill=(level,) * 3, width=max(1, round(rng.uniform(1, 5) * max(size) / 224))
    )


def _letters(draw: ImageDraw.ImageDraw, size: tuple[int, int], rng: random.Random, level: int) -> None:
    """Burned-in letters; none of a side, which would say something of the body."""
    text = "".join(rng.choice("ABCDEFGHKMNPQSTUVWXYZ0123456789:/.") for _ in range(rng.randint(2, 9)))
    place = (
        rng.uniform(0, 0.8) * size[0],
        rng.choice((rng.uniform(0, 0.15), rng.uniform(0.8, 0.95))) * size[1],
    )
    draw.text(place, text, fill=(level,) * 3, font_size=max(8, round(rng.uniform(0.03, 0.06) * max(size))))


THINGS: tuple[Callable[[ImageDraw.ImageDraw, tuple[int, int], random.Random, int], None], ...] = (
    _lines,
    _discs,
    _arc,
    _letters,
)


def _cleared(image: Image.Image, mask: Mask, ground: tuple[int, int, int]) -> Image.Image:
    out = Image.new("RGB", image.size, ground)
    out.paste(image, mask=Image.fromarray(mask))
    return out


def _strewn(image: Image.Image, mask: Mask, ground: tuple[int, int, int], rng: random.Random) -> Image.Image:
    out = Image.new("RGB", image.size, ground)
    draw = ImageDraw.Draw(out)
    dark = sum(ground) < 384
    for _ in range(rng.randint(1, 4)):
        level = rng.randint(60, 255) if dark else rng.randint(0, 190)
        rng.choice(THINGS)(draw, image.size, rng, level)
    out.paste(image, mask=Image.fromarray(mask))
    return out


def _cut(image: Image.Image, mask: Mask, rng: random.Random) -> Image.Image:
    """To the body's box, with up to a tenth of it left on each side."""
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    spare_x, spare_y = 0.1 * len(xs), 0.1 * len(ys)
    left, top = xs[0] - rng.uniform(0, spare_x), ys[0] - rng.uniform(0, spare_y)
    right, bottom = xs[-1] + 1 + rng.uniform(0, spare_x), ys[-1] + 1 + rng.uniform(0, spare_y)
    box = (max(0, math.floor(left)), max(0, math.floor(top)))
    return image.crop((*box, min(image.width, math.ceil(right)), min(image.height, math.ceil(bottom))))


def vary(image: Image.Image, rng: random.Random) -> Image.Image:
    """One way to have the ground around the body, or the image as it is; all draws are from ``rng``."""
    draw = rng.random()
    if draw < AS_IT_IS:
        return image
    found = body(image)
    if found is None:
        return image
    mask, ground = found
    if draw < CLEARED:
        return _cleared(image, mask, ground)
    if draw < STREWN:
        return _strewn(image, mask, ground, rng)
    return _cut(_cleared(image, mask, ground) if rng.random() < 0.5 else image, mask, rng)
