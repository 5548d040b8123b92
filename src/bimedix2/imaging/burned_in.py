"""Whether letters may be burned into a picture: what its header says, and what its borders look like.

This is a suspicion for a person to look at. Nothing is read (no OCR), so a ruler of tick marks may look like
letters, and faint, large, hand-written or cursive ones (Arabic among them) may not. ``docs/curate.md`` says
how often it is right on the pictures that were tried.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

RISKY_MODALITIES = frozenset(
    {"US", "SC", "OT", "XC", "ES", "GM", "SM", "OP", "DOC", "IVUS", "ECG", "XA", "RF"}
)
"""Modalities whose machines or users write into pictures as a habit (codes of PS3.3 C.7.3.1.1.1)."""
RISKY_CLASSES = (
    "1.2.840.10008.5.1.4.1.1.7",  # secondary capture, also multi-frame
    "1.2.840.10008.5.1.4.1.1.6.1",  # ultrasound
    "1.2.840.10008.5.1.4.1.1.3.1",  # ultrasound multi-frame
    "1.2.840.10008.5.1.4.1.1.6.2",  # enhanced ultrasound volume
    "1.2.840.10008.5.1.4.1.1.77.1",  # visible light: endoscopy, photographs, video
    "1.2.840.10008.5.1.4.1.1.104",  # encapsulated PDF and other documents
)
"""SOP classes (PS3.4 B.5) at risk; a class and those that go on from its number."""
BORDER = 0.3
"""Share of the height or width, from each edge, in which a line of letters counts."""
LETTERS = 4
"""Letters of one height on one line that make it text."""
HEIGHT = (6, 48)
"""Pixels that a letter is high, of a picture whose longer side is at most ``LONGEST``."""
LONGEST = 1024
INK = 24
"""Grey levels by which the brightest pixels of two letters of a line may differ."""
WIDER = 9
"""Pixels, odd: a stroke is narrower."""
CONTRAST = 60
"""Grey levels, of 255, between a letter's strokes and what surrounds them."""


def reasons(ds: "Dataset") -> list[str]:
    """What the header of a DICOM file says that makes letters in its pixels likely; empty is no promise."""
    found = []
    said = str(ds.get("BurnedInAnnotation") or "").strip().upper()
    if said == "YES":
        found.append("header: Burned In Annotation is YES")
    if str(ds.get("RecognizableVisualFeatures") or "").strip().upper() == "YES":
        found.append("header: Recognizable Visual Features is YES")
    modality = str(ds.get("Modality") or "").strip().upper()
    if modality in RISKY_MODALITIES:
        found.append(f"header: modality {modality}")
    uid = str(ds.get("SOPClassUID") or "")
    if any(uid == risky or uid.startswith(f"{risky}.") for risky in RISKY_CLASSES):
        found.append(f"header: {getattr(ds.get('SOPClassUID'), 'name', uid)}")
    return found


def looks_written(image: Image.Image) -> list[str]:
    """Return where lines of letter-like marks stand near the borders of a picture.

    Strokes are what a morphological opening (for bright ones) or closing (for dark ones) wider than a stroke
    takes away by ``CONTRAST`` or more. Marks of joined strokes that have a letter's size and proportions are
    letters; ``LETTERS`` of them side by side, of one height and one brightness, are a line.
    """
    grey = image.convert("L")
    if max(grey.size) > LONGEST:
        scale = LONGEST / max(grey.size)
        size = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
        grey = grey.resize(size, Image.Resampling.BOX)
    found = []
    pixels = np.asarray(grey)
    for shade, turned in (("bright", pixels), ("dark", 255 - pixels)):
        for box in _lines(_letters(_strokes(turned), turned)):
            side = _side(box, grey.size)
            if side:
                found.append(f"pixels: {shade} letter-like marks at the {side}")
    return list(dict.fromkeys(found))


