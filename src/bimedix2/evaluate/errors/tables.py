"""Counts of error classes with their intervals, as JSON values and as Markdown."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from bimedix2.evaluate.errors.classes import CLASSES
from bimedix2.evaluate.errors.classify import Judged
from bimedix2.evaluate.report import percent, table
from bimedix2.evaluate.sheets.answers import Found
from bimedix2.evaluate.sheets.rows import Answer
from bimedix2.stats.exact import clopper_pearson

TONGUES = {"both": ("en", "ar"), "en": ("en",), "ar": ("ar",)}
REASONS = 8
"""Most frequent reasons of a class that are listed."""


def counts(found: Found, judged: Sequence[Answer], wrong: Sequence[Judged]) -> dict[str, Any]:
    """System -> language -> class -> how many answers.

    ``n`` are answers named by the class (they add up to the wrong ones), ``any`` those that make the mistake
    at all. Shares are of all judged answers of the language, with the exact 95 % interval, an answer a trial.
    """
    out: dict[str, Any] = {}
    for system in found.systems:
        out[system.name] = {}
        for tongue, inside in TONGUES.items():
            asked = sum(a.system == system.name and a.language in inside for a in judged)
            if asked:
                mine = [j for j in wrong if j.answer.system == system.name and j.answer.language in inside]
                out[system.name][tongue] = _tongue(asked, mine)
    return out


def _tongue(asked: int, mine: Sequence[Judged]) -> dict[str, Any]:
    classes = {}
    for name in CLASSES:
        named = [j for j in mine if j.named.name == name]
        having = sum(any(fault.name == name for fault in j.faults) for j in mine)
        if having or named:
            reasons = Counter(j.named.why for j in named).most_common(REASONS)
            classes[name] = {**_share(len(named), asked), "any": having, "reasons": dict(reasons)}
    return {"judged": asked, "wrong": _share(len(mine), asked), "classes": classes}


def _share(count: int, asked: int) -> dict[str, Any]:
    low, high = clopper_pearson(count, asked)
    return {"n": count, "share": round(count / asked, 6), "low": round(low, 6), "high": round(high, 6)}


def page(found: Found, values: dict[str, Any], aside: dict[str, int], figures: dict[str, str]) -> str:
    """``errors.md``."""
    partial = [f"{one.name}: {one.partial}" for one in found.systems if one.partial]
    parts = [f"**Partial: {'; '.join(partial)}. These numbers are no result.**"] if partial else []
    parts += ["# Wrong answers by class", _notes(), table(["class", "what it is"], list(CLASSES.items()))]
    for system, tongues in values.items():
        names = [name for name in CLASSES if any(name in one["classes"] for one in tongues.values())]
        rows = [["all wrong answers", *(_cell(one["wrong"]) for one in tongues.values())]]
        rows += [[name, *(_of_class(one["classes"].get(name)) for one in tongues.values())] for name in names]
        heads = [f"{tongue} ({one['judged']} judged)" for tongue, one in tongues.items()]
        parts += [f"## {system}", table(["class", *heads], rows)]
        frequent = _frequent(tongues.get("both", {"classes": {}})["classes"])
        if frequent:
            parts.append(table(["class", "most frequent reasons"], frequent))
    if aside:
        lines = [f"- {count} answers: {reason}" for reason, count in aside.items()]
        parts += ["## Left out", "\n".join(lines)]
    if unmade := {name: said for name, said in figures.items() if said != "made"}:
        parts += ["## Pictures that were not made", "\n".join(f"- `{n}`: {why}" for n, why in unmade.items())]
    signed = [f"- {one.name}: `{one.signature}`" for one in found.systems]
    return "\n\n".join([*parts, "## Signatures of the scores", "\n".join(signed)]) + "\n"


def _notes() -> str:
    return (
        "Each wrong answer is named by one class, the first that it makes: what contradicts the reference "
        "before the other language and broken words, these before what is left out, and the coarsest first. "
        "In brackets, in per cent, the exact 95 % interval of the share of judged answers, one trial each: "
        "answers about one patient are no independent trials, so the true intervals are wider. After the "
        "semicolon: answers that make the mistake at all. Classes are told by rules and word lists that no "
        "physician has reviewed."
    )


def _cell(one: dict[str, Any]) -> str:
    return f"{one['n']}: {percent(one['share'])} [{percent(one['low'])}, {percent(one['high'])}]"


def _of_class(one: dict[str, Any] | None) -> str:
    return "0" if one is None else f"{_cell(one)}; {one['any']}"


def _frequent(classes: dict[str, Any]) -> list[list[str]]:
    rows = []
    for name, one in classes.items():
        if one["reasons"]:
            rows.append([name, "; ".join(f"{count} x {why}" for why, count in one["reasons"].items())])
    return rows
