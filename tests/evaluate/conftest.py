"""A small dataset folder of both languages, and a backend that answers from a table."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bimedix2.evaluate.signature import Subject
from bimedix2.llm.backend import Loglikelihood, Reply, Request
from bimedix2.manifest import RunFolder
from bimedix2.records import ImagePart, Message, Provenance, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import write_records

# id, subject, source, modality, region, question, right answer, language
CHEST_EN = "This is a chest radiograph."
CHEST_AR = "هذه صورة أشعة سينية للصدر."
BRAIN_EN = "This is a brain MRI."
BRAIN_AR = "هذه صورة رنين مغناطيسي للدماغ."


class Scripted:
    """A backend that answers from a table of last questions; what it does not know is a chest radiograph.

    ``asked`` counts requests; ``stop_after`` raises ``KeyboardInterrupt`` in the call after so many.
    """

    def __init__(self, table: dict[str, str], *, stop_after: int | None = None, favour: str = "yes") -> None:
        self.table = table
        self.asked = 0
        self.stop_after = stop_after
        self.favour = favour
        self.calls: list[list[Request]] = []

    @property
    def name(self) -> str:
        return "scripted@1"

    def _count(self, number: int) -> None:
        if self.stop_after is not None and self.asked + number > self.stop_after:
            raise KeyboardInterrupt
        self.asked += number

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        self._count(len(requests))
        self.calls.append(list(requests))
        answers = [self.table.get(request.messages[-1].text, CHEST_EN) for request in requests]
        return [Reply(text, self.name, "stop", 5, 3) for text in answers]

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        self._count(len(pairs))
        return [
            Loglikelihood(-1.0 if text == self.favour else -2.0 * len(text.split()), len(text.split()), False)
            for _, text in pairs
        ]


def question(
    number: int,
    words: str,
    answer: str,
    image: str | None,
    *,
    tongue: str,
    type: str = "modality",
    expect: dict[str, Any] | None = None,
    verdict: str = "",
    subject: str | None = "p",
    source: str = "seen",
    split: Split = Split.TEST,
    **meta: Any,
) -> Record:
    """A single question as the curate room writes it."""
    parts: list[str | ImagePart] = [ImagePart(image=image), words] if image else [words]
    return Record(
        id=f"{source}/{number}",
        messages=(Message.of("user", *parts), Message.of("assistant", answer)),
        language=tongue,  # type: ignore[arg-type]
        task="vqa" if image else "text",
        split=split,
        provenance=Provenance(source=source, subject=subject),
        meta={
            "type": type,
            "form": "single" if image else "text",
            "answer_language": tongue,
            "expect": expect or {},
            "verdict": verdict,
            **meta,
        },
    )


def mcq(number: int, answer: str) -> Record:
    """A question of PubMedQA."""
    return Record(
        id=f"pubmedqa/{number}",
        messages=(
            Message.of("user", f"abstract {number}\n\nQuestion: q{number}?"),
            Message.of("assistant", answer),
        ),
        language="en",  # type: ignore[arg-type]
        task="mcq",
        split=Split.TEST,
        provenance=Provenance(source="pubmedqa", subject=f"pmid:{number}"),
        meta={"options": ["yes", "no", "maybe"], "abstract": f"abstract {number} has six words here"},
    )


def records(store: ImageStore) -> list[Record]:
    """Two chest radiographs, two brain MRIs, a blank picture and four questions of PubMedQA."""
    chest, chest2, brain, brain2, blank = (store.add(f"picture {n}".encode()) for n in range(5))
    radiograph, mri = {"modality": "radiograph"}, {"modality": "mri"}
    return [
        question(1, "Kind of image 1?", CHEST_EN, chest, tongue="en", expect=radiograph, subject="a"),
        question(2, "ما نوع الصورة 2؟", CHEST_AR, chest, tongue="ar", expect=radiograph, subject="a"),
        question(3, "Kind of image 3?", CHEST_EN, chest2, tongue="en", expect=radiograph, subject="b"),
        question(4, "Kind of image 4?", BRAIN_EN, brain, tongue="en", expect=mri, subject="c"),
        question(
            5, "ما نوع الصورة 5؟", BRAIN_AR, brain2, tongue="ar", expect=mri, subject=None, source="new"
        ),
        question(
            6,
            "Kind of image 6?",
            "This picture is blank.",
            blank,
            tongue="en",
            expect={"unreadable": "blank"},
            verdict="unreadable",
            subject="d",
            kind="blank",
        ),
        question(7, "Kind?", CHEST_EN, None, tongue="en", subject="t", split=Split.TRAIN),
        *[mcq(n, answer) for n, answer in enumerate(["yes", "yes", "no", "maybe"])],
    ]


MakeDataset = Callable[..., Path]


@pytest.fixture
def make_dataset(tmp_path: Path) -> MakeDataset:
    """Write a finished dataset folder; ``change`` gets the records first."""

    def make(
        change: Callable[[list[Record]], list[Record]] = lambda rows: rows, name: str = "dataset"
    ) -> Path:
        with RunFolder(tmp_path / name, "dataset", {}) as out:
            rows = change(records(ImageStore(out.path / "images")))
            write_records(out.path, rows)
            return out.publish({})

    return make


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> Path:
    return make_dataset()


ALL_RIGHT = {
    "ما نوع الصورة 2؟": CHEST_AR,
    "Kind of image 4?": BRAIN_EN,
    "ما نوع الصورة 5؟": BRAIN_AR,
    "Kind of image 6?": "This picture is blank.",
}


@pytest.fixture
def opener() -> Callable[..., Callable[[str, int | None, str], Subject]]:
    """Give model and base a backend each; the base is asked for as ``nano-base``."""

    def make(model: Scripted, base: Scripted | None = None) -> Callable[[str, int | None, str], Subject]:
        def open_scripted(name: str, _: int | None, __: str) -> Subject:
            backend = (base or Scripted({})) if name == "nano-base" else model
            return Subject(backend, f"weights of {name}", "template")

        return open_scripted

    return make
