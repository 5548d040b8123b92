"""Every row's fate, decided before one is written: its side, why it is left out, or its place in the
shuffle."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bimedix2.dataset.batches import Bools, Ints, Unit
from bimedix2.dataset.components import NONE, Component, Components, assign, over
from bimedix2.dataset.leakage import Audit, LeakageConfig, Leaks
from bimedix2.dataset.mixture import MixtureConfig, cell_of, mix
from bimedix2.dataset.split import SIDES, TEST, TRAIN, Sides, SplitConfig, place
from bimedix2.dataset.survey import Survey
from bimedix2.errors import DataError

REASONS = (
    "",
    "broken-record",
    "duplicate-id",
    "missing-image",
    "translation-unreviewed",
    "no-component",
    "image-on-both-sides",
    "wording-of-the-other-side",
    "leak-content",
    "leak-source-id",
    "leak-subject",
    "leak-ngram",
    "duplicate",
    "over-count",
    *(f"mixture-{side.value}" for side in SIDES),
    "outside",
)
"""Why a row is left out, by its number; the last is of benchmarks' rows, which are not counted."""
NUMBER = {name: number for number, name in enumerate(REASONS)}


class Plan:
    """The fate of every row.

    Args:
        survey: the rows.
        folders: how many of the folders are written; rows of later ones are compared with alone.
        components: as the recipe declares them.

    Attributes:
        side: index into ``SIDES``.
        reason: index into ``REASONS``; 0 for what is written.
        position: place among the written rows, sides one after the other; -1 for the others.
        counts: how many rows of each side are written.
        component: index into ``components``, or -1.
    """

    def __init__(self, survey: Survey, folders: int, components: Mapping[str, Component]) -> None:
        self.survey = survey
        self.ids = survey.ids()
        self.components = list(components)
        self.side: Sides = np.zeros(survey.rows, dtype=np.int8)
        self.reason = np.zeros(survey.rows, dtype=np.uint8)
        self.position = np.full(survey.rows, -1, dtype=np.int64)
        self.component: Components = np.full(survey.rows, NONE, dtype=np.int16)
        self.counts = [0] * len(SIDES)
        self.image_rows, self.image_numbers, self.image_names = survey.images()
        self.outside = survey.column(lambda profile: profile.folder >= folders, np.bool_)
        self._other = np.full(survey.rows, -1, dtype=np.int32)
        self._said: dict[int, str] = {}

    @property
    def kept(self) -> Bools:
        """Which rows nothing has left out so far, those of benchmarks outside among them."""
        kept: Bools = np.asarray(self.reason == 0)
        return kept

    @property
    def mine(self) -> Bools:
        """Those of them that may be written."""
        mine: Bools = np.asarray(self.kept & ~self.outside)
        return mine

    def leave_out(
        self, rows: Ints, reason: str, other: Ints | None = None, said: Mapping[int, str] | None = None
    ) -> None:
        """Leave rows out, but those that were left out before.

        Args:
            rows: which.
            reason: one of ``REASONS``.
            other: the row that each is like, if any.
            said: row -> words for the person who looks it up.
        """
        still = self.reason[rows] == 0
        self.reason[rows[still]] = NUMBER[reason]
        if other is not None:
            self._other[rows[still]] = other[still]
        if said:
            self._said.update({row: said[row] for row in rows[still].tolist() if row in said})

    def why(self, row: int) -> tuple[str, str, str]:
        """Id, reason and what is to be said of a row that was left out."""
        reason = REASONS[self.reason[row]]
        other = int(self._other[row])
        number = int(self.survey.profile[row])
        profile = self.survey.profiles[number] if number >= 0 else None
        said = self._said.get(row, "")
        if other >= 0:
            said = f"{self.ids[other].as_py()}: {said}" if said else str(self.ids[other].as_py())
        elif profile is not None and reason == "wording-of-the-other-side":
            said = str(profile.wording)
        elif profile is not None and reason == "translation-unreviewed":
            said = ", ".join(profile.failed)
        elif profile is not None and reason == "no-component":
            said = f"{profile.source}, {profile.task}, {profile.language}"
        elif profile is not None and reason.startswith("mixture-"):
            said = profile.task
        elif reason == "over-count":
            said = self.components[self.component[row]]
        return str(self.ids[row].as_py()), reason, said

    def removed(self) -> dict[str, int]:
        """How many rows were left out, by reason."""
        counts = np.bincount(self.reason, minlength=len(REASONS))
        inner = zip(REASONS[1:-1], counts[1:-1].tolist(), strict=True)
        return {reason: count for reason, count in inner if count}

    def inside(self) -> int:
        """How many rows of the inputs there are, what is no record among them."""
        return self.survey.rows - int((self.reason == NUMBER["outside"]).sum())


