"""Samples side by side: one page over finished folders of scores, with filters, that needs no server."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from bimedix2 import io
from bimedix2.evaluate.errors.classes import CLASSES
from bimedix2.evaluate.errors.classify import classify, unfit
from bimedix2.evaluate.sheets.answers import Found, Source, read
from bimedix2.evaluate.sheets.pictures import Pictures
from bimedix2.evaluate.sheets.rows import Answer
from bimedix2.manifest import RunFolder
from bimedix2.web.sheets import paragraphs, sheet, write_assets

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

PART = 1000
"""Samples in one file of data."""

Samples = dict[tuple[Any, ...], dict[str, Answer]]
"""Question -> system -> answer."""


class Browse(Source):
    """What is set side by side."""

    language: Literal["en", "ar"] = "en"
    """Of the page at first; a button switches it."""
    each: int = Field(default=20, ge=1, le=200)
    """Samples on a page."""
    pixels: int = Field(default=768, ge=64)
    """The longer side of a picture, at most."""


def run(config: "Config", _: Callable[..., Any] | None = None) -> Path:
    """Write ``index.html`` with its data, pictures, styles and fonts beside it.

    Args:
        config: the room's, with ``browse``.

    Raises:
        RunError: a folder is not finished, was changed, or is not of the dataset that was given.
        DataError: there is nothing to show, or a data class cannot be told.
    """
    settings = config.browse
    assert settings is not None
    found = read(settings)
    samples, twice = _together(found)
    recipe = config.model_dump(mode="json", include={"output", "browse"})
    inputs = {f"folder-{number}": path for number, path in enumerate(settings.folders, 1)}
    with RunFolder(config.output, "evaluate", recipe, inputs) as out:
        pictures = Pictures(out.path, found.stores, settings.images, settings.pixels)
        write_assets(out.path)
        rows = (_sample(answers, found, pictures) for answers in samples.values())
        parts = _write_parts(out.path, rows)
        partial = "; ".join(f"{one.name}: {one.partial}" for one in found.systems if one.partial)
        data = {
            "title": "browse_page_title",
            "systems": [one.name for one in found.systems],
            "classes": list(CLASSES),
            "each": settings.each,
        }
        html = sheet(
            "browse.html", settings.language, data, systems=found.systems, partial=partial, parts=parts
        )
        io.write_text(out.path / "index.html", html)
        left_out = [*found.left_out, *twice]
        io.write_jsonl(out.path / "removed" / "removed.jsonl", left_out)
        reasons = {**found.reasons(), **({"the same question twice": len(twice)} if twice else {})}
        kept = sum(len(one) for one in samples.values())
        counts = {"in": kept + len(left_out), "kept": kept, "removed": reasons, "samples": len(samples)}
        extra = {"pictures": {"copied": pictures.copied, "missing": pictures.missing}}
        return out.publish(counts, {**extra, "signature": [one.signature for one in found.systems]})


def _together(found: Found) -> tuple[Samples, list[dict[str, Any]]]:
    """Answers to one question about the same pictures, in the order in which questions come."""
    samples: Samples = {}
    twice: list[dict[str, Any]] = []
    for answer in found.answers:
        mine = samples.setdefault(answer.key, {})
        if answer.system in mine:
            reason = "the same question twice"
            twice.append({"system": answer.system, "line": answer.line, "id": answer.id, "reason": reason})
        else:
            mine[answer.system] = answer
    return samples, twice


def _sample(answers: dict[str, Answer], found: Found, pictures: Pictures) -> dict[str, Any]:
    first = next(iter(answers.values()))
    reference = next((a.reference for a in answers.values() if a.reference.strip()), "")
    return {
        "id": first.id,
        "task": first.task,
        "condition": first.condition,
        "type": first.type,
        "lang": first.language,
        "modality": first.modality,
        "source": first.source,
        "images": [pictures.address(key) for key in first.images],
        "turns": _turns(first),
        "reference": paragraphs(reference),
        "answers": [_answer(answers.get(one.name), first) for one in found.systems],
    }


def _turns(answer: Answer) -> list[list[Any]]:
    return [[role, paragraphs(text)] for role, text in answer.turns]


def _answer(answer: Answer | None, first: Answer) -> dict[str, Any] | None:
    if answer is None:
        return None
    judged = classify(answer) if answer.right is False and unfit(answer) is None else None
    why = answer.reasons or (tuple(fault.why for fault in judged.faults) if judged else ())
    return {
        "text": paragraphs(answer.answer),
        "right": answer.right,
        "error": judged.named.name if judged else "",
        "why": list(why),
        "scores": [[name, _rounded(value)] for name, value in answer.scores],
        # What a system was asked in other words than the first one.
        **({"turns": _turns(answer)} if answer.turns != first.turns else {}),
    }


def _rounded(value: float | str) -> float | str:
    return value if isinstance(value, str) else round(value, 4)


def _write_parts(folder: Path, rows: Iterator[dict[str, Any]]) -> Sequence[str]:
    """The data as scripts that call ``bimedix2([...])``: a page on disk may load those, but no JSON file."""
    names: list[str] = []

    def flush(batch: list[dict[str, Any]]) -> None:
        name = f"data/{len(names):04d}.js"
        text = json.dumps(batch, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        io.write_text(folder / name, f"bimedix2({text});\n")
        names.append(name)

    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == PART:
            flush(batch)
            batch = []
    if batch:
        flush(batch)
    return names
