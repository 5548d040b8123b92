"""A model on a benchmark to scores: every answer on disk, each number's interval and signature."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from bimedix2.config import Settings
from bimedix2.engine import Dtype
from bimedix2.errors import ConfigError
from bimedix2.evaluate import (
    bias,
    browse,
    cascades,
    clinical,
    comparing,
    conversations,
    errors,
    export,
    healthbench,
    held_out,
    medhalt,
    paired,
    paper,
    probes,
    replaying,
    reports,
    safety,
    trial,
    uphill,
    vqa,
)
from bimedix2.evaluate.bias import Bias
from bimedix2.evaluate.browse import Browse
from bimedix2.evaluate.cascades import Cascades
from bimedix2.evaluate.clinical import Clinical, making
from bimedix2.evaluate.clinical import replay as clinical_replay
from bimedix2.evaluate.clinical.making import ClinicalTwin
from bimedix2.evaluate.comparing import Compare
from bimedix2.evaluate.conversations import Conversations
from bimedix2.evaluate.errors import Errors
from bimedix2.evaluate.healthbench import Healthbench
from bimedix2.evaluate.mbench import build
from bimedix2.evaluate.mbench import folder as mbench
from bimedix2.evaluate.mbench.build import MbenchBuild
from bimedix2.evaluate.mbench.folder import Mbench
from bimedix2.evaluate.medhalt import Medhalt
from bimedix2.evaluate.models import Model
from bimedix2.evaluate.paired import Paired
from bimedix2.evaluate.paper import Paper
from bimedix2.evaluate.probes import Probes
from bimedix2.evaluate.reports import Reports
from bimedix2.evaluate.safety import Safety
from bimedix2.evaluate.signature import Subject, open_subject
from bimedix2.evaluate.task import Sample
from bimedix2.evaluate.tasks import TASKS
from bimedix2.evaluate.trial import Trial
from bimedix2.evaluate.uphill import Uphill
from bimedix2.evaluate.vqa import Vqa
from bimedix2.records.images import ImageStore


class Config(Settings):
    """What to evaluate, on what, and how intervals are drawn."""

    input: Path | None = None
    """A finished dataset folder; its records of split ``test`` are asked."""
    output: Path
    clinical: Clinical | None = None
    """Clinical benchmarks through lm-evaluation-harness."""
    clinical_twin: ClinicalTwin | None = None
    """Arabic twins of clinical benchmarks, through ``translate`` and ``review``; no model is asked."""
    vqa: Vqa | None = None
    """Questions about pictures: Rad-VQA, SLAKE, Path-VQA, and their Arabic twins."""
    probes: Probes | None = None
    """Balanced yes or no questions about what a picture is, and the same with "not"."""
    reports: Reports | None = None
    """Radiology reports of MIMIC-CXR and MIMIC-III."""
    uphill: Uphill | None = None
    """Health claims that the user presupposes more and more firmly."""
    healthbench: Healthbench | None = None
    """Conversations graded by the rubrics of their items."""
    medhalt: Medhalt | None = None
    """Med-HALT: wrong answers accepted, nonsensical questions answered, articles made up."""
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

    def stated(self) -> dict[str, Any]:
        """The recipe as a manifest has it, without the benchmarks that it does not name."""
        return self.model_dump(mode="json", exclude={*KINDS, "export"})

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

Questions = tuple[dict[str, list[Sample]], ImageStore, dict[str, Path]]
"""Task -> samples, where their pictures are, and the inputs that they come from."""


@dataclass(frozen=True)
class Kind:
    """A benchmark with data of its own, in the place of ``input`` and ``tasks``."""

    run: Callable[[Config, Opener], Path]
    replay: replaying.Replay | None = None
    """How a finished folder's numbers come from its logs; ``None`` where it has no numbers of its own."""
    questions: Callable[[Config], Questions] | None = None
    """Its questions, for ``export``."""


KINDS: dict[str, Kind] = {
    "clinical": Kind(clinical.run, clinical_replay.replay, clinical.questions),
    "clinical_twin": Kind(making.run),
    "vqa": Kind(vqa.run, vqa.replay, vqa.questions),
    "probes": Kind(probes.run, probes.replay, probes.questions),
    "reports": Kind(reports.run, reports.replay, reports.questions),
    "uphill": Kind(uphill.run, uphill.replay, uphill.questions),
    "healthbench": Kind(healthbench.run, healthbench.replay, healthbench.questions),
    "medhalt": Kind(medhalt.run, medhalt.replay, medhalt.questions),
    "bias": Kind(bias.run, bias.replay, bias.questions),
    "safety": Kind(safety.run, safety.replay, safety.questions),
    "paired": Kind(paired.run, paired.replay, paired.questions),
    "cascades": Kind(cascades.run, cascades.replay),
    "mbench": Kind(mbench.run, mbench.replay, mbench.questions),
    "mbench_build": Kind(build.run),
    "trial": Kind(trial.run, trial.replay),
    "errors": Kind(errors.run),
    "browse": Kind(browse.run),
    "conversations": Kind(conversations.run),
    "paper": Kind(paper.run),
    "compare": Kind(comparing.run, comparing.replay),
}
"""Recipe key -> kind; the key is a field of ``Config`` too, whose type is the kind's ``Settings``."""

HELD_OUT = Kind(held_out.run, replaying.tasks, held_out.questions)
"""What a recipe with ``input`` and ``tasks`` asks for."""


def replay(folder: Path) -> list[str]:
    """Compute a finished folder's tables again from its logs; return the files that are the same.

    Raises:
        RunError: the folder cannot be replayed, or a number differs: the first is named.
    """
    known = {replaying.TASKS_KIND: HELD_OUT, **KINDS}
    return replaying.replay(folder, list(KINDS), {n: k.replay for n, k in known.items() if k.replay})


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
    kind = KINDS[config.kind] if config.kind else HELD_OUT
    return _export(config, kind) if config.export else kind.run(config, opener)


def _export(config: Config, kind: Kind) -> Path:
    """Write the recipe's questions out."""
    if kind.questions is None:
        raise ConfigError(f"'{config.kind}' has no questions to write out; leave export out")
    samples, images, inputs = kind.questions(config)
    own = getattr(config, config.kind) if config.kind else config
    most = getattr(own, "max_tokens", config.max_tokens)
    return export.write(config.output, config.model_dump(mode="json"), inputs, samples, images, most)
