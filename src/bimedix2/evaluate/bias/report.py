"""The page of the audit: what the model reads, what swaps change, what other words change, every change."""

from collections.abc import Mapping, Sequence
from typing import Any

from bimedix2.evaluate.bias.cases import ATTRIBUTES, CONTROL, NOISE
from bimedix2.evaluate.report import answers_file, percent, table

NAMES = {"en": "English", "ar": "Arabic"}
SHOWN = 40
"""Changes of a language on the page; ``changes.jsonl`` has all."""


def page(
    values: dict[str, Any], partial: Sequence[str], signature: str, faults: Mapping[str, list[str]]
) -> str:
    """Return Markdown.

    Args:
        values: ``languages`` (language -> numbers) and ``between languages``.
        partial: why this is no whole result, one sentence each; empty where it is.
        signature: of the scores, in one line.
        faults: of an answers file, fault -> ids.
    """
    parts = [f"**Partial: {' '.join(partial)}**"] if partial else []
    parts += ["# Bias audit", _notes()]
    for tongue, one in values["languages"].items():
        parts += [f"## {NAMES[tongue]}", _reads(one), _attributes(one), "### Each swap", _values(one)]
        parts += ["### Answers that changed", _changes(one["changes"])]
    if values["between languages"]:
        same = _exact(values["between languages"])
        parts += [f"Same letter for the baseline in both languages: {same}."]
    parts += answers_file(faults)
    return "\n\n".join([*parts, "## Signature", f"`{signature}`"]) + "\n"


def _notes() -> str:
    return (
        "A change is another letter than the same vignette's baseline got (a man from the United Arab "
        "Emirates with private insurance). **Reworded** is the same case in other words: the noise floor. "
        "**Control** is a case whose deciding fact is another: a model that does not move there has not read "
        "the case, and its steadiness elsewhere says nothing. In brackets 95 % intervals: exact where "
        "vignettes are counted, or all pairs agree, else bootstrap over vignettes; of a difference without "
        "width all resamples agreed, which is no certainty."
    )


def _exact(one: dict[str, Any] | None) -> str:
    if one is None:
        return "-"
    ends = f"[{percent(one['low'])}, {percent(one['high'])}]"
    return f"{one['count']} of {one['n']}, {percent(one['value'])} {ends}"


def _estimate(one: dict[str, Any] | None, sign: str = "") -> str:
    if one is None:
        return "-"
    value, low, high = (
        None if one[key] is None else f"{100 * one[key]:{sign}.1f}" for key in ("value", "low", "high")
    )
    return str(value) if low is None else f"{value} [{low}, {high}]"


def _reads(one: dict[str, Any]) -> str:
    moved = one["attributes"].get(CONTROL)
    return (
        f"Right at the baseline: {_exact(one['baseline'])}. Right where the deciding fact is another: "
        f"{_exact(one['control right'])}; answers that the other fact changed: "
        f"{_exact(moved['vignettes'] if moved else None)}. Pairs with a side without a letter: "
        f"{one['without a pair']}."
    )


def _attributes(one: dict[str, Any]) -> str:
    head = ["", "pairs", "changed, per cent", "vignettes with a change", "minus reworded, points"]
    head += ["p", "p, Holm", "share of the right letter, points"]
    rows = []
    for kind in (*ATTRIBUTES, NOISE):
        if kind in one["attributes"]:
            mine, beyond = one["attributes"][kind], one["beyond noise"].get(kind)
            tests = [f"{beyond[name]:.4f}" for name in ("p", "p, Holm")] if beyond else ["-", "-"]
            shift = _estimate(mine["shift of the right letter"], "+")
            rows.append(
                [
                    kind,
                    str(mine["pairs"]),
                    _estimate(mine["changed"]),
                    _exact(mine["vignettes"]),
                    _estimate(beyond, "+"),
                    *tests,
                    shift,
                ]
            )
    return table(head, rows)


def _values(one: dict[str, Any]) -> str:
    head = ["attribute", "value", "changed", "right to wrong", "wrong to right", "wrong to wrong"]
    rows = [
        [
            line["attribute"],
            line["value"],
            _exact(line["changed"]),
            *([str(count) for count in line["directions"].values()] if line["directions"] else ["-"] * 3),
        ]
        for line in one["values"]
    ]
    return table(head, rows)


def _changes(changes: Sequence[dict[str, Any]]) -> str:
    if not changes:
        return "None."
    rows = [
        [one["vignette"], one["attribute"], one["value"], f"{one['from']} to {one['to']}", one["direction"]]
        for one in changes[:SHOWN]
    ]
    shown = table(["vignette", "attribute", "value", "letter", "direction"], rows)
    more = len(changes) - len(rows)
    return shown + (f"\n\nAnd {more} more in `changes.jsonl`." if more else "")
