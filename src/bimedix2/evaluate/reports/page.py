"""The page of scores of reports: Tables 6 and 7's columns, raw values first, and what is unavailable."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bimedix2.evaluate.metrics import chexbert_f1
from bimedix2.evaluate.metrics import report as metrics
from bimedix2.evaluate.metrics.radfact.scores import VARIANTS
from bimedix2.evaluate.report import Frame, table
from bimedix2.evaluate.reports.scores import RESCALING

TITLES = {
    "mimic_cxr": "## MIMIC-CXR, report generation (the paper's Table 7)",
    "mimic_iii": "## MIMIC-III, report summarisation (the paper's Table 6)",
}
NAMES = {
    "bleu1": "BLEU-1",
    "bleu4": "BLEU-4, raw",
    "rougeL": "ROUGE-L",
    "meteor": "METEOR",
    metrics.RADGRAPH: "F1-RadGraph",
    metrics.CHEXBERT: "CheXbert vector",
    "radcliq": "RadCliQ-v1, raw, lower is better",
    metrics.BERTSCORE: "BERTScore, not rescaled",
    "rouge1": "ROUGE-1",
    "bleu2": "BLEU-2",
    metrics.RESCALED: "BERTScore, rescaled",
    "radcliq_v0": "RadCliQ-v0, lower is better",
    metrics.LEVELS["simple"]: "F1-RadGraph, simple reward",
    metrics.LEVELS["complete"]: "F1-RadGraph, complete reward",
    metrics.RADGRAPH_RADCLIQ: "RadGraph, mean of entity and relation F1",
    **{
        key: f"{words}, {what}"
        for study, words in (("cxr", "RadFact"), ("ct", "RadFact-CT, times 100"))
        for key, what in zip(
            VARIANTS[study, "keep"].keys, ("precision", "recall", "F1 of the two means"), strict=True
        )
    },
}
"""In the order of the page; what else was scored stands behind, under its key."""
OF_ALL = {
    **{f"{average}_f1": f"{average} F1" for average in chexbert_f1.AVERAGES},
    "samples_f1": "F1 of a report, mean",
    "accuracy": "reports with all labels right",
    "agreement": "share of labels that are right",
}


def page(values: Mapping[str, Any], frame: Frame) -> str:
    """Return Markdown.

    Args:
        values: benchmark -> numbers, as ``scores.numbers`` gives them, with ``unavailable`` and ``notes``.
        frame: the page's; its notes are what was counted while the reports were selected.
    """
    parts: list[str] = []
    for name, one in values.items():
        parts += [TITLES[name], _table(one), _average(one), *_labels(one)]
    parts.append(
        "Means over reports, in brackets 95 % bootstrap intervals over patients. The reference of MIMIC-CXR "
        "is the findings alone. What is unavailable is no zero. " + RESCALING.words()
    )
    notes = [*frame.notes, *(f"{name}: {note}" for name, one in values.items() for note in one["notes"])]
    closing = "This folder holds words of credentialed records: keep it as you keep the data."
    return replace(frame, notes=notes).page(parts, _odd(values), closing)


def _table(one: Mapping[str, Any]) -> str:
    here = {*one["values"], *one["unavailable"]}
    known = [key for key in NAMES if key in here or not key.startswith("radfact")]
    others = (key for key in [*one["values"], *one["unavailable"]] if key not in NAMES)
    keys = [*known, *(key for key in others if key not in chexbert_f1.KEYS)]
    rows = [[NAMES.get(key, key), _cell(one, key)] for key in dict.fromkeys(keys)]
    first = chexbert_f1.KEYS[0]
    if first not in one["values"]:
        rows.append(["F1-CheXbert", _cell(one, first)])
    return table(["metric", f"mean ({one['n']} reports of {one['subjects']} patients)"], rows)


def _cell(one: Mapping[str, Any], key: str) -> str:
    value = one["values"].get(key)
    if value is None:
        return f"unavailable: {one['unavailable'].get(key, 'no report has a value')}"
    ends = one["intervals"][key]
    words = f"{value:.4f}" if ends is None else f"{value:.4f} [{ends[0]:.4f}, {ends[1]:.4f}]"
    fewer = one["of"].get(key)
    return words if fewer is None else f"{words}, of {fewer} reports that have a value"


def _labels(one: Mapping[str, Any]) -> list[str]:
    """F1-CheXbert: of all conditions, and of each; nothing where there are no labels."""
    if "conditions" not in one:
        return []
    rows = [
        [f"{conditions} conditions, {words}"]
        + [_cell(one, chexbert_f1.key(mode, conditions, what)) for mode in chexbert_f1.YES]
        for conditions in chexbert_f1.SETS
        for what, words in OF_ALL.items()
    ]
    each = [
        [name]
        + [
            words
            for mode in chexbert_f1.YES
            for words in (
                f"{one['conditions'][mode][name]['f1']:.4f}",
                f"{one['conditions'][mode][name]['support']:.0f}",
            )
        ]
        for name in chexbert_f1.CONDITIONS
    ]
    return [
        "F1-CheXbert, two ways of making yes or no of a label: `rrg` (uncertain counts as yes, as f1chexbert "
        "and RadEval take it) and `positive` (positive alone). A condition that neither side has scores 0.",
        table(["F1-CheXbert", "rrg", "positive"], rows),
        table(["condition", "F1, rrg", "references", "F1, positive", "references"], each),
    ]


def _average(one: Mapping[str, Any]) -> str:
    cells = one["rescaled"]
    mean = cells.get("average")
    words = "the paper's seven cells are not all here" if mean is None else f"{mean:.4f}"
    stars = {"bleu4_rescaled": "BLEU-4*", "radcliq_rescaled": "RadCliQ*"}
    there = "; ".join(f"{stars[key]} {cells[key]:.4f}" for key in stars if key in cells)
    raw = one["values"].get("radcliq")
    inverse = f"; 1 / mean RadCliQ-v1 {1 / raw:.4f}" if raw else ""
    return (
        f"Rescaled, beside the raw values and not to be ranked by: {there or '-'}{inverse}; average: {words}."
    )


def _odd(values: Mapping[str, Any]) -> str:
    rows = []
    for name, one in values.items():
        lost = one["failures"]
        reasons = "; ".join(f"{count} {reason}" for reason, count in lost.items())
        odd = one["odd"]
        rows.append([name, str(sum(lost.values())), str(odd["empty"]), str(odd["cut"]), reasons or "-"])
    return table(["benchmark", "no score", "empty", "cut at max_tokens", "why no score"], rows)
