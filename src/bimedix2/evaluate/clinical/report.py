"""The page of scores: the paper's Table 2, a row a prompt, then every column with what stands behind it."""

from collections.abc import Sequence
from typing import Any

from bimedix2.evaluate.clinical.catalogue import groups, tasks
from bimedix2.evaluate.report import percent, table


def scores(values: dict[str, Any], partial: Sequence[str], model: str, signature: str) -> str:
    """Return Markdown.

    Args:
        values: prompt -> ``columns`` and ``groups``.
        partial: why these are no whole results, one sentence each; empty where they are.
        model: its name.
        signature: of the scores, in one line.
    """
    parts = [f"**Partial: {' '.join(partial)}**"] if partial else []
    parts += ["# Clinical knowledge", _notes()]
    every = {name for one in values.values() for name in one["columns"]}
    for group, members in groups().items():
        if every & set(members):
            parts += [f"## {group}", _wide(group, members, values, model)]
    alone = sorted(every - {member for members in groups().values() for member in members})
    parts += [f"## Columns\n\n{_long(values)}"]
    if alone:
        parts += [f"In no group: {', '.join(alone)}."]
    if any(one["gaps"] for one in values.values()):
        parts += [f"## Arabic minus English, the same questions\n\n{_gaps(values)}"]
    return "\n\n".join([*parts, "## Signature", f"`{signature}`"]) + "\n"


def paper_rows(
    values: dict[str, Any], partial: Sequence[str], model: str, signature: str
) -> list[dict[str, Any]]:
    """Rows of the paper's Table 2 for ``bimedix2.evaluate.paper``: in per cent, the average left to it."""
    out = []
    for prompt, one in values.items():
        mine = {tasks()[name].paper: column for name, column in one["columns"].items() if tasks()[name].paper}
        if mine:
            row = {
                "table": "table-2",
                "model": f"{model}, {prompt}",
                "values": {key: 100 * column["value"] for key, column in mine.items()},
                "intervals": {key: [100 * c["low"], 100 * c["high"]] for key, c in mine.items()},
                "signature": f"{signature}|prompt:{prompt}",
                "partial": " ".join(partial),
            }
            out.append(row)
    return out


def _notes() -> str:
    return (
        "Accuracy in per cent: the option of the highest log-likelihood after the prompt is the answer (the "
        "first where two are equal), not normalised by length. A group's average counts every column the "
        "same; it stands only where all its columns were asked. `plain` is the harness's text as it is, "
        "`chat` the same text as a user's turn through the checkpoint's chat template."
    )


def _wide(group: str, members: Sequence[str], values: dict[str, Any], model: str) -> str:
    """The layout of Table 2."""
    rows = []
    for prompt, one in values.items():
        cells = [_cell(one["columns"].get(name)) for name in members]
        mean = one["groups"].get(group)
        rows.append([f"{model}, {prompt}", *cells, _interval(mean) if mean else "-"])
    return table(["", *(tasks()[name].column for name in members), "Avg."], rows)


def _cell(column: dict[str, Any] | None) -> str:
    return percent(column["value"]) if column else "-"


def _interval(one: dict[str, Any]) -> str:
    if one["low"] is None:
        return percent(one["value"])
    return f"{percent(one['value'])} [{percent(one['low'])}, {percent(one['high'])}]"


def _long(values: dict[str, Any]) -> str:
    heads = ["task", "prompt", "language", "accuracy [exact 95 %]", "questions", "published"]
    rows = []
    for prompt, one in values.items():
        for name, column in one["columns"].items():
            published = str(column["published"] or "-")
            counts = [str(column["n"]), published, str(column["cut"]), str(column["ties"])]
            chosen = " / ".join(percent(share) for share in column["chosen"].values())
            rows.append([name, prompt, column["language"], _interval(column), *counts, chosen])
    return table([*heads, "prompts cut", "ties", "shares of the options chosen"], rows)


def _gaps(values: dict[str, Any]) -> str:
    rows = []
    for prompt, one in values.items():
        for name, gap in one["gaps"].items():
            interval = "" if gap["low"] is None else f" [{100 * gap['low']:+.1f}, {100 * gap['high']:+.1f}]"
            rows.append([name, gap["twin"], prompt, f"{100 * gap['value']:+.1f}{interval}", str(gap["n"])])
    return table(["Arabic", "English", "prompt", "points, paired", "questions"], rows)
