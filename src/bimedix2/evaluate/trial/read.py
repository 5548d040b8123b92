"""``read``: judgements and key to a finished folder of scores."""

from pathlib import Path
from typing import Any

from bimedix2 import __version__, io
from bimedix2.errors import RunError
from bimedix2.evaluate.paper import published
from bimedix2.evaluate.trial import calibration, scores
from bimedix2.evaluate.trial.judgements import Judged, Opened, check, unblind
from bimedix2.evaluate.trial.page import page
from bimedix2.evaluate.trial.scores import Plan
from bimedix2.evaluate.trial.settings import Read
from bimedix2.manifest import RunFolder, git_commit, read_manifest

__all__ = ["Plan", "read", "replay"]

TABLE = "section-a51"
"""The paper's shares, in ``evaluate/paper/published.yaml``."""


def read(config: Read, output: Path, plan: Plan) -> Path:
    """Un-blind and score; the un-blinding is logged beside the key before its names are used.

    Raises:
        RunError: the folders and the key do not belong together, or the output exists.
        DataError: a judgement is wrong, or there is none.
    """
    if output.exists():  # else the key would be opened, and logged, for nothing
        raise RunError(f"{output} exists and finished folders are immutable; choose another output")
    checked = check(config.sealed, config.judgements, config.key)
    if checked.about.get("asks") == calibration.SCORES:
        return calibration.read(config, output, plan, checked)
    inputs = {"sealed": config.sealed, "judgements": config.judgements, "key": config.key}
    recipe = {"output": str(output), "trial": {"read": config.model_dump(mode="json")}, **vars(plan)}
    with RunFolder(output, "evaluate", recipe, inputs) as out:
        opened = unblind(checked, config.by)
        signature = _sign(opened, plan)
        io.write_jsonl(out.path / "answers.jsonl", _rows(opened))
        io.write_jsonl(out.path / "unblinding.jsonl", opened.log)
        counts = _write(out.path, opened, plan, signature)
        extra = {"signature": signature, "unblinding": opened.log[-1], "trial": _about(opened)}
        return out.publish(counts, extra)


def _write(folder: Path, opened: Opened, plan: Plan, signature: dict[str, Any]) -> dict[str, Any]:
    """Write every file of numbers; return what is counted."""
    values = {**scores.values(opened, plan), "answers": _files(opened), "unblinding": opened.log}
    partial = _partial(opened, values["counts"])
    short = in_short(signature)
    io.write_json(folder / "scores.json", {"signature": signature, "partial": partial, **values})
    io.write_jsonl(folder / "paper.jsonl", _paper_rows(values, partial, short))
    io.write_text(folder / "scores.md", page(values, partial, published.load().table(TABLE), short))
    judged, abstained = len(opened.judged), values["counts"]["abstain"]
    return {"in": judged, "kept": judged - abstained, "removed": {"abstained": abstained}}


def _about(opened: Opened) -> dict[str, Any]:
    """What the figures need beside the judgements; ``replay`` reads it in the manifest."""
    return {
        **{key: opened.sealed[key] for key in ("items", "wanted", "labels")},
        "overlap": opened.closed["overlap"],
        "models": list(opened.models),
        "answers": _files(opened),
    }


def _files(opened: Opened) -> dict[str, Any]:
    """What was odd about each system's answers to all questions: fault -> how often, and the first ids."""
    return {
        one["name"]: {
            fault: {"n": count, "first": one.get("first", {}).get(fault, [])}
            for fault, count in sorted(one.get("counts", {}).items())
        }
        for one in opened.key["models"]
    }


def replay(folder: Path, scratch: Path) -> None:
    """Compute the figures again from the judgements in the models' names.

    Args:
        folder: a finished one.
        scratch: where to.
    """
    manifest = read_manifest(folder)
    about, recipe = manifest["trial"], manifest["recipe"]
    if about.get("asks") == calibration.SCORES:
        calibration.replay(folder, scratch)
        return
    rows = [row for _, row in io.read_jsonl(folder / "answers.jsonl")]
    key = {row["item"]: {"labels": {a["label"]: a["model"] for a in row["answers"]}} for row in rows}
    judged = [
        Judged(**{**said, "item": row["item"], "best": tuple(said["best"]), "labels": tuple(said["labels"])})
        for row in rows
        for said in row["judgements"]
    ]
    opened = Opened(
        models=tuple(about["models"]),
        items={row["item"]: row for row in rows},
        key={"items": key, "models": _stated(about)},
        judged=judged,
        sealed=about,
        closed=about,
        log=[line for _, line in io.read_jsonl(folder / "unblinding.jsonl")],
    )
    _write(scratch, opened, Plan(recipe["resamples"], recipe["seed"]), manifest["signature"])


