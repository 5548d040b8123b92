"""The sealed folder, its judgements and its key, joined; to open the key is logged before it is read."""

import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.errors import DataError, RunError
from bimedix2.evaluate.trial.seal import FORMAT, ITEMS
from bimedix2.manifest import folder_hash, read_manifest, verify

JUDGEMENTS = "judgements.jsonl"
CHOICES = ("best", "tie", "abstain")
SCORED = ("scored", "abstain")
"""What can be said of an item that has scales."""


@dataclass(frozen=True)
class Judged:
    """One person's last choice of one item, in the models' names."""

    item: str
    rater: str
    choice: str
    """``best``, ``tie`` or ``abstain``."""
    best: tuple[str, ...]
    """The chosen model; of a tie those that are tied; of an abstention none."""
    labels: tuple[str, ...]
    notes: str
    seconds: float | None
    time: str
    revisions: int

    @property
    def value(self) -> str:
        """What agreement is measured on: the model, or that there was a tie."""
        return self.best[0] if self.choice == "best" else self.choice


@dataclass(frozen=True)
class Opened:
    """A trial without its seal."""

    models: tuple[str, ...]
    items: dict[str, dict[str, Any]]
    key: dict[str, Any]
    judged: list[Judged]
    sealed: dict[str, Any]
    """What the sealed folder's manifest says of the trial."""
    closed: dict[str, Any]
    """What the judgements' manifest says of it."""
    log: list[dict[str, Any]] = field(default_factory=list)
    """Every un-blinding of this key, this one last."""

    def label(self, item: str, model: str) -> str:
        """Under which label a model stood."""
        labels: Mapping[str, str] = self.key["items"][item]["labels"]
        return next(label for label, name in labels.items() if name == model)

    def of_items(self) -> dict[str, list[Judged]]:
        """Judgements by item, in the items' order."""
        found: dict[str, list[Judged]] = {item: [] for item in self.items}
        for judged in self.judged:
            found[judged.item].append(judged)
        return found


def log_of(key: Path) -> Path:
    """Where the un-blindings of a key are logged: beside it, a line each, only ever added to."""
    return key.with_name(f"{key.name}.unblinded.jsonl")


@dataclass(frozen=True)
class Checked:
    """A trial, its judgements under labels and its key, still closed; they belong together."""

    key: Path
    about: dict[str, Any]
    """What the sealed folder's manifest says of the trial."""
    closed: dict[str, Any]
    """What the judgements' manifest says of it."""
    items: dict[str, dict[str, Any]]
    rows: list[dict[str, Any]]
    judgements: str
    """The hash of the judgements' folder."""


def check(sealed: Path, judgements: Path, key: Path) -> Checked:
    """Check that the three belong together, and every judgement, with the key closed.

    Args:
        sealed: the folder that was sealed.
        judgements: the folder that ``review close`` wrote.
        key: the file that tells which model stands under which label.

    Raises:
        RunError: a folder is not finished or was changed, or the three do not belong together.
        DataError: a judgement is of no item, or chooses a label that the item has not.
    """
    verify(sealed)
    verify(judgements)
    about = read_manifest(sealed).get("trial")
    closed = read_manifest(judgements).get("trial")
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise RunError(f"{sealed} is no sealed trial of format {FORMAT}; give the folder that 'seal' wrote")
    if not isinstance(closed, dict):
        raise RunError(f"{judgements} holds no judgements of a trial; give the folder of 'review close'")
    if closed.get("sealed") != folder_hash(sealed):
        raise RunError(f"{judgements} are judgements of another trial than {sealed}; give its own")
    if not key.is_file() or io.sha256_file(key) != about["key_sha256"]:
        raise RunError(f"{key} is not the key of {sealed}; give the file that was written with it, unchanged")
    items = {row["id"]: row for _, row in io.read_jsonl(sealed / ITEMS)}
    rows = []
    for number, row in io.read_jsonl(judgements / JUDGEMENTS):
        _check(row, items, f"{judgements / JUDGEMENTS} line {number}")
        rows.append(row)
    if not rows:
        raise DataError(f"{judgements} holds no judgement; serve the trial, and close it again")
    _refuse_doubles(rows, judgements)
    return Checked(key, about, closed, items, rows, folder_hash(judgements))


