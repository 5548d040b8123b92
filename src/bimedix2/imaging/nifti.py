"""One axial slice of a NIfTI volume, in the radiological view. Knows nothing about series or masks.

The volume is turned to the closest RAS axes by its affine; slices are counted from the feet up. The picture
has the front of the body at the top and the patient's right on the left of the picture.
"""

import gzip
import io
import math
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bimedix2.errors import ImageError, MissingExtra
from bimedix2.imaging import windows
from bimedix2.imaging.door import MAX_BYTES, Picture, check_size, choose_frame, contained, frame_notes
from bimedix2.imaging.sniff import nifti_version

HEADER = 1024


def read(data: bytes, label: str, *, frame: int | None, window: str | None) -> Picture:
    """Return one axial slice of a .nii or .nii.gz file.

    Args:
        data: the whole file.
        label: the file, for errors.
        frame: 0-based slice from the feet up; None is the middle one. Of a time series the first volume.
        window: "centre/width" in the file's own units, or None for its percentiles. A NIfTI header does not
            say whether the values are Hounsfield units, so presets are refused, and it holds no window.

    Raises:
        ImageError: damaged, truncated, too large, two-file (.hdr/.img), complex, no such slice, or a window
            that a NIfTI file cannot take.
        MissingExtra: nibabel is not installed.
    """
    wanted = None if window is None else windows.parse(window, label)
    if window is not None and (wanted is None or wanted.name in windows.PRESETS):
        raise ImageError(
            f"{label} is NIfTI, which holds no window and does not say whether it is CT in Hounsfield units; "
            'give centre/width such as "-600/1500"'
        )
    with contained(label, "NIfTI file"):
        volume = _open(_first_volume(data, label), label)
        plane, shown, slices, notes = _axial(volume, frame, label)
        if plane.dtype.names is not None:
            if wanted is not None:
                raise ImageError(f"{label} is in colour, so no window applies; leave the window out")
            channels = np.stack([plane[name] for name in plane.dtype.names[:3]], axis=-1)
            image = Image.fromarray(np.ascontiguousarray(channels, dtype=np.uint8))
            notes = (*notes, "colour as stored")
        else:
            shades, note = _grey(plane, wanted)
            image = Image.fromarray(windows.to_bytes(shades)).convert("RGB")
            notes = (*notes, note)
    return Picture(image, "nifti", slices, shown, (*frame_notes(shown, slices, "slice"), *notes))


def _grey(plane: NDArray[Any], window: windows.Window | None) -> tuple[NDArray[np.float32], str]:
    if window is None:
        return windows.stretch(plane)
    return np.nan_to_num(windows.apply(plane, window)), window.note()


def _first_volume(data: bytes, label: str) -> bytes:
    """Return the header and at least the first three-dimensional volume, unpacked within the limit."""
    packed = data[:2] == b"\x1f\x8b"
    head = zlib.decompressobj(wbits=31).decompress(data, HEADER) if packed else data[:HEADER]
    need = _needed(head, label)
    if need > MAX_BYTES:
        raise ImageError(
            f"{label} claims {need / (1 << 30):.1f} GiB a volume, over the limit of {MAX_BYTES >> 30}; "
            "resample it first"
        )
    if not packed:
        whole = data
    else:
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                whole = file.read(need)
        except EOFError:
            whole = b""
    if len(whole) < need:
        raise ImageError(f"{label} is truncated: its volume ends early; download or export it again")
    return whole


def _needed(head: bytes, label: str) -> int:
    """Return the bytes up to the end of the first volume.

    Source: nifti1.h (dim at 40, bitpix at 72, vox_offset at 108) and nifti2.h (dim at 16, bitpix at 14,
    vox_offset at 168).
    """
    version = nifti_version(head)
    order = "<" if head[:4] in (b"\x5c\x01\x00\x00", b"\x1c\x02\x00\x00") else ">"
    if version == 1:
        if head[344:347] == b"ni1":
            raise ImageError(
                f"{label} is a NIfTI header whose pixels are in another file; save it as one .nii"
            )
        dim: tuple[int, ...] = struct.unpack_from(order + "8h", head, 40)
        bits: int = struct.unpack_from(order + "h", head, 72)[0]
        offset = struct.unpack_from(order + "f", head, 108)[0]
    else:
        dim = struct.unpack_from(order + "8q", head, 16)
        bits = struct.unpack_from(order + "h", head, 14)[0]
        offset = struct.unpack_from(order + "q", head, 168)[0]
    axes = dim[1 : 1 + min(dim[0], 3)]
    if not 2 <= dim[0] <= 7 or min(dim[1 : 1 + dim[0]]) < 1 or bits < 1 or not 0 <= offset < MAX_BYTES:
        raise ImageError(f"{label} has a NIfTI header with impossible sizes; export or download it again")
    return int(offset) + math.prod(axes) * bits // 8


def _open(data: bytes, label: str) -> Any:
    try:
        import nibabel
    except ImportError:
        raise MissingExtra("nibabel", "imaging") from None
    kind = nibabel.Nifti1Image if nifti_version(data) == 1 else nibabel.Nifti2Image
    volume = kind.from_stream(io.BytesIO(data))
    if np.dtype(volume.get_data_dtype()).kind == "c":
        raise ImageError(f"{label} holds complex numbers; save their magnitude as NIfTI")
    return volume


def _axial(volume: Any, frame: int | None, label: str) -> tuple[NDArray[Any], int, int, tuple[str, ...]]:
    """Return one slice as (rows, columns) in the radiological view, its number, their count, and notes.

    ``io_orientation`` says for each stored axis which of right, front and up it runs along and whether
    backwards. Rows of the picture run from front to back, columns from the patient's right to left.
    """
    import nibabel

    axes = tuple(volume.shape[:3]) + (1,) * (3 - len(volume.shape[:3]))
    turn = nibabel.orientations.io_orientation(volume.affine)
    if np.isnan(turn).any() or not np.isfinite(volume.affine).all():
        raise ImageError(f"{label} has an affine that gives no orientation; correct its header")
    stored = {int(world): (axis, step) for axis, (world, step) in enumerate(turn)}
    (right, right_step), (front, front_step), (up, up_step) = (stored[world] for world in range(3))
    check_size(axes[right], axes[front], label)
    shown = choose_frame(frame, axes[up], label)
    index: list[Any] = [slice(None)] * len(volume.shape[:3]) + [0] * (len(volume.shape) - 3)
    if up < len(volume.shape):
        index[up] = shown if up_step > 0 else axes[up] - 1 - shown
    plane = np.asarray(volume.dataobj[tuple(index)])
    plane = plane.reshape([n for axis, n in enumerate(axes) if axis != up])
    if right < front:
        plane = plane.T
    plane = plane[:: -1 if front_step > 0 else 1, :: -1 if right_step > 0 else 1]
    notes = ["axial, patient's right on the left"]
    if not volume.header["sform_code"] and not volume.header["qform_code"]:
        notes.append("no orientation in the header: left and right are not certain")
    if len(volume.shape) > 3 and math.prod(volume.shape[3:]) > 1:
        notes.append(f"volume 1 of {math.prod(volume.shape[3:])}")
    wide, tall = (float(np.linalg.norm(volume.affine[:3, axis])) for axis in (right, front))
    if wide > 0 and tall > 0 and abs(tall / wide - 1) >= 0.01:
        notes.append(f"pixels are not square ({tall:g} high, {wide:g} wide): not corrected")
    return plane, shown, axes[up], tuple(notes)
