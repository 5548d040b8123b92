"""Benchmarks of questions about pictures, out of finished folders of records (specification 1.1).

A record of split ``test`` with one question about one picture and one answer is an item. What is none is left
out with its reason. Which benchmark an item belongs to is said by its source and its language: English items
are the published ones, Arabic items are their twins, made by translation.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bimedix2.errors import DataError
from bimedix2.evaluate.answering import InPlace, hash_of
from bimedix2.manifest import read_manifest
from bimedix2.records import ImagePart, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records
from bimedix2.records.translations import failed_checks

Mode = Literal["compat", "arabic"]


@dataclass(frozen=True)
class About:
    """What is known of a benchmark; ``paper``: its part of Table 5; ``published``: its questions."""

    title: str
    source: str
    language: str
    paper: str
    published: int

    @property
    def mode(self) -> Mode:
        """The scorer: MultiMedEval's for what is published, ours for Arabic; never the other way."""
        return "arabic" if self.language == "ar" else "compat"


BENCHMARKS = {
    "vqa_rad": About("Rad-VQA", "vqa_rad", "en", "rad", 451),
    "slake": About("Slake-VQA", "slake", "en", "slake", 1061),
    "path_vqa": About("Path-VQA", "path_vqa", "en", "path", 6719),
    "vqa_rad_ar": About("Rad-VQA, Arabic", "vqa_rad", "ar", "", 451),
    "slake_ar": About("Slake-VQA, Arabic", "slake", "ar", "", 1061),
    "path_vqa_ar": About("Path-VQA, Arabic", "path_vqa", "ar", "", 6719),
}
"""SLAKE without its Chinese questions: with 355 of 1,061 the paper's recall recomputes from its two parts."""


@dataclass(frozen=True)
class Item:
    """One question: its record, its words, the answer as published, and its picture."""

    record: Record
    question: str
    gold: str
    image: ImagePart


@dataclass
class Benchmark:
    """Items in the folders' order; ``left_out`` counts test records that are none, by reason."""

    name: str
    items: list[Item] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    removed: list[tuple[str, str, Any]] = field(default_factory=list)
    """``(id, reason, what)`` of the same."""
    limited: int = 0
    """How many there were before ``limit``; 0 where all are asked."""

    @property
    def about(self) -> About:
        return BENCHMARKS[self.name]

    @property
    def hash(self) -> str:
        """Of ids, questions, answers and pictures, in order."""
        return hash_of([[i.record.id, i.question, i.gold, i.image.image] for i in self.items])

    @property
    def partial(self) -> str:
        """Why it is not the whole benchmark; empty where it is."""
        whole, found = self.about.published, self.limited or len(self.items)
        parts = []
        if self.limited:
            parts.append(f"{len(self.items)} of {self.limited} questions drawn")
        if found != whole:
            reasons = "; ".join(f"{reason}: {count}" for reason, count in self.left_out.most_common())
            parts.append(
                f"{found} of {whole} published questions" + (f" (left out: {reasons})" * bool(reasons))
            )
        return f"{self.name}: {', '.join(parts)}" if parts else ""

    @property
    def notes(self) -> list[str]:
        """What is to be known of translated items."""
        made = [i.record for i in self.items if isinstance(i.record.meta.get("translation"), dict)]
        if not made:
            return []
        by = Counter(str(record.meta["translation"].get("translator")) for record in made)
        seen = sum("review" in record.meta for record in made)
        failed = sum(bool(failed_checks(record)) for record in made)
        return [
            f"{self.name}: {len(made)} questions are translations by {', '.join(by)}; {seen} of them were "
            f"reviewed, and {failed} fail a check of the translation and were not"
        ]


def read(
    folders: Sequence[Path], names: Sequence[str], limit: int | None, seed: int
) -> tuple[list[Benchmark], InPlace]:
    """Read the benchmarks that are asked for.

    Args:
        folders: finished ones of ``sources``, ``translate``, ``review`` or ``dataset``.
        names: keys of ``BENCHMARKS``.
        limit: at most so many questions a benchmark, drawn by ``seed``.
        seed: see above.

    Raises:
        RunError: a folder is not finished.
        DataError: a benchmark has no question, two records of one id differ, or a picture is missing.
    """
    found = {name: Benchmark(name) for name in names}
    store = InPlace(Path("the data folders"))
    seen: dict[str, tuple[str, Path]] = {}
    for folder in folders:
        read_manifest(folder)
        pictures = ImageStore(folder / "images")
        for record in _test(folder):
            name = _name(record)
            if name not in found or not _new(record, folder, seen):
                continue
            _take(found[name], record, pictures, store)
    for benchmark in found.values():
        _check(benchmark, folders)
        if limit is not None and len(benchmark.items) > limit:
            benchmark.limited = len(benchmark.items)
            drawn = random.Random(f"{seed}:limit:{benchmark.name}").sample(range(benchmark.limited), limit)
            benchmark.items = [benchmark.items[number] for number in sorted(drawn)]
    return list(found.values()), store


def _test(folder: Path) -> Iterator[Record]:
    return (record for record in read_records(folder) if record.split is Split.TEST)


def _name(record: Record) -> str | None:
    for name, about in BENCHMARKS.items():
        if (record.provenance.source, str(record.language)) == (about.source, about.language):
            return name
    return None


def _new(record: Record, folder: Path, seen: dict[str, tuple[str, Path]]) -> bool:
    """False for a record that an earlier folder has too (a twin's folder may hold its sources).

    Raises:
        DataError: it says something else there.
    """
    shown = record.content_hash()
    first, where = seen.setdefault(record.id, (shown, folder))
    if first != shown:
        raise DataError(f"{record.id} differs between {where} and {folder}; give one of the two folders")
    return where is folder


def _take(benchmark: Benchmark, record: Record, pictures: ImageStore, store: InPlace) -> None:
    reason = _unfit(record)
    if reason:
        benchmark.left_out[reason] += 1
        benchmark.removed.append((record.id, reason, f"{len(record.messages)} messages"))
        return
    image = record.images[0]
    if image.image not in pictures:
        raise DataError(
            f"{record.id}: image {image.image[:12]} is not in {pictures.root}; run that folder's room again"
        )
    store.stands(image.image, pictures.path(image.image))
    asked, answer = record.messages
    benchmark.items.append(Item(record, asked.text, answer.text, image))


def _unfit(record: Record) -> str:
    if [message.role for message in record.messages] != ["user", "assistant"]:
        return "not one question and one answer"
    if len(record.images) != 1:
        return "not one picture"
    return "" if record.messages[0].text.strip() else "no question"


def _check(benchmark: Benchmark, folders: Sequence[Path]) -> None:
    if not benchmark.items:
        places = ", ".join(str(folder) for folder in folders)
        about = benchmark.about
        what = "Arabic twins" if about.language == "ar" else "English questions"
        raise DataError(
            f"{places} has no test records of '{about.source}' that are {what} with one picture; "
            f"read its published files with the sources room, or leave '{benchmark.name}' out of vqa.tasks"
        )
