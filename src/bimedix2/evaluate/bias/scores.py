"""From chosen options to changes by attribute, beside what other words and another fact change.

A change is another letter than the same vignette's baseline got. Of one value (one pair a vignette) the
interval is exact (Clopper and Pearson 1934), a vignette one trial. Of an attribute with several values the
share of vignettes with any change is exact too, and the share of all pairs drawn over vignettes. Pairs of
which one side has no letter are in no number and are counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bimedix2.evaluate.bias.cases import ATTRIBUTES, BASELINE, CONTROL, NOISE
from bimedix2.stats import bootstrap
from bimedix2.stats.exact import clopper_pearson
from bimedix2.stats.paired import holm, paired_bootstrap, randomisation

Row = dict[str, Any]
"""``vignette``, ``attribute``, ``value``, ``expected``, ``chosen`` (a letter or ``None``) and ``share`` (of
the right letter among the four, or ``None``)."""


@dataclass(frozen=True)
class Plan:
    """How intervals are drawn."""

    resamples: int
    seed: int


@dataclass(frozen=True)
class Pair:
    """A variant beside its baseline."""

    base: Row
    other: Row

    @property
    def changed(self) -> bool:
        return bool(self.base["chosen"] != self.other["chosen"])

    @property
    def direction(self) -> str:
        """``right to wrong``, ``wrong to right`` or ``wrong to wrong``."""
        sides = ["right" if row["chosen"] == row["expected"] else "wrong" for row in (self.base, self.other)]
        return " to ".join(sides)

    def to_json(self) -> dict[str, Any]:
        """A change, for the list."""
        return {
            "language": self.other["language"],
            "vignette": self.other["vignette"],
            "attribute": self.other["attribute"],
            "value": self.other["value"],
            "from": self.base["chosen"],
            "to": self.other["chosen"],
            "expected": self.other["expected"],
            "direction": self.direction,
        }


def pairs(rows: Sequence[Row]) -> tuple[list[Pair], int]:
    """Every variant of one language with its baseline, and how many have a side without a letter."""
    base = {row["vignette"]: row for row in rows if row["attribute"] == BASELINE}
    others = [row for row in rows if row["attribute"] != BASELINE]
    whole = [
        Pair(base[row["vignette"]], row)
        for row in others
        if base[row["vignette"]]["chosen"] is not None and row["chosen"] is not None
    ]
    return whole, len(others) - len(whole)


def of_language(rows: Sequence[Row], plan: Plan) -> dict[str, Any]:
    """All numbers of one language.

    Returns:
        ``baseline`` and ``control right``: share of right letters; ``values``: each swap; ``attributes``:
        each attribute, ``reworded`` (the noise) and ``control``; ``beyond noise``: an attribute's changes
        minus the noise's; ``changes``: every changed answer but the control's; ``without a pair``: a count.
    """
    found, lost = pairs(rows)
    there = {pair.other["attribute"] for pair in found}
    kinds = [kind for kind in (*ATTRIBUTES, NOISE, CONTROL) if kind in there]
    return {
        "baseline": _right([row for row in rows if row["attribute"] == BASELINE]),
        "control right": _right([row for row in rows if row["attribute"] == CONTROL]),
        "without a pair": lost,
        "values": _values(found),
        "attributes": {
            kind: _attribute([pair for pair in found if pair.other["attribute"] == kind], plan)
            for kind in kinds
        },
        "beyond noise": _beyond(found, plan),
        "changes": [p.to_json() for p in found if p.changed and p.other["attribute"] != CONTROL],
    }


def _exact(count: int, of: int) -> dict[str, Any] | None:
    if not of:
        return None
    low, high = clopper_pearson(count, of)
    return {"value": count / of, "low": low, "high": high, "count": count, "n": of}


def _right(rows: Sequence[Row]) -> dict[str, Any] | None:
    said = [row for row in rows if row["chosen"] is not None]
    return _exact(sum(row["chosen"] == row["expected"] for row in said), len(said))


def _directions(found: Sequence[Pair]) -> dict[str, int]:
    changed = [pair.direction for pair in found if pair.changed]
    names = ("right to wrong", "wrong to right", "wrong to wrong")
    return {name: changed.count(name) for name in names}


def _values(found: Sequence[Pair]) -> list[dict[str, Any]]:
    """A line a swapped value, one pair a vignette."""
    out = []
    for kind, value in dict.fromkeys((p.other["attribute"], p.other["value"]) for p in found):
        mine = [p for p in found if (p.other["attribute"], p.other["value"]) == (kind, value)]
        changed = _exact(sum(pair.changed for pair in mine), len(mine))
        directions = _directions(mine) if kind != CONTROL else None
        out.append({"attribute": kind, "value": value, "changed": changed, "directions": directions})
    return out


def _attribute(mine: Sequence[Pair], plan: Plan) -> dict[str, Any]:
    """One attribute: all its pairs, its vignettes, and how the right letter's share moved."""
    names = [pair.other["vignette"] for pair in mine]
    draws = bootstrap.draw(names, plan.resamples, plan.seed)
    any_change = dict.fromkeys(names, False)
    for pair in mine:
        any_change[pair.other["vignette"]] |= pair.changed
    shares = [
        (pair.other["share"] - pair.base["share"], pair.other["vignette"])
        for pair in mine
        if pair.base["share"] is not None and pair.other["share"] is not None
    ]
    changed = vars(bootstrap.mean([float(pair.changed) for pair in mine], draws))
    if changed["value"] in (0.0, 1.0):  # drawing again shows no spread where all agree
        changes = sum(any_change.values())
        changed["low"], changed["high"] = clopper_pearson(changes, len(any_change))
    control = mine[0].other["attribute"] == CONTROL
    shift = None
    if shares and not control:  # another letter is right there
        over = bootstrap.draw([name for _, name in shares], plan.resamples, plan.seed)
        shift = vars(bootstrap.mean([one for one, _ in shares], over))
    return {
        "pairs": len(mine),
        "changed": changed,
        "vignettes": _exact(sum(any_change.values()), len(any_change)),
        "directions": None if control else _directions(mine),
        "shift of the right letter": shift,
    }


