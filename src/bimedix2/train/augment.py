"""Variants of a training image: what a crop, a small turn, exposure or compression would do to it.

Variant 0 is the image itself. Nothing here changes what is true of a picture: no flip (it would turn left
into right), no cut that removes the region, no change of colour that would change a stain. A section of
tissue has no left and right and is the same tissue in every part, and every part of an everyday picture is
as little medical as the whole: these alone are flipped, turned, cut further and tinted as another laboratory
or camera would. What lies beside the body in a sectional image is changed (``surroundings.py``). A smear
whose cells are counted is never cut, since the count is of the whole.
"""

import io
import math
import random
from typing import Literal

from PIL import Image, ImageEnhance, ImageFilter

from bimedix2.train import surroundings

Way = Literal["", "f", "s", "w"]
"""How freely a picture may be varied: as most are; ``f``, without an up and a left and of one kind in every
part; ``s``, a section of a body on an even ground; ``w``, whole: nothing of it may be cut off."""


def _crop(image: Image.Image, rng: random.Random) -> Image.Image:
    """A window of 70 to 100 % of the area, sides within 15 % of the image's own proportions."""
    area = rng.uniform(0.7, 1.0)
    stretch = math.exp(rng.uniform(-0.15, 0.15))
    width = min(image.width, max(1, round(image.width * math.sqrt(area * stretch))))
    height = min(image.height, max(1, round(image.height * math.sqrt(area / stretch))))
    left = rng.randint(0, image.width - width)
    top = rng.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def _turn(image: Image.Image, rng: random.Random) -> Image.Image:
    """Up to 8 degrees, corners filled with the image's darkest corner colour."""
    corner = min((image.getpixel(xy) for xy in ((0, 0), (image.width - 1, image.height - 1))), key=_sum)
    return image.rotate(rng.uniform(-8, 8), resample=Image.Resampling.BILINEAR, fillcolor=corner)


def _sum(pixel: object) -> int:
    return sum(pixel) if isinstance(pixel, tuple) else 0


def _exposure(image: Image.Image, rng: random.Random) -> Image.Image:
    gamma = math.exp(rng.uniform(-0.3, 0.3))
    curved = image.point([round(255 * (level / 255) ** gamma) for level in range(256)] * 3)
    brighter = ImageEnhance.Brightness(curved).enhance(rng.uniform(0.75, 1.3))
    return ImageEnhance.Contrast(brighter).enhance(rng.uniform(0.75, 1.35))


def _soften(image: Image.Image, rng: random.Random) -> Image.Image:
    """Blur, or the blocks of a strong JPEG, or a smaller image made large again."""
    way = rng.randrange(3)
    if way == 0:
        return image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.5) * max(image.size) / 224))
    if way == 1:
        file = io.BytesIO()
        image.save(file, format="JPEG", quality=rng.randint(25, 70))
        return Image.open(file).convert("RGB")
    shrink = rng.uniform(0.3, 0.8)
    small = image.resize((max(8, round(image.width * shrink)), max(8, round(image.height * shrink))))
    return small.resize(image.size)


def _tint(image: Image.Image, rng: random.Random) -> Image.Image:
    """Up to 14 degrees of hue and a third of the saturation: less than from one stain to another."""
    hue, saturation, value = image.convert("HSV").split()
    turn, strength = rng.randint(-10, 10), rng.uniform(0.65, 1.25)
    hue = hue.point([(level + turn) % 256 for level in range(256)])
    saturation = saturation.point([min(255, round(level * strength)) for level in range(256)])
    return Image.merge("HSV", (hue, saturation, value)).convert("RGB")


def _part(image: Image.Image, rng: random.Random) -> Image.Image:
    """A square of 40 to 100 % of the shorter side, in one of its eight positions."""
    side = min(image.width, image.height, max(1, round(min(image.size) * rng.uniform(0.4, 1.0))))
    left, top = rng.randint(0, image.width - side), rng.randint(0, image.height - side)
    cut = image.crop((left, top, left + side, top + side)).rotate(90 * rng.randrange(4))
    return cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else cut


def variant(image: Image.Image, key: str, number: int, way: Way = "") -> Image.Image:
    """One variant of an RGB image; the same key, number and way give the same pixels.

    Args:
        image: RGB.
        key: the image's hash, which seeds the draw.
        number: 0 for the image itself, then 1, 2, ...
        way: how freely it may be varied.
    """
    if number == 0:
        return image
    rng = random.Random(f"{key}:{number}")
    out = image
    if way == "s":
        out = surroundings.vary(out, random.Random(f"{key}:{number}:surroundings"))
    if way == "f":
        out = _tint(_part(out, rng), rng)
    elif way != "w" and rng.random() < 0.9:
        out = _crop(out, rng)
    if way != "f" and rng.random() < 0.5:
        out = _turn(out, rng)
    if rng.random() < 0.8:
        out = _exposure(out, rng)
    if rng.random() < 0.5:
        out = _soften(out, rng)
    return out
