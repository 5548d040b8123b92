"""Words into pictures, and pictures of nothing. Knows nothing about questions."""

import io as bytes_io
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import numpy as np

from bimedix2 import imaging
from bimedix2.errors import MissingExtra
from bimedix2.language.concepts import Tongue

if TYPE_CHECKING:
    from PIL import Image, ImageFont

FONT = "static/fonts/IBMPlexSansArabic-Regular.woff2"
"""Of ``bimedix2.web``; it has Latin and Arabic letters."""
SIDE = 512
"""Pixels of the longer side at least, so that letters are sharp: a smaller picture is enlarged."""
LINE = 1.5
"""Height of a line, in heights of the font."""


def shapes_arabic() -> bool:
    """Whether Pillow here joins Arabic letters (raqm)."""
    from PIL import features

    return bool(features.check("raqm"))


def write_on(data: bytes, text: str, tongue: Tongue, name: str = "") -> bytes:
    """Return a PNG of the picture with a text on a dark band along its lower edge.

    Args:
        data: the picture's file.
        text: one or two sentences.
        tongue: of the text: where its lines begin.
        name: how errors call the file.

    Raises:
        ImageError: the file cannot be opened.
        MissingExtra: Arabic, and Pillow has no raqm.
    """
    from PIL import Image, ImageDraw

    if tongue == "ar" and not shapes_arabic():
        raise MissingExtra("Pillow with raqm, which joins Arabic letters,", "evaluate")
    picture = imaging.read(data, name).image
    if (factor := SIDE / max(picture.size)) > 1:
        size = (round(picture.width * factor), round(picture.height * factor))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    picture = picture.copy()
    font = _font(max(16, picture.width // 20))
    direction, margin = ("rtl" if tongue == "ar" else "ltr"), max(8, picture.width // 40)
    # Without raqm Latin is drawn as well; only then no direction may be named.
    named = direction if shapes_arabic() else None
    lines = _lines(text, font, picture.width - 2 * margin, named)
    step = round(font.size * LINE)
    top = max(0, picture.height - step * len(lines) - margin)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, top, picture.width, picture.height), fill=(16, 16, 16))
    for number, line in enumerate(lines):
        edge = picture.width - margin if tongue == "ar" else margin
        place = (edge, top + margin // 2 + number * step)
        pen.text(place, line, (240, 240, 240), font, anchor="ra" if tongue == "ar" else "la", direction=named)
    return _png(picture)


def _font(size: int) -> "ImageFont.FreeTypeFont":
    from PIL import ImageFont

    with as_file(files("bimedix2.web").joinpath(FONT)) as path:
        return ImageFont.truetype(str(path), size)


def _lines(text: str, font: "ImageFont.FreeTypeFont", width: int, direction: str | None) -> list[str]:
    """Words into lines that fit."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer, direction=direction) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def nothing(kind: str, number: int, seed: int) -> bytes:
    """Return a PNG that shows nothing.

    Args:
        kind: ``blank`` (one grey level) or ``noise`` (independent pixels).
        number: which of several.
        seed: equal seeds give equal pictures.
    """
    from PIL import Image

    rng = np.random.default_rng([seed, number])
    if kind == "blank":
        pixels = np.full((224, 224), rng.integers(0, 256), dtype=np.uint8)
    else:
        pixels = rng.integers(0, 256, (224, 224), dtype=np.uint8)
    return _png(Image.fromarray(pixels).convert("RGB"))


def _png(picture: "Image.Image") -> bytes:
    out = bytes_io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
