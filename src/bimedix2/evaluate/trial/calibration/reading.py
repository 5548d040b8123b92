"""``read`` of a calibration: people's scores and the key to a finished folder of figures."""

from pathlib import Path
from typing import Any

from bimedix2 import __version__, io
from bimedix2.evaluate.trial.calibration import scores
from bimedix2.evaluate.trial.calibration.page import page, sentence
from bimedix2.evaluate.trial.judgements import Checked, open_key
from bimedix2.evaluate.trial.scores import Plan
from bimedix2.evaluate.trial.settings import Read
from bimedix2.manifest import RunFolder, git_commit, read_manifest

ABOUT = ("asks", "protocol", "items", "wanted", "judged_answers", "unjudged")
SAID = ("rater", "choice", "notes", "seconds", "time", "revisions")


def read(config: Read, output: Path, plan: Plan, checked: Checked) -> Path:
    """Open the key, which is logged, and compare.

    Args:
        config: the recipe's.
        output: the folder to write.
        plan: how intervals are drawn.
        checked: sealed folder, judgements and key, which belong together.

    Raises:
        RunError: the output exists.
    """
    inputs = {"sealed": config.sealed, "judgements": config.judgements, "key": config.key}
    recipe = {"output": str(output), "trial": {"read": config.model_dump(mode="json")}, **vars(plan)}
    with RunFolder(output, "evaluate", recipe, inputs) as out:
        key, log = open_key(checked, config.by)
        about = {
            **{name: checked.about[name] for name in ABOUT},
            "overlap": checked.closed["overlap"],
            "judge": key["judge"],
            "judged_sha256": key["judged_sha256"],
            "systems": key["systems"],
        }
        rows = _rows(checked, key)
        io.write_jsonl(out.path / "answers.jsonl", rows)
        io.write_jsonl(out.path / "unblinding.jsonl", log)
        signature = _sign(checked, about, log, plan)
        counts = _write(out.path, rows, about, plan, signature, log)
        extra = {"signature": signature, "unblinding": log[-1], "trial": about}
        return out.publish(counts, extra)


def replay(folder: Path, scratch: Path) -> None:
    """Compute the figures again from the folder's own judgements.

    Args:
        folder: a finished one.
        scratch: where to.
    """
    manifest = read_manifest(folder)
    rows = [row for _, row in io.read_jsonl(folder / "answers.jsonl")]
    log = [line for _, line in io.read_jsonl(folder / "unblinding.jsonl")]
    plan = Plan(manifest["recipe"]["resamples"], manifest["recipe"]["seed"])
    _write(scratch, rows, manifest["trial"], plan, manifest["signature"], log)


def _rows(checked: Checked, key: dict[str, Any]) -> list[dict[str, Any]]:
    """Every item: what was shown, what the judge said, and what each person did, by the judge's marks."""
    given: dict[str, list[dict[str, Any]]] = {item: [] for item in checked.items}
    for row in checked.rows:
        marks = key["items"][row["item"]]["marks"]
        said = {marks[scale]: value for scale, value in row.get("scores", {}).items()}
        one = {name: row.get(name) for name in SAID}
        given[row["item"]].append({**one, "revisions": int(row.get("revisions", 0)), "scores": said})
    rows = []
    for name, item in checked.items.items():
        opened = key["items"][name]
        texts = {answer["label"]: answer["text"] for answer in item["answers"]}
        rows.append(
            {
                "task": "calibration",
                "item": name,
                "id": str(opened["question"]),
                "system": opened["system"],
                **{field: item[field] for field in ("data_class", "domain", "type", "language", "cluster")},
                "prompt": item["turns"],
                "context": item["context"],
                "reference": item["reference"],
                "answers": [
                    {"label": label, "of": side, "answer": texts[label]}
                    for label, side in opened["labels"].items()
                ],
                "marks": [
                    {
                        "key": opened["marks"][scale["id"]],
                        "name": scale["name"],
                        "text": scale["text"],
                        "label": scale["label"],
                        "values": scale["values"],
                        "judge": opened["judge"][opened["marks"][scale["id"]]],
                    }
                    for scale in item["scales"]
                ],
                "score": opened["score"],
                "verdict": opened["verdict"],
                "judgements": given[name],
            }
        )
    return rows


def _write(
    folder: Path,
    rows: list[dict[str, Any]],
    about: dict[str, Any],
    plan: Plan,
    signature: dict[str, Any],
    log: list[dict[str, Any]],
) -> dict[str, Any]:
    """Write every file of numbers; return what is counted."""
    values = {**scores.values(rows, about, plan), "unblinding": log}
    partial = _partial(values["counts"], about)
    summary = {
        "judge": about["judge"],
        "items": values["counts"]["scored_items"],
        "raters": values["counts"]["raters"],
        "partial": partial,
        "sentence": sentence(values, about["protocol"]),
    }
    stated = {"signature": signature, "partial": partial, "calibration": summary, **values}
    io.write_json(folder / "scores.json", stated)
    io.write_text(folder / "scores.md", page(values, about, partial, in_short(signature)))
    counts = values["counts"]
    removed = {"abstained": counts["abstain"]}
    return {"in": counts["judgements"], "kept": counts["scored"], "removed": removed}


def _partial(counts: dict[str, Any], about: dict[str, Any]) -> str:
    """Why it is no whole result; empty if it is one."""
    why = []
    if about["items"] < about["wanted"]:
        why.append(f"{about['items']} answers were drawn of {about['wanted']} wanted")
    overlap = about["overlap"]
    short = sum(items for people, items in counts["per_item"].items() if int(people) < overlap)
    if short:
        why.append(f"{short} of {counts['items']} items have fewer than {overlap} judgements")
    if counts["abstained_by_all"]:
        why.append(f"on {counts['abstained_by_all']} items everybody abstained")
    return "; ".join(why)


def _sign(checked: Checked, about: dict[str, Any], log: list[dict[str, Any]], plan: Plan) -> dict[str, Any]:
    people = len({row["rater"] for row in checked.rows})
    return {
        "benchmark": checked.about["items_sha256"],
        "language": about["judge"]["language"],
        "prompt": f"trial {checked.about['format']}: the judge's scores, abstain",
        "calibrates": about["judge"],
        "judged": about["judged_sha256"],
        "decoding": None,
        "judge": f"{people} people, blind",
        "host": "local",
        "key": checked.about["key_sha256"],
        "judgements": log[-1]["judgements"],
        "seed": plan.seed,
        "resamples": plan.resamples,
        "version": __version__,
        "commit": git_commit(),
    }


def in_short(signature: dict[str, Any]) -> str:
    """The signature in one line, hashes cut to eight digits."""
    judge = signature["calibrates"]
    return "|".join(
        [
            f"calibration:{signature['benchmark'][:8]}",
            f"language:{signature['language']}",
            f"calibrates:{judge['judge']},{judge['protocol']},{'+'.join(judge['prompt'])}",
            f"judged:{signature['judged'][:8]}",
            f"judgements:{signature['judgements'][:8]}",
            f"judge:{signature['judge']}",
            f"key:{signature['key'][:8]}",
            f"seed:{signature['seed']}",
            f"version:{signature['version']}",
            f"commit:{(signature['commit'] or 'none')[:8]}",
        ]
    )
