"""Clinical knowledge from its logs: each option's likelihood to choices, columns and pages again."""

from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.config import build
from bimedix2.evaluate import clinical
from bimedix2.evaluate.clinical import catalogue
from bimedix2.manifest import read_manifest


def replay(folder: Path, scratch: Path) -> None:
    """Choose again by the kept likelihoods, and write every file of numbers.

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
    values = clinical._values(config, settings, chosen, whole, rows)
    clinical._write(config, scratch, rows, values, io.read_json(folder / "scores.json")["signature"])


def _chosen(row: dict[str, Any]) -> dict[str, Any]:
    """A row with the likeliest option chosen: the first where two are equal, as the harness does it."""
    values, expected = row["values"], row["expected"]
    best = values.index(max(values))
    right = (
        best == expected if isinstance(expected, int) else row["options"][best].strip() == expected.strip()
    )
    return row | {"chosen": best, "tie": values.count(max(values)) > 1, "right": right}
