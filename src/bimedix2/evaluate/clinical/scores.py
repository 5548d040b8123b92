"""From the harness's samples to rows, columns and macro means, each with its interval."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bimedix2.errors import ModelError
from bimedix2.evaluate import choice
from bimedix2.evaluate.clinical.catalogue import Task, groups
from bimedix2.evaluate.task import Raw
from bimedix2.records import DataClass
from bimedix2.stats import bootstrap
from bimedix2.stats.exact import clopper_pearson

IDS = ("pubid", "id", "sample_id")
"""Fields of a question that name it; else its number in the file does."""
ANSWER = "answer"
"""The prompt whose answers are written: the option is asked for in words, and read from the answer."""
METRICS = {"plain": "acc", "chat": "acc", ANSWER: "answer_acc"}
"""Prompt -> the name of its accuracy. ``acc`` is the harness's, by log-likelihood."""

Row = dict[str, Any]
Asked = dict[tuple[str, str], Raw]
"""``(context, continuation)`` -> what came back."""


@dataclass(frozen=True)
class Plan:
    """How intervals are drawn."""

    resamples: int
    seed: int


def question_of(task: Task, prompt: str, sample: dict[str, Any]) -> Row:
    """What was asked: the beginning of a row.

    Args:
        task: of the sample.
        prompt: ``plain``, ``chat`` or ``answer``.
        sample: as the harness logs it.
    """
    doc = sample["doc"]
    name = next((str(doc[field]) for field in IDS if doc.get(field) is not None), str(sample["doc_id"]))
    return {
        "task": task.name,
        "prompt": prompt,
        "id": name,
        "doc_id": int(sample["doc_id"]),
        "data_class": DataClass.OPEN.value,  # published benchmarks alone
        "context": sample["arguments"][0][0],
        "options": [option for _, option in sample["arguments"]],
        "expected": int(sample["target"]) if str(sample["target"]).isdigit() else sample["target"],
    }


def is_right(row: Row, place: int) -> bool:
    """Whether an option is the expected one, which the harness gives as a number or as its text."""
    expected = row["expected"]
    if isinstance(expected, int):
        return place == expected
    return bool(row["options"][place].strip() == expected.strip())


def rows_of(task: Task, prompt: str, samples: Sequence[dict[str, Any]], asked: Asked) -> list[Row]:
    """A row a question: what was asked, each option's likelihood, what was chosen, and whether it is right.

    A question of which an endpoint refused an option has the reason in ``failure``, and is neither right nor
    wrong.

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
        row = question_of(task, prompt, sample)
        raws = [asked[context, option] for context, option in sample["arguments"]]
        if failed := next((raw for raw in raws if "failure" in raw), None):
            out.append(row | {"right": None, "failure": failed["failure"], "why": failed["why"]})
            continue
        values = [raw["value"] for raw in raws]
        if not all(math.isfinite(value) for value in values):
            name = f"{task.name} {row['id']}"
            raise ModelError(f"{name}: a likelihood is no number; check the checkpoint's weights")
        row |= {"values": values, "tokens": [raw["tokens"] for raw in raws]}
        cut = max(raw.get("cut", 0) for raw in raws)
        out.append(chosen(row) | {"cut": cut})
    return out


def chosen(row: Row) -> Row:
    """A row with its likeliest option: the first where two are equal, as the harness takes it."""
    values = row["values"]
    best = values.index(max(values))
    return row | {
        "chosen": best,
        "tie": values.count(max(values)) > 1,
        "right": is_right(row, best),
    }


def judged(row: Row) -> Row:
    """A row with what its answer chose.

    An answer that names no option is wrong, ``unparsed`` says why; a question without one is neither right
    nor wrong, ``failure`` says why.
    """
    raw: Raw = row["raw"]
    if "failure" in raw:
        return row | {"chosen": None, "right": None, "unparsed": "", "failure": raw["failure"]}
    texts = choice.texts_of(row["context"], row["options"])
    found = choice.read(raw["answer"], row["options"], texts)
    right = found.place is not None and is_right(row, found.place)
    return row | {"chosen": found.place, "right": right, "unparsed": found.reason, "failure": ""}


def columns(tasks: Sequence[Task], rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Task -> its accuracy with the exact 95 % interval, and what a reader should know of its answers.

    An answer that names no option is wrong, and counted by its reason; a question without an answer (refused,
    absent from a file) is in no accuracy. A task without any answer has no value.
    """
    out = {}
    for task in tasks:
        mine = [row for row in rows if row["task"] == task.name]
        scored = [row for row in mine if not row.get("failure")]
        right = sum(row["right"] for row in scored)
        low, high = clopper_pearson(right, len(scored)) if scored else (None, None)
        shares = Counter(row["chosen"] for row in scored if row["chosen"] is not None)
        out[task.name] = {
            "column": task.column,
            "language": task.language,
            "value": right / len(scored) if scored else None,
            "low": low,
            "high": high,
            "n": len(scored),
            "published": task.published,
            "cut": sum(row.get("cut", 0) > 0 for row in scored),
            "ties": sum(row.get("tie", False) for row in scored),
            "chosen": {str(option): shares[option] / len(scored) for option in sorted(shares)},
            "unparsed": _counts(scored, "unparsed"),
            "failures": _counts(mine, "failure"),
        }
    return out


def _counts(rows: Sequence[Row], field: str) -> dict[str, int]:
    """Reason -> rows."""
    return dict(sorted(Counter(str(row[field]) for row in rows if row.get(field)).items()))


def macro(name: str, rows: Sequence[Row], plan: Plan) -> dict[str, Any]:
    """The mean of a group's columns, each equally heavy, questions drawn again for its interval."""
    members = groups()[name]
    mine = [row for row in rows if row["task"] in members and not row.get("failure")]
    of = [row["task"] for row in mine]
    draws = bootstrap.draw([f"{row['task']} {row['id']}" for row in mine], plan.resamples, plan.seed)
    estimate = bootstrap.macro([float(row["right"]) for row in mine], of, draws)
    return {**vars(estimate), "n": len(mine), "columns": len(set(of))}
