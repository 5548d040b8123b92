"""Records to a dataset: grouped split, leakage audit, mixture, global shuffle, and a reason for what was
left out.

Rows are read as Arrow columns and never all at once: a survey keeps a few numbers of each, every fate is
decided from these, and the rows are then written through buckets on disk.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator
from rich.console import Console

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.dataset import card, chart, components, names, shuffle
from bimedix2.dataset import plan as fates
from bimedix2.dataset.batches import Bools, Ints, Unit, in_threads
from bimedix2.dataset.card import Card
from bimedix2.dataset.components import Component, Line
from bimedix2.dataset.export import Export, export
from bimedix2.dataset.leakage import Audit, LeakageConfig
from bimedix2.dataset.mixture import MixtureConfig
from bimedix2.dataset.plan import Plan
from bimedix2.dataset.shuffle import Shard
from bimedix2.dataset.split import SIDES, TEST, TRAIN, SplitConfig
from bimedix2.dataset.survey import Looked, survey
from bimedix2.errors import ConfigError, ImageError
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records.images import ImageStore

SPILL = ".spill"
"""Below the staging folder, for the buckets of the shuffle; it is gone before the folder is published."""


class CardConfig(Settings):
    """What the dataset card says."""

    name: str = ""
    """Of the dataset; the output folder's by default."""
    tokenizer: Path | None = None
    """A checkpoint's folder or a ``tokenizer.json`` with which tokens are counted on a sample."""
    chart: bool = True
    """Whether ``composition.png`` is drawn."""


class Config(Settings):
    """What to read, how to split and mix it, and where to write."""

    inputs: list[Path] = []
    """Finished record folders."""
    components: dict[str, Component] = {}
    """The parts of the dataset by name, with their published counts. Where some are declared, a training
    record that belongs to none is left out."""
    allow_missing: bool = False
    """Build without the components whose folder is not there."""
    output: Path
    split: SplitConfig = Field(default_factory=SplitConfig)
    leakage: LeakageConfig = Field(default_factory=LeakageConfig)
    deduplicate: bool = True
    """Keep one of the training and validation records that say and show the same."""
    failed_translations: Literal["remove", "keep"] = "remove"
    """What becomes of translations that fail a check and that no reviewer has looked at."""
    train: MixtureConfig = Field(default_factory=MixtureConfig)
    validation: MixtureConfig = Field(default_factory=MixtureConfig)
    test: MixtureConfig = Field(default_factory=MixtureConfig)
    exports: list[Export] = []
    """Formats that are written below ``exports/`` beside the Parquet files."""
    card: CardConfig = Field(default_factory=CardConfig)
    max_broken: int = Field(default=100, ge=0)
    """Records that are none, or have an image that is not there, before the run stops; until then each is
    left out with its reason."""
    dry_run: bool = False
    """Read and decide all, print what would be built and write it to ``OUTPUT.plan.json``, and build
    nothing."""
    workers: int | None = Field(default=None, ge=1)
    """Threads; ``None`` is one a processor core."""
    seed: int = 0

    @model_validator(mode="after")
    def _reads_something(self) -> "Config":
        if not self.inputs and not any(one.path for one in self.components.values()):
            raise ValueError("there is nothing to read; give 'inputs', or a 'path' to the components")
        return self

    def meta(self) -> tuple[str, ...]:
        """The keys of ``meta`` that the mixtures balance by."""
        keys = [key for mixture in self.mixtures() for key in mixture.meta()]
        return tuple(dict.fromkeys(keys))

    def mixtures(self) -> tuple[MixtureConfig, ...]:
        """One a side."""
        return self.train, self.validation, self.test


@dataclass(frozen=True)
class _Decided:
    """What is known before anything is written."""

    plan: Plan
    units: list[Unit]
    lines: list[Line]
    audit: Audit
    holders: Ints


