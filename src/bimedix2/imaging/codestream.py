"""The size that a JPEG, JPEG-LS or JPEG 2000 frame claims for itself, read without decoding.

A decoder allocates what the codestream says, whatever the DICOM header says, so this is checked first. A
progressive JPEG may also repeat scans of a few bytes that each cost a walk over the whole picture.
"""

from typing import NamedTuple

FRAME_MARKERS = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
"""SOF markers: ITU-T T.81 table B.1, and SOF55 of JPEG-LS (T.87)."""
BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a length: TEM, RSTn, SOI."""

MAX_SCANS = 100
"""Scans of one JPEG; encoders write about 10."""


class Claim(NamedTuple):
    """Columns, rows and components of a codestream."""

    width: int
    height: int
    components: int


def claim_of(frame: bytes) -> Claim | None:
    """Return what one compressed frame says it holds, or None if no header can be found in it.

    Source: ITU-T T.81 B.2.2 (SOF), T.87 C.2.2, T.800 A.5.1 (SIZ).
    """
    if frame[:2] == b"\xff\xd8":
        return _jpeg(frame)
    start = 0
    if frame[4:8] == b"jP  ":  # a JP2 wrapper, against PS3.5 A.4.4 but found in files
        start = frame.find(b"jp2c") + 4
    return _jpeg2000(frame[start:]) if frame[start : start + 4] == b"\xff\x4f\xff\x51" else None


def too_many_scans(data: bytes) -> bool:
    """Tell whether a JPEG file or frame has more than ``MAX_SCANS`` scans (SOS cannot stand inside one)."""
    return data[:2] == b"\xff\xd8" and data.count(b"\xff\xda") > MAX_SCANS


def _jpeg(frame: bytes) -> Claim | None:
    at = 2
    while at + 9 < len(frame):
        if frame[at] != 0xFF:
            return None
        marker = frame[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in BARE_MARKERS:
            at += 2
        elif marker in FRAME_MARKERS:
            height, width = _big(frame, at + 5, 2), _big(frame, at + 7, 2)
            return Claim(width, height, frame[at + 9])
        else:
            at += 2 + _big(frame, at + 2, 2)
    return None


def _jpeg2000(frame: bytes) -> Claim | None:
    if len(frame) < 42:
        return None
    right, bottom, left, top = (_big(frame, at, 4) for at in (8, 12, 16, 20))
    return Claim(right - left, bottom - top, _big(frame, 40, 2))


def _big(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "big")
