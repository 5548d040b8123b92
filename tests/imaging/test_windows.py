"""Windows against the arithmetic of DICOM PS3.3 C.11.2.1.2, done by hand."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.errors import ImageError
from bimedix2.imaging import windows
from bimedix2.imaging.windows import Window


def shown(window: Window, *values: float) -> list[int]:
    return windows.to_bytes(windows.apply(np.array(values, np.float32), window)).tolist()


def test_linear_edges_are_those_of_the_standard() -> None:
    # PS3.3 C.11.2.1.2.1 note 3: c=2048, w=4096: x <= 0 gives 0; x > 4095 gives 255;
    # else y = (x + 0 - 2047.5) / 4095 * 255 + 127.5
    window = Window(2048, 4096)
    assert shown(window, -1, 0, 4095, 4096) == [0, 0, 255, 255]
    assert shown(window, 2047, 2048) == [127, 128]  # 127.47 and 127.53
    # c=0, w=100: x <= -50 gives 0; x > 49 gives 255
    assert shown(Window(0, 100), -51, -50, 49, 50) == [0, 0, 255, 255]
    assert shown(Window(0, 100), -49, 48) == [3, 252]  # 255/99 = 2.58, 252.42
    # c=0, w=1: x <= -0.5 gives 0, else 255
    assert shown(Window(0, 1), -1, -0.5, 0, 1) == [0, 0, 255, 255]


def test_linear_exact_and_sigmoid() -> None:
    exact = Window(0, 100, function="LINEAR_EXACT")
    assert shown(exact, -50, -25, 0, 25, 50) == [0, 64, 128, 191, 255]
    sigmoid = Window(10, 40, function="SIGMOID")
    # 255 / (1 + exp(-4 (x - 10) / 40)): 127.5 at the centre; 255 / (1 + e) = 68.6; 255 e / (1 + e) = 186.4
    assert shown(sigmoid, 10, 0, 20, -1e6, 1e6) == [128, 69, 186, 0, 255]


def test_widths_that_the_standard_forbids_are_not_valid() -> None:
    assert not Window(0, 0.5).valid()
    assert Window(0, 0.5, function="LINEAR_EXACT").valid()
    assert not Window(0, 0, function="SIGMOID").valid()
    assert not Window(float("nan"), 10).valid()


def test_parse_names_numbers_and_file() -> None:
    assert windows.parse("lung", "x") == Window(-600, 1500, "lung")
    assert windows.parse(" Soft Tissue ", "x") == Window(50, 400, "soft-tissue")
    assert windows.parse("-600/1500", "x") == Window(-600, 1500, "given")
    assert windows.parse(" 40.5 / 80 ", "x") == Window(40.5, 80, "given")
    assert windows.parse("file", "x") is None
    assert windows.PRESETS["bone"] == (400, 1800)


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ImageError, match=r'scan\.dcm .* "lungs"; the nearest is "lung"'):
        windows.parse("lungs", "scan.dcm")
    with pytest.raises(ImageError, match="width of 0; give 1 or more"):
        windows.parse("40/0", "scan.dcm")
    with pytest.raises(ImageError, match="the nearest is"):
        windows.parse("", "scan.dcm")


@given(st.text(max_size=60))
def test_parse_raises_nothing_but_an_image_error(text: str) -> None:
    with contextlib.suppress(ImageError):
        windows.parse(text, "scan.dcm")


@given(
    st.floats(-3000, 3000),
    st.floats(1, 5000),
    st.sampled_from(windows.FUNCTIONS),
    st.lists(st.floats(-40000, 40000, width=32), min_size=1),
)
def test_every_window_is_monotonic_and_stays_in_range(
    center: float, width: float, function: str, values: list[float]
) -> None:
    shades = windows.apply(np.sort(np.array(values, np.float32)), Window(center, width, function=function))
    assert shades.dtype == np.float32
    assert shades.min() >= 0
    assert shades.max() <= 1
    assert (np.diff(shades) >= 0).all()


def test_stretch_takes_percentiles_and_leaves_outliers_out() -> None:
    values = np.concatenate([np.arange(1000), [1_000_000]]).astype(np.float32)
    shades, note = windows.stretch(values)
    assert note == "no window: 5 to 995 shown (0.5th to 99.5th percentile)"
    assert windows.to_bytes(shades)[[0, 5, 500, 995, 1000]].tolist() == [0, 0, 128, 255, 255]


def test_stretch_of_masks_constants_and_nan() -> None:
    mask = np.zeros(1000, np.float32)
    mask[0] = 7
    shades, note = windows.stretch(mask)
    assert shades[:2].tolist() == [1, 0]
    assert note == "no window: 0 to 7 shown (minimum to maximum)"
    assert windows.stretch(np.full(4, 3, np.float32))[1] == "one constant value (3): shown black"
    assert "no finite value" in windows.stretch(np.full(4, np.nan))[1]
    assert windows.stretch(np.array([0, np.nan, 1, np.inf]))[0].tolist() == [0, 0, 1, 1]


def test_a_large_image_is_mapped_in_blocks_and_its_range_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(0, 100, (97, 31)).astype(np.float32)
    window, whole, note = Window(0, 200), *windows.stretch(values)
    want = windows.to_bytes(windows.apply(values, window))
    monkeypatch.setattr(windows, "BLOCK", 100)
    assert (windows.to_bytes(windows.apply(values, window)) == want).all()
    assert (windows.stretch(values)[0] == whole).all()
    monkeypatch.setattr(windows, "SAMPLE", 1000)
    sampled, other = windows.stretch(values)
    assert other != note
    assert np.abs(sampled - whole).max() < 0.1
    speck = np.zeros((97, 31), np.uint16)
    speck[3, 3] = 9  # between the sampled values
    assert windows.stretch(speck)[0].sum() == 1