def _strokes(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Pixels of thin bright strokes."""
    opened = _spread(_spread(grey, np.minimum), np.maximum)
    return np.asarray(grey.astype(np.int16) - opened >= CONTRAST)


def _spread(grey: NDArray[np.uint8], extreme: np.ufunc) -> NDArray[np.uint8]:
    """The least or the greatest value of the square of ``WIDER`` pixels around each, rows then columns."""
    half = WIDER // 2
    for axis in (0, 1):
        size = grey.shape[axis]
        around = np.pad(grey, [(half, half) if side == axis else (0, 0) for side in (0, 1)], "edge")
        grey = np.take(around, range(size), axis)
        for shift in range(1, WIDER):
            extreme(grey, np.take(around, range(shift, shift + size), axis), out=grey)
    return grey


def _marks(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Label the 8-connected marks of a mask: (rows, columns) of 0 and the numbers from 1.

    Runs of each row are joined with the runs that they touch in the row above.
    """
    padded = np.pad(mask, ((0, 0), (1, 1))).astype(np.int8)
    edges = np.diff(padded, axis=1)
    rows, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    parent = list(range(len(rows)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    first = np.searchsorted(rows, np.arange(mask.shape[0] + 1))
    for row in range(1, mask.shape[0]):
        above, here = int(first[row - 1]), int(first[row])
        while above < first[row] and here < first[row + 1]:
            if starts[above] <= ends[here] and starts[here] <= ends[above]:
                parent[root(here)] = root(above)
            if ends[above] < ends[here]:
                above += 1
            else:
                here += 1
    roots = np.array([root(run) for run in range(len(rows))], np.intp)
    labels = np.zeros(mask.shape, np.intp)
    names = np.unique(roots, return_inverse=True)[1] + 1 if len(roots) else roots
    for run, name in enumerate(names):
        labels[rows[run], starts[run] : ends[run]] = name
    return labels


def _letters(mask: NDArray[np.bool_], grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The marks that could be letters: (n, 5) of top, bottom, left, right (inclusive) and peak brightness."""
    labels = _marks(mask)
    count = int(labels.max()) if labels.size else 0
    if not count:
        return np.zeros((0, 5))
    rows, columns = np.nonzero(labels)
    which = labels[rows, columns] - 1
    top, left = np.full(count, mask.shape[0]), np.full(count, mask.shape[1])
    bottom, right = np.zeros(count, int), np.zeros(count, int)
    for low, high, place in ((top, bottom, rows), (left, right, columns)):
        np.minimum.at(low, which, place)
        np.maximum.at(high, which, place)
    area = np.bincount(which, minlength=count)
    peak = np.zeros(count, int)
    np.maximum.at(peak, which, grey[rows, columns])
    height, width = bottom - top + 1, right - left + 1
    fill = area / (height * width)
    fits = (height >= HEIGHT[0]) & (height <= HEIGHT[1]) & (width <= 2 * height) & (width >= 2)
    # A letter is neither a dot, a block nor a hair.
    fits &= (fill >= 0.18) & (fill <= 0.9) & (area >= 8)
    boxes: NDArray[np.float64] = np.stack([top, bottom, left, right, peak], axis=1)[fits].astype(float)
    return boxes


def _lines(boxes: NDArray[np.float64]) -> list[tuple[float, float, float, float]]:
    """Boxes of lines: at least ``LETTERS`` letters of one height, one after the other on one level."""
    lines: list[list[Any]] = []
    for box in boxes[np.argsort(boxes[:, 2])] if len(boxes) else boxes:
        top, bottom, left, _, peak = box
        height = bottom - top + 1
        for line in lines:
            last = line[-1]
            tall = last[1] - last[0] + 1
            level = abs(bottom - last[1]) <= 0.25 * max(height, tall) or abs(top - last[0]) <= 0.15 * tall
            # Letters are written in one ink, and anatomy is not.
            alike = 0.6 <= height / tall <= 1.67 and abs(peak - last[4]) <= INK
            if level and alike and -0.2 * tall <= left - last[3] <= 1.2 * max(height, tall):
                line.append(box)
                break
        else:
            lines.append([box])
    found = []
    for line in lines:
        held = np.array(line)
        if len(held) >= LETTERS and _varied(held):
            found.append((held[:, 0].min(), held[:, 1].max(), held[:, 2].min(), held[:, 3].max()))
    return found


def _varied(line: NDArray[np.float64]) -> bool:
    """Letters differ in width; the ticks of a scale do not."""
    widths = line[:, 3] - line[:, 2] + 1
    return bool(len(np.unique(widths)) >= 2 and widths.max() >= 3)


def _side(box: tuple[float, float, float, float], size: tuple[int, int]) -> str:
    """The border that a line stands at, or nothing."""
    width, height = size
    down, across = (box[0] + box[1]) / 2 / height, (box[2] + box[3]) / 2 / width
    for side, place in (("top", down), ("bottom", 1 - down), ("left", across), ("right", 1 - across)):
        if place <= BORDER:
            return side
    return ""
