"""HealthBench: conversations, each response graded by the rubrics of its item, a call a rubric."""

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from bimedix2 import io
from bimedix2.errors import RunError
from bimedix2.evaluate import answering, canaries, judged
from bimedix2.evaluate.answering import Answered, Basis
from bimedix2.evaluate.healthbench import grader as grading
from bimedix2.evaluate.healthbench import report, scores
from bimedix2.evaluate.healthbench.load import OURS, Item, missing, ours, read, script_of
from bimedix2.evaluate.judged import CANARIES, Opener
from bimedix2.evaluate.signature import open_subject
from bimedix2.evaluate.task import AS_IT_IS, Sample
from bimedix2.language.concepts import Tongue
from bimedix2.llm.cache import Cached
from bimedix2.llm.structured import Rules, as_asked
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records import Language, Message, Provenance, Record, Split
from bimedix2.records.images import ImageStore

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

NO_SCORE = "a verdict is missing"
"""Why an item that has an answer has no score."""


class Healthbench(judged.Settings):
    """Which items, and who grades; ``data_class`` is of ``files``, our own cases are open."""

    files: dict[str, Path] = {}
    """Set -> a file in HealthBench's layout: ``main``, ``hard`` and ``consensus`` are the published ones, any
    other name a set of your own (an Arabic one, for example); empty: our own cases in ``languages``."""
    twins: dict[str, str] = {}
    """A set -> the set that has the same ids in another language: their difference is told, paired."""
    max_tokens: int = Field(default=2048, ge=1)
    """Of a response; a longer one is cut and graded as it stands."""

    @model_validator(mode="after")
    def _sets(self) -> "Healthbench":
        for name in self.files:
            if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name) or name.startswith(OURS):
                raise ValueError(
                    f"'{name}' is no name for a set; use small letters, digits, '-' and '_', and no '{OURS}'"
                )
        for name in [name for pair in self.twins.items() for name in pair]:
            if name not in self.files:
                raise ValueError(f"'twins' names '{name}', and 'files' has no such set")
        return self

    @property
    def pairs(self) -> dict[str, str]:
        """Sets whose difference is told."""
        own = not self.files and len(self.languages) == 2
        return {f"{OURS}ar": f"{OURS}en"} if own else self.twins


def run(config: "Config", opener: Opener = open_subject) -> Path:
    """Ask, have the responses graded, score and report; a killed run goes on where it stopped.

    Args:
        config: the room's, with ``healthbench``.
        opener: how a model's name becomes a backend.

    Raises:
        DataError: a file is not of the layout, or the grader failed its canaries; both are said before the
            model is loaded. Or no item can be scored.
        DataClassError: the conversations may not be sent to the grader's or the model's host; nothing was.
        EndpointError: the grader cannot be reached; give the same command again.
        BudgetError: the grader's next request could cost more than is left.
        ModelError: there is no such model.
    """
    settings, items = _read(config)
    judged.allow(config, settings)
    inputs = answering.inputs(config, _inputs(settings))
    with RunFolder(config.output, "evaluate", judged.recipe(config, "healthbench"), inputs) as out:
        samples = [_sample(item, settings) for item in items]

        def tried(judge: Cached) -> list[dict[str, Any]]:
            known = grading.grade_canaries(judge, _tongues(items), settings.tries)
            canaries.require("grader", grading.canaries_of(known))
            return known

        with judged.heard(config, settings, samples, opener, out, tried) as found:
            rows = [_row(one, item) for one, item in zip(found.answers, items, strict=True)]
            rubrics = sum(len(row["rubrics"]) for row in rows if not row["no answer"])
            line = found.bar.add_task("verdicts", total=rubrics)
            _grade(settings, found.judge, items, rows, lambda count: found.bar.advance(line, count))
        reasons = judged.reasons("healthbench", rows)
        signature = _sign(config, settings, items, found)
        opening = judged.opening(_partial(config, settings, items, reasons), signature, found.subject)
        opening["twins"] = settings.pairs
        _write(out.path, opening, rows, found.canaries, scores.Plan(config.resamples, config.seed))
        return judged.publish(out, rows, found.canaries, signature)


