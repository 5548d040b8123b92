"""Table 1: what the paper says that models can do, and what this software does, each cell with its test."""

from functools import cache
from importlib.resources import files

import yaml
from pydantic import ValidationError, model_validator

from bimedix2.config import Settings
from bimedix2.errors import DataError

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


def markdown(table: Capabilities) -> str:
    """The table, then our cells with their tests."""
    lines = [["Model", *table.columns], ["---"] * (len(table.columns) + 1)]
    lines += [[name, *(MARKS[row[key]] for key in table.columns)] for name, row in table.rows.items()]
    lines.append([OURS, *("code" if table.ours[key].test else "no" for key in table.columns)])
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
