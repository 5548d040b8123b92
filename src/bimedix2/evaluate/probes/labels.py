"""Pictures whose kind and part of the body are certain, from records that state them.

A label comes from ``meta.expect`` (what curated questions rest on) or from what a published dataset says of
the picture (``words.yaml``). A picture that two records label differently has no label of that kind.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from bimedix2.errors import DataError
from bimedix2.evaluate.answering import InPlace
from bimedix2.language.concepts import concepts
from bimedix2.manifest import read_manifest
from bimedix2.records import DataClass, ImagePart, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records

KINDS = ("modality", "region")
STRICT = list(DataClass)
"""The most guarded last."""
NO_LABEL, DISAGREE, NOT_ONE = "no certain label", "labels disagree", "not one picture"


@cache
def words() -> dict[str, Any]:
    """``words.yaml``."""
    text = files("bimedix2.evaluate.probes").joinpath("words.yaml").read_text(encoding="utf-8")
    read: dict[str, Any] = yaml.safe_load(text)
    return read


@dataclass
class Picture:
    """One picture, a record that shows it, and its labels: kind -> value."""

    image: ImagePart
    record: Record
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def modality(self) -> str:
        """What groups it in tables."""
        return self.labels.get("modality", "unknown")


@dataclass(frozen=True)
class Labelled:
    """Pictures in the order of their hashes; ``left_out`` and ``removed`` tell what became of the others."""

    pictures: list[Picture]
    found: int
    """Labelled pictures before any were drawn."""
    left_out: Counter[str]
    removed: list[tuple[str, str, Any]]
    """``(id, reason, what)``: of records that show no single picture, and of pictures without a label."""


def stated(record: Record) -> dict[str, str]:
    """What a record says of its picture: kind -> concept."""
    expect = record.meta.get("expect")
    found = {
        kind: str(expect[kind])
        for kind in KINDS
        if isinstance(expect, dict) and expect.get(kind) in concepts(kind)
    }
    published = record.meta.get("published")
    source = record.provenance.source
    if isinstance(published, dict):
        for kind, key in words()["keys"].get(source, {}).items():
            value = words()["published"][source][kind].get(published.get(key))
            if value is not None:
                found.setdefault(kind, value)
    return found


def read(folders: Sequence[Path], split: Split, kinds: Sequence[str]) -> tuple[Labelled, InPlace]:
    """The labelled pictures of finished folders, and where they are.

    Raises:
        RunError: a folder is not finished.
        DataError: no picture has a label, or one is missing.
    """
    store = InPlace(folders[0])
    said: dict[str, dict[str, set[str]]] = {}
    first: dict[str, Picture] = {}
    left_out: Counter[str] = Counter()
    removed: list[tuple[str, str, Any]] = []
    for folder in folders:
        read_manifest(folder)
        pictures = ImageStore(folder / "images")
        for record in read_records(folder):
            if record.split is not split or not record.images:
                continue
            if len({image.image for image in record.images}) != 1:
                removed.append((record.id, NOT_ONE, f"{len(record.images)} pictures"))
                left_out[NOT_ONE] += 1
                continue
            image = record.images[0]
            if image.image not in pictures:
                raise DataError(
                    f"{record.id}: image {image.image[:12]} is not in {pictures.root}; run that folder's "
                    "room again"
                )
            store.stands(image.image, pictures.path(image.image))
            picture = first.setdefault(image.image, Picture(image, record))
            if STRICT.index(record.data_class) > STRICT.index(picture.record.data_class):
                picture.record = record  # a picture is as guarded as its most guarded record
            mine = said.setdefault(image.image, {})
            for kind, value in stated(record).items():
                mine.setdefault(kind, set()).add(value)
    kept = []
    for key in sorted(first):
        picture, labels = first[key], said[key]
        picture.labels = {kind: next(iter(labels[kind])) for kind in KINDS if len(labels.get(kind, ())) == 1}
        if any(kind in picture.labels for kind in kinds):
            kept.append(picture)
            continue
        reason = DISAGREE if any(len(labels.get(kind, ())) > 1 for kind in kinds) else NO_LABEL
        left_out[reason] += 1
        removed.append((picture.record.id, reason, {k: sorted(v) for k, v in labels.items()}))
    if not kept:
        places = ", ".join(str(folder) for folder in folders)
        raise DataError(
            f"{places} has no picture of split '{split.value}' whose {' or '.join(kinds)} is certain "
            "(meta.expect, or a published label that words.yaml knows); give a folder of dataset, or of SLAKE"
        )
    return Labelled(kept, len(kept), left_out, removed), store


def draw(labelled: Labelled, most: int | None, seed: int) -> Labelled:
    """At most so many pictures, one of each modality in turn, drawn by the seed."""
    if most is None or len(labelled.pictures) <= most:
        return labelled
    rng = random.Random(f"{seed}:probes:pictures")
    waiting: dict[str, list[Picture]] = {}
    for picture in labelled.pictures:
        waiting.setdefault(picture.modality, []).append(picture)
    for inside in waiting.values():
        rng.shuffle(inside)
    chosen: list[Picture] = []
    while len(chosen) < most:
        for inside in waiting.values():
            if inside and len(chosen) < most:
                chosen.append(inside.pop())
    chosen.sort(key=lambda picture: picture.image.image)
    return Labelled(chosen, labelled.found, labelled.left_out, labelled.removed)
