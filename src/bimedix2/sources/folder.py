"""The local folder: images beside a ``manifest.json``, one row an image.

Fields of a row: ``file`` (needed), ``caption`` (true of the picture alone; a row without one is removed),
``sha256`` (checked where given), ``subject`` (patient, video, volume or slide; absent or null is unknown),
``source`` (where it was published), ``licence``, ``attribution``, ``data_class``, what is annotated
(``modality``, ``region``, ``plane``, ``view``, ``projection``, ``window``, ``stain``, ``kind``: text;
``counts``: an object of numbers; ``signs``: a list of texts), and any others. All after ``data_class`` is
kept as the record's ``meta``. A field that is absent is unknown, never "no".
"""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bimedix2 import imaging, io
from bimedix2.errors import DataError, ImageError
from bimedix2.records import DataClass, ImagePart, Language, Message, Provenance, Record
from bimedix2.records.images import ImageStore
from bimedix2.sources.removed import Removed

ABOUT = frozenset({"file", "sha256", "caption", "subject", "source", "licence", "attribution", "data_class"})
"""Fields with a place of their own in the record; the others go into ``meta``."""
ANNOTATED = frozenset(
    {"modality", "region", "plane", "view", "projection", "window", "stain", "kind", "counts", "signs"}
)
"""Fields that ``curate`` writes questions from."""
ALIKE = 0.8
"""How alike (difflib) an unknown field and an absent known one are for the first to be a slip of the pen."""


def read(path: Path, store: ImageStore) -> Iterator[Record | Removed]:
    """Yield one caption record an image, its bytes in ``store``, or why there is none.

    Every image is opened once, so that one that cannot be is removed here and not found in training.

    Raises:
        DataError: ``manifest.json`` is absent, empty or no list, or a row has no ``file``, a misspelt field,
            a value of the wrong type, or a file outside the folder; names the row.
    """
    rows = io.read_json(path / "manifest.json")
    if not isinstance(rows, list):
        raise DataError(f"{path / 'manifest.json'} must be a list of rows, one an image")
    if not rows:
        raise DataError(f"{path / 'manifest.json'} holds no row; write one for each image")
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):
        where = f"{path / 'manifest.json'} row {number}"
        _check(row, where)
        if row["file"] in seen:
            yield Removed(row["file"], "duplicate-row", "the manifest names this file twice")
            continue
        seen.add(row["file"])
        yield _record(path, row, where, store)


def _check(row: Any, where: str) -> None:
    """Refuse a row that would be misunderstood in silence: slips of the pen, and values of the wrong type."""
    if not isinstance(row, dict):
        raise DataError(f"{where} is not an object; write one image a row")
    for key in row:
        near = difflib.get_close_matches(key, ABOUT | ANNOTATED, n=1, cutoff=ALIKE)
        if key not in ABOUT | ANNOTATED and near and near[0] not in row:
            raise DataError(f"{where} has the field {key!r:.60}; did you mean '{near[0]}'?")
    if not isinstance(row.get("file"), str) or not row["file"]:
        raise DataError(f"{where} has no 'file'; add the image's path below the folder")
    for key in (ABOUT | ANNOTATED) & row.keys():
        value, wanted = row[key], "text"
        fits = value is None or isinstance(value, str) or (key == "subject" and type(value) is int)
        if key == "counts":
            wanted = "an object of whole numbers"
            fits = value is None or (isinstance(value, dict) and all(type(n) is int for n in value.values()))
        elif key == "signs":
            wanted = "a list of texts"
            fits = value is None or (isinstance(value, list) and all(isinstance(s, str) for s in value))
        if not fits:
            raise DataError(f"{where}: '{key}' must be {wanted} or null, not {value!r:.60}; correct that row")
    known = [one.value for one in DataClass]
    if row.get("data_class") not in (None, *known):
        raise DataError(f"{where}: 'data_class' must be one of {', '.join(known)}; correct that row")


def _inside(path: Path, name: str, where: str) -> Path:
    file = path / name
    try:
        if file.resolve().is_relative_to(path.resolve()):
            file.is_file()  # raises for a name that no file can have
            return file
    except (OSError, ValueError) as error:
        raise DataError(f"{where}: 'file' can be no file ({name!r:.60}); correct that row") from error
    raise DataError(f"{where}: 'file' leaves the folder ({name!r:.60}); name a file below it")


def _record(path: Path, row: dict[str, Any], where: str, store: ImageStore) -> Record | Removed:
    name = row["file"]
    file = _inside(path, name, where)
    if not file.is_file():
        return Removed(name, "missing-image", "the manifest names it, the folder has none")
    if not (row.get("caption") or "").strip():
        return Removed(name, "no-caption", "the row has no caption")
    try:
        data = file.read_bytes()
    except OSError as error:
        return Removed(name, "unreadable-image", f"{name} cannot be read ({error.strerror})")
    if not data:
        return Removed(name, "empty-image", "zero bytes")
    if row.get("sha256") and io.sha256_bytes(data) != row["sha256"].lower():
        return Removed(name, "hash-mismatch", "the file's sha256 is not the manifest's")
    try:
        imaging.read(data, name)
    except ImageError as error:
        return Removed(name, "unreadable-image", str(error))
    subject = row.get("subject")
    return Record(
        id=name,
        messages=(
            Message.of("user", ImagePart(image=store.add_file(file), name=name)),
            Message.of("assistant", row["caption"]),
        ),
        language=Language.ENGLISH,
        task="caption",
        data_class=DataClass(row.get("data_class") or "open"),
        provenance=Provenance(
            source=name.split("/")[0] if "/" in name else path.name,
            source_id=name,
            subject=None if subject in (None, "") else str(subject),
            licence=row.get("licence") or "unknown",
            attribution=row.get("attribution") or "",
            url=row.get("source") or "",
        ),
        meta={k: v for k, v in row.items() if k not in ABOUT and v is not None},
    )
