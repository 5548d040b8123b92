"""A dataset folder with twins of every rule, and questions that are none."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bimedix2.llm.backend import Loglikelihood, Reply, Request
from bimedix2.manifest import RunFolder
from bimedix2.records import ImagePart, Message, Provenance, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records, write_records

CHEST = {"modality": "radiograph", "region": "chest"}
BRAIN = {"modality": "mri", "region": "brain"}


class Scripted:
    """A backend that answers from a table of last questions, and else that it does not know.

    ``asked`` counts requests; ``stop_after`` raises ``KeyboardInterrupt`` in the call after so many.
    """

    name = "scripted@1"

    def __init__(self, table: dict[str, str], *, stop_after: int | None = None, favour: str = "") -> None:
        self.table = table
        self.asked = 0
        self.stop_after = stop_after
        self.favour = favour
        self.calls: list[list[Request]] = []

    def _count(self, number: int) -> None:
        if self.stop_after is not None and self.asked + number > self.stop_after:
            raise KeyboardInterrupt
        self.asked += number

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        self._count(len(requests))
        self.calls.append(list(requests))
        answers = [self.table.get(request.messages[-1].text, "I do not know.") for request in requests]
        return [Reply(text, self.name, "stop", 5, 3) for text in answers]

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        self._count(len(pairs))
        return [Loglikelihood(-1.0 if text == self.favour else -2.0, 1, False) for _, text in pairs]


def asked(
    name: str,
    tongue: str,
    words: str,
    answer: str,
    image: str | None,
    *,
    type: str = "modality",
    expect: dict[str, Any] | None = None,
    verdict: str = "",
    subject: str | None = "a",
    before: tuple[str, str] | None = None,
    **more: Any,
) -> Record:
    """A test question as the curate room writes it; ``before`` is an earlier turn."""
    picture: list[str | ImagePart] = [ImagePart(image=image)] if image else []
    first = before or (words, answer)
    turns = [Message.of("user", *picture, first[0]), Message.of("assistant", first[1])]
    if before:
        turns += [Message.of("user", words), Message.of("assistant", answer)]
    meta = {"type": type, "form": "follow" if before else "single", "answer_language": tongue}
    given = more.pop("language", tongue)
    return Record(
        id=name,
        messages=tuple(turns),
        language=given,
        task="vqa",
        split=more.pop("split", Split.TEST),
        provenance=Provenance(source="seen", subject=subject),
        meta=meta | {"expect": expect or {}, "verdict": verdict} | more,
    )


def both(name: str, image: str | None, en: tuple[str, str], ar: tuple[str, str], **more: Any) -> list[Record]:
    """One item as the curate room writes it, its id apart by the language."""
    return [
        asked(name.replace("*", tongue), tongue, *words, image, **more)
        for tongue, words in (("en", en), ("ar", ar))
    ]


CHEST_EN, CHEST_AR = "This is a chest radiograph", "هذه صورة أشعة سينية للصدر"
MRI_AR = "صورة رنين مغناطيسي"


def records(store: ImageStore) -> list[Record]:
    """Six items in both languages and what cannot be paired; pictures of subjects a, b and nobody."""
    chest, brain, blank = (store.add(f"picture {n}".encode()) for n in range(3))
    not_brain = {"expect": CHEST, "type": "is_study", "verdict": "no"}
    radiograph = {"expect": {"modality": "radiograph"}}
    of_brain = {"type": "region", "expect": {"region": "brain"}, "subject": "b"}
    return [
        *both(
            "p1|*|held|0",
            chest,
            ("Kind of image 1?", f"{CHEST_EN}."),
            ("نوع الصورة 1؟", f"{CHEST_AR}."),
            **radiograph,
        ),
        *both(
            "p1|*|held|1",
            chest,
            ("Is image 2 a brain MRI?", f"{CHEST_EN}, not a brain MRI."),
            (f"هل الصورة 2 {MRI_AR} للدماغ؟", f"{CHEST_AR}، لا {MRI_AR} للدماغ."),
            **not_brain,
        ),
        # In Arabic another study is asked for: no twins, though the facts are the same.
        *both(
            "p1|*|held|2",
            chest,
            ("Is image 3 a retinal OCT scan?", f"{CHEST_EN}, not a retinal OCT scan."),
            (f"هل الصورة 3 {MRI_AR} للقلب؟", f"{CHEST_AR}، لا {MRI_AR} للقلب."),
            **not_brain,
        ),
        *both(
            "p2|*|held|0",
            brain,
            ("Kind of image 4?", "This is a brain MRI."),
            ("نوع الصورة 4؟", f"هذه {MRI_AR} للدماغ."),
            expect={"modality": "mri"},
            subject="b",
        ),
        *both(
            "p3|*|held|0",
            blank,
            ("Kind of image 5?", "This picture is blank."),
            ("نوع الصورة 5؟", "هذه الصورة فارغة."),
            expect={"unreadable": "blank"},
            verdict="unreadable",
            subject=None,
        ),
        *both(
            "text|*|held|0",
            None,
            ("Who are you?", "Hello."),
            ("من أنت؟", "مرحبًا."),
            type="greet",
            subject=None,
        ),
        # A translation keeps its original's meta, the language of the answer among it.
        asked("s/1", "en", "Part of image 6?", "The brain.", brain, **of_brain),
        asked(
            "s/1-ar",
            "en",
            "ما العضو في الصورة 6؟",
            "الدماغ.",
            brain,
            language="ar",
            translation={"of": "s/1"},
            **of_brain,
        ),
        asked("s/2-ar", "en", "س؟", "ج.", brain, language="ar", translation={"of": "s/2"}),
        asked("p2|en|held|9", "en", "Alone?", "This is a brain MRI.", brain, expect=BRAIN, type="describe"),
        asked("p2|en|held|follow", "en", "And now?", "A brain.", brain, before=("Kind?", "MRI.")),
        asked("p2|ar|held|switch", "ar", "س؟", "ج.", brain, language="mixed"),
        asked("p4|en|train|0", "en", "Kind?", f"{CHEST_EN}.", chest, split=Split.TRAIN, **radiograph),
    ]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    with RunFolder(tmp_path / "dataset", "dataset", {}) as out:
        write_records(out.path, records(ImageStore(out.path / "images")))
        return out.publish({})


@pytest.fixture
def right(dataset: Path) -> dict[str, str]:
    """Question -> the right answer, of every question."""
    return {r.messages[-2].text: r.messages[-1].text for r in read_records(dataset)}
