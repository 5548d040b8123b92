"""The format of a file from its first bytes. Knows nothing about what is inside."""

import zlib

from bimedix2.errors import ImageError

RASTER: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
)
OTHER: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF document", "export its page as PNG"),
    (b"PK\x03\x04", "a zip archive", "unpack it and open one image"),
    (b"\x00\x00\x00\x0cjP  ", "a bare JPEG 2000 file", "convert it to PNG or DICOM"),
    (b"\xff\x4f\xff\x51", "a bare JPEG 2000 file", "convert it to PNG or DICOM"),
    (b"NRRD", "an NRRD volume", "convert it to NIfTI"),
    (b"\x89HDF", "an HDF5 file", "convert it to NIfTI or DICOM"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it and open one image"),
)
BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})
HEAD = 1024
"""Bytes enough to tell every format here."""


def kind_of(data: bytes, label: str) -> str:
    """Return the kind of picture that ``data`` is: "png", "jpeg", ..., "dicom" or "nifti".

    A DICOM preamble wins over what it holds (PS3.10 7.1 lets it look like a TIFF). A file that starts with a
    DICOM element but has no preamble is called "dicom"; the DICOM reader decides.

    Raises:
        ImageError: the bytes are empty, text, or of a format that is not read; says which.
    """
    if not data:
        raise ImageError(f"{label} is empty (0 bytes); export or download it again")
    if data[128:132] == b"DICM":
        return "dicom"
    for magic, kind in RASTER:
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in BMP_HEADERS:
        return "bmp"
    if nifti_version(data):
        return "nifti"
    if data[:2] == b"\x1f\x8b":
        return _inside_gzip(data, label)
    if headless(data):
        return "dicom"
    raise ImageError(f"{label} {_what_else(data)}")


def nifti_version(head: bytes) -> int:
    """Return 1 or 2 for a NIfTI header (nifti1.h, nifti2.h: sizeof_hdr and magic), else 0."""
    size = head[:4]
    if size in (b"\x5c\x01\x00\x00", b"\x00\x00\x01\x5c") and head[344:348] in (b"n+1\x00", b"ni1\x00"):
        return 1
    if size in (b"\x1c\x02\x00\x00", b"\x00\x00\x02\x1c") and head[4:7] in (b"n+2", b"ni2"):
        return 2
    return 0


def headless(data: bytes) -> bool:
    """Tell whether the first bytes could be a DICOM element of group 0002 or 0008 without a preamble."""
    for order, groups in (("little", (0x0002, 0x0008)), ("big", (0x0008,))):
        group = int.from_bytes(data[:2], order)  # type: ignore[arg-type]
        element = int.from_bytes(data[2:4], order)  # type: ignore[arg-type]
        if len(data) > 12 and group in groups and element <= 0x1200:
            return True
    return False


def _inside_gzip(data: bytes, label: str) -> str:
    try:
        head = zlib.decompressobj(wbits=31).decompress(data[:65536], HEAD)
    except zlib.error:
        raise ImageError(f"{label} is a damaged gzip file; download it again") from None
    if nifti_version(head):
        return "nifti"
    raise ImageError(f"{label} is a gzip file without a NIfTI volume inside; unpack it and open the image")


def _what_else(data: bytes) -> str:
    for magic, what, action in OTHER:
        if data.startswith(magic):
            return f"is {what}, which is not read; {action}"
    if data[4:8] == b"ftyp":
        return "is a HEIC, AVIF or video file, which is not read; export it as PNG or JPEG"
    if not any(data[:HEAD]):
        return "holds only zero bytes at its start; export or download it again"
    head = data[:HEAD]
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        text = head[: error.start].decode("utf-8") if error.start >= len(head) - 3 else ""
    if text and all(c.isprintable() or c.isspace() for c in text):
        return "is text, not an image; check what was downloaded or saved under that name"
    return "is in no format that is read here; export it as PNG, JPEG, TIFF, WebP, BMP, GIF, DICOM or NIfTI"
