"""``seal``: questions and every model's answers into a folder without names, and the key into a file apart.

The sealed folder is what ``review`` imports (docs/trial.md has its layout). Neither its files nor its
manifest name a model: the recipe stands there without the models, and the seed of the labels is in the key
alone, for whoever has it could draw the labels again. The manifest holds the key's hash, so the key cannot be
exchanged.
"""

import random
import secrets
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.errors import ConfigError, DataError, RunError
from bimedix2.evaluate.report import table
from bimedix2.evaluate.trial.answers import Given, read_answers
from bimedix2.evaluate.trial.items import Question, read_questions
from bimedix2.evaluate.trial.masks import Masks, short_names
from bimedix2.evaluate.trial.sample import Sampled, sample
from bimedix2.evaluate.trial.settings import LABELS, Seal
from bimedix2.manifest import RunFolder
from bimedix2.records.images import ImageStore
from bimedix2.records.store import write_removed

FORMAT = 1
"""Of the sealed folder and the key; ``review`` and ``read`` refuse another."""
ITEMS = "items.jsonl"
SHOWN = 5
"""Ids of each fault of an answers file that the key, and the result, name."""


@dataclass(frozen=True)
class Sealed:
    """What is written: items without names, and what the key says of them."""

    items: list[dict[str, Any]]
    key: dict[str, Any]
    masked: Counter[str]
    same: int
    """Items in which two models gave one answer."""


def seal(config: Seal, output: Path, seed: int) -> Path:
    """Write the sealed folder and its key; all that is wrong with the files is said before.

    Args:
        config: the trial's.
        output: the sealed folder.
        seed: of the sample. The labels have a secret seed of their own, which stands in the key.

    Raises:
        ConfigError: a name in the output's path, or two models of one name.
        DataError: a file is wrong, or no question has an answer of every model.
        RunError: the key's file exists, or a name would stand in the sealed folder.
    """
    questions, removed = read_questions(config.benchmark)
    given = [read_answers(model, questions, number) for number, model in enumerate(config.models)]
    masks = masks_of(given, questions, output)
    usable, failed = _usable(questions, given)
    removed = [(masks.mask(one, "")[0], reason, what) for one, reason, what in [*removed, *failed]]
    sampled = sample(usable, config.size, seed, [question.stratum for question in questions])
    key_file = config.key or output.with_name(f"{output.name}.key.json")
    free_key(key_file, output)
    recipe = {"trial": {"seal": {"size": config.size, "models": len(given)}}, "seed": seed}
    recipe["settings"] = io.sha256_bytes(io.canonical_json(config.model_dump(mode="json")).encode())
    inputs = {"records": config.benchmark.records} if config.benchmark.records else {}
    inputs |= {f"questions-{language}": path for language, path in config.benchmark.questions.items()}
    with RunFolder(output, "evaluate", recipe, inputs) as out:
        done = _sealed(sampled.questions, given, masks, secrets.token_hex(16), out.path)
        io.write_jsonl(out.path / ITEMS, done.items)
        done.key["items_sha256"] = io.sha256_file(out.path / ITEMS)
        reasons = write_removed(out.path, removed)
        told = _told(sampled, done, len(questions), reasons)
        io.write_json(out.path / "strata.json", sampled.to_json())
        io.write_text(out.path / "sealed.md", told)
        refuse_names(out.path, masks, recipe)
        write_key(key_file, done.key)
        about = _about(sampled, done, io.sha256_file(key_file))
        print(told, file=sys.stderr)
        _say_odd(given, config)
        kept = len(done.items)
        unused = {**reasons, "not-sampled": len(usable) - kept}
        return out.publish({"in": len(questions), "kept": kept, "removed": unused}, {"trial": about})


def masks_of(given: Sequence[Given], questions: Sequence[Question], output: Path) -> Masks:
    """The names to look for.

    Raises:
        ConfigError: two models of one name, or the output's name or a stratum tells one.
    """
    names = [one.name for one in given]
    double = [name for name, count in Counter(names).items() if count > 1]
    if double:
        raise ConfigError(f"two models are called '{double[0]}'; give one of them another 'name'")
    masks = Masks([name for one in given for name in one.looked_for])
    if named := masks.named(output.name):
        raise ConfigError(f"the name of {output} tells a model ({named}); choose another output")
    for word in sorted({word for question in questions for word in question.stratum}):
        if named := masks.named(word):
            raise ConfigError(
                f"the benchmark's domain or type '{word}' has the model's name '{named}' in it; give the "
                "model another 'name', or mask: false"
            )
    return masks


