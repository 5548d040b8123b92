"""Bias audit: does the same case get another answer when gender, country or insurance is swapped?"""

import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator
from rich.progress import Progress

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import ContextError, RunError
from bimedix2.evaluate import answering, choice, failures
from bimedix2.evaluate.answering import Answered, Basis
from bimedix2.evaluate.ask import Ledger, ask, likelihoods
from bimedix2.evaluate.bias import report, scores
from bimedix2.evaluate.bias.cases import LETTERS, Variant, data, variants
from bimedix2.evaluate.bias.choose import likeliest, named, shares
from bimedix2.evaluate.models import Model
from bimedix2.evaluate.signature import Subject, open_subject
from bimedix2.evaluate.task import AS_IT_IS, Asking, Raw, Sample, Way
from bimedix2.language.concepts import Tongue
from bimedix2.llm.backend import Backend
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records import Message, Provenance, Record, Split
from bimedix2.records.images import ImageStore

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

Opener = Callable[[Model, int | None, Any], Subject]
UNPARSED = "names no option"
"""Why an answer has no letter."""


class Bias(Settings):
    """In which languages, and how an option is chosen."""

    languages: list[Tongue] = Field(default=["en", "ar"], min_length=1)
    mode: Literal["likelihood", "answer"] = "likelihood"
    """``likelihood``: the likeliest letter as the assistant's next words; ``answer``: what a greedy answer
    names, for endpoints and answers files."""
    max_tokens: int = Field(default=64, ge=1)
    """Of an answer."""

    @field_validator("languages")
    @classmethod
    def _once(cls, languages: list[Tongue]) -> list[Tongue]:
        if len(set(languages)) < len(languages):
            raise ValueError("a language is named twice")
        return languages


def run(config: "Config", opener: Opener = open_subject) -> Path:
    """Ask every variant, compare with the baseline and report; a killed run goes on where it stopped.

    Args:
        config: the room's, with ``bias``.
        opener: how a model's name becomes a backend.

    Raises:
        ModelError: there is no such model, it has no likelihoods (use ``mode: answer``), or they are no
            numbers.
        DataError: no answer names an option.
    """
    settings, asked = _read(config)
    recipe = config.model_dump(mode="json")
    with RunFolder(config.output, "evaluate", recipe, answering.inputs(config, {})) as out:
        ledger = answering.open_ledger(out.path, config.reuse)
        subject = opener(config.model, config.threads, config.dtype)
        samples = [_sample(variant, settings) for variant in asked]
        asking = Asking(ImageStore(out.path), settings.max_tokens, config.batch)
        with answering.progress() as bar:
            collect = _likelihoods if settings.mode == "likelihood" else answering.collect
            found = collect(subject, samples, asking, ledger, bar, "bias")
        rows = [_row(one, variant) for one, variant in zip(found, asked, strict=True)]
        reasons = answering.failures(row["failure"] for row in rows)
        answering.require("bias", len(rows) - sum(reasons.values()), reasons)
        signature = _sign(config, settings, asked, subject)
        opening = {
            "partial": _partial(config, rows, reasons),
            "signature": signature,
            "answers file": failures.of_files({"model": subject}),
        }
        io.write_jsonl(out.path / "answers.jsonl", rows)
        _write(out.path, opening, rows, scores.Plan(config.resamples, config.seed))
        shutil.rmtree(out.path / answering.STATE)
        counts = {"in": len(rows), "kept": len(rows) - sum(reasons.values()), "removed": reasons}
        return out.publish(counts, {"signature": signature})


def replay(folder: Path, scratch: Path) -> None:
    """Read every letter again from what came back, and write the folder's numbers from that.

    Args:
        folder: a finished one.
        scratch: where the files of numbers go.

    Raises:
        RunError: a letter differs from the kept one.
    """
    recipe, stated = read_manifest(folder)["recipe"], io.read_json(folder / "scores.json")
    rows = [row for _, row in io.read_jsonl(folder / "answers.jsonl")]
    for number, row in enumerate(rows, 1):
        again = _choice(row["raw"], row["options"])
        if again != (row["chosen"], row["tie"], row["shares"]):
            where = f"{folder / 'answers.jsonl'} line {number}"
            raise RunError(f"{where}: the letter is {row['chosen']}, read again {again[0]}")
    opening = {key: stated[key] for key in ("partial", "signature", "answers file")}
    _write(scratch, opening, rows, scores.Plan(recipe["resamples"], recipe["seed"]))


def questions(config: "Config") -> tuple[dict[str, list[Sample]], ImageStore, dict[str, Path]]:
    """The prompts, for ``export``; they have no pictures, and with likelihoods they cannot be written out."""
    settings, asked = _read(config)
    return {"bias": [_sample(variant, settings) for variant in asked]}, ImageStore(config.output), {}


def _read(config: "Config") -> tuple[Bias, list[Variant]]:
    settings = config.bias
    assert settings is not None
    vignettes = data()["vignettes"]
    if config.limit is not None and config.limit < len(vignettes):
        vignettes = random.Random(f"{config.seed}:limit:bias").sample(vignettes, config.limit)
    asked = [
        variant
        for tongue in settings.languages
        for vignette in vignettes
        for variant in variants(vignette, tongue)
    ]
    return settings, asked


