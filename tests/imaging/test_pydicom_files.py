"""Every DICOM file that the pydicom wheel ships: it opens as RGB, or the reason why not is asserted."""

import io
from pathlib import Path

import numpy as np
import pydicom.data
import pytest

from bimedix2.errors import ImageError
from bimedix2.imaging import Picture, read

DATA = Path(pydicom.data.__file__).parent
NOT_DICOM = {".txt", ".dump", ".json", ".icc", ".md", ".py"}
REFUSED = {
    "DICOMDIR": "holds no pixels (Media Storage Directory Storage)",
    "DICOMDIR-bigEnd": "holds no pixels (Media Storage Directory Storage)",
    "DICOMDIR-empty.dcm": "holds no pixels (Media Storage Directory Storage)",
    "DICOMDIR-implicit": "holds no pixels (Media Storage Directory Storage)",
    "DICOMDIR-nooffset": "holds no pixels (Media Storage Directory Storage)",
    "DICOMDIR-nopatient": "holds no pixels (Media Storage Directory Storage)",
    "DICOMDIR-reordered": "holds no pixels (Media Storage Directory Storage)",
    "ExplVR_BigEndNoMeta.dcm": "holds no pixels (RT Ion Plan Storage)",
    "ExplVR_LitEndNoMeta.dcm": "holds no pixels (RT Ion Plan Storage)",
    "JPEG2000-embedded-sequence-delimiter.dcm": "has a compressed frame of 3722445056 x 1024 x 1",
    "MR_truncated.dcm": "has pixels that cannot be decoded as Explicit VR Little Endian",
    "UN_sequence.dcm": "holds no pixels (CT Image Storage)",
    "badVR.dcm": "is a damaged or unsupported DICOM file (invalid literal for int() with base 10: '1A')",
    "empty_charset_LEI.dcm": "holds no pixels (a structured report, an RT plan?)",
    "meta_missing_tsyntax.dcm": "has pixels but no Rows and Columns",
    "nested_priv_SQ.dcm": "has pixels but no Rows and Columns",
    "no_meta.dcm": "is in no format that is read here",
    "no_meta_group_length.dcm": "holds no pixels (RT Image Storage)",
    "priv_SQ.dcm": "holds no pixels (MR Image Storage)",
    "reportsi.dcm": "holds no pixels (Basic Text SR Storage)",
    "reportsi_with_empty_number_tags.dcm": "holds no pixels (Basic Text SR Storage)",
    "rtplan.dcm": "holds no pixels (RT Plan Storage)",
    "rtplan_truncated.dcm": "holds no pixels (RT Plan Storage)",
    "rtstruct.dcm": "holds no pixels (RT Structure Set Storage)",
    "test-SR.dcm": "holds no pixels (Comprehensive SR Storage)",
    "waveform_ecg.dcm": "holds no pixels (12-lead ECG Waveform Storage)",
    "zipMR.gz": "is a gzip file without a NIfTI volume inside",
}
"""What each file that is refused says; palettes and the stripped IM0000xx slices have one reason each."""
OPENED = 90
"""Files that opened with pydicom 3.0.2 (python benchmarks/imaging_coverage.py)."""


def shipped() -> list[Path]:
    """Return the DICOM files in the installed wheel."""
    paths = [*(DATA / "test_files").rglob("*"), *(DATA / "palettes").iterdir()]
    return sorted(
        path for path in paths if path.is_file() and path.suffix not in NOT_DICOM and path.name != "README"
    )


def why_refused(path: Path) -> str:
    """Return the start of the reason that is expected, "" for a file that must open."""
    if path.parent.name == "palettes":
        return "holds no pixels (Color Palette Storage)"
    if path.name.startswith("IM0000"):
        return "holds no pixels (CT Image Storage)"
    return REFUSED.get(path.name, "")


def open_shipped(name: str, frame: int | None = None) -> Picture:
    return read((DATA / "test_files" / name).read_bytes(), name, frame=frame)


def colours(name: str) -> list[list[int]]:
    """Return the colour of the ten stripes in the SC_rgb files."""
    return np.asarray(open_shipped(name, 0).image)[5::10, 50].astype(int).tolist()


def test_every_file_opens_or_says_why_not() -> None:
    opened = []
    for path in shipped():
        expected = why_refused(path)
        if expected:
            with pytest.raises(ImageError) as caught:
                read(path.read_bytes(), path.name)
            assert str(caught.value).startswith(f"{path.name} {expected}")
            assert "\n" not in str(caught.value)
        else:
            picture = read(path.read_bytes(), path.name)
            assert picture.image.mode == "RGB"
            assert picture.kind == "dicom"
            opened.append(path.name)
    assert len(opened) >= OPENED


