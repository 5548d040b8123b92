"""The paper's tables in the paper's layout, systems run here beside the published ones: Markdown, CSV, LaTeX.

A table with a partial result says so in its first line; every row that was run here names its signature.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO

from bimedix2.evaluate.paper.ours import OurRow, Rows
from bimedix2.evaluate.paper.published import Column, Published, Table

NONE = "-"
HERE = "run here"


@dataclass(frozen=True)
class System:
    """One system of a table: its name, its cells as text, and whether it was run here."""

    name: str
    cells: list[str]
    here: bool


def columns_of(table: Table, ours: Sequence[OurRow]) -> list[Column]:
    """The paper's columns, then columns of our own that a row of ours fills."""
    filled = {key for row in ours for key in row.values}
    return [column for column in table.columns if not column.ours or column.key in filled]


def systems_of(
    table: Table, ours: Sequence[OurRow], *, intervals: bool = False, full: bool = False
) -> list[System]:
    """Published systems in the paper's order, then ours.

    Args:
        table: what the paper prints.
        ours: complete rows.
        intervals: write intervals behind our values.
        full: write our values with six decimals.
    """
    columns = columns_of(table, ours)
    found = []
    for name in table.rows:
        cells = [_shown(table, column.key, table.value(name, column.key)) for column in columns]
        found.append(System(name, cells, False))
    for number, row in enumerate(ours, 1):
        cells = []
        for column in columns:
            value = row.values.get(column.key)
            text = _shown(table, column.key, value, 6 if full else None)
            if intervals and value is not None and column.key in row.intervals:
                low, high = (_shown(table, column.key, end) for end in row.intervals[column.key])
                text += f" [{low}, {high}]"
            cells.append(text)
        found.append(System(f"{row.model} ({HERE}, {number})", cells, True))
    return found


def _shown(table: Table, key: str, value: float | None, places: int | None = None) -> str:
    return NONE if value is None else f"{value:.{table.places(key) if places is None else places}f}"


def partial_of(ours: Sequence[OurRow]) -> str:
    """Why a table is no whole result, in one line; empty if it is one."""
    return "; ".join(f"{row.model}: {row.partial}" for row in ours if row.partial)


def markdown(table: Table, published: Published, rows: Rows) -> str:
    """A page of one table: the table, then signatures, empty cells and notes."""
    ours = rows.of(table.id)
    head, body = _grid(table, ours, systems_of(table, ours, intervals=True))
    partial = partial_of(ours)
    parts = [f"**Partial: {partial}. These rows are no result.**"] if partial else []
    parts.append(f"# {table.number}: {table.title}")
    parts.append("\n".join(_line(cells) for cells in [head, ["---"] * len(head), *body]))
    if ours:
        signed = [f"{number}. {row.model}: `{row.signature}`" for number, row in enumerate(ours, 1)]
        parts.append(f'Rows marked "{HERE}":\n\n' + "\n".join(signed))
    notes = [f"Published numbers: {published.paper} ({table.read}; {published.read})."]
    notes += [
        f"Empty: {', '.join(e.columns)}{f' of {e.row}' if e.row else ''}: {e.why}." for e in table.empty
    ]
    notes += [table.notes] if table.notes else []
    notes += [rows.rescaling.words()] if _rescaled(table) else []
    return "\n\n".join([*parts, "\n".join(f"- {note}" for note in notes)]) + "\n"


def _rescaled(table: Table) -> bool:
    return any(column.key == "bleu4_rescaled" for column in table.columns)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def _grid(
    table: Table, ours: Sequence[OurRow], systems: Sequence[System]
) -> tuple[list[str], list[list[str]]]:
    """Head and body in the paper's orientation, one head row."""
    columns = columns_of(table, ours)
    if table.layout == "models_down":
        head = ["Model", *(f"{c.group}: {c.label}" if c.group else c.label for c in columns)]
        return head, [[system.name, *system.cells] for system in systems]
    grouped = any(column.group for column in columns)
    first = ["Dataset", "Metric"] if grouped else ["Evaluation"]
    head = [*first, *(system.name for system in systems)]
    body, last = [], None
    for place, column in enumerate(columns):
        group = "" if column.group == last else column.group
        last = column.group
        names = [group, column.label] if grouped else [column.label]
        body.append([*names, *(system.cells[place] for system in systems)])
    return head, body


