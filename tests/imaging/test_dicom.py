"""DICOM pixels against values computed by hand from the standard; every file is made here."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import MPEG2MPML, EnhancedCTImageStorage, ImplicitVRLittleEndian, RLELossless

from bimedix2.errors import ImageError
from bimedix2.imaging import read

Make = Callable[..., bytes]
CT = {"Modality": "CT", "RescaleSlope": 1, "RescaleIntercept": -1024}


def grey(data: bytes, **options: Any) -> list[list[int]]:
    """Return the one channel of a grey picture."""
    shown = np.asarray(read(data, "x.dcm", **options).image)
    assert (shown == shown[..., :1]).all()
    return shown[..., 0].tolist()


def test_window_of_the_file_with_rescale(make: Make) -> None:
    stored = np.array([[974, 1024, 1023, 1073, 1074, 3000]], np.uint16)  # HU -50, 0, -1, 49, 50, 1976
    data = make(stored, **CT, WindowCenter=[0, 400], WindowWidth=[100, 2000])
    # c=0, w=100: x <= -50 gives 0, x > 49 gives 255, else ((x + 0.5) / 99 + 0.5) * 255
    assert grey(data) == [[0, 129, 126, 255, 255, 255]]
    picture = read(data, "x")
    assert (picture.kind, picture.frames, picture.frame) == ("dicom", 1, 0)
    assert picture.notes == ("window file (0/100)",)
    assert grey(data, window="file") == grey(data)


def test_lung_and_bone_presets(make: Make) -> None:
    hounsfield = np.array([[-1350, -1000, -600, 0, 149, 150]], np.int16)
    data = make(hounsfield + 1024, **CT, WindowCenter=40, WindowWidth=400)
    # lung -600/1500: ((x + 600.5) / 1499 + 0.5) * 255: -1000 -> 59.54; -600 -> 127.59; 0 -> 229.65
    assert grey(data, window="lung") == [[0, 60, 128, 230, 255, 255]]
    assert read(data, "x", window="lung").notes == ("window lung (-600/1500)",)
    # bone 400/1800: ((x - 399.5) / 1799 + 0.5) * 255: 0 -> 70.87; 149 -> 91.99; 150 -> 92.14
    assert grey(data, window="bone") == [[0, 0, 0, 71, 92, 92]]
    assert grey(data, window="-600/1500") == grey(data, window="lung")
    assert read(data, "x", window="-600/1500").notes == ("window given (-600/1500)",)


@pytest.mark.parametrize(
    "tags",
    [
        {"Modality": "MR", "RescaleSlope": 1, "RescaleIntercept": 0},
        {"Modality": "CT"},
        {**CT, "RescaleType": "US"},
        {**CT, "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
    ],
)
def test_presets_are_for_hounsfield_units_only(make: Make, tags: dict[str, Any]) -> None:
    data = make(np.array([[1, 2]], np.uint16), **tags)
    with pytest.raises(ImageError, match=r"x\.dcm is not a CT image in Hounsfield units, so the lung preset"):
        read(data, "x.dcm", window="lung")
    assert grey(data, window="2/3") == grey(make(np.array([[1, 2]], np.uint16), **tags), window="2/3")


def test_windows_that_cannot_be_had(make: Make) -> None:
    data = make(np.array([[1, 2]], np.uint16))
    with pytest.raises(ImageError, match=r"x\.dcm has no usable window \(none in its header\); give centre"):
        read(data, "x.dcm", window="file")
    bad = make(np.array([[1, 2]], np.uint16), WindowCenter=1, WindowWidth=0)
    with pytest.raises(ImageError, match=r"window \(1/0\) in the file is not valid"):
        read(bad, "x.dcm", window="file")
    assert "window (1/0) in the file is not valid: ignored" in read(bad, "x").notes
    colour = make(np.zeros((1, 1, 3), np.uint8))
    with pytest.raises(ImageError, match=r"x\.dcm is in colour, so no window applies; leave the window out"):
        read(colour, "x.dcm", window="40/400")


@pytest.mark.parametrize(
    ("function", "want"),
    [
        ("LINEAR", [0, 3, 129, 252, 255]),  # ((x + 0.5) / 99 + 0.5) * 255
        ("LINEAR_EXACT", [0, 3, 128, 250, 255]),  # (x / 100 + 0.5) * 255
        ("SIGMOID", [30, 31, 128, 222, 225]),  # 255 / (1 + exp(-4 x / 100))
    ],
)
def test_voi_lut_functions(make: Make, function: str, want: list[int]) -> None:
    stored = np.array([[-50, -49, 0, 48, 50]], np.int16)
    data = make(stored, WindowCenter=0, WindowWidth=100, VOILUTFunction=function)
    assert grey(data) == [want]


def test_monochrome1_is_inverted_after_the_window(make: Make) -> None:
    stored = np.array([[0, 50, 255]], np.uint8)
    data = make(stored, PhotometricInterpretation="MONOCHROME1")
    assert grey(data) == [[255, 205, 0]]
    assert read(data, "x").notes == ("no window: 0 to 255 shown as stored", "MONOCHROME1 inverted")


def test_without_a_window_8_bits_are_kept_and_more_are_stretched(make: Make) -> None:
    assert grey(make(np.array([[0, 77, 255]], np.uint8))) == [[0, 77, 255]]
    ramp = np.arange(1001, dtype=np.int16).reshape(1, -1) - 500
    row = grey(make(ramp))[0]
    assert [row[i] for i in (0, 5, 500, 995, 1000)] == [0, 0, 128, 255, 255]
    assert read(make(ramp), "x").notes == ("no window: -495 to 495 shown (0.5th to 99.5th percentile)",)


def test_voi_lut_sequence_comes_before_the_window(make: Make) -> None:
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [3, 10, 16], [0, 32768, 65535]
    item["LUTDescriptor"].VR = item["LUTData"].VR = "US"
    data = make(
        np.array([[0, 10, 11, 12, 99]], np.uint16), VOILUTSequence=[item], WindowCenter=1, WindowWidth=2
    )
    assert grey(data) == [[0, 0, 128, 255, 255]]
    assert read(data, "x").notes == ("VOI LUT of the file",)


def test_modality_lut(make: Make) -> None:
    item = Dataset()
    item.LUTDescriptor, item.LUTData, item.ModalityLUTType = [2, 5, 16], [100, 150], "OD"
    item["LUTDescriptor"].VR = item["LUTData"].VR = "US"
    data = make(
        np.array([[5, 6]], np.uint16), ModalityLUTSequence=[item], WindowCenter=125.5, WindowWidth=101
    )
    assert grey(data) == [[64, 191]]  # ((100 - 125) / 100 + 0.5) * 255 = 63.75; 191.25


def test_padding_is_left_out_of_the_range_and_black(make: Make) -> None:
    stored = np.array([[-2000, 0, 100]], np.int16)
    data = make(stored, PixelPaddingValue=-2000, PhotometricInterpretation="MONOCHROME1")
    assert grey(data) == [[0, 255, 0]]
    assert "pixel padding shown black" in read(data, "x").notes


def test_padding_of_fewer_bits_than_its_word_is_found(make: Make) -> None:
    stored = np.array([[0x0830, 0, 100]], np.uint16).view(np.int16)  # -2000 in 12 bits
    data = make(stored, BitsStored=12, HighBit=11, PixelPaddingValue=-2000)
    assert grey(data) == [[0, 0, 255]]
    assert "no window: 0.5 to 99.5 shown (0.5th to 99.5th percentile)" in read(data, "x").notes


def test_bits_outside_bits_stored_are_no_pixel_values(make: Make) -> None:
    stored = np.array([[0xF001, 0x0002]], np.uint16)  # an old overlay in the high bits
    data = make(stored, BitsStored=12, HighBit=11, WindowCenter=2, WindowWidth=2)
    assert grey(data) == [[0, 255]]  # 1 and 2 around 1.5
    signed = np.array([[0x0FFF, 0x0001]], np.uint16).view(np.int16)  # 12 bits: -1 and 1
    data = make(signed, BitsStored=12, HighBit=11, WindowCenter=0.5, WindowWidth=2)
    assert grey(data) == [[0, 255]]


def palette(make: Make, bits: int, *values: list[int], first: int = 0, **tags: Any) -> bytes:
    for colour, entries in zip(("Red", "Green", "Blue"), values, strict=True):
        tags[f"{colour}PaletteColorLookupTableDescriptor"] = [len(entries), first, bits]
        kind = np.dtype("<u2") if bits == 16 else np.dtype("u1")
        tags[f"{colour}PaletteColorLookupTableData"] = np.array(entries, kind).tobytes()
    return make(np.array([[0, 1, 2, 9]], np.uint8), PhotometricInterpretation="PALETTE COLOR", **tags)


def test_palette_colour(make: Make) -> None:
    data = palette(make, 16, [0, 0xFF00], [0x8000, 0], [0, 0x0100], first=1)
    picture = read(data, "x")
    assert np.asarray(picture.image).tolist() == [[[0, 128, 0], [0, 128, 0], [255, 0, 1], [255, 0, 1]]]
    assert picture.notes == ("palette colour",)
    eight = palette(make, 8, [1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12])
    assert np.asarray(read(eight, "x").image)[0, 2].tolist() == [3, 7, 11]
    with pytest.raises(ImageError, match=r"x\.dcm is PALETTE COLOR with no red palette; export it as RGB"):
        read(make(np.zeros((1, 1), np.uint8), PhotometricInterpretation="PALETTE COLOR"), "x.dcm")


def test_ybr_full_and_planar_rgb(make: Make) -> None:
    ybr = np.array([[[76, 85, 255], [0, 128, 128]]], np.uint8)  # PS3.3 C.7.6.3.1.2: red, black
    red = np.asarray(read(make(ybr, PhotometricInterpretation="YBR_FULL"), "x").image)
    assert np.abs(red.astype(int) - [[[254, 0, 0], [0, 0, 0]]]).max() <= 1
    planes = np.array([[10, 20], [30, 40], [50, 60]], np.uint8)  # R R, G G, B B
    data = make(planes.reshape(1, 2, 3), PlanarConfiguration=1)
    assert np.asarray(read(data, "x").image).tolist() == [[[10, 30, 50], [20, 40, 60]]]


def test_16_bit_colour_keeps_its_high_byte(make: Make) -> None:
    data = make(np.array([[[0xFFFF, 0x8000, 0x00FF]]], np.uint16))
    assert np.asarray(read(data, "x").image).tolist() == [[[255, 128, 0]]]
    high = np.array([[[0x8000, 0xFFF0, 0x0080]]], np.uint16)  # 12 bits, the highest ones of 16
    data = make(high, BitsStored=12, HighBit=15)
    assert np.asarray(read(data, "x").image).tolist() == [[[128, 255, 0]]]


def test_frames_with_their_own_rescale_and_window(make: Make) -> None:
    def group(slope: float, center: float) -> Dataset:
        values, look, frame = Dataset(), Dataset(), Dataset()
        values.RescaleSlope, values.RescaleIntercept, values.RescaleType = slope, -10, "HU"
        look.WindowCenter, look.WindowWidth = center, 2
        frame.PixelValueTransformationSequence, frame.FrameVOILUTSequence = [values], [look]
        return frame

    stored = np.full((3, 1, 1), 20, np.uint16)
    data = make(
        stored,
        Modality="CT",
        SOPClassUID=EnhancedCTImageStorage,
        # values 10, 30, 50; LINEAR c, w=2 steps at c - 0.5, so only the middle one is over its centre
        PerFrameFunctionalGroupsSequence=[group(1, 12), group(2, 29), group(3, 52)],
    )
    assert [grey(data, frame=i) for i in range(3)] == [[[0]], [[255]], [[0]]]
    assert grey(data) == [[255]]
    assert read(data, "x").notes == ("frame 2 of 3", "window file (29/2)")
    # brain 40/80 on 50: ((50 - 39.5) / 79 + 0.5) * 255 = 161.4
    assert grey(data, frame=2, window="brain") == [[161]]
    with pytest.raises(ImageError, match=r"x\.dcm has no frame 3; choose one from 0 to 2"):
        read(data, "x.dcm", frame=3)


def test_shared_groups_serve_every_frame(make: Make) -> None:
    look, shared = Dataset(), Dataset()
    look.WindowCenter, look.WindowWidth = 5, 2
    shared.FrameVOILUTSequence = [look]
    data = make(np.array([[[4]], [[5]]], np.uint16), SharedFunctionalGroupsSequence=[shared])
    assert [grey(data, frame=i) for i in range(2)] == [[[0]], [[255]]]


def test_rle(make_dataset: Callable[..., Dataset], save_dataset: Callable[[Dataset], bytes]) -> None:
    stored = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    ds = make_dataset(stored, WindowCenter=12, WindowWidth=24)
    ds.compress(RLELossless, encoding_plugin="pydicom")
    want = [[int((v - 11.5) / 23 * 255 + 127.5 + 0.5) for v in row] for row in stored[1].tolist()]
    assert grey(save_dataset(ds), frame=1) == want


def test_a_file_without_preamble_or_meta_is_read(make_dataset: Callable[..., Dataset]) -> None:
    import io

    ds = make_dataset(np.array([[0, 77, 255]], np.uint8))
    del ds.file_meta
    buffer = io.BytesIO()
    ds.save_as(buffer, implicit_vr=True, little_endian=True)
    assert buffer.getvalue()[128:132] != b"DICM"
    assert grey(buffer.getvalue()) == [[0, 77, 255]]


def test_quality_is_remarked(make: Make) -> None:
    data = make(np.array([[1]], np.uint8), LossyImageCompression="01", PixelSpacing=[2, 1])
    assert read(data, "x").notes[1:] == (
        "lossy compression",
        "pixels are not square (2 high, 1 wide): not corrected",
    )


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ({"Rows": 65535, "Columns": 65535}, "claims 65535 x 65535 pixels, over the limit of 64 million"),
        (
            {"Rows": 7000, "Columns": 8000, "BitsAllocated": 32},
            "claims 224 MB a frame, over the limit of 192",
        ),
        ({"Rows": 0}, "claims a size of 2 x 0"),
        ({"Rows": 400}, "has pixels that cannot be decoded as Explicit VR Little Endian"),
        ({"NumberOfFrames": 100_000}, "has pixels that cannot be decoded"),
        (
            {"PhotometricInterpretation": "CMYK"},
            'has the photometric interpretation "CMYK", which is not read',
        ),
        ({"PhotometricInterpretation": "RGB"}, "has 1 samples a pixel as RGB"),
        ({"BitsStored": 99}, "stores 99 of 8 bits a pixel"),
        ({"PixelData": b""}, r"holds no pixels \(Secondary Capture Image Storage\)"),
    ],
)
def test_a_header_that_lies_is_refused(make: Make, tags: dict[str, Any], says: str) -> None:
    with pytest.raises(ImageError, match=rf"^x\.dcm {says}"):
        read(make(np.array([[1, 2]], np.uint8), **tags), "x.dcm")


def test_compressed_pixels_that_are_cut_short_are_called_so(
    make_dataset: Callable[..., Dataset], save_dataset: Callable[[Dataset], bytes]
) -> None:
    ds = make_dataset(np.zeros((40, 30), np.uint8), **CT)
    ds.compress(RLELossless, encoding_plugin="pydicom")
    whole = save_dataset(ds)
    with pytest.raises(ImageError, match=r"no pixels \(CT Image Storage\); its data ends early, so download"):
        read(whole[:-20], "x.dcm")
    del ds.PixelData
    with pytest.raises(ImageError, match=r"no pixels .*; its pixels \(30 x 40\) were cut off or stripped"):
        read(save_dataset(ds), "x.dcm")


def test_an_unread_transfer_syntax_is_named(
    make_dataset: Callable[..., Dataset], save_dataset: Callable[[Dataset], bytes]
) -> None:
    from pydicom.encaps import encapsulate

    ds = make_dataset(np.array([[1, 2]], np.uint8))
    ds.file_meta.TransferSyntaxUID = MPEG2MPML
    ds.PixelData = encapsulate([b"film"])
    with pytest.raises(ImageError, match=r"x\.dcm is compressed as MPEG2 Main Profile / Main Level"):
        read(save_dataset(ds), "x.dcm")


def test_a_codestream_of_another_size_is_refused_undecoded(
    make_dataset: Callable[..., Dataset], save_dataset: Callable[[Dataset], bytes]
) -> None:
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEG2000Lossless

    head = bytes.fromhex("ff4fff5100290000") + (60_000).to_bytes(4, "big") * 2 + bytes(8) + b"\0" * 16
    ds = make_dataset(np.array([[1, 2]], np.uint8))
    ds.file_meta.TransferSyntaxUID = JPEG2000Lossless
    ds.PixelData = encapsulate([head + b"\0\1" + bytes(50)])
    with pytest.raises(ImageError, match="compressed frame of 60000 x 60000 x 1 where 2 x 1 x 1 is claimed"):
        read(save_dataset(ds), "x.dcm")


def test_a_deflated_bomb_is_refused(
    monkeypatch: pytest.MonkeyPatch, make_dataset: Callable[..., Dataset]
) -> None:
    import io

    from pydicom.uid import DeflatedExplicitVRLittleEndian

    from bimedix2.imaging import header

    ds = make_dataset(np.zeros((2000, 2000), np.uint8))
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    assert len(buffer.getvalue()) < 10_000
    assert read(buffer.getvalue(), "x").image.size == (2000, 2000)
    monkeypatch.setattr(header, "MAX_BYTES", 1 << 20)
    with pytest.raises(ImageError, match=r"x\.dcm unpacks to over 0 GiB"):
        read(buffer.getvalue(), "x.dcm")


def test_implicit_and_explicit_files_agree(
    make_dataset: Callable[..., Dataset], save_dataset: Callable[[Dataset], bytes]
) -> None:
    ds = make_dataset(np.array([[974, 1000, 1073]], np.uint16), **CT, WindowCenter=0, WindowWidth=100)
    explicit = grey(save_dataset(ds))
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    assert grey(save_dataset(ds)) == explicit