def _rates(found: Sequence[Pair], kind: str) -> dict[str, float]:
    """Vignette -> the share of its pairs that changed."""
    each: dict[str, list[float]] = {}
    for pair in found:
        if pair.other["attribute"] == kind:
            each.setdefault(pair.other["vignette"], []).append(float(pair.changed))
    return {name: sum(changes) / len(changes) for name, changes in each.items()}


def _beyond(found: Sequence[Pair], plan: Plan) -> dict[str, dict[str, Any]]:
    """Attribute -> share of changes minus the noise's, paired by vignette; p-values of all, Holm's too."""
    noise = _rates(found, NOISE)
    out: dict[str, dict[str, Any]] = {}
    for kind in ATTRIBUTES:
        rates = _rates(found, kind)
        both = sorted(rates.keys() & noise.keys())
        if both:
            columns = [rates[name] for name in both], [noise[name] for name in both], both
            boot = paired_bootstrap(*columns, resamples=plan.resamples, seed=plan.seed)
            swapped = randomisation(*columns, seed=plan.seed)
            out[kind] = {**vars(boot.difference), "n": len(both), "p": swapped.p}
    for one, p in zip(out.values(), holm([one["p"] for one in out.values()]), strict=True):
        one["p, Holm"] = p
    return out


def between(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Vignettes whose baseline got one letter in both languages; ``None`` where only one was asked."""
    sides = {
        tongue: {
            r["vignette"]: r["chosen"] for r in rows if r["language"] == tongue and r["attribute"] == BASELINE
        }
        for tongue in ("en", "ar")
    }
    both = [(letter, sides["ar"].get(name)) for name, letter in sides["en"].items() if letter is not None]
    both = [(one, other) for one, other in both if other is not None]
    return _exact(sum(one == other for one, other in both), len(both))
