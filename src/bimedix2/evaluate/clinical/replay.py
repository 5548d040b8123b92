"""Clinical knowledge from its logs: likelihoods and answers to choices, columns and pages again."""

from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.config import build
from bimedix2.evaluate import clinical
from bimedix2.evaluate.clinical import catalogue, scores
from bimedix2.manifest import read_manifest


def replay(folder: Path, scratch: Path) -> None:
    """Choose again by what came back, and write every file of numbers.

    Args:
        folder: a finished one.
        scratch: where to.
    """
    from bimedix2.evaluate import Config

    config = build(Config, read_manifest(folder)["recipe"], str(folder))
    settings = config.clinical
    assert settings is not None
    rows = [_chosen(row) for _, row in io.read_jsonl(folder / "answers.jsonl")]
    chosen = catalogue.members(settings.tasks)
    names = {task.name for task in chosen}
    whole = [name for name, members in catalogue.groups().items() if names.issuperset(members)]
    stated = io.read_json(folder / "scores.json")
    kept = ("signature", "not asked", "answers file", "twins")
    opening = {key: stated[key] for key in kept if key in stated}
    io.write_jsonl(scratch / "answers.jsonl", rows)
    clinical._write(config, scratch, rows, clinical._values(config, chosen, whole, rows), opening)


def _chosen(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its choice made again."""
    if "values" in row:
        return scores.chosen(row)
    # Of an option that an endpoint refused there is nothing to choose by.
    return scores.judged(row) if "raw" in row else row
