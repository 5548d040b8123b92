"""A sheet of responses for a person to label, and how far the judge agrees with that person.

UPHILL's authors checked their judge against people; a local judge needs it more. The sheet does not show the
judge's labels.
"""

import csv
import io as text_io
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bimedix2.errors import DataError
from bimedix2.evaluate.uphill.judge import LABELS
from bimedix2.evaluate.uphill.scores import Plan
from bimedix2.stats import bootstrap
from bimedix2.stats.agreement import cohen_kappa
from bimedix2.stats.exact import clopper_pearson

SHEET = "handcheck.csv"
"""In a folder of scores; copy it, and fill its column ``label``."""
COLUMNS = ("id", "claim", "response", "label")
ROWS = 100
"""Responses on the sheet, as the specification asks for."""
Row = dict[str, Any]


def sheet(rows: Sequence[Row], seed: int) -> str:
    """CSV with an empty label a line: responses drawn by the seed, as equally of each label as there are.

    An empty response, which the judge never saw, is left out.
    """
    draw = random.Random(f"{seed}:handcheck")
    piles = []
    for label in LABELS:
        pile = [row for row in rows if row["label"] == label and row["answer"].strip()]
        piles.append(draw.sample(pile, len(pile)))
    chosen: list[Row] = []
    while any(piles) and len(chosen) < ROWS:
        for pile in piles:
            if pile and len(chosen) < ROWS:
                chosen.append(pile.pop())
    draw.shuffle(chosen)
    file = text_io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([row["id"], row["claim"], row["answer"], ""] for row in chosen)
    return file.getvalue()


def read(path: Path) -> dict[str, tuple[str, str]]:
    """Read a filled sheet: id -> response and label; lines without a label are left out.

    Raises:
        DataError: it is no such sheet, a label is none, an id stands twice, or nothing is filled in.
    """
    found: dict[str, tuple[str, str]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            absent = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if absent:
                raise DataError(f"{path} has no column '{absent[0]}'; fill a copy of {SHEET}")
            for row in reader:
                label = (row["label"] or "").strip().lower()
                if not label:
                    continue
                where = f"{path} line {reader.line_num}"
                if label not in LABELS:
                    raise DataError(f"{where}: '{label}' is no label; there are {', '.join(LABELS)}")
                if row["id"] in found:
                    raise DataError(f"{where}: '{row['id']}' is labelled twice; keep one line")
                found[row["id"]] = (row["response"] or "", label)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; fill a copy of {SHEET} and name it there") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check it") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no CSV file in UTF-8 ({error}); save it as one") from error
    if not found:
        raise DataError(f"{path} has no label; fill its column 'label'")
    return found


def attach(rows: Sequence[Row], labels: dict[str, tuple[str, str]]) -> None:
    """Give the rows that the sheet has the person's label, under ``person``.

    Args:
        rows: with their responses.
        labels: of a filled sheet.

    Raises:
        DataError: a line of the sheet is of another response, or none is of these rows.
    """
    known = {row["id"]: row for row in rows}
    there = [name for name in labels if name in known]
    if not there:
        raise DataError("the sheet has no labelled response of this run; label this run's")
    for name in there:
        response, label = labels[name]
        if known[name]["answer"].split() != response.split():
            raise DataError(f"'{name}' on the sheet is another response than this run's; label this run's")
        known[name]["person"] = label


def agreement(rows: Sequence[Row], plan: Plan) -> dict[str, Any] | None:
    """The judge's labels beside a person's: share of equal ones (exact), kappa over claims, and the table.

    ``None`` where no row has both.
    """
    pairs = [(r["label"], r["person"], r["claim_id"]) for r in rows if r["label"] and r.get("person")]
    if not pairs:
        return None
    judge, person, claims = (list(column) for column in zip(*pairs, strict=True))
    equal = sum(one == other for one, other in zip(judge, person, strict=True))
    low, high = clopper_pearson(equal, len(pairs))
    kappa = cohen_kappa(judge, person, bootstrap.draw(claims, plan.resamples, plan.seed))
    return {
        "n": len(pairs),
        "equal": {"value": equal / len(pairs), "low": low, "high": high},
        "kappa": None if math.isnan(kappa.value) else vars(kappa),
        "table": {
            f"judge {one}": {f"person {other}": _both(judge, person, one, other) for other in LABELS}
            for one in LABELS
        },
    }


def _both(judge: Sequence[str], person: Sequence[str], one: str, other: str) -> int:
    """How often the judge said the one where the person said the other."""
    return sum((a, b) == (one, other) for a, b in zip(judge, person, strict=True))
