"""One frame of a DICOM file as 8-bit RGB. Overlays, ICC profiles and presentation states are ignored.

The grey-scale pipeline is that of PS3.3 C.11: stored values, modality LUT or rescale, VOI LUT or window, then
the inversion of MONOCHROME1. Pixel padding is left out of measured ranges and shown black.
"""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bimedix2.errors import ImageError
from bimedix2.imaging import header as headers
from bimedix2.imaging import isolated, luts, windows
from bimedix2.imaging.codestream import MAX_SCANS, claim_of, too_many_scans
from bimedix2.imaging.door import Picture, choose_frame, contained, frame_notes, reason
from bimedix2.imaging.header import Header, Look, Values
from bimedix2.imaging.windows import Window

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

JPEG_FAMILY = ("1.2.840.10008.1.2.4.5", "1.2.840.10008.1.2.4.7", "1.2.840.10008.1.2.4.8",
               "1.2.840.10008.1.2.4.9", "1.2.840.10008.1.2.4.20")  # fmt: skip
"""Transfer syntaxes whose frames are JPEG, JPEG-LS or JPEG 2000 codestreams."""
PLUGINS = ("pyjpegls", "pydicom", "pylibjpeg", "pillow")
"""pydicom's decoders in the order tried. GDCM is not among them, since it can abort (see ``isolated``); for
RLE pydicom's own comes before pylibjpeg-rle, whose Rust panics are no ``Exception``."""
SIGN_KNOWN = ("1.2.840.10008.1.2.4.8", "1.2.840.10008.1.2.4.9", "1.2.840.10008.1.2.4.20")
"""JPEG-LS and JPEG 2000: the codestream carries depth and sign, and pydicom applies them."""


def read(data: bytes, label: str, *, frame: int | None, window: str | None) -> Picture:
    """Return one frame of a DICOM file.

    Args:
        data: the whole file, with or without preamble.
        label: the file, for errors.
        frame: 0-based; None is the middle one.
        window: a CT preset, "file", "centre/width" or None; see ``bimedix2.imaging.read``.

    Raises:
        ImageError: no pixels, damaged, too large, a transfer syntax or photometric interpretation that is not
            read, no such frame, or a window that means nothing for these values.
        MissingExtra: pydicom is not installed.
    """
    wanted = None if window is None else windows.parse(window, label)
    with contained(label, "DICOM file") as caught:
        ds = headers.parse(data, label)
        header = headers.describe(ds, label)
        shown = choose_frame(frame, header.frames, label)
        before = len(caught)
        pixels = _decode(ds, header, shown, label)
        doubts = _doubts(caught[before:])
        if header.photometric in headers.GREY:
            shades, notes = _grey(ds, header, pixels, shown, label, use_file=window == "file", window=wanted)
            image = Image.fromarray(windows.to_bytes(shades)).convert("RGB")
        elif window is not None:
            raise ImageError(f"{label} is in colour, so no window applies; leave the window out")
        elif header.photometric == headers.PALETTE:
            image, notes = _palette(ds, header, pixels, label)
        else:
            image, notes = Image.fromarray(_eight_bits(_used_bits(pixels, header), header.stored)), ()
        notes = (*frame_notes(shown, header.frames), *notes, *headers.remarks(ds), *doubts)
    return Picture(image, "dicom", header.frames, shown, notes)


