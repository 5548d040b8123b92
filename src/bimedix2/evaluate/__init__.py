"""A dataset's test side, or clinical benchmarks, to scores: every answer on disk, each number's interval."""

import functools
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.engine import Dtype
from bimedix2.errors import ConfigError, DataError
from bimedix2.evaluate import (
    aggregate,
    bias,
    browse,
    cascades,
    clinical,
    comparing,
    conversations,
    errors,
    export,
    failures,
    models,
    paired,
    paper,
    replaying,
    report,
    reports,
    safety,
    tables,
    trial,
    uphill,
    vqa,
)
from bimedix2.evaluate.ask import Ledger, ask
from bimedix2.evaluate.bias import Bias
from bimedix2.evaluate.browse import Browse
from bimedix2.evaluate.cascades import Cascades
from bimedix2.evaluate.clinical import Clinical
from bimedix2.evaluate.clinical import replay as clinical_replay
from bimedix2.evaluate.comparing import Compare
from bimedix2.evaluate.conversations import Conversations
from bimedix2.evaluate.errors import Errors
from bimedix2.evaluate.failures import Failure
from bimedix2.evaluate.lexicon import WORDS, Lexicon
from bimedix2.evaluate.mbench import build
from bimedix2.evaluate.mbench import folder as mbench
from bimedix2.evaluate.mbench.build import MbenchBuild
from bimedix2.evaluate.mbench.folder import Mbench
from bimedix2.evaluate.models import Model
from bimedix2.evaluate.paired import Paired
from bimedix2.evaluate.paper import Paper
from bimedix2.evaluate.reports import Reports
from bimedix2.evaluate.rows import Facets, Row
from bimedix2.evaluate.safety import Safety
from bimedix2.evaluate.signature import Subject, open_subject, sign
from bimedix2.evaluate.task import Asking, Sample
from bimedix2.evaluate.tasks import TASKS
from bimedix2.evaluate.trial import Trial
from bimedix2.evaluate.uphill import Uphill
from bimedix2.evaluate.vqa import Vqa
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records import Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records

STATE = ".state"
"""Below the staging folder, for answers as they come; hidden files are no part of a finished run."""


