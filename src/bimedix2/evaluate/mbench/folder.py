"""From the published files, answers and a judge to a finished folder of scores; a killed run goes on."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import DataError
from bimedix2.evaluate.mbench import run as judging
from bimedix2.evaluate.mbench.judge import Plan
from bimedix2.evaluate.mbench.load import (
    Answers,
    Benchmark,
    Tongue,
    check_images,
    compare,
    load,
    read_answers,
)
from bimedix2.evaluate.report import table
from bimedix2.llm.backend import Backend, IdentifiedBackend
from bimedix2.llm.budget import estimate
from bimedix2.llm.cache import Cache, Cached
from bimedix2.llm.connect import open_endpoint
from bimedix2.llm.endpoint import Endpoint
from bimedix2.llm.replay import Replay
from bimedix2.manifest import RunFolder
from bimedix2.stats.paired import holm, paired_bootstrap, randomisation


class Config(Settings):
    """What is judged, by whom, and where answers of the judge are kept."""

    questions: Path
    """A file of questions in the published layout; users bring it."""
    language: Tongue
    twin: Path | None = None
    """The same questions in the other language, for the judge's canary."""
    images: Path | None = None
    """Where the pictures are; they are looked for before anything is asked."""
    answers: list[Path] = Field(min_length=1)
    """One file a system: ``question_id``, ``text``, and the model's name."""
    judge: Endpoint | None = None
    """The judge's endpoint."""
    replies: Path | None = None
    """In the place of an endpoint: a file of replies, recorded or written by hand."""
    cache: Path = Path("runs/judge.sqlite")
    """What the judge answered, by request: a run that goes on, or is made again, asks for none of it."""
    plan: Plan = Plan()
    output: Path
    canaries: int = Field(default=5, ge=1)
    """Known answers of each kind."""
    resamples: int = Field(default=2000, ge=100)
    """Bootstrap resamples, over images."""
    seed: int = 0

    @model_validator(mode="after")
    def _one_judge(self) -> "Config":
        if (self.judge is None) == (self.replies is None):
            raise ValueError("name one judge: 'judge' (an endpoint) or 'replies' (a file)")
        return self

    @property
    def host(self) -> str:
        """Where the judge is, for the signature."""
        return self.judge.host if self.judge else "file"


Opener = Callable[[Config], AbstractContextManager[Cached]]


@contextmanager
def open_judge(config: Config) -> Iterator[Cached]:
    """The judge behind its cache."""
    if config.judge:
        with open_endpoint(config.judge, config.cache, str(config.output)) as backend:
            yield backend
        return
    assert config.replies is not None
    backend_of_file: IdentifiedBackend = Replay(config.replies)
    with Cache(config.cache) as cache:
        yield Cached(backend_of_file, cache, str(config.output))


def run(config: Config, opener: Opener = open_judge) -> Path:
    """Judge every system's answers; all that is wrong with the files is said before the judge is asked.

    Args:
        config: the recipe.
        opener: how the judge is opened.

    Raises:
        DataError: a file is broken, two systems have one name, or the judge failed its canaries.
        ImageError: pictures are missing.
        EndpointError: the judge cannot be reached; give the same command again.
        BudgetError: the next request could cost more than is left.
    """
    benchmark = load(config.questions, config.language)
    other: Tongue = "ar" if config.language == "en" else "en"
    twin = load(config.twin, other) if config.twin else None
    if config.images:
        check_images(list(benchmark.items.values()), config.images)
    systems = _systems(config, benchmark)
    inputs = {"questions": config.questions} | ({"twin": config.twin} if config.twin else {})
    inputs |= {f"answers-{number}": path for number, path in enumerate(config.answers, 1)}
    with RunFolder(config.output, "evaluate", config.model_dump(mode="json"), inputs) as out:
        with opener(config) as judge:
            _say_cost(config, judge, benchmark, systems)
            found = [_score(config, judge, benchmark, twin, answers) for answers in systems]
        differ = compare(benchmark, twin) if twin and config.language == "en" else {}
        differ = compare(twin, benchmark) if twin and config.language == "ar" else differ
        counts = _write(out.path, found, _pairs(config, found), differ)
        return out.publish(counts, {"signature": [one.signature for one in found]})


