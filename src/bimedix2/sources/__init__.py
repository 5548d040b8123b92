"""Published data, a folder of images, or pictures drawn here, to records: one file a source."""

from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import Field, field_validator, model_validator
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bimedix2.config import Settings
from bimedix2.errors import DataError
from bimedix2.manifest import RunFolder
from bimedix2.records import Record
from bimedix2.records.images import ImageStore
from bimedix2.records.store import write_records, write_removed
from bimedix2.sources import (
    bimed_v,
    bimedix1,
    download,
    everyday,
    folder,
    lcs_558k,
    llava_med,
    medmcqa,
    medqa,
    path_vqa,
    pmc_oa,
    pmc_vqa,
    pubmedqa,
    slake,
    unreadable,
    vqa_rad,
)
from bimedix2.sources.download import DownloadConfig
from bimedix2.sources.removed import BROKEN, Removed

Reader = Iterator[Record | Removed]

PUBLISHED: dict[str, Callable[[Path, ImageStore], Reader]] = {
    "folder": folder.read,
    "pubmedqa": lambda path, _: pubmedqa.read(path),
    "medqa": lambda path, _: medqa.read(path),
    "medmcqa": lambda path, _: medmcqa.read(path),
    "bimedix1": bimedix1.read,
    "vqa_rad": vqa_rad.read,
    "slake": slake.read,
    "path_vqa": path_vqa.read,
    "pmc_vqa": pmc_vqa.read,
    "pmc_oa": pmc_oa.read,
    "llava_med_alignment": llava_med.read_alignment,
    "llava_med_instruct": llava_med.read_instruct,
    "lcs_558k": lcs_558k.read,
    "bimed_v": bimed_v.read,
}
"""Source name -> the reader of a folder of published files."""


class Part(Settings):
    """One source and where its files are."""

    source: str
    """A key of ``PUBLISHED`` or of ``MADE``."""
    path: Path | None = None
    """The folder that holds the published files, for the sources that read one."""
    count: int = Field(default=60, ge=1)
    """Pictures of each kind, for ``unreadable``."""
    seed: int = 0
    """Of the drawing, for ``unreadable``."""

    @field_validator("source")
    @classmethod
    def _known(cls, source: str) -> str:
        if source not in PUBLISHED | MADE:
            raise ValueError(f"'{source}' is no source; choose one of {', '.join(PUBLISHED | MADE)}")
        return source

    @model_validator(mode="after")
    def _path_where_needed(self) -> "Part":
        if self.source in PUBLISHED and self.path is None:
            raise ValueError(f"source '{self.source}' needs a 'path'")
        return self


MADE: dict[str, Callable[[Part, ImageStore], Reader]] = {
    "everyday": lambda _, store: everyday.read(store),
    "unreadable": lambda part, store: unreadable.read(store, part.count, part.seed),
}
"""Source name -> the reader of what needs no folder."""


class Config(Settings):
    """What to read, or to fetch, and where to write it."""

    parts: list[Part] = []
    """What is read into records."""
    download: DownloadConfig | None = None
    """Images to fetch, for parts of a later run to read."""
    output: Path
    """The run folder to make."""
    max_broken: int = Field(default=100, ge=0)
    """Rows of one part without their file's layout (JSON that is none, a field of another type) before the
    run stops; until then each is kept aside with its reason."""

    @model_validator(mode="after")
    def _one_thing(self) -> "Config":
        if bool(self.parts) == (self.download is not None):
            raise ValueError("give 'parts' to read or a 'download' to fetch, one of the two")
        return self


def _read(part: Part, store: ImageStore) -> Reader:
    if part.path is not None and part.source in PUBLISHED:
        return PUBLISHED[part.source](part.path, store)
    return MADE[part.source](part, store)


def _records(
    config: Config, store: ImageStore, removed: list[tuple[str, str, str]], progress: Progress
) -> Iterator[Record]:
    """Yield the records of all parts one by one; append what is none to ``removed``."""
    seen: set[str] = set()
    for part in config.parts:
        broken = 0
        shown = progress.add_task(part.source, total=None)
        for row in _read(part, store):
            progress.advance(shown)
            if isinstance(row, Record) and row.id not in seen:
                seen.add(row.id)
                yield row
                continue
            if isinstance(row, Record):
                row = Removed(row.id, "duplicate-id", "an earlier record has this id")
            removed.append((row.id, row.reason, row.what))
            broken += row.reason == BROKEN
            if broken > config.max_broken:
                raise DataError(
                    f"more than {config.max_broken} rows are broken ('max_broken'), the last: {row.what}"
                )


def run(config: Config) -> Path:
    """Read the parts into one finished folder: ``records/``, ``images/`` and ``removed/``.

    A ``download`` makes ``images/``, ``names.jsonl`` and ``removed/`` instead.
    """
    if config.download is not None:
        return download.run(config.download, config.output)
    inputs = {f"parts.{n}": part.path for n, part in enumerate(config.parts) if part.path is not None}
    # What a killed run had stored is stored again: a row may have left the manifest since.
    with RunFolder(config.output, "sources", config.model_dump(mode="json"), inputs, afresh=True) as out:
        store = ImageStore(out.path / "images")
        removed: list[tuple[str, str, str]] = []
        # Opened here and not where the rows are read: a generator that an error leaves behind is closed
        # whenever memory is tidied, and closing a display from its own thread waits for ever.
        columns = (SpinnerColumn(), TextColumn("{task.description}: {task.completed}"), TimeElapsedColumn())
        with Progress(*columns, transient=True) as progress:
            kept = write_records(out.path, _records(config, store, removed, progress))
        reasons = write_removed(out.path, removed)
        return out.publish({"in": kept + len(removed), "kept": kept, "removed": reasons})
