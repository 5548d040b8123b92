"""Med-HALT's tasks: read from a user's copy of its files, or from our own small set in the same layout.

Med-HALT: Umapathi, Pal and Sankarasubbu 2023, arXiv 2307.15343. Columns were read on 2026-11-30 in
github.com/medhalt/medhalt (``prompts/utils.py``, ``evaluate.py``, the header and first rows of
``reasoning_fake.csv``; the other files are not in the stored copy) and in public loaders of the hub's
openlifescienceai/Med-HALT (``correct_index``, ``student_answer``, ``pubmed_data_type``). On the hub each task
is a folder with one CSV file of the task's name.
"""

import ast
import csv
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal, get_args

from bimedix2.errors import DataError
from bimedix2.language.concepts import Tongue
from bimedix2.text.arabic import normalise

TaskName = Literal[
    "reasoning_FCT",
    "reasoning_nota",
    "reasoning_fake",
    "IR_abstract2pubmedlink",
    "IR_title2pubmedlink",
    "IR_pmid2title",
    "IR_pubmedlink2title",
]
TASKS: tuple[TaskName, ...] = get_args(TaskName)
REASONING: tuple[TaskName, ...] = ("reasoning_FCT", "reasoning_nota", "reasoning_fake")
PROPOSAL = "correct answer"
"""In the options of ``reasoning_FCT``: what the student took for correct."""
FIELD = 1 << 24
"""Characters of one field at most."""
PUBLISHED: dict[TaskName, int] = {"reasoning_FCT": 18866, "reasoning_nota": 18866, "reasoning_fake": 1858}
"""Rows of the hub's files, as public loaders state them; those of the memory tasks are not known here."""


@dataclass(frozen=True)
class Memory:
    """A memory task: the column that is shown and its key, the gold's column, and the key of the answer."""

    shown: str
    key: str
    gold: str
    answer: str


MEMORY: dict[TaskName, Memory] = {
    "IR_abstract2pubmedlink": Memory("Abstract", "paper_abstract", "url", "url"),
    "IR_title2pubmedlink": Memory("Title", "paper_title", "url", "url"),
    "IR_pmid2title": Memory("PMID", "Pmid", "Title", "paper_title"),
    "IR_pubmedlink2title": Memory("url", "url", "Title", "paper_title"),
}


@dataclass(frozen=True)
class Item:
    """One question.

    ``shown`` is what the model sees, as a mapping; ``options`` the options in order (empty in memory tasks);
    ``gold`` the right option's text, the title or the link (empty for nonsensical questions: they have none);
    ``proposal`` what the student took for correct (of ``reasoning_FCT``).
    """

    task: TaskName
    language: Tongue
    source_id: str
    shown: dict[str, Any]
    gold: str
    options: tuple[str, ...] = ()
    proposal: str = ""
    subject: str = ""

    @property
    def id(self) -> str:
        """``medhalt/LANGUAGE/TASK/ID``: what an answers file joins by."""
        return f"medhalt/{self.language}/{self.task}/{self.source_id}"


@dataclass(frozen=True)
class Removed:
    """A row that cannot be asked, and why."""

    id: str
    reason: str
    where: str


def columns(task: TaskName) -> tuple[str, ...]:
    """The columns of a task's file that are read; others are passed over."""
    if task in MEMORY:
        return ("id", MEMORY[task].shown, MEMORY[task].gold)
    return ("id", "question", "options", *(() if task == "reasoning_fake" else ("correct_answer",)))


def find(folder: Path, task: TaskName) -> Path:
    """A task's file: ``TASK.csv`` as in the repository, or ``TASK/TASK.csv`` as on the hub.

    Raises:
        DataError: neither is there.
    """
    for path in (folder / f"{task}.csv", folder / task / f"{task}.csv"):
        if path.is_file():
            return path
    raise DataError(
        f"{folder} has neither {task}.csv nor {task}/{task}.csv; copy Med-HALT's files there, or leave the "
        "task out of medhalt.tasks"
    )


