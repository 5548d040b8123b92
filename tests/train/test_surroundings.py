"""The ground around a body is cleared, strewn or cut away; the body stays as it is."""

import random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bimedix2.train import surroundings
from bimedix2.train.augment import variant


def section(ground: int = 0, level: int = 120) -> Image.Image:
    """A disc on an even ground, a bright frame's mark and a rest's thin line beside it."""
    image = Image.new("RGB", (200, 160), (ground,) * 3)
    draw = ImageDraw.Draw(image)
    draw.ellipse((60, 30, 140, 130), fill=(level,) * 3)
    draw.rectangle((20, 20, 27, 27), fill=(250 - ground,) * 3)
    draw.line((50, 150, 150, 150), fill=(200,) * 3)
    return image


def inside(image: Image.Image) -> np.ndarray:
    return np.asarray(image)[50:110, 80:120]


@pytest.mark.parametrize(("ground", "level"), [(0, 120), (4, 30), (250, 120)])
def test_the_body_is_found_and_what_lies_beside_it_is_not(ground: int, level: int) -> None:
    found = surroundings.body(section(ground, level))
    assert found is not None
    mask, colour = found
    assert mask.shape == (160, 200)
    assert colour == (ground,) * 3
    assert mask[80, 100]
    assert mask[35:125, 99].all()
    assert not mask[20:28, 20:28].any()
    assert not mask[150, 50:60].any()


@pytest.mark.parametrize("level", [0, 128, 255])
def test_nothing_is_found_in_an_even_picture_nor_where_the_body_fills_it(level: int) -> None:
    assert surroundings.body(Image.new("RGB", (80, 60), (level,) * 3)) is None
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 255, (80, 60, 3), np.uint8))
    assert surroundings.body(noise) is None
    assert surroundings.body(Image.new("RGB", (1, 1))) is None


def test_cleared_and_strewn_pictures_keep_their_body() -> None:
    image = section()
    found = surroundings.body(image)
    assert found is not None
    cleared = surroundings._cleared(image, *found)
    assert np.asarray(cleared)[20:28, 20:28].max() == 0
    seen = 0
    for seed in range(20):
        strewn = surroundings._strewn(image, *found, random.Random(seed))
        assert (inside(strewn) == inside(image)).all()
        assert (np.asarray(strewn)[found[0]] == np.asarray(image)[found[0]]).all()
        seen += bool((np.asarray(strewn) != np.asarray(cleared)).any())
    assert seen > 12
    assert (inside(cleared) == inside(image)).all()


def test_a_cut_keeps_the_whole_body() -> None:
    image = section()
    found = surroundings.body(image)
    assert found is not None
    for seed in range(20):
        cut = surroundings._cut(image, found[0], random.Random(seed))
        assert cut.width < 110
        assert cut.height < 130
        grey = np.asarray(cut.convert("L"))
        assert (grey == 120).sum() >= (np.asarray(image.convert("L")) == 120).sum()


def test_the_ways_differ_and_repeat() -> None:
    image = section()
    made = [surroundings.vary(image, random.Random(seed)) for seed in range(40)]
    again = [surroundings.vary(image, random.Random(seed)) for seed in range(40)]
    assert [one.tobytes() for one in made] == [one.tobytes() for one in again]
    assert any(one is image for one in made)
    assert len({one.size for one in made}) > 3
    assert len({one.tobytes() for one in made}) > 15


def test_sections_alone_are_varied_so_and_a_counted_smear_is_not_cut() -> None:
    image = section()
    numbers = range(1, 30)
    assert any(
        variant(image, "k", number, "s").tobytes() != variant(image, "k", number).tobytes()
        for number in numbers
    )
    assert {variant(image, "k", number, "w").size for number in numbers} == {image.size}
    assert len({variant(image, "k", number).size for number in numbers}) > 1
