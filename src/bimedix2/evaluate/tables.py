"""A dataset's rows to the files of numbers: every task's values, the targets, and the page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.evaluate import aggregate, report, targets, text
from bimedix2.evaluate.rows import Row
from bimedix2.evaluate.signature import in_short


def write(
    folder: Path,
    rows: Sequence[Row],
    tasks: Sequence[str],
    plan: aggregate.Plan,
    signature: dict[str, Any],
    opening: dict[str, Any],
) -> None:
    """Write ``scores.json`` and ``scores.md``.

    Args:
        folder: where to.
        rows: all scored answers.
        tasks: those asked, in the recipe's order.
        plan: how intervals are drawn.
        signature: what the scores rest on.
        opening: ``partial`` (why these are no whole results) and ``faults`` of answers files.
    """
    values, reached = compute(rows, tasks, plan)
    values = {**opening, **values}
    stated = [vars(target) for target in reached]
    io.write_text(folder / "scores.md", report.scores(values, reached, in_short(signature)))
    io.write_json(folder / "scores.json", {"signature": signature, "targets": stated, **_plain(values)})


def compute(
    rows: Sequence[Row], tasks: Sequence[str], plan: aggregate.Plan
) -> tuple[dict[str, Any], list[targets.Target]]:
    """Each task's numbers and, in the order of the report, what they were to reach."""
    of = {name: [row for row in rows if row.task == name] for name in tasks}
    values: dict[str, Any] = {}
    reached: list[targets.Target] = []
    if "image_qa" in of:
        values["image_qa"] = aggregate.image_qa(of["image_qa"], plan)
        reached += targets.image_targets(of["image_qa"], plan)
    if "canary" in of:
        values["canary"] = aggregate.canary(of["canary"], plan)
        reached += targets.canary_targets(of["canary"], plan)
    if "pubmedqa" in of:
        values["pubmedqa"] = text.pubmedqa(of["pubmedqa"], plan)
        reached += targets.pubmedqa_targets(values["pubmedqa"])
    if "perplexity" in of:
        values["perplexity"] = text.perplexity(of["perplexity"], plan)
        reached += targets.perplexity_targets(values["perplexity"])
    return values, reached


def _plain(value: Any) -> Any:
    """Cells to JSON values."""
    if isinstance(value, aggregate.Cell):
        return value.to_json()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