def read(folder: Path, task: TaskName, language: Tongue) -> tuple[list[Item], list[Removed]]:
    """Read one task's file.

    A row without a question, with options that cannot be read, without a gold, or whose id stands above is
    removed with its reason.

    Raises:
        DataError: the file is absent, no CSV file in UTF-8, or lacks a column, or no row of it can be asked.
    """
    path = find(folder, task)
    items: list[Item] = []
    removed: list[Removed] = []
    seen: set[str] = set()
    for where, row in _rows(path, task):
        made = _item(task, language, row)
        if isinstance(made, Item) and made.source_id in seen:
            made = "its id stands above"
        if isinstance(made, Item):
            seen.add(made.source_id)
            items.append(made)
        else:
            removed.append(Removed(f"{language}/{task}/{row['id']}", made, where))
    if not items:
        why = f"; the first: {removed[0].reason} ({removed[0].where})" if removed else ""
        raise DataError(f"{path} has no row that can be asked{why}; fetch the file again")
    return items, removed


def ours(task: TaskName, language: Tongue) -> list[Item]:
    """Our own questions of a reasoning task.

    Raises:
        DataError: there are none of a memory task.
    """
    if task not in REASONING:
        raise DataError(f"there are no questions of our own for '{task}'; name your copy in medhalt.data")
    with as_file(files("bimedix2.evaluate.medhalt").joinpath("data", language)) as folder:
        return read(folder, task, language)[0]


def _rows(path: Path, task: TaskName) -> Iterator[tuple[str, dict[str, str]]]:
    before = csv.field_size_limit(FIELD)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            absent = [name for name in columns(task) if name not in (reader.fieldnames or ())]
            if absent:
                raise DataError(
                    f"{path} has no column '{absent[0]}'; {task} of Med-HALT has {', '.join(columns(task))}"
                )
            for row in reader:
                values = {key: value or "" for key, value in row.items() if isinstance(key, str)}
                yield f"{path} line {reader.line_num}", values
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no CSV file in UTF-8 ({error}); fetch it again") from error
    finally:
        csv.field_size_limit(before)


def _item(task: TaskName, language: Tongue, row: dict[str, str]) -> Item | str:
    """A question, or why there is none."""
    if not row["id"].strip():
        return "no id"
    if task in MEMORY:
        about = MEMORY[task]
        if not row[about.shown].strip():
            return f"no {about.shown}"
        if not row[about.gold].strip():
            return "no gold"
        value = _number(row[about.shown]) if about.shown == "PMID" else row[about.shown]
        return Item(task, language, row["id"], {about.key: value}, row[about.gold])
    if not row["question"].strip():
        return "no question"
    options = _options(row["options"])
    if options is None:
        return "options cannot be read"
    return _reasoning(task, language, row, options)


def _reasoning(task: TaskName, language: Tongue, row: dict[str, str], options: dict[str, str]) -> Item | str:
    proposal = options.pop(PROPOSAL, "") or row.get("student_answer", "")
    texts = tuple(options.values())
    gold = row.get("correct_answer", "")
    if len(texts) < 2:
        return "fewer than two options"
    if task != "reasoning_fake" and normalise(gold) not in map(normalise, texts):
        return "gold is none of the options"
    if task == "reasoning_FCT" and not proposal.strip():
        return "no student's answer"
    listed = options | ({PROPOSAL: proposal} if task == "reasoning_FCT" else {})
    shown = {"Question": row["question"], "Options": listed}
    subject = row.get("subject_name", "")
    more = {"proposal": proposal} if task == "reasoning_FCT" else {}
    return Item(task, language, row["id"], shown, gold, texts, subject=subject, **more)


def _options(text: str) -> dict[str, str] | None:
    """The options of a row, a Python mapping of index -> text; ``None`` if it is none."""
    try:
        value = python_value(text)
    except ValueError:
        return None
    if not isinstance(value, dict) or not all(isinstance(one, str | int | float) for one in value.values()):
        return None
    return {str(key): str(one) for key, one in value.items()}


def python_value(text: str) -> Any:
    """A Python literal; nothing is run.

    Raises:
        ValueError: it is none.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of backslashes that escape nothing
            return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise ValueError("it is no Python literal") from error


def _number(text: str) -> str:
    """A PMID as it is shown: a table that was read as numbers has 25933806.0 for 25933806."""
    whole = text.strip().removesuffix(".0")
    return whole if whole.isdigit() else text


def missing(items: Sequence[Item]) -> dict[TaskName, tuple[int, int]]:
    """Task -> rows that are there and that are published, where these are known and differ."""
    out: dict[TaskName, tuple[int, int]] = {}
    for task in dict.fromkeys(item.task for item in items):
        there = sum(item.task == task for item in items)
        if task in PUBLISHED and there != PUBLISHED[task]:
            out[task] = (there, PUBLISHED[task])
    return out
