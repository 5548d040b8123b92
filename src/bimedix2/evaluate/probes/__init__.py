"""Balanced yes or no questions about what a picture is, and the same with "not", in both languages.

After POPE (arXiv 2305.10355), with statements whose answer is certain from the record's own labels.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import RunError
from bimedix2.evaluate import answering, failures
from bimedix2.evaluate.answering import Answered, Basis, InPlace
from bimedix2.evaluate.models import Model
from bimedix2.evaluate.probes import labels, report, scores
from bimedix2.evaluate.probes.build import Drawing, Probe, Strategy, build
from bimedix2.evaluate.probes.labels import Labelled, words
from bimedix2.evaluate.probes.reading import VERSION, Reading, read
from bimedix2.evaluate.probes.scores import Plan, Row
from bimedix2.evaluate.report import Frame
from bimedix2.evaluate.signature import Subject, open_subject
from bimedix2.evaluate.task import AS_IT_IS, Asking, Sample
from bimedix2.language.concepts import Tongue
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records import Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import write_removed

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

Opener = Callable[[Model, int | None, Any], Subject]
NAME = "probes"


class Probes(Settings):
    """Which pictures, and what is said of them."""

    data: list[Path] = Field(min_length=1)
    """Finished folders of records whose pictures have labels: of ``dataset``, or SLAKE's of ``sources``."""
    split: Split = Split.TEST
    kinds: list[Literal["modality", "region"]] = Field(default=["modality", "region"], min_length=1)
    """What statements are about."""
    strategies: list[Strategy] = Field(default=["random", "popular", "adversarial"], min_length=1)
    """How what is false is drawn, the hardest last: tables by kind, by modality and of denials are of it."""
    languages: list[Tongue] = Field(default=["en", "ar"], min_length=1)
    negated: bool = True
    """Whether each statement is also asked with "not"."""
    pictures: int | None = Field(default=None, ge=1)
    """At most so many, one of each modality in turn, drawn by the seed."""
    max_tokens: int = Field(default=64, ge=1)
    """Of an answer; one that reaches it is cut, which is counted."""

    @field_validator("kinds", "strategies", "languages")
    @classmethod
    def _once(cls, names: list[str]) -> list[str]:
        if len(set(names)) < len(names):
            raise ValueError("a name stands there twice; leave one out")
        return names


def run(config: "Config", opener: Opener = open_subject) -> Path:
    """Ask, score and report; a killed run goes on where it stopped.

    Args:
        config: the room's, with ``probes``.
        opener: how a model's name becomes a backend.

    Raises:
        RunError: a data folder is not finished.
        DataError: no picture has a label; said before the model is loaded. Or no answer can be scored.
        DataClassError: a picture may not be sent to the model's host.
        ModelError: there is no such model.
    """
    own, probes, found, store = _read(config)
    inputs = answering.inputs(config, _folders(own))
    with RunFolder(config.output, "evaluate", config.model_dump(mode="json"), inputs) as out:
        answering.guard(out.path, (one.record for one in found.pictures))
        ledger = answering.open_ledger(out.path, config.reuse)
        subject = opener(config.model, config.threads, config.dtype)
        asking = Asking(store, own.max_tokens, config.batch)
        with answering.progress() as bar:
            answered = answering.collect(subject, _samples(probes), asking, ledger, bar, NAME)
        rows = [_row(a, probe) for a, probe in zip(answered, probes, strict=True)]
        signature = _sign(config, own, subject, probes)
        io.write_jsonl(out.path / "answers.jsonl", rows)
        stated = {
            "partial": _drawn(config, found, own),
            "notes": _notes(found),
            "faults": failures.of_files({"model": subject}),
        }
        _write(out.path, rows, Plan(config.resamples, config.seed), signature, stated)
        shutil.rmtree(out.path / answering.STATE)
        removed = write_removed(out.path, found.removed)
        counts = {"in": len(rows) + sum(removed.values()), "kept": len(rows), "removed": removed}
        return out.publish(counts, {"signature": signature})


def questions(config: "Config") -> tuple[dict[str, list[Sample]], ImageStore, dict[str, Path]]:
    """The probes, where their pictures are, and the folders that they come from: for ``export``.

    Raises:
        RunError, DataError: as ``run``.
    """
    own, probes, _, store = _read(config)
    return {NAME: _samples(probes)}, store, _folders(own)