def run(config: Config) -> Path:
    """Split, audit, mix, shuffle and write one finished dataset folder.

    Returns:
        The finished folder; the plan's file for a dry run.

    Raises:
        ConfigError: a rule cannot hold, or a component's folder is not there.
        DataError: a shard cannot be read, or more records are broken than ``max_broken``.
        RunError: an input is no finished folder, or the output is one already.
        MissingExtra: the chart or the token counts need what is not installed.
    """
    folders = _folders(config)
    against = [path for path in config.leakage.against if path not in folders]
    for path in (*folders, *against):
        read_manifest(path)
    if config.dry_run:
        return _plan(config, _decide(config, folders, against))
    if config.card.chart:
        chart.ready()
    tokenizer = card.open_tokenizer(config.card.tokenizer) if config.card.tokenizer else None
    inputs = {f"inputs.{n}": path for n, path in enumerate(folders)}
    inputs |= {f"against.{n}": path for n, path in enumerate(against)}
    with RunFolder(config.output, "dataset", config.model_dump(mode="json"), inputs, afresh=True) as out:
        decided = _decide(config, folders, against)
        shards = _write(config, out.path, decided, folders)
        extra = _describe(config, out.path, decided, shards, tokenizer)
        plan = decided.plan
        counts = {"in": plan.inside(), "kept": sum(plan.counts), "removed": plan.removed()}
        return out.publish(counts, extra)


def _plan(config: Config, decided: _Decided) -> Path:
    """Write what would be built beside the output, and print its table."""
    plan, target = decided.plan, config.output.with_name(f"{config.output.name}.plan.json")
    components.show(decided.lines, f"Dry run: {config.output} is not built")
    counts = {"in": plan.inside(), "kept": sum(plan.counts), "removed": plan.removed()}
    found = {"counts": counts, "composition": card.composition(plan)}
    audit = decided.audit.report(plan.ids)
    found |= {"leakage": audit["kinds"], "not_compared": audit["not_compared"]}
    io.write_json(target, found | {"components": components.as_json(decided.lines)})
    return target


def _workers(config: Config) -> int:
    return config.workers or os.cpu_count() or 1


def _folders(config: Config) -> list[Path]:
    """The folders that are read, each once.

    Raises:
        ConfigError: that of a component is not there, and the recipe does not say to go without.
    """
    folders = list(dict.fromkeys(config.inputs))
    absent = []
    for name, one in config.components.items():
        if one.path is not None and one.path not in folders:
            if one.path.is_dir():
                folders.append(one.path)
            else:
                absent.append(f"{one.path} ('{name}')")
    if absent and not (config.allow_missing or config.dry_run):
        raise ConfigError(
            f"{len(absent)} components have no folder, the first {absent[0]}; make it with the rooms before "
            "this one, or build from what there is with allow_missing=true"
        )
    if not folders and not config.dry_run:
        raise ConfigError(f"none of the recipe's folders is there, the first is {absent[0]}; make it first")
    return folders


def _decide(config: Config, folders: list[Path], against: list[Path]) -> _Decided:
    """Everything that is decided, and nothing that is written."""
    workers = _workers(config)
    looked = Looked(
        config.meta(), config.split.named(), config.split.drawn_images(), config.split.drawn_ids()
    )
    units, found = survey([*folders, *against], looked, workers)
    names.check(
        found,
        len(folders),
        {side.value: mixture for side, mixture in zip(SIDES, config.mixtures(), strict=True)},
        config.components,
        config.leakage.within,
    )
    plan = Plan(found, len(folders), config.components)
    holders = fates.holders_of(plan.image_names, folders)
    fates.broken(plan, config.max_broken, holders)
    if config.failed_translations == "remove":
        fates.unreviewed(plan)
    fates.sort_out(plan, config.split, config.components, {path: n for n, path in enumerate(folders)})
    _refuse_idle(plan, [*folders, *against], config.leakage.against)
    available = plan.mine & (plan.side == TRAIN)
    audit = fates.audit_of(plan, units, config.leakage, workers)
    if apart := audit.not_compared():
        Console(stderr=True, soft_wrap=True).print(f"leakage: {apart}", markup=False, highlight=False)
    if config.deduplicate:
        fates.deduplicate(plan)
    fates.cut(plan, config.components, config.seed)
    fates.draw(plan, config.mixtures(), config.meta(), config.seed)
    return _Decided(plan, units, _lines(config, plan, available), audit, holders)


