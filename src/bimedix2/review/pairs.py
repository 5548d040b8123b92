"""Which records are translations, and a pair as reviewers see it: the parts of both, one beside the other.

A record is a translation when ``meta.translation.of`` is the id of the record that it was made from, which
stands in the same folder or in ``source``. Both have the same turns with the same parts in the same order:
that is all this room asks. ``meta.translation.quality`` (a number, larger is better) orders the plan
``lowest``; other keys are left as they are, and shown to nobody.
"""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

from bimedix2.errors import DataError
from bimedix2.records import ImagePart, Record
from bimedix2.records.store import read_records


class Translation(NamedTuple):
    """What ``meta.translation`` says."""

    of: str
    quality: float | None


class Part(BaseModel):
    """One text with its translation, or one image."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    turn: int
    role: str
    source: str = ""
    target: str = ""
    image: str | None = None


class Item(BaseModel):
    """A pair to review."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    """The translated record's."""
    of: str
    """The source record's."""
    plans: tuple[str, ...]
    """Names of the plans that chose it."""
    languages: tuple[str, str]
    task: str
    split: str
    subject: str | None
    content: str
    """Hash of the translated record's words and images; a record that has changed since is not corrected."""
    parts: tuple[Part, ...]

    @property
    def images(self) -> tuple[str, ...]:
        """Hashes of all images."""
        return tuple(part.image for part in self.parts if part.image is not None)


def translation_of(record: Record) -> Translation | None:
    """What a record says of its translation; ``None`` where it is none.

    Raises:
        DataError: ``meta.translation`` is not what it must be.
    """
    said = record.meta.get("translation")
    if said is None:
        return None
    if not isinstance(said, dict) or not isinstance(said.get("of"), str) or not said["of"]:
        raise DataError(
            f"record '{record.id}': meta.translation needs 'of', the id of its source; translate it again"
        )
    quality: Any = said.get("quality")
    number = isinstance(quality, int | float) and not isinstance(quality, bool)
    if quality is not None and not (number and math.isfinite(quality)):
        raise DataError(
            f"record '{record.id}': meta.translation.quality must be a number, not {quality!r:.40}; "
            "correct it"
        )
    return Translation(said["of"], None if quality is None else float(quality))


def pair(translated: Record, source: Record, plans: Iterable[str]) -> Item | str:
    """Put two records side by side, or say why they cannot be: a word for ``kept aside``."""
    if len(translated.messages) != len(source.messages):
        return "other-turns"
    parts: list[Part] = []
    for turn, (ours, theirs) in enumerate(zip(translated.messages, source.messages, strict=True)):
        if ours.role != theirs.role:
            return "other-turns"
        if len(ours.content) != len(theirs.content):
            return "other-parts"
        for mine, its in zip(ours.content, theirs.content, strict=True):
            if isinstance(mine, ImagePart) or isinstance(its, ImagePart):
                if (
                    not (isinstance(mine, ImagePart) and isinstance(its, ImagePart))
                    or mine.image != its.image
                ):
                    return "other-parts"
                parts.append(Part(turn=turn, role=ours.role, image=mine.image))
            else:
                parts.append(Part(turn=turn, role=ours.role, source=its.text, target=mine.text))
    return Item(
        id=translated.id,
        of=source.id,
        plans=tuple(plans),
        languages=(source.language.value, translated.language.value),
        task=translated.task,
        split=translated.split.value,
        subject=translated.provenance.subject,
        content=translated.content_hash(),
        parts=tuple(parts),
    )


def load(
    chosen: dict[str, tuple[str, ...]], folder: Path, source: Path | None
) -> Iterator[Item | tuple[str, str]]:
    """Yield the chosen pairs in their order, and ``(id, reason)`` of those that are none.

    Args:
        chosen: id of a translated record -> names of the plans that chose it.
        folder: with the translated records.
        source: with their sources; ``None``: the same.
    """
    translated = {record.id: record for record in read_records(folder) if record.id in chosen}
    wanted = {said.of for record in translated.values() if (said := translation_of(record))}
    sources = {record.id: record for record in read_records(source or folder) if record.id in wanted}
    for name, plans in chosen.items():
        record = translated[name]
        said = translation_of(record)
        origin = sources.get(said.of) if said else None
        if origin is None:
            yield name, "source-missing"
            continue
        made = pair(record, origin, plans)
        yield (name, made) if isinstance(made, str) else made