def _decode(ds: "Dataset", header: Header, frame: int, label: str) -> NDArray[Any]:
    """Return the stored values of one frame: (rows, columns) or (rows, columns, 3), the latter RGB."""
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.pixels.utils import pixel_array
    from pydicom.uid import UID

    syntax, stream = UID(header.syntax), b""
    named = f"{syntax.name} ({syntax})" if syntax.name != syntax else str(syntax)
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise ImageError(f"{label} is compressed as {named}, which is not read; convert it first") from None
    if syntax.startswith(JPEG_FAMILY):
        stream = _checked_stream(ds, header, frame, label)
    usable = [name for name in PLUGINS if name in decoder.available_plugins]
    if syntax in isolated.SYNTAXES and header.stored > 8:
        usable = [name for name in usable if name != "pillow"]  # it reads 8 bits
    try:
        if usable or not syntax.is_encapsulated:
            plugin = usable[0] if usable else ""
            pixels = pixel_array(ds, index=frame, correct_unused_bits=False, decoding_plugin=plugin)
        elif syntax in isolated.SYNTAXES:
            pixels = _decode_alone(stream, header)
        else:
            raise ImportError(named)
    except ImportError:
        raise ImageError(
            f"{label} is compressed as {named} and no decoder for it is installed; "
            "run: pip install 'bimedix2[imaging]'"
        ) from None
    except (ValueError, RuntimeError, NotImplementedError) as error:
        raise ImageError(
            f"{label} has pixels that cannot be decoded as {named} ({_plugins(error)}); export it again"
        ) from error
    shape = (header.rows, header.columns, 3)[: 3 if header.samples == 3 else 2]
    if pixels.shape != shape:
        raise ImageError(f"{label} decodes to {pixels.shape} where {shape} is claimed; export it again")
    return np.asarray(pixels)


def _decode_alone(stream: bytes, header: Header) -> NDArray[Any]:
    from pydicom.pixels.processing import convert_color_space

    raw = isolated.decode(
        stream,
        syntax=header.syntax,
        photometric=header.photometric,
        rows=header.rows,
        columns=header.columns,
        samples=header.samples,
        allocated=header.allocated,
        stored=header.stored,
        signed=int(header.signed),
    )
    samples = np.frombuffer(raw, dtype=f"<{'i' if header.signed else 'u'}{header.allocated // 8}")
    if header.samples == 1:
        return samples.reshape(header.rows, header.columns)
    pixels = samples.reshape(header.rows, header.columns, 3)
    if header.photometric.startswith("YBR_FULL"):
        return np.asarray(convert_color_space(pixels, "YBR_FULL", "RGB"))
    return pixels


def _plugins(error: Exception) -> str:
    """Return what the first of pydicom's plugins said, without the list of the others."""
    lines = str(error).splitlines()
    return reason(RuntimeError(lines[1]) if len(lines) > 1 and lines[0].startswith("Unable to") else error)


def _checked_stream(ds: "Dataset", header: Header, frame: int, label: str) -> bytes:
    """Return a compressed frame; refuse one whose own size is not the header's, before it is decoded."""
    from pydicom.encaps import get_frame

    table = (ds.get("ExtendedOffsetTable"), ds.get("ExtendedOffsetTableLengths"))
    offsets = (table[0], table[1]) if table[0] and table[1] else None
    stream = get_frame(ds.PixelData, frame, number_of_frames=header.frames, extended_offsets=offsets)
    claim = claim_of(stream)
    if claim is None:
        raise ImageError(f"{label} has a compressed frame without a readable start; export it again")
    if claim != (header.columns, header.rows, header.samples):
        raise ImageError(
            f"{label} has a compressed frame of {claim.width} x {claim.height} x {claim.components} where "
            f"{header.columns} x {header.rows} x {header.samples} is claimed; export it again"
        )
    if too_many_scans(stream):
        raise ImageError(f"{label} has a frame of over {MAX_SCANS} JPEG scans; export it again")
    return stream


def _doubts(caught: list[warnings.WarningMessage]) -> tuple[str, ...]:
    """Return what the decoder warned of, once each, since it may bear on the picture."""
    said = dict.fromkeys(reason(UserWarning(w.message)) for w in caught)
    return tuple(f"decoder: {text}" for text in said)[:3]