def replay(folder: Path, scratch: Path) -> None:
    """Read every verdict again from the grader's kept reply, and write the folder's numbers from that.

    Args:
        folder: a finished one.
        scratch: where the files of numbers go.

    Raises:
        RunError: a verdict or an item's score differs from what the kept replies give.
    """
    recipe, stated = read_manifest(folder)["recipe"], io.read_json(folder / "scores.json")
    lines = judged.logs(folder)
    for name, rows in lines.items():
        for number, row in enumerate(rows, 1):
            where = f"{folder / name} line {number}"
            for place, graded in enumerate(row.get("rubrics") or [row.get("verdict")], 1):
                if graded is not None and grading.met_again(graded) is not graded["met"]:
                    raise RunError(
                        f"{where}: verdict {place} is {graded['met']}, the grader's reply says "
                        f"{grading.met_again(graded)}"
                    )
            if "rubrics" in row and scores.score(row["rubrics"]) != row["score"]:
                raise RunError(
                    f"{where}: the score is {row['score']}, its verdicts give {scores.score(row['rubrics'])}"
                )
    opening = {key: stated[key] for key in ("partial", "signature", "answers file", "twins")}
    plan = scores.Plan(recipe["resamples"], recipe["seed"])
    _write(scratch, opening, lines["answers.jsonl"], lines[CANARIES], plan)


def questions(config: "Config") -> tuple[dict[str, list[Sample]], ImageStore, dict[str, Path]]:
    """The conversations, for ``export``; they have no pictures.

    Raises:
        DataError: a file is not of the layout.
    """
    settings, items = _read(config)
    samples = {
        name: [_sample(item, settings) for item in items if item.set == name]
        for name in dict.fromkeys(item.set for item in items)
    }
    return samples, ImageStore(config.output), _inputs(settings)


def _inputs(settings: Healthbench) -> dict[str, Path]:
    found = {f"files/{name}": path for name, path in settings.files.items()}
    return found | ({"replies": settings.replies} if settings.replies else {})


def _read(config: "Config") -> tuple[Healthbench, list[Item]]:
    """Every set's items; with a limit, the same ids where sets share them."""
    answering.check(config, "healthbench")
    settings = config.healthbench
    assert settings is not None
    if settings.files:
        each = [read(path, name) for name, path in settings.files.items()]
    else:
        each = [ours(tongue) for tongue in settings.languages]
    if config.limit is not None:
        names = sorted({item.prompt_id for items in each for item in items})
        order = {name: place for place, name in enumerate(_shuffled(names, config.seed))}
        each = [_first(items, order, config.limit) for items in each]
    return settings, [item for items in each for item in items]


def _shuffled(names: list[str], seed: int) -> list[str]:
    return random.Random(f"{seed}:limit:healthbench").sample(names, len(names))


def _first(items: Sequence[Item], order: dict[str, int], limit: int) -> list[Item]:
    """At most so many items of a set, those first in the common order, as they stand in the file."""
    kept = {item.prompt_id for item in sorted(items, key=lambda item: order[item.prompt_id])[:limit]}
    return [item for item in items if item.prompt_id in kept]


def _tongues(items: Sequence[Item]) -> list[Tongue]:
    """Languages in which the grader's canaries are asked: Arabic where any item is in Arabic script."""
    arabic = any("arabic" in _scripts(item) for item in items)
    return ["en", "ar"] if arabic else ["en"]


def _scripts(item: Item) -> tuple[str, str]:
    """Of the last question, and of the rubrics together."""
    rubrics = " ".join(rubric.criterion for rubric in item.rubrics)
    return script_of(item.turns[-1].content), script_of(rubrics)


def _sample(item: Item, settings: Healthbench) -> Sample:
    turns = tuple(Message.of(turn.role, turn.content) for turn in item.turns)
    # The record type knows English and Arabic: a question in another script is neither, hence mixed.
    language = {"arabic": Language.ARABIC, "latin": Language.ENGLISH}.get(_scripts(item)[0], Language.MIXED)
    record = Record(
        id=item.id,
        messages=turns,
        language=language,
        task="conversation",
        split=Split.TEST,
        data_class=settings.shown,
        provenance=Provenance(source=item.set, source_id=item.prompt_id, subject=item.prompt_id),
    )
    return Sample(record, AS_IT_IS, turns)


