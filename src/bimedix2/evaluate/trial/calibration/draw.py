"""``calibrate``: a sample of judged answers into a sealed folder that people score, and the key apart.

The folder is a blind trial's (docs/trial.md has its layout) whose items have scales. Neither the judge's
scores nor any system's name is in it; under protocols that score two answers, nothing tells which of the two
is the reference. The key keeps all of that.
"""

import random
import secrets
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.errors import ConfigError
from bimedix2.evaluate.mbench.judge import LICENCE, PAIRS
from bimedix2.evaluate.mbench.load import check_images
from bimedix2.evaluate.trial.answers import Given
from bimedix2.evaluate.trial.calibration import judged
from bimedix2.evaluate.trial.calibration.judged import CANDIDATE, REFERENCE, Candidate, Run
from bimedix2.evaluate.trial.items import Question
from bimedix2.evaluate.trial.sample import FACETS, Sampled, sample
from bimedix2.evaluate.trial.seal import (
    FORMAT,
    ITEMS,
    Cover,
    free_key,
    masks_of,
    refuse_names,
    strata_table,
    write_key,
)
from bimedix2.evaluate.trial.settings import Calibrate
from bimedix2.manifest import RunFolder
from bimedix2.records.images import ImageStore

SCORES = "scores"
"""What such a folder asks for, in its manifest."""


def seal(config: Calibrate, output: Path, seed: int) -> Path:
    """Write the sealed folder and its key; all that is wrong is said before.

    Args:
        config: what is drawn from what.
        output: the sealed folder.
        seed: of the sample. Which answer is A has a secret seed of its own.

    Raises:
        RunError: the folder holds no judged benchmark, the key's file exists, or a name would be told.
        ConfigError: it has no such system, or the output's name tells one.
        DataError: nothing in it has a score.
        ImageError: pictures are missing.
    """
    run = judged.read(config.judged, config.systems)
    images = config.images or run.images
    if images is None:
        raise ConfigError(
            "the judged folder's recipe names no pictures; give their folder as calibrate.images"
        )
    check_images([one.item for one in run.candidates], images)
    drawable = {_id(one, run): one for one in run.candidates}
    questions = [_question(name, one, images) for name, one in drawable.items()]
    given = [Given(name, (name,) if config.mask else (), (), {}, {}, {}) for name in run.systems]
    masks = masks_of(given, questions, output)
    sampled = sample(questions, config.size, seed, facets=(*FACETS, "system"))
    key_file = config.key or output.with_name(f"{output.name}.key.json")
    free_key(key_file, output)
    recipe = {"trial": {"calibrate": {"size": config.size}}, "seed": seed}
    with RunFolder(output, "evaluate", recipe, {}) as out:
        shutil.rmtree(out.path / "images", ignore_errors=True)  # of a run that was killed
        cover = Cover(masks)
        chosen = [drawable[question.id] for question in sampled.questions]
        items, key = _sealed(chosen, run, cover, ImageStore(out.path / "images"), images)
        io.write_jsonl(out.path / ITEMS, items)
        key["items_sha256"] = io.sha256_file(out.path / ITEMS)
        io.write_json(out.path / "strata.json", sampled.to_json())
        told = _told(sampled, run, cover)
        io.write_text(out.path / "sealed.md", told)
        refuse_names(out.path, masks, recipe)
        write_key(key_file, key)
        hashes = {"items_sha256": key["items_sha256"], "key_sha256": io.sha256_file(key_file)}
        about = _about(items, sampled, run, cover) | hashes
        print(told, file=sys.stderr)
        removed = {**run.unjudged, "not-sampled": len(questions) - len(items)}
        counts = {"in": len(questions) + sum(run.unjudged.values()), "kept": len(items), "removed": removed}
        return out.publish(counts, {"trial": about})


def _id(one: Candidate, run: Run) -> str:
    return f"{run.systems.index(one.system) + 1}-{one.item.question_id}"


def _question(name: str, one: Candidate, images: Path) -> Question:
    """A judged answer as what the sample is drawn from; a system is a number there."""
    item = one.item
    return Question(
        id=name,
        answer_id=str(item.question_id),
        stratum=(item.domain, item.type, item.language, name.partition("-")[0]),
        cluster=item.image,
        data_class=LICENCE.value,
        turns=(),
        pictures=(images / item.image,),
        reference=item.reference,
    )


