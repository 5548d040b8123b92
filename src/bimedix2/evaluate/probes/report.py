"""The page of probes: a table of strategies, kinds and modalities, and one of denied statements."""

from collections.abc import Mapping
from typing import Any

from bimedix2.evaluate.probes.scores import PAIRED, RATES
from bimedix2.evaluate.report import Frame, percent, table

LANGUAGES = {"en": "English", "ar": "Arabic"}
HEADS = {
    "accuracy": "accuracy",
    "yes_rate": "yes-rate",
    "precision": "precision",
    "recall": "recall",
    "F1": "F1",
}


def page(values: Mapping[str, Any], frame: Frame) -> str:
    """Return Markdown.

    Args:
        values: as ``scores.every`` gives them.
        frame: the page's.
    """
    parts: list[str] = []
    for language, found in values["languages"].items():
        parts += [f"## {LANGUAGES[language]}", _table("what is false is drawn", found["strategies"])]
        parts += [f"Of `{found['hardest']}`:", _table("statements about", found["kinds"])]
        parts += [_table("pictures", found["modalities"]), _negation(found["negation"])]
    parts.append(
        "Per cent. Half of the statements of each line are right, so a yes-rate far from 50 is a habit. An "
        "answer that says neither yes nor no, or both, is wrong and in no yes-rate; precision and recall are "
        "of yes. By naming: answers without a yes or no that affirm or deny what the statement is about. "
        "In brackets 95 % bootstrap intervals over pictures (where all agree, the exact binomial interval "
        "with a picture as one trial)."
    )
    return frame.page(parts, _odd(values))


def _cell(one: Mapping[str, Any]) -> str:
    ends = "" if one["low"] is None else f" [{percent(one['low'])}, {percent(one['high'])}]"
    return percent(one["value"]) + ends


def _table(head: str, found: Mapping[str, Any]) -> str:
    rows = []
    for name, one in found.items():
        counts = f"{one['n']} ({one['right_statements']} right), {one['images']} pictures"
        rows.append(
            [name, *(_cell(one[key]) for key in RATES), str(one["unread"]), str(one["naming"]), counts]
        )
    heads = [*(HEADS[key] for key in RATES), "neither or both", "by naming", "statements"]
    return table([head, *heads], rows)


def _negation(one: Mapping[str, Any]) -> str:
    if not one["pairs"]:
        return "No statement was asked in both forms."
    test = one["mcnemar"]
    rows = [
        ["both right", _cell(one[PAIRED[0]])],
        ["one yes, one no", _cell(one[PAIRED[1]])],
        [
            "yes to both, no to both, not both read",
            f"{one['yes_to_both']}, {one['no_to_both']}, {one['unread']}",
        ],
        ["accuracy: is, is not", f"{percent(one['accuracy_is'])}, {percent(one['accuracy_is_not'])}"],
        ["right in one form alone: is, is not", f"{test['is_only']}, {test['is_not_only']}"],
        ["McNemar, whole pictures swapped", f"p = {test['p']:.4f}"],
    ]
    return table([f"the statement and its denial ({one['pairs']} pairs)", ""], rows)


def _odd(values: Mapping[str, Any]) -> str:
    lost = values["failures"]
    why = "; ".join(f"{count} {reason}" for reason, count in lost.items()) or "-"
    counts = [str(sum(lost.values())), str(values["odd"]["empty"]), str(values["odd"]["cut"])]
    return table(["no score", "empty", "cut at max_tokens", "why no score"], [[*counts, why]])
