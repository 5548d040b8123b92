"""How often letters burned into pictures are suspected, and how often pictures without any are.

python benchmarks/burned_in.py [images=DIR]

Clean pictures are those of the pydicom wheel, or of a folder with a manifest.json. Onto each a line is drawn
at a random place near a border, in white on its dark or black on its bright ground, in the font that Pillow
ships; Arabic in matplotlib's DejaVu Sans. Prints found / drawn by height and script, and which untouched
pictures were suspected: whether those do hold letters is for the reader to look at.
"""

import json
import os
import platform
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom.data
from PIL import Image, ImageDraw, ImageFont

from bimedix2.errors import ImageError
from bimedix2.imaging import read
from bimedix2.imaging.burned_in import looks_written

HEIGHTS = (10, 14, 20, 32)
LINES = {
    "en": ("HADDAD AMAL 48291", "Patient: J. Smith", "1962-04-17 10:20"),
    "ar": ("أمل حداد ٤٨٢٩١", "اسم المريض: سامي"),
}


def pictures(folder: Path | None) -> Iterator[tuple[str, Image.Image]]:
    """Name and RGB picture of every file that opens and is at least 128 pixels wide and high."""
    if folder is None:
        root = Path(pydicom.data.__file__).parent / "test_files"
        paths = sorted(path for path in root.rglob("*") if path.is_file())
    else:
        paths = [folder / row["file"] for row in json.loads((folder / "manifest.json").read_text("utf-8"))]
    for path in paths:
        try:
            image = read(path.read_bytes(), path.name).image
        except ImageError:
            continue
        if min(image.size) >= 128:
            yield path.name if folder is None else str(path.relative_to(folder)), image


def font(script: str, height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font that a script is drawn in."""
    if script == "en":
        return ImageFont.load_default(height)
    import matplotlib

    # DejaVu Sans has Arabic letters; without libraqm Pillow draws them unjoined, as some old machines do.
    shipped = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(shipped), height)


def written(
    image: Image.Image, text: str, script: str, height: int, rng: random.Random
) -> Image.Image | None:
    """The picture with a line near a border; nothing where the line is wider than the picture."""
    drawn, shape = image.copy(), font(script, height)
    draw = ImageDraw.Draw(drawn)
    left, _, right, bottom = draw.textbbox((0, 0), text, font=shape)
    wide, high = int(right - left), int(bottom)
    if wide + 8 > image.width or high + 8 > image.height:
        return None
    x = rng.randint(4, image.width - wide - 4)
    y = rng.choice([4, image.height - high - 4])
    ground = np.asarray(image.crop((x, y, x + wide, y + high)).convert("L")).mean()
    shade = (0, 0, 0) if ground > 127 else (255, 255, 255)
    draw.text((x, y), text, fill=shade, font=shape)
    return drawn


def main() -> None:
    """Draw, look, and print the counts."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    given = [argument.removeprefix("images=") for argument in sys.argv[1:]]
    found = list(pictures(Path(given[0]) if given else None))
    rng = random.Random(0)
    began = time.perf_counter()
    suspected = [name for name, image in found if looks_written(image)]
    seconds = (time.perf_counter() - began) / max(1, len(found))
    print(f"{len(found)} pictures, {seconds * 1000:.0f} ms each; suspected untouched: {len(suspected)}")
    for name in suspected:
        print(f"  {name}")
    clean = [image for name, image in found if name not in suspected]
    for script, lines in LINES.items():
        for height in HEIGHTS:
            drawn = [written(image, rng.choice(lines), script, height, rng) for image in clean]
            there = [image for image in drawn if image is not None]
            hits = sum(bool(looks_written(image)) for image in there)
            print(f"{script} {height:2} px: found {hits} of {len(there)}")


if __name__ == "__main__":
    main()
