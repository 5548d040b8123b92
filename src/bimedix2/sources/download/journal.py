"""What a download has finished, one line an archive, on the disk before the next is begun.

A line is ``{"url", "images": {name: [sha256, member]}, "missing": {name: [reason, what]}, "sha256",
"bytes"}`` or ``{"url", "failed": reason, "what"}``; of two lines of one archive the later counts. A line that
a kill cut off is dropped when the journal is opened again.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bimedix2 import io
from bimedix2.records.images import ImageStore
from bimedix2.sources.download.links import Archive, Links


class Journal:
    """The journal of one run, open for appending.

    Args:
        path: of the file; made when it is not there.
        store: where the images of its lines stand.
    """

    def __init__(self, path: Path, store: ImageStore) -> None:
        self.path = path
        self._store = store
        self._lines: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        if self.path.is_file():
            written = self.path.read_bytes()
            os.truncate(self.path, written.rfind(b"\n") + 1)
            self._lines = {value["url"]: value for _, value in io.read_jsonl(self.path)}
        self._file = self.path.open("a", encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def has(self, archive: Archive) -> bool:
        """Whether an archive is finished: it was read, and says of every image that is wanted of it."""
        line = self._lines.get(archive.url)
        if line is None or "failed" in line:
            return False
        images, missing = line["images"], line["missing"]
        return archive.members.keys() <= images.keys() | missing.keys() and all(
            sha256 in self._store for sha256, _ in images.values()
        )

    def add(self, archive: Archive, line: dict[str, Any]) -> None:
        """Write an archive's line, and wait until it is on the disk."""
        line = {"url": archive.url, **line}
        self._lines[archive.url] = line
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def sort(self, links: Links) -> tuple[list[dict[str, str]], list[tuple[str, str, str]]]:
        """The index's rows, and (name, reason, what) of the images that could not be had."""
        found, missing = [], []
        for archive in links.archives:
            line = self._lines[archive.url]
            for name in archive.members:
                if "failed" in line:
                    missing.append((name, line["failed"], line["what"]))
                elif name in line["missing"]:
                    reason, what = line["missing"][name]
                    missing.append((name, reason, what))
                else:
                    sha256, member = line["images"][name]
                    found.append({"name": name, "sha256": sha256, "archive": archive.url, "member": member})
        return found, missing

    def archives(self, links: Links) -> Iterator[dict[str, Any]]:
        """What is said of every archive at the end: its address, and its hash and size or why it failed."""
        for archive in links.archives:
            line = self._lines[archive.url]
            yield {k: v for k, v in line.items() if k not in ("images", "missing", "seconds")}
