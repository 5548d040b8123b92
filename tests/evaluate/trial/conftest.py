"""A benchmark of 24 invented questions in both languages, three systems' answers, and choices by rule."""

import json
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bimedix2.evaluate import Config, run
from bimedix2.manifest import RunFolder
from bimedix2.records import ImagePart, Language, Message, Provenance, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import write_records

MODELS = ("BiMediX2-8B", "LLaVA-Med", "Dragonfly-Med")
QUESTIONS = {
    "en": ("What does image {n} show?", "Image {n} shows an invented finding on the left."),
    "ar": ("ماذا تُظهر الصورة {n}؟", "تُظهر الصورة {n} علامة مخترعة في الجهة اليسرى."),
}
DOMAINS = ("chest_xray", "mri", "histology")


def png(shade: int) -> bytes:
    buffer = BytesIO()
    Image.new("L", (120, 90), shade).save(buffer, "PNG")
    return buffer.getvalue()


def record(number: int, language: str, key: str, split: Split = Split.TEST, answer: bool = True) -> Record:
    question, reference = (text.format(n=number) for text in QUESTIONS[language])
    messages = [Message.of("user", ImagePart(image=key), question)]
    if answer:
        messages.append(Message.of("assistant", reference))
    return Record(
        id=f"{language}-{number}",
        messages=tuple(messages),
        language=Language(language),
        task="vqa",
        split=split,
        provenance=Provenance(source="invented", subject=f"patient-{number // 2}"),
        meta={"modality": DOMAINS[number % 3], "type": "describe" if number % 2 else "modality"},
    )


def said(model: str, question: str) -> str:
    """What a system answers; no two alike."""
    if question.startswith("ar"):
        return f"جواب {MODELS.index(model)} عن {question.partition('-')[2]}."
    return f"Answer {MODELS.index(model)} to {question.partition('-')[2]}."


def write_answers(path: Path, model: str, texts: dict[str, str], key: str = "question_id") -> Path:
    rows = [{key: number, "text": text, "model": model} for number, text in texts.items()]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


Rule = Callable[[dict[str, Any], dict[str, str]], tuple[str, list[str]]]
"""An item and which model stands under each label, to a choice and its labels."""


class Bench:
    """The files of a trial below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.records = folder / "benchmark"
        self.texts = {
            model: {
                f"{language}-{n}": said(model, f"{language}-{n}") for language in QUESTIONS for n in range(12)
            }
            for model in MODELS
        }

    def write(self, extra: Sequence[Record] = ()) -> None:
        with RunFolder(self.records, "dataset", {}) as out:
            store = ImageStore(out.path / "images")
            keys = [store.add(png(20 * n)) for n in range(12)]
            records = [record(n, language, keys[n]) for language in QUESTIONS for n in range(12)]
            records.append(record(99, "en", keys[0], Split.TRAIN))
            write_records(out.path, [*records, *extra])
            out.publish({"in": len(records), "kept": len(records), "removed": {}})

    def models(self) -> list[dict[str, Any]]:
        return [
            {"answers": str(write_answers(self.folder / f"answers-{n}.jsonl", model, self.texts[model]))}
            for n, model in enumerate(MODELS)
        ]

    def config(self, **changes: Any) -> Config:
        models = changes.pop("models", None) or self.models()  # which writes the files
        seal = {"benchmark": {"records": str(self.records)}, "models": models, "size": 12, **changes}
        return Config.model_validate({"output": str(self.folder / "sealed"), "trial": {"seal": seal}})

    def seal(self, **changes: Any) -> Path:
        return run(self.config(**changes))

    @property
    def key(self) -> Path:
        return self.folder / "sealed.key.json"

    def items(self) -> list[dict[str, Any]]:
        text = (self.folder / "sealed" / "items.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def labels(self) -> dict[str, dict[str, str]]:
        """Item -> label -> model."""
        key = json.loads(self.key.read_text(encoding="utf-8"))
        return {item: one["labels"] for item, one in key["items"].items()}

    def judge(self, rules: dict[str, Rule], output: str = "judged", **changes: Any) -> Path:
        """Open the sealed folder in the review room, choose by rule for each person, and close it."""
        from bimedix2.review import close_batch, open_batch
        from bimedix2.review.settings import Config as Review
        from bimedix2.review.store import Store
        from bimedix2.review.trial.room import Room

        settings = Review.model_validate(
            {
                "kind": "trial",
                "input": str(self.folder / "sealed"),
                "store": str(self.folder / f"{output}.sqlite"),
                "output": str(self.folder / output),
                "people": [{"name": name, "role": "reviewer"} for name in rules],
                "overlap": len(rules),
                **changes,
            }
        )
        labels_of = self.labels()
        rows = {row["id"]: row for row in self.items()}
        open_batch(settings)
        with Store(settings.store) as store:
            room = Room(store, settings)
            for name, rule in rules.items():
                while (standing := room.next_for(name)) is not None:
                    item = standing.item.id
                    choice, labels = rule(rows[item], labels_of[item])
                    if choice == "stop":
                        break
                    room.choose(name, item, {"choice": choice, "labels": labels, "seconds": 5.0})
        done: Path = close_batch(settings)
        return done

    def reading(self, judged: Path, output: str = "read", **changes: Any) -> Config:
        read = {
            "sealed": str(self.folder / "sealed"),
            "judgements": str(judged),
            "key": str(self.key),
            "by": "huda",
            **changes,
        }
        return Config.model_validate(
            {"output": str(self.folder / output), "trial": {"read": read}, "resamples": 200}
        )

    @staticmethod
    def prefer(*models: str) -> Rule:
        """Somebody who always finds these the best; several are a tie."""

        def rule(_: dict[str, Any], labels: dict[str, str]) -> tuple[str, list[str]]:
            chosen = [label for label, model in labels.items() if model in models]
            return ("best" if len(chosen) == 1 else "tie"), chosen

        return rule

    @staticmethod
    def abstain(_: dict[str, Any], __: dict[str, str]) -> tuple[str, list[str]]:
        return "abstain", []


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Records of 12 pictures in two languages, and three systems' answers to all of them."""
    made = Bench(tmp_path)
    made.write()
    return made
