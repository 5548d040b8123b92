"""Asking: greedy answers, or likelihoods, through a backend; what came back is on disk before the next."""

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from bimedix2 import io
from bimedix2.errors import DataError, ModelError, RefusedError
from bimedix2.evaluate.answers_file import AnswersFile, NoAnswer
from bimedix2.evaluate.cascade import Relayed
from bimedix2.evaluate.signature import Subject
from bimedix2.evaluate.task import Asking, Raw, Sample, Task, Way
from bimedix2.llm.backend import Backend, Reply, Request, Sampling, attempt

REFUSED = "refused"
"""Failure of a request that an endpoint declined."""


def answers(backend: Backend, samples: Sequence[Sample], asking: Asking) -> list[Raw]:
    """Let the model answer each sample, greedily; one that it refuses has a ``failure`` in its place."""
    sampling = Sampling(max_tokens=asking.max_tokens)
    requests = [
        Request(
            s.messages,
            {i.image: asking.images.read(i.image) for m in s.messages for i in m.images},
            sampling,
            s.record.data_class,
            id=s.id,
        )
        for s in samples
    ]
    return [_raw(backend, outcome) for outcome in attempt(backend, requests)]


def _raw(backend: Backend, outcome: Reply | RefusedError) -> Raw:
    if isinstance(outcome, RefusedError):
        reason = outcome.reason if isinstance(outcome, NoAnswer) else REFUSED
        return {"answer": "", "finish": "none", "model": backend.name, "failure": reason, "why": str(outcome)}
    raw: Raw = {
        "answer": outcome.text,
        "finish": outcome.finish,
        "model": outcome.model,
        "tokens": [outcome.prompt_tokens, outcome.completion_tokens],
    }
    return {**raw, "trail": dict(outcome.trail)} if isinstance(outcome, Relayed) else raw


def likelihoods(backend: Backend, samples: Sequence[Sample], asking: Asking) -> list[Raw]:
    """Ask for the log-likelihood of each sample's options.

    Raises:
        ModelError: a likelihood is NaN or infinite.
    """
    pairs = []
    for s in samples:
        images = {i.image: asking.images.read(i.image) for m in s.messages for i in m.images}
        request = Request(s.messages, images, data_class=s.record.data_class)
        pairs += [(request, option) for option in s.options]
    scores = iter(backend.loglikelihood(pairs))
    out = []
    for s in samples:
        mine = [next(scores) for _ in s.options]
        if not all(math.isfinite(score.value) for score in mine):
            raise ModelError(
                f"{backend.name} gave a likelihood that is no number for {s.record.id}; check its weights"
            )
        values = [score.value for score in mine]
        out.append({"values": values, "tokens": [score.tokens for score in mine], "model": backend.name})
    return out


class Ledger:
    """Answers by the hash of their request, appended to one file and flushed to the disk.

    Args:
        path: the file; a last line that a kill cut short is dropped.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[str, Raw] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            data = path.read_bytes()
            whole = data[: data.rfind(b"\n") + 1]
            if len(whole) < len(data):
                io.write_bytes(path, whole)
            self.known = {row["request"]: row["raw"] for _, row in io.read_jsonl(path)}

    def take(self, folder: Path) -> None:
        """Know the answers of a finished folder of scores too.

        Raises:
            DataError: a line there is no answer.
        """
        for number, row in io.read_jsonl(folder / "answers.jsonl"):
            if not isinstance(row, dict) or not isinstance(row.get("raw"), dict) or "request" not in row:
                raise DataError(
                    f"{folder / 'answers.jsonl'} line {number} is no answer; give a scores folder"
                )
            if "failure" not in row["raw"]:  # what was refused there may be answered here
                self.known.setdefault(row["request"], row["raw"])

    def add(self, rows: Sequence[tuple[str, Raw]]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            for request, raw in rows:
                line = json.dumps({"request": request, "raw": raw}, ensure_ascii=False, allow_nan=False)
                file.write(line + "\n")
            _flush(file)
        self.known |= dict(rows)


def _flush(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def ask(
    task: Task | Way,
    samples: Sequence[Sample],
    subject: Subject,
    ledger: Ledger,
    asking: Asking,
    tick: Callable[[int], None],
) -> None:
    """Ask what the ledger does not know, samples of one picture together; ``tick`` hears of each batch.

    Raises:
        DataClassError: a sample may not be sent to the model's host; nothing of the task was.
        DataError: an answers file answers none of the samples.
        ModelError: the task needs likelihoods, and the model is an answers file.
    """
    for data_class in {sample.record.data_class for sample in samples}:
        subject.allow(data_class)
    if isinstance(subject.backend, AnswersFile) and not any(sample.options for sample in samples):
        subject.backend.expect(sample.id for sample in samples)
    todo: dict[str, Sample] = {}
    for sample in samples:
        key = subject.request(sample, asking.max_tokens)
        if key not in ledger.known:
            todo.setdefault(key, sample)
    tick(len(samples) - len(todo))
    for part in _parts(sorted(todo.items(), key=_order), asking.batch):
        began = time.perf_counter()
        raws = task.ask(subject.backend, [sample for _, sample in part], asking)
        each = round((time.perf_counter() - began) / len(part), 4)
        ledger.add([(key, {**raw, "seconds": each}) for (key, _), raw in zip(part, raws, strict=True)])
        tick(len(part))


def _order(item: tuple[str, Sample]) -> tuple[str, str]:
    """Pictures together, so that their features are made once."""
    pictures = [image.image for message in item[1].messages for image in message.images]
    return (pictures[-1] if pictures else "", item[0])


def _parts(items: list[tuple[str, Sample]], size: int) -> Iterator[list[tuple[str, Sample]]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
