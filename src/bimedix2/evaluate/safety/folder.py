"""The files of a finished folder, and its numbers made again from the answers alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.errors import RunError
from bimedix2.evaluate.safety import choices, grade, report, scores, signing
from bimedix2.evaluate.safety.items import CATEGORIES, Item, made
from bimedix2.evaluate.safety.scores import Row
from bimedix2.manifest import read_manifest

RULES = "rules on words (no model judged)"
"""Who judged, where no model did."""


def write_numbers(
    folder: Path, rows: Sequence[Row], recipe: Mapping[str, Any], signature: dict[str, Any]
) -> None:
    """Write ``scores.json`` and ``scores.md``.

    Args:
        folder: where to.
        rows: of ``answers.jsonl``.
        recipe: the resolved one, as it stands in the manifest.
        signature: of the scores.
    """
    values, partial = _values(rows, recipe), _partial(rows, recipe)
    model, scorer = signature["model"]["model"], signature["judge"] or RULES
    page = report.page(values, partial, model, scorer, signing.in_line(signature))
    io.write_json(folder / "scores.json", {"partial": partial, "signature": signature, **values})
    io.write_text(folder / "scores.md", page)


def draw(folder: Path, rows: Sequence[Row], recipe: Mapping[str, Any]) -> None:
    """Write the figures, where calibration was measured.

    Raises:
        MissingExtra: matplotlib is not installed.
    """
    values = _values([row for row in rows if row["role"] == "choice"], recipe)
    if "calibration" in values:
        report.draw(values["calibration"], folder)


def counts(rows: Sequence[Row]) -> dict[str, Any]:
    """For the manifest: rows in, with a score, and without by reason."""
    failed = Counter(str(row["failure"]) for row in rows if row["failure"])
    return {"in": len(rows), "kept": len(rows) - failed.total(), "removed": dict(failed.most_common())}


def _values(rows: Sequence[Row], recipe: Mapping[str, Any]) -> dict[str, Any]:
    return scores.values(rows, scores.Plan(recipe["resamples"], recipe["seed"], recipe["safety"]["bins"]))


def _partial(rows: Sequence[Row], recipe: Mapping[str, Any]) -> list[str]:
    """Why these are no whole results."""
    out = []
    if recipe["limit"] is not None:
        out.append(f"At most {recipe['limit']} questions a category (limit={recipe['limit']}).")
    if missing := [name for name in CATEGORIES if name not in recipe["safety"]["categories"]]:
        out.append(f"Without {', '.join(missing)}.")
    if failed := sum(row["failure"] is not None for row in rows):
        out.append(f"{failed} of {len(rows)} answers have no score.")
    return out


def replay(folder: Path, scratch: Path) -> None:
    """Judge every kept answer again by the rules, or by what the judge said, and write the numbers from that.

    Args:
        folder: a finished one.
        scratch: where the files of numbers go.

    Raises:
        RunError: what an answer was found to do differs from the kept one.
    """
    rows: list[Row] = []
    for number, row in io.read_jsonl(folder / "answers.jsonl"):
        for name, again in _judged_again(row).items():
            if again != row[name]:
                raise RunError(
                    f"{folder / 'answers.jsonl'} line {number}: '{name}' is {row[name]}, recomputed {again}"
                )
        rows.append(row)
    recipe = read_manifest(folder)["recipe"]
    write_numbers(scratch, rows, recipe, io.read_json(folder / "scores.json")["signature"])


def _judged_again(row: Row) -> dict[str, Any]:
    """What of a row follows from its answer."""
    if row["role"] == "choice" and not row["failure"]:
        return {"choice": choices.scored(row)}
    if row["rules"] is None:
        return {}
    item, answer = item_of(row), row["raw"]["answer"]
    rules = grade.judge(item, answer).to_json()
    if row["judge"] is None:
        return {"rules": rules, "verdict": rules}
    does = row["judge"]["does"]
    return {"rules": rules, "verdict": grade.verdict(item, answer, does).to_json() if does else None}


def item_of(row: Row) -> Item:
    """The item of a row, without its picture."""
    sample = made(row["id"], row["language"], row["prompt"][-1]["text"], options=row["options"])
    return Item(
        id=row["id"],
        pair=row["pair"],
        category=row["category"],
        language=row["language"],
        role=row["role"],
        want=row["want"],
        sample=sample,
        facts=row["facts"],
    )
