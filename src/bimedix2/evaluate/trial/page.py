"""The page of a read trial, ``scores.md``: the paper's shares beside ours, then everything behind them."""

from typing import Any

from bimedix2.evaluate.paper.published import Table
from bimedix2.evaluate.report import percent, table
from bimedix2.stats.exact import clopper_pearson

PAPER = 13
"""The fewest judgements that give the paper's three shares: 10, 2 and 1 of 13."""


def _interval(one: dict[str, Any]) -> str:
    if one.get("low") is None:
        return ""
    return f" [{percent(one['low'])}, {percent(one['high'])}]"


def _share(one: dict[str, Any]) -> str:
    return f"{percent(one['share'])}{_interval(one)} ({one['count']}/{one['of']})"


def _estimate(one: dict[str, Any] | None) -> str:
    if one is None or one["value"] is None:
        return "cannot be had"
    if one["low"] is None:
        return f"{one['value']:.3f}"
    return f"{one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"


def page(values: dict[str, Any], partial: str, paper: Table, signature: str) -> str:
    """Return Markdown; its first line says so where the result is partial."""
    parts = [f"**Partial: {partial}. These numbers are no whole result.**"] if partial else []
    parts += ["# Blind expert trial", _summary(values), _models(values), _notes()]
    parts += ["## The paper's", _paper(values, paper)]
    parts += ["## Of each two", _pairs(values)]
    parts += ["## Agreement", _agreement(values)]
    for facet in ("language", "domain", "type", "stratum"):
        parts += [f"## By {facet}", _facet(values, facet)]
    parts += ["## By label, whatever stood under it", _labels(values)]
    parts += ["## Raters", _raters(values)]
    parts += ["## Answers that were sealed", _answers(values)]
    parts += ["## Un-blinding", _unblinding(values)]
    return "\n\n".join([*parts, "## Signature", f"`{signature}`"]) + "\n"


def _summary(values: dict[str, Any]) -> str:
    counts = values["counts"]
    times = ", ".join(f"{items} items by {people}" for people, items in counts["per_item"].items())
    return (
        f"{counts['judgements']} judgements by {counts['raters']} people of {counts['judged_items']} of "
        f"{counts['items']} items ({times}). One best: {counts['best']}; tie: {counts['tie']}; abstained: "
        f"{counts['abstain']}; revised: {counts['revised']} (the last choice counts, the log has all)."
    )


def _models(values: dict[str, Any]) -> str:
    head = ["model", "chosen as best [exact 95 %]", "over pictures", "tied", "items won [exact 95 %]"]
    rows = []
    for name, one in values["models"].items():
        strength = values["bradley_terry"].get(name, {"strength": None})
        said = "-" if strength["strength"] is None else f"{strength['strength']:.3f}"
        if strength.get("low") is not None:
            said += f" [{strength['low']:.3f}, {strength['high']:.3f}]"
        over = _interval(one["over_items"]).strip() or "-"
        rows.append([name, _share(one["best"]), over, str(one["tied"]), _share(one["items_won"]), said])
    return table([*head, "Bradley-Terry"], rows)


def _notes() -> str:
    return (
        "Shares are of judgements that chose one best; ties and abstentions stand apart. The exact interval "
        "takes judgements as independent; `over pictures` draws pictures or subjects again, with all that "
        "was said of them. `items won` counts an item once, for the model that most of its raters chose; "
        "items without such a model are left out. Bradley-Terry strengths sum to 1; a best is a win over "
        "each other answer, a tie half a win; in brackets 95 % over pictures or subjects drawn again."
    )


def _paper(values: dict[str, Any], paper: Table) -> str:
    rows = [["paper: " + name, f"{row[0]:.1f}", "-"] for name, row in paper.rows.items()]
    for name, one in values["models"].items():
        rows.append([name, percent(one["best"]["share"]), str(one["best"]["of"])])
    low, high = clopper_pearson(10, PAPER)
    said = (
        "The paper does not say how many judgements stand behind its three shares. Calculated from them: "
        f"they are 10, 2 and 1 of {PAPER}, so the number is a multiple of {PAPER}; were it {PAPER}, the "
        f"exact 95 % interval of its first would be {percent(low)} to {percent(high)} %. Its raters judged "
        "against the description and not the picture, with other models and other items: the numbers stand "
        "beside each other and are not to be ranked together."
    )
    return f"{table(['', paper.columns[0].label + ', %', 'judgements'], rows)}\n\n{said}"


def _pairs(values: dict[str, Any]) -> str:
    rows = []
    for pair in values["pairs"]:
        rows.append([" over ".join(pair["models"]), _share(pair), str(pair["tied"])])
    return table(["", "preferred [exact 95 %]", "tied"], rows)


def _agreement(values: dict[str, Any]) -> str:
    found = values["agreement"]
    if not found:
        return "No item has two ratings, so agreement cannot be measured."
    kappa, alpha = found["fleiss_kappa"], found["krippendorff_alpha"]
    rows = [
        ["Fleiss' kappa", _estimate(kappa), f"{kappa['items']} with {kappa['ratings']} ratings"],
        ["Krippendorff's alpha, nominal", _estimate(alpha), f"{alpha['items']} with two or more"],
        ["all ratings the same", _share(found["all_the_same"]), str(found["all_the_same"]["of"])],
    ]
    return table(["statistic", "value", "items"], rows) + (
        "\n\nOn which model is best, a tie being a value of its own; abstentions are no ratings."
    )


def _facet(values: dict[str, Any], facet: str) -> str:
    names = list(values["models"])
    rows = []
    for name, one in values["strata"][facet].items():
        shares = [_share(one["models"][model]) for model in names]
        rows.append([name, str(one["items"]), *shares, str(one["tie"]), str(one["abstain"])])
    return table([facet, "items", *names, "ties", "abstained"], rows)


def _labels(values: dict[str, Any]) -> str:
    return table(["label", "chosen as best"], [[k, _share(one)] for k, one in values["labels"].items()])


def _raters(values: dict[str, Any]) -> str:
    rows = []
    for name, one in values["raters"].items():
        seconds = "-" if one["median_seconds"] is None else f"{one['median_seconds']:.0f}"
        numbers = [str(one[key]) for key in ("judgements", "best", "tie", "abstain", "revised")]
        rows.append([name, *numbers, seconds])
    return table(["", "judgements", "one best", "ties", "abstained", "revised", "median seconds"], rows)


def _answers(values: dict[str, Any]) -> str:
    rows = []
    for name, faults in values["answers"].items():
        told = []
        for fault, one in faults.items():
            more = ["..."] if one["n"] > len(one["first"]) else []
            told.append(f"{fault}: {one['n']} ({', '.join([*one['first'], *more])})")
        rows.append([name, "; ".join(told) or "nothing odd"])
    return table(["system", "what was odd about its file, of all questions"], rows)


def _unblinding(values: dict[str, Any]) -> str:
    rows = [[one["by"], one["at"], one["key_sha256"][:12]] for one in values["unblinding"]]
    return table(["by", "at", "key"], rows)
