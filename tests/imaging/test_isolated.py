"""GDCM beside the caller: lossless and 12-bit JPEG, and a stream that makes GDCM abort."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom.data
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame

from bimedix2.errors import ImageError
from bimedix2.imaging import dicom, header, isolated, read

FILES = Path(pydicom.data.__file__).parent / "test_files"


@pytest.mark.parametrize("name", ["JPEG-lossy.dcm", "JPGExtended.dcm"])
def test_12_bit_jpeg_agrees_with_the_values_pydicom_publishes(name: str) -> None:
    # pydicom's own tests (pylibjpeg-libjpeg, JPGE_16_12_1F_M2) expect 244 at [420, 140] and 95 at [230, 120]
    ds = header.parse((FILES / name).read_bytes(), name)
    pixels = dicom._decode(ds, header.describe(ds, name), 0, name)
    assert (pixels.shape, pixels[420, 140], pixels[230, 120]) == ((1024, 256), 244, 95)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int16])
def test_lossless_jpeg_gives_the_stored_values_back(
    kind: type, tmp_path: Path, make_dataset: Callable[..., Dataset]
) -> None:
    gdcm = pytest.importorskip("gdcm")
    stored = np.random.default_rng(0).integers(0, 250, (16, 24)).astype(kind) - (kind is np.int16) * 100
    stored = stored.astype(kind)
    plain, packed = str(tmp_path / "plain.dcm"), str(tmp_path / "packed.dcm")
    make_dataset(stored).save_as(plain, enforce_file_format=True)
    reader = gdcm.ImageReader()
    reader.SetFileName(plain)
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(packed)
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    data = Path(packed).read_bytes()
    ds = header.parse(data, "x")
    assert ds.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.70"
    pixels = dicom._decode(ds, header.describe(ds, "x"), 0, "x")
    assert pixels.dtype == kind
    assert (pixels == stored).all()


def test_a_stream_that_breaks_gdcm_is_an_image_error() -> None:
    name = "SC_rgb_jpeg_gdcm.dcm"
    whole = (FILES / name).read_bytes()
    stream = get_frame(dcmread(FILES / name).PixelData, 0, number_of_frames=1)
    start = whole.index(stream)
    damaged = bytearray(whole)
    scan = start + stream.index(b"\xff\xda")
    damaged[scan + 2 : scan + 6] = b"\xff\xff\xff\xff"
    with pytest.raises(ImageError, match=r"broken\.dcm has pixels that cannot be decoded as JPEG Lossless"):
        read(bytes(damaged), "broken.dcm")
    assert read(whole, name).image.getpixel((50, 5)) == (255, 0, 0)


def test_a_process_that_dies_or_hangs_is_a_runtime_error(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = {"syntax": "1.2.840.10008.1.2.4.70", "photometric": "MONOCHROME2", "rows": 2, "columns": 2,
             "samples": 1, "allocated": 8, "stored": 8, "signed": 0}  # fmt: skip
    with pytest.raises(RuntimeError, match=r"GDCM (refused it|broke down on it|returned)"):
        isolated.decode(b"\xff\xd8 not a jpeg", **frame)
    monkeypatch.setattr(isolated, "SECONDS", 0.001)
    with pytest.raises(RuntimeError, match=r"GDCM took over 0\.001 seconds"):
        isolated.decode(b"\xff\xd8", **frame)
