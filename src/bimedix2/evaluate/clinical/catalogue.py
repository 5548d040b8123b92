"""The tasks of clinical knowledge: what the harness calls them, and the local files that they read."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from bimedix2.errors import ConfigError, DataError

CONVERT = "python -m bimedix2.evaluate.clinical --from DIR --to DIR"
"""What writes the files."""


@dataclass(frozen=True)
class Task:
    """One column, with either ``harness`` (a task of the harness's own) or ``prompt`` (a file of ours)."""

    name: str
    column: str
    language: str
    published: int
    """Questions of the published set; 0 where that is not known here."""
    files: dict[str, str]
    """Split -> file of the data folder."""
    harness: str = ""
    prompt: str = ""
    topic: str = ""
    """What a prompt calls the subject."""
    paper: str = ""
    """The column's key in the paper's tables; empty where it is none of theirs."""
    twin: str = ""
    """The English task whose questions these are, in its order or under its ids."""


def _here() -> Path:
    return Path(str(files("bimedix2.evaluate.clinical")))


@cache
def _read() -> Any:
    return yaml.safe_load((_here() / "catalogue.yaml").read_text(encoding="utf-8"))


@cache
def tasks() -> dict[str, Task]:
    """Name -> task."""
    return {name: Task(name, **row) for name, row in _read()["tasks"].items()}


@cache
def groups() -> dict[str, tuple[str, ...]]:
    """Group -> its tasks; a group's score is the mean of theirs, each equally heavy."""
    return {name: tuple(members) for name, members in _read()["groups"].items()}


def prompt_of(task: Task) -> dict[str, Any]:
    """The settings of a task whose prompt is ours, as the harness reads them."""
    text = (_here() / "tasks" / task.prompt).read_text(encoding="utf-8").replace("TOPIC", task.topic)
    settings: dict[str, Any] = yaml.safe_load(text)
    return settings


def known(name: str) -> str:
    """Return the name of a task or group.

    Raises:
        ConfigError: it is neither.
    """
    every = [*groups(), *tasks()]
    if name not in every:
        near = get_close_matches(name, every, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"groups are: {', '.join(groups())}"
        raise ConfigError(f"'{name}' is no task of clinical knowledge; {hint}")
    return name


def members(names: Sequence[str]) -> list[Task]:
    """The tasks of names and groups, each once."""
    out: dict[str, Task] = {}
    for name in names:
        for one in groups().get(name, (name,)):
            out[one] = tasks()[one]
    return list(out.values())


def path_of(data: Path, name: str) -> Path:
    """Where a file of the catalogue stands: in the data folder, or in this package where it came with it."""
    own = data / name
    shipped = _here() / "data" / name
    return shipped if shipped.is_file() and not own.is_file() else own


def require(chosen: Sequence[Task], data: Path, *, few: bool) -> dict[str, Path]:
    """File name -> path of all that the tasks read.

    Args:
        chosen: the tasks.
        data: the folder that the converter wrote.
        few: examples are shown before a question, so the splits that they come from are needed too.

    Raises:
        DataError: some are missing; all of them are named.
    """
    wanted: dict[str, list[str]] = {}
    for task in chosen:
        for split, name in task.files.items():
            if few or split == "test":
                wanted.setdefault(name, []).append(task.name)
    found = {name: path_of(data, name) for name in wanted}
    missing = [name for name, path in found.items() if not path.is_file()]
    if missing:
        listed = ", ".join(f"{name} (for {', '.join(wanted[name])})" for name in missing)
        raise DataError(f"{data} lacks {listed}; write them with {CONVERT}, or leave those tasks out")
    return found
