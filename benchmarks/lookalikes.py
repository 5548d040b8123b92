"""How far apart the perceptual hashes of pictures are: of one picture saved again, and of different ones.

python benchmarks/lookalikes.py images=DIR        (DIR: a folder with manifest.json, see docs/sources.md)

Each picture is scaled to half, saved as JPEG of quality 60, brightened by a tenth, and cropped by 2 % a side.
Pairs of different files are parted by whether the manifest gives them one subject: neighbouring slices of a
scan look alike and are no duplicates.
"""

import io
import json
import os
import platform
import sys
import time
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from bimedix2.curate.lookalikes import phash
from bimedix2.imaging import read

AT = (0, 4, 8, 12, 16, 24, 32)


def variants(image: Image.Image) -> dict[str, Image.Image]:
    """What commonly happens to a published picture."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=60)
    x, y = round(image.width * 0.02), round(image.height * 0.02)
    return {
        "half size": image.resize((max(1, image.width // 2), max(1, image.height // 2))),
        "JPEG 60": Image.open(io.BytesIO(buffer.getvalue())),
        "brighter": ImageEnhance.Brightness(image).enhance(1.1),
        "cropped": image.crop((x, y, image.width - x, image.height - y)),
    }


def bits(one: bytes, other: bytes) -> int:
    """Bits in which two hashes differ."""
    return int(np.bitwise_count(np.frombuffer(one, np.uint8) ^ np.frombuffer(other, np.uint8)).sum())


def main() -> None:
    """Print, for each threshold, the share of pairs at or below it."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    folder = Path(sys.argv[1].removeprefix("images="))
    rows = json.loads((folder / "manifest.json").read_text("utf-8"))
    hashes: dict[str, bytes] = {}
    subjects: dict[str, str] = {}
    apart: dict[str, list[int]] = defaultdict(list)
    began = time.perf_counter()
    spent = 0.0
    for row in rows:
        image = read((folder / row["file"]).read_bytes(), row["file"]).image
        start = time.perf_counter()
        hashed = phash(image)
        spent += time.perf_counter() - start
        if hashed is None:
            continue
        hashes[row["file"]] = hashed
        subjects[row["file"]] = str(row.get("subject") or row["file"])
        for name, other in variants(image).items():
            again = phash(other)
            apart[name].append(256 if again is None else bits(hashed, again))
    for one, other in combinations(hashes, 2):
        same = "one subject" if subjects[one] == subjects[other] else "two subjects"
        apart[same].append(bits(hashes[one], hashes[other]))
    print(
        f"{len(hashes)} pictures, {1000 * spent / len(rows):.1f} ms a hash, "
        f"{time.perf_counter() - began:.0f} s in all"
    )
    print(f"{'pairs at most so many bits apart':34}" + "".join(f"{at:>8}" for at in AT))
    for name, values in apart.items():
        counts = [sum(value <= at for value in values) for at in AT]
        print(f"{name} ({len(values)})".ljust(34) + "".join(f"{count:8}" for count in counts))


if __name__ == "__main__":
    main()
