"""Questions that can stand in a trial, from records or from files of BiMed-MBench, each with its stratum."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bimedix2.errors import DataError
from bimedix2.evaluate.mbench.judge import LICENCE
from bimedix2.evaluate.mbench.load import check_images, in_order, load
from bimedix2.evaluate.trial.settings import Benchmark
from bimedix2.manifest import read_manifest
from bimedix2.records import ImagePart, Record
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records

Stratum = tuple[str, ...]
"""Domain, type, language; what more parts questions stands behind."""


@dataclass(frozen=True)
class Question:
    """One question: what is shown, what a good answer says, and where its pictures are."""

    id: str
    """In this benchmark; that of a file begins with its language, since both languages count alike."""
    answer_id: str
    """How answers name it."""
    stratum: Stratum
    cluster: str
    """Subject, or picture: what is drawn again in the bootstrap."""
    data_class: str
    turns: tuple[dict[str, Any], ...]
    """``role`` and ``parts``; a part is ``{"text": ...}`` or ``{"image": place in pictures}``."""
    pictures: tuple[Path, ...]
    reference: str


def read_questions(benchmark: Benchmark) -> tuple[list[Question], list[tuple[str, str, str]]]:
    """The questions in the benchmark's order, and those that cannot be used as ``(id, reason, what)``.

    Raises:
        DataError: a file is broken, or nothing can be used.
        ImageError: pictures are missing.
        RunError: the folder of records is not finished.
    """
    removed: list[tuple[str, str, str]] = []
    found = list(_of_records(benchmark, removed) if benchmark.records is not None else _of_files(benchmark))
    if not found:
        where = benchmark.records or ", ".join(str(path) for path in benchmark.questions.values())
        raise DataError(
            f"{where} has no question with a reference answer in split '{benchmark.split}'; check 'benchmark'"
        )
    return found, removed


def _of_records(benchmark: Benchmark, removed: list[tuple[str, str, str]]) -> Iterator[Question]:
    assert benchmark.records is not None
    read_manifest(benchmark.records)
    store = ImageStore(benchmark.records / "images")
    for record in read_records(benchmark.records):
        if record.split is not benchmark.split:
            continue
        if record.messages[-1].role != "assistant" or not record.messages[-1].text.strip():
            removed.append((record.id, "no-reference", "the last turn is no answer"))
            continue
        for image in record.images:
            if image.image not in store:
                raise DataError(
                    f"{record.id}: image {image.image[:12]} is not in {store.root}; run its room again"
                )
        yield _of_record(record, store)


def _of_record(record: Record, store: ImageStore) -> Question:
    pictures: list[Path] = []
    turns = []
    for message in record.messages[:-1]:
        parts: list[dict[str, Any]] = []
        for part in message.content:
            if isinstance(part, ImagePart):
                parts.append({"image": len(pictures)})
                pictures.append(store.path(part.image))
            else:
                parts.append({"text": part.text})
        turns.append({"role": message.role, "parts": parts})
    meta = record.meta
    first = record.images[0].image if record.images else record.id
    return Question(
        id=record.id,
        answer_id=record.id,
        stratum=(
            str(meta.get("domain") or meta.get("modality") or ("unknown" if record.images else "text")),
            str(meta.get("type") or record.task),
            str(meta.get("answer_language") or record.language.value),
        ),
        cluster=record.provenance.subject or first,
        data_class=record.data_class.value,
        turns=tuple(turns),
        pictures=tuple(pictures),
        reference=record.messages[-1].text,
    )


def _of_files(benchmark: Benchmark) -> Iterator[Question]:
    assert benchmark.images is not None
    for language, path in sorted(benchmark.questions.items()):
        items = load(path, language).items
        check_images(list(items.values()), benchmark.images)
        for item in in_order(items):
            yield Question(
                id=f"{language}-{item.question_id}",
                answer_id=str(item.question_id),
                stratum=(item.domain, item.type, language),
                cluster=item.image,
                data_class=LICENCE.value,
                turns=({"role": "user", "parts": [{"image": 0}, {"text": item.question}]},),
                pictures=(benchmark.images / item.image,),
                reference=item.reference,
            )
