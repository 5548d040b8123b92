"""Clinical knowledge: multiple choice through lm-evaluation-harness, any kind of model as its model."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import ConfigError, DataError
from bimedix2.evaluate import answering, failures, models
from bimedix2.evaluate.ask import Ledger
from bimedix2.evaluate.clinical import (
    catalogue,
    harness,
    making,
    report,
    scores,
    signing,
    twins,
    ways,
    written,
)
from bimedix2.evaluate.clinical.catalogue import Task
from bimedix2.evaluate.clinical.ways import Mode, Plan
from bimedix2.evaluate.signature import Subject, open_subject
from bimedix2.evaluate.task import Asking, Sample
from bimedix2.manifest import RunFolder
from bimedix2.records.images import ImageStore

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

STATE = answering.STATE
"""Below the staging folder: answers as they come, and the harness's tables; no part of a finished run."""
LEDGER = "requests.jsonl"
"""Every likelihood by the hash of its request, in the finished folder too: ``reuse`` reads it."""
Prompt = Literal["plain", "chat"]
Opener = Callable[[models.Model, int | None, Any], Subject]


class Clinical(Settings):
    """Which tasks, from which files, in which words."""

    data: Path
    """The folder that the converter wrote."""
    tasks: list[str] = Field(default=["bimed_clinical"], min_length=1)
    """Tasks and groups of ``catalogue.yaml``."""
    prompts: list[Prompt] = Field(default=["plain", "chat"], min_length=1)
    """Of likelihoods: ``plain`` is the harness's text as it is, ``chat`` goes through the chat template."""
    mode: Mode = "auto"
    """``likelihood``: the likeliest option; ``answer``: the option that a written answer names; ``auto``: the
    first, and the second where nobody gives likelihoods."""
    max_tokens: int = Field(default=64, ge=1)
    """Of a written answer; reasoning models need more."""
    fewshot: int = Field(default=0, ge=0)
    """Examples before each question, the first of a task's split ``dev``."""
    max_length: int | None = Field(default=None, ge=8)
    """Most tokens of a prompt with its option, where likelihoods are computed here; ``None`` takes the
    model's context."""

    @field_validator("tasks")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        try:
            return [catalogue.known(name) for name in names]
        except ConfigError as error:
            raise ValueError(str(error)) from error

    @field_validator("prompts")
    @classmethod
    def _once(cls, prompts: list[Prompt]) -> list[Prompt]:
        if len(set(prompts)) < len(prompts):
            raise ValueError("a prompt is named twice")
        return prompts


def run(config: "Config", opener: Opener = open_subject) -> Path:
    """Ask, score and report; a killed run goes on where it stopped.

    Args:
        config: the room's, with ``clinical``.
        opener: how a model's name becomes a backend.

    Raises:
        DataError: a task's file is missing or empty (said before the model is loaded), an answers file
            answers no question, or no answer can be scored.
        ConfigError: examples are asked for of a task that has none, or a key is not for this model.
        MissingExtra: the harness is not installed.
        ModelError: there is no such model, or its likelihoods are no numbers or were asked for and are not to
            be had.
        EndpointError: the endpoint answers nothing; give the same command again.
    """
    settings, chosen, found = _read(config)
    inputs = {f"data/{name}": path for name, path in sorted(found.items())}
    with RunFolder(
        config.output, "evaluate", config.model_dump(mode="json"), answering.inputs(config, inputs)
    ) as out:
        state = out.path / STATE
        whole = harness.write(out.path / "tasks", chosen, found, settings.fewshot > 0, state / "tables")
        harness.check(chosen, found)
        subject = opener(config.model, config.threads, config.dtype)
        plan = ways.plan(subject, settings.prompts, settings.mode)
        _fits(settings, subject, plan)
        rows, setups = _ask(config, subject, plan, chosen, found, out.path)
        reasons = answering.failures(str(row.get("failure", "")) for row in rows)
        kept = len(rows) - sum(reasons.values())
        answering.require("clinical", kept, reasons)
        signature = signing.sign(config, subject, plan.ways, found, setups)
        opening = {
            "signature": signature,
            "not asked": plan.left,
            "answers file": failures.of_files({"model": subject}),
        }
        own = [name for name, path in found.items() if path.parent == settings.data]
        if made := making.about(settings.data, own):
            opening["twins"] = made
        io.write_jsonl(out.path / "answers.jsonl", rows)
        _write(config, out.path, rows, _values(config, chosen, whole, rows), opening)
        shutil.rmtree(state, ignore_errors=True)
        return out.publish({"in": len(rows), "kept": kept, "removed": reasons}, {"signature": signature})


