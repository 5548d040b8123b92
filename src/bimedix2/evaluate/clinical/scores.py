"""From the harness's samples to rows, columns and macro means, each with its interval."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bimedix2.errors import ModelError
from bimedix2.evaluate.clinical.catalogue import Task, groups
from bimedix2.evaluate.task import Raw
from bimedix2.stats import bootstrap
from bimedix2.stats.exact import clopper_pearson

IDS = ("pubid", "id", "sample_id")
"""Fields of a question that name it; else its number in the file does."""

Row = dict[str, Any]
Asked = dict[tuple[str, str], Raw]
"""``(context, continuation)`` -> what came back."""


@dataclass(frozen=True)
class Plan:
    """How intervals are drawn."""

    resamples: int
    seed: int


def rows_of(task: Task, prompt: str, samples: Sequence[dict[str, Any]], asked: Asked) -> list[Row]:
    """A row a question: what was asked, each option's likelihood, what was chosen, and whether it is right.

    Args:
        task: of the samples.
        prompt: ``plain`` or ``chat``.
        samples: as the harness logs them.
        asked: what each request gave.

    Raises:
        ModelError: a likelihood is no number.
    """
    out = []
    for sample in sorted(samples, key=lambda one: int(one["doc_id"])):
        doc = sample["doc"]
        texts: list[tuple[str, str]] = [(context, option) for context, option in sample["arguments"]]
        raws = [asked[text] for text in texts]
        values = [raw["value"] for raw in raws]
        name = next((str(doc[field]) for field in IDS if doc.get(field) is not None), str(sample["doc_id"]))
        if not all(math.isfinite(value) for value in values):
            raise ModelError(f"{task.name} {name}: a likelihood is no number; check the checkpoint's weights")
        out.append(
            {
                "task": task.name,
                "prompt": prompt,
                "id": name,
                "context": texts[0][0],
                "options": [option for _, option in texts],
                "expected": int(sample["target"]) if str(sample["target"]).isdigit() else sample["target"],
                "values": values,
                "tokens": [raw["tokens"] for raw in raws],
                "chosen": values.index(max(values)),
                "tie": values.count(max(values)) > 1,
                "cut": max(raw.get("cut", 0) for raw in raws),
                "right": bool(sample["acc"]),
            }
        )
    return out


def columns(chosen: Sequence[Task], rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Task -> its accuracy with the exact 95 % interval, and what a reader should know of its answers."""
    out = {}
    for task in chosen:
        mine = [row for row in rows if row["task"] == task.name]
        right = sum(row["right"] for row in mine)
        low, high = clopper_pearson(right, len(mine))
        shares = Counter(row["chosen"] for row in mine)
        out[task.name] = {
            "column": task.column,
            "language": task.language,
            "value": right / len(mine),
            "low": low,
            "high": high,
            "n": len(mine),
            "published": task.published,
            "cut": sum(row["cut"] > 0 for row in mine),
            "ties": sum(row["tie"] for row in mine),
            "chosen": {str(option): shares[option] / len(mine) for option in sorted(shares)},
        }
    return out


def macro(name: str, rows: Sequence[Row], plan: Plan) -> dict[str, Any]:
    """The mean of a group's columns, each equally heavy, questions drawn again for its interval."""
    members = groups()[name]
    mine = [row for row in rows if row["task"] in members]
    of = [row["task"] for row in mine]
    draws = bootstrap.draw([f"{row['task']} {row['id']}" for row in mine], plan.resamples, plan.seed)
    estimate = bootstrap.macro([float(row["right"]) for row in mine], of, draws)
    return {**vars(estimate), "n": len(mine), "columns": len(set(of))}


def gaps(chosen: Sequence[Task], rows: Sequence[Row], plan: Plan) -> dict[str, dict[str, Any]]:
    """Arabic twin -> its accuracy minus its English original's on the same questions, paired by their id."""
    out = {}
    names = {task.name for task in chosen}
    for task in chosen:
        if task.twin not in names:
            continue
        sides = [
            {r["id"]: float(r["right"]) for r in rows if r["task"] == name} for name in (task.name, task.twin)
        ]
        both = sorted(sides[0].keys() & sides[1].keys())
        if both:
            draws = bootstrap.draw(both, plan.resamples, plan.seed)
            ours, theirs = ([side[one] for one in both] for side in sides)
            out[task.name] = {
                "twin": task.twin,
                **vars(bootstrap.difference(ours, theirs, draws)),
                "n": len(both),
            }
    return out
