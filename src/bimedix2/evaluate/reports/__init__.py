"""Radiology reports out of a user's own MIMIC copies: generation (Table 7) and summarisation (Table 6).

The records are of class ``credentialed``: they leave this machine for hosts alone that the recipe lists for
the class, and what is written is closed to other users.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator, model_validator

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import ConfigError, RunError
from bimedix2.evaluate import answering, failures
from bimedix2.evaluate.answering import Answered, Basis, InPlace
from bimedix2.evaluate.metrics import heavy
from bimedix2.evaluate.metrics.radfact.scorer import Radfact
from bimedix2.evaluate.models import Model
from bimedix2.evaluate.report import Frame
from bimedix2.evaluate.reports import mimic_cxr, mimic_iii, page, scores
from bimedix2.evaluate.reports.items import Collection, Item
from bimedix2.evaluate.reports.mimic_cxr import Cxr
from bimedix2.evaluate.reports.mimic_iii import Mimic3
from bimedix2.evaluate.reports.scores import Plan, Row
from bimedix2.evaluate.signature import Subject, open_subject
from bimedix2.evaluate.task import Asking, Sample
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records import DataClass
from bimedix2.records.images import ImageStore
from bimedix2.records.store import write_removed

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

USUAL = {mimic_cxr.NAME: "paper", mimic_iii.NAME: "multimedeval"}
"""The words of the paper's tables; rows of other words are named by them."""
Opener = Callable[[Model, int | None, Any], Subject]


class Reports(Settings):
    """Which of the two, from where, and which scorers with weights."""

    cxr: Cxr | None = None
    """MIMIC-CXR: a report of the pictures of a study."""
    mimic3: Mimic3 | None = None
    """MIMIC-III: the impression from the findings."""
    scorers: list[str] = []
    """``radgraph``, ``chexbert``, ``bertscore``, ``ratescore``, ``green``, ``crimson`` and what else
    ``metrics.heavy`` knows: from the hub, or ``NAME=PATH``."""
    radfact: Radfact | None = None
    """RadFact, and who judges it."""
    max_tokens: int = Field(default=512, ge=1)
    """Of a report; one that reaches it is cut, which is counted."""

    @field_validator("scorers")
    @classmethod
    def _known(cls, asked: list[str]) -> list[str]:
        try:
            found = heavy.asked_for(asked)
        except ConfigError as error:
            raise ValueError(str(error)) from error
        for name, path in found.items():
            if path is not None and not Path(path).exists():
                raise ValueError(f"the weights of {name} are not at {path}; check the path")
        return asked

    @field_validator("radfact")
    @classmethod
    def _credentialed(cls, asked: Radfact | None) -> Radfact | None:
        if asked is not None and asked.data_class is not DataClass.CREDENTIALED:
            raise ValueError("reports of MIMIC are credentialed; leave data_class out")
        return asked

    @model_validator(mode="after")
    def _some(self) -> "Reports":
        if self.cxr is None and self.mimic3 is None:
            raise ValueError("name 'cxr', 'mimic3' or both below 'reports'")
        return self


