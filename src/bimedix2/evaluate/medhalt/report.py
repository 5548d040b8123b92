"""The page of Med-HALT's scores: the published numbers, and ours in a table apart."""

from collections.abc import Mapping
from typing import Any

from bimedix2.evaluate.report import Frame, table

NAMES = {"en": "English", "ar": "Arabic"}
ABOUT = {
    "compat": (
        "The numbers of Med-HALT's own code, peculiarities included (docs/medhalt.md): outputs that its "
        "pattern cannot read fall out of the accuracy, the point score is divided by 100 whatever the number "
        'of questions, and "all of the above" counts as declining a nonsensical question.'
    ),
    "ours": (
        "This project's own, not to be compared with published numbers: an answer that cannot be read is "
        'wrong, the divisor is the number of questions that have an answer, "all of the above" declines '
        "nothing. Per cent, in brackets exact 95 % intervals. **Points**: 1 and -0.25, mean a question."
    ),
}
TITLES = {"compat": "## Med-HALT's scores (compat)", "ours": "## Our scores (ours)"}


def page(values: Mapping[str, Any], frame: Frame) -> str:
    """Return Markdown; ``values`` as ``scores.every`` gives them, the frame's signatures by mode."""
    parts: list[str] = []
    for mode, found in values.items():
        parts += [TITLES[mode], ABOUT[mode]]
        if mode == "compat":
            parts.append(_compat(found["en"]))
            continue
        for language, tasks in found.items():
            parts += [f"### {NAMES[language]}", _ours(tasks), *_apart(tasks)]
    return frame.page(parts, _odd(values["ours"]))


def _compat(tasks: Mapping[str, Any]) -> str:
    rows = [
        [
            name,
            "-" if one["accuracy"] is None else f"{one['accuracy']:.3f}",
            f"{one['score']:.4f}",
            *(str(one[key]) for key in ("correct", "wrong", "out")),
        ]
        for name, one in tasks.items()
    ]
    return table(["", "accuracy", "point score", "correct", "wrong", "fell out"], rows)


def _cell(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return "-"
    if one["low"] is None:
        return f"{100 * one['value']:.1f}"
    return f"{100 * one['value']:.1f} [{100 * one['low']:.1f}, {100 * one['high']:.1f}]"


def _ours(tasks: Mapping[str, Any]) -> str:
    rows = [
        [
            name,
            _cell(one["right"]),
            "-" if one["points"] is None else f"{one['points']:+.3f}",
            str(one["n"]),
            str(one["unreadable"]),
        ]
        for name, one in tasks.items()
    ]
    return table(["", "right", "points", "questions", "unreadable"], rows)


def _apart(tasks: Mapping[str, Any]) -> list[str]:
    """What stands beside the share of right answers in false confidence and in memory."""
    parts = []
    columns = ("accepts a wrong answer", "accepts a right answer", "balanced verdicts")
    if "reasoning_FCT" in tasks:
        one = tasks["reasoning_FCT"]
        parts.append(table(["reasoning_FCT", *columns], [["", *(_cell(one[key]) for key in columns)]]))
    memory = ("recalled", "declined", "made up", "invented article, unknown")
    rows = [[name, *(_cell(one[key]) for key in memory)] for name, one in tasks.items() if "recalled" in one]
    return [*parts, table(["memory", *memory], rows)] if rows else parts


def _odd(languages: Mapping[str, Any]) -> str:
    rows = []
    for language, tasks in languages.items():
        for name, one in tasks.items():
            why = "; ".join(f"{count} {reason}" for reason, count in one["failures"].items())
            lost = str(sum(one["failures"].values()))
            rows.append(
                [f"{name}, {language}", lost, str(one["odd"]["empty"]), str(one["odd"]["cut"]), why or "-"]
            )
    return table(["task", "no score", "empty", "cut at max_tokens", "why no score"], rows)