def _systems(config: Config, benchmark: Benchmark) -> list[Answers]:
    systems = [read_answers(path, benchmark.items) for path in config.answers]
    names = [one.model for one in systems]
    if len(set(names)) < len(names):
        raise DataError(
            f"two answers files are of one model ({', '.join(names)}); name them apart in model_id"
        )
    return systems


def _say_cost(config: Config, judge: Cached, benchmark: Benchmark, systems: Sequence[Answers]) -> None:
    """Tell what will be asked, and what it costs at least, before it is."""
    asked = [r for answers in systems for r in judging.first_requests(benchmark, answers, config.plan)]
    if config.judge and config.judge.prices:
        cost = estimate(judge.unanswered(asked), config.judge.prices)
        print(f"judge: {cost}; canaries and repeated tries come on top", file=sys.stderr)


def _score(
    config: Config, judge: Backend, benchmark: Benchmark, twin: Benchmark | None, answers: Answers
) -> judging.Scores:
    return judging.score(
        judge,
        benchmark,
        answers,
        config.plan,
        twin=twin,
        host=config.host,
        canaries=config.canaries,
        resamples=config.resamples,
        seed=config.seed,
    )


def _values(scores: judging.Scores) -> dict[int, tuple[str, float]]:
    """Question -> its picture and its score, per cent; failures are left out."""
    found = {}
    for row in scores.items:
        if row["failure"]:
            continue
        relative = 100 * row["candidate"] / row["reference"] if "candidate" in row else row["score"]
        found[int(row["question_id"])] = (str(row["image"]), float(relative))
    return found


def _pairs(config: Config, found: Sequence[judging.Scores]) -> list[dict[str, Any]]:
    """Every two systems on the questions that both have a score of, pictures kept together."""
    pairs: list[dict[str, Any]] = []
    p_values = []
    for one, other in combinations(found, 2):
        left, right = _values(one), _values(other)
        both = sorted(left.keys() & right.keys())
        if not both:
            continue
        columns = ([left[n][1] for n in both], [right[n][1] for n in both], [left[n][0] for n in both])
        boot = paired_bootstrap(*columns, resamples=config.resamples, seed=config.seed)
        swapped = randomisation(*columns, seed=config.seed)
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


def _write(
    folder: Path,
    found: Sequence[judging.Scores],
    pairs: list[dict[str, Any]],
    differ: dict[str, list[int]],
) -> dict[str, Any]:
    """Every file of the folder; what is counted goes into the manifest."""
    values = {
        "systems": [one.to_json() for one in found],
        "comparisons": pairs,
        "files that differ": differ,
    }
    io.write_json(folder / "scores.json", values)
    rows = ({"model": one.model, **row} for one in found for row in one.items)
    items = io.write_jsonl(folder / "judgements.jsonl", rows)
    io.write_jsonl(folder / "paper.jsonl", (row for one in found if (row := one.paper_row())))
    io.write_text(folder / "scores.md", _page(found, pairs, differ))
    failed = [row["failure"] for one in found for row in one.items if row["failure"]]
    removed = {reason: failed.count(reason) for reason in sorted(set(failed))}
    return {"in": items, "kept": items - len(failed), "removed": removed}


def _page(
    found: Sequence[judging.Scores], pairs: Sequence[dict[str, Any]], differ: dict[str, list[int]]
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
    if pairs:
        head = ["systems", "difference", "p", "p, Holm", "questions"]
        parts += ["## Two systems on the same questions", table(head, [_pair(pair) for pair in pairs])]
    canaries = [
        [one.model, canary.name, "-" if canary.value is None else f"{canary.value:.1f}",
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
