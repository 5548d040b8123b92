"""A picture saved again, scaled or brightened is the same one; another picture is not."""

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from bimedix2.curate.lookalikes import BITS, Lookalikes, phash


def scene(seed: int, size: tuple[int, int] = (240, 200)) -> Image.Image:
    """Blurred blobs: smooth as scans are, and different for every seed."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (12, 10)).astype(np.uint8)
    picture = Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)
    return picture.filter(ImageFilter.GaussianBlur(3)).convert("RGB")


def bits_apart(one: Image.Image, other: Image.Image) -> int:
    hashes = [phash(image) for image in (one, other)]
    assert None not in hashes
    first, second = (np.frombuffer(h, np.uint8) for h in hashes if h)
    return int(np.bitwise_count(first ^ second).sum())


def as_jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue()))


def test_what_happens_to_published_figures_leaves_the_hash_close() -> None:
    image = scene(1)
    for other in (
        as_jpeg(image, 60),
        image.resize((120, 100)),
        image.resize((480, 400)),
        ImageEnhance.Brightness(image).enhance(1.15),
        image.convert("L"),
    ):
        assert bits_apart(image, other) <= 24


def test_other_pictures_are_far() -> None:
    apart = [bits_apart(scene(a), scene(b)) for a in range(6) for b in range(6, 12)]
    assert min(apart) > 60


def test_a_mirrored_picture_is_another_one() -> None:
    """Left and right are not the same in medicine."""
    assert bits_apart(scene(3), scene(3).transpose(Image.Transpose.FLIP_LEFT_RIGHT)) > 60


def test_a_flat_picture_is_like_no_other() -> None:
    assert phash(Image.new("RGB", (50, 50), (90, 90, 90))) is None
    assert phash(Image.effect_noise((50, 50), 1).point(lambda v: v // 64)) is None


def flipped(hashed: bytes, bits: list[int]) -> bytes:
    array = np.unpackbits(np.frombuffer(hashed, np.uint8))
    array[bits] ^= 1
    return np.packbits(array).tobytes()


@pytest.mark.parametrize("distance", [0, 1, 5, 12, 40])
def test_all_within_the_distance_are_found_wherever_the_bits_differ(distance: int) -> None:
    rng = np.random.default_rng(distance)
    seen = Lookalikes(distance)
    hashes = [np.packbits(np.append(rng.integers(0, 2, BITS), 0)).tobytes() for _ in range(20)]
    assert [seen.place(str(n), h) for n, h in enumerate(hashes)] == [None] * 20
    for n, hashed in enumerate(hashes):
        bits = rng.choice(BITS, distance, replace=False).tolist()
        assert seen.place("new", flipped(hashed, bits)) == (str(n), distance)
    more = rng.choice(BITS, distance + 1, replace=False).tolist()
    assert seen.place("far", flipped(hashes[0], more)) is None


def test_a_chain_of_small_steps_does_not_join_its_ends() -> None:
    seen = Lookalikes(2)
    zero = bytes(32)
    assert seen.place("a", zero) is None
    assert seen.place("b", flipped(zero, [0, 1])) == ("a", 2)
    assert seen.place("c", flipped(zero, [0, 1, 2, 3])) is None
