"""The image store: files under the sha256 of their bytes, each stored once however often it is used."""

import os
from pathlib import Path

from bimedix2 import io
from bimedix2.errors import DataError, ImageError


class ImageStore:
    """A folder of image files named by content (``ab/abcdef...``), bytes as they came.

    Args:
        root: the folder; made on the first write.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        """Where the image of that hash stands or would stand.

        Raises:
            DataError: the key is no hex sha256 (so it cannot walk out of the store).
        """
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise DataError(f"'{sha256:.80}' is no sha256; images are stored by their content's hash")
        return self.root / sha256[:2] / sha256

    def add(self, data: bytes) -> str:
        """Store bytes, once; return their sha256.

        Raises:
            ImageError: there are no bytes.
        """
        if not data:
            raise ImageError("an image of zero bytes cannot be stored; fetch the file again")
        key = io.sha256_bytes(data)
        target = self.path(key)
        if not target.exists():
            io.write_bytes(target, data)
        return key

    def add_file(self, path: Path) -> str:
        """Store a file by a hard link where the disk allows it (no second copy), else by copying.

        Raises:
            ImageError: the file is absent or empty.
        """
        if not path.is_file():
            raise ImageError(f"{path} does not exist; check the image folder")
        if path.stat().st_size == 0:
            raise ImageError(f"{path} is empty (zero bytes); fetch it again")
        key = io.sha256_file(path)
        target = self.path(key)
        if target.exists():
            return key
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path.resolve(), target)
        except OSError:
            io.write_bytes(target, path.read_bytes())
        return key

    def read(self, sha256: str) -> bytes:
        """Return an image's bytes, checked against the hash.

        Raises:
            ImageError: it is not in the store, or was changed on disk.
        """
        path = self.path(sha256)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise ImageError(f"image {sha256[:12]} is not in {self.root}; run the source again") from None
        if io.sha256_bytes(data) != sha256:
            raise ImageError(f"{path} was changed on disk; delete it and run the source again")
        return data

    def __contains__(self, sha256: str) -> bool:
        return self.path(sha256).is_file()
