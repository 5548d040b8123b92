"""Grey-scale windows: CT presets as data, the three DICOM functions, and a range for files without any."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bimedix2.errors import ImageError
from bimedix2.imaging.door import one_line

PRESETS: dict[str, tuple[float, float]] = {
    "lung": (-600, 1500),
    "mediastinum": (50, 350),
    "soft-tissue": (50, 400),
    "abdomen": (50, 400),
    "liver": (30, 150),
    "bone": (400, 1800),
    "spine": (50, 250),
    "brain": (40, 80),
    "stroke": (40, 40),
    "subdural": (75, 200),
    "temporal-bone": (600, 2800),
    "angiography": (300, 600),
}
"""CT presets as (centre, width) in Hounsfield units, after Radiopaedia, "Windowing (CT)".

Where that article gives a range (subdural width 130-300 and level 50-100, stroke "width 40 level 40") a value
inside it is taken.
"""
FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
LOW, HIGH = 0.5, 99.5
"""Percentiles shown as black and white when a file brings no window."""
SAMPLE = 1 << 24
"""Values that a percentile is taken of; of a larger image every second, third, ... value counts."""
BLOCK = 1 << 22
"""Values mapped at a time, so that a large image does not stand in memory several times over."""

_NUMBER = r"([+-]?\d{1,9}(?:\.\d{1,6})?)"
_PAIR = re.compile(rf"\s*{_NUMBER}\s*/\s*{_NUMBER}\s*", re.ASCII)


@dataclass(frozen=True)
class Window:
    """A window: ``function`` is one of ``FUNCTIONS``, ``name`` goes into the notes."""

    center: float
    width: float
    name: str = ""
    function: str = "LINEAR"

    def note(self) -> str:
        """Return for example "window lung (-600/1500)"."""
        name = f" {self.name}" if self.name else ""
        kind = f" {self.function}" if self.function != "LINEAR" else ""
        return f"window{name} ({self.center:g}/{self.width:g}){kind}"

    def valid(self) -> bool:
        """Tell whether the width is allowed (PS3.3 C.11.2.1.2: LINEAR 1 or more, the others over 0)."""
        finite = bool(np.isfinite(self.center) and np.isfinite(self.width))
        return finite and (self.width >= 1 if self.function == "LINEAR" else self.width > 0)


def parse(text: str, label: str) -> Window | None:
    """Return the window that ``text`` names, or None for "file".

    Args:
        text: a preset, "file", or "centre/width"; case and surrounding blanks do not matter.
        label: the file, for the error.

    Raises:
        ImageError: the name is unknown (says the nearest), or the width is under 1.
    """
    wanted = re.sub(r"[\s_]+", "-", text.strip().lower())
    if wanted == "file":
        return None
    if wanted in PRESETS:
        return Window(*PRESETS[wanted], name=wanted)
    if pair := _PAIR.fullmatch(text):
        window = Window(float(pair[1]), float(pair[2]), name="given")
        if not window.valid():
            raise ImageError(
                f"{label} cannot be shown with a window width of {window.width:g}; give 1 or more"
            )
        return window
    nearest = get_close_matches(wanted[:40], [*PRESETS, "file"], n=1, cutoff=0.0)[0]
    shown = one_line(text, 40)
    raise ImageError(
        f'{label} cannot be shown with the unknown window "{shown}"; the nearest is "{nearest}", '
        'or give centre/width such as "-600/1500"'
    )


def apply(values: NDArray[np.floating], window: Window) -> NDArray[np.float32]:
    """Map values through a window to 0..1.

    Args:
        values: any shape, in the units after the modality transformation (Hounsfield for CT).
        window: a valid window.

    Returns:
        float32 of the same shape, 0 is the darkest and 1 the brightest output.

    Source: DICOM PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.2 (LINEAR_EXACT) and C.11.2.1.3.1 (SIGMOID), with
    ymin 0 and ymax 1. LINEAR, w > 1: x <= c - 0.5 - (w - 1) / 2 gives 0; x > c - 0.5 + (w - 1) / 2 gives 1;
    between them (x - (c - 0.5)) / (w - 1) + 0.5. LINEAR with w = 1 is a step above c - 0.5.
    """
    shades = np.empty(values.shape, np.float32)
    for rows in _blocks(values):
        shades[rows] = _apply(values[rows], window)
    return shades


def _apply(values: NDArray[np.floating], window: Window) -> NDArray[Any]:
    x: NDArray[Any] = np.asarray(values, dtype=np.float32 if values.dtype.itemsize <= 4 else np.float64)
    c, w = window.center, window.width
    if window.function == "SIGMOID":
        y = 1 / (1 + np.exp(np.clip(-4 * (x - c) / w, -80, 80)))
    elif window.function == "LINEAR_EXACT":
        y = (x - c) / w + 0.5
    elif w == 1:
        y = (x > c - 0.5).astype(np.float32)
    else:
        y = (x - (c - 0.5)) / (w - 1) + 0.5
    return np.asarray(np.clip(y, 0, 1))


def to_bytes(shades: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return 0..1 as 0..255, halves rounded up."""
    out = np.empty(shades.shape, np.uint8)
    for rows in _blocks(shades):
        out[rows] = np.floor(shades[rows] * np.float32(255) + np.float32(0.5))
    return out


def stretch(
    values: NDArray[Any], counted: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.float32], str]:
    """Map values without a window to 0..1 by their own range, and say which.

    Args:
        values: any shape; NaN counts for nothing and is shown black.
        counted: the pixels that count for the range, None for all (padding is left out this way).

    Returns:
        float32 in 0..1 of the same shape, and the note. The range is the ``LOW``-th to the ``HIGH``-th
        percentile; the minimum to the maximum when these coincide (masks); black when all values are equal.
    """
    pool = (values if counted is None else values[counted]).reshape(-1)
    step = -(-pool.size // SAMPLE) or 1
    some = _finite(pool[::step])
    whole = some if step == 1 else _finite(pool)
    if not whole.size:
        return np.zeros(values.shape, np.float32), "no finite value in this frame: shown black"
    low, high = (float(v) for v in np.percentile(some, [LOW, HIGH])) if some.size else (0.0, 0.0)
    how = f"{LOW:g}th to {HIGH:g}th percentile"
    if low >= high:
        low, high, how = float(whole.min()), float(whole.max()), "minimum to maximum"
    if low >= high:
        return np.zeros(values.shape, np.float32), f"one constant value ({low:g}): shown black"
    shades = np.empty(values.shape, np.float32)
    for rows in _blocks(values):
        filled = np.nan_to_num(values[rows].astype(np.float64), nan=low, posinf=high, neginf=low)
        shades[rows] = np.clip((filled - low) / (high - low), 0, 1)
    return shades, f"no window: {low:g} to {high:g} shown ({how})"


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    """Return the finite values, without a copy where all are."""
    good = np.isfinite(values)
    return values if good.all() else values[good]


def _blocks(values: NDArray[Any]) -> list[slice]:
    """Return slices of the first axis that hold about ``BLOCK`` values each."""
    if not values.size:
        return []
    rows = max(1, BLOCK * len(values) // values.size)
    return [slice(start, start + rows) for start in range(0, len(values), rows)]