def replay(folder: Path, scratch: Path) -> None:
    """Read every kept answer again, and write the folder's numbers from that.

    Args:
        folder: a finished one.
        scratch: where the files of numbers go.

    Raises:
        RunError: an answer is read otherwise than it was.
    """
    recipe, stated = read_manifest(folder)["recipe"], io.read_json(folder / "scores.json")
    rows: list[Row] = []
    for number, line in io.read_jsonl(folder / "answers.jsonl"):
        again = _reading(line).said
        if again != line["said"]:
            where = f"{folder / 'answers.jsonl'} line {number}"
            raise RunError(f"{where}: it was read as '{line['said']}', here as '{again}'")
        rows.append(line)
    kept = {"partial": stated["drawn"], "notes": stated["notes"], "faults": stated["answers file"]}
    _write(scratch, rows, Plan(recipe["resamples"], recipe["seed"]), stated["signature"], kept)


def _folders(own: Probes) -> dict[str, Path]:
    return {f"data-{number}": path for number, path in enumerate(own.data, 1)}


def _read(config: "Config") -> tuple[Probes, list[Probe], Labelled, InPlace]:
    own = config.probes
    assert own is not None
    answering.check(config, NAME)
    everything, store = labels.read(own.data, own.split, own.kinds)
    drawing = Drawing(everything.pictures, config.seed)
    sizes = [one for one in (own.pictures, config.limit) if one is not None]
    found = labels.draw(everything, min(sizes, default=None), config.seed)
    probes = build(found.pictures, drawing, own.kinds, own.strategies, own.languages, own.negated)
    return own, probes, found, store


def _samples(probes: Sequence[Probe]) -> list[Sample]:
    return [Sample(probe.record, AS_IT_IS, (probe.message,)) for probe in probes]


def _drawn(config: "Config", found: Labelled, own: Probes) -> list[str]:
    """Why it is no whole result: pictures left out by ``limit``; a sample that the recipe wants is one."""
    whole = min(found.found, own.pictures or found.found)
    if config.limit is not None and len(found.pictures) < whole:
        return [f"{len(found.pictures)} of {whole} pictures drawn"]
    return []


def _notes(found: Labelled) -> list[str]:
    notes = [f"{len(found.pictures)} of {found.found} labelled pictures were asked about"]
    if found.left_out:
        why = ", ".join(f"{count} {reason}" for reason, count in found.left_out.most_common())
        notes.append(f"left out: {why} (`removed/`)")
    return notes


def _row(answered: Answered, probe: Probe) -> Row:
    """A line of ``answers.jsonl``."""
    record = answered.sample.record
    row = {
        "request": answered.request,
        "task": NAME,
        "id": record.id,
        "pair": probe.pair,
        "data_class": str(record.data_class),
        "source": record.provenance.source,
        "subject": record.provenance.subject,
        "language": probe.language,
        "image": probe.picture.image.image,
        "images": [probe.picture.image.image],
        "modality": probe.picture.modality,
        "kind": probe.kind,
        "value": probe.value,
        "form": probe.form,
        "drawn_by": list(probe.drawn_by),
        "prompt": [{"role": m.role, "text": m.text} for m in answered.sample.messages],
        "gold": probe.gold,
        "answer": answered.text,
        "odd": answered.odd,
        "failure": answered.failure,
        "raw": answered.raw,
    }
    found = _reading(row)
    right = None if answered.failure else found.said == probe.gold
    return {**row, "said": found.said, "naming": found.naming, "right": right}


def _reading(row: Row) -> Reading:
    """What an answer says; of a question without one, nothing."""
    if row["failure"]:
        return Reading("")
    return read(row["answer"], row["kind"], row["value"], row["form"])


def _sign(config: "Config", own: Probes, subject: Subject, probes: Sequence[Probe]) -> dict[str, Any]:
    asked = [[one.id, one.gold, one.picture.image.image, list(one.drawn_by)] for one in probes]
    basis = Basis(
        benchmark=answering.hash_of(asked),
        language="+".join(own.languages),
        prompt=f"probes:{answering.hash_of(words())[:8]}",
        scorer=VERSION,
        max_tokens=own.max_tokens,
    )
    return answering.sign(config, subject, basis)


def _write(
    folder: Path, rows: Sequence[Row], plan: Plan, signature: dict[str, Any], stated: dict[str, Any]
) -> None:
    """``scores.json`` and ``scores.md``."""
    values = scores.every(rows, plan)
    partial = list(stated["partial"])
    if missing := sum(values["failures"].values()):
        why = ", ".join(f"{count} {reason}" for reason, count in values["failures"].items())
        partial.append(f"{missing} of {len(rows)} questions have no score ({why})")
    line = answering.in_short(signature)
    opening = {
        "signature": signature,
        "partial": partial,
        "drawn": stated["partial"],
        "notes": stated["notes"],
        "answers file": stated["faults"],
    }
    io.write_json(folder / "scores.json", {**opening, **values})
    faults = stated["faults"].get("model", {})
    frame = Frame("Probes", signature["model"]["model"], partial, stated["notes"], {NAME: line}, faults)
    io.write_text(folder / "scores.md", report.page(values, frame))