def broken(plan: Plan, most: int, holders: Ints) -> None:
    """Leave out what is no record, has an id or shows an image that cannot be.

    Args:
        plan: of all rows.
        most: how many before it is an error.
        holders: image number -> the folder that has it, or -1.

    Raises:
        DataError: there are more, naming the last.
    """
    survey = plan.survey
    faults = survey.broken
    plan.leave_out(np.array(sorted(faults), dtype=np.int64), "broken-record", said=faults)
    rows = np.flatnonzero(plan.mine)
    _, first, inverse = np.unique(survey.key[rows], return_index=True, return_inverse=True)
    again = first[inverse] != np.arange(len(rows))
    later = rows[again]
    plan.leave_out(later, "duplicate-id", said=dict.fromkeys(later.tolist(), "an earlier record has this id"))
    lost = np.flatnonzero((holders[plan.image_numbers] < 0) & plan.mine[plan.image_rows])
    missing = {
        row: f"image {plan.image_names[number].as_py()[:12]} is in no input's images/"
        for row, number in zip(plan.image_rows[lost].tolist(), plan.image_numbers[lost].tolist(), strict=True)
    }
    plan.leave_out(np.unique(plan.image_rows[lost]), "missing-image", said=missing)
    said = [*faults.values(), *(f"{plan.ids[row].as_py()}: {what}" for row, what in missing.items())]
    if len(said) > most:
        raise DataError(
            f"{len(said)} records are broken, more than 'max_broken' ({most}), the last: {said[-1]}"
        )


def unreviewed(plan: Plan) -> None:
    """Leave out translations that fail a check and that no reviewer has looked at, on every side. Those of
    benchmarks outside are not written, and stand guard over training all the same."""
    failed = plan.survey.column(lambda profile: bool(profile.failed), np.bool_)
    plan.leave_out(np.flatnonzero(plan.mine & failed), "translation-unreviewed")


def holders_of(names: pa.Array, folders: Sequence[Path]) -> Ints:
    """Image number -> the number of the first folder that has the file, or -1."""
    found = np.full(len(names), -1, dtype=np.int64)
    for number in reversed(range(len(folders))):
        there = pa.array(_stored(folders[number] / "images"), type=pa.string())
        found[pc.is_in(names, value_set=there).to_numpy(zero_copy_only=False)] = number
    return found


def _stored(images: Path) -> list[str]:
    if not images.is_dir():
        return []
    return [file for part in os.scandir(images) if part.is_dir() for file in os.listdir(part)]


def sort_out(
    plan: Plan, split: SplitConfig, components: Mapping[str, Component], folders: Mapping[Path, int]
) -> None:
    """Give every row its side and its component, and leave out what trains and belongs to none."""
    plan.side = place(plan.survey, split)
    plan.leave_out(np.flatnonzero(plan.outside & (plan.side != TEST)), "outside")
    if components:
        plan.component = assign(plan.survey, components, folders)
        plan.leave_out(
            np.flatnonzero(plan.mine & (plan.component == NONE) & (plan.side != TEST)), "no-component"
        )


