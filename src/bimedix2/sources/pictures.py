"""Images that rows name or hold: opened once, then in the store; one that cannot be used is a reason."""

from functools import lru_cache
from pathlib import Path

from bimedix2 import imaging, io
from bimedix2.errors import ImageError
from bimedix2.manifest import is_finished
from bimedix2.records import ImagePart
from bimedix2.records.images import ImageStore
from bimedix2.sources.removed import Unfit

NAMES = "names.jsonl"
"""The index of a folder that a download made: one ``{"name", "sha256", ...}`` a line."""
REMEMBERED = 4096
"""Images whose outcome is kept: questions about one stand close together in every published file."""


def below(path: Path, *names: str) -> Path:
    """The first of the folders that is there, or ``path`` itself."""
    return next((path / name for name in names if (path / name).is_dir()), path)


class Pictures:
    """The image folder of a dataset, or the finished folder of a download.

    Args:
        root: where the rows' names begin, or what holds ``names.jsonl``.
        store: where the images go.
    """

    def __init__(self, root: Path, store: ImageStore) -> None:
        self.root = root
        self._inside = root.resolve()
        self._store = store
        made = (root / NAMES).is_file() and is_finished(root)  # a user's own may hold a file of that name
        rows = io.read_jsonl(root / NAMES) if made else ()
        self._fetched = {row["name"]: row["sha256"] for _, row in rows}
        self._known = lru_cache(REMEMBERED)(self._outcome)

    def named(self, name: str) -> ImagePart:
        """An image by its path below the folder.

        Raises:
            Unfit: it is missing, empty, outside the folder, or cannot be opened.
        """
        outcome = self._known(name)
        if isinstance(outcome, Unfit):
            raise Unfit(outcome.reason, str(outcome))  # a new one: a raised one carries its traceback
        return ImagePart(image=outcome, name=name)

    def held(self, data: bytes, name: str) -> ImagePart:
        """An image by its bytes.

        Raises:
            Unfit: there are none, or they cannot be opened.
        """
        if not data:
            raise Unfit("empty-image", "zero bytes")
        try:
            imaging.read(data, name)
        except ImageError as error:
            raise Unfit("unreadable-image", str(error)) from error
        return ImagePart(image=self._store.add(data), name=name)

    def _outcome(self, name: str) -> str | Unfit:
        try:
            file = self.root / name
            if name in self._fetched:
                file = ImageStore(self.root / "images").path(self._fetched[name])
            if not file.resolve().is_relative_to(self._inside):
                return Unfit("image-outside", f"{name!r:.60} leaves {self.root}")
            if not file.is_file():
                return Unfit("missing-image", f"{name} is not below {self.root}")
            data = file.read_bytes()
        except (OSError, ValueError) as error:
            return Unfit("unreadable-image", f"{name!r:.60} cannot be read ({error})")
        if not data:
            return Unfit("empty-image", f"{name} has zero bytes")
        try:
            imaging.read(data, name)
        except ImageError as error:
            return Unfit("unreadable-image", str(error))
        return self._store.add_file(file)
