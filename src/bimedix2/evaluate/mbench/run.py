"""A benchmark, a system's answers and a judge to scores with their signature, the canaries first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bimedix2 import __version__, io
from bimedix2.evaluate.mbench.aggregate import Mean, Result, Scored, aggregate, means
from bimedix2.evaluate.mbench.canary import Canary, require, run_canaries
from bimedix2.evaluate.mbench.judge import (
    PAIRS,
    PUBLISHED_JUDGE,
    Judgement,
    Plan,
    judge_pairs,
    pair_request,
    swap_summary,
)
from bimedix2.evaluate.mbench.load import Answers, Benchmark, Item, Tongue, in_order
from bimedix2.evaluate.mbench.prompts import dimensions, pair_prompt, prompt
from bimedix2.evaluate.mbench.rubric import (
    Facts,
    at_equal_length,
    facts_request,
    geval_request,
    judge_geval,
    judge_rubric,
)
from bimedix2.evaluate.signature import decoding_words
from bimedix2.llm.backend import Backend, Request
from bimedix2.llm.structured import Rules, as_asked
from bimedix2.manifest import git_commit

TABLES = {"en": "table-3", "ar": "table-4"}
PUBLISHED = 193
"""Questions of the published benchmark, each language."""


@dataclass(frozen=True)
class Scores:
    """Everything that a judged file of answers gives."""

    model: str
    language: str
    plan: Plan
    signature: dict[str, Any]
    canaries: list[Canary]
    items: list[dict[str, Any]]
    """One a question: scores or failure, raw replies, details."""
    result: Result | None = None
    """Relative scores, of protocols that judge beside the reference."""
    means: dict[str, Mean] = field(default_factory=dict)
    """Scores from 0 to 100, of ``geval`` and ``rubric``."""
    extra: dict[str, Any] = field(default_factory=dict)
    partial: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "language": self.language,
            "partial": self.partial,
            "signature": self.signature,
            "canaries": [one.to_json() for one in self.canaries],
            "result": self.result.to_json() if self.result else None,
            "means": {name: vars(mean) for name, mean in self.means.items()},
            **self.extra,
        }

    def paper_row(self) -> dict[str, Any] | None:
        """This system's line of ``paper.jsonl``, for Table 3 or 4; ``None`` for protocols without ratios."""
        if self.result is None:
            return None
        questions = self.signature["questions"]
        other = f"{questions} questions, of {PUBLISHED} published" if questions != PUBLISHED else ""
        return {
            "table": TABLES[self.language],
            "model": self.model,
            "values": self.result.paper_values(),
            "intervals": {key: list(ends) for key, ends in self.result.paper_intervals().items()},
            "signature": in_short(self.signature),
            "partial": "; ".join(filter(None, [other, self.partial])),
        }


def score(
    backend: Backend,
    benchmark: Benchmark,
    answers: Answers,
    plan: Plan,
    *,
    twin: Benchmark | None = None,
    host: str = "local",
    canaries: int = 5,
    resamples: int = 2000,
    seed: int = 0,
) -> Scores:
    """Judge one system's answers; the judge's canaries come first and must pass.

    Args:
        backend: the judge, behind a cache if the run is to resume or to be replayed.
        benchmark: questions of one language.
        answers: the system's.
        plan: protocol and prompt.
        twin: the questions in the other language, for the canary.
        host: where the judge runs, for the signature.
        canaries: known answers of each kind.
        resamples: of the bootstrap over images.
        seed: of the canaries and the bootstrap.

    Raises:
        ConfigError: the protocol does not fit the language.
        DataError: the judge failed its canaries.
        EndpointError: the judge cannot be reached; start again, what it answered is kept by the cache.
    """
    items = list(in_order(benchmark.items))
    plan.check(items[0].language)
    checked = run_canaries(
        backend, benchmark.items, twin.items if twin else {}, plan, count=canaries, seed=seed
    )
    require(checked)
    signature = sign(backend, benchmark, answers, plan, host, seed)
    extra: dict[str, Any] = {"benchmark": benchmark.counts(), "answers": _counts(answers)}
    common = (answers.model, items[0].language, plan, signature, checked)
    if plan.protocol in PAIRS:
        judged = judge_pairs(backend, items, answers, plan)
        result = aggregate([one.judged for one in judged], resamples=resamples, seed=seed)
        if plan.protocol == "swap":
            extra["swap"] = swap_summary(judged)
        extra["replies that the published script reads"] = _strict(judged)
        rows = [one.to_json() for one in judged]
        return Scores(*common, rows, result, extra=extra, partial=result.partial)
    ask = judge_geval if plan.protocol == "geval" else judge_rubric
    scored = ask(backend, items, answers, plan)
    extra["length"] = at_equal_length(scored, _lengths(items, answers))
    groups = means(scored, resamples=resamples, seed=seed)
    rows = [one.to_json() for one in scored]
    return Scores(*common, rows, means=groups, extra=extra, partial=_partial(scored))


