"""The page of scores: the paper's Table 2, a row a way of asking, then what stands behind every column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bimedix2.evaluate.answers_file import SHOWN
from bimedix2.evaluate.clinical.catalogue import groups, tasks
from bimedix2.evaluate.clinical.twins import TOLERATED
from bimedix2.evaluate.report import answers_file, percent, table

LABELS = {"plain": "plain, log-likelihood", "chat": "chat, log-likelihood", "answer": "written answer"}
"""Prompt -> which way it is scored, beside the model's name in every table."""

PAIRED = {"id": "id", "row": "row number"}
"""How questions were paired, in words."""
BY_ROW = (
    "Paired by row number: these files have no ids, so the question in a row of one is taken for the "
    "translation of the question in the same row of the other. Only their answer keys are compared: rows "
    'with another right option in English ("another key") are left out, and nothing is paired where they are '
    f"more than corrections explain (over {100 * TOLERATED:g} % of the rows, exact test at 1 %) or the files "
    "differ in length."
)


@dataclass(frozen=True)
class Stated:
    """What is printed.

    ``values``: prompt -> ``metric``, ``columns``, ``groups`` and ``gaps``. ``partial``: why these are no
    whole results, one sentence each. ``signatures``: prompt -> one line. ``notes``: how twins were made.
    """

    values: dict[str, Any]
    partial: Sequence[str]
    model: str
    signatures: dict[str, str]
    notes: Sequence[str] = ()

    def row(self, prompt: str) -> str:
        """The name of a prompt's row."""
        return f"{self.model}, {LABELS[prompt]}"


def scores(
    stated: Stated,
    rows: Sequence[Mapping[str, Any]],
    left: Mapping[str, str],
    faults: dict[str, list[str]],
) -> str:
    """Return Markdown.

    Args:
        stated: the numbers.
        rows: every question's, for those whose answers name no option.
        left: prompt -> why it was not asked.
        faults: what is wrong with an answers file, fault -> ids.
    """
    values = stated.values
    parts = [f"**Partial: {' '.join(stated.partial)}**"] if stated.partial else []
    parts += ["# Clinical knowledge", _notes(values)]
    if left:
        parts.append("\n".join(f"Not asked, '{prompt}': {reason}." for prompt, reason in left.items()))
    every = {name for one in values.values() for name in one["columns"]}
    for group, members in groups().items():
        if every & set(members):
            parts += [f"## {group}", _wide(group, members, stated)]
    alone = sorted(every - {member for members in groups().values() for member in members})
    parts += [f"## Columns\n\n{_long(values)}"]
    if alone:
        parts += [f"In no group: {', '.join(alone)}."]
    if any(one["gaps"] for one in values.values()):
        parts += [f"## Arabic minus English, the same questions\n\n{_gaps(values)}"]
    if stated.notes:
        parts.append(
            "## How the Arabic twins were made\n\n" + "\n".join(f"- {note}" for note in stated.notes)
        )
    if unread := _unread(rows):
        parts += [f"## Without an option\n\n{unread}"]
    parts += answers_file(faults)
    lines = "\n\n".join(f"`{line}`" for line in stated.signatures.values())
    return "\n\n".join([*parts, "## Signature", lines]) + "\n"


def paper_rows(stated: Stated) -> list[dict[str, Any]]:
    """Rows of the paper's Table 2 for ``bimedix2.evaluate.paper``: in per cent, the average left to it."""
    out = []
    for prompt, one in stated.values.items():
        mine = {
            tasks()[name].paper: column
            for name, column in one["columns"].items()
            if tasks()[name].paper and column["n"]
        }
        if mine:
            row = {
                "table": "table-2",
                "model": stated.row(prompt),
                "values": {key: 100 * column["value"] for key, column in mine.items()},
                "intervals": {key: [100 * c["low"], 100 * c["high"]] for key, c in mine.items()},
                "signature": stated.signatures[prompt],
                "partial": " ".join(stated.partial),
            }
            out.append(row)
    return out


