"""What a DICOM header says about showing one frame. Parses with pydicom; touches no pixel.

In an enhanced multi-frame file the per-frame functional groups win over the shared ones, and these over the
top level (PS3.3 C.7.6.16).
"""

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bimedix2.errors import ImageError, MissingExtra
from bimedix2.imaging.door import MAX_BYTES, MAX_PIXELS, check_size, one_line
from bimedix2.imaging.luts import Table, table
from bimedix2.imaging.windows import FUNCTIONS, Window

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

GREY = frozenset({"MONOCHROME1", "MONOCHROME2"})
COLOUR = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"})
PALETTE = "PALETTE COLOR"
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
DEFLATED = b"1.2.840.10008.1.2.1.99"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
MAX_FRAME = 3 * MAX_PIXELS
"""Bytes of one frame as it is stored: what the largest 8-bit colour frame takes."""
NO_PIXELS = "a structured report, an RT plan?"


@dataclass(frozen=True)
class Header:
    """The attributes that decide how pixels are read, checked against the limits."""

    rows: int
    columns: int
    frames: int
    samples: int
    allocated: int
    stored: int
    high: int
    signed: bool
    photometric: str
    syntax: str
    little: bool


@dataclass(frozen=True)
class Values:
    """The modality transformation of one frame: stored numbers to physical ones (PS3.3 C.11.1)."""

    slope: float
    intercept: float
    given: bool
    unit: str
    lut: Table | None


@dataclass(frozen=True)
class Look:
    """The first VOI transformation of one frame (PS3.3 C.11.2): a table or a window, or neither."""

    window: Window | None
    lut: Table | None
    problem: str = ""


def parse(data: bytes, label: str) -> "Dataset":
    """Return the dataset in ``data``; one without preamble is taken only if it truly is DICOM.

    Raises:
        ImageError: the data unpacks to more than ``MAX_BYTES``, or is no DICOM after all.
        MissingExtra: pydicom is not installed.
    """
    try:
        import pydicom
    except ImportError:
        raise MissingExtra("pydicom", "imaging") from None
    _guard_deflated(data, label)
    preamble = data[128:132] == b"DICM"
    ds = pydicom.dcmread(io.BytesIO(data), force=not preamble)
    if not preamble and "SOPClassUID" not in ds and not _has_pixels(ds):
        raise ImageError(f"{label} is in no format that is read here; export it as PNG, JPEG, DICOM or NIfTI")
    return ds


