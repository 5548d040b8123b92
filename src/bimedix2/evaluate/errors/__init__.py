"""Each wrong answer of finished scores gets a class: counts with intervals, and a gallery to look at.

Nothing is asked of a model: finished folders in, one finished folder out.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.evaluate.errors import gallery, tables
from bimedix2.evaluate.errors.classify import Judged, classify, unfit
from bimedix2.evaluate.sheets.answers import Found, Source, read
from bimedix2.evaluate.sheets.pictures import Pictures
from bimedix2.evaluate.sheets.rows import Answer
from bimedix2.manifest import RunFolder

if TYPE_CHECKING:
    from bimedix2.evaluate import Config


class Errors(Source):
    """Whose wrong answers are classed, and how many of them are shown."""

    examples: int = Field(default=4, ge=1)
    """Wrong answers of each system, class and language in the gallery."""
    language: Literal["en", "ar"] = "en"
    """Of the gallery's headings."""
    figures: bool = True
    """Make a PNG of each class, with Chromium."""
    embed: bool = False
    """Put the pictures into the page instead of beside it."""
    pixels: int = Field(default=768, ge=64)
    """The longer side of a picture on the page, at most."""


def run(config: "Config", _: Callable[..., Any] | None = None) -> Path:
    """Class, count and show.

    Args:
        config: the room's, with ``errors``.

    Raises:
        RunError: a folder is not finished, was changed, or is not of the dataset that was given.
        DataError: no answer is judged right or wrong, or a data class cannot be told.
    """
    settings = config.errors
    assert settings is not None
    found = read(settings)
    judged, aside = _judged(found)
    wrong = [classify(answer) for answer in judged if not answer.right]
    recipe = config.model_dump(mode="json", include={"output", "errors"})
    inputs = {f"folder-{number}": path for number, path in enumerate(settings.folders, 1)}
    with RunFolder(config.output, "evaluate", recipe, inputs) as out:
        values = tables.counts(found, judged, wrong)
        pictures = Pictures(out.path, found.stores, settings.images, settings.pixels, settings.embed)
        groups = gallery.chosen(wrong, settings.examples)
        figures = gallery.write(
            out.path, found, groups, values, pictures, settings.language, settings.figures
        )
        reasons = {**found.reasons(), **Counter(row["reason"] for row in aside)}
        _write(out.path, found, values, wrong, pictures, figures, reasons)
        io.write_jsonl(out.path / "removed" / "removed.jsonl", [*found.left_out, *aside])
        counts = {"in": len(judged) + sum(reasons.values()), "kept": len(judged), "removed": reasons}
        return out.publish(
            counts, {"signature": [one.signature for one in found.systems], "figures": figures}
        )


def _judged(found: Found) -> tuple[list[Answer], list[dict[str, Any]]]:
    """Answers that are right or wrong, and the others with their reasons."""
    judged: list[Answer] = []
    aside: list[dict[str, Any]] = []
    for answer in found.answers:
        reason = unfit(answer)
        if reason is None:
            judged.append(answer)
        else:
            aside.append({"system": answer.system, "line": answer.line, "id": answer.id, "reason": reason})
    if not judged:
        raise DataError(
            "no answer of these folders is judged right or wrong; give folders whose rows say 'right'"
        )
    return judged, aside


def _write(
    folder: Path,
    found: Found,
    values: dict[str, Any],
    wrong: Sequence[Judged],
    pictures: Pictures,
    figures: dict[str, str],
    reasons: dict[str, int],
) -> None:
    systems = [vars(one) for one in found.systems]
    shown = {"copied": pictures.copied, "missing": pictures.missing}
    whole = {"systems": systems, "counts": values, "left out": reasons, "pictures": shown, "figures": figures}
    io.write_json(folder / "errors.json", whole)
    io.write_jsonl(folder / "wrong.jsonl", (_row(one) for one in wrong))
    io.write_text(folder / "errors.md", tables.page(found, values, reasons, figures))


def _row(one: Judged) -> dict[str, Any]:
    answer = one.answer
    return {
        "system": answer.system,
        "line": answer.line,
        "task": answer.task,
        "condition": answer.condition,
        "id": answer.id,
        "language": answer.language,
        "type": answer.type,
        "class": one.named.name,
        "why": one.named.why,
        "faults": [{"class": fault.name, "why": fault.why} for fault in one.faults],
        "reference": answer.reference,
        "answer": answer.answer,
    }
