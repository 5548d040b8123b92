"""UPHILL OpenQA: does a model refute false health claims, however firmly the user presupposes them?"""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from bimedix2 import io
from bimedix2.errors import DataError, RunError
from bimedix2.evaluate import answering, canaries, judged
from bimedix2.evaluate.answering import Answered, Basis
from bimedix2.evaluate.judged import CANARIES, Opener
from bimedix2.evaluate.signature import open_subject
from bimedix2.evaluate.task import AS_IT_IS, Sample
from bimedix2.evaluate.uphill import hand, report, scores
from bimedix2.evaluate.uphill import judge as judging
from bimedix2.evaluate.uphill.load import Query, build, claims, incomplete, missing, read, templates
from bimedix2.language.concepts import Tongue
from bimedix2.llm.cache import Cached
from bimedix2.llm.structured import Rules, as_asked
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records import DataClass, Message, Provenance, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.text.arabic import script

if TYPE_CHECKING:
    from bimedix2.evaluate import Config


class Uphill(judged.Settings):
    """Which queries, and who judges the responses."""

    files: dict[Tongue, Path] = {}  # type: ignore[assignment]  # narrower keys than the base's
    """Language -> a file in UPHILL's layout; empty: our own claims in ``languages``."""
    hand: Path | None = None
    """A filled copy of a run's ``handcheck.csv``: the judge's agreement with the person is in the scores."""
    max_tokens: int = Field(default=512, ge=1)
    """Of a response; a longer one is cut and judged as it stands."""
    data_class: DataClass = DataClass.NON_COMMERCIAL
    """Of ``files``; our own claims are open."""


def run(config: "Config", opener: Opener = open_subject) -> Path:
    """Ask, have the responses judged, score and report; a killed run goes on where it stopped.

    Args:
        config: the room's, with ``uphill``.
        opener: how a model's name becomes a backend.

    Raises:
        DataError: a file is not of the layout, or the judge failed its canaries; both are said before the
            model is loaded. Or no response can be scored.
        DataClassError: the claims may not be sent to the model's or the judge's host; nothing was.
        EndpointError: the judge cannot be reached; give the same command again.
        BudgetError: the judge's next request could cost more than is left.
        ModelError: there is no such model.
    """
    settings, queries = _read(config)
    judged.allow(config, settings)
    labels = hand.read(settings.hand) if settings.hand else {}
    inputs = answering.inputs(config, _inputs(settings))
    with RunFolder(config.output, "evaluate", judged.recipe(config, "uphill"), inputs) as out:
        samples = [_sample(query, settings) for query in queries]

        def tried(judge: Cached) -> list[dict[str, Any]]:
            known = judging.label_canaries(judge, _tongues(queries), settings.tries)
            canaries.require("judge", judging.canaries_of(known))
            return known

        with judged.heard(config, settings, samples, opener, out, tried) as found:
            rows = [_row(one, query) for one, query in zip(found.answers, queries, strict=True)]
            if labels:
                hand.attach(rows, labels)
            line = found.bar.add_task("labels", total=len(rows))
            _judge(settings, found.judge, rows, lambda count: found.bar.advance(line, count))
        reasons = judged.reasons("uphill", rows)
        signature = _sign(config, settings, queries, found)
        opening = judged.opening(_partial(config, settings, queries, reasons), signature, found.subject)
        io.write_text(out.path / hand.SHEET, hand.sheet(rows, config.seed))
        _write(out.path, opening, rows, found.canaries, scores.Plan(config.resamples, config.seed))
        return judged.publish(out, rows, found.canaries, signature)


def replay(folder: Path, scratch: Path) -> None:
    """Read every label again from the judge's kept reply, and write the folder's numbers from that.

    Args:
        folder: a finished one.
        scratch: where the files of numbers go.

    Raises:
        RunError: a label differs from the one that the judge's reply gives.
    """
    recipe, stated = read_manifest(folder)["recipe"], io.read_json(folder / "scores.json")
    lines = judged.logs(folder)
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
    answering.check(config, "uphill")
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
    asked = [
        as_asked(judging.request(r["claim"], r["answer"], settings.shown), Rules(judging.Verdict))
        for r in there
        if r["answer"].strip()
    ]
    settings.say_cost(judge, asked, "judge")
    for part in judged.in_parts(there, tick):
        pairs = [(row["claim"], row["answer"]) for row in part]
        found = judging.judge_all(judge, pairs, settings.shown, settings.tries)
        for row, one in zip(part, found, strict=True):
            row |= {"label": one.label, "judge": one.to_json(), "failure": one.failure}
            row["right"] = scores.right(row["veracity"], one.label)


def _values(
    rows: Sequence[dict[str, Any]], known: Sequence[dict[str, Any]], plan: scores.Plan
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
        "canaries": [one.to_json() for one in judging.canaries_of(known)],
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
    config: "Config", settings: Uphill, queries: Sequence[Query], found: judged.Heard
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
    signature = {**answering.sign(config, found.subject, basis), "queries": len(queries)}
    said = [found.judge.name, judging.prompt().version]
    return judged.sign(signature, settings, said, judging.canaries_of(found.canaries))


def _write(
    folder: Path,
    opening: dict[str, Any],
    rows: Sequence[dict[str, Any]],
    known: Sequence[dict[str, Any]],
    plan: scores.Plan,
) -> None:
    """The files of numbers, from the logs and what stands before them."""
    values = _values(rows, known, plan)
    partial, signature = opening["partial"], opening["signature"]
    short = answering.in_short(signature)
    faults = opening["answers file"].get("model", {})
    io.write_json(folder / "scores.json", {**opening, **values})
    io.write_text(folder / "scores.md", report.scores(values, partial, short, faults))
    if values["languages"].get("en", {}).get("levels", {}).get("refuted false"):
        row = report.paper_row(values, partial, signature["model"]["model"], short)
        io.write_jsonl(folder / "paper.jsonl", [row])
