"""Letters at the borders are suspected, anatomy and noise mostly are not; docs/curate.md has counts."""

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from pydicom.dataset import Dataset
from scipy import ndimage

from bimedix2.imaging.burned_in import _marks, looks_written, reasons


def tissue(seed: int, size: tuple[int, int] = (512, 512)) -> Image.Image:
    """A smooth body on black with grain, as scans are."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(30, 200, (16, 16)).astype(np.uint8))
    body = np.asarray(small.resize(size, Image.Resampling.BICUBIC), float)
    y, x = np.mgrid[: size[1], : size[0]]
    inside = ((x - size[0] / 2) / (0.42 * size[0])) ** 2 + ((y - size[1] / 2) / (0.42 * size[1])) ** 2 < 1
    grain = rng.normal(0, 6, body.shape)
    return Image.fromarray(np.clip(np.where(inside, body, 0) + grain, 0, 255).astype(np.uint8))


def write(
    image: Image.Image, text: str, at: tuple[int, int], height: int = 16, shade: int = 255
) -> Image.Image:
    drawn = image.copy()
    ImageDraw.Draw(drawn).text(at, text, fill=shade, font=ImageFont.load_default(height))
    return drawn


@pytest.mark.parametrize("height", [12, 16, 24])
@pytest.mark.parametrize("place", [(8, 8), (8, 480), (300, 8)])
def test_a_line_of_letters_at_a_border_is_suspected(height: int, place: tuple[int, int]) -> None:
    found = looks_written(write(tissue(1), "HADDAD AMAL 48291", place, height))
    assert found
    assert all(text.startswith("pixels: ") for text in found)


def test_dark_letters_on_a_bright_ground_are_suspected() -> None:
    light = Image.new("L", (400, 400), 235)
    assert looks_written(write(light, "Patient: 48291", (10, 10), 16, 0)) == [
        "pixels: dark letter-like marks at the top"
    ]


@pytest.mark.parametrize("seed", range(6))
def test_scans_without_letters_are_not(seed: int) -> None:
    assert looks_written(tissue(seed)) == []
    assert looks_written(tissue(seed).filter(ImageFilter.UnsharpMask(3, 200))) == []


def test_a_side_marker_of_one_letter_and_a_scale_of_ticks_are_not() -> None:
    assert looks_written(write(tissue(2), "L", (20, 20), 40)) == []
    ruler = tissue(3)
    draw = ImageDraw.Draw(ruler)
    for tick in range(40, 480, 20):
        draw.rectangle((500, tick, 508, tick + 1), fill=255)
    assert looks_written(ruler) == []


def test_letters_in_the_middle_are_left_to_the_person() -> None:
    assert looks_written(write(tissue(4), "HADDAD AMAL", (200, 250))) == []


@pytest.mark.parametrize("seed", range(4))
def test_marks_are_those_of_another_labeller(seed: int) -> None:
    mask = np.random.default_rng(seed).random((40, 60)) < 0.3
    ours, theirs = _marks(mask), ndimage.label(mask, np.ones((3, 3)))[0]
    assert len(np.unique(ours)) == len(np.unique(theirs))
    pairs = set(zip(ours.ravel().tolist(), theirs.ravel().tolist(), strict=True))
    assert len(pairs) == len(np.unique(theirs))
    assert not _marks(np.zeros((5, 5), bool)).any()


def test_the_header_names_what_is_at_risk() -> None:
    ds = Dataset()
    assert reasons(ds) == []
    ds.Modality, ds.SOPClassUID = "US", pydicom.uid.UltrasoundImageStorage
    ds.BurnedInAnnotation = "YES"
    assert reasons(ds) == [
        "header: Burned In Annotation is YES",
        "header: modality US",
        "header: Ultrasound Image Storage",
    ]
    ds.Modality, ds.SOPClassUID, ds.BurnedInAnnotation = "CT", pydicom.uid.CTImageStorage, "NO"
    assert reasons(ds) == []
