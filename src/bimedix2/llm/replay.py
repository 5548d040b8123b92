"""Answers from a file: recorded from a model, or written by hand, and the file's first line says which.

    recorded from MODEL on DATE      or      written by hand
    {"request": "<hash>", "sample": 0, "asked": "...", "answer": {"text": "...", ...}}
    {"contains": "words of the last message", "answer": "..."}

A recorded line answers exactly its request; ``asked`` is for people. A line with ``contains`` answers every
request whose last message holds these words, the first such line of the file wins, and it stands in files
written by hand alone.
"""

import json
import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.errors import DataClassError, DataError, RefusedError
from bimedix2.llm import backend as asking
from bimedix2.llm.backend import (
    UNWATCHED,
    IdentifiedBackend,
    Loglikelihood,
    Outcome,
    Reply,
    Request,
    Watch,
    all_answered,
)
from bimedix2.llm.cache import Key, key_of
from bimedix2.llm.endpoint import PROTECTED

BY_HAND = "written by hand"
RECORDED = re.compile(r"recorded from (\S.*) on (\d{4}-\d{2}-\d{2})")
SHOWN = 200
"""Characters of the last message that a recorded line repeats, for people."""
ANYWHERE = "any model"
"""Stands for a backend's identity in the hash: a recording is replayed without the backend."""

Pair = tuple[Request, str]


@dataclass
class _Lines:
    """What a file says."""

    header: str
    exact: dict[Key, Reply | Loglikelihood] = field(default_factory=dict)
    containing: list[tuple[str, Reply]] = field(default_factory=list)

    @property
    def model(self) -> str:
        match = RECORDED.fullmatch(self.header)
        return match[1] if match else self.header


class Replay:
    """An ``IdentifiedBackend`` that answers from one file.

    Args:
        path: the file.

    Raises:
        DataError: it is absent, does not say where its answers come from, or holds a broken line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = read_replies(path)
        self._identity = io.sha256_file(path)

    @property
    def name(self) -> str:
        """The recorded model, or ``written by hand``."""
        return self._lines.model

    @property
    def identity(self) -> str:
        """Hash of the file."""
        return self._identity

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer from the file.

        Raises:
            DataError: it has no answer for a request.
        """
        found = []
        for request in requests:
            answer = self._lines.exact.get(key_of(ANYWHERE, request))
            if not isinstance(answer, Reply):
                last = request.messages[-1].text if request.messages else ""
                answer = next((reply for words, reply in self._lines.containing if words in last), None)
            if answer is None:
                raise self._absent(request)
            found.append(answer)
        return found

    def loglikelihood(self, pairs: Sequence[Pair]) -> list[Loglikelihood]:
        """Score from the file.

        Raises:
            DataError: it has no score for a pair.
        """
        found = []
        for request, continuation in pairs:
            score = self._lines.exact.get(key_of(ANYWHERE, request, continuation))
            if not isinstance(score, Loglikelihood):
                raise self._absent(request)
            found.append(score)
        return found

    def _absent(self, request: Request) -> DataError:
        last = request.messages[-1].text if request.messages else ""
        shown = "a protected record" if request.data_class in PROTECTED else repr(last[:SHOWN])
        return DataError(f"{self.path} has no answer to {shown}; record it again, or add a line")