def _sealed(
    chosen: Sequence[Candidate], run: Run, cover: Cover, store: ImageStore, images: Path
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The items, and the key to them."""
    seed = secrets.token_hex(16)
    width = max(3, len(str(len(chosen))))
    items, keys = [], {}
    for number, one in enumerate(chosen, 1):
        name = f"{number:0{width}d}"
        sides = [CANDIDATE, REFERENCE] if run.plan.protocol in PAIRS else [CANDIDATE]
        labels = dict(zip("AB", random.Random(f"{seed}:{name}").sample(sides, len(sides)), strict=False))
        scales = _scales(one, labels)
        items.append(
            _item(name, one, labels, scales, cover) | {"turns": _turns(one, name, cover, store, images)}
        )
        keys[name] = {
            "question": one.item.question_id,
            "system": one.system,
            "labels": labels,
            "marks": {scale["id"]: key for scale, key in scales},
            "judge": {mark.key: mark.judge for mark in one.marks},
            "score": one.score,
            "verdict": one.verdict,
        }
    key = {
        "format": FORMAT,
        "label_seed": seed,
        "judge": run.judge,
        "judged_sha256": run.sha256,
        "systems": list(run.systems),
        "items": keys,
        "masked": cover.told,
    }
    return items, key


def _scales(one: Candidate, labels: dict[str, str]) -> list[tuple[dict[str, Any], str]]:
    """What is asked of each answer, A first, with the key of the judge's mark."""
    both = len(labels) > 1
    found = []
    for label, side in labels.items():
        for mark in one.marks:
            if not both or mark.key == side:
                name = label if both else mark.key
                scale = {"id": name, "label": label, "name": mark.name, "text": mark.text}
                found.append(({**scale, "values": list(mark.values)}, mark.key))
    return found


def _turns(one: Candidate, name: str, cover: Cover, store: ImageStore, images: Path) -> list[dict[str, Any]]:
    words = cover(one.item.question, name, "question", one.item.language)
    return [{"role": "user", "parts": [{"image": store.add_file(images / one.item.image)}, {"text": words}]}]


def _item(
    name: str,
    one: Candidate,
    labels: dict[str, str],
    scales: Sequence[tuple[dict[str, Any], str]],
    cover: Cover,
) -> dict[str, Any]:
    item, tongue = one.item, one.item.language
    known = "\n".join(filter(None, [f"{item.label}: {item.caption}", item.context]))
    texts = {CANDIDATE: one.answer, REFERENCE: item.reference}
    both = len(labels) > 1
    return {
        "id": name,
        "domain": item.domain,
        "type": item.type,
        "language": tongue,
        "cluster": io.sha256_bytes(item.image.encode())[:16],
        "data_class": LICENCE.value,
        "context": cover(known, name, "context", tongue),
        # A reference that is scored itself stands among the answers, unmarked, as before the judge.
        "reference": "" if both else cover(item.reference, name, "reference", tongue),
        "answers": [
            {"label": label, "text": cover(texts[side], name, f"answer {label}", tongue)}
            for label, side in labels.items()
        ],
        "scales": [{**scale, "text": cover(scale["text"], name, "mark", "en")} for scale, _ in scales],
    }


def _about(items: Sequence[dict[str, Any]], sampled: Sampled, run: Run, cover: Cover) -> dict[str, Any]:
    """What the manifest says; which system, and what the judge said, stands in the key alone."""
    return {
        "format": FORMAT,
        "asks": SCORES,
        "protocol": run.plan.protocol,
        "items": len(items),
        "wanted": sampled.wanted,
        "labels": [answer["label"] for answer in items[0]["answers"]],
        "languages": [run.language],
        "data_classes": [LICENCE.value],
        "masked": dict(sorted(cover.counts.items())),
        "judged_answers": len(run.candidates),
        "unjudged": run.unjudged,
    }


def _told(sampled: Sampled, run: Run, cover: Cover) -> str:
    """The page of the sealed folder."""
    count, judged_answers = len(sampled.questions), len(run.candidates)
    partial = (
        f"**Partial: {count} answers, {sampled.lacks} fewer than the {sampled.wanted} wanted: the folder has "
        "no more that its judge scored.**\n\n"
        if sampled.lacks
        else ""
    )
    lacks = ", ".join(f"{n} {reason}" for reason, n in sorted(run.unjudged.items())) or "none"
    masked = ", ".join(f"{n} in {place}s" for place, n in sorted(cover.counts.items())) or "none"
    return (
        f"{partial}# Calibration of a judge, sealed\n\n"
        f"{count} answers of {judged_answers} that a judge scored by the protocol `{run.plan.protocol}`. "
        "People give what it gave; its scores are in the key.\n\n"
        f"{strata_table(sampled)}\n\n"
        f"Answers without a score of the judge, which cannot be drawn: {lacks}. Names of systems masked: "
        f"{masked}.\n"
    )
