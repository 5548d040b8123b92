"""UPHILL OpenQA: does a model refute false health claims, however firmly the user presupposes them?"""

import random
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from bimedix2 import io
from bimedix2.errors import DataError, RunError
from bimedix2.evaluate import answering, failures
from bimedix2.evaluate.answering import Answered, Basis
from bimedix2.evaluate.models import Model
from bimedix2.evaluate.signature import Subject, open_subject
from bimedix2.evaluate.task import AS_IT_IS, Asking, Sample
from bimedix2.evaluate.uphill import hand, report, scores
from bimedix2.evaluate.uphill import judge as judging
from bimedix2.evaluate.uphill.load import Query, build, claims, incomplete, missing, read, templates
from bimedix2.language.concepts import Tongue
from bimedix2.llm.budget import estimate
from bimedix2.llm.cache import Cached
from bimedix2.llm.judge import Judged
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records import DataClass, Message, Provenance, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.text.arabic import script

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

CANARIES = "canaries.jsonl"
"""In a folder of scores: what the judge said to responses whose label is known."""
TOGETHER = 256
"""Responses judged in one call; each reply is in the cache by itself."""
Opener = Callable[[Model, int | None, Any], Subject]


class Uphill(Judged):
    """Which queries, and who judges the responses."""

    files: dict[Tongue, Path] = {}
    """Language -> a file in UPHILL's layout; empty: our own claims in ``languages``."""
    languages: list[Tongue] = Field(default=["en", "ar"], min_length=1)
    """Of our own claims."""
    tries: int = Field(default=3, ge=1)
    """Replies asked for, where the judge's cannot be read."""
    hand: Path | None = None
    """A filled copy of a run's ``handcheck.csv``: the judge's agreement with the person is in the scores."""
    max_tokens: int = Field(default=512, ge=1)
    """Of a response; a longer one is cut and judged as it stands."""
    data_class: DataClass = DataClass.NON_COMMERCIAL
    """Of ``files``; our own claims are open."""

    @model_validator(mode="after")
    def _whole(self) -> "Uphill":
        if len(set(self.languages)) < len(self.languages):
            raise ValueError("a language is named twice")
        if self.files and self.languages != ["en", "ar"]:
            raise ValueError("'languages' are of our own claims; beside 'files' leave it out")
        return self

    @property
    def shown(self) -> DataClass:
        """The class of claims and responses."""
        return self.data_class if self.files else DataClass.OPEN


def run(config: "Config", opener: Opener = open_subject) -> Path:
    """Ask, have the responses judged, score and report; a killed run goes on where it stopped.

    Args:
        config: the room's, with ``uphill``.
        opener: how a model's name becomes a backend.

    Raises:
        DataError: a file is not of the layout, or the judge failed its canaries; both are said before the
            model is loaded. Or no response can be scored.
        DataClassError: the claims may not be sent to the model's or the judge's host.
        EndpointError: the judge cannot be reached; give the same command again.
        BudgetError: the judge's next request could cost more than is left.
        ModelError: there is no such model.
    """
    settings, queries = _read(config)
    labels = hand.read(settings.hand) if settings.hand else {}
    # Where the replies are kept changes no label: a run that its budget stopped goes on with a larger one.
    without: Any = {"uphill": {"cache"}}
    recipe = config.model_dump(mode="json", exclude=without)
    inputs = answering.inputs(config, _inputs(settings))
    with RunFolder(config.output, "evaluate", recipe, inputs) as out:
        samples = [_sample(query, settings) for query in queries]
        answering.guard(out.path, (sample.record for sample in samples))
        ledger = answering.open_ledger(out.path, config.reuse)
        opened = settings.opened(str(config.output))
        with opened as judge, answering.progress() as bar:
            canaries = judging.label_canaries(judge, _tongues(queries), settings.tries)
            judging.require(judging.canaries_of(canaries))
            subject = opener(config.model, config.threads, config.dtype)
            asking = Asking(ImageStore(out.path), settings.max_tokens, config.batch)
            found = answering.collect(subject, samples, asking, ledger, bar, "responses")
            rows = [_row(one, query) for one, query in zip(found, queries, strict=True)]
            if labels:
                hand.attach(rows, labels)
            line = bar.add_task("labels", total=len(rows))
            _judge(settings, judge, rows, lambda count: bar.advance(line, count))
        reasons = answering.failures(row["failure"] for row in rows)
        answering.require("uphill", len(rows) - sum(reasons.values()), reasons)
        signature = _sign(config, settings, queries, subject, judge.name, canaries)
        opening = {
            "partial": _partial(config, settings, queries, reasons),
            "signature": signature,
            "answers file": failures.of_files({"model": subject}),
        }
        io.write_jsonl(out.path / "answers.jsonl", rows)
        io.write_jsonl(out.path / CANARIES, canaries)
        io.write_text(out.path / hand.SHEET, hand.sheet(rows, config.seed))
        _write(out.path, opening, rows, canaries, scores.Plan(config.resamples, config.seed))
        shutil.rmtree(out.path / answering.STATE)
        counts = {"in": len(rows), "kept": len(rows) - sum(reasons.values()), "removed": reasons}
        return out.publish(counts, {"signature": signature})


