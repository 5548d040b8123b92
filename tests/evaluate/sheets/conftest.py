"""A small dataset of real pictures, scored twice by backends that answer from tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bimedix2 import evaluate, io
from bimedix2.evaluate import Config
from bimedix2.evaluate.signature import Subject
from bimedix2.llm.backend import Loglikelihood, Reply, Request
from bimedix2.manifest import RunFolder
from bimedix2.records import ImagePart, Language, Message, Provenance, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.record import DataClass
from bimedix2.records.store import write_records

CHEST_EN, CHEST_AR = "This is a chest radiograph.", "هذه صورة أشعة سينية للصدر."
BRAIN_EN, BRAIN_AR = "This is a brain MRI.", "هذه صورة رنين مغناطيسي للدماغ."
HOSTILE = (
    'This is a chest radiograph. <img src=x onerror="document.title=1"><script>document.title=2</script>'
)
"""An answer that a page must show as the words it is."""


class Scripted:
    """A backend that answers from a table of last questions, else in English with a chest radiograph."""

    name = "scripted@1"

    def __init__(self, table: dict[str, str]) -> None:
        self.table = table

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        answers = [self.table.get(request.messages[-1].text, CHEST_EN) for request in requests]
        return [Reply(text, self.name, "stop", 5, 3) for text in answers]

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        return [Loglikelihood(-1.0 if text == "yes" else -2.0, 1, False) for _, text in pairs]


def question(
    number: int,
    words: str,
    answer: str,
    image: str | None,
    *,
    tongue: str,
    type: str = "modality",
    expect: dict[str, Any] | None = None,
    subject: str | None = "p",
    source: str = "seen",
    split: Split = Split.TEST,
) -> Record:
    """A single question as the curate room writes it."""
    parts: list[str | ImagePart] = [ImagePart(image=image), words] if image else [words]
    return Record(
        id=f"{source}/{number}",
        messages=(Message.of("user", *parts), Message.of("assistant", answer)),
        language=Language(tongue),
        task="vqa" if image else "text",
        split=split,
        provenance=Provenance(source=source, subject=subject),
        meta={
            "type": type,
            "form": "single" if image else "text",
            "answer_language": tongue,
            "expect": expect or {},
            "verdict": "",
        },
    )


def mcq(number: int, answer: str) -> Record:
    """A question of PubMedQA."""
    return Record(
        id=f"pubmedqa/{number}",
        messages=(Message.of("user", f"Question: q{number}?"), Message.of("assistant", answer)),
        language=Language.ENGLISH,
        task="mcq",
        split=Split.TEST,
        provenance=Provenance(source="pubmedqa", subject=f"pmid:{number}"),
        meta={"options": ["yes", "no", "maybe"], "abstract": "six words"},
    )


def png(number: int) -> bytes:
    """A picture that differs from every other."""
    buffer = BytesIO()
    picture = Image.linear_gradient("L").resize((200 + 40 * number, 240)).rotate(37 * number)
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def records(store: ImageStore) -> list[Record]:
    """Two chest radiographs, two brain MRIs, a plane, a question of PubMedQA; both languages."""
    chest, chest2, brain, brain2 = (store.add(png(n)) for n in range(4))
    radiograph, mri = {"modality": "radiograph"}, {"modality": "mri"}
    plane = {"modality": "mri", "plane": "axial"}
    return [
        question(1, "Kind of image 1?", CHEST_EN, chest, tongue="en", expect=radiograph, subject="a"),
        question(2, "ما نوع الصورة 2؟", CHEST_AR, chest, tongue="ar", expect=radiograph, subject="a"),
        question(3, "Kind of image 3?", CHEST_EN, chest2, tongue="en", expect=radiograph, subject="b"),
        question(4, "Kind of image 4?", BRAIN_EN, brain, tongue="en", expect=mri, subject="c"),
        question(5, "ما نوع الصورة 5؟", BRAIN_AR, brain2, tongue="ar", expect=mri, subject="d"),
        question(6, "Plane 6?", "An axial MRI.", brain, tongue="en", type="plane", expect=plane, subject="c"),
        question(7, "Kind?", CHEST_EN, None, tongue="en", subject="t", split=Split.TRAIN),
        *[mcq(n, answer) for n, answer in enumerate(["yes", "no"])],
    ]


RIGHT = {
    "ما نوع الصورة 2؟": CHEST_AR,
    "Kind of image 4?": BRAIN_EN,
    "ما نوع الصورة 5؟": BRAIN_AR,
    "Plane 6?": "An axial MRI.",
}


@dataclass(frozen=True)
class Scored:
    """A dataset and two finished folders of scores on it."""

    dataset: Path
    one: Path
    """Wrong: the Arabic radiograph in English (2), the English MRI in HTML (4), the plane (6)."""
    two: Path
    """Wrong: the Arabic MRI called a radiograph (5)."""


def write_dataset(folder: Path, change: Callable[[list[Record]], list[Record]] = lambda rows: rows) -> Path:
    with RunFolder(folder, "dataset", {}) as out:
        write_records(out.path, change(records(ImageStore(out.path / "images"))))
        return out.publish({})


def score(dataset: Path, output: Path, table: dict[str, str], **more: Any) -> Path:
    """Scores of a model that answers from a table."""

    def opener(name: Any, _: int | None, __: str) -> Subject:
        return Subject(Scripted(table), f"weights of {name} {output.name}", "template")

    settings = {"resamples": 100, "known_words": False, "tasks": ["image_qa", "canary", "pubmedqa"], **more}
    return evaluate.run(Config(input=dataset, output=output, **settings), opener)


@pytest.fixture(scope="session")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Scored:
    root = tmp_path_factory.mktemp("scored")
    dataset = write_dataset(root / "dataset")
    first = {
        **RIGHT,
        "ما نوع الصورة 2؟": CHEST_EN,
        "Kind of image 4?": HOSTILE,
        "Plane 6?": "A coronal MRI.",
    }
    second = {**RIGHT, "ما نوع الصورة 5؟": CHEST_AR}
    return Scored(dataset, score(dataset, root / "one", first), score(dataset, root / "two", second))


MakeScores = Callable[..., Path]


@pytest.fixture
def make_scores(tmp_path: Path) -> MakeScores:
    """A finished folder with given rows, as another evaluation would write it."""

    def make(
        rows: Sequence[Any],
        name: str = "scores",
        recipe: dict[str, Any] | None = None,
        inputs: dict[str, Path] | None = None,
        signature: Any = None,
        partial: Any = "",
        systems: Sequence[Any] = (),
    ) -> Path:
        stated = {"model": {"model": "m@1"}, "seed": 0} if signature is None else signature
        with RunFolder(tmp_path / name, "evaluate", recipe or {}, inputs) as out:
            io.write_jsonl(out.path / "answers.jsonl", rows)
            io.write_json(out.path / "scores.json", {"partial": partial, "systems": systems})
            return out.publish({}, {"signature": stated} if stated else {})

    return make


def conversation(store: ImageStore, **more: Any) -> list[Record]:
    """An English conversation with an image in its second turn, and its Arabic translation."""
    part = store.add(png(9))
    made = question(1, "x", "y", part, tongue="en", source="talk")
    image = made.images[0]
    english = (
        Message.of("user", "What is a CT scan?"),
        Message.of("assistant", "A CT scan makes **slices** of the body with X-rays."),
        Message.of("user", "What does this one show?", image),
        Message.of("assistant", "A nodule of 8 mm in the right upper lobe."),
    )
    arabic = (
        Message.of("user", "ما التصوير المقطعي المحوسب؟"),
        Message.of("assistant", "يُظهر التصوير المقطعي المحوسب (CT) الجسم في شرائح باستخدام الأشعة السينية."),
        Message.of("user", "ماذا تُظهر هذه الصورة؟", image),
        Message.of("assistant", "عُقيدة قياسها 8 mm في الفص العلوي الأيمن."),
    )
    data_class = more.get("data_class", DataClass.OPEN)
    first = made.model_copy(update={"messages": english, "data_class": data_class})
    twin = made.model_copy(
        update={
            "id": f"{made.id}|ar",
            "messages": arabic,
            "language": Language.ARABIC,
            "data_class": data_class,
            "meta": {"translation": {"of": made.id, "failed": []}},
        }
    )
    short = question(2, "Kind?", CHEST_EN, part, tongue="en", source="talk")
    return [first, Record.model_validate(twin.model_dump()), short]


@pytest.fixture
def talks(tmp_path: Path) -> Callable[..., Path]:
    """A finished folder of records with translations."""

    def make(name: str = "talks", change: Any = lambda rows: rows, **more: Any) -> Path:
        with RunFolder(tmp_path / name, "translate", {}) as out:
            write_records(out.path, change(conversation(ImageStore(out.path / "images"), **more)))
            return out.publish({})

    return make
