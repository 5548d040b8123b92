"""Samples without an answer to score, refused or absent from a file: counted and named, never wrong."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.evaluate.answers_file import AnswersFile
from bimedix2.evaluate.signature import Subject
from bimedix2.evaluate.task import Raw, Sample


@dataclass(frozen=True)
class Failure:
    """One sample of ``role`` that has no score, with the reason in ``raw``."""

    task: str
    role: str
    sample: Sample
    request: str
    raw: Raw

    def to_json(self) -> dict[str, Any]:
        """As it stands in ``answers.jsonl``: ``right`` is null, for nothing was said."""
        record = self.sample.record
        return {
            "request": self.request,
            "task": self.task,
            "condition": self.sample.condition,
            "role": self.role,
            "id": record.id,
            "data_class": str(record.data_class),
            "source": record.provenance.source,
            "subject": record.provenance.subject,
            "prompt": [{"role": m.role, "text": m.text} for m in self.sample.messages],
            "images": [i.image for m in self.sample.messages for i in m.images],
            "raw": self.raw,
            "failure": self.raw["failure"],
            "right": None,
            "reasons": [self.raw["failure"]],
        }


def counts(failures: Sequence[Failure]) -> dict[str, int]:
    """Reason -> how many samples."""
    return dict(sorted(Counter(str(one.raw["failure"]) for one in failures).items()))


def in_words(failures: Sequence[Failure], samples: int) -> str:
    """Why a table is partial; empty where nothing failed."""
    if not failures:
        return ""
    why = ", ".join(f"{count} {reason}" for reason, count in counts(failures).items())
    return f"{len(failures)} of {samples} samples have no score ({why})"


def refuse(name: str, failures: Sequence[Failure]) -> NoReturn:
    """Refuse a task of which nothing can be scored.

    Raises:
        DataError: with the reasons.
    """
    why = ", ".join(f"{count} {reason}" for reason, count in counts(failures).items())
    raise DataError(f"no answer to task '{name}' can be scored ({why}); leave it out of tasks, or mend them")


def of_files(subjects: dict[str, Subject]) -> dict[str, dict[str, list[str]]]:
    """Role -> what is wrong with its answers file, fault -> ids; roles without a fault are left out."""
    found = {
        role: subject.backend.faults()
        for role, subject in subjects.items()
        if isinstance(subject.backend, AnswersFile)
    }
    return {role: faults for role, faults in found.items() if faults}


def stated(folder: Path, system: str | None = None) -> str:
    """Why a finished folder's numbers are partial, as its ``scores.json`` says it; empty where none are.

    Args:
        folder: of scores.
        system: of a folder that judged several systems, the one that is meant; ``None``: any of them.
    """
    path = folder / "scores.json"
    scores = io.read_json(path) if path.is_file() else {}
    if not isinstance(scores, dict):
        return ""
    said = scores.get("partial") or []
    phrases = [said] if isinstance(said, str) else [str(one) for one in said]
    for one in scores.get("systems", ()):
        if one["partial"] and system in (None, one["model"]):
            phrases.append(one["partial"] if system else f"{one['model']}: {one['partial']}")
    return "; ".join(phrases).replace(".; ", ". ")  # some kinds write sentences
