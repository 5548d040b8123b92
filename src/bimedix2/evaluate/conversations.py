"""Conversations in the paper's manner (Figures 3, 8, 10, 11): turns, images, and translation beneath."""

import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import DataError
from bimedix2.evaluate.sheets.answers import SHOWN, Source, read
from bimedix2.evaluate.sheets.pictures import Pictures
from bimedix2.evaluate.sheets.rows import Answer
from bimedix2.evaluate.sheets.shoot import ABSENT, chromium, photograph
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records import ImagePart, Message, Record
from bimedix2.records.record import DataClass
from bimedix2.records.store import read_records
from bimedix2.web.direction import direction
from bimedix2.web.sheets import sheet, write_assets

if TYPE_CHECKING:
    from bimedix2.evaluate import Config


class Conversations(Settings):
    """Which records are drawn."""

    records: Path
    """A finished folder of records with their image store."""
    twins: Path | None = None
    """A finished folder with the records' translations (it may be the same one), shown beneath each turn."""
    answers: Path | None = None
    """A finished folder of scores that asked these records: what the model said stands in the last turn, in
    the place of the reference, and only records that it answered are drawn."""
    ids: list[str] | None = None
    """Records to draw, in this order; else ``count`` of them, drawn by the room's seed."""
    count: int = Field(default=6, ge=1)
    tasks: list[str] | None = None
    """Of these tasks alone."""
    least_turns: int = Field(default=1, ge=1)
    """Messages of a record, at least, where no ``ids`` are given."""
    language: Literal["en", "ar"] = "en"
    """Of the labels."""
    figures: bool = True
    """Make a PNG of each conversation, with Chromium."""
    embed: bool = False
    """Put the pictures into the page instead of beside it."""
    pixels: int = Field(default=768, ge=64)
    """The longer side of a picture on the page, at most."""
    allow: list[DataClass] = list(SHOWN)
    """Data classes whose words and pictures are copied. Credentialed and patient data only if named here."""


def run(config: "Config", _: Callable[..., Any] | None = None) -> Path:
    """Write ``index.html`` and a PNG of each conversation.

    Args:
        config: the room's, with ``conversations``.

    Raises:
        RunError: a folder is not finished.
        DataError: a record that was asked for is not there, may not be shown, or none fits.
    """
    settings = config.conversations
    assert settings is not None
    read_manifest(settings.records)
    said = _said(settings)
    chosen, refused = _chosen(settings, config.seed, said)
    twins = _twins(settings, chosen)
    recipe = config.model_dump(mode="json", include={"output", "conversations", "seed"})
    named = {"records": settings.records, "twins": settings.twins, "answers": settings.answers}
    inputs = {name: path for name, path in named.items() if path is not None}
    with RunFolder(config.output, "evaluate", recipe, inputs) as out:
        roots = [path / "images" for path in (settings.records, settings.twins) if path is not None]
        pictures = Pictures(out.path, roots, None, settings.pixels, settings.embed)
        drawn = [
            _drawn(n, record, twins.get(record.id), said.get(record.id), pictures)
            for n, record in enumerate(chosen, 1)
        ]
        write_assets(out.path)
        html = sheet("conversations.html", settings.language, conversations=drawn, heading=True)
        io.write_text(out.path / "index.html", html)
        figures = _figures(out.path, settings, drawn) if settings.figures else {}
        io.write_json(out.path / "conversations.json", [_row(one, figures) for one in drawn])
        untranslated = sum(record.id not in twins for record in chosen) if settings.twins else 0
        counts = {"in": len(chosen) + sum(refused.values()), "kept": len(chosen), "removed": refused}
        extra = {
            "without a translation": untranslated,
            "figures": figures,
            "pictures": {"copied": pictures.copied, "missing": pictures.missing},
        }
        return out.publish(counts, extra)


def _said(settings: Conversations) -> dict[str, Answer]:
    """Record -> what the model said about its own pictures, the first time of several."""
    if settings.answers is None:
        return {}
    of = {
        record.id: tuple(image.image for image in record.images) for record in read_records(settings.records)
    }
    scores = read(Source(folders=[settings.answers], allow=settings.allow))
    base = {one.name for one in scores.systems if one.role == "base"}
    found: dict[str, Answer] = {}
    for answer in scores.answers:
        if of.get(answer.id) == answer.images and answer.system not in base:
            found.setdefault(answer.id, answer)
    if not found:
        raise DataError(
            f"{settings.answers} answers no record of {settings.records}; give the records that it was asked"
        )
    return found