def run(config: "Config", opener: Opener = open_subject) -> Path:
    """Select, ask, score and report; a killed run goes on where it stopped.

    Args:
        config: the room's, with ``reports``.
        opener: how a model's name becomes a backend.

    Raises:
        DataError: a copy is not as it is published, which is said before the model is loaded; or no report
            can be scored.
        DataClassError: the model's host, or the judge's, is not listed for credentialed records; nothing was
            sent.
        ModelError: there is no such model.
        EndpointError: RadFact's judge cannot be reached; give the same command again.
        BudgetError: its next request could cost more than is left.
    """
    settings, found, pictures = _read(config)
    inputs = answering.inputs(config, _files(found))
    if settings.radfact is not None:
        inputs |= settings.radfact.check()
    recipe = config.model_dump(mode="json", exclude={"reports": {"radfact": {"cache"}}})
    with RunFolder(config.output, "evaluate", recipe, inputs) as out:
        answering.guard(out.path, (item.record for one in found for item in one.items))
        ledger = answering.open_ledger(out.path, config.reuse)
        subject = opener(config.model, config.threads, config.dtype)
        asking = Asking(pictures, settings.max_tokens, config.batch)
        rows: dict[str, list[Row]] = {}
        with answering.progress() as bar:
            for one in found:
                samples = [item.sample for item in one.items]
                answered = answering.collect(subject, samples, asking, ledger, bar, one.name)
                rows[one.name] = [_row(a, item, one) for a, item in zip(answered, one.items, strict=True)]
        asked = heavy.asked_for(settings.scorers)
        plan = Plan(config.resamples, config.seed, asked, settings.radfact, str(config.output))
        said = {name: scores.score(mine, plan) for name, mine in rows.items()}
        values = {name: {**scores.numbers(mine, name, plan), **said[name]} for name, mine in rows.items()}
        signatures = {one.name: _sign(config, settings, subject, one, values[one.name]) for one in found}
        data = {one.name: {"partial": one.partial, "notes": one.notes} for one in found}
        io.write_jsonl(out.path / "answers.jsonl", (row for mine in rows.values() for row in mine))
        _write_numbers(out.path, values, signatures, data, failures.of_files({"model": subject}))
        shutil.rmtree(out.path / answering.STATE)
        removed = write_removed(out.path, (row for one in found for row in one.removed))
        kept = sum(len(mine) for mine in rows.values())
        counts = {"in": kept + sum(removed.values()), "kept": kept, "removed": removed}
        return out.publish(counts, {"signature": signatures})


def questions(config: "Config") -> tuple[dict[str, list[Sample]], ImageStore, dict[str, Path]]:
    """Benchmark -> samples, where their pictures are, and the files that they come from: for ``export``.

    Raises:
        DataError: as ``run``.
    """
    _, found, pictures = _read(config)
    return {one.name: [item.sample for item in one.items] for one in found}, pictures, _files(found)


def _read(config: "Config") -> tuple[Reports, list[Collection], InPlace]:
    settings = config.reports
    assert settings is not None
    answering.check(config, "reports")
    pictures = InPlace(settings.cxr.path if settings.cxr else Path("the pictures' folder"))
    found = []
    if settings.cxr is not None:
        found.append(mimic_cxr.read(settings.cxr, pictures))
    if settings.mimic3 is not None:
        found.append(mimic_iii.read(settings.mimic3))
    for one in found:
        one.draw(config.limit, config.seed)
    return settings, found, pictures


def _files(found: Sequence[Collection]) -> dict[str, Path]:
    return {f"{one.name}/{what}": path for one in found for what, path in one.files.items()}


def _row(answered: Answered, item: Item, one: Collection) -> Row:
    """A line of ``answers.jsonl``; ``scores`` come when all answers are there."""
    record = item.record
    return {
        "request": answered.request,
        "benchmark": one.name,
        "id": record.id,
        "source": record.provenance.source,
        "subject": record.provenance.subject,
        "language": str(record.language),
        "data_class": str(record.data_class),
        "images": [image.image for image in record.images],
        "prompt": [{"role": m.role, "text": m.text} for m in answered.sample.messages],
        "reference": item.reference,
        "answer": answered.text,
        "odd": answered.odd,
        "failure": answered.failure,
        "scores": None,
        "raw": answered.raw,
    }


