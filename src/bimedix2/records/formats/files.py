"""Files of the field's formats: JSON or JSON Lines beside a folder of images."""

import base64
import binascii
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bimedix2 import io
from bimedix2.errors import ConfigError, DataError, ImageError
from bimedix2.records.formats.carry import KEY, Origin
from bimedix2.records.formats.rows import FORMATS, Format
from bimedix2.records.images import ImageStore
from bimedix2.records.record import ImagePart, Record

LINES = frozenset({".jsonl", ".ndjson"})
DATA_URL = re.compile(r"data:[\w.+/-]*;base64,", re.ASCII)
SUFFIX = re.compile(r"\.[a-z0-9]{1,5}(\.gz)?", re.ASCII)


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise ConfigError(f"'{name}' is no format; choose one of {', '.join(FORMATS)}")
    return FORMATS[name]


def write_file(
    path: Path,
    records: Iterable[Record],
    format_name: str,
    store: ImageStore,
    *,
    link: bool = False,
) -> int:
    """Write records and their images, one by one; return the number of records.

    The images stand in ``images/`` beside the file, under their hash and the suffix of their name; rows name
    them by the path below the file's folder.

    Args:
        path: the file; ``.jsonl`` and ``.ndjson`` are written as lines, others as one JSON list.
        records: what to write.
        format_name: a key of ``FORMATS``.
        store: where the records' images are.
        link: hard links into the store instead of copies, where the disk allows it. Whoever then changes an
            exported image changes the store.

    Raises:
        ConfigError: no such format.
        ImageError: an image is not in the store, or was changed there.
    """
    form = _format(format_name)

    def ref(image: ImagePart) -> str:
        return export_image(image, store, path.parent, link)

    with RowFile(path) as file:
        for record in records:
            file.add(form.write(record, ref))
    return file.count


class RowFile:
    """A file of rows, written one by one and there only when it is whole: beside, fsync, rename.

    Args:
        path: ``.jsonl`` and ``.ndjson`` are JSON Lines, others one JSON list with a row a line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._lines = path.suffix.lower() in LINES
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._part.open("w", encoding="utf-8")
        return self

    def add(self, row: Any) -> None:
        """Write the next row."""
        text = json.dumps(row, ensure_ascii=False, allow_nan=False)
        if self._lines:
            self._file.write(f"{text}\n")
        else:
            self._file.write(f"{',' if self.count else '['}\n{text}")
        self.count += 1

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and not self._lines:
                self._file.write("\n]\n" if self.count else "[]\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            if kind is None:
                self._part.replace(self.path)
                io.fsync_dir(self.path.parent)
        finally:
            self._file.close()
            self._part.unlink(missing_ok=True)


def export_image(image: ImagePart, store: ImageStore, folder: Path, link: bool) -> str:
    """Put a stored image into ``images/`` below a folder; return how a row there names it.

    Raises:
        ImageError: it is not in the store, or was changed there.
    """
    suffix = SUFFIX.search(image.name.lower()[-9:])
    ending = suffix[0] if suffix and image.name.lower().endswith(suffix[0]) else ""
    name = f"images/{image.image[:2]}/{image.image}{ending}"
    target = folder / name
    if target.exists():
        return name
    data = store.read(image.image)
    if link:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(store.path(image.image).resolve(), target)
            return name
        except OSError:  # another disk, or one without links
            pass
    io.write_bytes(target, data)
    return name


def read_file(
    path: Path, format_name: str, store: ImageStore, origin: Origin, *, images: Path | None = None
) -> Iterator[Record]:
    """Yield the records of a file, their images added to ``store``.

    Args:
        path: a JSON list, or JSON Lines (by the suffix, or by a first character that is no ``[``).
        format_name: a key of ``FORMATS``.
        store: where the images go.
        origin: what rows without the key ``bimedix2`` do not say. Such a row's id is its own; a row without
            one is named ``SOURCE/NUMBER``, and a second row with the same one gets ``#NUMBER`` at its end.
        images: the folder below which the rows name images; ``None`` is the file's own.

    Raises:
        ConfigError: no such format.
        DataError: naming file, row and turn of the first thing that is wrong.
    """
    form = _format(format_name)
    part = _reader_of_images(images or path.parent, store)
    seen: set[str] = set()
    for number, row in _rows(path):
        where = f"{path} row {number}"
        record = form.read(row, where, f"{origin.source}/{number}", part, origin)
        if record.id in seen:
            if row.get(KEY) is not None:
                raise DataError(f"{where} has the id {record.id!r:.80} of an earlier row; ids must be unique")
            record = record.model_copy(update={"id": f"{record.id}#{number}"})
        seen.add(record.id)
        yield record


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (row number from 1, value); of JSON Lines, the line number."""
    if path.suffix.lower() in LINES or _first_character(path) == "{":
        yield from io.read_jsonl(path)
        return
    rows = io.read_json(path)
    if not isinstance(rows, list):
        raise DataError(f"{path} must be a list of rows, or JSON Lines; wrap it in [ ]")
    yield from enumerate(rows, 1)


def _first_character(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return ""  # read_json says what is wrong
    return head.decode("utf-8-sig", "replace").lstrip()[:1]


def _reader_of_images(root: Path, store: ImageStore) -> Callable[[str, str], ImagePart]:
    known: dict[str, ImagePart] = {}

    def part(ref: str, where: str) -> ImagePart:
        if ref.startswith("data:"):
            return ImagePart(image=_embedded(ref, where, store))
        if re.match(r"(?i)https?://", ref):
            raise ImageError(f"{where} names an image on the web ({ref:.60}); download it and name the file")
        if ref not in known:
            known[ref] = ImagePart(image=_stored(root, ref, where, store), name=ref)
        return known[ref]

    return part


def _embedded(ref: str, where: str, store: ImageStore) -> str:
    match = DATA_URL.match(ref)
    try:
        if match is None:
            raise ValueError(ref[:30])
        return store.add(base64.b64decode(ref[match.end() :], validate=True))
    except (binascii.Error, ValueError) as error:
        raise ImageError(f"{where} has a data: URL that is not base64; write a file instead") from error
    except ImageError as error:
        raise ImageError(f"{where}: {error}") from error


def _stored(root: Path, ref: str, where: str, store: ImageStore) -> str:
    try:
        file = root / ref.removeprefix("file://")
        inside = file.resolve().is_relative_to(root.resolve())
        if inside:
            return store.add_file(file)
    except (OSError, ValueError) as error:  # a name too long, or with a zero byte
        raise ImageError(f"{where} names an image that cannot be a file ({ref!r:.60}); correct it") from error
    except ImageError as error:
        raise ImageError(f"{where}: {error}") from error
    raise ImageError(f"{where} names an image outside {root} ({ref:.60}); give the folder that holds it")
