"""Bytes of a picture or a scan in, one RGB picture out. Knows nothing about models, records or prompts.

``read`` finds the format from the bytes and never from the name. It opens PNG, JPEG, TIFF, WebP, BMP, GIF,
DICOM and NIfTI, shows one frame, and says in ``Picture.notes`` all that it chose on the reader's behalf.
"""

from bimedix2.imaging import dicom, nifti, raster
from bimedix2.imaging.door import Picture, label_of
from bimedix2.imaging.sniff import kind_of

__all__ = ["Picture", "read"]


def read(data: bytes, name: str = "", *, frame: int | None = None, window: str | None = None) -> Picture:
    """Return one frame of an image file as an RGB picture.

    Args:
        data: the whole file.
        name: how errors call the file; it plays no part in finding the format.
        frame: 0-based frame, page or axial slice; None is the middle one (``frames // 2``).
        window: grey-scale window of a DICOM or NIfTI file: a CT preset (``windows.PRESETS``), "file" for
            the first window of the header, or "centre/width" such as "-600/1500". None is the header's first
            window if there is one, else a range measured on the pixels.

    Raises:
        ImageError: the file cannot be opened, or the frame or the window cannot be had from it.
        MissingExtra: pydicom or nibabel is needed and not installed.
    """
    label = label_of(name)
    kind = kind_of(data, label)
    if kind == "dicom":
        return dicom.read(data, label, frame=frame, window=window)
    if kind == "nifti":
        return nifti.read(data, label, frame=frame, window=window)
    return raster.read(data, label, kind, frame=frame, window=window)
