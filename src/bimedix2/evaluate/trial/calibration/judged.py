"""A finished folder of BiMed-MBench as what its judge said of each answer, and how a person says the same.

Under ``llavamed``, ``bimedix2`` and ``swap`` a judge gives two answers, the reference and the candidate, 1 to
10 each; under ``geval`` the candidate 1 to 5 in five dimensions; under ``rubric`` a mark for every fact and
claim, and two flags. A person is asked for just that.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.config import build
from bimedix2.errors import ConfigError, DataError, RunError
from bimedix2.evaluate.mbench import kept
from bimedix2.evaluate.mbench.judge import PAIRS, Plan
from bimedix2.evaluate.mbench.load import Answers, Item
from bimedix2.evaluate.mbench.prompts import dimensions
from bimedix2.evaluate.mbench.rubric import HIGHEST, LOWEST
from bimedix2.manifest import folder_hash, read_manifest, verify

CANDIDATE, REFERENCE = "candidate", "reference"
TEN = tuple(str(value) for value in range(1, 11))
FIVE = tuple(str(value) for value in range(LOWEST, HIGHEST + 1))
FACT, CLAIM = ("present", "contradicted", "absent"), ("supported", "contradicted", "unknown")
FLAG = ("yes", "no")


@dataclass(frozen=True)
class Mark:
    """One thing that the judge said of an answer.

    ``key``: ``candidate`` or ``reference``, a dimension, ``fact-1``, ``claim-1``, ``in_language`` or
    ``harmful``.
    """

    key: str
    name: str
    """Of the scale, as the pages call it."""
    values: tuple[str, ...]
    """Those that a person chooses from."""
    judge: float | str
    text: str = ""
    """What is marked, or what the scale means."""


@dataclass(frozen=True)
class Candidate:
    """One judged answer."""

    system: str
    item: Item
    answer: str
    marks: tuple[Mark, ...]
    score: float
    """In per cent, as the folder's means have it."""
    verdict: str = ""
    """``win``, ``tie`` or ``loss`` against the reference, where both are scored."""


@dataclass(frozen=True)
class Run:
    """A judged folder."""

    plan: Plan
    language: str
    images: Path | None
    systems: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    unjudged: dict[str, int]
    """Reason -> answers that have no score, and cannot be drawn."""
    judge: dict[str, Any]
    """What of the signature says who judged, and how."""
    sha256: str


JUDGE = ("judge", "host", "protocol", "prompt", "language", "samples", "tries", "benchmark", "questions")


def read(folder: Path, systems: Sequence[str] = ()) -> Run:
    """Read what a judge said.

    Args:
        folder: a finished one of ``mbench``.
        systems: of which systems; all where none is named.

    Raises:
        RunError: the folder is not finished, was changed, or holds no judged benchmark.
        ConfigError: it has no such system.
        DataError: none of their answers has a score, or a line is broken.
    """
    from bimedix2.evaluate import Config

    recipe = read_manifest(folder)["recipe"]
    if not isinstance(recipe, dict) or recipe.get("mbench") is None:
        raise RunError(
            f"{folder} holds no judged benchmark; give a finished folder of a recipe with 'mbench'"
        )
    verify(folder)
    own = build(Config, recipe, str(folder)).mbench
    assert own is not None
    benchmark, _, answers = kept.read(folder, own.language)
    by_name = {one.model: one for one in answers}
    if unknown := [name for name in systems if name not in by_name]:
        raise ConfigError(f"{folder} has no system '{unknown[0]}'; it has: {', '.join(by_name)}")
    named = tuple(systems or by_name)
    signatures = {one["model"]: one["signature"] for one in io.read_json(folder / "scores.json")["systems"]}
    found: list[Candidate] = []
    unjudged: Counter[str] = Counter()
    for where, row in _rows(folder):
        if row.get("model") not in named:
            continue
        if row.get("failure"):
            unjudged[str(row["failure"])] += 1
        else:
            found.append(_candidate(row, by_name[row["model"]], benchmark.items, own.plan, where))
    if not found:
        why = ", ".join(f"{count} {reason}" for reason, count in unjudged.items()) or "no answers"
        raise DataError(f"no answer in {folder} has a score of its judge ({why}); judge it first")
    first = signatures[named[0]]
    return Run(
        plan=own.plan,
        language=own.language,
        images=own.images,
        systems=named,
        candidates=tuple(found),
        unjudged=dict(unjudged),
        judge={key: first[key] for key in JUDGE},
        sha256=folder_hash(folder),
    )


def _rows(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    path = folder / "judgements.jsonl"
    for number, row in io.read_jsonl(path):
        yield f"{path} line {number}", row


def _candidate(
    row: dict[str, Any], answers: Answers, items: dict[int, Item], plan: Plan, where: str
) -> Candidate:
    try:
        item = items[row["question_id"]]
        score = kept.relative(row)
        assert score is not None
        return Candidate(
            system=answers.model,
            item=item,
            answer=answers.texts[item.question_id],
            marks=tuple(_marks(row, plan)),
            score=score,
            verdict=_verdict(row) if plan.protocol in PAIRS else "",
        )
    except (KeyError, TypeError) as error:
        raise DataError(f"{where} has no whole judgement ({error}); judge the answers again") from error


def verdict_of(candidate: float, reference: float) -> str:
    """What two scores say of the candidate."""
    return "win" if candidate > reference else "loss" if candidate < reference else "tie"


def _verdict(row: dict[str, Any]) -> str:
    """Of ``swap`` a win needs both orders; elsewhere the higher score wins."""
    stated = row["details"].get("verdict")
    return str(stated) if stated else verdict_of(row["candidate"], row["reference"])


def _marks(row: dict[str, Any], plan: Plan) -> Iterator[Mark]:
    if plan.protocol in PAIRS:
        for key in (CANDIDATE, REFERENCE):
            yield Mark(key, "overall", TEN, float(row[key]))
        return
    details = row["details"]
    if plan.protocol == "geval":
        for name, about in dimensions().items():
            yield Mark(name, name, FIVE, float(details["dimensions"][name]), about["definition"])
        return
    for number, one in enumerate(details["facts"], 1):
        yield Mark(f"fact-{number}", "fact", FACT, one["mark"], one["fact"])
    for number, one in enumerate(details["claims"], 1):
        yield Mark(f"claim-{number}", "claim", CLAIM, one["mark"], one["claim"])
    for name in ("in_language", "harmful"):
        yield Mark(name, name, FLAG, "yes" if details[name] else "no")
