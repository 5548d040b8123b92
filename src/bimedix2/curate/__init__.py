"""Records to better records: today the bilingual instruction set written from annotations."""

from collections import Counter
from pathlib import Path

from pydantic import Field
from rich.progress import track

from bimedix2.config import Settings
from bimedix2.curate.facts import facts_of
from bimedix2.curate.instruct import InstructConfig, instruct
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records import Record
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records, write_records, write_removed


class Config(Settings):
    """What to read, what to write of it, and where."""

    input: Path
    """A finished folder of ``sources`` whose caption records carry annotations."""
    output: Path
    instruct: InstructConfig = Field(default_factory=InstructConfig)
    seed: int = 0


def _sort(records: list[Record]) -> tuple[list[Record], list[Record], list[tuple[str, str, str]]]:
    """Pictures to ask about, other records that pass through, and those of which nothing is known."""
    pictures, others, removed = [], [], []
    for record in records:
        if not record.images:
            others.append(record)
            continue
        facts = facts_of(record)
        if facts.study is None and facts.unreadable is None:
            removed.append((record.id, "no-known-modality", str(record.meta.get("modality"))))
        else:
            pictures.append(record)
    return pictures, others, removed


def run(config: Config) -> Path:
    """Write captions, questions and answers into one finished folder."""
    read_manifest(config.input)
    with RunFolder(config.output, "curate", config.model_dump(mode="json"), {"input": config.input}) as out:
        pictures, others, removed = _sort(list(read_records(config.input)))
        made = instruct(pictures, config.instruct, config.seed)
        written = [*pictures, *others, *track(made, description="curate", transient=True, total=None)]
        source, store = ImageStore(config.input / "images"), ImageStore(out.path / "images")
        for key in sorted({image.image for record in written for image in record.images}):
            store.add_file(source.path(key))
        write_records(out.path, written)
        types = Counter(str(r.meta["type"]) for r in written if "type" in r.meta)
        total = len(pictures) + len(others) + len(removed)
        counts = {"in": total, "kept": len(written), "removed": write_removed(out.path, removed)}
        return out.publish(counts, {"types": dict(sorted(types.items()))})
