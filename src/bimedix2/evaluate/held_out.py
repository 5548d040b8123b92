"""A dataset's test side to scores: held-out pictures, swapped ones, and text ability beside the base's."""

import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.evaluate import aggregate, answering, failures, replaying, report, tables
from bimedix2.evaluate.ask import Ledger, ask
from bimedix2.evaluate.failures import Failure
from bimedix2.evaluate.lexicon import WORDS, Lexicon
from bimedix2.evaluate.rows import Facets, Row
from bimedix2.evaluate.signature import Subject, sign
from bimedix2.evaluate.task import Asking, Sample
from bimedix2.evaluate.tasks import TASKS
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records import Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records

if TYPE_CHECKING:
    from bimedix2.evaluate import Config, Opener, Questions


def run(config: "Config", opener: "Opener") -> Path:
    """Ask, score and report ``config.tasks`` on the records of ``config.input``; as ``evaluate.run``."""
    read_manifest(config.dataset)
    inputs = answering.inputs(config, {"input": config.dataset})
    with RunFolder(config.output, "evaluate", config.stated(), inputs) as out:
        records = list(read_records(config.dataset))
        samples = _samples(config, records)
        answering.guard(out.path, (sample.record for some in samples.values() for sample in some))
        ledger = answering.open_ledger(out.path, config.reuse)
        rows, failed, subjects = _rows(config, records, samples, ledger, opener)
        counts, extra = _write(config, out.path, rows, failed, subjects)
        shutil.rmtree(out.path / answering.STATE)
        return out.publish(counts, extra)


def questions(config: "Config") -> "Questions":
    """The samples of every task, for ``export``."""
    read_manifest(config.dataset)
    samples = _samples(config, list(read_records(config.dataset)))
    return samples, ImageStore(config.dataset / "images"), {"input": config.dataset}


def _samples(config: "Config", records: Sequence[Record]) -> dict[str, list[Sample]]:
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


def _rows(
    config: "Config",
    records: Sequence[Record],
    samples: dict[str, list[Sample]],
    ledger: Ledger,
    opener: "Opener",
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
    with answering.progress() as bar:
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
                    request = subject.request(sample, config.max_tokens)
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
    config: "Config",
    folder: Path,
    rows: list[Row],
    failed: list[Failure],
    subjects: dict[str, Subject],
) -> tuple[dict[str, Any], dict[str, Any]]:
    signature = sign(config, subjects)
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