def _counts(answers: Answers) -> dict[str, int]:
    return {name: len(ids) for name, ids in answers.traps.items()}


def _strict(judged: list[Judgement]) -> int:
    return sum(bool(one.details.get("published script reads it")) for one in judged)


def _lengths(items: list[Item], answers: Answers) -> list[tuple[int, int]]:
    return [(len(answers.texts.get(item.question_id, "")), len(item.reference)) for item in items]


def _partial(scored: list[Scored]) -> str:
    failed = [one.failure for one in scored if one.failure]
    reasons = ", ".join(f"{failed.count(reason)} {reason}" for reason in sorted(set(failed)))
    return f"{len(failed)} of {len(scored)} items have no score ({reasons})" if failed else ""


def sign(
    backend: Backend, benchmark: Benchmark, answers: Answers, plan: Plan, host: str, seed: int
) -> dict[str, Any]:
    """What the scores rest on."""
    items = list(in_order(benchmark.items))
    published = PUBLISHED_JUDGE.get(plan.protocol)
    return {
        "benchmark": io.sha256_bytes(io.canonical_json([_plain(item) for item in items]).encode()),
        "questions": len(items),
        "model": answers.model,
        "answers": io.sha256_bytes(io.canonical_json(sorted(answers.texts.items())).encode()),
        "asked": answers.asked,
        **who(backend, plan, items[0].language),
        "comparable with the published judge": None if published is None else published in backend.name,
        "host": host,
        "tries": plan.tries,
        "seed": seed,
        "version": __version__,
        "commit": git_commit(),
    }


def who(backend: Backend, plan: Plan, language: Tongue) -> dict[str, Any]:
    """Who judges, and how: what a calibration must share."""
    return {
        "language": language,
        "protocol": plan.protocol,
        "prompt": prompts_of(plan, language),
        "judge": backend.name,
        "samples": plan.samples if plan.protocol == "geval" else 1,
    }


def prompts_of(plan: Plan, language: Tongue) -> list[str]:
    """Name and hash of every prompt that a plan asks with."""
    own = {"geval": ["geval"], "rubric": ["facts", "rubric"]}.get(plan.protocol)
    if own:
        return [prompt(name).version for name in own]
    return [pair_prompt(plan.version, language).version]


def _plain(item: Item) -> dict[str, Any]:
    return {**vars(item), "mentions": [dict(mention) for mention in item.mentions]}


def in_short(signature: Mapping[str, Any]) -> str:
    """The signature in one line."""
    judged = f"{signature['judge']}"
    if signature["comparable with the published judge"] is False:
        judged += " (not the published judge)"
    return "|".join(
        [
            f"benchmark:{signature['benchmark'][:8]},{signature['questions']}",
            f"language:{signature['language']}",
            f"answers:{signature['answers'][:8]},{_how(signature['asked'])}",
            f"protocol:{signature['protocol']}",
            f"prompt:{'+'.join(signature['prompt'])}",
            f"judge:{judged}",
            f"host:{signature['host']}",
            f"seed:{signature['seed']}",
            f"version:{signature['version']}",
            f"commit:{(signature['commit'] or 'none')[:8]}",
        ]
    )


def _how(asked: Mapping[str, Any] | None) -> str:
    """How answers were made, hashes cut to eight digits."""
    if asked is None:
        return "from a file"
    template = asked["template"][:8] or "theirs"
    where = f"checkpoint={asked['checkpoint'][:8]},template={template},host={asked['host']}"
    return f"{where},{decoding_words(asked['decoding'])}"


def first_requests(benchmark: Benchmark, answers: Answers, plan: Plan) -> list[Request]:
    """What will be asked at least, for an estimate of the cost (``llm.budget.estimate``).

    Canaries and repeated tries come on top; of ``rubric`` the second half is not known before the first.
    """
    items = [item for item in in_order(benchmark.items) if item.question_id in answers.texts]
    if plan.protocol == "geval":
        return [
            geval_request(item, answers.texts[item.question_id], name, number)
            for item in items
            for name in dimensions()
            for number in range(plan.samples)
        ]
    if plan.protocol == "rubric":
        return [as_asked(facts_request(item, plan), Rules(Facts)) for item in items]
    orders = (False, True) if plan.protocol == "swap" else (False,)
    return [
        pair_request(item, answers.texts[item.question_id], plan, swapped)
        for item in items
        for swapped in orders
    ]
