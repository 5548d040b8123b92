"""The page of scores: both languages beside each other, and answers that contradict each other to read."""

from collections.abc import Sequence
from typing import Any

from bimedix2.evaluate.paired.judge import Pair
from bimedix2.evaluate.paired.numbers import AGREEMENTS
from bimedix2.evaluate.report import percent, table

EXAMPLES = 12
"""Contradictions that the page shows."""
LANGUAGES = {"en": "English", "ar": "Arabic"}


def page(values: dict[str, Any], pairs: Sequence[Pair], signature: str) -> str:
    """Return Markdown.

    Args:
        values: as in ``scores.json``.
        pairs: judged items.
        signature: of the scores, in one line.
    """
    parts = [f"**Partial: {values['partial']}. These numbers are no result.**"] if values["partial"] else []
    found = values["all"]
    parts += [f"# The same items in both languages: {values['model']}", _notes()]
    if "accuracy" in found:
        parts += ["## Accuracy", _accuracy(found), "## Agreement", _agreement(found)]
    if "scores" in found:
        parts += ["## A judge's scores", _scores(found["scores"])]
    if "accuracy" not in found and "scores" not in found:
        parts.append("No answer is right or wrong without a judge here, so there is no gap in this table.")
    parts += ["## Contradictions", _contradiction(found["contradiction"])]
    parts += ["## Language of the answers", _language(found["language"])]
    parts += ["## By question type", _types(values["by type"])]
    parts += ["## What was paired", _paired(values)]
    if wrong := [pair for pair in pairs if pair.contradicts]:
        parts += ["## Contradicting answers", *(_example(pair) for pair in _spread(wrong))]
    return "\n\n".join([*parts, "## Signature", f"`{signature}`"]) + "\n"


def _notes() -> str:
    return (
        "Shares in per cent, in brackets 95 % bootstrap intervals over subjects (where all answers agree, "
        "the exact binomial interval with a subject as one trial). A positive gap: English is better."
    )


def shown(one: dict[str, Any] | None) -> str:
    """A share with its interval."""
    if one is None:
        return "-"
    interval = "" if one["low"] is None else f" [{percent(one['low'])}, {percent(one['high'])}]"
    return f"{percent(one['value'])}{interval} (n {one['n']})"


def points(one: dict[str, Any], scale: float = 100) -> str:
    """A difference with its interval, in points."""
    interval = "" if one["low"] is None else f" [{scale * one['low']:+.1f}, {scale * one['high']:+.1f}]"
    return f"{scale * one['value']:+.1f}{interval}"


