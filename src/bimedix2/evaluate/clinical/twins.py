"""Arabic twins and their English originals: which questions are pairs, and how far the languages are apart.

Where both files name their questions, equal ids are pairs. Files without ids (MMLU's) are paired by row
number, which holds only where both have the same questions in the same order. In two languages only the
answer key tells that: a translation keeps it, while rows of different questions agree in about one of four.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bimedix2.evaluate.clinical.catalogue import Task
from bimedix2.evaluate.clinical.scores import Plan, Row, is_right
from bimedix2.stats import bootstrap
from bimedix2.stats.exact import clopper_pearson

TOLERATED = 0.05
"""Share of rows whose answer key a translation may correct; a bound of ours, not a published one."""
LEVEL = 0.98
"""Of the two-sided exact interval whose lower bound is held against ``TOLERATED``: one side is 99 %."""


@dataclass(frozen=True)
class Pairs:
    """The questions of two files that are the same."""

    by: Literal["id", "row"]
    pairs: list[tuple[Row, Row]]
    """Arabic and English; both may be without an answer."""
    differing: int = 0
    """Rows that are left out, since the right option is another one in English."""
    refused: str = ""
    """Why no row of one file may be taken for a row of the other."""


def pairs(ours: Sequence[Row], theirs: Sequence[Row]) -> Pairs:
    """Pair the questions of a twin with those of its original.

    By row number, rows with different right options are left out; where they are more than corrections of a
    key explain (``TOLERATED``, exact binomial test at 1 %), or the files differ in length, nothing is paired.

    Args:
        ours: the twin's rows of one prompt.
        theirs: the original's, of the same prompt.
    """
    if not (_numbered(ours) or _numbered(theirs)):
        english = {row["id"]: row for row in theirs}
        return Pairs("id", [(row, english[row["id"]]) for row in ours if row["id"] in english])
    english = {row["doc_id"]: row for row in theirs}
    if len(ours) != len(theirs):
        sentence = f"{len(ours)} questions here and {len(theirs)} in English, so rows are not pairs"
        return Pairs("row", [], refused=sentence)
    if {row["doc_id"] for row in ours} != english.keys():
        sentence = "the limit drew other rows of each, as it does from files of different lengths"
        return Pairs("row", [], refused=sentence)
    both = [(row, english[row["doc_id"]]) for row in ours]
    same = [(one, other) for one, other in both if _right(one) == _right(other)]
    differing = len(both) - len(same)
    if both and clopper_pearson(differing, len(both), LEVEL)[0] > TOLERATED:
        sentence = (
            f"in {differing} of {len(both)} rows another option is right than in English, more than a "
            "corrected key explains, so the files are not in the same order"
        )
        return Pairs("row", [], differing, sentence)
    return Pairs("row", same, differing)


def _numbered(rows: Sequence[Row]) -> bool:
    """Whether questions are known by their place in the file alone."""
    return all(row["id"] == str(row.get("doc_id")) for row in rows)


def _right(row: Row) -> int | None:
    """The place of the right option; ``None`` where it is none of them."""
    return next((place for place in range(len(row["options"])) if is_right(row, place)), None)


def gaps(tasks: Sequence[Task], rows: Sequence[Row], plan: Plan) -> dict[str, dict[str, Any]]:
    """Arabic twin -> its accuracy minus its English original's on the same questions, paired.

    ``by`` says how questions were paired, ``differing`` how many rows were left out; where ``refused`` says
    why nothing is paired there is no value.

    Args:
        tasks: that were asked.
        rows: of one prompt.
        plan: how intervals are drawn.
    """
    out = {}
    names = {task.name for task in tasks}
    for task in tasks:
        if task.twin not in names:
            continue
        sides = [[row for row in rows if row["task"] == name] for name in (task.name, task.twin)]
        found = pairs(*sides)
        scored = [(a, b) for a, b in found.pairs if not a.get("failure") and not b.get("failure")]
        about = {"twin": task.twin, "by": found.by, "differing": found.differing, "refused": found.refused}
        value: dict[str, Any] = {"value": None, "low": None, "high": None}
        if scored:
            scored.sort(key=lambda pair: str(pair[0]["id"]))
            draws = bootstrap.draw([a["id"] for a, _ in scored], plan.resamples, plan.seed)
            arabic, english = ([float(pair[side]["right"]) for pair in scored] for side in (0, 1))
            value = vars(bootstrap.difference(arabic, english, draws))
        if scored or found.refused or found.differing:
            out[task.name] = {**about, **value, "n": len(scored)}
    return out