def replay(folder: Path, scratch: Path) -> None:
    """Read every label again from the judge's kept reply, and write the folder's numbers from that.

    Args:
        folder: a finished one.
        scratch: where the files of numbers go.

    Raises:
        RunError: a label differs from the one that the judge's reply gives.
    """
    recipe, stated = read_manifest(folder)["recipe"], io.read_json(folder / "scores.json")
    lines = {name: [row for _, row in io.read_jsonl(folder / name)] for name in ("answers.jsonl", CANARIES)}
    for name, rows in lines.items():
        for number, row in enumerate(rows, 1):
            kept = row.get("label", row["judge"] and row["judge"]["label"])
            again = judging.label_again(row["answer"], row["judge"])
            if again != kept:
                where = f"{folder / name} line {number}"
                raise RunError(f"{where}: the label is {kept}, the judge's reply says {again}")
    opening = {key: stated[key] for key in ("partial", "signature", "answers file")}
    plan = scores.Plan(recipe["resamples"], recipe["seed"])
    _write(scratch, opening, lines["answers.jsonl"], lines[CANARIES], plan)


def questions(config: "Config") -> tuple[dict[str, list[Sample]], ImageStore, dict[str, Path]]:
    """The queries, for ``export``; they have no pictures.

    Raises:
        DataError: a file is not of the layout.
    """
    settings, queries = _read(config)
    samples = [_sample(query, settings) for query in queries]
    return {"uphill": samples}, ImageStore(config.output), _inputs(settings)


def _inputs(settings: Uphill) -> dict[str, Path]:
    named = {"replies": settings.replies, "hand": settings.hand}
    return {f"files/{tongue}": path for tongue, path in settings.files.items()} | {
        name: path for name, path in named.items() if path
    }


def _read(config: "Config") -> tuple[Uphill, list[Query]]:
    """Every language's queries, of the same claims where a limit is set."""
    settings = config.uphill
    assert settings is not None
    if settings.files:
        each = [read(path, tongue) for tongue, path in settings.files.items()]
    else:
        each = [build(claims(), tongue) for tongue in settings.languages]
    if config.limit is not None:
        names = sorted({query.claim_id for queries in each for query in queries})
        draw = random.Random(f"{config.seed}:limit:uphill")
        kept = set(draw.sample(names, min(config.limit, len(names))))
        each = [[query for query in queries if query.claim_id in kept] for queries in each]
    found = [query for queries in each for query in queries]
    kinds: dict[str, str] = {}
    for query in found:
        if kinds.setdefault(query.claim_id, query.veracity) != query.veracity:
            raise DataError(
                f"claim '{query.claim_id}' is '{kinds[query.claim_id]}' in one file and '{query.veracity}' "
                "in the other; correct one of them"
            )
    return settings, found


def _tongues(queries: Sequence[Query]) -> list[Tongue]:
    return list(dict.fromkeys(query.language for query in queries))


def _sample(query: Query, settings: Uphill) -> Sample:
    source = "uphill" if settings.files else "uphill-ours"
    record = Record(
        id=query.id,
        messages=(Message.of("user", query.query),),
        language=query.language,  # type: ignore[arg-type]
        task="openqa",
        split=Split.TEST,
        data_class=settings.shown,
        provenance=Provenance(source=source, source_id=query.claim_id, subject=query.claim_id),
        meta={"claim": query.claim, "veracity": query.veracity, "level": query.level},
    )
    return Sample(record, AS_IT_IS, record.messages)


def _row(answered: Answered, query: Query) -> dict[str, Any]:
    """A line of ``answers.jsonl``; the label is still to come."""
    return {
        "request": answered.request,
        "id": query.id,
        "language": query.language,
        "data_class": str(answered.sample.record.data_class),
        "subject": query.claim_id,
        "claim_id": query.claim_id,
        "claim": query.claim,
        "veracity": query.veracity,
        "level": query.level,
        "prompt": [{"role": m.role, "text": m.text} for m in answered.sample.messages],
        "answer": answered.text,
        "odd": answered.odd,
        "language_kept": script(answered.text) in ("", query.language),
        "label": None,
        "right": None,
        "judge": None,
        "failure": answered.failure,
        "raw": answered.raw,
    }


