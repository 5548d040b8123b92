"""The door: threads, warnings, optional packages, and damaged real files."""

import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nibabel
import numpy as np
import pydicom.data
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bimedix2.errors import ImageError, MissingExtra
from bimedix2.imaging import read
from bimedix2.imaging.door import contained

FILES = Path(pydicom.data.__file__).parent / "test_files"
CT = (FILES / "CT_small.dcm").read_bytes()
SMALL = sorted(p for p in FILES.glob("*.dcm") if p.stat().st_size < 12_000 and p.name != "JPEG-lossy.dcm")


def refusal(data: bytes) -> str:
    """Return why the bytes are refused, or "" when they open as RGB."""
    try:
        assert read(data, "x").image.mode == "RGB"
    except ImageError as error:
        return str(error)
    return ""


@settings(deadline=None)
@given(st.integers(0, len(CT) - 1))
def test_a_truncated_ct_never_opens(length: int) -> None:
    said = refusal(CT[:length])
    assert "\n" not in said
    # the last 132 bytes are an element after the pixels
    assert said.startswith("x ") or length >= CT.index(b"\xe0\x7f\x10\x00OW") + 12 + 128 * 128 * 2


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_a_corrupted_dicom_raises_nothing_but_an_image_error(draw: st.DataObject) -> None:
    data = bytearray(draw.draw(st.sampled_from([CT, *(path.read_bytes() for path in SMALL)])))
    reach = draw.draw(st.sampled_from([len(data), min(len(data), 2500)]))
    for _ in range(draw.draw(st.integers(1, 8))):
        data[draw.draw(st.integers(0, reach - 1))] = draw.draw(st.integers(0, 255))
    assert "\n" not in refusal(bytes(data))


def test_threads_and_warnings_do_not_leak() -> None:
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        pictures = list(pool.map(lambda _: read(CT, "x", window="lung"), range(32)))
    assert len({picture.image.tobytes() for picture in pictures}) == 1
    assert warnings.filters == before


def test_the_original_error_is_kept_as_the_cause() -> None:
    with (
        pytest.raises(ImageError, match=r"^x is a damaged or unsupported test \(a b\); export") as caught,
        contained("x", "test"),
    ):
        raise OverflowError("a\nb")
    assert isinstance(caught.value.__cause__, OverflowError)


@pytest.mark.parametrize("package", ["pydicom", "nibabel"])
def test_a_missing_package_names_the_extra(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = bytes(nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4)).to_bytes())
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        MissingExtra, match=rf"{package} is not installed; run: pip install 'bimedix2\[imaging\]'"
    ):
        read(CT if package == "pydicom" else volume, "x")


def test_importing_the_layer_loads_no_heavy_package() -> None:
    code = "import sys, bimedix2.imaging; print({'pydicom', 'nibabel', 'gdcm', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
