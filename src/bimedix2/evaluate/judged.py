"""Free answers that a language model judges one by one (UPHILL, HealthBench): the steps that are the same.

What may not be sent is refused first; then the judge is tried on its canaries; then the model is opened and
asked; then the judge is. Knows nothing about what is judged.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pydantic import Field, model_validator
from rich.progress import Progress

from bimedix2 import io
from bimedix2.evaluate import answering, canaries, failures, models
from bimedix2.evaluate.answering import Answered
from bimedix2.evaluate.canaries import Canary
from bimedix2.evaluate.signature import Subject
from bimedix2.evaluate.task import Asking, Sample
from bimedix2.language.concepts import Tongue
from bimedix2.llm.cache import Cached
from bimedix2.llm.judge import Judged
from bimedix2.manifest import RunFolder
from bimedix2.records import DataClass
from bimedix2.records.images import ImageStore

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

CANARIES = "canaries.jsonl"
"""In a folder of scores: what the judge said where it is known what is right."""
TOGETHER = 256
"""Verdicts asked for in one call; each reply is in the cache by itself."""
Opener = Callable[[models.Model, int | None, Any], Subject]
Row = dict[str, Any]
T = TypeVar("T")


class Settings(Judged):
    """Base of the settings of a kind: a user's files or our own material, and who judges."""

    files: dict[str, Path] = {}
    """Name -> a file; empty: our own material in ``languages``."""
    languages: list[Tongue] = Field(default=["en", "ar"], min_length=1)
    """Of our own material."""
    tries: int = Field(default=3, ge=1)
    """Replies asked for, where the judge's cannot be read."""
    max_tokens: int = Field(default=512, ge=1)
    """Of a response; a longer one is cut and judged as it stands."""
    data_class: DataClass = DataClass.OPEN
    """Of ``files``; our own material is open."""

    @model_validator(mode="after")
    def _material(self) -> Self:
        if len(set(self.languages)) < len(self.languages):
            raise ValueError("a language is named twice")
        if self.files and self.languages != ["en", "ar"]:
            raise ValueError("'languages' are of our own material; beside 'files' leave it out")
        return self

    @property
    def shown(self) -> DataClass:
        """The class of what the model and the judge are sent."""
        return self.data_class if self.files else DataClass.OPEN


def allow(config: "Config", settings: Settings) -> None:
    """Let what is asked and judged be sent to the model's and the judge's host, or not; nothing was yet.

    Raises:
        DataClassError: a host is not listed for the class.
    """
    if settings.judge is not None:
        settings.judge.allow(settings.shown)
    models.allow(config.model, settings.shown)


def recipe(config: "Config", kind: str) -> dict[str, Any]:
    """The recipe that a run is known by; where the judge's replies are kept changes no verdict."""
    without: Any = {kind: {"cache"}}
    return config.model_dump(mode="json", exclude=without)


@dataclass(frozen=True)
class Heard:
    """A model's answers, with the judge that is to see them."""

    subject: Subject
    answers: list[Answered]
    judge: Cached
    canaries: list[Row]
    """What the judge said where it is known what is right."""
    bar: Progress


@contextmanager
def heard(
    config: "Config",
    settings: Settings,
    samples: Sequence[Sample],
    opener: Opener,
    out: RunFolder,
    tried: Callable[[Cached], list[Row]],
) -> Iterator[Heard]:
    """Try the judge, then let the model answer; the judge stays open in the block.

    Args:
        config: the room's.
        settings: the kind's.
        samples: what the model is asked.
        opener: how a model's name becomes a backend.
        out: the run's folder; it is closed to other users where samples are credentialed.
        tried: asks the judge its canaries, and stops at one that fails.
    """
    answering.guard(out.path, (sample.record for sample in samples))
    ledger = answering.open_ledger(out.path, config.reuse)
    with settings.opened(str(config.output)) as backend, answering.progress() as bar:
        known = tried(backend)
        subject = opener(config.model, config.threads, config.dtype)
        asking = Asking(ImageStore(out.path), settings.max_tokens, config.batch)
        found = answering.collect(subject, samples, asking, ledger, bar, "responses")
        yield Heard(subject, found, backend, known, bar)


def in_parts(items: Sequence[T], tick: Callable[[int], None]) -> Iterator[Sequence[T]]:
    """Parts that are judged in one call; ``tick`` hears of each once it is judged."""
    for start in range(0, len(items), TOGETHER):
        part = items[start : start + TOGETHER]
        yield part
        tick(len(part))


def sign(
    signature: Mapping[str, Any], settings: Settings, said: Sequence[str], found: Sequence[Canary]
) -> Row:
    """A signature with who judged, and how.

    Args:
        signature: of the answers.
        settings: the kind's.
        said: the judge's name, and its prompt's version.
        found: its canaries.
    """
    return {
        **signature,
        "judge": ",".join([*said, canaries.in_short(found)]),
        "judge host": settings.host,
        "tries": settings.tries,
    }


def opening(partial: Sequence[str], signature: Mapping[str, Any], subject: Subject) -> Row:
    """What stands first in ``scores.json``."""
    return {
        "partial": list(partial),
        "signature": dict(signature),
        "answers file": failures.of_files({"model": subject}),
    }


def reasons(kind: str, rows: Sequence[Row]) -> dict[str, int]:
    """Reason -> rows without a verdict.

    Raises:
        DataError: no row has one.
    """
    found = answering.failures(row["failure"] for row in rows)
    answering.require(kind, len(rows) - sum(found.values()), found)
    return found


def publish(out: RunFolder, rows: Sequence[Row], known: Sequence[Row], signature: Mapping[str, Any]) -> Path:
    """Write the logs beside the numbers, and finish the folder."""
    io.write_jsonl(out.path / "answers.jsonl", rows)
    io.write_jsonl(out.path / CANARIES, known)
    shutil.rmtree(out.path / answering.STATE)
    lost = answering.failures(row["failure"] for row in rows)
    counts = {"in": len(rows), "kept": len(rows) - sum(lost.values()), "removed": lost}
    return out.publish(counts, {"signature": dict(signature)})


def logs(folder: Path) -> dict[str, list[Row]]:
    """File name -> lines of a finished folder's two logs."""
    return {name: [row for _, row in io.read_jsonl(folder / name)] for name in ("answers.jsonl", CANARIES)}