def _sign(
    config: "Config", settings: Reports, subject: Subject, one: Collection, found: dict[str, Any]
) -> dict[str, Any]:
    asked = heavy.asked_for(settings.scorers)
    used = {
        name: path
        for name, path in asked.items()
        if found["values"].get(heavy.SCORERS[name].keys[0]) is not None
    }
    if settings.cxr is not None and one.name == mimic_cxr.NAME:
        words, prompt = mimic_cxr.WORDS[settings.cxr.prompt], mimic_cxr.version(settings.cxr)
    else:
        words, prompt = mimic_iii.WORDS, "multimedeval"
    basis = Basis(
        benchmark=one.hash,
        language="en",
        prompt=f"{prompt}:{answering.hash_of(words)[:8]}",
        scorer=f"report-compat,weights={heavy.identity(used)}",
        max_tokens=settings.max_tokens,
    )
    signature = answering.sign(config, subject, basis)
    if "judge" in found:
        signature |= {"judge": found["judge"]["name"], "judge host": found["judge"]["host"]}
    return signature


def replay(folder: Path, scratch: Path) -> None:
    """Compute a folder's numbers again from its answers, without weights.

    What words alone give (BLEU, ROUGE) is scored again; what needed weights or NLTK's data is taken from each
    answer's kept scores and labels, RadCliQ from those, and RadFact from the judge's kept replies.

    Args:
        folder: a finished one.
        scratch: where the files of numbers go.

    Raises:
        RunError: an answer's own score differs from the kept one.
    """
    recipe, stated = read_manifest(folder)["recipe"], io.read_json(folder / "scores.json")
    rows: dict[str, list[Row]] = {}
    for number, line in io.read_jsonl(folder / "answers.jsonl"):
        if not line["failure"] and (key := scores.differs(line)):
            where = f"{folder / 'answers.jsonl'} line {number}"
            raise RunError(f"{where}: '{key}' is not what its texts and kept replies give")
        rows.setdefault(line["benchmark"], []).append(line)
    plan = Plan(recipe["resamples"], recipe["seed"], {})
    kept = ("unavailable", "notes", "partial", "judge")
    values = {
        name: {**scores.numbers(mine, name, plan), **{k: stated[name][k] for k in kept if k in stated[name]}}
        for name, mine in rows.items()
    }
    signatures = {name: stated[name]["signature"] for name in rows}
    _write_numbers(scratch, values, signatures, stated["data"], stated["answers file"])


def _partial(data: dict[str, Any], values: dict[str, Any]) -> dict[str, list[str]]:
    """Benchmark -> why it is no whole result, one phrase each."""
    out = {name: [one["partial"]] if one["partial"] else [] for name, one in data.items()}
    for name, one in values.items():
        lost = sum(one["failures"].values())
        if lost:
            why = ", ".join(f"{count} {reason}" for reason, count in one["failures"].items())
            out[name].append(f"{name}: {lost} of {lost + one['n']} reports have no score ({why})")
        out[name] += [f"{name}: {reason}" for reason in one.get("partial", ())]
    return out


def _write_numbers(
    folder: Path,
    values: dict[str, Any],
    signatures: dict[str, dict[str, Any]],
    data: dict[str, Any],
    faults: dict[str, dict[str, list[str]]],
) -> None:
    """``scores.json``, ``scores.md`` and ``paper.jsonl``."""
    lines = {name: answering.in_short(one) for name, one in signatures.items()}
    model = next(iter(signatures.values()))["model"]["model"]
    reasons = _partial(data, values)
    partial = [phrase for phrases in reasons.values() for phrase in phrases]
    notes = [note for one in data.values() for note in one["notes"]]
    stated = {name: {"signature": signatures[name], **one} for name, one in values.items()}
    io.write_json(
        folder / "scores.json", {"partial": partial, "data": data, "answers file": faults, **stated}
    )
    frame = Frame("Reports", model, partial, notes, lines, faults.get("model", {}))
    io.write_text(folder / "scores.md", page.page(values, frame))
    named = {name: answering.row_name(signatures[name], USUAL[name]) for name in values}
    own = [
        scores.paper_row(one, name, reasons[name], named[name], lines[name]) for name, one in values.items()
    ]
    io.write_jsonl(folder / "paper.jsonl", own)
