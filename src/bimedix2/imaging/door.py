"""What every reader shares: the record they return, the limits, and the wall that foreign errors stop at."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from PIL import Image

from bimedix2.errors import BiMediX2Error, ImageError

MAX_PIXELS = 64_000_000
"""Pixels of one frame, checked before any of them is decoded: twice a mammogram (see docs/imaging.md)."""
MAX_BYTES = 1 << 30
"""Bytes that a compressed file may unpack to before pixels are read (gzip, deflated DICOM)."""

_LOCK = threading.RLock()  # warnings.catch_warnings swaps a global, so readers take turns


@dataclass(frozen=True)
class Picture:
    """One frame of a file, ready to be shown.

    Attributes:
        image: 8-bit RGB.
        kind: "png", "jpeg", "tiff", "webp", "bmp", "gif", "dicom" or "nifti".
        frames: frames, pages or axial slices in the file.
        frame: the 0-based one shown.
        notes: what was chosen or changed to show it, such as "window lung (-600/1500)".
    """

    image: Image.Image
    kind: str
    frames: int
    frame: int
    notes: tuple[str, ...]


def one_line(text: str, limit: int = 1000) -> str:
    """Return text of a file as one printable line of at most ``limit`` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


def label_of(name: str) -> str:
    """Return the file's name on one line for an error, or "image" when it has none."""
    return one_line(name) or "image"


def choose_frame(frame: int | None, frames: int, label: str) -> int:
    """Return the 0-based frame to show: the one asked for, or the middle one (``frames // 2``).

    Raises:
        ImageError: the frame asked for is not in the file.
    """
    if frame is None:
        return frames // 2
    if not 0 <= frame < frames:
        raise ImageError(f"{label} has no frame {frame}; choose one from 0 to {frames - 1}")
    return frame


def frame_notes(frame: int, frames: int, word: str = "frame") -> tuple[str, ...]:
    """Return ("frame 13 of 96",), counted from 1 for people, or nothing when the file has one frame."""
    return (f"{word} {frame + 1} of {frames}",) if frames > 1 else ()


def check_size(width: int, height: int, label: str) -> None:
    """Refuse a frame without pixels, or with more than ``MAX_PIXELS``.

    Raises:
        ImageError: naming the size and the limit.
    """
    if width < 1 or height < 1:
        raise ImageError(f"{label} claims a size of {width} x {height}; export it again")
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{label} claims {width} x {height} pixels, over the limit of {MAX_PIXELS // 1_000_000} million; "
            "scale it down or crop it first"
        )


def reason(error: BaseException) -> str:
    """Return a foreign error's text as one short line without a final stop."""
    return one_line(str(error), 200).rstrip(".;: ") or type(error).__name__


@contextmanager
def contained(label: str, what: str) -> Iterator[list[warnings.WarningMessage]]:
    """Run a reader of outside bytes so that nothing but this package's errors, and no warning, leaves it.

    Parsers raise whatever damaged bytes lead them to (KeyError, struct.error, MemoryError, and more), so this
    is the one place that catches ``Exception``; the original stays attached as the cause.

    Args:
        label: the file, for the error.
        what: what it was taken for, such as "DICOM file".

    Yields:
        the warnings caught so far; the list grows while the block runs.

    Raises:
        ImageError: in place of any foreign exception.
    """
    with _LOCK, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield caught
        except ImageError as error:
            raise ImageError(one_line(str(error))) from error.__cause__
        except BiMediX2Error:
            raise
        except Image.DecompressionBombError as error:
            raise ImageError(
                f"{label} claims more pixels than are opened ({reason(error)}); scale it down or crop it"
            ) from error
        except Exception as error:
            raise ImageError(
                f"{label} is a damaged or unsupported {what} ({reason(error)}); export or download it again"
            ) from error
