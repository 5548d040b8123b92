"""Table 1: what the paper says that models can do, and what this software does, each cell with its test."""

import csv
from functools import cache
from importlib.resources import files
from io import StringIO

import yaml
from pydantic import ValidationError, model_validator

from bimedix2.config import Settings
from bimedix2.errors import DataError
from bimedix2.evaluate.paper.tables import tex

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MARKS = {"y": "yes", "n": "no", None: "-"}
OURS = "this software"


class Shown(Settings):
    """One of our cells: the test that shows it, or what is missing."""

    test: str = ""
    why: str = ""

    @model_validator(mode="after")
    def _one_of_both(self) -> "Shown":
        if bool(self.test) == bool(self.why):
            raise ValueError("a cell of ours has a 'test' that shows it, or says 'why' not")
        return self


class Capabilities(Settings):
    """The table: marks of published systems, and our cells."""

    columns: dict[str, str]
    rows: dict[str, dict[str, str | None]]
    why_empty: str
    ours: dict[str, Shown]

    @model_validator(mode="after")
    def _whole(self) -> "Capabilities":
        keys = {name: set(row) for name, row in self.rows.items()} | {OURS: set(self.ours)}
        for name, found in keys.items():
            if found != set(self.columns):
                raise ValueError(f"row '{name}' does not have the columns {', '.join(self.columns)}")
        for name, marks in self.rows.items():
            if wrong := [mark for mark in marks.values() if mark not in MARKS]:
                raise ValueError(f"row '{name}': '{wrong[0]}' is no mark; marks are y, n and null")
        return self


def parse(text: str, where: str) -> Capabilities:
    """Check YAML text as a table of capabilities.

    Raises:
        DataError: a row lacks a column, or a cell of ours has neither a test nor a reason.
    """
    # "n" and "y" are letters here: PyYAML takes only "no" and "yes" for booleans.
    try:
        return Capabilities.model_validate(yaml.load(text, Loader=_LOADER))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{where}: {place}: {first['msg']}; correct it there") from error


@cache
def load() -> Capabilities:
    """The shipped table."""
    text = files("bimedix2.evaluate.paper").joinpath("capabilities.yaml").read_text(encoding="utf-8")
    return parse(text, "capabilities.yaml")


def _grid(table: Capabilities) -> tuple[list[str], list[list[str]]]:
    """Head and body, the published systems first."""
    body = [[name, *(MARKS[row[key]] for key in table.columns)] for name, row in table.rows.items()]
    body.append([OURS, *("code" if table.ours[key].test else "no" for key in table.columns)])
    return ["Model", *table.columns], body


def comma_separated(table: Capabilities) -> str:
    """The table as CSV; its last row has the tests of our cells, or what is missing."""
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    head, body = _grid(table)
    writer.writerows([head, *([("" if cell == "-" else cell) for cell in cells] for cells in body)])
    writer.writerow(
        [f"{OURS}, shown by", *(table.ours[key].test or table.ours[key].why for key in table.columns)]
    )
    return file.getvalue()


def latex(table: Capabilities) -> str:
    """A ``table`` environment (packages: booktabs, amssymb)."""
    marks = {"yes": r"\checkmark", "no": r"$\times$", "code": r"\checkmark$^{*}$", "-": "-"}
    head, body = _grid(table)
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\begin{{tabular}}{{l{'c' * len(table.columns)}}}",
        r"\toprule",
    ]
    lines += [" & ".join(map(tex, head)) + r" \\", r"\midrule"]
    for name, *cells in body:
        lines += [r"\midrule"] if name == OURS else []
        lines.append(" & ".join([tex(name), *(marks[cell] for cell in cells)]) + r" \\")
    named = "; ".join(f"{key}: {long}" for key, long in table.columns.items())
    said = f"Tasks and modalities. {named}. Empty: {table.why_empty}. * A test shows that the code does it."
    lines += [r"\bottomrule", r"\end{tabular}", rf"\caption{{{tex(said)}}}", r"\label{tab:table-1}"]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def linked(table: Capabilities, root: str) -> str:
    """Our row alone as Markdown, each cell a link to the file of the test that shows it.

    Args:
        table: the table.
        root: the repository's root, as the page sees it.
    """
    lines = ["| " + " | ".join(table.columns) + " |", "| " + " | ".join(["---"] * len(table.columns)) + " |"]
    cells = []
    for key in table.columns:
        file, _, name = table.ours[key].test.partition("::")
        cells.append(f"[{name}]({root}/{file})" if file else f"no: {table.ours[key].why}")
    return "\n".join([*lines, "| " + " | ".join(cells) + " |"])


def markdown(table: Capabilities) -> str:
    """The table, then our cells with their tests."""
    head, body = _grid(table)
    lines = [head, ["---"] * len(head), *body]
    parts = ["# Table 1: Tasks and modalities", "\n".join("| " + " | ".join(cells) + " |" for cells in lines)]
    named = ", ".join(f"{key}: {long}" for key, long in table.columns.items())
    parts.append(f"{named}. Empty: {table.why_empty}.")
    parts.append(
        '"code": the named test shows that the code does it; that a trained model does it well, '
        "no test shows."
    )
    cells = [
        f"- {key}: `{cell.test}`" if cell.test else f"- {key}: no, {cell.why}"
        for key, cell in table.ours.items()
    ]
    return "\n\n".join([*parts, "\n".join(cells)]) + "\n"
