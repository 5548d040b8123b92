"""A small dataset of real (drawn) PNG pictures, and backends that answer by the question's words."""

import io as bytes_io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bimedix2.errors import ModelError
from bimedix2.evaluate.signature import Subject
from bimedix2.llm.backend import Loglikelihood, Reply, Request
from bimedix2.manifest import RunFolder
from bimedix2.records import ImagePart, Message, Provenance, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import write_records

PICTURES = [  # source id, modality, region, grey level
    ("cxr-1", "radiograph", "chest", 40),
    ("cxr-2", "radiograph", "chest", 50),
    ("mri-1", "mri", "brain", 60),
    ("ct-1", "ct", "abdomen", 70),
]


def png(level: int) -> bytes:
    out = bytes_io.BytesIO()
    picture = Image.new("RGB", (96, 80), (level, level, level))
    picture.putpixel((3, 3), (255, 255, 255))
    picture.save(out, "PNG")
    return out.getvalue()


def record(key: str, image: str, words: str, answer: str, tongue: str = "en", **meta: Any) -> Record:
    """A test record in the layout that curate writes."""
    subject = meta.pop("subject", key.split("|")[0])
    return Record(
        id=key,
        messages=(Message.of("user", ImagePart(image=image), words), Message.of("assistant", answer)),
        language=tongue,  # type: ignore[arg-type]
        task="vqa",
        split=Split.TEST,
        provenance=Provenance(source="drawn", source_id=key, subject=subject),
        meta={"form": "single", "answer_language": tongue, "verdict": "", "expect": {}, **meta},
    )


def records(store: ImageStore) -> list[Record]:
    """Four medical pictures, each with modality, region and a yes or no in both languages; one everyday."""
    out = []
    for name, modality, region, level in PICTURES:
        image = store.add(png(level))
        for tongue, words in (("en", f"Is {name} a radiograph?"), ("ar", f"هل {name} صورة أشعة سينية؟")):
            verdict = "yes" if modality == "radiograph" else "no"
            out += [
                record(
                    f"{name}|{tongue}|1",
                    image,
                    "Kind?",
                    "x",
                    tongue,
                    expect={"modality": modality},
                    type="modality",
                ),
                record(
                    f"{name}|{tongue}|2",
                    image,
                    "Part?",
                    "x",
                    tongue,
                    expect={"region": region},
                    type="region",
                ),
                record(f"{name}|{tongue}|3", image, words, "x", tongue, verdict=verdict, type="is_study"),
            ]
    cat = store.add(png(200))
    meta = {"expect": {"unreadable": "non-medical"}, "verdict": "unreadable", "kind": "non-medical"}
    out.append(record("cat|en|1", cat, "Kind?", "This is not a medical image.", type="modality", **meta))
    return out


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    with RunFolder(tmp_path / "dataset", "dataset", {}) as out:
        write_records(out.path, records(ImageStore(out.path / "images")))
        return out.publish({})


class Fake:
    """Answers by a function of the words; ``stop_after`` so many requests it is killed."""

    def __init__(
        self, say: Callable[[str, bool], str], *, likes: int = 0, stop_after: int | None = None
    ) -> None:
        self.say = say
        self.likes = likes
        self.stop_after = stop_after
        self.asked: list[str] = []
        self.likelihoods = True

    @property
    def name(self) -> str:
        return "fake@1"

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        out = []
        for request in requests:
            if self.stop_after is not None and len(self.asked) >= self.stop_after:
                raise KeyboardInterrupt
            words = request.messages[-1].text
            self.asked.append(words)
            out.append(Reply(self.say(words, bool(request.images)), self.name, "stop", 5, 3))
        return out

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        """The option in place ``likes`` of each question has 4 times the probability of another."""
        if not self.likelihoods:
            raise ModelError("fake@1 gives no likelihoods")
        seen: dict[str, int] = {}
        out = []
        for request, _ in pairs:
            key = request.messages[-1].text + str(sorted(request.images))
            place = seen.get(key, 0)
            seen[key] = place + 1
            out.append(Loglikelihood(-1.0 if place == self.likes else -1.0 - 1.3862943611198906, 1, False))
        return out


def arabic(words: str) -> bool:
    return any("\u0600" <= letter <= "\u06ff" for letter in words)


def answers_all(words: str, _: bool) -> str:
    """A model that answers everything as if it were in order."""
    return "هذا جواب عام عن السؤال." if arabic(words) else "Here is a general answer to that."


def refuses_all(words: str, _: bool) -> str:
    return (
        "عذراً، لا يمكنني الإجابة عن هذا السؤال." if arabic(words) else "I'm sorry, but I can't answer that."
    )


Open = Callable[[Any, int | None, str], Subject]


@pytest.fixture
def opener() -> Callable[..., Open]:
    """The model's backend, and that of the guarded one."""

    def make(model: Fake, guarded: Fake | None = None) -> Open:
        def open_fake(source: Any, _: int | None, __: str) -> Subject:
            if isinstance(source, str):
                return Subject(model, f"weights of {source}", "template")
            assert guarded is not None
            return Subject(guarded, "guarded", "")

        return open_fake

    return make
