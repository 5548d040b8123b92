"""The operations on records one after the other: filter, de-identify, deduplicate.

The first two look at one record at a time. Where the third follows, they write what they leave into a hidden
folder, which it reads as often as it needs and which is gone when the run is finished.
"""

import shutil
from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import track

from bimedix2 import io
from bimedix2.curate.deidentify import Deidentifier, DeidentifyConfig
from bimedix2.curate.duplicates import DuplicatesConfig, find_duplicates
from bimedix2.curate.filters import FilterConfig, objection
from bimedix2.errors import ImageError
from bimedix2.records import Record
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records, write_records

WORK = ".cleaned"
"""Below the run's folder, the records and images between the operations."""


class Images:
    """The images of the records, where the input or an operation put them.

    Args:
        source: the input folder.
        work: the folder of what operations changed.
    """

    def __init__(self, source: Path, work: Path) -> None:
        self.changed = ImageStore(work / "images")
        self._source = ImageStore(source / "images")

    def read(self, key: str) -> bytes:
        """Bytes of an image.

        Raises:
            ImageError: it is in neither place.
        """
        return (self.changed if key in self.changed else self._source).read(key)

    def carry(self, keys: Iterable[str], folder: Path) -> None:
        """Put the images of those hashes into a folder's own store."""
        target = ImageStore(folder / "images")
        for key in sorted(keys):
            target.add_file((self.changed if key in self.changed else self._source).path(key))


@dataclass
class Operations:
    """What is done to the records of a folder, and what came of it.

    Attributes:
        filter, deidentify, duplicates: the operations that a recipe names.
        total: records read.
        removed: (id, reason, what) of those that were left out.
        about: for the manifest.
    """

    filter: FilterConfig | None = None
    deidentify: DeidentifyConfig | None = None
    duplicates: DuplicatesConfig | None = None
    total: int = 0
    removed: list[tuple[str, str, Any]] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)

    def run(self, source: Path, folder: Path) -> tuple[Generator[Record], Images]:
        """Yield what is left of a folder's records, and say where their images are.

        Args:
            source: a finished folder.
            folder: of the run; ``finish`` deletes what stands there in between.
        """
        work = folder / WORK
        shutil.rmtree(work, ignore_errors=True)
        images = Images(source, work)
        alone = self.filter is not None or self.deidentify is not None
        if self.duplicates is None:
            return (self._one_by_one(source, folder, images) if alone else self._left(source, {})), images
        records = source
        if alone:
            with closing(self._one_by_one(source, folder, images)) as cleaned:
                write_records(work, cleaned)
            records = work
        gone = find_duplicates(lambda: read_records(records), images.read, self.duplicates)
        self.about["duplicates"] = dict(sorted(Counter(reason for reason, _ in gone.values()).items()))
        return self._left(records, gone, counted=alone), images

    def finish(self, folder: Path) -> None:
        """Delete what stood between the operations."""
        shutil.rmtree(folder / WORK, ignore_errors=True)

    def _left(
        self, folder: Path, gone: dict[int, tuple[str, Any]], *, counted: bool = False
    ) -> Generator[Record]:
        for place, record in enumerate(read_records(folder)):
            self.total += not counted
            if place in gone:
                self.removed.append((record.id, *gone[place]))
            else:
                yield record

    def _one_by_one(self, source: Path, folder: Path, images: Images) -> Generator[Record]:
        """Filter and de-identify; write which records lost what (kinds and numbers, never the words)."""
        cleaner = Deidentifier(self.deidentify, images.read, images.changed) if self.deidentify else None
        changed: list[dict[str, Any]] = []
        shown = track(read_records(source), description="curate: clean", transient=True, total=None)
        for record in shown:
            self.total += 1
            name = cleaner.known_as(record) if cleaner else record.id
            found = objection(record, self.filter) if self.filter else None
            if found:
                self.removed.append((name, *found))
            elif cleaner is None:
                yield record
            elif cleaned := self._cleaned(cleaner, record, name, changed):
                yield cleaned
        if cleaner is not None:
            io.write_jsonl(folder / "deidentified" / "deidentified.jsonl", changed)
            self.about["deidentify"] = {
                "records": len(changed),
                "key": cleaner.key,
                "words": dict(sorted(cleaner.found.items())),
                "headers": dict(sorted(cleaner.headers.items())),
            }

    def _cleaned(
        self, cleaner: Deidentifier, record: Record, name: str, changed: list[dict[str, Any]]
    ) -> Record | None:
        assert self.deidentify is not None  # it made the cleaner
        try:
            cleaned, counts, suspicion = cleaner.clean(record)
        except ImageError as error:
            self.removed.append((name, "unreadable-image", str(error)))
            return None
        if suspicion and self.deidentify.burned_in == "remove":
            self.removed.append((name, "burned-in-text", list(suspicion)))
            return None
        if counts or suspicion:
            changed.append({"id": name, "words": counts, "burned_in": list(suspicion)})
        return cleaned
