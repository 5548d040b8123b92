"""Questions about pictures (Rad-VQA, SLAKE, Path-VQA, and their Arabic twins): asked, scored, in Table 5."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator, model_validator

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import RunError
from bimedix2.evaluate import answering, failures
from bimedix2.evaluate.answering import Answered, Basis, InPlace
from bimedix2.evaluate.metrics import vqa_same
from bimedix2.evaluate.models import Model
from bimedix2.evaluate.probes.scores import Plan
from bimedix2.evaluate.report import Frame
from bimedix2.evaluate.signature import Subject, open_subject
from bimedix2.evaluate.task import AS_IT_IS, Asking, Sample
from bimedix2.evaluate.vqa import extras, load, prompts, report, scores
from bimedix2.evaluate.vqa.load import BENCHMARKS, Benchmark, Item
from bimedix2.evaluate.vqa.prompts import PrefixMode, Prompt
from bimedix2.evaluate.vqa.scores import Row
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records.images import ImageStore
from bimedix2.records.store import write_removed

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

EXTRAS = "extras"
"""In the place of a mode: exact answers, answers in other words, and yes-rates."""
USUAL = "published,mme"
"""The words of the paper's table; rows of other words are named by them."""
Opener = Callable[[Model, int | None, Any], Subject]


class Vqa(Settings):
    """Which benchmarks, from which folders, in which words."""

    data: list[Path] = Field(min_length=1)
    """Finished folders of records: of ``sources`` for what is published, of ``translate`` or ``review`` for
    Arabic twins, or of ``dataset``. Records of split ``test`` are asked."""
    tasks: list[str] = Field(default=["vqa_rad", "slake", "path_vqa"], min_length=1)
    """Of ``vqa_rad``, ``slake``, ``path_vqa``, ``vqa_rad_ar``, ``slake_ar``, ``path_vqa_ar``."""
    prompt: Prompt = "published"
    """MultiMedEval's words, or ours, which tell nothing about the answer."""
    prefix_mode: PrefixMode = "mme"
    """Which questions are asked for yes or no: as MultiMedEval does, every closed one, or none."""
    max_tokens: int = Field(default=200, ge=1)
    """Of an answer; one that reaches it is cut, which is counted."""

    @field_validator("tasks")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in BENCHMARKS:
                raise ValueError(f"'{name}' is no such benchmark; benchmarks are: {', '.join(BENCHMARKS)}")
        if len(set(names)) < len(names):
            raise ValueError("a benchmark is named twice")
        return names

    @model_validator(mode="after")
    def _one_wording(self) -> "Vqa":
        if self.prompt == "ours" and "prefix_mode" in self.model_fields_set:
            raise ValueError(
                "'prefix_mode' belongs to the published prompt; leave it out beside prompt: ours"
            )
        return self


def run(config: "Config", opener: Opener = open_subject) -> Path:
    """Ask, score and report; a killed run goes on where it stopped.

    Args:
        config: the room's, with ``vqa``.
        opener: how a model's name becomes a backend.

    Raises:
        RunError: a data folder is not finished.
        DataError: a benchmark has no questions there, or pictures are missing; said before the model is
            loaded. Or no answer can be scored.
        DataClassError: a record may not be sent to the model's host.
        ModelError: there is no such model.
    """
    settings, found, pictures = _read(config)
    inputs = answering.inputs(config, _folders(settings))
    with RunFolder(config.output, "evaluate", config.model_dump(mode="json"), inputs) as out:
        answering.guard(out.path, (item.record for one in found for item in one.items))
        ledger = answering.open_ledger(out.path, config.reuse)
        subject = opener(config.model, config.threads, config.dtype)
        asking = Asking(pictures, settings.max_tokens, config.batch)
        rows: list[Row] = []
        with answering.progress() as bar:
            for one in found:
                samples = [_sample(item, one, settings) for item in one.items]
                answered = answering.collect(subject, samples, asking, ledger, bar, one.name)
                rows += [_row(a, item, one) for a, item in zip(answered, one.items, strict=True)]
        values = scores.every(rows, Plan(config.resamples, config.seed))
        signatures = {mode: _sign(config, settings, subject, found, mode) for mode in values}
        data = {one.name: {"partial": one.partial, "notes": one.notes} for one in found}
        signatures[EXTRAS] = _sign(config, settings, subject, found, EXTRAS)
        io.write_jsonl(out.path / "answers.jsonl", rows)
        more = extras.every(rows, Plan(config.resamples, config.seed))
        _write_numbers(out.path, values, more, signatures, data, failures.of_files({"model": subject}))
        shutil.rmtree(out.path / answering.STATE)
        removed = write_removed(out.path, (row for one in found for row in one.removed))
        counts = {"in": len(rows) + sum(removed.values()), "kept": len(rows), "removed": removed}
        return out.publish(counts, {"signature": signatures})


def questions(config: "Config") -> tuple[dict[str, list[Sample]], ImageStore, dict[str, Path]]:
    """Benchmark -> samples, where their pictures are, and the folders that they come from: for ``export``.

    Raises:
        RunError, DataError: as ``run``.
    """
    settings, found, pictures = _read(config)
    samples = {one.name: [_sample(item, one, settings) for item in one.items] for one in found}
    return samples, pictures, _folders(settings)


def _read(config: "Config") -> tuple[Vqa, list[Benchmark], InPlace]:
    settings = config.vqa
    assert settings is not None
    answering.check(config, "vqa")
    found, pictures = load.read(settings.data, settings.tasks, config.limit, config.seed)
    return settings, found, pictures