def _notes(values: dict[str, Any]) -> str:
    """What the numbers are, of the ways that were asked."""
    parts = ["Accuracy in per cent."]
    if any(one["metric"] == "acc" for one in values.values()):
        parts.append(
            "Log-likelihood (`acc`, the harness's): the option of the highest log-likelihood after the "
            "prompt is the answer (the first where two are equal), not normalised by length. `plain` is the "
            "harness's text as it is, `chat` the same text as a user's turn through the chat template."
        )
    if "answer" in values:
        parts.append(
            "Written answer (`answer_acc`): the option is asked for in words and read from the answer; an "
            "answer that names none is wrong. It is another measure than log-likelihood and is not to be "
            "ranked with it."
        )
    parts.append(
        "A group's average counts every column the same; it stands only where all its columns were asked."
    )
    return " ".join(parts)


def _unread(rows: Sequence[Mapping[str, Any]]) -> str:
    """Questions whose answer names no option, or that have none: how many, why, and which first."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if reason := row.get("failure") or row.get("unparsed"):
            what = "not counted" if row.get("failure") else "counted as wrong"
            found.setdefault((row["task"], f"{reason} ({what})"), []).append(row["id"])
    lines = [
        [task, reason, str(len(ids)), ", ".join(ids[:SHOWN]) + (", ..." if len(ids) > SHOWN else "")]
        for (task, reason), ids in sorted(found.items())
    ]
    return table(["task", "why", "questions", "ids"], lines) if lines else ""


def _wide(group: str, members: Sequence[str], stated: Stated) -> str:
    """The layout of Table 2."""
    rows = []
    for prompt, one in stated.values.items():
        cells = [_cell(one["columns"].get(name)) for name in members]
        mean = one["groups"].get(group)
        rows.append([stated.row(prompt), *cells, _interval(mean) if mean else "-"])
    return table(["", *(tasks()[name].column for name in members), "Avg."], rows)


def _cell(column: dict[str, Any] | None) -> str:
    return percent(column["value"]) if column and column["n"] else "-"


def _interval(one: dict[str, Any]) -> str:
    if one["value"] is None:
        return "-"
    if one["low"] is None:
        return percent(one["value"])
    return f"{percent(one['value'])} [{percent(one['low'])}, {percent(one['high'])}]"


def _long(values: dict[str, Any]) -> str:
    heads = ["task", "prompt", "language", "metric", "accuracy [exact 95 %]", "questions", "published"]
    rows = []
    for prompt, one in values.items():
        for name, column in one["columns"].items():
            published = str(column["published"] or "-")
            counts = [str(column["n"]), published, str(column["cut"]), str(column["ties"])]
            chosen = " / ".join(percent(share) for share in column["chosen"].values())
            unread = str(sum(column["unparsed"].values()))
            about = [name, prompt, column["language"], one["metric"], _interval(column)]
            rows.append([*about, *counts, unread, chosen])
    tail = ["prompts cut", "ties", "name no option", "shares of the options chosen"]
    return table([*heads, *tail], rows)


def _gaps(values: dict[str, Any]) -> str:
    """The differences, how questions were paired, and what was not, with the reason."""
    rows: list[list[str]] = []
    notes: list[str] = []
    by_row = False
    for prompt, one in values.items():
        for name, gap in one["gaps"].items():
            by_row = by_row or gap["by"] == "row"
            points = "-" if gap["value"] is None else f"{100 * gap['value']:+.1f}"
            if gap["low"] is not None:
                points += f" [{100 * gap['low']:+.1f}, {100 * gap['high']:+.1f}]"
            out = "-" if gap["by"] == "id" else str(gap["differing"])
            rows.append([name, gap["twin"], prompt, points, str(gap["n"]), PAIRED[gap["by"]], out])
            if gap["refused"]:
                notes.append(f"- {name} ({prompt}) is not paired: {gap['refused']}.")
    heads = ["Arabic", "English", "prompt", "points, paired", "questions", "paired by", "another key"]
    parts = [table(heads, rows)]
    if by_row:
        parts.append(BY_ROW)
    return "\n\n".join([*parts, *(["\n".join(notes)] if notes else [])])
