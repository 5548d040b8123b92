"""Scored items to columns: a judge's value and people's of the same thing, item by item.

A column is of scores (numbers whose distance counts) or of labels (values that are the same or not).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bimedix2.evaluate.mbench.judge import PAIRS
from bimedix2.evaluate.mbench.rubric import HIGHEST, LOWEST, fact_f1
from bimedix2.evaluate.trial.calibration.judged import CANDIDATE, REFERENCE, verdict_of

Row = dict[str, Any]
Values = Mapping[str, str | float]
"""Key of a mark -> what was said."""
Value = float | str


@dataclass(frozen=True)
class Rating:
    """What the judge said of one thing, and what each person did."""

    item: str
    cluster: str
    judge: Value
    people: dict[str, Value]


@dataclass(frozen=True)
class Column:
    """One thing that is compared, over all items."""

    name: str
    kind: Literal["scores", "labels"]
    ratings: list[Rating] = field(default_factory=list)
    order: tuple[float, ...] = ()
    """The values that a person can give, for ordinal agreement; none where they are computed."""
    unit: bool = True
    """Whether a point is a step of the scale: how many scores are the same is told then."""


def columns(rows: Sequence[Row], protocol: str) -> dict[str, Column]:
    """Every column of a protocol, the one that stands first in a sentence first.

    Args:
        rows: of ``answers.jsonl``.
        protocol: of the judge.
    """
    if protocol in PAIRS:
        return _pairs(rows)
    return _geval(rows) if protocol == "geval" else _rubric(rows)


def said(row: Row) -> dict[str, dict[str, str]]:
    """Person -> what they said of each mark; people who abstained are left out."""
    return {one["rater"]: one["scores"] for one in row["judgements"] if one["choice"] == "scored"}


def _column(
    rows: Sequence[Row],
    name: str,
    judge: Callable[[Row], Value],
    person: Callable[[dict[str, str]], Value],
    column: Column,
) -> tuple[str, Column]:
    """A column with one value an item."""
    for row in rows:
        people = {rater: person(scores) for rater, scores in said(row).items()}
        column.ratings.append(Rating(row["item"], row["cluster"], judge(row), people))
    return name, column


def _pooled(rows: Sequence[Row], column: Column, takes: Callable[[str], bool]) -> Column:
    """A column with a value for each mark that is taken."""
    for row in rows:
        people = said(row)
        for mark in row["marks"]:
            key = mark["key"]
            if takes(key):
                given = {rater: _value(scores[key], column) for rater, scores in people.items()}
                judge = _value(mark["judge"], column)
                column.ratings.append(Rating(row["item"], row["cluster"], judge, given))
    return column


def _value(value: Value, column: Column) -> Value:
    return float(value) if column.kind == "scores" else value


def _judge(row: Row) -> dict[str, Any]:
    return {mark["key"]: mark["judge"] for mark in row["marks"]}


def _pairs(rows: Sequence[Row]) -> dict[str, Column]:
    ten = tuple(float(value) for value in range(1, 11))
    out: dict[str, Column] = {}
    for name in (CANDIDATE, REFERENCE):
        out[name] = _pooled(rows, Column(name, "scores", order=ten), lambda key, name=name: key == name)  # type: ignore[misc]
    verdict = Column("verdict", "labels")
    relative = Column("relative score", "scores", unit=False)
    return out | dict(
        [
            _column(
                rows,
                verdict.name,
                lambda row: str(row["verdict"]),
                lambda given: verdict_of(float(given[CANDIDATE]), float(given[REFERENCE])),
                verdict,
            ),
            _column(
                rows,
                relative.name,
                lambda row: float(row["score"]),
                lambda given: 100 * float(given[CANDIDATE]) / float(given[REFERENCE]),
                relative,
            ),
        ]
    )


def _geval(rows: Sequence[Row]) -> dict[str, Column]:
    five = tuple(float(value) for value in range(LOWEST, HIGHEST + 1))
    everything = Column("all dimensions", "scores", order=five)
    out = {everything.name: _pooled(rows, everything, lambda _: True)}
    for name in dict.fromkeys(mark["key"] for row in rows for mark in row["marks"]):
        out[name] = _pooled(rows, Column(name, "scores", order=five), lambda key, name=name: key == name)  # type: ignore[misc]

    def score(given: dict[str, str]) -> float:
        mean = sum(float(value) for value in given.values()) / len(given)
        return 100 * (mean - LOWEST) / (HIGHEST - LOWEST)

    total = Column("score", "scores", unit=False)
    return out | dict([_column(rows, total.name, lambda row: float(row["score"]), score, total)])


def _rubric(rows: Sequence[Row]) -> dict[str, Column]:
    out = {}
    for name, start in (("facts", "fact-"), ("claims", "claim-")):
        out[name] = _pooled(rows, Column(name, "labels"), lambda key, start=start: key.startswith(start))  # type: ignore[misc]
    for name in ("in_language", "harmful"):
        out[name] = _pooled(rows, Column(name, "labels"), lambda key, name=name: key == name)  # type: ignore[misc]

    def score(given: dict[str, str]) -> float:
        facts, claims = (
            [value for key, value in given.items() if key.startswith(start)] for start in ("fact-", "claim-")
        )
        return 100 * fact_f1(facts, claims)[2] if given["in_language"] == "yes" else 0.0

    total = Column("score", "scores", unit=False)
    return out | dict([_column(rows, total.name, lambda row: float(row["score"]), score, total)])


HEADLINE = {"geval": ("all dimensions", "score"), "rubric": ("facts", "score")}
"""Protocol -> the columns that its sentence names; of those that score two answers see ``headline``."""


def headline(protocol: str) -> tuple[str, ...]:
    """The columns that a sentence about a calibration names."""
    return HEADLINE.get(protocol, (CANDIDATE, "verdict"))


def most(counts: Sequence[int]) -> int:
    """How many ratings most items have; the larger number where two are as frequent."""
    return max(Counter(counts).items(), key=lambda pair: (pair[1], pair[0]))[0]
