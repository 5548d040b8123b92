"""The page of HealthBench's scores: sets, themes, axes, scripts, verdicts, canaries."""

from collections.abc import Mapping, Sequence
from typing import Any

from bimedix2.evaluate.report import answers_file, table

NAMES = {"en": "English", "ar": "Arabic"}
GROUPS = {"theme": "Themes", "axis": "Axes of the rubrics"}
"""Kinds of tags that have a table; all others stand in ``scores.json`` alone."""


def page(
    values: Mapping[str, Any],
    partial: Sequence[str],
    model: str,
    signature: str,
    faults: Mapping[str, list[str]],
) -> str:
    """Return Markdown.

    Args:
        values: ``sets`` (name -> numbers), ``gaps`` and ``canaries``.
        partial: why these are no whole results, one sentence each; empty where they are.
        model: its name.
        signature: of the scores, in one line.
        faults: of an answers file, fault -> ids.
    """
    sets = values["sets"]
    parts = [f"**Partial: {' '.join(partial)}**"] if partial else []
    parts += ["# HealthBench", f"Model: {model}", _notes(), _overall(sets), *_groups(sets)]
    parts += ["## Script of the question", _scripts(sets), "## Verdicts", _verdicts(sets)]
    if values["gaps"]:
        parts += ["## The same cases in two languages", _gaps(values["gaps"])]
    parts += ["## Canaries of the grader", _canaries(values["canaries"])]
    parts += answers_file(faults)
    return "\n\n".join([*parts, "## Signature", f"`{signature}`"]) + "\n"


def _notes() -> str:
    return (
        "**Score**: the published number, the mean of items clipped to 0 to 100, with the published standard "
        "deviation over 1,000 resamples. **Mean**: not clipped, with a 95 % bootstrap interval over items. "
        "An item's score is the points of its met criteria over its positive points, and may be below 0. An "
        "item of which a verdict is missing has no score; **bounds**: the score, whatever the missing were."
    )


def _published(one: Mapping[str, Any] | None) -> str:
    return "-" if one is None else f"{100 * one['score']:.1f} (std {100 * one['std']:.1f})"


def _mean(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return "-"
    if one["low"] is None:
        return f"{100 * one['mean']:.1f}"
    return f"{100 * one['mean']:.1f} [{100 * one['low']:.1f}, {100 * one['high']:.1f}]"


def _overall(sets: Mapping[str, Any]) -> str:
    rows = []
    for name, one in sets.items():
        overall, ends = one["overall"], one["bounds"]
        rows.append(
            [
                name,
                _published(overall),
                _mean(overall),
                f"{0 if overall is None else overall['n']} of {one['items']}",
                "-" if ends is None else f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f}",
            ]
        )
    return table(["set", "score", "mean", "items with a score", "bounds"], rows)


def _groups(sets: Mapping[str, Any]) -> list[str]:
    parts = []
    for kind, title in GROUPS.items():
        rows = [
            [name, tag.partition(":")[2], _published(found), _mean(found), str(found["n"])]
            for name, one in sets.items()
            for tag, found in one["tags"].items()
            if tag.startswith(f"{kind}:")
        ]
        if rows:
            parts += [f"## {title}", table(["set", kind, "score", "mean", "items"], rows)]
    return parts


def _scripts(sets: Mapping[str, Any]) -> str:
    rows = [
        [name, kind, _published(found), _mean(found), str(found["n"])]
        for name, one in sets.items()
        for kind, found in one["scripts"].items()
    ]
    lines = [
        f"- {name}, {kind}: {count} answers"
        for name, one in sets.items()
        for kind, count in one["written"].items()
    ]
    note = "A script is no language: `latin` is English and Spanish alike."
    return "\n\n".join([table(["set", "script", "score", "mean", "items"], rows), note, "\n".join(lines)])


def _verdicts(sets: Mapping[str, Any]) -> str:
    rows = []
    for name, one in sets.items():
        met = [f"{one['met'][kind]['met']} of {one['met'][kind]['of']}" for kind in ("positive", "negative")]
        missing = "; ".join(f"{count} {why}" for why, count in one["verdicts"]["missing"].items())
        odd = f"{one['odd']['empty']} empty, {one['odd']['cut']} cut"
        median = one["characters"]
        length = "-" if median is None else f"{median:.0f}"
        rows.append([name, str(one["verdicts"]["rubrics"]), *met, missing or "none", odd, length])
    head = ["set", "rubrics", "wanted and met", "unwanted and met", "missing", "answers", "median characters"]
    return table(head, rows)


def _gaps(gaps: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for one in gaps:
        ends = "" if one["low"] is None else f" [{100 * one['low']:+.1f}, {100 * one['high']:+.1f}]"
        rows.append(
            [
                f"{one['first']} minus {one['second']}",
                f"{100 * one['value']:+.1f}{ends}",
                f"{one['p']:.4f}",
                str(one["n"]),
            ]
        )
    return table(["", "points, paired", "p (randomisation)", "items"], rows)


def _canaries(found: Sequence[Mapping[str, Any]]) -> str:
    rows = [[NAMES[one["language"]], one["verdict"], f"{one['right']} of {one['n']}"] for one in found]
    return table(["language", "verdict", "right"], rows)
