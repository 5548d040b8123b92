"""From the published files, answers and a judge to a finished folder of scores; a killed run goes on."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from bimedix2 import io
from bimedix2.config import build
from bimedix2.errors import DataError
from bimedix2.evaluate import answering, models
from bimedix2.evaluate.answering import InPlace
from bimedix2.evaluate.mbench import asked, calibration, canary, kept
from bimedix2.evaluate.mbench import run as judging
from bimedix2.evaluate.mbench.judge import LICENCE, Plan
from bimedix2.evaluate.mbench.load import (
    Answers,
    Benchmark,
    Tongue,
    check_images,
    compare,
    load,
)
from bimedix2.evaluate.report import table
from bimedix2.evaluate.signature import Subject, open_subject
from bimedix2.evaluate.task import Sample
from bimedix2.llm.backend import Backend
from bimedix2.llm.cache import Cached
from bimedix2.llm.judge import Judged
from bimedix2.llm.replay import Recorder
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records.images import ImageStore
from bimedix2.stats.paired import holm, paired_bootstrap, randomisation

if TYPE_CHECKING:
    from bimedix2.evaluate import Config

STATE = ".state"
"""Below the staging folder: answers as they come; no part of a finished run."""


class Mbench(Judged):
    """What is judged, by whom, and where answers of the judge are kept."""

    questions: Path
    """A file of questions in the published layout; users bring it."""
    language: Tongue
    twin: Path | None = None
    """The same questions in the other language, for the judge's canary."""
    images: Path | None = None
    """Where the pictures are; they are looked for before anything is asked."""
    answers: list[Path] = []
    """One file a system: ``question_id``, ``text``, and the model's name; or a finished folder of this kind,
    with all its systems. The recipe's ``model`` is asked where this is empty, and beside these systems where
    the recipe names one."""
    plan: Plan = Plan()
    canaries: int = Field(default=5, ge=1)
    """Known answers of each kind."""
    calibration: Path | None = None
    """A finished calibration of this judge by people (``trial.calibrate``, then ``trial.read``)."""


Opener = Callable[[Any, int | None, Any], Subject]
JudgeOpener = Callable[["Config"], AbstractContextManager[Cached]]


@dataclass(frozen=True)
class Judging:
    """All that scores are computed from beside the answers and the judge."""

    benchmark: Benchmark
    twin: Benchmark | None
    plan: Plan
    host: str
    canaries: int
    resamples: int
    seed: int
    calibrated: dict[str, Any] | None = None
    """What people's scores say of the judge."""

    @classmethod
    def of(cls, config: "Config", benchmark: Benchmark, twin: Benchmark | None) -> "Judging":
        """As a recipe has it."""
        own = _settings(config)
        return cls(benchmark, twin, own.plan, own.host, own.canaries, config.resamples, config.seed)

    def with_calibration(self, found: dict[str, Any] | None, judge: Backend, folder: Path) -> "Judging":
        """With what people's scores say of the judge, which is kept in the folder.

        Raises:
            DataError: it is of another judge.
        """
        if found is None:
            return self
        language = next(iter(self.benchmark.items.values())).language
        calibration.require(found, judging.who(judge, self.plan, language))
        io.write_json(folder / calibration.FILE, found)
        return replace(self, calibrated=found)


def _settings(config: "Config") -> Mbench:
    assert config.mbench is not None
    return config.mbench


def open_judge(config: "Config") -> AbstractContextManager[Cached]:
    """The recipe's judge behind its cache."""
    return _settings(config).opened(str(config.output))


