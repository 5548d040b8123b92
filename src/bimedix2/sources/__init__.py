"""Published data, a folder of images, or pictures drawn here, to records: one file a source."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from bimedix2.config import Settings
from bimedix2.manifest import RunFolder
from bimedix2.records import Record
from bimedix2.records.images import ImageStore
from bimedix2.records.store import write_records, write_removed
from bimedix2.sources import everyday, folder, pubmedqa, unreadable
from bimedix2.sources.removed import Removed


class Part(Settings):
    """One source and where its files are."""

    source: Literal["folder", "everyday", "unreadable", "pubmedqa"]
    """A key of ``SOURCES``."""
    path: Path | None = None
    """The folder that holds the published files, for the sources that read one."""
    count: int = Field(default=60, ge=1)
    """Pictures of each kind, for ``unreadable``."""
    seed: int = 0
    """Of the drawing, for ``unreadable``."""

    @model_validator(mode="after")
    def _path_where_needed(self) -> "Part":
        if self.source in ("folder", "pubmedqa") and self.path is None:
            raise ValueError(f"source '{self.source}' needs a 'path'")
        return self


class Config(Settings):
    """What to read and where to write it."""

    parts: list[Part] = Field(min_length=1)
    output: Path
    """The run folder to make."""


def _path(part: Part) -> Path:
    assert part.path is not None  # the part's validator has seen to it
    return part.path


SOURCES: dict[str, Callable[[Part, ImageStore], Iterator[Record | Removed]]] = {
    "folder": lambda part, store: folder.read(_path(part), store),
    "pubmedqa": lambda part, _: pubmedqa.read(_path(part)),
    "everyday": lambda _, store: everyday.read(store),
    "unreadable": lambda part, store: unreadable.read(store, part.count, part.seed),
}
"""Source name -> its reader, which yields records and what was removed."""


def run(config: Config) -> Path:
    """Read the parts into one finished folder: ``records/``, ``images/`` and ``removed/``."""
    inputs = {f"parts.{n}": part.path for n, part in enumerate(config.parts) if part.path is not None}
    with RunFolder(config.output, "sources", config.model_dump(mode="json"), inputs) as out:
        # What a killed run had stored is stored again: a row may have left the manifest since.
        shutil.rmtree(out.path / "images", ignore_errors=True)
        store = ImageStore(out.path / "images")
        kept: list[Record] = []
        removed: list[tuple[str, str, str]] = []
        for part in config.parts:
            for row in SOURCES[part.source](part, store):
                if isinstance(row, Removed):
                    removed.append((row.id, row.reason, row.what))
                else:
                    kept.append(row)
        write_records(out.path, kept)
        reasons = write_removed(out.path, removed)
        return out.publish({"in": len(kept) + len(removed), "kept": len(kept), "removed": reasons})
