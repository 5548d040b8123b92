"""Raster files that Pillow wrote, with pixels known beforehand."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bimedix2.errors import ImageError
from bimedix2.imaging import raster, read

FOUR = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [250, 128, 3]]], np.uint8)


def refusal(data: bytes) -> str:
    """Return why the bytes are refused, or "" when they open as RGB."""
    try:
        assert read(data, "x").image.mode == "RGB"
    except ImageError as error:
        return str(error)
    return ""


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(data: bytes, **options: Any) -> list[Any]:
    picture = read(data, "x", **options)
    assert picture.image.mode == "RGB"
    return np.asarray(picture.image).tolist()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "WEBP"])
def test_lossless_colour_is_kept(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    data = saved(Image.fromarray(FOUR), kind, **options)
    picture = read(data, "x")
    assert np.asarray(picture.image).tolist() == FOUR.tolist()
    assert (picture.kind, picture.frames, picture.frame, picture.notes) == (kind.lower(), 1, 0, ())


def test_jpeg_and_gif() -> None:
    red = Image.new("RGB", (16, 16), (254, 0, 0))
    jpeg = read(saved(red, "JPEG", quality=95), "x")
    assert jpeg.kind == "jpeg"
    assert np.abs(np.asarray(jpeg.image).astype(int) - [254, 0, 0]).max() <= 3
    assert pixels(saved(red, "GIF"))[3][3] == [254, 0, 0]
    cmyk = read(saved(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95), "x")
    assert np.abs(np.asarray(cmyk.image).astype(int) - [255, 0, 0]).max() <= 4


def test_grey_and_palette_and_bilevel_become_rgb() -> None:
    assert pixels(saved(Image.new("L", (1, 1), 77), "PNG")) == [[[77, 77, 77]]]
    assert pixels(saved(Image.new("1", (1, 1), 1), "TIFF")) == [[[255, 255, 255]]]
    assert pixels(saved(Image.fromarray(FOUR).convert("P", palette=Image.Palette.ADAPTIVE), "PNG"))[0][0] == [
        255, 0, 0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("orientation", "want"),
    [(1, [[1, 2], [3, 4]]), (3, [[4, 3], [2, 1]]), (6, [[3, 1], [4, 2]]), (8, [[2, 4], [1, 3]])],
)
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_exif_orientation_is_applied_once(kind: str, orientation: int, want: list[list[int]]) -> None:
    image = Image.fromarray(np.array([[1, 2], [3, 4]], np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = read(saved(image, kind, exif=exif), "x")
    assert np.asarray(picture.image)[..., 0].tolist() == want
    assert picture.notes == (() if orientation == 1 else (f"EXIF orientation {orientation} applied",))


def test_transparency_is_laid_on_black() -> None:
    image = Image.new("RGBA", (2, 1), (200, 100, 50, 0))
    image.putpixel((1, 0), (200, 100, 50, 255))
    picture = read(saved(image, "PNG"), "x")
    assert np.asarray(picture.image).tolist() == [[[0, 0, 0], [200, 100, 50]]]
    assert picture.notes == ("transparency laid on black",)
    half = Image.new("LA", (1, 1), (200, 51))
    assert pixels(saved(half, "PNG")) == [[[40, 40, 40]]]  # 200 * 51 / 255
    opaque = read(saved(Image.new("RGBA", (1, 1), (5, 6, 7, 255)), "PNG"), "x")
    assert opaque.notes == ()


def test_a_palette_with_transparent_entries_is_laid_on_black() -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 1, 2])
    one = read(saved(image, "PNG", transparency=0), "x")
    assert np.asarray(one.image).tolist() == [[[0, 0, 0], [0, 255, 0], [0, 0, 255]]]
    assert one.notes == ("transparency laid on black",)
    each = saved(image, "PNG", transparency=bytes([255, 51, 0]))  # 255 * 51 / 255 = 51
    assert pixels(each) == [[[255, 0, 0], [0, 51, 0], [0, 0, 0]]]
    key = Image.fromarray(FOUR)  # an RGB file may name one colour that is transparent
    assert pixels(saved(key, "PNG", transparency=(0, 255, 0)))[0] == [[255, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_by_its_percentiles(kind: str) -> None:
    ramp = np.arange(1001, dtype=np.uint16).reshape(1, -1) + 10_000
    picture = read(saved(Image.fromarray(ramp), kind), "x")
    row = np.asarray(picture.image)[0, :, 0]
    # percentiles 5 and 995 of 0..1000: (500 - 5) / 990 * 255 = 127.5, up to 128
    assert row[[0, 5, 104, 500, 995, 1000]].tolist() == [0, 0, 26, 128, 255, 255]
    assert picture.notes == ("no window: 10005 to 10995 shown (0.5th to 99.5th percentile)",)


def test_a_16_bit_tiff_where_white_is_zero_is_inverted() -> None:
    ramp = np.arange(1001, dtype=np.uint16).reshape(1, -1)
    data = saved(Image.fromarray(ramp), "TIFF", tiffinfo={262: 0})
    stored = Image.open(io.BytesIO(data))
    assert stored.tag_v2[262] == 0
    row = np.asarray(read(data, "x").image)[0, :, 0]
    before = np.asarray(stored)[0].astype(int)
    assert row[before.argmin()] == 255
    assert row[before.argmax()] == 0


def test_float_tiff_with_nan_is_shown() -> None:
    values = np.array([[0, 1, np.nan]], np.float32)
    assert [p[0] for p in pixels(saved(Image.fromarray(values), "TIFF"))[0]] == [0, 255, 0]


def test_pages_and_frames() -> None:
    pages = [Image.new("L", (2, 2), value) for value in (10, 20, 30, 40)]
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    middle = read(data, "x")
    assert (middle.frames, middle.frame, middle.notes) == (4, 2, ("frame 3 of 4",))
    assert middle.image.getpixel((0, 0)) == (30, 30, 30)
    assert read(data, "x", frame=0).image.getpixel((0, 0)) == (10, 10, 10)
    for wrong in (4, -1):
        with pytest.raises(ImageError, match=rf"x has no frame {wrong}; choose one from 0 to 3"):
            read(data, "x", frame=wrong)
    gif = saved(pages[0], "GIF", save_all=True, append_images=pages[1:], duration=50)
    assert read(gif, "x", frame=3).image.getpixel((0, 0)) == (40, 40, 40)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_an_animation_is_drawn_only_as_far_as_the_limit(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [Image.new("RGB", (10, 10), (value, 0, 0)) for value in (10, 90, 200)]
    data = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
    assert read(data, "x").notes[0] == "frame 2 of 3"
    monkeypatch.setattr(raster, "MAX_DRAWN", 200)
    assert read(data, "x", frame=1).image.size == (10, 10)
    with pytest.raises(
        ImageError, match=r"x is an animation whose frame 2 takes 3 frames of 10 x 10 to draw"
    ):
        read(data, "x", frame=2)


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    data = saved(Image.fromarray(np.tile(FOUR, (8, 8, 1))), "JPEG", progressive=True)
    assert 5 < data.count(b"\xff\xda") < 20
    scan = data[data.rindex(b"\xff\xda") : -2]
    assert read(data[:-2] + scan * 20 + data[-2:], "x").image.size == (16, 16)
    with pytest.raises(ImageError, match=r"x has over 100 scans; save it again as a plain JPEG"):
        read(data[:-2] + scan * 100 + data[-2:], "x")


def test_a_window_means_nothing_here() -> None:
    with pytest.raises(
        ImageError, match=r"chest\.png is a PNG without physical values; leave the window out"
    ):
        read(saved(Image.fromarray(FOUR), "PNG"), "chest.png", window="lung")


def png_of_claimed_size(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"0"))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [10_001, 14_000, 60_000, 2_000_000_000])
def test_a_bomb_is_refused_before_it_is_unpacked(side: int) -> None:
    with pytest.raises(ImageError, match=r"^b\.png claims [^\n]*pixels[^\n]*scale it down"):
        read(png_of_claimed_size(side, side), "b.png")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused(kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = saved(Image.fromarray(noise), kind)
    with pytest.raises(ImageError, match=rf"^cut is a damaged or unsupported {kind} file"):
        read(data[: int(len(data) * share)], "cut")


@given(st.data())
def test_damaged_files_raise_nothing_but_image_errors(draw: st.DataObject) -> None:
    kind = draw.draw(st.sampled_from(["PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF"]))
    data = bytearray(saved(Image.fromarray(np.tile(FOUR, (8, 8, 1))), kind))
    for _ in range(draw.draw(st.integers(1, 5))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    data = data[: draw.draw(st.integers(1, len(data)))]
    assert "\n" not in refusal(bytes(data))