def _p(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _accuracy(found: dict[str, Any]) -> str:
    one = found["accuracy"]
    gap = one["gap"]
    first = table(
        ["", "English", "Arabic", "English minus Arabic, points"],
        [["accuracy", shown(one["en"]), shown(one["ar"]), points(gap)]],
    )
    tests = table(
        ["test", "unit", "p"],
        [
            ["McNemar, exact", "item", _p(gap["McNemar, items"])],
            ["McNemar, exact, whole subjects swapped", "subject", _p(gap["McNemar, subjects"])],
            [
                "approximate randomisation" if not gap["exact"] else "randomisation, every swap",
                "subject",
                _p(gap["randomisation"]),
            ],
            ["paired bootstrap", "subject", _p(gap["bootstrap"])],
        ],
    )
    unknown = found["without subject id"]
    note = (
        f" {unknown} items of sources that name no subject count as one subject a source." if unknown else ""
    )
    return f"{first}\n\n{tests}\n\n{found['graded']} items of {gap['subjects']} subjects.{note}"


def _agreement(found: dict[str, Any]) -> str:
    counts, total = found["agreement"], found["graded"]
    return table(
        ["", "Arabic right", "Arabic wrong"],
        [
            ["English right", *(_of(counts[name], total) for name in AGREEMENTS[:2])],
            ["English wrong", *(_of(counts[name], total) for name in AGREEMENTS[2:])],
        ],
    )


def _of(count: int, total: int) -> str:
    return f"{count} ({percent(count / total)} %)"


def _scores(one: dict[str, Any]) -> str:
    cells = []
    for tongue in LANGUAGES:
        side = one[tongue]
        interval = "" if side["low"] is None else f" [{side['low']:.1f}, {side['high']:.1f}]"
        cells.append(f"{side['value']:.1f}{interval}")
    gap = one["gap"]
    row = [*cells, points(gap, 1), _p(gap["randomisation"]), f"{gap['n']} on {gap['subjects']} images"]
    return table(["English", "Arabic", "English minus Arabic", "p (randomisation)", "items"], [row])


def _contradiction(one: dict[str, Any]) -> str:
    rate = one["rate"]
    if rate is None:
        return "No two answers name something of one kind, so nothing can be compared."
    kinds = ", ".join(f"{kind} {count}" for kind, count in one["kinds"].items()) or "none"
    return (
        f"Of items whose two answers name something of one kind: {shown(rate)} contradict each other "
        f"(by kind: {kinds}). Items where there is nothing to compare: {one['not comparable']}. "
        f"Contradicting though both are graded right: {one['contradicting though both are right']}."
    )


def _language(found: dict[str, Any]) -> str:
    rows = []
    for tongue, name in LANGUAGES.items():
        one = found[tongue]
        words = ", ".join(f"{word} ({count})" for word, count in one["words"].items()) or "-"
        rows.append([name, shown(one["kept"]), shown(one["switched"]), str(one["empty"]), words])
    head = [
        "asked in",
        "answers in that language",
        "answers with words of the other script",
        "empty",
        "which",
    ]
    note = "A term in brackets after its word in the answer's language is no change of language."
    return f"{table(head, rows)}\n\n{note}"


def _types(found: dict[str, dict[str, Any]]) -> str:
    rows = []
    for name, one in found.items():
        graded = one.get("accuracy")
        cells = [shown(graded["en"]), shown(graded["ar"]), points(graded["gap"])] if graded else ["-"] * 3
        rows.append([name, *cells, shown(one["contradiction"]["rate"])])
    return table(["type", "English", "Arabic", "gap, points", "contradict each other"], rows)


def _paired(values: dict[str, Any]) -> str:
    how = ", ".join(f"{count} by {rule}" for rule, count in _ranked(values["paired by"]))
    left = ", ".join(f"{count} {reason}" for reason, count in _ranked(values["not paired"])) or "none"
    found = values["all"]
    out = f"{found['items']} items of {found['subjects']} subjects ({how}). Questions without a twin: {left}."
    odd = [
        f"{t}: {name} {n}" for t, one in sorted(values["files"].items()) for name, n in sorted(one.items())
    ]
    return f"{out} Odd in the files: {'; '.join(odd)}." if odd else out


def _ranked(counts: dict[str, int]) -> list[tuple[str, int]]:
    """The most frequent first, whatever order a file has them in."""
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


def _spread(pairs: Sequence[Pair]) -> list[Pair]:
    """Some contradictions, of different types and kinds first."""
    seen: dict[tuple[str, ...], int] = {}
    ranked = []
    for pair in sorted(pairs, key=lambda one: one.twins.id):
        key = (pair.twins.type, *pair.contradicts)
        ranked.append((seen.setdefault(key, 0), pair.twins.id, pair))
        seen[key] += 1
    return [pair for _, _, pair in sorted(ranked, key=lambda item: item[:2])[:EXAMPLES]]


def _example(pair: Pair) -> str:
    lines = [f"- `{pair.twins.id}` ({pair.twins.type}; {', '.join(pair.contradicts)}; {pair.agreement})"]
    for (tongue, sample), said in zip(pair.twins.sides, (pair.english, pair.arabic), strict=True):
        lines.append(f"  - {tongue}, asked: {' '.join(sample.messages[-1].text.split())[:300]}")
        lines.append(f"  - {tongue}, answered: {' '.join(said.answer.split())[:300]}")
    return "\n".join(lines)