def comma_separated(table: Table, rows: Rows) -> str:
    """The same grid as CSV, our values with six decimals, and what our rows rest on at its end."""
    ours = rows.of(table.id)
    head, body = _grid(table, ours, systems_of(table, ours, full=True))
    file = StringIO()
    if partial := partial_of(ours):
        file.write(f"# Partial: {partial}. These rows are no result.\n")
    writer = csv.writer(file, lineterminator="\n")
    if table.layout == "models_down" and ours:
        head = [*head, "signature"]
        signatures = [""] * len(table.rows) + [row.signature for row in ours]
        body = [[*cells, signature] for cells, signature in zip(body, signatures, strict=True)]
    elif ours:
        blank = len(head) - len(ours) - 1
        body = [*body, ["signature", *[""] * blank, *(row.signature for row in ours)]]
    writer.writerows([head, *([("" if cell == NONE else cell) for cell in cells] for cells in body)])
    return file.getvalue()


_TEX = {
    "\\": r"\textbackslash{}",
    **{character: "\\" + character for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "†": r"$\dagger$",
    "<": r"$<$",
    ">": r"$>$",
}


def tex(text: str) -> str:
    """Text in which LaTeX finds no command."""
    return "".join(_TEX.get(character, character) for character in text)


def latex(table: Table, published: Published, rows: Rows) -> str:
    """A ``table`` environment (packages: booktabs; with Arabic in a model's name, XeLaTeX or LuaLaTeX)."""
    ours = rows.of(table.id)
    systems = systems_of(table, ours)
    head, body = _grid(table, ours, systems)
    down = table.layout == "models_down"
    names = len(head) - (len(columns_of(table, ours)) if down else len(systems))
    lines = []
    if partial := partial_of(ours):
        lines.append(f"% Partial: {partial}. These rows are no result.".replace("\n", " "))
    lines += [
        r"\begin{table}",
        r"\centering",
        rf"\begin{{tabular}}{{{'l' * names + 'r' * (len(head) - names)}}}",
    ]
    lines.append(r"\toprule")
    if down and any(column.group for column in table.columns):
        lines += _spans(columns_of(table, ours))
        head = ["Model", *(column.label for column in columns_of(table, ours))]
    lines += [_row(head), r"\midrule"]
    for place, cells in enumerate(body):
        # Rows run here stand apart; so does each data set where metrics go down.
        if place and (
            systems[place].here > systems[place - 1].here if down else bool(cells[0]) and names == 2
        ):
            lines.append(r"\midrule")
        lines.append(_row(cells))
    lines += [r"\bottomrule", r"\end{tabular}", rf"\caption{{{_caption(table, published, rows)}}}"]
    return "\n".join([*lines, rf"\label{{tab:{table.id}}}", r"\end{table}"]) + "\n"


def _row(cells: Sequence[str]) -> str:
    return " & ".join(tex(cell) for cell in cells) + r" \\"


def _spans(columns: Sequence[Column]) -> list[str]:
    """The row of group names above the labels, and the rules below it."""
    cells, rules, place = [""], [], 0
    while place < len(columns):
        group = columns[place].group
        end = place
        while end < len(columns) and columns[end].group == group:
            end += 1
        if group:
            cells.append(rf"\multicolumn{{{end - place}}}{{c}}{{{tex(group)}}}")
            rules.append(rf"\cmidrule(lr){{{place + 2}-{end + 1}}}")
        else:
            cells += [""] * (end - place)
        place = end
    return [" & ".join(cells) + r" \\", " ".join(rules)]


def _caption(table: Table, published: Published, rows: Rows) -> str:
    ours = rows.of(table.id)
    parts = [f"{table.title}. Published numbers: {published.paper}, {table.number}."]
    if partial := partial_of(ours):
        parts.append(f"Partial: {partial}.")
    parts += [f"({number}) {row.model}: {row.signature}." for number, row in enumerate(ours, 1)]
    if _rescaled(table):
        parts.append(rows.rescaling.words())
    return tex(" ".join(parts))