def _grey(
    ds: "Dataset",
    header: Header,
    pixels: NDArray[Any],
    frame: int,
    label: str,
    *,
    use_file: bool,
    window: Window | None,
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Return (rows, columns) in 0..1, and the notes."""
    padding = headers.padding_of(ds, header)
    used = _used_bits(pixels, header)
    padded = np.zeros(pixels.shape, bool)
    if padding is not None:
        # As it is stored, and as it is meant: a signed number of 12 bits need not fill its 16.
        padded = _within(pixels, padding) | _within(used, padding)
    values = headers.values_of(ds, frame, label)
    x = _physical(used, values)
    look = headers.look_of(ds, frame, label)
    if use_file and look.window is None and look.lut is None:
        why = look.problem or "none in its header"
        raise ImageError(f'{label} has no usable window ({why}); give centre/width such as "40/400"')
    if window is not None and window.name in windows.PRESETS and not headers.is_hounsfield(ds, values):
        raise ImageError(
            f"{label} is not a CT image in Hounsfield units, so the {window.name} preset does not apply; "
            'give centre/width such as "40/400", or leave the window out'
        )
    counted = ~padded if padded.any() else None
    shades, note = _windowed(x, window, look, values, header, counted)
    notes = [note]
    if window is None and look.problem:
        notes.append(look.problem)
    if header.photometric == "MONOCHROME1":
        shades = 1 - shades
        notes.append("MONOCHROME1 inverted")
    if padded.any():
        shades = np.where(padded, np.float32(0), shades)
        notes.append("pixel padding shown black")
    return shades, tuple(notes)


def _within(pixels: NDArray[Any], ends: tuple[int, int]) -> NDArray[np.bool_]:
    return np.asarray((pixels >= ends[0]) & (pixels <= ends[1]))


def _windowed(
    x: NDArray[np.floating],
    window: Window | None,
    look: Look,
    values: Values,
    header: Header,
    counted: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.float32], str]:
    """Apply the window asked for, else the file's table or window, else a range (see docs/imaging.md)."""
    if window is None and look.lut is not None:
        peak, full = int(look.lut.values.max()), (1 << look.lut.bits) - 1
        dim = f" (reaches {peak} of {full})" if peak < full / 2 else ""
        return luts.shades(look.lut, x), f"VOI LUT of the file{dim}"
    window = window or look.window
    if window is not None:
        return np.nan_to_num(windows.apply(x, window)), window.note()
    full = (1 << header.stored) - 1
    plain = values.lut is None and (values.slope, values.intercept) == (1, 0)
    if header.stored <= 8 and plain and not header.signed:
        return (x / np.float32(full)).astype(np.float32), f"no window: 0 to {full} shown as stored"
    return windows.stretch(x, counted)


def _used_bits(pixels: NDArray[Any], header: Header) -> NDArray[Any]:
    """Keep bits HighBit - BitsStored + 1 to HighBit; the others are not pixel values (PS3.5 8.1.1)."""
    if pixels.dtype.kind not in "iu" or header.syntax.startswith(SIGN_KNOWN):
        return pixels
    wide = pixels.dtype.itemsize * 8
    up, down = wide - 1 - header.high, wide - header.stored
    if header.allocated != wide or not 0 <= up <= down:
        return pixels
    return np.asarray((pixels << up) >> down)


def _physical(pixels: NDArray[Any], values: Values) -> NDArray[np.floating]:
    """Apply the modality LUT or rescale; float32 for up to 16 bits, else float64."""
    if values.lut is not None:
        return luts.look_up(values.lut, pixels).astype(np.float32)
    kind = np.float32 if pixels.dtype.itemsize <= 2 else np.float64
    x: NDArray[Any] = np.asarray(pixels, dtype=kind)
    return np.asarray(x * values.slope + values.intercept, dtype=kind)


def _palette(
    ds: "Dataset", header: Header, pixels: NDArray[Any], label: str
) -> tuple[Image.Image, tuple[str, ...]]:
    """Return the RGB of palette indices, and the notes (PS3.3 C.7.6.3.1.5)."""
    tables = headers.palettes_of(ds, header, label)
    eight, mislabelled = luts.palette_bytes(tables)
    channels = [
        luts.look_up(luts.Table(t.first, 8, e.astype(np.uint16)), _used_bits(pixels, header))
        for t, e in zip(tables, eight, strict=True)
    ]
    image = Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))
    notes = ("palette colour",)
    return image, (*notes, "palette of 16 bits holds 8-bit numbers: read as 8-bit") if mislabelled else notes


def _eight_bits(pixels: NDArray[Any], stored: int) -> NDArray[np.uint8]:
    """Return colour of ``stored`` bits a sample as its top 8 bits, widened when there are fewer."""
    if stored < 8:
        return np.asarray(pixels.astype(np.uint16) * 255 // ((1 << stored) - 1), dtype=np.uint8)
    return np.asarray(pixels >> (stored - 8), dtype=np.uint8)
