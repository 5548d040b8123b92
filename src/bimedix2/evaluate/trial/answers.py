"""A system's answers by question, from a file or from a finished folder of scores; what is odd is counted."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.evaluate.trial.items import Question
from bimedix2.evaluate.trial.settings import Model
from bimedix2.manifest import read_manifest

ROWS = "answers.jsonl"


@dataclass(frozen=True)
class Given:
    """What one system answered.

    ``texts`` and ``failures`` are by ``Question.id``; a failure is a reason why there is no single answer.
    """

    name: str
    looked_for: tuple[str, ...]
    """Its name and aliases, as they are masked."""
    files: tuple[Path, ...]
    texts: dict[str, str]
    failures: dict[str, str]
    faults: dict[str, list[str]]
    """What is odd about its files -> the ids of those questions."""

    @property
    def counts(self) -> dict[str, int]:
        """How often each fault is there."""
        return {name: len(ids) for name, ids in self.faults.items()}


def read_answers(model: Model, questions: Sequence[Question], number: int) -> Given:
    """Join a system's answers with the questions by their ids.

    Args:
        model: of the recipe.
        questions: of the whole benchmark.
        number: its place in the recipe, for errors.

    Raises:
        DataError: a row has no id or no text, no id fits, or the system has no one name.
    """
    files = model.answers if isinstance(model.answers, dict) else {"": model.answers}
    names: set[str] = set()
    texts: dict[str, str] = {}
    failures: dict[str, str] = {}
    faults: dict[str, list[str]] = defaultdict(list)
    for language, path in files.items():
        wanted = {q.answer_id: q for q in questions if not language or q.stratum[2] == language}
        given, named = _read(path, model)
        names |= named
        if not wanted.keys() & given.keys():
            raise DataError(
                f"no question_id of {path} is one of the benchmark's; check that they belong together"
            )
        faults["extra"] += sorted(given.keys() - wanted.keys())
        for key, question in wanted.items():
            reason, odd = _single(given.get(key))
            if reason:
                failures[question.id] = reason
            else:
                texts[question.id] = given[key][0] or ""
            for fault in odd:
                faults[fault].append(question.id)
    name = model.name or (next(iter(names)) if len(names) == 1 else "")
    if not name:
        told = f"the names {', '.join(sorted(names))}" if names else "no model's name"
        raise DataError(
            f"{', '.join(str(path) for path in files.values())} has {told}; give models.{number}.name"
        )
    found = {fault: ids for fault, ids in faults.items() if ids}
    looked_for = (*([name] if model.mask else []), *model.aliases)
    return Given(name, looked_for, tuple(_file(p) for p in files.values()), texts, failures, found)


def _single(said: list[str | None] | None) -> tuple[str, list[str]]:
    """Why a question has no single answer (empty where it has one), and what is odd about its rows."""
    if not said:
        return "no-answer", ["missing"]
    if any(text is None for text in said):
        return "no-text", ["text is NaN or none"]
    if len(set(said)) > 1:
        return "several-answers", ["several answers"]
    odd = ["same answer twice"] if len(said) > 1 else []
    return "", odd if (said[0] or "").strip() else [*odd, "empty answer"]


def _file(path: Path) -> Path:
    return path / ROWS if path.is_dir() else path


def _read(path: Path, model: Model) -> tuple[dict[str, list[str | None]], set[str]]:
    """Every answer by its question's id, and the names that the rows, or the folder, give.

    An answer is ``None`` where the row's text is NaN, null or a number.
    """
    found: dict[str, list[str | None]] = defaultdict(list)
    names: set[str] = set()
    tasks: set[str] = set()
    refused: set[str] = set()
    if path.is_dir():
        names |= _signed(path, model.role)
    for where, row in _rows(path):
        if model.task is not None and row.get("task", model.task) != model.task:
            continue
        if path.is_dir() and row.get("role", model.role) != model.role:
            continue
        if isinstance(row.get("task"), str):
            tasks.add(row["task"])
        key = row.get("question_id", row.get("id"))
        if not isinstance(key, int | str) or isinstance(key, bool) or key == "":
            raise DataError(f"{where} has no 'question_id'; answers are joined by it")
        text = _text(row)
        if row.get("failure"):  # nothing was said: the question was refused, or a file has no answer to it
            refused.add(str(key))
            continue
        if text is None and not row.keys() & {"text", "answer", "raw"}:
            raise DataError(
                f"{where}: the answer to '{key}' has no 'text'; write an empty one if it is empty"
            )
        found[str(key)].append(text)
        name = row.get("model_id") or row.get("model")
        if isinstance(name, str) and not path.is_dir():
            names.add(name)
    if len(tasks) > 1:
        raise DataError(f"{path} holds the tasks {', '.join(sorted(tasks))}; name one of them as 'task'")
    for key in refused - found.keys():
        found[key] = []
    if not any(text is not None for said in found.values() for text in said):
        raise DataError(f"{path} holds no answer of role '{model.role}'; check 'role' and 'task'")
    return found, names


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    if path.is_dir():
        read_manifest(path)
    for line, row in io.read_jsonl(_file(path), nan=True):
        where = f"{_file(path)} line {line}"
        if not isinstance(row, dict):
            raise DataError(f"{where} is no object; check that it is the file of answers")
        yield where, row


def _text(row: dict[str, Any]) -> str | None:
    """The answer: ``text`` of an answers file, ``answer`` or ``raw.answer`` of a folder of scores."""
    raw = row.get("raw")
    for value in (row.get("text"), row.get("answer"), raw.get("answer") if isinstance(raw, dict) else None):
        if isinstance(value, str):
            return value
    return None


def _signed(folder: Path, role: str) -> set[str]:
    """The model's name in the signature of a folder of scores, where it has one."""
    signature = read_manifest(folder).get("signature")
    said = signature.get("model") if isinstance(signature, dict) else None
    name = said.get(role) if isinstance(said, dict) else said
    return {name} if isinstance(name, str) and name else set()
