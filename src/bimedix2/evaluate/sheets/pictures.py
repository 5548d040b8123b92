"""Pictures of a page: opened from the image store, made small, written beside the page or into it."""

import base64
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from bimedix2 import io
from bimedix2.errors import DataError, ImageError, MissingExtra
from bimedix2.imaging import read
from bimedix2.records.images import ImageStore

QUALITY = 92
"""Of the JPEG copies."""
FOLDER = "images"


class Pictures:
    """Copies of pictures as browsers show them; one that cannot be had is named with its reason.

    A copy is a re-encoded JPEG: nothing of a DICOM header, and no other metadata, reaches the page.

    Args:
        page: the folder that the page stands in.
        stores: roots of image stores, looked into in order.
        files: a folder of picture files, for keys that are file names.
        pixels: the longer side of a copy, at most.
        embed: return the picture itself as an address, and write no file.
    """

    def __init__(
        self,
        page: Path,
        stores: Sequence[Path] = (),
        files: Path | None = None,
        pixels: int = 768,
        embed: bool = False,
    ) -> None:
        self.page = page
        self.stores = [ImageStore(root) for root in stores]
        self.files = files
        self.pixels = pixels
        self.embed = embed
        self.missing: dict[str, str] = {}
        self._known: dict[str, str | None] = {}

    @property
    def copied(self) -> int:
        """How many different pictures the page has."""
        return sum(address is not None for address in self._known.values())

    def address(self, key: str) -> str | None:
        """Return what an ``img`` names, or ``None`` where the picture is not at hand.

        Args:
            key: a sha256 of the image store, or a file's name.
        """
        if key not in self._known:
            try:
                self._known[key] = self._copy(key)
            except MissingExtra as error:
                raise error
            except ImageError as error:
                self.missing[key] = str(error)
                self._known[key] = None
        return self._known[key]

    def _copy(self, key: str) -> str:
        data = self._bytes(key)
        picture = read(data, key[:12]).image
        picture.thumbnail((self.pixels, self.pixels))
        picture.info.clear()  # Pillow would write a file's comment and profile into the copy
        buffer = BytesIO()
        picture.save(buffer, "JPEG", quality=QUALITY)
        if self.embed:
            return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
        name = f"{FOLDER}/{io.sha256_bytes(data)[:24]}.jpg"
        if not (self.page / name).exists():
            io.write_bytes(self.page / name, buffer.getvalue())
        return name

    def _bytes(self, key: str) -> bytes:
        if len(key) == 64:
            for store in self.stores:
                try:
                    if key in store:
                        return store.read(key)
                except DataError as error:
                    raise ImageError(str(error)) from error
        if self.files is not None:
            path = (self.files / key).resolve()
            if path.is_relative_to(self.files.resolve()) and path.is_file():
                return path.read_bytes()
        looked = ", ".join(
            str(one) for one in [*(s.root for s in self.stores), self.files] if one is not None
        )
        raise ImageError(
            f"image {key[:40]} is not in {looked or 'any folder that was named'}; give its folder"
        )
