"""A file of answers as a model: what any system elsewhere said, joined by the questions' ids.

JSON Lines of ``question_id``, ``text`` and ``model`` (or ``model_id``), in any order. What is wrong with the
file is counted and named, never repaired: an id that is asked for and absent, one that nobody asked for, one
with several answers, an empty answer, and a text that is none (NaN, null, a number).
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.errors import DataError, ModelError, RefusedError
from bimedix2.llm.backend import UNWATCHED, Loglikelihood, Reply, Request, Watch, all_answered

MISSING = "no answer"
SEVERAL = "several answers"
NO_TEXT = "text is NaN or none"
EXTRA = "extra"
TWICE = "same answer twice"
EMPTY = "empty answer"
NO_ID = "no question_id"
SHOWN = 5
"""Ids of each fault that a sentence names."""


class NoAnswer(RefusedError):
    """The file has nothing to score for a question; ``reason`` is one of the constants above."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class AnswersFile:
    """A ``WatchedBackend`` that looks answers up.

    Args:
        path: the file.
        model: whose answers are taken, where the file has those of several; else the system's name.

    Raises:
        DataError: the file is absent, a line is no JSON object, or it has answers of several models.
    """

    def __init__(self, path: Path, model: str = "") -> None:
        self.path = path
        rows = _rows(path)
        names = sorted({_name(row) for _, row in rows} - {""})
        if model in names:
            rows = [(line, row) for line, row in rows if _name(row) == model]
        elif len(names) > 1:
            raise DataError(f"{path} has answers of {', '.join(names)}; choose one of them with model.name")
        self._model = model or (names[0] if names else path.stem)
        self._given: dict[str, list[Any]] = defaultdict(list)
        self._lost: list[str] = []
        for line, row in rows:
            key = _id(row.get("question_id"))
            if key is None:
                self._lost.append(f"line {line}")
            else:
                self._given[key].append(row.get("text"))
        self._asked: dict[str, None] = {}
        self._identity = io.sha256_file(path)

    @property
    def name(self) -> str:
        """The system's."""
        return self._model

    @property
    def identity(self) -> str:
        """The file's hash."""
        return self._identity

    def expect(self, ids: Iterable[str]) -> None:
        """Hear which questions a task asks: the other ids of the file are extra.

        Raises:
            DataError: it answers none of them.
        """
        wanted = list(ids)
        self._asked |= dict.fromkeys(wanted)
        if wanted and not any(key in self._given for key in wanted):
            raise DataError(
                f"{self.path} answers none of {len(wanted)} questions (the first is '{wanted[0]}'); write "
                "them out with export=true, and answer those, or leave their task out"
            )

    def faults(self) -> dict[str, list[str]]:
        """What is wrong with the file, as far as questions were asked: fault -> ids (or lines)."""
        asked = self._asked
        found = {
            MISSING: [key for key in asked if key not in self._given],
            SEVERAL: [key for key in asked if self._reason(key) == SEVERAL],
            NO_TEXT: [key for key in asked if self._reason(key) == NO_TEXT],
            EMPTY: [key for key in asked if not self._reason(key) and not self._given[key][0].strip()],
            TWICE: [key for key in asked if not self._reason(key) and len(self._given[key]) > 1],
            EXTRA: [key for key in self._given if key not in asked],
            NO_ID: self._lost,
        }
        return {name: keys for name, keys in found.items() if keys}

    def _reason(self, key: str) -> str:
        """Why a question has no answer to score; empty if it has one."""
        given = self._given.get(key)
        if given is None:
            return MISSING
        if not all(isinstance(text, str) for text in given):
            return NO_TEXT
        return SEVERAL if len(set(given)) > 1 else ""

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        """The answers.

        Raises:
            NoAnswer: the file has none for a question.
        """
        return all_answered(self.attempt(requests, UNWATCHED))

    def attempt(self, requests: Sequence[Request], watch: Watch) -> list[Reply | RefusedError]:
        """As ``chat``, with errors in the places of questions without one.

        Raises:
            ModelError: a request has no id: it is none of a benchmark's questions.
        """
        self._asked |= dict.fromkeys(request.id for request in requests)
        found: list[Reply | RefusedError] = []
        for number, request in enumerate(requests):
            if not request.id:
                raise ModelError(
                    f"{self.path} is joined by the questions' ids, and a request has none; give a model"
                )
            watch.sending(number)
            found.append(self._answer(request.id))
            watch.answered(number, found[-1])
        return found

    def _answer(self, key: str) -> Reply | RefusedError:
        if reason := self._reason(key):
            return NoAnswer(f"{self.path}: {reason} for question '{key}'", reason)
        return Reply(self._given[key][0], self.name, "stop", 0, 0)

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        """An answers file has none.

        Raises:
            ModelError: always.
        """
        del pairs
        raise ModelError(f"{self.path} holds answers and no likelihoods; leave out the tasks that need them")

    def score(self, pairs: Sequence[tuple[Request, str]], watch: Watch) -> list[Loglikelihood | RefusedError]:
        """As ``loglikelihood``."""
        del watch
        return list(self.loglikelihood(pairs))


def in_words(faults: dict[str, list[str]]) -> list[str]:
    """Each fault in a line: how often, and where first."""
    out = []
    for name, keys in faults.items():
        shown = ", ".join(keys[:SHOWN]) + (", ..." if len(keys) > SHOWN else "")
        out.append(f"{name}: {len(keys)} ({shown})")
    return out


def _rows(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Lines with their numbers; NaN is read, for pandas writes it where there is no text."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError):
        raise DataError(f"{path} is no file of answers; check the path") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 at byte {error.start}; convert it to UTF-8") from error
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = io.parse_json(line, nan=True)
        except json.JSONDecodeError as error:
            raise DataError(f"{path} line {number} is not JSON; write one answer a line") from error
        except ValueError as error:
            raise DataError(f"{path} line {number} is not JSON: {error}; correct that line") from error
        if not isinstance(row, dict) or "question_id" not in row:
            raise DataError(f"{path} line {number} has no 'question_id'; answers are joined by it")
        rows.append((number, row))
    if not rows:
        raise DataError(f"{path} holds no answer; check that it was written to its end")
    return rows


def _name(row: dict[str, Any]) -> str:
    value = row.get("model") or row.get("model_id")
    return value if isinstance(value, str) else ""


def _id(value: Any) -> str | None:
    """An id as text; a table that was read as numbers has 12.0 for 12, and NaN for none."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else None
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return str(value) or None