def _stated(about: dict[str, Any]) -> list[dict[str, Any]]:
    """What ``_files`` reads, from the manifest."""
    return [
        {
            "name": name,
            "counts": {fault: one["n"] for fault, one in faults.items()},
            "first": {fault: one["first"] for fault, one in faults.items()},
        }
        for name, faults in about["answers"].items()
    ]


def _partial(opened: Opened, counts: dict[str, Any]) -> str:
    """Why it is no whole result; empty if it is one."""
    why = []
    if opened.sealed["items"] < opened.sealed["wanted"]:
        why.append(f"{opened.sealed['items']} items were sealed of {opened.sealed['wanted']} wanted")
    overlap = opened.closed["overlap"]
    short = sum(items for people, items in counts["per_item"].items() if people < overlap)
    if short:
        why.append(f"{short} of {counts['items']} items have fewer than {overlap} judgements")
    return "; ".join(why)


def _sign(opened: Opened, plan: Plan) -> dict[str, Any]:
    models = opened.key["models"]
    return {
        "benchmark": opened.sealed["items_sha256"],
        "language": "+".join(opened.sealed["languages"]),
        "prompt": f"trial {opened.sealed['format']}: one best, ties, abstain",
        "checkpoint": {one["name"]: sorted(one["answers"].values()) for one in models},
        "decoding": None,
        "judge": f"{len({one.rater for one in opened.judged})} people, blind",
        "host": "local",
        "key": opened.sealed["key_sha256"],
        "judgements": opened.log[-1]["judgements"],
        "seed": plan.seed,
        "resamples": plan.resamples,
        "version": __version__,
        "commit": git_commit(),
    }


def in_short(signature: dict[str, Any]) -> str:
    """The signature in one line, hashes cut to eight digits."""
    answers = "+".join(
        f"{name}:{'/'.join(one[:8] for one in hashes)}" for name, hashes in signature["checkpoint"].items()
    )
    return "|".join(
        [
            f"trial:{signature['benchmark'][:8]}",
            f"language:{signature['language']}",
            f"answers:{answers}",
            f"judgements:{signature['judgements'][:8]}",
            f"judge:{signature['judge']}",
            f"key:{signature['key'][:8]}",
            f"seed:{signature['seed']}",
            f"version:{signature['version']}",
            f"commit:{(signature['commit'] or 'none')[:8]}",
        ]
    )


def _rows(opened: Opened) -> list[dict[str, Any]]:
    """Every item with every model's answer, and what each person said of it."""
    rows = []
    for item, judged in opened.of_items().items():
        sealed, key = opened.items[item], opened.key["items"][item]
        texts = {answer["label"]: answer["text"] for answer in sealed["answers"]}
        said = [
            {
                "rater": one.rater,
                "choice": one.choice,
                "best": list(one.best),
                "labels": list(one.labels),
                "notes": one.notes,
                "seconds": one.seconds,
                "time": one.time,
                "revisions": one.revisions,
            }
            for one in judged
        ]
        rows.append(
            {
                "item": item,
                "id": key["question"],
                **{name: sealed[name] for name in ("domain", "type", "language", "cluster")},
                "prompt": sealed["turns"],
                "reference": sealed["reference"],
                "answers": [
                    {"model": name, "label": label, "answer": texts[label]}
                    for label, name in key["labels"].items()
                ],
                "judgements": said,
            }
        )
    return rows


def _paper_rows(values: dict[str, Any], partial: str, signature: str) -> list[dict[str, Any]]:
    rows = []
    for name, one in values["models"].items():
        best = one["best"]
        if best["share"] is not None:
            rows.append(
                {
                    "table": TABLE,
                    "model": name,
                    "values": {"preferred": 100 * best["share"]},
                    "intervals": {"preferred": [100 * best["low"], 100 * best["high"]]},
                    "signature": signature,
                    "partial": partial,
                }
            )
    return rows