def questions(config: "Config") -> tuple[dict[str, list[Sample]], ImageStore, dict[str, Path]]:
    """The questions as written answers are asked for, for ``export``; they have no pictures."""
    settings, chosen, found = _read(config)
    harness.check(chosen, found)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        harness.write(folder / "tasks", chosen, found, settings.fewshot > 0, folder / "tables")
        ask = harness.Ask(False, settings.fewshot, config.limit, config.seed)
        rows, _ = written.gather(folder / "tasks", chosen, found, ask)
    samples = {name: [written.sample_of(row) for row in mine] for name, mine in rows.items()}
    return samples, ImageStore(config.output), {f"data/{name}": path for name, path in sorted(found.items())}


def _read(config: "Config") -> tuple[Clinical, list[Task], dict[str, Path]]:
    """The settings, the tasks and their files: file name -> path."""
    answering.check(config, "clinical")
    settings = config.clinical
    assert settings is not None
    chosen = catalogue.members(settings.tasks)
    _examples(chosen, settings)
    found = catalogue.require(chosen, settings.data, few=settings.fewshot > 0)
    harness.require()
    return settings, chosen, found


def _fits(settings: Clinical, subject: Subject, plan: Plan) -> None:
    """Refuse a length that nobody would keep to.

    Raises:
        ConfigError: prompts are not cut here.
    """
    if settings.max_length is not None and not any(way.cuts for way in plan.ways):
        raise ConfigError(
            "clinical.max_length cuts prompts where likelihoods are computed here, and "
            f"{subject.backend.name} gets whole ones; leave it out"
        )


def _reuse(ledger: Ledger, folder: Path) -> None:
    """Know the likelihoods that a finished folder asked for.

    Raises:
        DataError: a line there is no answer.
    """
    for number, row in io.read_jsonl(folder / LEDGER):
        if not isinstance(row, dict) or not isinstance(row.get("raw"), dict) or "request" not in row:
            raise DataError(f"{folder / LEDGER} line {number} is no answer; give a folder of clinical scores")
        if "failure" not in row["raw"]:
            ledger.known.setdefault(row["request"], row["raw"])


def _examples(chosen: Sequence[Task], settings: Clinical) -> None:
    without = [task.name for task in chosen if settings.fewshot and "dev" not in task.files]
    if without:
        raise ConfigError(
            f"{', '.join(without)} has no examples to show; set fewshot=0, or leave it out of tasks"
        )


def _ask(
    config: "Config",
    subject: Subject,
    plan: Plan,
    chosen: Sequence[Task],
    found: dict[str, Path],
    folder: Path,
) -> tuple[list[scores.Row], dict[str, Any]]:
    """All rows, and what each task's settings were by the harness's account."""
    settings = config.clinical
    assert settings is not None
    rows: list[scores.Row] = []
    setups: dict[str, Any] = {}
    likely, said = _ledgers(config, plan, folder)
    with answering.progress() as bar:
        for way in plan.ways:
            ask = harness.Ask(way.prompt == "chat", settings.fewshot, config.limit, config.seed)
            if way.open is None:
                asked, mine = written.gather(folder / "tasks", chosen, found, ask)
                asking = Asking(ImageStore(folder), settings.max_tokens, config.batch)
                every = [row for task in chosen for row in asked[task.name]]
                rows += written.ask(every, subject, asking, said, bar)
                setups |= mine
                continue
            line = bar.add_task(f"clinical ({way.prompt})", total=None)
            lm = way.open(
                likely,
                config.batch,
                settings.max_length,
                lambda count, line=line: bar.advance(line, count),  # type: ignore[misc]
            )
            results = harness.evaluate(lm, folder / "tasks", chosen, found, ask)
            for task in chosen:
                rows += scores.rows_of(task, way.prompt, results["samples"][task.name], lm.asked)
                setups[task.name] = results["configs"][task.name]
    return rows, setups