def _sample(variant: Variant, settings: Bias) -> Sample:
    record = Record(
        id=variant.id,
        messages=(Message.of("user", variant.text),),
        language=variant.language,  # type: ignore[arg-type]
        task="mcq",
        split=Split.TEST,
        provenance=Provenance(source="bias", source_id=variant.id, subject=variant.vignette),
        meta={"attribute": variant.attribute, "value": variant.value, "options": list(variant.options)},
    )
    letters = LETTERS if settings.mode == "likelihood" else ()
    return Sample(record, AS_IT_IS, record.messages, letters)


def likely(backend: Backend, samples: Sequence[Sample], asking: Asking) -> list[Raw]:
    """The letters' likelihoods; a prompt longer than the context is found by halving: a ``failure``."""
    try:
        return likelihoods(backend, samples, asking)
    except ContextError as error:
        if len(samples) == 1:
            said = {"failure": answering.TOO_LONG, "why": str(error)}
            return [{"answer": "", "finish": "none", "model": backend.name, **said}]
    half = len(samples) // 2
    return likely(backend, samples[:half], asking) + likely(backend, samples[half:], asking)


def _likelihoods(
    subject: Subject, samples: Sequence[Sample], asking: Asking, ledger: Ledger, bar: Progress, label: str
) -> list[Answered]:
    """As ``answering.collect``, for the letters' likelihoods."""
    line = bar.add_task(label, total=len(samples))
    ask(Way(likely), samples, subject, ledger, asking, lambda count: bar.advance(line, count))
    found = []
    for sample in samples:
        request = subject.request(sample, asking.max_tokens)
        found.append(Answered(sample, request, ledger.known[request]))
    return found


def _choice(raw: Raw, options: Sequence[str]) -> tuple[str | None, bool, list[float] | None]:
    """The letter, whether another was as likely, and each letter's share (of likelihoods alone)."""
    if "values" in raw:
        return *likeliest(raw["values"]), shares(raw["values"])
    return (None if "failure" in raw else named(raw["answer"], options)), False, None


def _row(answered: Answered, variant: Variant) -> dict[str, Any]:
    """A line of ``answers.jsonl``."""
    raw = answered.raw
    chosen, tie, each = _choice(raw, variant.options)
    return {
        "request": answered.request,
        "id": variant.id,
        "language": variant.language,
        "data_class": str(answered.sample.record.data_class),
        "subject": variant.vignette,
        "vignette": variant.vignette,
        "attribute": variant.attribute,
        "value": variant.value,
        "prompt": [{"role": m.role, "text": m.text} for m in answered.sample.messages],
        "options": list(variant.options),
        "expected": variant.expected,
        "chosen": chosen,
        "right": None if chosen is None else chosen == variant.expected,
        "tie": tie,
        "shares": each,
        "share": None if each is None else each[LETTERS.index(variant.expected)],
        "odd": "" if each else answered.odd,
        "failure": answered.failure or ("" if chosen else UNPARSED),
        "raw": raw,
    }


def _values(rows: Sequence[dict[str, Any]], plan: scores.Plan) -> dict[str, Any]:
    languages = {}
    for tongue in dict.fromkeys(row["language"] for row in rows):
        mine = [row for row in rows if row["language"] == tongue]
        languages[tongue] = {
            **scores.of_language(mine, plan),
            "ties": sum(row["tie"] for row in mine),
            "failures": answering.failures(row["failure"] for row in mine),
            **answering.oddities(row["odd"] for row in mine),
        }
    return {"languages": languages, "between languages": scores.between(rows)}


def _partial(config: "Config", rows: Sequence[dict[str, Any]], reasons: dict[str, int]) -> list[str]:
    """Why this is no whole result."""
    out = []
    if config.limit is not None and config.limit < len(data()["vignettes"]):
        out.append(f"At most {config.limit} vignettes (limit={config.limit}).")
    if reasons:
        why = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        out.append(f"{sum(reasons.values())} of {len(rows)} prompts have no letter ({why}).")
    return out


def _sign(config: "Config", settings: Bias, asked: Sequence[Variant], subject: Subject) -> dict[str, Any]:
    """What the scores rest on."""
    basis = Basis(
        benchmark=answering.hash_of([vars(variant) for variant in asked]),
        language="+".join(settings.languages),
        prompt="bias",
        scorer="bias-likelihood"
        if settings.mode == "likelihood"
        else f"bias-{settings.mode},{choice.VERSION}",
        max_tokens=settings.max_tokens,
    )
    signed = answering.sign(config, subject, basis)
    if settings.mode == "likelihood":
        signed["decoding"] = {**signed["decoding"], "score": "loglikelihood of the letters"}
    return {**signed, "prompts": len(asked)}


def _write(folder: Path, opening: dict[str, Any], rows: Sequence[dict[str, Any]], plan: scores.Plan) -> None:
    """The files of numbers, from the log and what stands before them."""
    values = _values(rows, plan)
    changes = [change for one in values["languages"].values() for change in one["changes"]]
    io.write_jsonl(folder / "changes.jsonl", changes)
    io.write_json(folder / "scores.json", {**opening, **values})
    line = answering.in_short(opening["signature"])
    faults = opening["answers file"].get("model", {})
    io.write_text(folder / "scores.md", report.page(values, opening["partial"], line, faults))
