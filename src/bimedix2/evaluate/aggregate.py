"""From rows to numbers: means and macro means, each with its interval, its answers and its subjects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bimedix2.evaluate.rows import Row
from bimedix2.stats import bootstrap
from bimedix2.stats.exact import clopper_pearson

Value = Callable[[Row], bool]
Key = Callable[[Row], str]


@dataclass(frozen=True)
class Cell:
    """A share of answers, or a mean of such shares, with what stands behind it."""

    value: float
    low: float | None
    high: float | None
    n: int
    subjects: int
    """Records of a source that names no subject count as one."""
    unknown: int
    """Answers whose subject is unknown."""

    def to_json(self) -> dict[str, Any]:
        return {k: round(v, 6) if isinstance(v, float) else v for k, v in vars(self).items()}


@dataclass(frozen=True)
class Plan:
    """How intervals are drawn."""

    resamples: int
    seed: int


def right(row: Row) -> bool:
    return row.grade.right


def kept(row: Row) -> bool:
    """Whether the answer is in the question's language."""
    return row.grade.language


def cell(rows: Sequence[Row], plan: Plan, value: Value = right) -> Cell | None:
    """The share of rows with ``value``; ``None`` without rows."""
    if not rows:
        return None
    return _cell(rows, [float(value(row)) for row in rows], plan, None)


def macro(rows: Sequence[Row], key: Key, plan: Plan, value: Value = right) -> Cell | None:
    """The mean over groups of the groups' shares."""
    if not rows:
        return None
    return _cell(rows, [float(value(row)) for row in rows], plan, [key(row) for row in rows])


def _cell(rows: Sequence[Row], values: list[float], plan: Plan, groups: list[str] | None) -> Cell:
    subjects = [row.subject for row in rows]
    draws = bootstrap.draw(subjects, plan.resamples, plan.seed)
    estimate = bootstrap.mean(values, draws) if groups is None else bootstrap.macro(values, groups, draws)
    low, high = estimate.low, estimate.high
    if min(values) == max(values):
        # All alike: drawing again shows no spread. The exact interval, a subject counting as one trial.
        low, high = clopper_pearson(draws.clusters if values[0] else 0, draws.clusters)
    unknown = sum(not row.known_subject for row in rows)
    return Cell(estimate.value, low, high, len(rows), draws.clusters, unknown)


def by(rows: Sequence[Row], key: Key, plan: Plan, value: Value = right) -> dict[str, Cell]:
    """A cell for each group, in the groups' order."""
    names = sorted({key(row) for row in rows})
    made = {name: cell([row for row in rows if key(row) == name], plan, value) for name in names}
    return {name: one for name, one in made.items() if one is not None}


SCOPES: dict[str, Callable[[Row], bool]] = {
    "together": lambda _: True,
    "sources that also train": lambda row: row.trains,
    "sources that never train": lambda row: not row.trains,
}
"""All held-out subjects, and apart: subjects like the training ones, and sources the model has never seen."""
TONGUES: dict[str, Callable[[Row], bool]] = {
    "both": lambda _: True,
    "en": lambda row: row.tongue == "en",
    "ar": lambda row: row.tongue == "ar",
}


def fact(kind: str) -> Key:
    """The true value of a kind."""
    return lambda row: str(row.sample.expected.facts.get(kind)) if row.sample.expected else ""


def of_type(rows: Sequence[Row], kind: str) -> list[Row]:
    """Questions of a type whose picture shows something medical."""
    return [row for row in rows if row.type == kind and _medical(row)]


def _medical(row: Row) -> bool:
    return row.sample.expected is not None and row.sample.expected.verdict != "unreadable"


def type_of(row: Row) -> str:
    """The question's type; questions about blank, noise and everyday pictures are one of their own."""
    return row.type if _medical(row) else f"{row.modality} picture"


def image_qa(rows: Sequence[Row], plan: Plan) -> dict[str, Any]:
    """Every table of the image questions."""
    out: dict[str, Any] = {}
    for scope, inside in SCOPES.items():
        for tongue, speaks in TONGUES.items():
            mine = [row for row in rows if inside(row) and speaks(row)]
            if mine:
                out[f"{scope}, {tongue}"] = _tables(mine, plan)
    return out


def _tables(rows: list[Row], plan: Plan) -> dict[str, Any]:
    modality, region = of_type(rows, "modality"), of_type(rows, "region")
    taught = [row for row in region if row.taught]
    single = [row for row in modality if row.sample.record.meta["form"] == "single"]
    return {
        "all": cell(rows, plan),
        "by type": by(rows, type_of, plan),
        "macro over types": macro(rows, type_of, plan),
        "modality questions": by(modality, fact("modality"), plan),
        "modality macro": macro(modality, fact("modality"), plan),
        "modality macro, single form": macro(single, fact("modality"), plan),
        "region questions": by(region, fact("region"), plan),
        "region macro": macro(taught, fact("region"), plan),
        "regions that no training picture shows": by(
            [row for row in region if not row.taught], fact("region"), plan
        ),
        "all questions by modality": by(rows, lambda row: row.modality, plan),
        "by form": by(rows, lambda row: str(row.sample.record.meta["form"]), plan),
        "answer in the question's language": cell(rows, plan, kept),
        "right terms in a malformed answer": sum(
            row.grade.terms and row.grade.language and not row.grade.well_formed for row in rows
        ),
        "names a cell or sign that is not annotated": sum(bool(row.grade.extra) for row in rows),
    }


def canary(rows: Sequence[Row], plan: Plan) -> dict[str, Any]:
    """Swapped pictures: accuracy against the label not shown, and how often what is shown is named."""
    out: dict[str, Any] = {}
    for kind in ("modality", "region"):
        mine = [row for row in rows if row.type == kind]
        out[kind] = {
            "against the original label": cell(mine, plan),
            "names what is shown": cell(mine, plan, lambda row: "followed" in row.grade.extra),
        }
    return out
