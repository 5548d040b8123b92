"""A judge's scores of BiMed-MBench's answers, joined to the items whose answers they are."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import DataError
from bimedix2.evaluate.paired.judge import Pair
from bimedix2.manifest import read_manifest

ANSWERS = {"en": "answers_en.jsonl", "ar": "answers_ar.jsonl"}
"""Of BiMed-MBench's questions, in the layout that a judge is given."""


class Judged(Settings):
    """Finished folders of the kind ``mbench`` that judged this kind's answers files."""

    english: Path
    arabic: Path


def write_answers(folder: Path, pairs: Sequence[Pair], model: str) -> None:
    """Write the answers files that a judge is given; nothing where answers are graded here."""
    if all(pair.twins.graded for pair in pairs):
        return
    for tongue, name in ANSWERS.items():
        io.write_jsonl(folder / name, (_line(pair, tongue, model) for pair in pairs))


def _line(pair: Pair, tongue: str, model: str) -> dict[str, Any]:
    return {"question_id": int(pair.twins.id), "text": _answer(pair, tongue), "model_id": model}


def scored(pairs: Sequence[Pair], judged: Judged) -> list[Pair]:
    """The items with a judge's scores in both languages.

    Raises:
        DataError: the scores are of other answers than these.
    """
    sides: list[dict[int, float]] = []
    for tongue, folder in (("en", judged.english), ("ar", judged.arabic)):
        texts = {int(pair.twins.id): _answer(pair, tongue) for pair in pairs}
        sides.append(_scores_of(folder, tongue, texts))
    out = []
    for pair in pairs:
        number = int(pair.twins.id)
        both = (sides[0].get(number), sides[1].get(number))
        out.append(pair if None in both else replace(pair, scores=both))  # type: ignore[arg-type]
    return out


def _answer(pair: Pair, tongue: str) -> str:
    return pair.english.answer if tongue == "en" else pair.arabic.answer


def _scores_of(folder: Path, tongue: str, texts: dict[int, str]) -> dict[int, float]:
    """Question -> score, per cent, of the system in that folder whose answers these are."""
    read_manifest(folder)
    wanted = io.sha256_bytes(io.canonical_json(sorted(texts.items())).encode())
    systems = [one["signature"] for one in io.read_json(folder / "scores.json")["systems"]]
    mine = [one for one in systems if one["answers"] == wanted and one["language"] == tongue]
    if not mine:
        raise DataError(
            f"{folder} has no scores of these answers ({tongue}); judge {ANSWERS[tongue]} of a finished "
            "folder, and give that folder in reuse"
        )
    found = {}
    for _, row in io.read_jsonl(folder / "answers.jsonl"):
        if row["model"] == mine[0]["model"] and row["score"] is not None:
            found[int(row["id"])] = float(row["score"])
    return found
