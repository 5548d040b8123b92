"""The images of one ``.tar.gz``, read in one pass; nothing is written under a name that an archive gives."""

import gzip
import tarfile
import threading
import zlib
from pathlib import Path
from typing import Any, BinaryIO, cast

from bimedix2 import imaging
from bimedix2.errors import ImageError
from bimedix2.records.images import ImageStore
from bimedix2.sources.download.links import Archive, member_key
from bimedix2.sources.removed import Unfit

CHUNK = 1 << 20
_STORING = threading.Lock()  # two archives may hold the same image at the same moment


class _Counted:
    """A stream that refuses to be read beyond a number of bytes."""

    def __init__(self, file: BinaryIO, limit: int, what: str) -> None:
        self._file = file
        self._left = limit
        self._what = what

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, CHUNK) if size >= 0 else CHUNK)
        self._left -= len(data)
        if self._left < 0:
            raise Unfit("archive-too-large", f"{self._what} unpacks to more than the limit")
        return data


def take(file: Path, archive: Archive, store: ImageStore, image_limit: int, limit: int) -> dict[str, Any]:
    """Store the wanted members of an archive; return ``images`` and ``missing`` as the journal has them.

    The archive is read to its end, so that its checksum (gzip's CRC-32) has vouched for every byte.

    Raises:
        Unfit: it is no ``.tar.gz``, damaged, or unpacks to more than ``limit`` bytes.
    """
    wanted: dict[str, list[str]] = {}
    for name, member in archive.members.items():
        wanted.setdefault(str(member_key(member)), []).append(name)
    images: dict[str, list[str]] = {}
    missing: dict[str, list[str]] = {}
    try:
        with gzip.open(file, "rb") as unpacked:
            counted = _Counted(cast(BinaryIO, unpacked), limit, archive.url)
            # As a stream: members come in order, and what is not wanted is passed over.
            with tarfile.open(fileobj=counted, mode="r|") as tar:  # type: ignore[call-overload]
                for member in tar:
                    path = member_key(member.name) or ""
                    names = wanted.pop(path, [])
                    if names:
                        sha256, problem = _keep(tar, member, path, store, image_limit)
                        for name in names:
                            if problem is None:
                                images[name] = [sha256, path]
                            else:
                                missing[name] = list(problem)
            while counted.read(CHUNK):
                pass
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise Unfit("archive-damaged", f"{archive.url} cannot be unpacked ({error})") from error
    for path, names in wanted.items():
        missing |= {name: ["member-missing", f"{archive.url} has no {path}"] for name in names}
    return {"images": images, "missing": missing}


def _keep(
    tar: tarfile.TarFile, member: tarfile.TarInfo, path: str, store: ImageStore, limit: int
) -> tuple[str, tuple[str, str] | None]:
    """Store one member; return its hash, or why it is no image."""
    if not member.isfile():
        return "", ("member-no-file", f"{path} is a link or a folder")
    if member.size > limit:
        return "", ("image-too-large", f"{path} has {member.size} bytes, over the limit of {limit}")
    opened = tar.extractfile(member)
    data = opened.read() if opened else b""
    if len(data) != member.size:
        raise EOFError(f"{path} breaks off")
    if not data:
        return "", ("empty-image", f"{path} has zero bytes")
    try:
        imaging.read(data, path)
    except ImageError as error:
        return "", ("unreadable-image", str(error))
    with _STORING:
        return store.add(data), None