def run(config: "Config", opener: Opener = open_subject, judges: JudgeOpener = open_judge) -> Path:
    """Judge every system's answers; all that is wrong with the files is said before anybody is asked.

    Args:
        config: the room's, with ``mbench``.
        opener: how a model that answers becomes a backend.
        judges: how the judge is opened.

    Raises:
        DataError: a file is broken, two systems have one name, or the judge failed its canaries.
        ImageError: pictures are missing.
        EndpointError: the judge cannot be reached; give the same command again.
        BudgetError: the next request could cost more than is left.
    """
    answering.whole(config, "mbench")
    own = _settings(config)
    benchmark = load(own.questions, own.language)
    other: Tongue = "ar" if own.language == "en" else "en"
    twin = load(own.twin, other) if own.twin else None
    calibrated = calibration.read(own.calibration) if own.calibration else None
    judging_ = Judging.of(config, benchmark, twin)
    own.plan.check(own.language)
    canary.check(benchmark.items, twin.items if twin else {}, own.plan)
    if own.judge:
        own.judge.allow(LICENCE)
    models.allow(config.model, LICENCE)
    if own.images:
        check_images(list(benchmark.items.values()), own.images)
    systems = [one for path in own.answers for one in kept.systems(path, benchmark)]
    answers = asked.wanted(config)
    inputs = {"questions": own.questions} | ({"twin": own.twin} if own.twin else {})
    inputs |= {f"answers-{number}": path for number, path in enumerate(own.answers, 1)}
    if answers:
        inputs |= models.inputs(config.model)
    if own.calibration:
        inputs["calibration"] = own.calibration
    with RunFolder(config.output, "evaluate", config.model_dump(mode="json"), inputs) as out:
        if answers:
            systems.append(asked.answer(config, benchmark, opener, out.path / STATE))
        _apart(systems)
        kept.write(out.path, benchmark, twin, systems)
        with judges(config) as judge, answering.progress() as bar:
            judging_ = judging_.with_calibration(calibrated, judge, out.path)
            _say_cost(own, judge, benchmark, systems)
            recorder = answering.Counted(Recorder(judge, out.path / kept.REPLIES), bar, "judge")
            found = [score(recorder, judging_, one) for one in systems]
        counts = write(out.path, found, judging_)
        kept.write_rows(out.path, benchmark, found, systems)
        shutil.rmtree(out.path / STATE, ignore_errors=True)
        return out.publish(counts, {"signature": [one.signature for one in found]})


def questions(config: "Config") -> tuple[dict[str, list[Sample]], ImageStore, dict[str, Path]]:
    """The benchmark's questions, for a system elsewhere."""
    own = _settings(config)
    benchmark = load(own.questions, own.language)
    store = InPlace(asked.images_of(config))
    check_images(list(benchmark.items.values()), store.root)
    return {"mbench": asked.samples(benchmark, store)}, store, {"questions": own.questions}


def replay(folder: Path, scratch: Path) -> None:
    """Judge the kept answers again from the kept replies, and write every file of numbers.

    Args:
        folder: a finished one.
        scratch: where to.

    Raises:
        DataError: a kept file is broken.
        RunError: it was judged with other prompts than this version has.
    """
    from bimedix2.evaluate import Config

    config = build(Config, read_manifest(folder)["recipe"], str(folder))
    benchmark, twin, systems = kept.read(folder, _settings(config).language)
    judging_ = replace(Judging.of(config, benchmark, twin), calibrated=calibration.kept(folder))
    stated = {one["model"]: one["signature"] for one in io.read_json(folder / "scores.json")["systems"]}
    judge = kept.Judge(folder)
    found = []
    for one in systems:
        signature = stated[one.model]
        ours = judging.prompts_of(judging_.plan, _settings(config).language)
        kept.require_prompts(folder, signature["prompt"], ours)
        scores = score(judge, judging_, one)
        scores.signature.update({name: signature[name] for name in ("version", "commit")})  # of who asked
        found.append(scores)
    write(scratch, found, judging_)


def _apart(systems: Sequence[Answers]) -> None:
    names = [one.model for one in systems]
    if len(set(names)) < len(names):
        raise DataError(
            f"two answers files are of one model ({', '.join(names)}); name them apart in model_id"
        )


def _say_cost(own: Mbench, judge: Cached, benchmark: Benchmark, systems: Sequence[Answers]) -> None:
    """Tell what will be asked, and what it costs at least, before it is."""
    wanted = [r for answers in systems for r in judging.first_requests(benchmark, answers, own.plan)]
    own.say_cost(judge, wanted, "judge", "canaries and ")


def score(judge: Backend, of: Judging, answers: Answers) -> judging.Scores:
    """One system's scores."""
    return judging.score(
        judge,
        of.benchmark,
        answers,
        of.plan,
        twin=of.twin,
        host=of.host,
        canaries=of.canaries,
        resamples=of.resamples,
        seed=of.seed,
    )


def _values(scores: judging.Scores) -> dict[int, tuple[str, float]]:
    """Question -> its picture and its score, per cent; failures are left out."""
    rows = [(row, kept.relative(row)) for row in scores.items]
    return {int(row["question_id"]): (str(row["image"]), value) for row, value in rows if value is not None}


def _pairs(of: Judging, found: Sequence[judging.Scores]) -> list[dict[str, Any]]:
    """Every two systems on the questions that both have a score of, pictures kept together."""
    pairs: list[dict[str, Any]] = []
    p_values = []
    for one, other in combinations(found, 2):
        left, right = _values(one), _values(other)
        both = sorted(left.keys() & right.keys())
        if not both:
            continue
        columns = ([left[n][1] for n in both], [right[n][1] for n in both], [left[n][0] for n in both])
        boot = paired_bootstrap(*columns, resamples=of.resamples, seed=of.seed)
        swapped = randomisation(*columns, seed=of.seed)
        p_values.append(swapped.p)
        pairs.append(
            {
                "systems": [one.model, other.model],
                "questions": len(both),
                "images": boot.groups,
                "difference": vars(boot.difference),
                "p": swapped.p,
            }
        )
    for pair, p in zip(pairs, holm(p_values), strict=True):
        pair["p, Holm"] = p
    return pairs


