"""Real files of every kind, cut and flipped at random: an RGB picture or one sentence, and nothing else."""

import gzip
import io
from functools import cache
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom.data
import pytest
import skimage
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bimedix2.errors import ImageError
from bimedix2.imaging import read

DICOM = Path(pydicom.data.__file__).parent / "test_files"
PHOTOS = Path(skimage.__file__).parent / "data"
FILES = {
    "jpeg 2000": DICOM / "MR_small_jp2klossless.dcm",
    "jpeg 2000 colour": DICOM / "SC_rgb_gdcm_KY.dcm",
    "jpeg-ls": DICOM / "MR_small_jpeg_ls_lossless.dcm",
    "jpeg-ls near-lossless": DICOM / "JPEGLSNearLossless_16.dcm",
    "jpeg in dicom": DICOM / "SC_rgb_jpeg_dcmtk.dcm",
    "rle": DICOM / "SC_rgb_rle_16bit_2frame.dcm",
    "deflated": DICOM / "image_dfl.dcm",
    "dose": DICOM / "rtdose.dcm",
    "png": PHOTOS / "chessboard_GRAY.png",
    "jpeg": PHOTOS / "rocket.jpg",
    "gif": PHOTOS / "no_time_for_that_tiny.gif",
}
"""Files that other programs wrote; GDCM's syntaxes have a process each, so ``test_isolated`` sees to them."""
WRITTEN: dict[str, dict[str, Any]] = {
    "tiff lzw": {"format": "TIFF", "compression": "tiff_lzw"},
    "tiff deflate": {"format": "TIFF", "compression": "tiff_deflate"},
    "tiff jpeg": {"format": "TIFF", "compression": "jpeg"},
    "webp": {"format": "WEBP", "quality": 60},
    "webp lossless": {"format": "WEBP", "lossless": True},
    "progressive jpeg": {"format": "JPEG", "progressive": True},
    "bmp": {"format": "BMP"},
}


@cache
def original(name: str) -> bytes:
    if name in FILES:
        return FILES[name].read_bytes()
    if name.startswith("nifti"):
        volume = np.random.default_rng(0).integers(0, 999, (9, 8, 7)).astype(np.int16)
        raw = bytes(nibabel.Nifti1Image(volume, np.diag([1, 2, 3, 1])).to_bytes())
        return gzip.compress(raw, mtime=0) if name == "nifti gzip" else raw
    buffer = io.BytesIO()
    Image.open(PHOTOS / "rocket.jpg").resize((97, 61)).save(buffer, **WRITTEN[name])
    return buffer.getvalue()


NAMES = [*FILES, *WRITTEN, "nifti", "nifti gzip"]


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_file_opens(name: str) -> None:
    assert read(original(name), name).image.mode == "RGB"


@st.composite
def damage(draw: st.DrawFn, data: bytes) -> bytes:
    if draw(st.booleans()):
        data = data[: draw(st.integers(0, len(data) - 1))]
    damaged = bytearray(data)
    reach = min(len(damaged), draw(st.sampled_from([64, 600, 4000, 1 << 30])))
    for _ in range(draw(st.integers(0, 8)) if reach else 0):
        damaged[draw(st.integers(0, reach - 1))] = draw(st.integers(0, 255))
    return bytes(damaged)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=25)
@given(draw=st.data())
def test_a_damaged_file_raises_nothing_but_an_image_error(name: str, draw: st.DataObject) -> None:
    said = ""
    try:
        assert read(draw.draw(damage(original(name))), "x").image.mode == "RGB"
    except ImageError as error:
        said = str(error)
    assert "\n" not in said
    assert not said or said.startswith("x ")
