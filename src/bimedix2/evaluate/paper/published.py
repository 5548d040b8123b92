"""The paper's printed numbers, read from ``published.yaml``. Knows nothing about our own results.

A cell is a number as printed, or empty with a reason on file; the loader refuses an empty cell without one.
"""

import difflib
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from bimedix2.config import Settings
from bimedix2.errors import DataError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Unit = Literal["percent", "share", "number"]
Layout = Literal["models_down", "models_across"]


class Column(Settings):
    """A column of a table where models stand in rows, a row of one where they stand in columns."""

    key: str
    """How a row of ours names it."""
    label: str
    group: str = ""
    """What the paper prints above several columns: MMLU, or a data set."""
    n: int | None = None
    """Items behind it, where the specification says so."""
    decimals: int | None = None
    ours: bool = False
    """The paper has no such column; our rows bring it."""
    free: bool = False
    """Not bound to the table's unit (a raw RadCliQ is no share)."""


class Check(Settings):
    """A column that must recompute from others: a plain mean, or one with weights."""

    name: str
    column: str
    mean: list[str] = []
    weights: dict[str, int] = {}

    @model_validator(mode="after")
    def _one_of_both(self) -> "Check":
        if bool(self.mean) == bool(self.weights):
            raise ValueError("a check has either 'mean' or 'weights'")
        return self

    @property
    def shares(self) -> dict[str, float]:
        """Column -> its share of the mean; they sum to 1."""
        weights = self.weights or dict.fromkeys(self.mean, 1)
        return {key: weight / sum(weights.values()) for key, weight in weights.items()}


class Empty(Settings):
    """Cells that are empty, and why."""

    row: str = ""
    """A row's name; empty means every row."""
    columns: list[str] = Field(min_length=1)
    why: str = Field(min_length=1)


class Table(Settings):
    """One table of the paper, its cells as printed."""

    id: str
    title: str
    read: str
    """Where in the paper it was read."""
    unit: Unit
    decimals: int
    layout: Layout
    columns: list[Column] = Field(min_length=1)
    rows: dict[str, list[float | None]]
    checks: list[Check] = []
    empty: list[Empty] = []
    notes: str = ""

    @model_validator(mode="after")
    def _whole(self) -> "Table":
        keys = [column.key for column in self.columns]
        if len(set(keys)) < len(keys):
            raise ValueError(f"{self.id}: a column's key is written twice")
        printed = [column.key for column in self.columns if not column.ours]
        named = {key for check in self.checks for key in (check.column, *check.shares)}
        named |= {key for empty in self.empty for key in empty.columns}
        if unknown := sorted(named - set(keys)):
            raise ValueError(f"{self.id} has no column '{unknown[0]}'")
        for name, row in self.rows.items():
            if len(row) != len(printed):
                raise ValueError(f"{self.id}, row '{name}' has {len(row)} cells for {len(printed)} columns")
            for key, value in zip(printed, row, strict=True):
                if (value is None) != bool(self.why(name, key)):
                    raise ValueError(f"{self.id}, row '{name}': an empty '{key}' and a reason go together")
        return self

    @property
    def number(self) -> str:
        """As the paper calls it, for example ``Table 2``."""
        kind, _, rest = self.id.partition("-")
        return f"{kind.capitalize()} {rest.upper().replace('A51', 'A.5.1')}"

    def column(self, key: str) -> Column:
        """Return a column.

        Raises:
            DataError: there is none of that key; the nearest one is named.
        """
        for column in self.columns:
            if column.key == key:
                return column
        keys = [column.key for column in self.columns]
        near = difflib.get_close_matches(key, keys, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"columns are: {', '.join(keys)}"
        raise DataError(f"{self.id} has no column '{key}'; {hint}")

    def value(self, row: str, key: str) -> float | None:
        """A printed cell; ``None`` where it is empty, and in columns that the paper does not have."""
        printed = [column.key for column in self.columns if not column.ours]
        return self.rows[row][printed.index(key)] if key in printed else None

    def why(self, row: str, key: str) -> str:
        """Why a cell is empty; an empty text where it is not."""
        for empty in self.empty:
            if key in empty.columns and empty.row in ("", row):
                return empty.why
        return ""

    def places(self, key: str) -> int:
        """Decimals of a column."""
        own = self.column(key).decimals
        return self.decimals if own is None else own


Cell = tuple[str, str, str]
"""Table, row and column."""


class Published(Settings):
    """All tables, and cells that must agree with each other."""

    paper: str
    read: str
    tables: list[Table]
    agree: list[tuple[Cell, Cell]] = []

    @model_validator(mode="after")
    def _cells_exist(self) -> "Published":
        for table, row, key in (cell for pair in self.agree for cell in pair):
            if self.table(table).value(row, key) is None:
                raise ValueError(f"agree names {table}, {row}, {key}, which is empty")
        return self

    def table(self, id: str) -> Table:
        """Return a table.

        Raises:
            DataError: there is none of that id.
        """
        for table in self.tables:
            if table.id == id:
                return table
        raise DataError(f"there is no table '{id}'; tables are: {', '.join(t.id for t in self.tables)}")


def parse(text: str, where: str) -> Published:
    """Check YAML text as a file of published numbers.

    Raises:
        DataError: a row of the wrong length, an empty cell without a reason, a column that does not exist.
    """
    try:
        return Published.model_validate(yaml.load(text, Loader=_LOADER))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{where}: {place}: {first['msg']}; correct it there") from error


@cache
def load() -> Published:
    """The shipped numbers."""
    text = files("bimedix2.evaluate.paper").joinpath("published.yaml").read_text(encoding="utf-8")
    return parse(text, "published.yaml")
