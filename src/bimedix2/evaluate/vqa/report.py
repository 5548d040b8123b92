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


EXTRAS = (
    "This project's own, in no table of the paper. Open questions: the answer is the gold once both are "
    "cleaned (exact), or means the same by a table of synonyms (same). Closed ones, a leading yes or no read "
    "as one and both as none: a yes-rate far from the share of golds that are yes is a habit; precision and "
    "recall are of yes."
)
CLOSED = ("accuracy", "yes_rate", "precision", "recall", "F1")


def page(values: Mapping[str, Any], extras: Mapping[str, Any], frame: Frame) -> str:
    """Return Markdown.

    Args:
        values: mode -> numbers, as ``scores.every`` gives them.
        extras: benchmark -> numbers, as ``extras.every`` gives them.
        frame: the page's; its signatures are by mode.
    """
    parts: list[str] = []
    for mode, found in values.items():
        parts += [TITLES[mode], ABOUT[mode], _table(mode, found)]
        if mode == "compat":
            parts.append(_average(found.get("average")))
    parts += ["## Exact answers, other words, and yes (extras)", EXTRAS, _extras(extras)]
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


def _extras(found: Mapping[str, Any]) -> str:
    rows = []
    for name, one in found.items():
        rows.append(_extra(BENCHMARKS[name].title, one))
        rows += [_extra(f"{BENCHMARKS[name].title}: {kind}", of) for kind, of in one["modalities"].items()]
    heads = ["exact", "same", "open", *(key.replace("_", "-") for key in CLOSED), "gold yes", "closed"]
    return table(["", *heads], rows)


def _extra(name: str, one: Mapping[str, Any]) -> list[str]:
    open_, closed = one["open"], one["closed"]
    cells = [_rate(open_.get(key)) for key in ("exact", "same")]
    rates = [_rate(closed.get(key)) for key in CLOSED]
    share = f"{closed['right_statements'] / closed['n']:.3f}" if closed["n"] else "-"
    return [name, *cells, str(open_["n"]), *rates, share, str(closed["n"])]


def _rate(one: Mapping[str, Any] | None) -> str:
    if one is None or one["value"] is None:
        return "-"
    ends = "" if one["low"] is None else f" [{one['low']:.3f}, {one['high']:.3f}]"
    return f"{one['value']:.3f}{ends}"
