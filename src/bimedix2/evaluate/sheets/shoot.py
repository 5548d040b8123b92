"""A page on disk to a PNG, by the Chromium of this machine: browsers shape Arabic and set its direction.

No browser library is needed: Chromium takes a picture of a page from its command line.
"""

import os
import shutil
import subprocess
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops

from bimedix2 import io
from bimedix2.errors import RunError

NAMES = ("chromium", "chromium-browser", "google-chrome")
ABSENT = "Chromium is not here; run: apt-get install -y chromium fonts-noto-core"
FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
HEIGHTS = (2400, 7600)
"""CSS pixels tried, the lower first; Chromium draws no picture of over 16384 pixels."""
SECONDS = 600
"""After which a picture counts as failed; a free machine needs a few."""
SPARE = 160
"""CSS pixels of the lowest part that are not looked at: some versions leave it unpainted."""
MARGIN = 24
"""CSS pixels left below the last thing drawn."""


def chromium() -> str | None:
    """The path of a Chromium, or ``None``."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def photograph(page: Path, target: Path, width: int = 1100, scale: int = 2) -> None:
    """Write a picture of a whole page, the empty end cut off.

    Args:
        page: an HTML file.
        target: the PNG.
        width: of the window, CSS pixels.
        scale: device pixels to a CSS pixel.

    Raises:
        RunError: there is no Chromium, it fails, or the page is too tall for one picture.
    """
    path = chromium()
    if path is None:
        raise RunError(ABSENT)
    for height in HEIGHTS:
        picture = _window(path, page, width, height + SPARE, scale)
        bottom = _bottom(picture)
        if bottom < picture.height:
            end = min(picture.height, bottom + MARGIN * scale)
            buffer = BytesIO()
            picture.crop((0, 0, picture.width, end)).save(buffer, "PNG", optimize=True)
            io.write_bytes(target, buffer.getvalue())
            return
    raise RunError(
        f"{page} is taller than {HEIGHTS[-1]} pixels, too tall for one picture; ask for fewer examples"
    )


def _bottom(picture: Image.Image) -> int:
    """The row below the last one that differs from the page's ground, which stands at the left edge."""
    ground = Image.new("RGB", picture.size, picture.getpixel((0, picture.height - 1)))
    box = ImageChops.difference(picture, ground).getbbox()
    return box[3] if box else 0


def _window(path: str, page: Path, width: int, height: int, scale: int) -> Image.Image:
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        command = [
            path,
            *FLAGS,
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            f"--user-data-dir={folder}/profile",
            f"--window-size={width},{height}",
            f"--force-device-scale-factor={scale}",
            f"--screenshot={shot}",
            page.resolve().as_uri(),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise RunError(
                f"Chromium took over {SECONDS} s for {page}; try again, or set 'figures' to false"
            ) from None
        if not shot.is_file():
            last = (done.stderr.strip().splitlines() or ["no word of it"])[-1]
            raise RunError(f"Chromium made no picture of {page} ({last[:200]}); start it by hand to see why")
        with Image.open(shot) as image:
            return image.convert("RGB").crop((0, 0, image.width, image.height - SPARE * scale))