def write(folder: Path, found: Sequence[judging.Scores], of: Judging) -> dict[str, Any]:
    """Write the numbers; return what is counted."""
    pairs = _pairs(of, found)
    differ: dict[str, list[int]] = {}
    if of.twin:
        english = next(iter(of.benchmark.items.values())).language == "en"
        differ = compare(of.benchmark, of.twin) if english else compare(of.twin, of.benchmark)
    values = {
        "systems": [one.to_json() for one in found],
        "comparisons": pairs,
        "files that differ": differ,
        "calibration": of.calibrated,
    }
    io.write_json(folder / "scores.json", values)
    io.write_jsonl(folder / "judgements.jsonl", ({"model": o.model, **row} for o in found for row in o.items))
    io.write_jsonl(folder / "paper.jsonl", (row for one in found if (row := one.paper_row())))
    said = calibration.line(of.calibrated, found[0].signature["benchmark"])
    io.write_text(folder / "scores.md", _page(found, pairs, differ, said))
    failed = [row["failure"] for one in found for row in one.items if row["failure"]]
    items = sum(len(one.items) for one in found)
    removed = {reason: failed.count(reason) for reason in sorted(set(failed))}
    return {"in": items, "kept": items - len(failed), "removed": removed}


def _page(
    found: Sequence[judging.Scores],
    pairs: Sequence[dict[str, Any]],
    differ: dict[str, list[int]],
    calibrated: str,
) -> str:
    partial = "; ".join(f"{one.model}: {one.partial}" for one in found if one.partial)
    parts = [f"**Partial: {partial}. These numbers are no whole result.**"] if partial else []
    parts.append("# BiMed-MBench")
    shown = [{**(one.result.groups if one.result else {}), **one.means} for one in found]
    names = list(dict.fromkeys(name for groups in shown for name in groups))
    lines = []
    for one, groups in zip(found, shown, strict=True):
        lines.append([one.model, *(_cell(groups.get(name)) for name in names)])
    parts.append(table(["system", *names], lines))
    parts.append("In brackets 95 % bootstrap intervals over images; n: questions with a score.")
    parts.append(calibrated)
    if pairs:
        head = ["systems", "difference", "p", "p, Holm", "questions"]
        parts += ["## Two systems on the same questions", table(head, [_pair(pair) for pair in pairs])]
    canaries = [
        [one.model, canary.name,
         "-" if canary.value is None else f"{canary.value:.1f} ({canary.n} of {canary.of})",
         f"{canary.low:g} to {canary.high:g}", "yes" if canary.passed else "no"]
        for one in found[:1]
        for canary in one.canaries
    ]  # fmt: skip
    parts += [
        "## Canaries of the judge",
        table(["asked with", "answer", "score", "bounds", "passed"], canaries),
    ]
    parts += [_odd(one) for one in found]
    if differ:
        parts.append(
            "Files that differ: " + "; ".join(f"{name}: {ids}" for name, ids in differ.items()) + "."
        )
    signed = [f"- {one.model}: `{judging.in_short(one.signature)}`" for one in found]
    return "\n\n".join([*parts, "## Signatures", "\n".join(signed)]) + "\n"


def _cell(group: Any) -> str:
    if group is None:
        return "-"
    value = group.relative if hasattr(group, "relative") else group.value
    interval = "" if group.low is None else f" [{group.low:.1f}, {group.high:.1f}]"
    return f"{value:.1f}{interval} (n {group.n})"


def _pair(pair: dict[str, Any]) -> list[str]:
    one = pair["difference"]
    interval = "" if one["low"] is None else f" [{one['low']:+.1f}, {one['high']:+.1f}]"
    difference = f"{one['value']:+.1f}{interval}"
    questions = f"{pair['questions']} on {pair['images']} images"
    return [
        " minus ".join(pair["systems"]),
        difference,
        f"{pair['p']:.4f}",
        f"{pair['p, Holm']:.4f}",
        questions,
    ]


def _odd(one: judging.Scores) -> str:
    """What was odd about the files of one system, in a line."""
    counts = {**one.extra["benchmark"], **{f"answers: {k}": v for k, v in one.extra["answers"].items()}}
    more = [f"{name}: {count}" for name, count in counts.items()]
    if one.extra.get("swap"):
        swap = one.extra["swap"]
        more.append(f"both orders agree: {100 * swap['consistent']:.1f} %" if swap["n"] else "no order read")
    return f"{one.model}: {'; '.join(more) or 'nothing odd in the files'}."
