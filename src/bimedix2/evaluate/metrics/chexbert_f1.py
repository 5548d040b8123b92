"""F1-CheXbert: do two reports get the same labels of 14 conditions (Smit et al. 2020; ``f1chexbert`` 0.0.2)?

The labeller gives each condition one of four classes. Two published ways make yes or no of them, which are
named in every key and never mixed: ``rrg`` (``f1chexbert`` and RadEval: uncertain counts as yes) and
``positive`` (positive alone). Averages are those of scikit-learn's ``classification_report``, as both
packages give them: a condition that neither side has scores 0, so it lowers a macro mean.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mode = Literal["rrg", "positive"]
Labels = Mapping[str, str]
"""Condition -> class, without the blank ones."""

NAME = "f1chexbert"
CONDITIONS = (
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    "Support Devices",
    "No Finding",
)
"""In the order of the published heads; the last head has two classes (blank, positive)."""
FIVE = ("Cardiomegaly", "Edema", "Consolidation", "Atelectasis", "Pleural Effusion")
CLASSES = ("blank", "positive", "negative", "uncertain")
"""By number, as the heads give them (CheXbert's ``CLASS_MAPPING``)."""
YES: dict[Mode, frozenset[str]] = {
    "rrg": frozenset({"positive", "uncertain"}),
    "positive": frozenset({"positive"}),
}
SETS: dict[str, tuple[str, ...]] = {"5": FIVE, "14": CONDITIONS}
_PLACES = {name: [CONDITIONS.index(one) for one in chosen] for name, chosen in SETS.items()}

AVERAGES = ("micro", "macro", "weighted")
PARTS = len(YES) * len(CONDITIONS) * 3


def key(mode: Mode, conditions: str, what: str) -> str:
    """``f1chexbert_rrg_14_micro_f1`` and its like."""
    return f"{NAME}_{mode}_{conditions}_{what}"


POOLED = tuple(key(m, s, f"{average}_f1") for m in YES for s in SETS for average in AVERAGES)
"""Of all reports together."""
OWN = tuple(key(m, s, what) for m in YES for s in SETS for what in ("samples_f1", "accuracy", "agreement"))
"""Of a report: F1 of its conditions, whether all are the same, and the share that is."""
KEYS = (*POOLED, *OWN)


def named(classes: Sequence[int]) -> dict[str, str]:
    """Numbers of classes, in the heads' order, as labels that are kept and read."""
    return {name: CLASSES[one] for name, one in zip(CONDITIONS, classes, strict=True) if one}


def binary(labels: Labels, mode: Mode) -> Array:
    """1 for each condition that the report has, in the heads' order."""
    return np.array([labels.get(name, "") in YES[mode] for name in CONDITIONS], dtype=np.float64)


def columns(detail: Mapping[str, Any]) -> dict[str, float | None]:
    """A pair's own numbers.

    Args:
        detail: labels of ``ref`` and ``hyp``.
    """
    found: dict[str, float | None] = {}
    for mode in YES:
        right, given = binary(detail["ref"], mode), binary(detail["hyp"], mode)
        for name, places in _PLACES.items():
            ours, theirs = given[places], right[places]
            under = ours.sum() + theirs.sum()
            same = ours == theirs
            found[key(mode, name, "samples_f1")] = float(2 * (ours * theirs).sum() / under) if under else 0.0
            found[key(mode, name, "accuracy")] = float(same.all())
            found[key(mode, name, "agreement")] = float(same.mean())
    return found


def addends(detail: Mapping[str, Any]) -> list[float]:
    """What a pair adds: of each way and condition found by both, given, and right."""
    parts = []
    for mode in YES:
        right, given = binary(detail["ref"], mode), binary(detail["hyp"], mode)
        parts.append(np.stack([right * given, given, right], axis=-1))
    return [float(value) for value in np.stack(parts).ravel()]


def _ratio(top: Array, under: Array) -> Array:
    """``top / under``, and 0 where both are 0, as in the packages."""
    return np.divide(top, under, out=np.zeros_like(top), where=under > 0)


def _table(sums: Array) -> Array:
    """Sums ``(..., PARTS)`` as ``(..., ways, conditions, 3)``."""
    return np.asarray(sums).reshape(*np.shape(sums)[:-1], len(YES), len(CONDITIONS), 3)


def of_sums(sums: Array) -> dict[str, Array]:
    """Micro, macro and weighted F1 of sums ``(..., PARTS)``."""
    table = _table(sums)
    found = {}
    for place, mode in enumerate(YES):
        for name, places in _PLACES.items():
            both, given, right = np.moveaxis(table[..., place, places, :], -1, 0)
            each = _ratio(2 * both, given + right)
            found[key(mode, name, "micro_f1")] = _ratio(
                2 * both.sum(axis=-1), given.sum(axis=-1) + right.sum(axis=-1)
            )
            found[key(mode, name, "macro_f1")] = each.mean(axis=-1)
            found[key(mode, name, "weighted_f1")] = _ratio((each * right).sum(axis=-1), right.sum(axis=-1))
    return found


def by_condition(sums: Array) -> dict[str, dict[str, dict[str, float]]]:
    """Way -> condition -> precision, recall, F1 and support (references that have it)."""
    table = _table(sums)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for place, mode in enumerate(YES):
        both, given, right = table[place].T
        numbers = {
            "precision": _ratio(both, given),
            "recall": _ratio(both, right),
            "f1": _ratio(2 * both, given + right),
            "support": right,
        }
        found[mode] = {
            name: {what: float(value[n]) for what, value in numbers.items()}
            for n, name in enumerate(CONDITIONS)
        }
    return found
