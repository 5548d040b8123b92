"""Med-HALT: false confidence, none of the above, nonsensical questions, and articles recalled or made up."""

import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import RunError
from bimedix2.evaluate import answering, failures
from bimedix2.evaluate.answering import Answered, Basis
from bimedix2.evaluate.medhalt import load, prompts, reading, report, scores
from bimedix2.evaluate.medhalt.load import MEMORY, REASONING, TASKS, Item, Removed, TaskName
from bimedix2.evaluate.models import Model
from bimedix2.evaluate.report import Frame
from bimedix2.evaluate.signature import Subject, open_subject
from bimedix2.evaluate.task import AS_IT_IS, Asking, Sample
from bimedix2.language.concepts import Tongue
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records import DataClass, Language, Provenance, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import write_removed
from bimedix2.text.arabic import normalise

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

SCORERS = {"compat": "medhalt-compat", "ours": reading.VERSION}
Opener = Callable[[Model, int | None, Any], Subject]


class Medhalt(Settings):
    """Which questions, from which files."""

    data: dict[Tongue, Path] = {}
    """Language -> a folder with Med-HALT's CSV files; empty: our own questions in ``languages``."""
    languages: list[Tongue] = Field(default=["en", "ar"], min_length=1)
    """Of our own questions."""
    tasks: list[TaskName] = Field(default=[], max_length=len(TASKS))
    """Empty: all seven of ``data``, or the three reasoning tasks of our own."""
    max_tokens: int = Field(default=512, ge=1)
    """Of an answer; the published code asks for 64, which cuts most explanations."""
    data_class: DataClass = DataClass.OPEN
    """Of ``data``; our own questions are open."""

    @model_validator(mode="after")
    def _whole(self) -> "Medhalt":
        for name in ("languages", "tasks"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise ValueError(f"'{name}' names one twice")
        if self.data and self.languages != ["en", "ar"]:
            raise ValueError("'languages' are of our own questions; beside 'data' leave it out")
        if not self.data and (foreign := next((t for t in self.tasks if t not in REASONING), None)):
            raise ValueError(
                f"'{foreign}' needs 'data', a folder with Med-HALT's files; there is none of our own"
            )
        return self

    @property
    def asked(self) -> tuple[TaskName, ...]:
        """The tasks that are asked."""
        return tuple(self.tasks) or (TASKS if self.data else REASONING)


def run(config: "Config", opener: Opener = open_subject) -> Path:
    """Ask, score in both ways and report; a killed run goes on where it stopped.

    Args:
        config: the room's, with ``medhalt``.
        opener: how a model's name becomes a backend.

    Raises:
        DataError: a file is absent or not of the layout; said before the model is loaded. Or no answer can be
            scored.
        DataClassError: the questions may not be sent to the model's host.
        ModelError: there is no such model.
    """
    settings, items, removed = _read(config)
    inputs = answering.inputs(config, _inputs(settings))
    with RunFolder(config.output, "evaluate", config.model_dump(mode="json"), inputs) as out:
        samples = [_sample(item, settings) for item in items]
        answering.guard(out.path, (sample.record for sample in samples))
        ledger = answering.open_ledger(out.path, config.reuse)
        subject = opener(config.model, config.threads, config.dtype)
        asking = Asking(ImageStore(out.path), settings.max_tokens, config.batch)
        with answering.progress() as bar:
            found = answering.collect(subject, samples, asking, ledger, bar, "answers")
        rows = [_row(one, item) for one, item in zip(found, items, strict=True)]
        reasons = answering.failures(row["failure"] for row in rows)
        answering.require("medhalt", len(rows) - sum(reasons.values()), reasons)
        opening = {
            "partial": _partial(config, settings, items, removed, reasons),
            "signatures": _sign(config, settings, items, subject),
            "answers file": failures.of_files({"model": subject}),
        }
        io.write_jsonl(out.path / "answers.jsonl", rows)
        _write(out.path, opening, rows, config.resamples, config.seed)
        shutil.rmtree(out.path / answering.STATE)
        lines = [(one.id, one.reason, {"where": one.where}) for one in removed]
        lost = write_removed(out.path, lines) if lines else {}
        counts = {
            "in": len(rows) + len(removed),
            "kept": len(rows) - sum(reasons.values()),
            "removed": lost | reasons,
        }
        return out.publish(counts, {"signature": opening["signatures"]})


def replay(folder: Path, scratch: Path) -> None:
    """Judge every kept answer again in both ways, and write the folder's numbers from that.

    Args:
        folder: a finished one.
        scratch: where the files of numbers go.

    Raises:
        RunError: a judgement differs from the kept one.
    """
    recipe, stated = read_manifest(folder)["recipe"], io.read_json(folder / "scores.json")
    rows = []
    for number, row in io.read_jsonl(folder / "answers.jsonl"):
        again = (
            {"compat": None, "ours": None}
            if row["failure"]
            else scores.judged(scores.item_of(row), row["answer"])
        )
        for name, value in again.items():
            if value != row[name]:
                where = f"{folder / 'answers.jsonl'} line {number}"
                raise RunError(f"{where}: '{name}' is {row[name]!r}, recomputed {value!r}")
        rows.append(row)
    opening = {key: stated[key] for key in ("partial", "signatures", "answers file")}
    _write(scratch, opening, rows, recipe["resamples"], recipe["seed"])


def questions(config: "Config") -> tuple[dict[str, list[Sample]], ImageStore, dict[str, Path]]:
    """The questions, for ``export``; they have no pictures.

    Raises:
        DataError: as ``run``.
    """
    settings, items, _ = _read(config)
    samples: dict[str, list[Sample]] = {
        task: [_sample(item, settings) for item in items if item.task == task] for task in settings.asked
    }
    return samples, ImageStore(config.output), _inputs(settings)


def _inputs(settings: Medhalt) -> dict[str, Path]:
    return {
        f"data/{tongue}/{task}": load.find(folder, task)
        for tongue, folder in settings.data.items()
        for task in settings.asked
    }


def _read(config: "Config") -> tuple[Medhalt, list[Item], list[Removed]]:
    """Every language's questions; with a limit, the same ids in each language."""
    settings = config.medhalt
    assert settings is not None
    answering.check(config, "medhalt")
    items: list[Item] = []
    removed: list[Removed] = []
    for task in settings.asked:
        for tongue in settings.data or settings.languages:
            folder = settings.data.get(tongue)
            mine, lost = load.read(folder, task, tongue) if folder else (load.ours(task, tongue), [])
            items += mine
            removed += lost
    if config.limit is not None:
        kept: set[tuple[str, str]] = set()
        for task in settings.asked:
            names = sorted({item.source_id for item in items if item.task == task})
            draw = random.Random(f"{config.seed}:limit:{task}")
            kept |= {(task, name) for name in draw.sample(names, min(config.limit, len(names)))}
        items = [item for item in items if (item.task, item.source_id) in kept]
    return settings, items, removed


def _sample(item: Item, settings: Medhalt) -> Sample:
    turn = prompts.message(item)
    record = Record(
        id=item.id,
        messages=(turn,),
        language=Language(item.language),
        task="mcq" if item.options else "recall",
        split=Split.TEST,
        data_class=settings.data_class if settings.data else DataClass.OPEN,
        provenance=Provenance(
            source="medhalt" if settings.data else "medhalt-ours",
            source_id=item.source_id,
            subject=item.source_id,
        ),
    )
    return Sample(record, AS_IT_IS, record.messages)


def _row(answered: Answered, item: Item) -> dict[str, Any]:
    """A line of ``answers.jsonl``."""
    nothing = {"compat": None, "ours": None}
    return {
        "request": answered.request,
        "benchmark": item.task,
        "id": item.id,
        "source_id": item.source_id,
        "language": item.language,
        "data_class": str(answered.sample.record.data_class),
        "subject": item.source_id,
        "topic": item.subject,
        "shown": item.shown,
        "options": list(item.options),
        "proposal": item.proposal,
        "gold": item.gold,
        "invented": item.task in MEMORY and normalise(item.gold) == "unknown",
        "prompt": [{"role": m.role, "text": m.text} for m in answered.sample.messages],
        "answer": answered.text,
        "odd": answered.odd,
        "failure": answered.failure,
        **(nothing if answered.failure else scores.judged(item, answered.text)),
        "raw": answered.raw,
    }


def _partial(
    config: "Config",
    settings: Medhalt,
    items: Sequence[Item],
    removed: Sequence[Removed],
    reasons: dict[str, int],
) -> list[str]:
    """Why these are no whole results, a phrase each."""
    out = []
    if config.limit is not None:
        out.append(f"at most {config.limit} questions a task (limit={config.limit})")
    if not settings.data:
        out.append("our own questions, unreviewed and no part of Med-HALT")
    if "en" in settings.data and config.limit is None:
        short = load.missing([item for item in items if item.language == "en"])
        if said := ", ".join(f"{task} {one} of {all_}" for task, (one, all_) in short.items()):
            out.append(f"other numbers of questions than published ({said})")
    if removed:
        why = ", ".join(
            f"{count} {reason}" for reason, count in answering.failures(r.reason for r in removed).items()
        )
        out.append(f"{len(removed)} rows cannot be asked ({why})")
    if reasons:
        why = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        out.append(f"{sum(reasons.values())} of {len(items)} questions have no answer ({why})")
    return out


def _sign(config: "Config", settings: Medhalt, items: Sequence[Item], subject: Subject) -> dict[str, Any]:
    """Mode -> what its scores rest on; ``compat`` is of the English questions alone."""
    out = {}
    for mode, scorer in SCORERS.items():
        mine = [item for item in items if mode == "ours" or item.language == "en"]
        if not mine:
            continue
        basis = Basis(
            benchmark=answering.hash_of([vars(item) for item in mine]),
            language="+".join(dict.fromkeys(item.language for item in mine)),
            prompt=prompts.version(),
            scorer=scorer,
            max_tokens=settings.max_tokens,
        )
        tasks = list(dict.fromkeys(item.task for item in mine))
        out[mode] = {**answering.sign(config, subject, basis), "tasks": tasks, "questions": len(mine)}
    return out


def _write(
    folder: Path, opening: dict[str, Any], rows: Sequence[dict[str, Any]], resamples: int, seed: int
) -> None:
    """The files of numbers, from the logs and what stands before them."""
    values = scores.every(rows, resamples, seed)
    lines = {mode: answering.in_short(one) for mode, one in opening["signatures"].items()}
    model = next(iter(opening["signatures"].values()))["model"]["model"]
    notes = (
        []
        if "ar" not in values["ours"]
        else ["The published scoring knows English alone; Arabic has ours only."]
    )
    faults = opening["answers file"].get("model", {})
    frame = Frame("Med-HALT", model, opening["partial"], notes, lines, faults)
    io.write_json(folder / "scores.json", {**opening, **values})
    io.write_text(folder / "scores.md", report.page(values, frame))
