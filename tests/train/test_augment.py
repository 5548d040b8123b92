"""Variants differ, repeat, and never mirror."""

import numpy as np
import pytest
from PIL import Image

from bimedix2.train.augment import variant


def picture() -> Image.Image:
    """Dark left half, bright right half."""
    pixels = np.full((60, 80, 3), 40, np.uint8)
    pixels[:, 40:] = 200
    return Image.fromarray(pixels)


def test_variant_0_is_the_image_itself() -> None:
    image = picture()
    assert variant(image, "k", 0) is image


def test_a_variant_repeats_and_differs_from_the_next() -> None:
    one, again, other = (np.asarray(variant(picture(), "k", n).resize((20, 20))) for n in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()


@pytest.mark.parametrize("number", range(1, 40))
def test_left_stays_left(number: int) -> None:
    pixels = np.asarray(variant(picture(), "k", number), float)
    third = pixels.shape[1] // 3
    assert pixels[:, :third].mean() < pixels[:, -third:].mean() - 20


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (400, 3)])
def test_odd_sizes_survive(size: tuple[int, int]) -> None:
    for number in range(1, 30):
        assert variant(Image.new("RGB", size, (9, 9, 9)), "k", number).mode == "RGB"


def test_free_pictures_are_flipped_and_turned_and_nothing_else_is() -> None:
    """A corner mark comes to stand in every corner of a free one, and stays in its own elsewhere."""
    marked = Image.new("RGB", (40, 40), (20, 20, 20))
    marked.paste((250, 250, 250), (0, 0, 20, 20))

    def corner(image: Image.Image) -> int:
        grey = np.asarray(image.resize((40, 40)).convert("L"), float)
        quarters = [grey[:20, :20], grey[:20, 20:], grey[20:, :20], grey[20:, 20:]]
        return int(np.argmax([quarter.mean() for quarter in quarters]))

    assert {corner(variant(marked, "k", number, way="f")) for number in range(1, 60)} == {0, 1, 2, 3}
    assert {corner(variant(marked, "k", number)) for number in range(1, 60)} == {0}


def test_a_tint_keeps_a_stain_what_it_is() -> None:
    """Pink stays nearer to pink than to blue, and a grey picture stays grey."""
    pink = Image.new("RGB", (40, 40), (150, 100, 125))
    for number in range(1, 60):
        red, green, blue = np.asarray(variant(pink, "k", number, way="f"), float).mean(axis=(0, 1))
        assert red > blue > green
    grey = np.asarray(variant(Image.new("RGB", (40, 40), (90, 90, 90)), "k", 3, way="f"), float)
    assert np.ptp(grey, axis=2).max() <= 2
