"""PNG, JPEG, TIFF, WebP, BMP and GIF through Pillow. Knows nothing about Hounsfield units.

Rules: EXIF orientation is applied. Transparent pixels are laid on black, as around most scans. Grey images of
more than 8 bits are scaled by ``windows.stretch`` (0.5th to 99.5th percentile of the frame), since neither
PNG nor TIFF says what their values mean; 16-bit colour keeps its high bytes. Colour profiles are not applied.
"""

import io

import numpy as np
from PIL import Image, ImageOps

from bimedix2.errors import ImageError
from bimedix2.imaging.codestream import MAX_SCANS, too_many_scans
from bimedix2.imaging.door import Picture, check_size, choose_frame, contained, frame_notes
from bimedix2.imaging.windows import stretch, to_bytes

PILLOW = {
    "png": "PNG",
    "jpeg": "JPEG",
    "tiff": "TIFF",
    "webp": "WEBP",
    "bmp": "BMP",
    "gif": "GIF",
}
MAX_PAGES = 10_000
"""Frames or pages of one file; counting them takes a walk through it."""
SEQUENTIAL = frozenset({"gif", "webp", "png"})
"""Animations, whose frames are drawn one on the other from the first to the one shown."""
MAX_DRAWN = 1_000_000_000
"""Pixels that may be drawn for one frame of an animation."""
ORIENTATION = 0x0112
PHOTOMETRIC = 262


def read(data: bytes, label: str, kind: str, *, frame: int | None, window: str | None) -> Picture:
    """Return one frame of a raster file.

    Args:
        data: the whole file, whose magic says ``kind``.
        label: the file, for errors.
        kind: a key of ``PILLOW``.
        frame: 0-based page or animation frame; None is the middle one. A JPEG has one.
        window: must be None: a raster file has no physical values to window.

    Raises:
        ImageError: a window was asked for; the file is damaged, truncated, too large or has no such frame.
    """
    if window is not None:
        raise ImageError(
            f"{label} is a {kind.upper()} without physical values; leave the window out, or open its DICOM"
        )
    with (
        contained(label, f"{kind.upper()} file"),
        Image.open(io.BytesIO(data), formats=[PILLOW[kind]]) as file,
    ):
        check_size(*file.size, label)
        if kind == "jpeg" and too_many_scans(data):
            raise ImageError(f"{label} has over {MAX_SCANS} scans; save it again as a plain JPEG")
        frames = 1 if kind == "jpeg" else int(getattr(file, "n_frames", 1))
        if frames > MAX_PAGES:
            raise ImageError(f"{label} has {frames} frames, over the limit of {MAX_PAGES}; split it first")
        shown = choose_frame(frame, frames, label)
        if kind in SEQUENTIAL and (shown + 1) * file.width * file.height > MAX_DRAWN:
            raise ImageError(
                f"{label} is an animation whose frame {shown} takes {shown + 1} frames of {file.width} x "
                f"{file.height} to draw; save that frame as PNG"
            )
        if frames > 1:
            file.seek(shown)
            check_size(*file.size, label)
        orientation = file.getexif().get(ORIENTATION, 1)
        inverted = _deep(file) and getattr(file, "tag_v2", {}).get(PHOTOMETRIC) == 0
        file.load()
        turned = orientation in range(2, 9)
        upright = ImageOps.exif_transpose(file) if turned else file
        rgb, notes = _to_rgb(upright, inverted=inverted)
    if turned:
        notes = (f"EXIF orientation {orientation} applied", *notes)
    return Picture(rgb, kind, frames, shown, (*frame_notes(shown, frames), *notes))


def _deep(image: Image.Image) -> bool:
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def _to_rgb(image: Image.Image, *, inverted: bool) -> tuple[Image.Image, tuple[str, ...]]:
    if _deep(image):
        shades, note = stretch(np.asarray(image))
        notes = (note, "WhiteIsZero inverted") if inverted else (note,)
        return Image.fromarray(to_bytes(1 - shades if inverted else shades)).convert("RGB"), notes
    if "A" in image.getbands() or "a" in image.getbands() or "transparency" in image.info:
        layered = image if image.mode == "RGBA" else image.convert("RGBA")
        alpha = layered.getchannel("A")
        ground = Image.new("RGB", layered.size)
        ground.paste(layered, mask=alpha)
        return ground, () if alpha.getextrema() == (255, 255) else ("transparency laid on black",)
    # A copy, since the file that holds the pixels is closed behind it.
    return image.convert("RGB") if image.mode != "RGB" else image.copy(), ()
