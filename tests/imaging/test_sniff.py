"""The format comes from the bytes; the name is for errors."""

import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bimedix2.errors import ImageError
from bimedix2.imaging import read
from bimedix2.imaging.sniff import kind_of


def refusal(data: bytes) -> str:
    """Return why the bytes are refused, or "" when they open as RGB."""
    try:
        assert read(data, "x").image.mode == "RGB"
    except ImageError as error:
        return str(error)
    return ""


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2), (9, 8, 7)).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_wrong_suffix_does_not_matter() -> None:
    assert read(png(), "scan.dcm").kind == "png"
    assert read(png()).image.getpixel((0, 0)) == (9, 8, 7)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", r"^a\.png is empty \(0 bytes\); export or download it again$"),
        (b"<!doctype html><title>404</title>", r"^a\.png is text, not an image; check what was downloaded"),
        ("صورة".encode(), r"^a\.png is text, not an image"),
        (b"%PDF-1.7\n", r"^a\.png is a PDF document, which is not read; export its page as PNG$"),
        (b"PK\x03\x04rest", r"^a\.png is a zip archive"),
        (b"\0\0\0\x18ftypheic", r"^a\.png is a HEIC, AVIF or video file"),
        (bytes(2000), r"^a\.png holds only zero bytes"),
        (b"\x80\x81\x82\x00\x01 what", r"^a\.png is in no format that is read here; export it as PNG"),
        (b"\x1f\x8bxx", r"^a\.png is a damaged gzip file"),
        (gzip.compress(b"words"), r"^a\.png is a gzip file without a NIfTI volume"),
        (b"BM and then words", r"^a\.png is text"),
        (b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100", r"^a\.png is in no format|^a\.png is a damaged"),
    ],
)
def test_what_is_no_image_is_named(data: bytes, says: str) -> None:
    with pytest.raises(ImageError, match=says):
        read(data, "a.png")


def test_a_file_without_a_name_is_called_image() -> None:
    with pytest.raises(ImageError, match=r"^image is empty"):
        read(b"")
    with pytest.raises(ImageError, match=r"^two lines\.png is empty"):
        read(b"", "two\nlines.png")


def test_a_dicom_preamble_that_looks_like_tiff_is_dicom() -> None:
    assert kind_of(b"II*\0" + bytes(124) + b"DICM", "x") == "dicom"


@given(st.binary(max_size=400))
def test_any_bytes_open_or_raise_an_image_error(data: bytes) -> None:
    said = refusal(data)
    assert "\n" not in said
    assert said.startswith("x ") or not said