def free_key(key: Path, output: Path) -> None:
    """Refuse to lose a key; that of a run that was killed before it published opens nothing, and goes.

    Raises:
        ConfigError: the key would lie in the sealed folder.
        RunError: a key is there.
    """
    if key.resolve().is_relative_to(output.resolve()):
        raise ConfigError("the key must not lie in the sealed folder, which raters' servers import; move it")
    if not key.exists():
        return
    half = output.with_name(f".{output.name}.partial") / ITEMS
    said = io.read_json(key) if half.is_file() and not output.exists() else {}
    if not isinstance(said, dict) or not said or said.get("items_sha256") != io.sha256_file(half):
        raise RunError(f"{key} exists and would be lost; give another 'key', or move it")
    key.unlink()


def _usable(
    questions: Sequence[Question], given: Sequence[Given]
) -> tuple[list[Question], list[tuple[str, str, str]]]:
    """Questions that every model has one answer to, and the others as ``(id, reason, what)``.

    Raises:
        DataError: there is none.
    """
    usable, failed = [], []
    for question in questions:
        reasons = Counter(one.failures[question.id] for one in given if question.id in one.failures)
        if not reasons:
            usable.append(question)
        else:
            what = ", ".join(f"{count} models: {reason}" for reason, count in sorted(reasons.items()))
            failed.append((question.id, "not-answered-by-all", what))
    if not usable:
        lacks = max(given, key=lambda one: len(one.failures))
        raise DataError(
            f"no question has one answer of every model ({lacks.name} lacks {len(lacks.failures)} of "
            f"{len(questions)}); give files of answers to the same questions"
        )
    return usable, failed


def labels_of(seed: str, item: str, models: int) -> list[int]:
    """Which model stands under each label of an item: numbers of models, in the order of the labels."""
    return random.Random(f"{seed}:{item}").sample(range(models), models)


class Cover:
    """Masks names in an item's texts, and remembers where what stood.

    Args:
        masks: what is looked for.
    """

    def __init__(self, masks: Masks) -> None:
        self._masks = masks
        self.counts: Counter[str] = Counter()
        self.told: list[dict[str, str]] = []

    def __call__(self, text: str, item: str, place: str, language: str) -> str:
        """The text of one place of an item, its names masked."""
        covered, found = self._masks.mask(text, language)
        for was in found:
            self.counts[place.partition(" ")[0]] += 1
            self.told.append({"item": item, "place": place, "was": was})
        return covered


def _sealed(
    questions: Sequence[Question], given: Sequence[Given], masks: Masks, seed: str, folder: Path
) -> Sealed:
    """Put every item together; its pictures go into the folder."""
    shutil.rmtree(folder / "images", ignore_errors=True)  # of a run that was killed
    store = ImageStore(folder / "images")
    cover = Cover(masks)
    items: list[dict[str, Any]] = []
    keys: dict[str, Any] = {}
    same = 0
    width = max(3, len(str(len(questions))))
    for number, question in enumerate(questions, 1):
        name = f"{number:0{width}d}"
        order = labels_of(seed, name, len(given))
        texts = [given[model].texts[question.id] for model in order]
        same += len({text.strip() for text in texts}) < len(texts)
        keys[name] = {
            "question": question.id,
            "labels": {label: given[model].name for label, model in zip(LABELS, order, strict=False)},
        }
        items.append(_item(name, question, texts, cover, store))
    key = {
        "format": FORMAT,
        "label_seed": seed,
        "models": [_of_model(one) for one in given],
        "items": keys,
        "masked": cover.told,
    }
    return Sealed(items, key, cover.counts, same)


def _item(
    name: str, question: Question, texts: Sequence[str], cover: Cover, store: ImageStore
) -> dict[str, Any]:
    domain, kind, language = question.stratum
    pictures = [store.add_file(path) for path in question.pictures]

    def shown(part: dict[str, Any]) -> dict[str, Any]:
        if "image" in part:
            return {"image": pictures[part["image"]]}
        return {"text": cover(part["text"], name, "question", language)}

    return {
        "id": name,
        "domain": domain,
        "type": kind,
        "language": language,
        "cluster": io.sha256_bytes(question.cluster.encode())[:16],
        "data_class": question.data_class,
        "turns": [
            {"role": turn["role"], "parts": [shown(part) for part in turn["parts"]]}
            for turn in question.turns
        ],
        "reference": cover(question.reference, name, "reference", language),
        "answers": [
            {"label": label, "text": cover(text, name, f"answer {label}", language)}
            for label, text in zip(LABELS, texts, strict=False)
        ],
    }


