"""The page of scores of visual questions: Table 5's columns, a row a benchmark, Arabic apart."""

from collections.abc import Mapping
from typing import Any

from bimedix2.evaluate.report import Frame, table
from bimedix2.evaluate.vqa.load import BENCHMARKS
from bimedix2.evaluate.vqa.scores import COLUMNS, PRECISION, STEM

TITLES = {
    "compat": "## MultiMedEval's scores (compat)",
    "arabic": "## Our scores for Arabic (arabic)",
}
ABOUT = {
    "compat": (
        "The numbers of MultiMedEval 1.0.0, as in the paper's Table 5, peculiarities included. A closed "
        "question's gold is yes or no; an open answer is right with three quarters of the gold's words."
    ),
    "arabic": (
        "Spelling is folded, Arabic yes and no make closed questions, an answer that says both is wrong. "
        "These numbers are this project's own and must not be compared with MultiMedEval's. "
        "In brackets: words without their light prefixes."
    ),
}


def page(values: Mapping[str, Any], frame: Frame) -> str:
    """Return Markdown.

    Args:
        values: mode -> numbers, as ``scores.every`` gives them.
        frame: the page's; its signatures are by mode.
    """
    parts: list[str] = []
    for mode, found in values.items():
        parts += [TITLES[mode], ABOUT[mode], _table(mode, found)]
        if mode == "compat":
            parts.append(_average(found.get("average")))
    parts.append(
        "Shares from 0 to 1, in brackets behind them 95 % bootstrap intervals over pictures (where all "
        "answers agree, the exact binomial interval with a picture as one trial)."
    )
    return frame.page(parts, _odd(values))


def _table(mode: str, found: Mapping[str, Any]) -> str:
    rows = []
    for name, one in found["benchmarks"].items():
        cells = [_cell(one, key, mode) for key in [*COLUMNS, PRECISION]]
        counts = f"{one['n']} ({one['closed']} closed, {one['open']} open), {one['images']} pictures"
        rows.append([BENCHMARKS[name].title, *cells, counts])
    return table(["", *COLUMNS.values(), PRECISION, "questions"], rows)


def _cell(one: Mapping[str, Any], key: str, mode: str) -> str:
    kind = "closed" if key.startswith("closed") else "open" if key.startswith("open") else "n"
    if not one[kind]:
        return "no such question"
    words = f"{one['values'][key]:.3f}"
    if mode == "arabic" and key + STEM in one["values"]:
        words += f" ({one['values'][key + STEM]:.3f})"
    ends = one["intervals"][key]
    return words if ends is None else f"{words} [{ends[0]:.3f}, {ends[1]:.3f}]"


def _average(mean: Mapping[str, Any] | None) -> str:
    if mean is None:
        return "Average of Table 5's 18 cells: not all of them are here."
    ends = "" if mean["low"] is None else f" [{mean['low']:.3f}, {mean['high']:.3f}]"
    return f"Average of Table 5's 18 cells: {mean['value']:.3f}{ends}"


def _odd(values: Mapping[str, Any]) -> str:
    rows = []
    for found in values.values():
        for name, one in found["benchmarks"].items():
            odd = one["odd"]
            reasons = "; ".join(f"{count} {reason}" for reason, count in one["failures"].items())
            both = str(one["values"].get("contradictory", "-"))
            counts = [str(sum(one["failures"].values())), str(odd["empty"]), str(odd["cut"])]
            rows.append([name, *counts, both, reasons or "-"])
    head = ["benchmark", "no score", "empty", "cut at max_tokens", "yes and no at once", "why no score"]
    return table(head, rows)