def audit_of(plan: Plan, units: Sequence[Unit], leakage: LeakageConfig, workers: int) -> Audit:
    """Compare with the test side, and leave out what the recipe wants left out."""
    survey = plan.survey
    audit = Audit(survey, units, plan.side, leakage, workers)
    audit.pseudonyms(plan.kept)
    _leave_out(plan, audit.images(plan.image_rows, plan.image_numbers, plan.kept), "image-on-both-sides")
    held = survey.column(lambda profile: profile.wording == "held_out", np.bool_)
    worded = survey.column(lambda profile: profile.wording is not None, np.bool_)
    trains = plan.side == TRAIN
    other_side = np.flatnonzero(plan.mine & worded & (trains == held))
    plan.leave_out(other_side, "wording-of-the-other-side")
    _leave_out(plan, audit.identities("content", plan.kept), "leak-content")
    _leave_out(plan, audit.identities("source_id", plan.kept), "leak-source-id")
    _leave_out(plan, audit.identities("subject", plan.kept), "leak-subject")
    _leave_out(plan, audit.ngrams(plan.kept), "leak-ngram")
    return audit


def _leave_out(plan: Plan, leaks: Sequence[Leaks], reason: str) -> None:
    for leak in leaks:
        plan.leave_out(leak.rows, reason, leak.test, leak.words)


def deduplicate(plan: Plan) -> None:
    """Of records that say and show the same keep one: of the stricter side, then the first. Tests stay
    whole."""
    rows = np.flatnonzero(plan.mine & (plan.side != TEST))
    content = plan.survey.content[rows]
    order = np.lexsort((rows, -plan.side[rows], content[:, 1], content[:, 0]))
    ordered = content[order]
    head = np.append(True, (ordered[1:] != ordered[:-1]).any(axis=1)) if len(rows) else np.empty(0, np.bool_)
    first = rows[order][np.maximum.accumulate(np.where(head, np.arange(len(rows)), 0))]
    plan.leave_out(rows[order][~head], "duplicate", first[~head])


def cut(plan: Plan, components: Mapping[str, Component], seed: int) -> None:
    """Leave out of the training side what a component has above its published number."""
    trains = plan.mine & (plan.side == TRAIN)
    for number, one in enumerate(components.values()):
        if one.expected is not None and not one.whole:
            members = np.flatnonzero(trains & (plan.component == number))
            plan.leave_out(over(members, plan.survey.content, one.expected, seed), "over-count")


def draw(plan: Plan, mixtures: Sequence[MixtureConfig], meta: Sequence[str], seed: int) -> None:
    """Draw every side's mixture and shuffle it: the rows that are left get their positions.

    Args:
        plan: of all rows.
        mixtures: one a side.
        meta: the keys of ``meta`` that were looked at, as ``Looked.meta``.
        seed: of the order.
    """
    start = 0
    for side, mixture in enumerate(mixtures):
        rows = np.flatnonzero(plan.mine & (plan.side == side))
        cells, names, parts = _cells(plan, rows, mixture, meta)
        order, kept = mix(cells, names, parts, mixture, seed)
        plan.leave_out(rows[order[~kept]], f"mixture-{SIDES[side].value}")
        written = rows[order[kept]]
        plan.position[written] = start + np.arange(len(written))
        plan.counts[side] = len(written)
        start += len(written)
    outside = np.flatnonzero(plan.outside)
    plan.reason[outside] = NUMBER["outside"]


def _cells(
    plan: Plan, rows: Ints, mixture: MixtureConfig, meta: Sequence[str]
) -> tuple[Ints, list[tuple[str, ...]], list[str]]:
    """The cell of each row, the cells' names, and their components where these make cells."""
    by_component = "component" in mixture.balance
    kind = plan.survey.profile[rows].astype(np.int64) * (len(plan.components) + 1)
    kind += plan.component[rows].astype(np.int64) + 1 if by_component else 0
    unique, inverse = np.unique(kind, return_inverse=True)
    numbers: dict[tuple[str, ...], int] = {}
    parts: list[str] = []
    of_kind = np.empty(len(unique), dtype=np.int64)
    for place_, one in enumerate(unique.tolist()):
        profile, component = divmod(one, len(plan.components) + 1)
        part = plan.components[component - 1] if component else ""
        name = cell_of(plan.survey.profiles[profile], part, mixture.balance, meta)
        if name not in numbers:
            numbers[name] = len(numbers)
            parts.append(part)
        of_kind[place_] = numbers[name]
    return of_kind[inverse], list(numbers), parts