def read_replies(path: Path) -> _Lines:
    """Read a file of answers.

    Raises:
        DataError: naming the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; check the path") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 at byte {error.start}; convert it to UTF-8") from error
    header, *rest = text.split("\n")
    if header != BY_HAND and not RECORDED.fullmatch(header):
        raise DataError(
            f"{path} must begin with '{BY_HAND}' or 'recorded from MODEL on YYYY-MM-DD'; write what is true"
        )
    lines = _Lines(header)
    for number, line in enumerate(rest, 2):
        if line.strip():
            try:
                _take(lines, io.parse_json(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise DataError(f"{path} line {number} is no answer ({error}); correct that line") from error
    return lines


def _take(lines: _Lines, row: Mapping[str, Any]) -> None:
    answer = row["answer"]
    if "contains" in row:
        if lines.header != BY_HAND:
            raise ValueError("'contains' stands in files written by hand alone")
        if not isinstance(row["contains"], str) or not isinstance(answer, str) or len(row) != 2:
            raise ValueError("'contains' and 'answer' are two texts")
        lines.containing.append((row["contains"], Reply(answer, BY_HAND, "stop", 0, 0)))
        return
    key = (row["request"], int(row["sample"]))
    lines.exact[key] = Reply(**answer) if "text" in answer else Loglikelihood(**answer)


class Recorder:
    """A backend that writes down what another one answers, for ``Replay``. A ``WatchedBackend``.

    Args:
        backend: who is asked.
        path: the file; an existing one must be recorded from the same model, and goes on.

    Raises:
        DataError: the file is somebody else's.
    """

    def __init__(self, backend: IdentifiedBackend, path: Path) -> None:
        self.backend = backend
        self.path = path
        self._lock = threading.Lock()
        self._known: set[Key] = set()
        if path.exists():
            lines = read_replies(path)
            if lines.header == BY_HAND or lines.model != backend.name:
                raise DataError(f"{path} is not recorded from {backend.name}; record to another file")
            self._known = set(lines.exact)
        else:
            io.write_text(path, f"recorded from {backend.name} on {date.today().isoformat()}\n")

    @property
    def name(self) -> str:
        """The backend's."""
        return self.backend.name

    @property
    def identity(self) -> str:
        """The backend's."""
        return self.backend.identity

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer every request; errors as the backend's, and as ``attempt``."""
        return all_answered(self.attempt(requests, UNWATCHED))

    def loglikelihood(self, pairs: Sequence[Pair]) -> list[Loglikelihood]:
        """Score continuations; errors as the backend's, and as ``attempt``."""
        return all_answered(self.score(pairs, UNWATCHED))

    def attempt(self, requests: Sequence[Request], watch: Watch) -> list[Reply | RefusedError]:
        """As the backend's.

        Raises:
            DataClassError: a recording is made to be shared, and a request may not be.
        """
        items = [(request, None) for request in requests]
        return asking.attempt(self.backend, requests, self._writing(items, watch))

    def score(self, pairs: Sequence[Pair], watch: Watch) -> list[Loglikelihood | RefusedError]:
        """As the backend's; errors as ``attempt``."""
        return asking.score(self.backend, pairs, self._writing(pairs, watch))

    def _writing(self, items: Sequence[tuple[Request, str | None]], watch: Watch) -> "_Writing":
        for request, _ in items:
            if request.data_class in PROTECTED:
                raise DataClassError(
                    f"a record of class '{request.data_class}' is not recorded to {self.path}; "
                    "ask without a recorder"
                )
        return _Writing(self, items, watch)

    def add(self, request: Request, continuation: str | None, outcome: Outcome) -> None:
        """Append an answer that the file does not have; a refusal is none."""
        key = key_of(ANYWHERE, request, continuation)
        if isinstance(outcome, RefusedError):
            return
        with self._lock:
            if key in self._known:
                return
            self._known.add(key)
            last = request.messages[-1].text if request.messages else ""
            row = {
                "request": key[0],
                "sample": key[1],
                "asked": (last if continuation is None else continuation)[:SHOWN],
                "answer": asdict(outcome),
            }
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
                file.flush()
                os.fsync(file.fileno())


@dataclass(frozen=True)
class _Writing:
    """Writes each answer down as it comes, then tells the caller's watch."""

    recorder: Recorder
    items: Sequence[tuple[Request, str | None]]
    watch: Watch

    def sending(self, number: int) -> None:
        self.watch.sending(number)

    def answered(self, number: int, outcome: Outcome) -> None:
        self.recorder.add(*self.items[number], outcome)
        self.watch.answered(number, outcome)
