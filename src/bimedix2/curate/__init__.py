"""Records to better records: filtered, de-identified, deduplicated; and the bilingual instruction set."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Self

from pydantic import model_validator
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, track

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.curate.clean import Operations
from bimedix2.curate.deidentify import DeidentifyConfig, read_key
from bimedix2.curate.duplicates import DuplicatesConfig
from bimedix2.curate.facts import facts_of, without_concept
from bimedix2.curate.filters import FilterConfig
from bimedix2.curate.instruct import InstructConfig, instruct
from bimedix2.curate.reformat import RESUMABLE, Reformat, ReformatConfig
from bimedix2.llm.connect import open_endpoint
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records import Record
from bimedix2.records.store import write_records, write_removed

OPERATIONS = ("filter", "deidentify", "duplicates", "reformat", "instruct")


class Config(Settings):
    """What to read, what to do with it, and where to write.

    The operations that a recipe names (``filter: {}`` with every setting as it is) are done, in the order in
    which they stand here. A recipe that names none writes the instruction set.
    """

    input: Path
    """A finished record folder; for ``instruct`` one whose caption records carry annotations."""
    output: Path
    filter: FilterConfig | None = None
    """Leave out records that are not fit for use."""
    deidentify: DeidentifyConfig | None = None
    """Take what identifies people out of words and DICOM headers."""
    duplicates: DuplicatesConfig | None = None
    """Keep one of the records that say or show the same."""
    reformat: ReformatConfig | None = None
    """Let a model rewrite records: short answers in full, captions as questions, choices as dialogues."""
    instruct: InstructConfig | None = None
    """Write questions and answers in both languages from what is annotated of each image."""
    seed: int = 0
    dry_run: bool = False
    """Do the operations before ``reformat``, estimate what it would cost, and ask and write nothing."""

    @model_validator(mode="before")
    @classmethod
    def _something(cls, values: Any) -> Any:
        if isinstance(values, dict) and all(values.get(name) is None for name in OPERATIONS):
            return {**values, "instruct": {}}
        return values

    @model_validator(mode="after")
    def _something_to_plan(self) -> Self:
        if self.dry_run and self.reformat is None:
            raise ValueError(
                "'dry_run' estimates what 'reformat' costs, and the recipe has none; leave it out"
            )
        return self


def _sort(records: Iterable[Record]) -> tuple[list[Record], list[Record], list[tuple[str, str, Any]]]:
    """Pictures to ask about, other records that pass through, and those of which nothing is known."""
    pictures, others, removed = [], [], []
    for record in records:
        if not record.images:
            others.append(record)
            continue
        facts = facts_of(record)
        if facts.study is None and facts.unreadable is None:
            removed.append((record.id, "no-known-modality", str(record.meta.get("modality"))))
        else:
            pictures.append(record)
    return pictures, others, removed


def _asked(records: Iterable[Record], config: InstructConfig, seed: int, work: Operations) -> list[Record]:
    """The captions, the other records and the instruction set."""
    pictures, others, removed = _sort(records)
    work.removed += removed
    if unknown := Counter(value for picture in pictures for value in without_concept(picture)):
        work.about["instruct"] = {"without_concept": dict(sorted(unknown.items()))}
        (often, count), *_ = unknown.most_common(1)
        Console(stderr=True, soft_wrap=True).print(
            f"instruct: nothing is asked of {unknown.total()} annotations that are no concept of "
            f"curate/annotations.yaml, most often '{often}' ({count}); the manifest counts them all",
            markup=False,
            highlight=False,
        )
    made = instruct(pictures, config, seed)
    return [*pictures, *others, *track(made, description="curate", transient=True, total=None)]


def run(config: Config) -> Path:
    """Do what the recipe names, and write what is left and made into one finished folder.

    Returns:
        The finished folder; the plan's file for a dry run.
    """
    read_manifest(config.input)
    if config.deidentify is not None:
        read_key(config.deidentify.key)  # before anything is read
    if config.dry_run and config.reformat is not None:
        return _plan(config, config.reformat)
    recipe = config.model_dump(mode="json", exclude={"reformat": RESUMABLE, "dry_run": True})
    with RunFolder(config.output, "curate", recipe, {"input": config.input}, afresh=True) as out:
        work = Operations(config.filter, config.deidentify, config.duplicates)
        left, images = work.run(config.input, out.path)
        with ExitStack() as stack:
            stack.enter_context(closing(left))  # an error must not leave its progress display open
            made: Iterable[Record] = left
            if config.reformat is not None:
                made = _rewritten(left, config.reformat, config.output, work, stack)
            if config.instruct is not None:
                made = _asked(made, config.instruct, config.seed, work)
            kept, types, shown = _write(made, out.path)
        images.carry(shown, out.path)
        work.finish(out.path)
        counts = {"in": work.total, "kept": kept, "removed": write_removed(out.path, work.removed)}
        done = {"operations": work.about} if work.about else {}
        return out.publish(counts, {"types": dict(sorted(types.items())), **done})


def _plan(config: Config, reformat: ReformatConfig) -> Path:
    """Estimate what rewriting costs; return the plan's file, beside the output."""
    work = Operations(config.filter, config.deidentify, config.duplicates)
    with (
        tempfile.TemporaryDirectory() as scratch,
        open_endpoint(reformat.endpoint, reformat.cache, str(config.output)) as backend,
    ):
        left, _ = work.run(config.input, Path(scratch))
        with closing(left):
            plan = Reformat(reformat, backend).plan(left)
    target = config.output.with_name(f"{config.output.name}.plan.json")
    io.write_json(target, plan)
    first = plan.get("first_round", f"{plan.get('first_requests')} requests")
    said = f"{plan['to_rewrite']:,} of {plan['records']:,} records to rewrite; the first round: {first}"
    Console(stderr=True, soft_wrap=True).print(
        f"{said}; corrections not counted; nothing was asked", highlight=False
    )
    return target


def _rewritten(
    records: Iterator[Record], config: ReformatConfig, output: Path, work: Operations, stack: ExitStack
) -> Iterator[Record]:
    """The records with what a model made of them; rejects go with what else was left out."""
    backend = stack.enter_context(open_endpoint(config.endpoint, config.cache, str(output)))
    rewriting = Reformat(config, backend)
    columns = (SpinnerColumn(), TextColumn("{task.description}: {task.completed}"), TimeElapsedColumn())
    progress = stack.enter_context(Progress(*columns, transient=True))
    shown = progress.add_task(f"curate: {config.kind}", total=None)
    for record in rewriting.run(records):
        progress.advance(shown)
        yield record
    rewriting.look_idle()
    work.removed += rewriting.removed
    work.about["reformat"] = dict(sorted(rewriting.counts.items()))


def _write(records: Iterable[Record], folder: Path) -> tuple[int, Counter[str], set[str]]:
    """Write the records; return their number, their question types and their images."""
    types: Counter[str] = Counter()
    shown: set[str] = set()

    def written() -> Iterator[Record]:
        for record in records:
            shown.update(image.image for image in record.images)
            types.update([str(record.meta["type"])] if "type" in record.meta else [])
            yield record

    return write_records(folder, written()), types, shown
