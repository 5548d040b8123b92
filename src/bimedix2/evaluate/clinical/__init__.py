"""Clinical knowledge: multiple choice through lm-evaluation-harness, any local checkpoint as its model."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bimedix2 import __version__, io
from bimedix2.config import Settings
from bimedix2.errors import ConfigError, DataError, ModelError
from bimedix2.evaluate import models
from bimedix2.evaluate.ask import Ledger
from bimedix2.evaluate.clinical import catalogue, harness, report, scores
from bimedix2.evaluate.clinical.catalogue import Task
from bimedix2.evaluate.signature import Subject, open_subject
from bimedix2.manifest import RunFolder, git_commit

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

STATE = ".state"
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
    """``plain`` is the harness's text as it is, ``chat`` goes through the checkpoint's chat template."""
    fewshot: int = Field(default=0, ge=0)
    """Examples before each question, the first of a task's split ``dev``."""
    max_length: int | None = Field(default=None, ge=8)
    """Most tokens of a prompt with its option; ``None`` takes the checkpoint's context."""

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
        DataError: a task's file is missing or empty; said before the model is loaded.
        ConfigError: examples are asked for of a task that has none.
        MissingExtra: the harness is not installed.
        ModelError: there is no such model, it is no local one, or its likelihoods are no numbers.
    """
    settings = config.clinical
    assert settings is not None
    chosen = catalogue.members(settings.tasks)
    _examples(chosen, settings)
    found = catalogue.require(chosen, settings.data, few=settings.fewshot > 0)
    harness.require()
    inputs = {f"data/{name}": path for name, path in sorted(found.items())}
    if config.reuse:
        inputs["reuse"] = config.reuse
    inputs |= models.inputs(config.model)
    with RunFolder(config.output, "evaluate", config.model_dump(mode="json"), inputs) as out:
        state = out.path / STATE
        few = settings.fewshot > 0
        whole = harness.write(out.path / "tasks", chosen, found, few, state / "tables")
        harness.check(chosen, found)
        ledger = Ledger(out.path / LEDGER)
        if config.reuse:
            _reuse(ledger, config.reuse)
        subject = opener(config.model, config.threads, config.dtype)
        rows, setups = _ask(config, settings, subject, ledger, chosen, found, out.path / "tasks")
        signature = _sign(config, settings, subject, found, setups)
        values = _values(config, settings, chosen, whole, rows)
        _write(config, out.path, rows, values, signature)
        shutil.rmtree(state, ignore_errors=True)
        return out.publish({"in": len(rows), "kept": len(rows), "removed": {}}, {"signature": signature})


def _reuse(ledger: Ledger, folder: Path) -> None:
    """Know what a finished folder asked.

    Raises:
        DataError: a line there is no answer.
    """
    for number, row in io.read_jsonl(folder / LEDGER):
        if not isinstance(row, dict) or not isinstance(row.get("raw"), dict) or "request" not in row:
            raise DataError(f"{folder / LEDGER} line {number} is no answer; give a folder of clinical scores")
        ledger.known.setdefault(row["request"], row["raw"])


def _examples(chosen: Sequence[Task], settings: Clinical) -> None:
    without = [task.name for task in chosen if settings.fewshot and "dev" not in task.files]
    if without:
        raise ConfigError(
            f"{', '.join(without)} has no examples to show; set fewshot=0, or leave it out of tasks"
        )


def _ask(
    config: "Config",
    settings: Clinical,
    subject: Subject,
    ledger: Ledger,
    chosen: Sequence[Task],
    found: dict[str, Path],
    folder: Path,
) -> tuple[list[scores.Row], dict[str, Any]]:
    """All rows, and what each task's settings were by the harness's account."""
    from bimedix2.engine.local import Engine

    with harness.quiet():
        from bimedix2.evaluate.clinical.lm import EngineLM

    if not isinstance(subject.backend, Engine):
        raise ModelError(
            f"{subject.backend.name} is no local checkpoint; clinical knowledge needs its likelihoods"
        )
    rows: list[scores.Row] = []
    setups: dict[str, Any] = {}
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns) as bar:
        for prompt in settings.prompts:
            line = bar.add_task(f"clinical ({prompt})", total=None)
            lm = EngineLM(
                subject.backend,
                ledger,
                config.batch,
                settings.max_length,
                lambda count, line=line: bar.advance(line, count),  # type: ignore[misc]
            )
            ask = harness.Ask(prompt == "chat", settings.fewshot, config.limit, config.seed)
            results = harness.evaluate(lm, folder, chosen, found, ask)
            for task in chosen:
                rows += scores.rows_of(task, prompt, results["samples"][task.name], lm.asked)
                setups[task.name] = results["configs"][task.name]
    return rows, setups


def _values(
    config: "Config",
    settings: Clinical,
    chosen: Sequence[Task],
    whole: Sequence[str],
    rows: Sequence[scores.Row],
) -> dict[str, Any]:
    """Prompt -> columns, macro means, and gaps between twins."""
    plan = scores.Plan(config.resamples, config.seed)
    out: dict[str, Any] = {}
    for prompt in settings.prompts:
        mine = [row for row in rows if row["prompt"] == prompt]
        out[prompt] = {
            "columns": scores.columns(chosen, mine),
            "groups": {name: scores.macro(name, mine, plan) for name in whole},
            "gaps": scores.gaps(chosen, mine, plan),
        }
    return out


def _partial(config: "Config", values: dict[str, Any]) -> list[str]:
    """Why these are no whole results."""
    out = []
    if config.limit is not None:
        out.append(f"At most {config.limit} questions a task (limit={config.limit}).")
    columns = next(iter(values.values()))["columns"]
    short = [
        f"{name} {one['n']} of {one['published']}"
        for name, one in columns.items()
        if one["published"] not in (0, one["n"]) and config.limit is None
    ]
    if short:
        out.append(f"Other numbers of questions than published: {', '.join(short)}.")
    for name, members in catalogue.groups().items():
        asked = sorted(set(members) & set(columns))
        if asked and len(asked) < len(members):
            out.append(f"{len(asked)} of {len(members)} columns of {name}.")
    return out


def _sign(
    config: "Config", settings: Clinical, subject: Subject, found: dict[str, Path], setups: dict[str, Any]
) -> dict[str, Any]:
    """What the scores rest on."""
    hashes = {name: io.sha256_file(path) for name, path in sorted(found.items())}
    words = {
        name: {key: value for key, value in setup.items() if key not in ("dataset_kwargs", "metadata")}
        for name, setup in sorted(setups.items())
    }
    return {
        "benchmark": io.sha256_bytes(io.canonical_json(hashes).encode()),
        "files": hashes,
        "language": "+".join(sorted({catalogue.tasks()[name].language for name in setups})),
        "harness": f"lm-evaluation-harness {harness.VERSION}",
        "prompt": {"tasks": harness.hash_of(words), "template": subject.prompt, "fewshot": settings.fewshot},
        "checkpoint": {"model": subject.identity},
        "model": {"model": subject.backend.name},
        "decoding": {"score": "loglikelihood", "max_length": settings.max_length, "dtype": config.dtype},
        "judge": None,
        "host": "local",
        "seed": config.seed,
        "version": __version__,
        "commit": git_commit(),
    }


def in_short(signature: dict[str, Any]) -> str:
    """The signature in one line, hashes cut to eight digits."""
    prompt, decoding = signature["prompt"], signature["decoding"]
    return "|".join(
        [
            f"benchmark:{signature['benchmark'][:8]}",
            f"language:{signature['language']}",
            f"harness:{harness.VERSION}",
            f"prompt:{prompt['tasks'][:8]}+{prompt['template'][:8]},{prompt['fewshot']}-shot",
            f"checkpoint:{signature['model']['model']}:{signature['checkpoint']['model'][:8]}",
            f"decoding:loglikelihood,{decoding['dtype']},max_length={decoding['max_length'] or 'context'}",
            f"judge:{signature['judge'] or 'none'}",
            f"host:{signature['host']}",
            f"seed:{signature['seed']}",
            f"version:{signature['version']}",
            f"commit:{(signature['commit'] or 'none')[:8]}",
        ]
    )


def _write(
    config: "Config",
    folder: Path,
    rows: Sequence[scores.Row],
    values: dict[str, Any],
    signature: dict[str, Any],
) -> None:
    partial = _partial(config, values)
    stated = values, partial, signature["model"]["model"], in_short(signature)
    io.write_jsonl(folder / "answers.jsonl", rows)
    io.write_json(folder / "scores.json", {"partial": partial, "signature": signature, **values})
    io.write_text(folder / "scores.md", report.scores(*stated))
    if rows_of_paper := report.paper_rows(*stated):
        io.write_jsonl(folder / "paper.jsonl", rows_of_paper)
