"""The page of scores, and rows for the paper's Figure 4."""

from collections.abc import Mapping, Sequence
from typing import Any

from bimedix2.evaluate.report import answers_file, percent, table
from bimedix2.evaluate.uphill.load import LEVELS

FIGURE = "figure-4"
NAMES = {"en": "English", "ar": "Arabic"}


def scores(
    values: dict[str, Any], partial: Sequence[str], signature: str, faults: Mapping[str, list[str]]
) -> str:
    """Return Markdown.

    Args:
        values: ``languages`` (language -> numbers), ``gap`` and ``canaries``.
        partial: why these are no whole results, one sentence each; empty where they are.
        signature: of the scores, in one line.
        faults: of an answers file, fault -> ids.
    """
    parts = [f"**Partial: {' '.join(partial)}**"] if partial else []
    parts += ["# UPHILL OpenQA", _notes()]
    for tongue, one in values["languages"].items():
        parts += [f"## {NAMES[tongue]}", _levels(one), _counts(one), _consistency(one)]
    if values["gap"]:
        parts += ["## Arabic minus English, the same claims and levels", _gap(values["gap"])]
    parts += ["## Canaries of the judge", _canaries(values["canaries"])]
    if values["hand check"]:
        parts += ["## The judge beside a person", _hand(values["hand check"])]
    parts += answers_file(faults)
    return "\n\n".join([*parts, "## Signature", f"`{signature}`"]) + "\n"


def paper_row(values: dict[str, Any], partial: Sequence[str], model: str, signature: str) -> dict[str, Any]:
    """The English row of Figure 4: false claims refuted, per cent, by level; the mean is made there."""
    one = values["languages"]["en"]
    cells = {
        f"level_{level}": cell
        for level, cell in enumerate(one["levels"].get("refuted false", []))
        if cell is not None
    }
    intervals = {key: [100 * c["low"], 100 * c["high"]] for key, c in cells.items() if c["low"] is not None}
    mean = one["means"].get("refuted false")
    if mean and mean["low"] is not None:
        intervals["overall"] = [100 * mean["low"], 100 * mean["high"]]
    return {
        "table": FIGURE,
        "model": model,
        "values": {key: 100 * cell["value"] for key, cell in cells.items()},
        "intervals": intervals,
        "signature": signature,
        "partial": " ".join(partial),
    }


def _notes() -> str:
    return (
        "Per cent of labelled responses, in brackets 95 % bootstrap intervals over claims. **Refuted false** "
        "is the paper's number, its mean over levels the paper's overall; **balanced accuracy** is the mean "
        "of it and of supported true claims, and does not reward contradicting everything. **Slope**: points "
        "a level, least squares; below 0 where the model gives way as the user presupposes more. "
        "An interval without width says that all claims agreed, which is no certainty with few of them."
    )


def _shown(cell: dict[str, Any] | None, sign: str = "") -> str:
    if cell is None:
        return "-"
    if cell["low"] is None:
        return f"{100 * cell['value']:{sign}.1f}"
    return f"{100 * cell['value']:{sign}.1f} [{100 * cell['low']:{sign}.1f}, {100 * cell['high']:{sign}.1f}]"


def _levels(one: dict[str, Any]) -> str:
    head = ["", *(f"{number} {name.lower()}" for number, name in enumerate(LEVELS)), "mean", "slope"]
    rows = [
        [
            name,
            *(_shown(cell) for cell in cells),
            _shown(one["means"].get(name)),
            _shown(one["slopes"].get(name), "+"),
        ]
        for name, cells in one["levels"].items()
    ]
    return table(head, rows)


def _counts(one: dict[str, Any]) -> str:
    claims = ", ".join(f"{count} {kind}" for kind, count in one["claims"].items())
    labels = ", ".join(f"{count} {label}" for label, count in one["labels"].items())
    named = {**one["failures"], **{name: one[name] for name in ("empty", "cut", "other language")}}
    odd = ", ".join(f"{count} {name}" for name, count in named.items())
    return (
        f"Claims: {claims}. Responses: {one['responses']} ({labels}; {odd}). An empty response is neutral; "
        "one that was cut at the token limit, or is in another language than its query, is judged by what it "
        "says."
    )


def _consistency(one: dict[str, Any]) -> str:
    cells = ", ".join(f"{name} {_shown(cell)}" for name, cell in one["consistency"].items())
    complete, claims = one["complete claims"], sum(one["claims"].values())
    whole = f"{complete} of {claims} claims with all labels"
    return f"Consistency (one label at all levels; {whole}): {cells or '-'}."


def _gap(one: dict[str, Any]) -> str:
    rows = [
        [
            f"{name}, mean"
            if group == "means"
            else f"{name}, slope"
            if group == "slopes"
            else f"consistency, {name}",
            _shown(cell, "+"),
            f"{one['p'][name]:.4f}" if group == "means" and name in one["p"] else "-",
        ]
        for group in ("means", "slopes", "consistency")
        for name, cell in one[group].items()
    ]
    opposed = one["opposed"]
    return (
        table(["", "points, paired", "p"], rows)
        + f"\n\n{one['claims']} claims, {one['pairs']} pairs of responses; one language supports and the "
        f"other refutes in {_shown(opposed)} per cent of them. p: approximate randomisation over claims."
    )


def _hand(one: dict[str, Any]) -> str:
    people = list(next(iter(one["table"].values())))
    rows = [[name, *(str(counts[person]) for person in people)] for name, counts in one["table"].items()]
    kappa = one["kappa"]
    said = "no kappa: one label alone" if kappa is None else f"kappa {kappa['value']:.2f}"
    if kappa and kappa["low"] is not None:
        said += f" [{kappa['low']:.2f}, {kappa['high']:.2f}]"
    return f"{one['n']} responses, equal labels {_shown(one['equal'])}, {said}.\n\n" + table(
        ["", *people], rows
    )


def _canaries(found: Sequence[dict[str, Any]]) -> str:
    rows = [
        [
            NAMES[one["language"]],
            one["verdict"],
            f"{one['right']} of {one['n']}",
            percent(one["right"] / one["n"]),
        ]
        for one in found
    ]
    return table(["language", "label", "right", "per cent"], rows)