def open_key(checked: Checked, by: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Log the un-blinding, then read the key; return it with the whole log, this un-blinding last."""
    of = {"sealed": checked.closed["sealed"], "judgements": checked.judgements}
    log = _log(checked.key, checked.about["key_sha256"], by, of)
    key: dict[str, Any] = io.read_json(checked.key)
    return key, log


def unblind(checked: Checked, by: str) -> Opened:
    """Log the un-blinding, then open the key and join it with the judgements.

    Args:
        checked: what belongs together.
        by: who opens the key.
    """
    opened, log = open_key(checked, by)
    return Opened(
        models=tuple(model["name"] for model in opened["models"]),
        items=checked.items,
        key=opened,
        judged=[_judged(row, opened) for row in checked.rows],
        sealed=checked.about,
        closed=checked.closed,
        log=log,
    )


def _check(row: Any, items: Mapping[str, dict[str, Any]], where: str) -> None:
    """Refuse a judgement that is none of this trial's.

    Raises:
        DataError: what is wrong with it.
    """
    item = items.get(str(row.get("item"))) if isinstance(row, dict) else None
    if item is None:
        raise DataError(f"{where} is of no item of the trial; close the review again")
    if item.get("scales"):
        _check_scores(row, item, where)
        return
    labels = [answer["label"] for answer in item["answers"]]
    chosen = row.get("labels")
    if (
        row.get("choice") not in CHOICES
        or not isinstance(row.get("rater"), str)
        or not isinstance(chosen, list)
        or not all(isinstance(label, str) for label in chosen)
        or len(set(chosen)) < len(chosen)
        or not set(chosen) <= set(labels)
        or not {"best": len(chosen) == 1, "tie": len(chosen) > 1, "abstain": not chosen}[row["choice"]]
    ):
        raise DataError(
            f"{where}: '{row.get('choice')}' of {chosen} is no choice among {', '.join(labels)}; "
            "close the review again"
        )


def _check_scores(row: dict[str, Any], item: dict[str, Any], where: str) -> None:
    """Refuse scores that are not one value of each of the item's scales."""
    values = {scale["id"]: scale["values"] for scale in item["scales"]}
    given = row.get("scores", {})
    whole = isinstance(given, dict) and given.keys() == values.keys()
    if (
        row.get("choice") not in SCORED
        or not isinstance(row.get("rater"), str)
        or (row["choice"] == "abstain" and given)
        or (row["choice"] == "scored" and not (whole and all(given[key] in values[key] for key in values)))
    ):
        raise DataError(
            f"{where}: '{row.get('choice')}' with {len(given or ())} scores is not one value on each of the "
            f"item's {len(values)} scales; close the review again"
        )


def _refuse_doubles(rows: list[dict[str, Any]], folder: Path) -> None:
    counts = Counter((row["item"], row["rater"]) for row in rows)
    double = [pair for pair, count in counts.items() if count > 1]
    if double:
        raise DataError(
            f"{folder / JUDGEMENTS} has item {double[0][0]} by {double[0][1]} twice; close the review again"
        )


def _log(key: Path, key_hash: str, by: str, of: dict[str, str]) -> list[dict[str, Any]]:
    """Add this un-blinding to the log beside the key; return the whole log."""
    path = log_of(key)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    line = io.canonical_json({"by": by, "at": now, "key_sha256": key_hash, **of})
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())  # on the disk before the key is read, whatever happens next
    return [row for _, row in io.read_jsonl(path)]


def _judged(row: dict[str, Any], key: dict[str, Any]) -> Judged:
    labels = key["items"][row["item"]]["labels"]
    return Judged(
        item=row["item"],
        rater=row["rater"],
        choice=row["choice"],
        best=tuple(labels[label] for label in row["labels"]),
        labels=tuple(row["labels"]),
        notes=str(row.get("notes", "")),
        seconds=row.get("seconds"),
        time=str(row.get("time", "")),
        revisions=int(row.get("revisions", 0)),
    )


def by_rater(judged: list[Judged]) -> dict[str, list[Judged]]:
    """Judgements by who made them."""
    found: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        found[one.rater].append(one)
    return dict(sorted(found.items()))
