"""Components: the parts that a published dataset names, which records are theirs, and how many there are.

``expected`` is what was published, ``available`` what the folders hold, ``built`` what the finished dataset
has.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field
from rich.console import Console
from rich.table import Table

from bimedix2.config import Settings
from bimedix2.dataset.batches import Ints
from bimedix2.dataset.survey import Profile, Survey
from bimedix2.records import Language

NONE = -1
Components = np.ndarray[tuple[int, ...], np.dtype[np.int16]]


class Component(Settings):
    """One component: conditions that a record must meet, all of them. The first component that fits takes
    it."""

    expected: int | None = Field(default=None, ge=1)
    """The published number of records; no more are taken, unless ``whole``."""
    whole: bool = False
    """Take every record that there is."""
    path: Path | None = None
    """The finished folder that holds it; without one it may stand in any of ``inputs``."""
    source: list[str] = []
    """Any of these sources; all where the list is empty, as for the other conditions."""
    task: list[str] = []
    language: list[Language] = []
    images: bool | None = None
    """Whether its records show images."""
    turns: Literal["single", "multi"] | None = None
    """One question, or several."""
    public: bool = True
    """Whether it can be rebuilt from public data; ``note`` says why not."""
    note: str = ""
    alternative: str = ""
    """What there is in its place, such as the authors' published file."""

    def fits(self, profile: Profile, folder: int | None) -> bool:
        """Whether records of a profile are the component's; ``folder`` is its own input's number."""
        return (
            (folder is None or profile.folder == folder)
            and (not self.source or profile.source in self.source)
            and (not self.task or profile.task in self.task)
            and (not self.language or profile.language in self.language)
            and (self.images is None or profile.pictured == self.images)
            and (self.turns is None or profile.turns == self.turns)
        )


@dataclass(frozen=True)
class Line:
    """A line of the table: records expected, available and built, and what must be said of the component."""

    name: str
    expected: int | None
    available: int
    built: int
    note: str


def assign(survey: Survey, components: Mapping[str, Component], folders: Mapping[Path, int]) -> Components:
    """The component of every row, an index into ``components``, or ``NONE``.

    Args:
        survey: the rows.
        components: as the recipe declares them.
        folders: input folder -> its number; a component whose folder is not there has no rows.
    """
    declared = list(components.values())

    def first(profile: Profile) -> int:
        for number, one in enumerate(declared):
            if one.path is not None and one.path not in folders:
                continue
            if one.fits(profile, None if one.path is None else folders[one.path]):
                return number
        return NONE

    return survey.column(first, np.int16)


def over(
    members: Ints, content: np.ndarray[tuple[int, ...], np.dtype[np.uint64]], most: int, seed: int
) -> Ints:
    """The rows that a component has too many of, drawn by what they say and the seed."""
    if len(members) <= most:
        return members[:0]
    mixed = (content[members, 0] ^ np.uint64(seed * 0x9E3779B97F4A7C15 % (1 << 64))) * np.uint64(
        0xBF58476D1CE4E5B9
    )
    return np.sort(members[np.lexsort((content[members, 1], mixed ^ (mixed >> np.uint64(29))))[most:]])


def table(components: Mapping[str, Component], available: Sequence[int], built: Sequence[int]) -> list[Line]:
    """The lines of the table, in the recipe's order."""
    lines = []
    for (name, one), there, made in zip(components.items(), available, built, strict=True):
        said = [one.note] if one.note else []
        if not one.public:
            said.insert(0, "cannot be rebuilt from public data")
        if one.alternative:
            said.append(f"alternative: {one.alternative}")
        lines.append(Line(name, one.expected, there, made, "; ".join(said)))
    return lines


def total(lines: Sequence[Line]) -> Line:
    """The sum of all lines."""
    return Line(
        "total",
        sum(known) if (known := [line.expected for line in lines if line.expected is not None]) else None,
        sum(line.available for line in lines),
        sum(line.built for line in lines),
        "",
    )


def as_json(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """The table for ``manifest.json``."""
    return [asdict(line) for line in lines]


def show(lines: Sequence[Line], title: str) -> None:
    """Print the table to standard error, where the run's path does not stand."""
    shown = Table(title=title, title_justify="left")
    shown.add_column("component")
    for name in ("expected", "available", "built"):
        shown.add_column(name, justify="right")
    shown.add_column("note", overflow="fold")
    for line in [*lines, total(lines)]:
        expected = "" if line.expected is None else f"{line.expected:,}"
        shown.add_row(line.name, expected, f"{line.available:,}", f"{line.built:,}", line.note)
    Console(stderr=True).print(shown)
