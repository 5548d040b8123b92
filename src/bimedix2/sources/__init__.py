"""Published data, or a folder of images, to records: one file a source."""

from pathlib import Path
from typing import Literal

from bimedix2.config import Settings
from bimedix2.manifest import RunFolder
from bimedix2.records.images import ImageStore
from bimedix2.records.store import write_records, write_removed
from bimedix2.sources import folder

SOURCES = {"folder": folder.read}
"""Source name -> ``read(path, store)``, which yields records and ``Removed`` rows."""


class Config(Settings):
    """What to read and where to write it."""

    source: Literal["folder"]
    """A key of ``SOURCES``."""
    path: Path
    """The folder that holds the published files."""
    output: Path
    """The run folder to make."""


def run(config: Config) -> Path:
    """Read a source into a finished folder: ``records/``, ``images/`` and ``removed/``."""
    recipe = config.model_dump(mode="json")
    with RunFolder(config.output, "sources", recipe, {"path": config.path}) as out:
        store = ImageStore(out.path / "images")
        kept, removed = [], []
        for row in SOURCES[config.source](config.path, store):
            if isinstance(row, folder.Removed):
                removed.append((row.id, row.reason, row.what))
            else:
                kept.append(row)
        write_records(out.path, kept)
        reasons = write_removed(out.path, removed)
        counts = {"in": len(kept) + len(removed), "kept": len(kept), "removed": reasons}
        return out.publish(counts)