class Config(Settings):
    """What to evaluate, on what, and how intervals are drawn."""

    input: Path | None = None
    """A finished dataset folder; its records of split ``test`` are asked."""
    output: Path
    clinical: Clinical | None = None
    """Clinical benchmarks through lm-evaluation-harness."""
    vqa: Vqa | None = None
    """Questions about pictures: Rad-VQA, SLAKE, Path-VQA, and their Arabic twins."""
    reports: Reports | None = None
    """Radiology reports of MIMIC-CXR and MIMIC-III."""
    uphill: Uphill | None = None
    """Health claims that the user presupposes more and more firmly."""
    bias: Bias | None = None
    """The same cases with gender, country or insurance swapped."""
    safety: Safety | None = None
    """What must not simply be answered, and its answerable twins; safeguards off and on."""
    paired: Paired | None = None
    """The same items in both languages."""
    cascades: Cascades | None = None
    """An English model behind translation services, beside the bilingual model (Table 8)."""
    mbench_build: MbenchBuild | None = None
    """A benchmark in BiMed-MBench's layout from a dataset's test records; no model is asked."""
    trial: Trial | None = None
    """A blind expert trial: ``seal`` it, or ``read`` one that was judged in ``review``."""
    errors: Errors | None = None
    """Wrong answers of finished scores by class, with a gallery."""
    browse: Browse | None = None
    """Samples of finished scores side by side, on a page."""
    conversations: Conversations | None = None
    """Records drawn as conversations."""
    mbench: Mbench | None = None
    """Answers to BiMed-MBench, judged by a language model."""
    paper: Paper | None = None
    """The paper's tables and figures, rows of ours beside the published ones."""
    compare: Compare | None = None
    """Two finished folders of scores on the same samples."""
    model: Model = "nano"
    """A preset or a checkpoint folder, or a mapping: ``hub``, ``endpoint`` or ``answers``."""
    base: Model = "nano-base"
    """What text ability is compared with."""
    export: bool = False
    """Write the questions and their pictures for a system elsewhere, and ask nobody."""
    tasks: list[str] = Field(default=list(TASKS), min_length=1)
    max_tokens: int = Field(default=128, ge=1)
    """Of an answer; a longer one counts as cut."""
    known_words: bool = True
    """A word, or two neighbours, that no answer of the dataset has make an answer malformed. Off for models
    that were taught other sentences too."""
    resamples: int = Field(default=2000, ge=100)
    """Bootstrap resamples."""
    limit: int | None = Field(default=None, ge=1)
    """At most so many samples a task, drawn by the seed: for smoke tests, never for results."""
    reuse: Path | None = None
    """A finished folder of scores: what it asked of the same weights in the same words is not asked again."""
    batch: int = Field(default=64, ge=1)
    """Requests handed to the engine together."""
    dtype: Dtype = "float32"
    """What the language model computes in; it is part of the signature."""
    threads: int | None = Field(default=None, ge=1)
    """Torch threads; ``None`` leaves torch's own choice."""
    seed: int = 0

    @field_validator("tasks")
    @classmethod
    def _tasks_exist(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in TASKS:
                raise ValueError(f"'{name}' is no task; tasks are: {', '.join(TASKS)}")
        if len(set(names)) < len(names):
            raise ValueError("a task is named twice")
        return names

    @property
    def dataset(self) -> Path:
        """``input``, where no benchmark of ``KINDS`` is named."""
        assert self.input is not None
        return self.input

    @property
    def kind(self) -> str | None:
        """The one benchmark of ``KINDS`` that the recipe names."""
        return next((name for name in KINDS if getattr(self, name) is not None), None)

    @model_validator(mode="after")
    def _one_benchmark(self) -> "Config":
        named = [name for name in KINDS if getattr(self, name) is not None]
        if self.input is None and not named:
            raise ValueError(f"the key 'input' is missing; add it, or one of {', '.join(KINDS)}")
        if len(named) > 1:
            raise ValueError(f"'{named[0]}' and '{named[1]}' are two benchmarks; keep one of them")
        if named and self.input is not None:
            raise ValueError(f"'{named[0]}' brings its own data; leave 'input' out")
        if named and self.tasks != list(TASKS):
            raise ValueError(f"'{named[0]}' brings its own tasks; leave 'tasks' out")
        return self


Opener = Callable[[Model, int | None, Dtype], Subject]

KINDS: dict[str, Callable[[Config, Opener], Path]] = {
    "clinical": clinical.run,
    "paired": paired.run,
    "cascades": cascades.run,
    "mbench_build": build.run,
    "trial": trial.run,
    "vqa": vqa.run,
    "uphill": uphill.run,
    "bias": bias.run,
    "safety": safety.run,
    "reports": reports.run,
    "errors": errors.run,
    "browse": browse.run,
    "conversations": conversations.run,
    "mbench": mbench.run,
    "paper": paper.run,
    "compare": comparing.run,
}
"""Benchmarks with data of their own, in the place of ``input`` and ``tasks``: recipe key -> what runs it.

The key is a field of ``Config`` too, whose type is the kind's ``Settings``."""


Questions = tuple[dict[str, list[Sample]], ImageStore, dict[str, Path]]
"""Task -> samples, where their pictures are, and the inputs that they come from."""

QUESTIONS: dict[str, Callable[[Config], Questions]] = {
    "paired": paired.questions,
    "vqa": vqa.questions,
    "uphill": uphill.questions,
    "bias": bias.questions,
    "safety": safety.questions,
    "reports": reports.questions,
    "mbench": mbench.questions,
}
"""Kind -> its questions, for ``export``."""


REPLAYS: dict[str, replaying.Replay] = {
    replaying.TASKS_KIND: replaying.tasks,
    "clinical": clinical_replay.replay,
    "trial": trial.replay,
    "mbench": mbench.replay,
    "paired": paired.replay,
    "cascades": cascades.replay,
    "compare": comparing.replay,
    "vqa": vqa.replay,
    "uphill": uphill.replay,
    "bias": bias.replay,
    "reports": reports.replay,
    "safety": safety.replay,
}
"""Kind -> how a finished folder's numbers come from its logs; see ``bimedix2.evaluate.replaying``."""


def replay(folder: Path) -> list[str]:
    """Compute a finished folder's tables again from its logs; return the files that are the same.

    Raises:
        RunError: the folder cannot be replayed, or a number differs: the first is named.
    """
    return replaying.replay(folder, list(KINDS), REPLAYS)


def run(config: Config, opener: Opener = open_subject) -> Path:
    """Ask, score and report; a killed run goes on where it stopped.

    Args:
        config: the recipe.
        opener: how a model's name becomes a backend.

    Raises:
        DataError: the dataset cannot be evaluated; said before the model is loaded.
        ModelError: there is no such model, or its likelihoods are no numbers.
        EndpointError: its endpoint cannot be reached; give the same command again.
        DataClassError: a record may not be sent to its host; nothing of that task was.
    """
    if opener is open_subject:
        opener = functools.partial(open_subject, run=str(config.output))
    if config.export:
        return _export(config)
    if config.kind is not None:
        return KINDS[config.kind](config, opener)
    read_manifest(config.dataset)
    inputs = {"input": config.dataset} | ({"reuse": config.reuse} if config.reuse else {})
    inputs |= models.inputs(config.model)
    recipe = config.model_dump(mode="json", exclude={*KINDS, "export"})
    with RunFolder(config.output, "evaluate", recipe, inputs) as out:
        records = list(read_records(config.dataset))
        samples = _samples(config, records)
        ledger = Ledger(out.path / STATE / "answers.jsonl")
        if config.reuse:
            ledger.take(config.reuse)
        rows, failed, subjects = _rows(config, records, samples, ledger, opener)
        counts, extra = _write(config, out.path, rows, failed, subjects)
        shutil.rmtree(out.path / STATE)
        return out.publish(counts, extra)


def _export(config: Config) -> Path:
    """Write the recipe's questions out."""
    if config.kind is None:
        read_manifest(config.dataset)
        samples = _samples(config, list(read_records(config.dataset)))
        found: Questions = samples, ImageStore(config.dataset / "images"), {"input": config.dataset}
    elif config.kind in QUESTIONS:
        found = QUESTIONS[config.kind](config)
    else:
        raise ConfigError(f"'{config.kind}' has no questions to write out; leave export out")
    samples, images, inputs = found
    recipe = config.model_dump(mode="json")
    own = getattr(config, config.kind) if config.kind else config
    most = getattr(own, "max_tokens", config.max_tokens)
    return export.write(config.output, recipe, inputs, samples, images, most)


def _samples(config: Config, records: Sequence[Record]) -> dict[str, list[Sample]]:
    """The samples of every task, all that is wrong with them said now."""
    test = [record for record in records if record.split is Split.TEST]
    if not test:
        raise DataError(
            f"{config.dataset} has no records of split 'test'; hold some out in the dataset's recipe"
        )
    store = ImageStore(config.dataset / "images")
    out = {}
    for name in config.tasks:
        chosen = TASKS[name].select(test, config.seed)
        if not chosen:
            raise DataError(f"{config.dataset} has no test records for task '{name}'; leave it out of tasks")
        if config.limit is not None and len(chosen) > config.limit:
            chosen = random.Random(f"{config.seed}:limit:{name}").sample(chosen, config.limit)
        for sample in chosen:
            for part in (part for message in sample.messages for part in message.images):
                if part.image not in store:
                    raise DataError(
                        f"{sample.record.id}: image {part.image[:12]} is not in {store.root}; "
                        "run the dataset room again"
                    )
        out[name] = chosen
    return out


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    )


