"""Damage real images at random and count what ends, hangs or fills the process that reads them.

The files are those that the pydicom and scikit-image wheels ship (under 300 kB, not through GDCM, which has a
process of its own) and what Pillow and nibabel write here. Forty damages at a time are read in a forked
process with 6 GB of memory and 30 seconds for each (Linux and macOS):

    python benchmarks/imaging_fuzz.py [SECONDS=300] [SEED=0]
"""

import gzip
import io
import os
import random
import resource
import signal
import sys
import time
from pathlib import Path

import nibabel
import numpy as np
import pydicom.data
import skimage
from PIL import Image

from bimedix2.errors import ImageError
from bimedix2.imaging import read
from bimedix2.imaging.isolated import SYNTAXES

BATCH, MEMORY, PATIENCE = 40, 6 << 30, 30
WRITTEN: tuple[tuple[str, dict[str, object]], ...] = (
    *(("TIFF", {"compression": name}) for name in ("tiff_lzw", "tiff_deflate", "jpeg", "packbits", "zstd")),
    *(("WEBP", {"lossless": lossless}) for lossless in (True, False)),
    *(("JPEG", {"progressive": progressive}) for progressive in (True, False)),
    ("BMP", {}),
    ("GIF", {}),
)


def corpus() -> dict[str, bytes]:
    """Return name -> bytes of the files that open."""
    found: dict[str, bytes] = {}
    dicom, photos = (Path(module.__file__).parent for module in (pydicom.data, skimage))
    for path in sorted([*(dicom / "test_files").rglob("*"), *(photos / "data").iterdir()]):
        if path.is_file() and path.stat().st_size < 300_000:
            data = path.read_bytes()
            if not any(f"{syntax}".encode() in data[:2000] for syntax in SYNTAXES):
                found[path.name] = data
    picture = Image.open(photos / "data" / "rocket.jpg").resize((97, 61))
    frames = [picture.rotate(angle) for angle in (10, 20)]
    for kind, options in WRITTEN:
        found[f"{kind} {options}"] = _saved(picture, kind, **options)
    for kind in ("GIF", "WEBP", "TIFF", "PNG"):
        found[f"{kind} of frames"] = _saved(picture, kind, save_all=True, append_images=frames)
    voxels = np.random.default_rng(0).integers(0, 999, (9, 8, 7)).astype(np.int16)
    found["nifti"] = bytes(nibabel.Nifti1Image(voxels, np.eye(4)).to_bytes())
    found["nifti gzip"] = gzip.compress(found["nifti"])
    return {name: data for name, data in found.items() if _opens(data)}


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _opens(data: bytes) -> bool:
    try:
        read(data)
    except ImageError:
        return False
    return True


def damaged(rng: random.Random, data: bytes) -> bytes:
    """Return data cut short, with bytes changed (more often near the start), or with some left out."""
    if rng.random() < 0.15:
        return data[: rng.randrange(len(data))]
    out = bytearray(data)
    reach = len(out) if rng.random() < 0.5 else min(len(out), rng.choice((300, 1500, 4000)))
    for _ in range(rng.randint(1, 10)):
        at = rng.randrange(reach)
        out[at] = rng.choice((0, 255, rng.randrange(256), out[at] ^ (1 << rng.randrange(8))))
    if rng.random() < 0.1:
        at = rng.randrange(len(out))
        del out[at : at + rng.randint(1, 50)]
    return bytes(out)


def batch(data: bytes, seed: int) -> None:
    """Read a batch of damages; the process ends with 3 when one raises something else than ImageError."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff talks
    rng = random.Random(seed)
    for _ in range(BATCH):
        signal.alarm(PATIENCE)
        try:
            read(damaged(rng, data), "x")
        except ImageError as error:
            if "\n" in str(error):
                os._exit(3)
        except BaseException:
            os._exit(3)
    os._exit(0)


def main(seconds: float, seed: int) -> int:
    """Run for that long; print each batch that went wrong and the totals; return how many did."""
    files, rng, wrong, done = corpus(), random.Random(seed), 0, 0
    names, end = sorted(files), time.monotonic() + seconds
    while time.monotonic() < end:
        name, own = names[done % len(names)], rng.randrange(1 << 60)
        done += 1
        child = os.fork()
        if child == 0:
            batch(files[name], own)
        _, status = os.waitpid(child, 0)
        if status:
            wrong += 1
            how = "raised" if os.WIFEXITED(status) else f"signal {os.WTERMSIG(status)}"
            print(f"{name}, seed {own}: {how}", flush=True)
    print(f"{done * BATCH} damages of {len(names)} files, {wrong} batches ended, hung or raised")
    return wrong


if __name__ == "__main__":
    given = [float(word) for word in sys.argv[1:3]]
    sys.exit(main(*(given[:1] or [300.0]), int((given[1:] or [0])[0])) > 0)
