"""The local folder: images beside a ``manifest.json``, one row an image.

Fields of a row: ``file`` and ``sha256`` (both needed), ``caption`` (true of the picture alone), ``subject``
(patient, video, volume or slide; absent or null is unknown), ``source``, ``licence``, ``attribution``, and
any others (``modality``, ``region``, ``plane``, ``view``, ``projection``, ``window``, ``stain``, ``counts``,
``signs``, ...), which are kept as the record's ``meta``. A field that is absent is unknown, never "no".
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.progress import track

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.records import DataClass, ImagePart, Language, Message, Provenance, Record
from bimedix2.records.images import ImageStore
from bimedix2.sources.removed import Removed

ABOUT = {"file", "sha256", "caption", "subject", "source", "licence", "attribution", "data_class"}
"""Fields with a place of their own in the record; the others go into ``meta``."""


def read(path: Path, store: ImageStore) -> Iterator[Record | Removed]:
    """Yield one caption record an image, its bytes in ``store``, or why there is none.

    Raises:
        DataError: ``manifest.json`` is absent, no list, or has a row without ``file``.
    """
    rows = io.read_json(path / "manifest.json")
    if not isinstance(rows, list):
        raise DataError(f"{path / 'manifest.json'} must be a list of rows, one an image")
    seen: set[str] = set()
    for number, row in enumerate(track(rows, description="sources", transient=True), 1):
        where = f"{path / 'manifest.json'} row {number}"
        if not isinstance(row, dict) or not isinstance(row.get("file"), str):
            raise DataError(f"{where} has no 'file'; add the image's path below the folder")
        name = row["file"]
        if name in seen:
            yield Removed(name, "duplicate-row", "the manifest names this file twice")
            continue
        seen.add(name)
        yield _record(path, row, where, store)


def _record(path: Path, row: dict[str, Any], where: str, store: ImageStore) -> Record | Removed:
    name = row["file"]
    file = path / name
    if not file.resolve().is_relative_to(path.resolve()):
        raise DataError(f"{where}: 'file' leaves the folder ({name}); name a file below it")
    if not file.is_file():
        return Removed(name, "missing-image", "the manifest names it, the folder has none")
    if not row.get("caption"):
        return Removed(name, "no-caption", "the row has no caption")
    if row.get("sha256") and io.sha256_file(file) != row["sha256"]:
        return Removed(name, "hash-mismatch", "the file's sha256 is not the manifest's")
    if file.stat().st_size == 0:
        return Removed(name, "empty-image", "zero bytes")
    image = ImagePart(image=store.add_file(file), name=name)
    return Record(
        id=name,
        messages=(Message.of("user", image), Message.of("assistant", row["caption"])),
        language=Language.ENGLISH,
        task="caption",
        data_class=DataClass(row.get("data_class", "open")),
        provenance=Provenance(
            source=name.split("/")[0] if "/" in name else path.name,
            source_id=name,
            subject=row.get("subject"),
            licence=row.get("licence", "unknown"),
            attribution=row.get("attribution", ""),
            url=str(row.get("source", "")),
        ),
        meta={k: v for k, v in row.items() if k not in ABOUT and v is not None},
    )
