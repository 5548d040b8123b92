"""DICOM lookup tables: modality, VOI and palette. Knows nothing about datasets or windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bimedix2.errors import ImageError

Raw = bytes | int | Sequence[int]


@dataclass(frozen=True)
class Table:
    """A lookup table: input ``first`` gives ``values[0]``; entries are unsigned, ``bits`` wide."""

    first: int
    bits: int
    values: NDArray[np.uint16]


def table(descriptor: Sequence[int], raw: Raw, *, little: bool, label: str) -> Table:
    """Return the table that a LUT Descriptor and its data describe.

    Args:
        descriptor: three values: entries (0 is 65536), first input mapped, bits per entry.
        raw: LUT Data, as the 16-bit words or numbers of the file; 8-bit entries may be packed two in a word.
        little: byte order of the words in ``raw``.
        label: the file, for the error.

    Raises:
        ImageError: the descriptor is not three numbers, or the data is shorter than it says.

    Source: DICOM PS3.3 C.11.1.1.1, C.11.2.1.1 and C.7.6.3.1.5.
    """
    if len(descriptor) != 3:
        raise ImageError(f"{label} has a lookup table without a three-valued descriptor; export it again")
    count = (int(descriptor[0]) & 0xFFFF) or 1 << 16
    bits = int(descriptor[2])
    if not 8 <= bits <= 16:
        raise ImageError(f"{label} has a lookup table of {bits} bits per entry; export it again as RGB")
    if isinstance(raw, bytes):
        words = np.frombuffer(raw[: len(raw) // 2 * 2], dtype="<u2" if little else ">u2").astype("<u2")
    else:
        words = (np.atleast_1d(np.asarray(raw, dtype=np.int64)) & 0xFFFF).astype("<u2")
    entries = words if len(words) >= count else words.view(np.uint8)  # fewer words than entries: packed
    if isinstance(raw, bytes) and len(raw) % 2 and len(words) < count:
        entries = np.frombuffer(raw, dtype=np.uint8)
    if len(entries) < count or (entries.dtype == np.uint8 and bits > 8):
        raise ImageError(
            f"{label} has a lookup table of {len(words)} words where {count} entries are claimed; "
            "export it again"
        )
    return Table(int(descriptor[1]), bits, entries[:count].astype(np.uint16))


def look_up(lut: Table, values: NDArray[Any]) -> NDArray[np.uint16]:
    """Return the entry of every value; below the first and above the last input the end entries hold.

    Args:
        lut: the table. Its first input is an unsigned 16-bit number in many files whose values are signed; it
            is read as signed when the values go below zero, or all stand below it (one grey for all of them).
        values: integers or floats of any shape; floats are rounded.

    Returns:
        uint16 of the same shape.
    """
    first = lut.first
    if first > 0x7FFF and values.size and (float(np.min(values)) < 0 or float(np.max(values)) < first):
        first -= 1 << 16
    index = np.rint(values).astype(np.int64) - first
    return np.asarray(lut.values[np.clip(index, 0, len(lut.values) - 1)])


def shades(lut: Table, values: NDArray[Any]) -> NDArray[np.float32]:
    """Return ``look_up`` as float32 in 0..1 of the table's range (PS3.3 C.11.2.1.1)."""
    full = np.float32((1 << lut.bits) - 1)
    return np.asarray(np.minimum(look_up(lut, values).astype(np.float32) / full, 1), dtype=np.float32)


def palette_bytes(tables: Sequence[Table]) -> tuple[list[NDArray[np.uint8]], bool]:
    """Return the three palettes as 8 bits an entry, and whether 16-bit ones in truth hold 8-bit numbers.

    16-bit entries keep their high byte. Encoders that declare 16 bits and write 0..255 are common; when no
    entry of the three exceeds 255 they are taken as 8-bit.
    """
    peak = max(int(t.values.max()) for t in tables)
    mislabelled = tables[0].bits > 8 and 0 < peak <= 0xFF
    shift = 0 if mislabelled or tables[0].bits == 8 else tables[0].bits - 8
    return [(t.values >> shift).astype(np.uint8) for t in tables], mislabelled
