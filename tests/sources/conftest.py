"""What the tests of published sources share: files in a layout, and a picture in a place."""

import io as bytes_io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PIL import Image

from bimedix2.records import Record
from bimedix2.sources.removed import Removed


def png(shade: int = 0) -> bytes:
    buffer = bytes_io.BytesIO()
    Image.new("L", (4, 4), shade).save(buffer, "PNG")
    return buffer.getvalue()


def picture(path: Path, shade: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(shade))
    return path


def as_json(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


def as_lines(path: Path, rows: Iterable[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def parted(rows: Iterable[Record | Removed]) -> tuple[list[Record], list[tuple[str, str]]]:
    """The records, and (id, reason) of what was removed."""
    found = list(rows)
    records = [row for row in found if isinstance(row, Record)]
    return records, [(row.id, row.reason) for row in found if isinstance(row, Removed)]
