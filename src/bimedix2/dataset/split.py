"""Who trains and who tests: whole subjects, never slices or tiles of one.

A subject is a patient, video, volume or slide. Where a source names none, its records cannot be told apart:
they stay on one side, unless the recipe says to split that source by image, and then each such record carries
``meta.subject_unknown``, so that whoever reads its score knows.
"""

from collections.abc import Iterable, Sequence

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import ConfigError
from bimedix2.records import Record, Split


class SplitConfig(Settings):
    """Which subjects are held out."""

    test_sources: list[str] = []
    """Sources that never train: all their subjects are held out."""
    test_subjects: dict[str, int] = {}
    """Source -> how many of its subjects are held out, chosen by the hash of their name and the seed."""
    by_image: dict[str, float] = {}
    """Source without subject names -> share of its images held out."""
    seed: int = 0


def _rank(text: str, seed: int) -> float:
    return int(io.sha256_bytes(f"{seed}:{text}".encode())[:12], 16) / 16**12


def subject_sides(records: Iterable[Record], config: SplitConfig) -> dict[str, Split]:
    """Side of every named subject.

    Raises:
        ConfigError: a rule names a source that no record has, asks for more subjects than there are, or two
            rules put one subject on both sides.
    """
    subjects: dict[str, set[str]] = {}
    for record in records:
        named = subjects.setdefault(record.provenance.source, set())
        if record.provenance.subject is not None:
            named.add(record.provenance.subject)
    for source in [*config.test_sources, *config.test_subjects, *config.by_image]:
        if source not in subjects:
            raise ConfigError(
                f"split: no record comes from '{source}'; sources are: {', '.join(sorted(subjects))}"
            )
    sides: dict[str, Split] = {}
    for source, names in sorted(subjects.items()):
        wanted = len(names) if source in config.test_sources else config.test_subjects.get(source, 0)
        if wanted > len(names):
            raise ConfigError(
                f"split.test_subjects.{source}: {wanted} wanted, {len(names)} subjects are named"
            )
        held_out = set(sorted(names, key=lambda name: _rank(name, config.seed))[:wanted])
        for name in names:
            side = Split.TEST if name in held_out else Split.TRAIN
            if sides.setdefault(name, side) is not side:
                raise ConfigError(f"split: subject '{name}' stands in two sources and on both sides")
    return sides


def side_of(record: Record, sides: dict[str, Split], config: SplitConfig) -> Split:
    """The side of one record, by its subject, its image or its source."""
    source = record.provenance.source
    if record.split is not Split.NONE:  # a benchmark's published split stands
        return record.split
    if record.provenance.subject is not None:
        return sides[record.provenance.subject]
    if source in config.test_sources:
        return Split.TEST
    if source in config.by_image and record.images:
        return (
            Split.TEST
            if _rank(record.images[0].image, config.seed) < config.by_image[source]
            else Split.TRAIN
        )
    return Split.TRAIN


def place(records: Sequence[Record], config: SplitConfig) -> list[Record]:
    """Return the records with their ``split`` set."""
    sides = subject_sides(records, config)
    placed = []
    for record in records:
        changes: dict[str, object] = {"split": side_of(record, sides, config)}
        if record.images and record.provenance.subject is None:
            changes["meta"] = {**record.meta, "subject_unknown": True}
        placed.append(record.model_copy(update=changes))
    return placed


def shared_images(records: Iterable[Record]) -> set[str]:
    """Image hashes that stand on both sides: identical files under two names or subjects."""
    seen: dict[str, Split] = {}
    both: set[str] = set()
    for record in records:
        for image in record.images:
            if seen.setdefault(image.image, record.split) is not record.split:
                both.add(image.image)
    return both