def _folders(settings: Vqa) -> dict[str, Path]:
    return {f"data-{number}": path for number, path in enumerate(settings.data, 1)}


def _sample(item: Item, benchmark: Benchmark, settings: Vqa) -> Sample:
    language = benchmark.about.language
    turn = prompts.message(
        item.question, item.gold, item.image, language, settings.prompt, settings.prefix_mode
    )
    return Sample(item.record, AS_IT_IS, (turn,))


def _row(answered: Answered, item: Item, benchmark: Benchmark) -> Row:
    """A line of ``answers.jsonl``."""
    record, mode, language = item.record, benchmark.about.mode, benchmark.about.language
    return {
        "request": answered.request,
        "benchmark": benchmark.name,
        "mode": mode,
        "id": record.id,
        "data_class": str(record.data_class),
        "source": record.provenance.source,
        "subject": record.provenance.subject,
        "language": language,
        "image": item.image.image,
        "images": [item.image.image],
        "prompt": [{"role": m.role, "text": m.text} for m in answered.sample.messages],
        "question": item.question,
        "gold": item.gold,
        "answer": answered.text,
        "odd": answered.odd,
        "failure": answered.failure,
        "modality": extras.modality(record),
        "scores": None if answered.failure else scores.score(item.gold, answered.text, mode),
        "extras": None if answered.failure else extras.score(item.gold, answered.text, language),
        "raw": answered.raw,
    }


def _sign(
    config: "Config", settings: Vqa, subject: Subject, found: Sequence[Benchmark], mode: str
) -> dict[str, Any]:
    mine = [one for one in found if mode in (EXTRAS, one.about.mode)]
    hashes = {one.name: one.hash for one in mine}
    basis = Basis(
        benchmark=answering.hash_of(hashes),
        language="+".join(dict.fromkeys(one.about.language for one in mine)),
        prompt=prompts.version(settings.prompt, settings.prefix_mode),
        scorer=f"vqa-{vqa_same.version()}" if mode == EXTRAS else f"vqa-{mode}",
        max_tokens=settings.max_tokens,
    )
    return {**answering.sign(config, subject, basis), "benchmarks": hashes}


def replay(folder: Path, scratch: Path) -> None:
    """Score every kept answer again, and write the folder's numbers from that.

    Args:
        folder: a finished one.
        scratch: where the files of numbers go.

    Raises:
        RunError: an answer's own score differs from the kept one.
    """
    recipe, stated = read_manifest(folder)["recipe"], io.read_json(folder / "scores.json")
    rows: list[Row] = []
    for number, line in io.read_jsonl(folder / "answers.jsonl"):
        gold, answer, lost = line["gold"], line["answer"], line["failure"]
        again = {
            "scores": None if lost else scores.score(gold, answer, line["mode"]),
            "extras": None if lost else extras.score(gold, answer, line["language"]),
        }
        for key, value in again.items():
            if value != line[key]:
                raise RunError(
                    f"{folder / 'answers.jsonl'} line {number}: {key} are {line[key]}, recomputed {value}"
                )
        rows.append(line)
    plan = Plan(recipe["resamples"], recipe["seed"])
    values = scores.every(rows, plan)
    signatures = {mode: stated[mode]["signature"] for mode in (*values, EXTRAS)}
    more = extras.every(rows, plan)
    _write_numbers(scratch, values, more, signatures, stated["data"], stated["answers file"])


def _partial(data: dict[str, Any], values: dict[str, Any], mode: str | None = None) -> list[str]:
    """Why these are no whole results, one phrase each; of one mode, or of both."""
    out = [
        one["partial"]
        for name, one in data.items()
        if one["partial"] and mode in (None, BENCHMARKS[name].mode)
    ]
    for name, group in values.items():
        for benchmark, one in group["benchmarks"].items():
            missing = sum(one["failures"].values())
            if missing and mode in (None, name):
                why = ", ".join(f"{count} {reason}" for reason, count in one["failures"].items())
                out.append(f"{benchmark}: {missing} of {missing + one['n']} questions have no score ({why})")
    return out


def _write_numbers(
    folder: Path,
    values: dict[str, Any],
    more: dict[str, Any],
    signatures: dict[str, dict[str, Any]],
    data: dict[str, Any],
    faults: dict[str, dict[str, list[str]]],
) -> None:
    """``scores.json``, ``scores.md`` and ``paper.jsonl``."""
    lines = {mode: answering.in_short(one) for mode, one in signatures.items()}
    model = next(iter(signatures.values()))["model"]["model"]
    partial = _partial(data, values)
    notes = [note for one in data.values() for note in one["notes"]]
    stated = {mode: {"signature": signatures[mode], **one} for mode, one in values.items()}
    stated[EXTRAS] = {"signature": signatures[EXTRAS], "benchmarks": more}
    io.write_json(
        folder / "scores.json", {"partial": partial, "data": data, "answers file": faults, **stated}
    )
    frame = Frame("Visual questions", model, partial, notes, lines, faults.get("model", {}))
    io.write_text(folder / "scores.md", report.page(values, more, frame))
    if "compat" in values:
        reasons = _partial(data, values, "compat")
        name = answering.row_name(signatures["compat"], USUAL)
        row = scores.paper_row(values["compat"], reasons, name, lines["compat"])
        if row:
            io.write_jsonl(folder / "paper.jsonl", [row])