def _ledgers(config: "Config", plan: Plan, folder: Path) -> tuple[Ledger, Ledger]:
    """Likelihoods and written answers that are on disk, those of ``reuse`` with them.

    Raises:
        DataError: ``reuse`` is no folder of clinical scores, or a line there is no answer.
    """
    likely, said = Ledger(folder / LEDGER), Ledger(folder / STATE / "answers.jsonl")
    if config.reuse:
        if (config.reuse / LEDGER).is_file():
            _reuse(likely, config.reuse)
        elif not written.reuse(said, config.reuse):
            raise DataError(f"{config.reuse} holds no answer to reuse; give a folder of clinical scores")
        if any(way.open is None for way in plan.ways):
            written.reuse(said, config.reuse)
    return likely, said


def _values(
    config: "Config", chosen: Sequence[Task], whole: Sequence[str], rows: Sequence[scores.Row]
) -> dict[str, Any]:
    """Prompt -> metric, columns, macro means (where every column has a value), and gaps between twins."""
    plan = scores.Plan(config.resamples, config.seed)
    out: dict[str, Any] = {}
    for prompt in dict.fromkeys(row["prompt"] for row in rows):
        mine = [row for row in rows if row["prompt"] == prompt]
        columns = scores.columns(chosen, mine)
        full = [name for name in whole if all(columns[one]["n"] for one in catalogue.groups()[name])]
        out[prompt] = {
            "metric": scores.METRICS[prompt],
            "columns": columns,
            "groups": {name: scores.macro(name, mine, plan) for name in full},
            "gaps": twins.gaps(chosen, mine, plan),
        }
    return out


def _partial(config: "Config", rows: Sequence[scores.Row], values: dict[str, Any]) -> list[str]:
    """Why these are no whole results."""
    out = []
    if config.limit is not None:
        out.append(f"At most {config.limit} questions a task (limit={config.limit}).")
    columns = next(iter(values.values()))["columns"]
    asked = {name: one["n"] + sum(one["failures"].values()) for name, one in columns.items()}
    short = [
        f"{name} {asked[name]} of {one['published']}"
        for name, one in columns.items()
        if one["published"] not in (0, asked[name]) and config.limit is None
    ]
    if short:
        out.append(f"Other numbers of questions than published: {', '.join(short)}.")
    if reasons := answering.failures(str(row.get("failure", "")) for row in rows):
        why = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        out.append(f"{sum(reasons.values())} of {len(rows)} questions have no answer to score ({why}).")
    for name, members in catalogue.groups().items():
        here = sorted(set(members) & set(columns))
        if here and len(here) < len(members):
            out.append(f"{len(here)} of {len(members)} columns of {name}.")
    return out


def _write(
    config: "Config",
    folder: Path,
    rows: Sequence[scores.Row],
    values: dict[str, Any],
    opening: dict[str, Any],
) -> None:
    """The files of numbers.

    Args:
        config: the room's.
        folder: where to.
        rows: lines of ``answers.jsonl``.
        values: what they give.
        opening: ``signature``, ``not asked``, ``answers file`` and, where there are any, ``twins``.
    """
    partial = _partial(config, rows, values)
    signature = opening["signature"]
    lines = {prompt: signing.in_short(signature, prompt) for prompt in values}
    notes = [making.in_words(name, said) for name, said in opening.get("twins", {}).items()]
    stated = report.Stated(values, partial, signature["model"]["model"], lines, notes)
    io.write_json(folder / "scores.json", {"partial": partial, **opening, **values})
    page = report.scores(stated, rows, opening["not asked"], opening["answers file"].get("model", {}))
    io.write_text(folder / "scores.md", page)
    if rows_of_paper := report.paper_rows(stated):
        io.write_jsonl(folder / "paper.jsonl", rows_of_paper)