STRIPES = [[255, 0, 0], [255, 128, 128], [0, 255, 0], [128, 255, 128], [0, 0, 255], [128, 128, 255],
           [0, 0, 0], [64, 64, 64], [192, 192, 192], [255, 255, 255]]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "off"),
    [
        ("SC_rgb_rle.dcm", 0),
        ("SC_rgb_rle_2frame.dcm", 0),
        ("SC_rgb_rle_16bit.dcm", 1),
        ("SC_rgb_rle_32bit.dcm", 1),
        ("SC_rgb_jpeg_gdcm.dcm", 0),
        ("SC_rgb_gdcm_KY.dcm", 1),
        ("SC_rgb_jls_lossy_line.dcm", 2),
        ("SC_rgb_jls_lossy_sample.dcm", 2),
        ("SC_rgb_dcmtk_+eb+cr.dcm", 0),
        ("SC_rgb_jpeg_lossy_gdcm.dcm", 1),
    ],
)
def test_every_encoding_shows_the_same_ten_colours(name: str, off: int) -> None:
    assert np.abs(np.array(colours(name)) - STRIPES).max() <= off


YBR = [[76, 85, 255], [166, 106, 193], [150, 46, 20], [203, 86, 75], [29, 255, 107], [142, 193, 118],
       [0, 128, 128], [64, 128, 128], [192, 128, 128], [255, 128, 128]]  # fmt: skip
"""What DCMTK stored for the stripes. Pure green is 150, 44, 21 by the standard; it wrote 150, 46, 20."""
QUANTISED = [[76, 85, 254], [166, 109, 190], [150, 46, 21], [203, 85, 74], [29, 255, 108], [142, 192, 117],
             [0, 128, 128], [64, 128, 128], [192, 128, 128], [255, 128, 128]]  # fmt: skip
"""What it stored in the files that it quantised more coarsely."""


def rgb_of(ybr: list[list[int]]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Undo PS3.3 C.7.6.3.1.2, YBR_FULL: 150, 46, 20 becomes -1.4, 255.3, 4.7, which shows as 0, 255, 5."""
    y, b, r = np.array(ybr, float).T - [[0], [128], [128]]
    return np.clip(np.stack([y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b], axis=1), 0, 255)


def test_the_uncompressed_file_stores_those_values() -> None:
    ds = pydicom.dcmread(DATA / "test_files" / "SC_ybr_full_422_uncompressed.dcm")
    stored = np.frombuffer(ds.PixelData, np.uint8).reshape(100, 50, 4)  # two pixels: Y Y Cb Cr
    assert stored[5::10, 25][:, [0, 2, 3]].tolist() == YBR


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("SC_ybr_full_422_uncompressed.dcm", YBR),
        ("SC_rgb_jpeg_dcmtk.dcm", YBR),
        ("SC_rgb_dcmtk_+eb+cy+n2.dcm", YBR),
        ("SC_rgb_dcmtk_+eb+cy+s2.dcm", YBR),
        ("SC_rgb_dcmtk_+eb+cy+s4.dcm", YBR),
        ("SC_rgb_dcmtk_+eb+cy+n1.dcm", QUANTISED),
        ("SC_rgb_dcmtk_+eb+cy+np.dcm", QUANTISED),
    ],
)
def test_stored_luminance_and_chrominance_become_colours(name: str, stored: list[list[int]]) -> None:
    shown = np.array(colours(name))
    assert np.abs(shown - rgb_of(stored)).max() <= 1  # libjpeg rounds the chrominance in fixed point
    assert np.abs(shown - STRIPES).max() <= 5


def test_encodings_of_one_slice_agree() -> None:
    plain = np.asarray(open_shipped("MR_small.dcm").image)
    for kind in ("RLE", "bigendian", "expb", "implicit", "jp2klossless", "jpeg_ls_lossless", "padded"):
        assert (np.asarray(open_shipped(f"MR_small_{kind}.dcm").image) == plain).all(), kind


def test_presets_on_a_real_ct_slice() -> None:
    data = (DATA / "test_files" / "CT_small.dcm").read_bytes()
    # stored 175 at [0, 0], intercept -1024: -849 HU; lung ((-849 + 600.5) / 1499 + 0.5) * 255 = 85.2
    assert read(data, "CT", window="lung").image.getpixel((0, 0)) == (85, 85, 85)
    assert read(data, "CT", window="bone").image.getpixel((0, 0)) == (0, 0, 0)
    with pytest.raises(ImageError, match=r"MR_small\.dcm is not a CT image in Hounsfield units"):
        read((DATA / "test_files" / "MR_small.dcm").read_bytes(), "MR_small.dcm", window="brain")


@pytest.mark.parametrize(
    "name", ["CT_small", "SC_rgb_jpeg_dcmtk", "MR_small_jp2klossless", "MR_small_RLE", "image_dfl"]
)
def test_two_thousand_million_claimed_frames_are_one_sentence(name: str) -> None:
    (path,) = (DATA / "test_files").rglob(f"{name}.dcm")
    ds = pydicom.dcmread(path)
    ds.NumberOfFrames = 2_000_000_000
    buffer = io.BytesIO()
    ds.save_as(buffer)
    with pytest.raises(ImageError, match=r"^bomb (is a damaged|has pixels that cannot be decoded)[^\n]*$"):
        read(buffer.getvalue(), "bomb")
