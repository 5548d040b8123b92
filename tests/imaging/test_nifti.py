"""NIfTI volumes made here, with voxels marked at known places of the body."""

import contextlib
import gzip
import itertools
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bimedix2.errors import ImageError
from bimedix2.imaging import read

SHAPE = (5, 6, 7)  # right-left, back-front, feet-head in RAS


def marked(at: tuple[int, int, int]) -> np.ndarray:
    volume = np.zeros(SHAPE, np.int16)
    volume[at] = 100
    return volume


def saved(volume: np.ndarray, affine: Any = None, kind: Any = nibabel.Nifti1Image) -> bytes:
    return bytes(kind(volume, np.eye(4) if affine is None else affine).to_bytes())


def spot(data: bytes, **options: Any) -> list[list[int]]:
    """Return [row, column] of the white pixels."""
    return np.argwhere(np.asarray(read(data, "v.nii", **options).image)[..., 0] == 255).tolist()


def test_radiological_convention() -> None:
    # RAS: x grows to the patient's right, y to the front, z to the head. The picture has front on top and the
    # patient's right on the left, so x=4 (far right) is column 0 and y=5 (far front) is row 0.
    right_front = saved(marked((4, 5, 3)))
    assert spot(right_front) == [[0, 0]]
    assert spot(saved(marked((0, 5, 3)))) == [[0, 4]]  # left front
    assert spot(saved(marked((4, 0, 3)))) == [[5, 0]]  # right back
    picture = read(right_front, "v.nii")
    assert (picture.kind, picture.frames, picture.frame, picture.image.size) == ("nifti", 7, 3, (5, 6))
    assert picture.notes[:2] == ("slice 4 of 7", "axial, patient's right on the left")
    assert read(right_front, "v.nii", frame=2).notes[-1] == "one constant value (0): shown black"


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, 1), (1, -1, -1), (-1, -1, -1)])
def test_every_storage_order_shows_the_same_picture(axes: tuple[int, ...], flips: tuple[int, ...]) -> None:
    volume = np.random.default_rng(0).integers(0, 1000, SHAPE).astype(np.int16)
    want = np.asarray(read(saved(volume), "v", frame=5).image)
    turned, affine = nibabel.Nifti1Image(volume, np.eye(4)), None
    ornt = np.array([[axis, flip] for axis, flip in zip(axes, flips, strict=True)])
    turned = turned.as_reoriented(ornt)
    affine = turned.affine
    assert not np.allclose(affine, np.eye(4)) or axes == (0, 1, 2)
    data = saved(np.asarray(turned.dataobj), affine)
    assert (np.asarray(read(data, "v", frame=5).image) == want).all()
    by_nibabel = np.asarray(nibabel.as_closest_canonical(nibabel.Nifti1Image.from_bytes(data)).dataobj)
    assert (by_nibabel == volume).all()


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_gzip_scale_and_big_endian(kind: Any) -> None:
    image = kind(marked((1, 2, 3)), np.eye(4))
    image.header.set_slope_inter(2, -50)
    data = bytes(image.to_bytes())
    assert spot(gzip.compress(data)) == spot(data) == [[3, 3]]
    # stored 0 and 100 are -50 and 150; window 50/401: ((x - 49.5) / 400 + 0.5) * 255 = 64.07 and 191.57
    assert np.unique(np.asarray(read(data, "v", window="50/401").image)).tolist() == [64, 192]
    assert read(data, "v", window="50/401").notes[-1] == "window given (50/401)"
    big = kind(marked((1, 2, 3)), np.eye(4), header=kind.header_class(endianness=">"))
    assert spot(bytes(big.to_bytes())) == [[3, 3]]


def test_two_and_four_dimensions_and_colour() -> None:
    flat = np.zeros((3, 4), np.int16)
    flat[2, 3] = 9
    assert spot(saved(flat)) == [[0, 0]]
    series = np.stack([marked((4, 5, 3)), marked((0, 0, 3))], axis=-1)
    assert spot(saved(series)) == [[0, 0]]
    assert "volume 1 of 2" in read(saved(series), "v").notes
    colour = np.zeros((2, 2, 1), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    colour[1, 1, 0] = (1, 2, 3)
    assert read(saved(colour), "v").image.getpixel((0, 0)) == (1, 2, 3)


def test_notes_say_what_is_uncertain() -> None:
    image = nibabel.Nifti1Image(marked((1, 1, 1)), None)
    image.header["sform_code"] = image.header["qform_code"] = 0
    assert any("left and right are not certain" in note for note in read(bytes(image.to_bytes()), "v").notes)
    long = saved(marked((1, 1, 1)), np.diag([1, 2, 3, 1]))
    assert "pixels are not square (2 high, 1 wide): not corrected" in read(long, "v").notes


def test_refusals() -> None:
    data = saved(marked((1, 1, 1)))
    for window in ("lung", "file"):
        with pytest.raises(ImageError, match=r"^v\.nii is NIfTI, which holds no window .* give centre/width"):
            read(data, "v.nii", window=window)
    with pytest.raises(ImageError, match=r"v\.nii has no frame 7; choose one from 0 to 6"):
        read(data, "v.nii", frame=7)
    for cut in (data[:-1], gzip.compress(data[:-1]), gzip.compress(np.random.default_rng(0).bytes(9) + data)):
        with pytest.raises(ImageError, match=r"v\.nii is (truncated|a gzip file without)"):
            read(cut, "v.nii")
    noise = saved(np.random.default_rng(0).integers(0, 999, SHAPE).astype(np.int16))
    with pytest.raises(ImageError, match=r"v\.nii is truncated: its volume ends early"):
        read(gzip.compress(noise)[:-60], "v.nii")
    pair = data[:344] + b"ni1\0" + data[348:]
    with pytest.raises(ImageError, match=r"whose pixels are in another file; save it as one \.nii"):
        read(pair, "v.nii")
    with pytest.raises(ImageError, match="holds complex numbers; save their magnitude"):
        read(saved(marked((1, 1, 1)).astype(np.complex64)), "v.nii")


def test_bombs_are_refused_before_they_are_unpacked() -> None:
    header = nibabel.Nifti1Header()
    header.set_data_shape((30_000, 30_000, 30_000))
    header["magic"], header["vox_offset"] = b"n+1", 352
    claim = header.binaryblock + bytes(4)
    for data in (claim, gzip.compress(claim)):
        with pytest.raises(ImageError, match=r"v claims [0-9.]+ GiB a volume, over the limit of 1"):
            read(data, "v")
    tail = gzip.compress(saved(marked((4, 5, 3))) + bytes(50_000_000))
    assert spot(tail) == [[0, 0]]  # what follows the volume is never unpacked


@settings(deadline=None)
@given(st.data())
def test_damaged_volumes_raise_nothing_but_image_errors(draw: st.DataObject) -> None:
    data = bytearray(saved(marked((1, 2, 3))))
    for _ in range(draw.draw(st.integers(1, 6))):
        data[draw.draw(st.integers(0, 400))] = draw.draw(st.integers(0, 255))
    packed = gzip.compress(bytes(data)) if draw.draw(st.booleans()) else bytes(data)
    with contextlib.suppress(ImageError):
        assert read(packed, "x").image.mode == "RGB"