def _refuse_idle(plan: Plan, read: list[Path], against: list[Path]) -> None:
    """A benchmark that marks no record as a test's would stand guard over nothing.

    Args:
        plan: with the sides decided.
        read: every folder, in the order of their numbers.
        against: the benchmarks; one may be among the inputs too.

    Raises:
        ConfigError: there is such a folder.
    """
    number = plan.survey.column(lambda profile: profile.folder, np.int32)
    tests = set(np.unique(number[(plan.side == TEST) & (plan.survey.profile >= 0)]).tolist())
    for path in against:
        if read.index(path) not in tests:
            raise ConfigError(
                f"leakage.against: {path} has no test record (split: test), so nothing would be compared; "
                "name a folder whose records are a test's, or leave it out"
            )


def _lines(config: Config, plan: Plan, available: Bools) -> list[Line]:
    """The table of the training side, by component, or by source where the recipe declares none."""
    built = (plan.position >= 0) & (plan.side == TRAIN)
    names, groups = config.components, plan.component
    if not names:
        sources = sorted({profile.source for profile in plan.survey.profiles})
        names = {source: Component() for source in sources}
        groups = plan.survey.column(lambda profile: sources.index(profile.source), np.int16)
    counts = [
        np.bincount(groups[rows & (groups >= 0)], minlength=len(names)).tolist()
        for rows in (available, built)
    ]
    return components.table(names, *counts)


def _write(config: Config, folder: Path, decided: _Decided, folders: list[Path]) -> list[Shard]:
    """Write the shards, the images and the reasons."""
    plan, workers = decided.plan, _workers(config)
    kept = plan.position >= 0
    shards = shuffle.shards_of(plan.counts, int(plan.survey.characters[kept].sum(dtype=np.int64)))
    spilled = folder / SPILL
    shuffle.spill(spilled, decided.units, plan, shards, workers)
    shuffle.write(folder / "records", spilled, shards, workers)
    shuffle.write_reasons(folder, spilled)
    shutil.rmtree(spilled)
    shown = np.unique(plan.image_numbers[kept[plan.image_rows]])
    _carry_images(folder, folders, plan.image_names.take(pa.array(shown)).to_pylist(), decided.holders[shown])
    return shards


def _carry_images(folder: Path, folders: list[Path], names: list[str], holders: Ints) -> None:
    """Link the images that are shown into the dataset, each checked against its hash."""
    stores, out = [ImageStore(path / "images") for path in folders], ImageStore(folder / "images")

    def carry(job: tuple[str, int]) -> None:
        file = stores[job[1]].path(job[0])
        if out.add_file(file) != job[0]:
            raise ImageError(f"{file} was changed on disk; delete it and run the source again")

    for _ in in_threads(carry, list(zip(names, holders.tolist(), strict=True)), 2):
        pass


def _describe(
    config: Config, folder: Path, decided: _Decided, shards: list[Shard], tokenizer: Any
) -> dict[str, Any]:
    """Write the card, the chart, the leakage report and the exports; return what the manifest says of
    them."""
    plan, report = decided.plan, decided.audit.report(decided.plan.ids)
    name = config.card.name or config.output.name
    declared = decided.lines if config.components else []
    tokens = card.token_counts(folder / "records", plan, shards, tokenizer) if tokenizer else {}
    about = Card(name, plan, shards, declared, report, tokens, config.card.chart)
    if config.card.chart:
        chart.draw(about.parts(), folder / card.CHART, name)
    io.write_text(folder / "README.md", about.markdown())
    io.write_json(folder / "leakage.json", report)
    if config.exports:
        export(folder, config.exports, name)
    extra = {"composition": card.composition(plan), "leakage": report["kinds"]}
    if declared:
        components.show(declared, name)
        extra["components"] = components.as_json(declared)
    return extra
