"""``close``: verdicts and corrections go into the records, and everything that was said into one folder.

The folder holds ``records/`` and ``removed/``, the images, ``events.jsonl`` (the whole log), ``report.md``,
``report.json`` and ``report.png``, and the reviews for Label Studio and Argilla. Its manifest names the hash
of the input and of the last event.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.errors import DataError, RunError
from bimedix2.manifest import RunFolder
from bimedix2.records import Message, Record, TextPart
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records, write_records, write_removed
from bimedix2.records.translations import failed_checks
from bimedix2.review import exchange
from bimedix2.review.board import Board, Standing
from bimedix2.review.events import check_chain
from bimedix2.review.judgement import Judgement, Verdict
from bimedix2.review.opening import check_inputs, take_imports
from bimedix2.review.present import markdown, picture
from bimedix2.review.report import figures
from bimedix2.review.room import Room
from bimedix2.review.settings import Config
from bimedix2.review.store import Store

UNCORRECTED = "major-uncorrected"
"""Why a record is removed: a major error was found in it and nobody wrote the right text."""
UNRESOLVED = "major-unresolved"
"""Or: somebody says that there is one, and the batch was closed before the pair had a verdict."""
UNREVIEWED = "failed-translation"
"""Or: its translation fails a check, and nobody has looked whether the check is right."""


def close_batch(config: Config) -> Path:
    """Close the batch and write its folder; a batch that is closed can be written again to another output.

    Raises:
        RunError: pairs are without a verdict, another recipe opened the batch, or the output exists.
        DataError: the log was changed.
    """
    if config.output.exists():
        raise RunError(f"{config.output} exists and finished folders are immutable; choose another output")
    with Store(config.store) as store:
        room = Room(store, config)
        check_inputs(room, config)
        take_imports(room, config)
        board = room.end(config.unfinished)
        events = store.events()
    head = check_chain(events)
    inputs = {"input": config.input} | ({"source": config.source} if config.source else {})
    with RunFolder(config.output, "review", config.model_dump(mode="json"), inputs) as out:
        io.write_jsonl(out.path / "events.jsonl", (event.to_json() for event in events))
        found = figures(board, config)
        _write_report(out.path, found, config)
        left_out = exchange.write(out.path / "exchange", board, config.people)
        counts = {**_write_records(out.path, board, config), "not_in_exchange": left_out}
        last = {"count": head.seq, "last": head.hash}
        return out.publish(counts, {"events": last, "acceptance": found["acceptance"]})


def _write_report(folder: Path, found: dict[str, Any], config: Config) -> None:
    title = config.input.name
    io.write_json(folder / "report.json", found)
    io.write_text(folder / "report.md", markdown(found, title))
    picture(found, folder / "report.png", title)


def _write_records(folder: Path, board: Board, config: Config) -> dict[str, Any]:
    """Write the records with what was decided of them, and count them."""
    removed: list[tuple[str, str, Any]] = []
    seen = {"in": 0, "reviewed": 0, "corrected": 0, "kept_without_verdict": 0}
    keys: set[str] = set()

    def kept() -> Iterator[Record]:
        for record in read_records(config.input):
            seen["in"] += 1
            standing = board.standings.get(record.id)
            judged = standing.verdict(board.overlap) if standing else None
            if standing is not None and judged is not None:
                seen["reviewed"] += 1
                seen["corrected"] += bool(judged.corrected)
                if judged.verdict is Verdict.MAJOR and not judged.corrected:
                    removed.append((record.id, UNCORRECTED, judged.rationale))
                    continue
                record = stamped(record, standing, judged)
            elif standing is not None and (said := _majors(standing)):
                removed.append((record.id, UNRESOLVED, said))
                continue
            elif failed := failed_checks(record):
                removed.append((record.id, UNREVIEWED, f"it fails {', '.join(failed)}"))
                continue
            elif standing is not None:
                seen["kept_without_verdict"] += 1
            keys.update(image.image for image in record.images)
            yield record

    count = write_records(folder, kept())
    reasons = write_removed(folder, removed)
    out, store = ImageStore(folder / "images"), ImageStore(config.input / "images")
    for key in sorted(keys):
        out.add_file(store.path(key))
    return {**seen, "kept": count, "removed": reasons}


def _majors(standing: Standing) -> str:
    """Why people say that a pair without a verdict has a major error; empty where nobody does."""
    latest = standing.latest.values()
    return "\n".join(judged.rationale for judged in latest if judged.verdict is Verdict.MAJOR)


def stamped(record: Record, standing: Standing, judged: Judgement) -> Record:
    """The record with its corrected text, its verdict and who gave it.

    Raises:
        DataError: the record is not the one that was reviewed.
    """
    if record.content_hash() != standing.item.content:
        raise DataError(f"record '{record.id}' has changed since it was reviewed; restore the input folder")
    names = sorted(standing.reviews)
    by = "+".join([*names, *([standing.resolved_by] if standing.resolved_by else [])])
    said: dict[str, Any] = {
        "verdict": judged.verdict.value,
        "categories": sorted(category.value for category in judged.categories),
        "by": names,
        "corrected": sorted(judged.texts),
        "plans": list(standing.item.plans),
    }
    if standing.resolved_by:
        said["adjudicated_by"] = standing.resolved_by
    step = f"review:{judged.verdict.value}{'+corrected' if judged.corrected else ''}:{by}@{standing.date()}"
    provenance = record.provenance.model_copy(update={"steps": (*record.provenance.steps, step)})
    changes = {"messages": _corrected(record, judged.texts), "provenance": provenance}
    return record.model_copy(update={**changes, "meta": {**record.meta, "review": said}})


def _corrected(record: Record, texts: dict[int, str]) -> tuple[Message, ...]:
    """The messages, parts counted through all of them as ``pairs.pair`` counts."""
    messages, number = [], 0
    for message in record.messages:
        parts = []
        for part in message.content:
            parts.append(TextPart(text=texts[number]) if number in texts else part)
            number += 1
        messages.append(message.model_copy(update={"content": tuple(parts)}))
    return tuple(messages)
