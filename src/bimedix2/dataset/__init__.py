"""Records to a dataset: a split by subject, a mixture, Parquet shards, and a reason for what was left out."""

from collections import Counter
from pathlib import Path

from pydantic import Field

from bimedix2.config import Settings
from bimedix2.dataset.mixture import MixtureConfig, mix
from bimedix2.dataset.split import SplitConfig, place, shared_images
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records import Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records, write_records, write_removed


class Config(Settings):
    """What to read, how to split and mix it, and where to write."""

    inputs: list[Path] = Field(min_length=1)
    """Finished record folders."""
    output: Path
    split: SplitConfig = Field(default_factory=SplitConfig)
    train: MixtureConfig = Field(default_factory=MixtureConfig)
    test: MixtureConfig = Field(default_factory=MixtureConfig)
    seed: int = 0


def _sides(records: list[Record]) -> tuple[list[Record], list[tuple[str, str, str]]]:
    """Drop what would let the test leak into training: shared images, and wordings of the other side."""
    both = shared_images(records)
    kept: list[Record] = []
    removed: list[tuple[str, str, str]] = []
    for record in records:
        wording = record.meta.get("wording")
        trains = record.split is Split.TRAIN
        if trains and any(image.image in both for image in record.images):
            removed.append((record.id, "image-on-both-sides", "the same file is held out under another name"))
        elif wording is not None and trains == (wording == "held_out"):
            removed.append((record.id, "wording-of-the-other-side", str(wording)))
        else:
            kept.append(record)
    return kept, removed


def run(config: Config) -> Path:
    """Split, mix and write one finished dataset folder."""
    inputs = {f"inputs.{n}": path for n, path in enumerate(config.inputs)}
    for path in config.inputs:
        read_manifest(path)
    with RunFolder(config.output, "dataset", config.model_dump(mode="json"), inputs) as out:
        records = [record for path in config.inputs for record in read_records(path)]
        kept, removed = _sides(place(records, config.split))
        chosen: list[Record] = []
        for split, mixture in ((Split.TRAIN, config.train), (Split.TEST, config.test)):
            side, left_out = mix([r for r in kept if r.split is split], mixture, config.seed)
            chosen += side
            removed += [(r.id, f"mixture-{split.value}", r.task) for r in left_out]
        _carry_images(config.inputs, out.path, chosen)
        write_records(out.path, chosen)
        cells = Counter(f"{r.split.value}/{r.task}/{r.language.value}" for r in chosen)
        counts = {"in": len(records), "kept": len(chosen), "removed": write_removed(out.path, removed)}
        return out.publish(counts, {"composition": dict(sorted(cells.items()))})


def _carry_images(inputs: list[Path], folder: Path, records: list[Record]) -> None:
    stores = [ImageStore(path / "images") for path in inputs]
    out = ImageStore(folder / "images")
    for key in sorted({image.image for record in records for image in record.images}):
        holder = next((store for store in stores if key in store), stores[0])
        out.add_file(holder.path(key))