def _of_model(one: Given) -> dict[str, Any]:
    return {
        "name": one.name,
        "looked_for": list(one.looked_for),
        "answers": {str(path): io.sha256_file(path) for path in one.files},
        "counts": one.counts,
        "first": {fault: ids[:SHOWN] for fault, ids in one.faults.items()},
    }


def write_key(path: Path, key: dict[str, Any]) -> None:
    """Write the key so that only its owner reads it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    io.write_json(path, key)
    path.chmod(0o600)


def _about(sampled: Sampled, done: Sealed, key_hash: str) -> dict[str, Any]:
    """What the manifest says of the trial."""
    return {
        "format": FORMAT,
        "items": len(done.items),
        "wanted": sampled.wanted,
        "labels": [answer["label"] for answer in done.items[0]["answers"]],
        "languages": sorted({item["language"] for item in done.items}),
        "data_classes": sorted({item["data_class"] for item in done.items}),
        "items_sha256": done.key["items_sha256"],
        "key_sha256": key_hash,
        "masked": dict(sorted(done.masked.items())),
        "same_answer_twice": done.same,
    }


def refuse_names(folder: Path, masks: Masks, recipe: Any) -> None:
    """Look through everything that is published for the models' names.

    Raises:
        RunError: there is one.
    """
    texts = [(path.relative_to(folder).as_posix(), path) for path in sorted(folder.rglob("*"))]
    for name, path in texts:
        if named := masks.named(name):
            raise RunError(f"the sealed folder would hold a file called {name}, which tells {named}")
        if path.is_file() and path.suffix in (".jsonl", ".json", ".md") and not name.startswith("."):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                if named := masks.named(line):
                    raise RunError(
                        f"{name} line {number} of the sealed folder would tell the model '{named}'; give it "
                        "another 'name', or mask: false where its name is a word"
                    )
    if named := masks.named(io.canonical_json(recipe)):
        raise RunError(f"the manifest of the sealed folder would tell the model '{named}'; rename it")


def strata_table(sampled: Sampled) -> str:
    """What each stratum has and gave, as Markdown."""
    rows = [[*s.stratum, str(s.has), str(s.even), str(s.taken), str(s.lacks or "-")] for s in sampled.strata]
    return table([*sampled.facets, "has", "even share", "taken", "lacks"], rows)


def _told(sampled: Sampled, done: Sealed, population: int, reasons: dict[str, int]) -> str:
    """The page of the sealed folder; it names no model."""
    partial = (
        f"**Partial: {len(sampled.questions)} items, {sampled.lacks} fewer than the {sampled.wanted} "
        "wanted: the benchmark has no more that every model answered.**\n\n"
        if sampled.lacks
        else ""
    )
    short = sum(share.lacks for share in sampled.strata)
    masked = ", ".join(f"{count} in {place}s" for place, count in sorted(done.masked.items())) or "none"
    left = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items())) or "none"
    labels = len(done.items[0]["answers"])
    return (
        f"{partial}# Blind trial, sealed\n\n"
        f"{len(done.items)} items of {population}, {labels} answers each under the labels "
        f"{LABELS[0]} to {LABELS[labels - 1]}, drawn anew for every item.\n\n"
        f"{strata_table(sampled)}\n\n"
        f"Strata lack {short} items of an even sample; others gave them, where they had more.\n\n"
        f"Left out before sampling: {left}. Names of models masked: {masked}. Items in which two models gave "
        f"the same answer: {done.same}.\n"
    )


def _say_odd(given: Sequence[Given], config: Seal) -> None:
    """Tell whoever seals what is odd about each file of answers; it is in the key too."""
    for one in given:
        said = ", ".join(f"{name}: {count}" for name, count in sorted(one.counts.items()))
        print(f"{one.name}: {len(one.texts)} answers; {said or 'nothing odd'}", file=sys.stderr)
    for name in short_names([name for one in given for name in one.looked_for]):
        print(f"'{name}' is too short to be looked for in answers; give aliases", file=sys.stderr)
    if config.size < 100:
        print("fewer than 100 items: intervals will be wide", file=sys.stderr)
