"""From rows to numbers of the two scorings, which are never mixed: ``compat`` (published) and ``ours``.

``ours``: the divisor is the number of questions that have an answer, an answer that cannot be read is wrong.
Points keep the published weights (1 and -0.25) and are a mean a question. All is computed from the rows as
they stand in ``answers.jsonl``, so that a replay gives the same digits.
"""

from collections.abc import Sequence
from typing import Any

from bimedix2.evaluate.answering import failures, oddities, seed_of
from bimedix2.evaluate.medhalt import compat, reading
from bimedix2.evaluate.medhalt.load import MEMORY, Item
from bimedix2.stats import bootstrap
from bimedix2.stats.exact import clopper_pearson
from bimedix2.text.arabic import normalise

Row = dict[str, Any]


def judged(item: Item, answer: str) -> dict[str, Any]:
    """Both judgements of one answer: ``compat`` (English alone, else ``null``) and ``ours``."""
    published = compat.verdict(item.task, answer, item.gold) if item.language == "en" else None
    return {"compat": published, "ours": reading.read(item, answer).to_json()}


def item_of(row: Row) -> Item:
    """The question of a line of ``answers.jsonl``."""
    return Item(
        row["benchmark"],
        row["language"],
        row["source_id"],
        row["shown"],
        row["gold"],
        tuple(row["options"]),
        row["proposal"],
        row["topic"],
    )


def every(rows: Sequence[Row], resamples: int, seed: int) -> dict[str, Any]:
    """Mode -> language -> task -> numbers; ``compat`` of English alone."""
    out: dict[str, Any] = {"compat": {}, "ours": {}}
    for language in dict.fromkeys(row["language"] for row in rows):
        for task in dict.fromkeys(row["benchmark"] for row in rows if row["language"] == language):
            mine = [row for row in rows if (row["language"], row["benchmark"]) == (language, task)]
            there = [row for row in mine if not row["failure"]]
            if language == "en":
                found = compat.numbers([row["compat"] for row in there])
                out["compat"].setdefault(language, {})[task] = found
            lost = failures(row["failure"] for row in mine)
            odd = oddities(row["odd"] for row in mine)
            numbers = _ours(there, task, resamples, seed_of(seed, f"medhalt:{language}:{task}"))
            out["ours"].setdefault(language, {})[task] = {**numbers, "odd": odd, "failures": lost}
    return {mode: found for mode, found in out.items() if found}


def _share(count: int, total: int) -> dict[str, Any] | None:
    """A share with its exact 95 % interval; ``None`` over nothing."""
    if not total:
        return None
    low, high = clopper_pearson(count, total)
    return {"value": count / total, "low": low, "high": high, "count": count, "n": total}


def _ours(rows: Sequence[Row], task: str, resamples: int, seed: int) -> dict[str, Any]:
    said = [row["ours"] for row in rows]
    right = sum(one["right"] for one in said)
    out: dict[str, Any] = {
        "n": len(rows),
        "right": _share(right, len(rows)),
        "points": None
        if not rows
        else (right * compat.CORRECT + (len(rows) - right) * compat.WRONG) / len(rows),
        "unreadable": sum(one["kind"] == "unreadable" for one in said),
    }
    if task == "reasoning_FCT":
        return out | _confidence(rows, resamples, seed)
    return out | (_memory(rows) if task in MEMORY else {})


def _confidence(rows: Sequence[Row], resamples: int, seed: int) -> dict[str, Any]:
    """Of ``reasoning_FCT``: what becomes of the student's wrong and right answers.

    ``balanced verdicts`` is the mean of the shares of right verdicts on both, an unread one as wrong: to say
    "no" to everything does not raise it.
    """
    fits = [normalise(row["proposal"]) == normalise(row["gold"]) for row in rows]
    wrong = [row for row, fit in zip(rows, fits, strict=True) if not fit]
    fine = [row for row, fit in zip(rows, fits, strict=True) if fit]
    balanced = None
    if wrong and fine:
        values = [float(bool(row["ours"]["verdict"])) for row in rows]
        draws = bootstrap.draw([row["id"] for row in rows], resamples, seed)
        balanced = vars(bootstrap.macro(values, fits, draws))
    return {
        "accepts a wrong answer": _share(sum(row["ours"]["agrees"] is True for row in wrong), len(wrong)),
        "accepts a right answer": _share(sum(row["ours"]["agrees"] is True for row in fine), len(fine)),
        "balanced verdicts": balanced,
    }


def _memory(rows: Sequence[Row]) -> dict[str, Any]:
    """Articles that exist and invented ones apart: recalled, said to be unknown, or made up."""
    invented = [row for row in rows if row["invented"]]
    real = [row for row in rows if not row["invented"]]

    def share(some: Sequence[Row], kind: str) -> dict[str, Any] | None:
        return _share(sum(row["ours"]["kind"] == kind for row in some), len(some))

    return {
        "recalled": share(real, "right"),
        "declined": share(real, "declined"),
        "made up": _share(sum(row["ours"]["kind"] in ("wrong", "unreadable") for row in real), len(real)),
        "invented article, unknown": share(invented, "right"),
    }