def describe(ds: "Dataset", label: str) -> Header:
    """Return the header of a dataset that holds a picture of a size and kind that can be shown.

    Raises:
        ImageError: it holds no pixels, is too large, or of a kind that is not read; says which.
    """
    if not _has_pixels(ds):
        uid = ds.get("SOPClassUID") or ds.file_meta.get("MediaStorageSOPClassUID")
        what = getattr(uid, "name", "") or NO_PIXELS
        action = "choose an image of the study instead"
        if not len(ds):  # of a file whose compressed pixels end early pydicom keeps no element
            action = "its data ends early, so download or export it again"
        elif isinstance(ds.get("Rows"), int) and isinstance(ds.get("Columns"), int):
            action = f"its pixels ({ds.Columns} x {ds.Rows}) were cut off or stripped, so export it again"
        raise ImageError(f"{label} holds no pixels ({what}); {action}")
    missing = [key for key in ("Rows", "Columns") if not isinstance(ds.get(key), int)]
    if missing:
        raise ImageError(f"{label} has pixels but no {' and '.join(missing)}; export it again")
    check_size(ds.Columns, ds.Rows, label)
    photometric = str(ds.get("PhotometricInterpretation") or "").strip().upper()
    if photometric not in GREY | COLOUR | {PALETTE}:
        raise ImageError(
            f'{label} has the photometric interpretation "{photometric}", which is not read; export it as RGB'
        )
    samples = _whole(ds, "SamplesPerPixel", 1)
    if samples != (3 if photometric in COLOUR else 1):
        raise ImageError(f"{label} has {samples} samples a pixel as {photometric}; export it again")
    allocated = _whole(
        ds, "BitsAllocated", {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(_key(ds), 0)
    )
    stored = _whole(ds, "BitsStored", allocated)
    size = ds.Rows * ds.Columns * samples * allocated // 8
    if size > MAX_FRAME:
        raise ImageError(
            f"{label} claims {size / 1e6:.0f} MB a frame, over the limit of {MAX_FRAME // 1_000_000}; "
            "scale it down or crop it first"
        )
    if not 1 <= stored <= allocated <= 64:
        raise ImageError(f"{label} stores {stored} of {allocated} bits a pixel; export it again")
    return Header(
        rows=ds.Rows,
        columns=ds.Columns,
        frames=max(1, _whole(ds, "NumberOfFrames", 1)),
        samples=samples,
        allocated=allocated,
        stored=stored,
        high=_whole(ds, "HighBit", stored - 1),
        signed=ds.get("PixelRepresentation", 0) == 1,
        photometric=photometric,
        syntax=_syntax(ds, label),
        little=_little(ds),
    )


def values_of(ds: "Dataset", frame: int, label: str) -> Values:
    """Return the modality LUT or the rescale slope and intercept of a frame.

    Raises:
        ImageError: the modality lookup table is damaged.
    """
    for source in _sources(ds, frame, "PixelValueTransformationSequence"):
        if items := source.get("ModalityLUTSequence"):
            unit = str(items[0].get("ModalityLUTType") or "")
            return Values(1, 0, True, unit.strip().upper(), _table(items[0], ds, label))
        slope, intercept = _number(source, "RescaleSlope"), _number(source, "RescaleIntercept")
        if slope is not None or intercept is not None:
            unit = str(source.get("RescaleType") or "").strip().upper()
            both = slope is not None and intercept is not None
            return Values(1 if slope is None else slope, intercept or 0, both, unit, None)
    return Values(1, 0, False, "", None)


def look_of(ds: "Dataset", frame: int, label: str) -> Look:
    """Return the first VOI LUT or window that the file gives for a frame.

    A width that the standard forbids, or an unknown VOI LUT Function, is reported in ``problem``, not used.

    Raises:
        ImageError: the VOI lookup table is damaged.
    """
    for source in _sources(ds, frame, "FrameVOILUTSequence"):
        if items := source.get("VOILUTSequence"):
            return Look(None, _table(items[0], ds, label))
        center, width = _number(source, "WindowCenter"), _number(source, "WindowWidth")
        if center is None or width is None:
            continue
        function = str(source.get("VOILUTFunction") or "LINEAR").strip().upper()
        name = _first(source.get("WindowCenterWidthExplanation"))
        window = Window(center, width, one_line(f"file {name or ''}", 40), function)
        if function not in FUNCTIONS:
            return Look(None, None, f"VOI LUT function {one_line(function, 40)} is unknown: window ignored")
        if not window.valid():
            return Look(None, None, f"window ({center:g}/{width:g}) in the file is not valid: ignored")
        return Look(window, None)
    return Look(None, None)


def is_hounsfield(ds: "Dataset", values: Values) -> bool:
    """Tell whether a frame's values are Hounsfield units, so that CT presets mean something.

    That is: Modality CT, not a secondary capture, rescaled, and in HU or in no stated unit (PS3.3 C.11.1.1.2
    and C.8.2.1: a CT image's default is HU).
    """
    capture = str(ds.get("SOPClassUID") or "").startswith(SECONDARY_CAPTURE)
    return ds.get("Modality") == "CT" and not capture and values.given and values.unit in {"", "HU"}


def padding_of(ds: "Dataset", header: Header) -> tuple[int, int] | None:
    """Return the lowest and highest stored number that is padding, or None (PS3.3 C.7.5.1.1.2)."""
    ends = [ds.get(key) for key in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    if not isinstance(ends[0], int):
        return None
    numbers = [end for end in ends if isinstance(end, int)]
    if header.signed:
        half = 1 << (header.allocated - 1)
        numbers = [n - 2 * half if half <= n < 2 * half else n for n in numbers]
    return min(numbers), max(numbers)


def palettes_of(ds: "Dataset", header: Header, label: str) -> list[Table]:
    """Return the red, green and blue tables of a PALETTE COLOR image (PS3.3 C.7.9).

    Raises:
        ImageError: one of them is absent or damaged.
    """
    found = []
    for colour in ("Red", "Green", "Blue"):
        descriptor = ds.get(f"{colour}PaletteColorLookupTableDescriptor")
        raw = ds.get(f"{colour}PaletteColorLookupTableData")
        if descriptor is None or raw is None:
            segmented = f"Segmented{colour}PaletteColorLookupTableData" in ds
            what = "segmented palettes, which are not read" if segmented else f"no {colour.lower()} palette"
            raise ImageError(f"{label} is PALETTE COLOR with {what}; export it as RGB")
        found.append(table(list(descriptor), raw, little=header.little, label=label))
    return found


def remarks(ds: "Dataset") -> tuple[str, ...]:
    """Return notes on what the header says of the picture's quality: lossy compression, oblong pixels."""
    lossy = ("lossy compression",) if str(ds.get("LossyImageCompression") or "") == "01" else ()
    oblong = _oblong(ds)
    return (*lossy, oblong) if oblong else lossy


def _guard_deflated(data: bytes, label: str) -> None:
    """Unpack no deflated dataset above the limit: pydicom would inflate it whole (PS3.5 A.5)."""
    if DEFLATED not in data[:4096]:
        return
    if data[128:136] != b"DICM\x02\x00\x00\x00":
        raise ImageError(f"{label} is deflated DICOM without a group length; export it uncompressed")
    start = 144 + int.from_bytes(data[140:144], "little")
    inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    size, rest = 0, data[start:]
    while rest and not inflater.eof:
        size += len(inflater.decompress(rest, 1 << 20))
        rest = inflater.unconsumed_tail
        if size > MAX_BYTES:
            raise ImageError(f"{label} unpacks to over {MAX_BYTES >> 30} GiB; export it uncompressed")


def _oblong(ds: "Dataset") -> str:
    pair = ds.get("PixelSpacing") or ds.get("PixelAspectRatio")
    if pair is None or isinstance(pair, str) or len(pair) != 2:
        return ""
    tall, wide = float(pair[0]), float(pair[1])
    if tall <= 0 or wide <= 0 or abs(tall / wide - 1) < 0.01:
        return ""
    return f"pixels are not square ({tall:g} high, {wide:g} wide): not corrected"


def _key(ds: "Dataset") -> str:
    return next((key for key in PIXELS if key in ds), "")


def _has_pixels(ds: "Dataset") -> bool:
    key = _key(ds)
    return bool(key) and bool(ds[key].value)


def _syntax(ds: "Dataset", label: str) -> str:
    """Return the transfer syntax, set from the way the dataset was read when the file does not say."""
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if "TransferSyntaxUID" in ds.file_meta:
        return str(ds.file_meta.TransferSyntaxUID)
    if ds[_key(ds)].is_undefined_length:
        raise ImageError(f"{label} is compressed but does not say how (no transfer syntax); export it again")
    implicit, little = ds.original_encoding
    explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return str(ds.file_meta.TransferSyntaxUID)


def _little(ds: "Dataset") -> bool:
    return ds.original_encoding[1] is not False


def _sources(ds: "Dataset", frame: int, group: str) -> Iterator["Dataset"]:
    """Yield where a frame's attribute may be: its functional group, the shared one, the top level."""
    per_frame = ds.get("PerFrameFunctionalGroupsSequence") or []
    shared = ds.get("SharedFunctionalGroupsSequence") or []
    for groups in ([*per_frame[frame : frame + 1], *shared[:1]]) if per_frame or shared else []:
        if items := groups.get(group):
            yield items[0]
    yield ds


def _table(item: "Dataset", ds: "Dataset", label: str) -> Table:
    descriptor, raw = item.get("LUTDescriptor"), item.get("LUTData")
    if descriptor is None or raw is None:
        raise ImageError(f"{label} has a lookup table without data; export it again")
    return table(list(descriptor), raw, little=_little(ds), label=label)


def _first(value: Any) -> Any:
    """Return the first of a multi-valued element, the value of a single one, None for an empty one."""
    if value is None or isinstance(value, str | bytes | int | float):
        return value
    return value[0] if len(value) else None


def _number(source: "Dataset", key: str) -> float | None:
    value = _first(source.get(key))
    return None if value is None or value == "" else float(value)


def _whole(ds: "Dataset", key: str, default: int) -> int:
    value = _first(ds.get(key))
    return default if value is None or value == "" else int(value)
