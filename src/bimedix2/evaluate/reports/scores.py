"""From rows of reports to the columns of Tables 6 and 7: MultiMedEval's means, intervals over patients.

The metrics are those of ``bimedix2 score report``. Means and intervals are computed from each report's own
scores as they stand in ``answers.jsonl``, so that a replay needs no weights and gives the same digits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bimedix2.evaluate.answering import failures, oddities, require, seed_of
from bimedix2.evaluate.metrics import chexbert_f1, heavy, pooled
from bimedix2.evaluate.metrics import report as metrics
from bimedix2.evaluate.metrics.pairs import Pair
from bimedix2.evaluate.metrics.radfact import judge as radfact
from bimedix2.evaluate.metrics.radfact.scorer import Radfact, opener
from bimedix2.evaluate.metrics.radfact.scores import VARIANTS
from bimedix2.evaluate.paper.check import recompute
from bimedix2.evaluate.paper.ours import Rescaling
from bimedix2.evaluate.paper.published import load
from bimedix2.stats import bootstrap

Row = dict[str, Any]

TABLES = {"mimic_iii": "table-6", "mimic_cxr": "table-7"}
PAPER = {
    "bleu1": "bleu1",
    "bleu4": "bleu4",
    "rougeL": "rougeL",
    "meteor": "meteor",
    metrics.RADGRAPH: "f1-radgraph",
    metrics.CHEXBERT: "chexbert",
    "radcliq": "radcliq",
}
"""Key of a metric -> column of Tables 6 and 7; BLEU-4 and RadCliQ raw."""
RESCALING = Rescaling()


@dataclass(frozen=True)
class Plan:
    """How intervals are drawn, which scorers with weights are asked (name -> path, or the hub), and RadFact's
    judge, whose money is counted for ``run``."""

    resamples: int
    seed: int
    scorers: Mapping[str, str | None]
    radfact: Radfact | None = None
    run: str = ""


def score(rows: Sequence[Row], plan: Plan) -> dict[str, Any]:
    """Score the answered rows of one benchmark together, and write each one's scores into it.

    Some scorers read all answers before they score one (BERTScore's idf). What numbers of all reports
    together come from (labels, verdicts) is written beside the scores, as ``details``.

    Returns:
        ``unavailable`` (key -> how to get it), ``notes``, and where there is one ``partial`` (why scorers'
        numbers are no whole result) and ``judge`` (name and host).

    Raises:
        EndpointError: the judge cannot be reached.
        BudgetError: its next request could cost more than is left.
    """
    answered = [row for row in rows if not row["failure"]]
    pairs = [Pair(n, row["reference"], row["answer"], row["id"]) for n, row in enumerate(answered, 1)]
    scorers = heavy.openers(plan.scorers, "compat")
    if plan.radfact is not None:
        scorers["radfact"] = opener(plan.radfact, plan.run)
    found = metrics.score_reports(pairs, "compat", scorers)
    unavailable = {**_not_asked(plan, found.columns), **found.unavailable}
    for number, row in enumerate(answered):
        row["scores"] = {key: column[number] for key, column in found.columns.items()}
        if found.details:
            row["details"] = {name: details[number] for name, details in found.details.items()}
    said: dict[str, Any] = {"unavailable": unavailable, "notes": found.notes}
    if found.partial:
        said["partial"] = found.partial
    for one in found.judges:
        said["judge"] = {"name": one.name, "host": one.host}
    return said


def _not_asked(plan: Plan, columns: Mapping[str, metrics.Column]) -> dict[str, str]:
    """As the scoring command says it, in the words of a recipe."""
    reasons = heavy.not_asked(plan.scorers, columns, "compat")
    named = {
        f"ask for it with --scorer {name};": f"name {name} in reports.scorers;" for name in heavy.SCORERS
    }
    named["give its settings with --radfact FILE"] = "name one in reports.radfact"
    for command, recipe in named.items():
        reasons = {key: reason.replace(command, recipe) for key, reason in reasons.items()}
    return reasons


def differs(row: Row) -> str:
    """The first key whose score a row's texts, or its other scores, do not give; empty where all fit."""
    kept = row["scores"]
    again = metrics.lexical([Pair(1, row["reference"], row["answer"], row["id"])])
    again |= metrics.combined({key: [value] for key, value in kept.items()})
    details = row.get("details", {})
    for name, detail in details.items():
        again |= pooled.columns(name, [detail])
    wrong = [key for key, column in again.items() if kept.get(key) != column[0]]
    judged = [details[one.name] for one in VARIANTS.values() if one.name in details]
    wrong += [radfact.differs(detail, row["reference"], row["answer"]) for detail in judged]
    return next(filter(None, wrong), "")


def numbers(rows: Sequence[Row], name: str, plan: Plan) -> dict[str, Any]:
    """Means of one benchmark's rows, and what is of all of them together.

    Returns:
        ``n`` (reports with scores), ``subjects``, ``values`` (``null`` where no report has one),
        ``intervals`` (95 %), ``of`` (reports behind a mean, where not all have a value), ``rescaled``
        (BLEU-4*, RadCliQ* and the average of the paper's seven cells if all are there), ``odd``,
        ``failures``, and with CheXbert's labels ``conditions`` (of ``chexbert_f1.by_condition``).

    Raises:
        DataError: no report has scores.
    """
    odd, lost = oddities(row["odd"] for row in rows), failures(row["failure"] for row in rows)
    scored = [row for row in rows if row["scores"] is not None]
    require(name, len(scored), lost)
    values: dict[str, float | None] = {}
    intervals: dict[str, list[float] | None] = {}
    fewer: dict[str, int] = {}
    for key in scored[0]["scores"]:
        there = [(row["scores"][key], row["subject"]) for row in scored if row["scores"][key] is not None]
        values[key], intervals[key] = _mean(there, plan, name)
        if len(there) < len(scored):
            fewer[key] = len(there)
    sums: dict[str, pooled.Array] = {}
    for kind in dict.fromkeys(kind for row in scored for kind in row.get("details", {})):
        sums[kind], found = _together(kind, scored, plan, name)
        for key, estimate in found.items():
            values[key] = None if estimate is None else estimate.value
            intervals[key] = None if estimate is None else _ends(estimate)
    labels = sums.get(chexbert_f1.NAME)
    conditions = {} if labels is None else {"conditions": chexbert_f1.by_condition(labels)}
    return {
        "n": len(scored),
        "subjects": len({row["subject"] for row in scored}),
        "values": values,
        "intervals": intervals,
        "of": fewer,
        "rescaled": rescaled(values, name),
        "odd": odd,
        "failures": lost,
        **conditions,
    }


def _together(
    kind: str, scored: Sequence[Row], plan: Plan, name: str
) -> tuple[pooled.Array, dict[str, bootstrap.Estimate | None]]:
    """The sums of one kind of details, and the numbers that come of them, patients drawn again."""
    there = [row for row in scored if row["details"].get(kind) is not None]
    addends = pooled.matrix(kind, [row["details"][kind] for row in there])
    draws = bootstrap.draw([row["subject"] for row in there], plan.resamples, seed_of(plan.seed, name))
    return addends.sum(axis=0), bootstrap.of_sums(addends, pooled.POOLED[kind].of_sums, draws)


def _ends(estimate: bootstrap.Estimate) -> list[float] | None:
    return None if estimate.low is None or estimate.high is None else [estimate.low, estimate.high]


def _mean(
    there: Sequence[tuple[float, str]], plan: Plan, name: str
) -> tuple[float | None, list[float] | None]:
    if not there:
        return None, None
    draws = bootstrap.draw([subject for _, subject in there], plan.resamples, seed_of(plan.seed, name))
    if len({one for one, _ in there}) == 1:
        return there[0][0], None  # all alike: drawing again shows no spread
    # The sum in order, as MultiMedEval and ``bimedix2 score`` take it: numpy's differs in the last digit.
    value = sum(one for one, _ in there) / len(there)
    estimate = bootstrap.mean([one for one, _ in there], draws)
    return value, _ends(estimate)


def paper_values(values: Mapping[str, float | None]) -> dict[str, float]:
    """The raw means that Tables 6 and 7 have columns for."""
    return {column: value for key, column in PAPER.items() if (value := values.get(key)) is not None}


def rescaled(values: Mapping[str, float | None], name: str) -> dict[str, float]:
    """BLEU-4* and RadCliQ* by our reading of the paper, and the average if all seven cells are there."""
    cells = RESCALING.apply(paper_values(values))
    (check,) = load().table(TABLES[name]).checks
    mean = recompute(check, cells)
    stars = ("bleu4_rescaled", "radcliq_rescaled")
    found: dict[str, float] = {key: cells[key] for key in stars if key in cells}
    return found if mean is None else {**found, "average": mean}


def paper_row(
    one: Mapping[str, Any], name: str, partial: Sequence[str], model: str, signature: str
) -> dict[str, Any]:
    """The line of ``paper.jsonl``: raw values; what is rescaled, and the average, the tables add.

    Args:
        one: of ``numbers``.
        name: of the benchmark.
        partial: why it is no whole result.
        model: its name.
        signature: in one line.
    """
    ends = {column: one["intervals"].get(key) for key, column in PAPER.items()}
    values = paper_values(one["values"])
    return {
        "table": TABLES[name],
        "model": model,
        "values": values,
        "intervals": {key: interval for key, interval in ends.items() if interval and key in values},
        "signature": signature,
        "partial": "; ".join(partial),
    }
