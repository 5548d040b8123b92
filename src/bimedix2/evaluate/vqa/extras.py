"""Beside the published scores: exact answers, answers in other words, and whether yes is said too often.

This project's own numbers (specification 5), with a signature of their own; they change no score of
``compat`` or ``arabic``. Of open questions the share of answers that are the gold; of closed ones POPE's
rates, a leading yes or no read as in ``vqa_arabic``, so that "yes and no" is wrong. Published closed
questions are not balanced: the yes-rate is to be compared with the share of golds that are yes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bimedix2.evaluate.answering import seed_of
from bimedix2.evaluate.metrics import vqa_arabic, vqa_same
from bimedix2.evaluate.probes import scores as probes
from bimedix2.evaluate.probes.scores import Plan
from bimedix2.evaluate.vqa.load import BENCHMARKS
from bimedix2.records import Record
from bimedix2.stats import bootstrap

Row = dict[str, Any]
OPEN = ("exact", "same")
UNKNOWN = "unknown"


def modality(record: Record) -> str:
    """What kind of picture the dataset says it is; for tables alone."""
    published = record.meta.get("published")
    said = published.get("modality") if isinstance(published, dict) else record.meta.get("modality")
    return said if isinstance(said, str) and said else UNKNOWN


def score(gold: str, answer: str, language: str) -> dict[str, Any]:
    """One answer: ``exact``, ``same`` of an open question; ``gold``, ``said`` (yes or no) of a closed one."""
    pair = vqa_arabic.score_pair(gold, answer)
    if pair.plain.closed:
        own = vqa_arabic.polarity(gold, "ar") or vqa_arabic.polarity(gold, "en")
        return {"exact": None, "same": None, "gold": own, "said": pair.polarity}
    return {
        "exact": vqa_same.exact(gold, answer),
        "same": vqa_same.same(gold, answer, language),
        "gold": None,
        "said": None,
    }


def every(rows: Sequence[Row], plan: Plan) -> dict[str, Any]:
    """Benchmark -> ``open``, ``closed``, and both by ``modalities`` of the pictures."""
    out: dict[str, Any] = {}
    for name in BENCHMARKS:
        own = [row for row in rows if row["benchmark"] == name and not row["failure"]]
        if not own:
            continue
        kinds = sorted({row["modality"] for row in own})
        out[name] = _of(own, name, plan) | {
            "modalities": {
                kind: _of([row for row in own if row["modality"] == kind], f"{name}:{kind}", plan)
                for kind in kinds
                if kinds != [UNKNOWN]
            }
        }
    return out


def _of(rows: Sequence[Row], name: str, plan: Plan) -> dict[str, Any]:
    closed = [
        {"image": row["image"], "gold": row["extras"]["gold"], "said": row["extras"]["said"]}
        for row in rows
        if row["extras"]["gold"] is not None
    ]
    return {"open": _open(rows, name, plan), "closed": probes.rates(closed, f"{name}:closed", plan)}


def _open(rows: Sequence[Row], name: str, plan: Plan) -> dict[str, Any]:
    rows = [row for row in rows if row["extras"]["gold"] is None]
    out: dict[str, Any] = {"n": len(rows), "images": len({row["image"] for row in rows})}
    if not rows:
        return out
    draws = bootstrap.draw([row["image"] for row in rows], plan.resamples, seed_of(plan.seed, f"{name}:open"))
    each = np.array([[1, *(row["extras"][key] for key in OPEN)] for row in rows], dtype=np.float64)
    found = bootstrap.of_sums(
        each, lambda sums: {key: sums[..., n] / sums[..., 0] for n, key in enumerate(OPEN, 1)}, draws
    )
    return out | {key: probes.stated(one, draws.clusters) for key, one in found.items()}