def _chosen(
    settings: Conversations, seed: int, said: dict[str, Answer]
) -> tuple[list[Record], dict[str, int]]:
    """The records to draw, and how many may not be shown, by reason."""
    wanted = set(settings.ids or ())
    fitting: list[Record] = []
    refused: dict[str, int] = {}
    for record in read_records(settings.records):
        if settings.ids is not None:
            fits = record.id in wanted
        else:
            fits = len(record.messages) >= settings.least_turns and "translation" not in record.meta
        if not fits or (settings.tasks is not None and record.task not in settings.tasks):
            continue
        if settings.answers is not None and record.id not in said:
            continue
        if record.data_class not in settings.allow:
            if settings.ids is not None:
                raise DataError(
                    f"{record.id} is of data class {record.data_class}; name that in 'allow' to copy its data"
                )
            reason = f"is of data class {record.data_class}, which 'allow' does not name"
            refused[reason] = refused.get(reason, 0) + 1
            continue
        fitting.append(record)
    if settings.ids is not None:
        known = {record.id: record for record in fitting}
        if lacking := [one for one in settings.ids if one not in known]:
            raise DataError(f"{settings.records} has no record '{lacking[0]}' that fits; correct 'ids'")
        return [known[one] for one in settings.ids], refused
    if not fitting:
        answered = f" and was answered in {settings.answers}" if settings.answers else ""
        raise DataError(
            f"no record of {settings.records} fits{answered}; ask for other tasks, or fewer turns"
        )
    if len(fitting) > settings.count:
        fitting = random.Random(f"{seed}:conversations").sample(fitting, settings.count)
    return fitting, refused


def _twins(settings: Conversations, chosen: Iterable[Record]) -> dict[str, Record]:
    """Record -> its translation: ``meta.translation.of`` names the record."""
    if settings.twins is None:
        return {}
    wanted = {record.id: record for record in chosen}
    found = {}
    for record in read_records(settings.twins):
        said = record.meta.get("translation")
        of = said.get("of") if isinstance(said, dict) else None
        if of in wanted and record.data_class in settings.allow:
            if [m.role for m in record.messages] != [m.role for m in wanted[of].messages]:
                raise DataError(f"{record.id} has other turns than {of}; translate that record again")
            found[of] = record
    return found


def _drawn(
    number: int, record: Record, twin: Record | None, said: Answer | None, pictures: Pictures
) -> dict[str, Any]:
    messages = record.messages
    others: Sequence[Message | None] = twin.messages if twin else [None] * len(messages)
    if said is not None:  # the reference's translation is none of what the model said
        messages = (*messages[:-1], Message.of("assistant", said.answer or "-"))
        others = [*others[:-1], None]
    turns = []
    for message, other in zip(messages, others, strict=True):
        parts = [
            {"image": pictures.address(part.image)} if isinstance(part, ImagePart) else {"text": part.text}
            for part in message.content
        ]
        beneath = other.text if other else ""
        way, twin_way = direction(message.text), direction(beneath)
        turns.append(
            {"role": message.role, "way": way, "parts": parts, "twin": beneath, "twin_way": twin_way}
        )
    licence = "" if record.provenance.licence == "unknown" else record.provenance.licence
    asked = f"answer of {said.system}" if said else ""
    stated = [record.id, asked, record.provenance.source, licence, *record.provenance.steps]
    return {
        "anchor": f"c{number}",
        "id": record.id,
        "language": "ar" if direction(record.messages[-1].text) == "rtl" else "en",
        "turns": turns,
        "twin": twin is not None,
        "source": " | ".join(part for part in stated if part),
    }


def _figures(folder: Path, settings: Conversations, drawn: Sequence[dict[str, Any]]) -> dict[str, str]:
    """One PNG a conversation; each name with ``made`` or why not."""
    names = {f"conversation-{number:02d}.png": one for number, one in enumerate(drawn, 1)}
    if chromium() is None:
        return dict.fromkeys(names, ABSENT)
    page = folder / ".figure.html"
    try:
        for name, one in names.items():
            if (folder / name).exists():  # of a run that was killed
                continue
            io.write_text(
                page, sheet("conversations.html", settings.language, conversations=[one], heading=False)
            )
            photograph(page, folder / name, width=900)
    finally:
        page.unlink(missing_ok=True)
    return dict.fromkeys(names, "made")


def _row(one: dict[str, Any], figures: dict[str, str]) -> dict[str, Any]:
    number = int(one["anchor"][1:])
    name = f"conversation-{number:02d}.png"
    return {
        "id": one["id"],
        "anchor": one["anchor"],
        "translated": one["twin"],
        "figure": figures.get(name, ""),
    }