def _rows(
    config: Config,
    records: Sequence[Record],
    samples: dict[str, list[Sample]],
    ledger: Ledger,
    opener: Opener,
) -> tuple[list[Row], list[Failure], dict[str, Subject]]:
    facets = Facets(records)
    lexicon = Lexicon.of(records) if config.known_words else None
    if lexicon is not None:
        lexicon.write(ledger.path.parents[1] / WORDS)
    asking = Asking(ImageStore(config.dataset / "images"), config.max_tokens, config.batch)
    rows: list[Row] = []
    failed: list[Failure] = []
    subjects: dict[str, Subject] = {}
    roles = {"model": config.model, "base": config.base}
    with _bar() as bar:
        for role, source in roles.items():
            names = [name for name in config.tasks if role == "model" or TASKS[name].base]
            if not names:
                continue
            subject = subjects[role] = opener(source, config.threads, config.dtype)
            for name in names:
                line = bar.add_task(f"{name} ({role})", total=len(samples[name]))
                ask(
                    TASKS[name],
                    samples[name],
                    subject,
                    ledger,
                    asking,
                    lambda count, line=line: bar.advance(line, count),  # type: ignore[misc]
                )
                for sample in samples[name]:
                    request = sample.request(subject.identity, config.max_tokens)
                    raw = ledger.known[request]
                    if "failure" in raw:
                        failed.append(Failure(name, role, sample, request, raw))
                        continue
                    rows.append(
                        Row(
                            task=name,
                            role=role,
                            sample=sample,
                            request=request,
                            raw=raw,
                            grade=TASKS[name].score(sample, raw, lexicon),
                            modality=facets.modality(sample.record),
                            trains=facets.trains(sample.record),
                            taught=facets.taught(sample.record),
                        )
                    )
                if not any((row.task, row.role) == (name, role) for row in rows):
                    failures.refuse(name, [one for one in failed if one.task == name])
    return rows, failed, subjects


def _write(
    config: Config,
    folder: Path,
    rows: list[Row],
    failed: list[Failure],
    subjects: dict[str, Subject],
) -> tuple[dict[str, Any], dict[str, Any]]:
    signature = sign(config.dataset, subjects, config.seed, config.max_tokens, config.dtype)
    samples = len(rows) + len(failed)
    opening = {
        "partial": replaying.partial(config.limit, failed, len(rows)),
        "faults": failures.of_files(subjects),
    }
    lines: list[Row | Failure] = [*rows, *failed]
    io.write_jsonl(folder / "answers.jsonl", (line.to_json() for line in lines))
    io.write_text(folder / "errors.md", report.errors(rows))
    plan = aggregate.Plan(config.resamples, config.seed)
    tables.write(folder, rows, config.tasks, plan, signature, opening)
    seconds = sum(row.raw.get("seconds", 0.0) for row in rows if "answer" in row.raw)
    answered = sum("answer" in row.raw for row in rows)
    rate = {"answers": answered, "seconds": round(seconds, 1), "threads": config.threads}
    counts = {"in": samples, "kept": len(rows), "removed": failures.counts(failed)}
    return counts, {"signature": signature, "answering": rate}