def _row(answered: Answered, item: Item) -> dict[str, Any]:
    """A line of ``answers.jsonl``; the verdicts are still to come."""
    question, rubrics = _scripts(item)
    nothing: dict[str, Any] = {"met": None, "explanation": "", "failure": answered.failure, "replies": []}
    return {
        "request": answered.request,
        "benchmark": item.set,
        "id": item.id,
        "prompt_id": item.prompt_id,
        "data_class": str(answered.sample.record.data_class),
        "subject": item.prompt_id,
        "script": question,
        "rubric_script": rubrics,
        "answer_script": script_of(answered.text),
        "tags": list(item.tags),
        "prompt": [{"role": m.role, "text": m.text} for m in answered.sample.messages],
        "answer": answered.text,
        "odd": answered.odd,
        "no answer": bool(answered.failure),
        "rubrics": [{**rubric.model_dump(), **nothing} for rubric in item.rubrics],
        "score": None,
        "failure": answered.failure,
        "raw": answered.raw,
    }


def _grade(
    settings: Healthbench,
    judge: Cached,
    items: Sequence[Item],
    rows: Sequence[dict[str, Any]],
    tick: Callable[[int], None],
) -> None:
    """Give every rubric of an answered item its verdict, and every item with all of them its score."""
    todo: list[tuple[dict[str, Any], grading.Asked]] = []
    for item, row in zip(items, rows, strict=True):
        if not row["no answer"]:
            todo += zip(row["rubrics"], grading.asked(item, row["answer"]), strict=True)
    asked = [as_asked(grading.request(one, settings.shown), Rules(grading.Verdict)) for _, one in todo]
    settings.say_cost(judge, asked, "grader")
    for part in judged.in_parts(todo, tick):
        found = grading.grade(judge, [one for _, one in part], settings.shown, settings.tries)
        for (rubric, _), graded in zip(part, found, strict=True):
            rubric |= graded.to_json()
    for row in rows:
        row["score"] = scores.score(row["rubrics"])
        if row["score"] is None and not row["failure"]:
            row["failure"] = NO_SCORE


def _partial(
    config: "Config", settings: Healthbench, items: Sequence[Item], reasons: dict[str, int]
) -> list[str]:
    """Why these are no whole results, a sentence each."""
    out = []
    if config.limit is not None:
        out.append(f"At most {config.limit} items a set (limit={config.limit}).")
    if not settings.files:
        out.append("Our own cases, unreviewed and no part of HealthBench.")
    elif config.limit is None and (short := missing(items)):
        there = ", ".join(f"{name} {one} of {all_}" for name, (one, all_) in short.items())
        out.append(f"Other numbers of items than published ({there}).")
    if reasons:
        why = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        out.append(f"{sum(reasons.values())} of {len(items)} items have no score ({why}).")
    return out


def _sign(
    config: "Config", settings: Healthbench, items: Sequence[Item], found: judged.Heard
) -> dict[str, Any]:
    """What the scores rest on; ``language`` names the scripts of the questions."""
    sets = {
        name: [i.to_json() for i in items if i.set == name] for name in dict.fromkeys(i.set for i in items)
    }
    basis = Basis(
        benchmark=answering.hash_of(sets),
        language="+".join(sorted({_scripts(item)[0] for item in items})),
        prompt="+".join(sets),
        scorer="healthbench",
        max_tokens=settings.max_tokens,
    )
    counts = {name: len(some) for name, some in sets.items()}
    signature = {**answering.sign(config, found.subject, basis), "items": counts}
    said = [found.judge.name, grading.prompt().version]
    return judged.sign(signature, settings, said, grading.canaries_of(found.canaries))


def _write(
    folder: Path,
    opening: dict[str, Any],
    rows: Sequence[dict[str, Any]],
    known: Sequence[dict[str, Any]],
    plan: scores.Plan,
) -> None:
    """The files of numbers, from the logs and what stands before them."""
    sets = {
        name: scores.of_set([row for row in rows if row["benchmark"] == name], name, plan)
        for name in dict.fromkeys(row["benchmark"] for row in rows)
    }
    gaps = [scores.gap(rows, one, other, plan) for one, other in opening["twins"].items()]
    values = {
        "sets": sets,
        "gaps": [gap for gap in gaps if gap is not None],
        "canaries": [one.to_json() for one in grading.canaries_of(known)],
    }
    signature = opening["signature"]
    short = answering.in_short(signature)
    io.write_json(folder / "scores.json", {**opening, **values})
    faults = opening["answers file"].get("model", {})
    model = signature["model"]["model"]
    page = report.page(values, opening["partial"], model, short, faults)
    io.write_text(folder / "scores.md", page)