def _judge(
    settings: Uphill, judge: Cached, rows: Sequence[dict[str, Any]], tick: Callable[[int], None]
) -> None:
    """Give every row that has a response its label, or the reason why it has none."""
    there = [row for row in rows if not row["failure"]]
    tick(len(rows) - len(there))
    if settings.judge and settings.judge.prices:
        asked = [
            judging.request(r["claim"], r["answer"], settings.shown) for r in there if r["answer"].strip()
        ]
        cost = estimate(judge.unanswered(asked), settings.judge.prices)
        print(f"judge: {cost}; repeated tries come on top", file=sys.stderr)
    for start in range(0, len(there), TOGETHER):
        part = there[start : start + TOGETHER]
        pairs = [(row["claim"], row["answer"]) for row in part]
        for row, judged in zip(
            part, judging.judge_all(judge, pairs, settings.shown, settings.tries), strict=True
        ):
            row |= {"label": judged.label, "judge": judged.to_json(), "failure": judged.failure}
            row["right"] = scores.right(row["veracity"], judged.label)
        tick(len(part))


def _values(
    rows: Sequence[dict[str, Any]], canaries: Sequence[dict[str, Any]], plan: scores.Plan
) -> dict[str, Any]:
    languages = {}
    for tongue in dict.fromkeys(row["language"] for row in rows):
        mine = [row for row in rows if row["language"] == tongue]
        languages[tongue] = {
            **scores.of_language(mine, plan),
            "failures": answering.failures(row["failure"] for row in mine),
            **answering.oddities(row["odd"] for row in mine),
            "other language": sum(not row["language_kept"] for row in mine),
        }
    return {
        "languages": languages,
        "gap": scores.gap(rows, plan),
        "canaries": [one.to_json() for one in judging.canaries_of(canaries)],
        "hand check": hand.agreement(rows, plan),
    }


def _partial(
    config: "Config", settings: Uphill, queries: Sequence[Query], reasons: dict[str, int]
) -> list[str]:
    """Why these are no whole results."""
    out = []
    if config.limit is not None:
        out.append(f"At most {config.limit} claims (limit={config.limit}).")
    if not settings.files:
        out.append(f"Our own {len(claims())} claims, unreviewed and no part of UPHILL.")
    for tongue in settings.files if config.limit is None else ():
        mine = [query for query in queries if query.language == tongue]
        if short := missing(mine):
            there = ", ".join(f"{kind} {one} of {all_}" for kind, (one, all_) in short.items())
            out.append(f"Other numbers of claims than published ({tongue}: {there}).")
        if without := incomplete(mine):
            out.append(f"{len(without)} claims without all five levels ({tongue}).")
    if reasons:
        why = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        out.append(f"{sum(reasons.values())} of {len(queries)} responses have no label ({why}).")
    return out


def _sign(
    config: "Config",
    settings: Uphill,
    queries: Sequence[Query],
    subject: Subject,
    judge: str,
    canaries: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """What the scores rest on."""
    words = "queries" if settings.files else f"ours:{answering.hash_of(templates())[:8]}"
    basis = Basis(
        benchmark=answering.hash_of([vars(query) for query in queries]),
        language="+".join(_tongues(queries)),
        prompt=words,
        scorer="uphill",
        max_tokens=settings.max_tokens,
    )
    right = f"{sum(one['judge']['label'] == one['wanted'] for one in canaries)}/{len(canaries)}"
    return {
        **answering.sign(config, subject, basis),
        "queries": len(queries),
        "judge": f"{judge},{judging.prompt().version},canaries={right}",
        "judge host": settings.host,
        "tries": settings.tries,
    }


def _write(
    folder: Path,
    opening: dict[str, Any],
    rows: Sequence[dict[str, Any]],
    canaries: Sequence[dict[str, Any]],
    plan: scores.Plan,
) -> None:
    """The files of numbers, from the logs and what stands before them."""
    values = _values(rows, canaries, plan)
    partial, signature = opening["partial"], opening["signature"]
    short = answering.in_short(signature)
    io.write_json(folder / "scores.json", {**opening, **values})
    io.write_text(folder / "scores.md", report.scores(values, partial, short))
    if values["languages"].get("en", {}).get("levels", {}).get("refuted false"):
        row = report.paper_row(values, partial, signature["model"]["model"], short)
        io.write_jsonl(folder / "paper.jsonl", [row])
