"""Small benchmarks in the published layouts, read by the sources room, and an Arabic twin of one."""

import io as bytes_io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from bimedix2 import config, evaluate, sources
from bimedix2.manifest import RunFolder
from bimedix2.records import Message, Record
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records, write_records

# Layouts as the sources room states them (slake.py, vqa_rad.py, path_vqa.py); words and pictures are ours.
SLAKE = [
    # question, answer, picture, language
    ("Is there a mass in the lung?", "Yes", 1, "en"),
    ("Is the heart enlarged?", "No", 2, "en"),
    ("Which organ is abnormal?", "Lower Left Lung", 1, "en"),
    ("What modality is this?", "CT", 3, "en"),
    ("这是什么?", "CT", 3, "zh"),
]
RAD = [
    ("Is there a fracture?", "yes", "a.jpg", "test_freeform"),
    ("Is there an effusion?", "no", "b.jpg", "test_para"),
    ("What is the plane?", "axial", "a.jpg", "test_freeform"),
    ("Where is the lesion?", "right upper lobe", "c.jpg", "freeform"),
]
PATH = [
    ("is a nucleus present?", "yes", 11),
    ("are the cells necrotic?", "no", 12),
    ("what is shown?", "squamous epithelium", 11),
]
ARABIC = {
    "Is there a mass in the lung?": ("هل توجد كتلة في الرئة؟", "نعم"),
    "Is the heart enlarged?": ("هل القلب متضخم؟", "لا"),
    "Which organ is abnormal?": ("أي عضو غير طبيعي؟", "أسفل الرئة اليسرى"),
    "What modality is this?": ("ما نوع التصوير؟", "أشعة مقطعية"),
}


def picture(shade: int) -> bytes:
    data = bytes_io.BytesIO()
    Image.new("L", (12, 8), shade).save(data, "PNG")
    return data.getvalue()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _slake(folder: Path) -> Path:
    rows = []
    for number, (question, answer, image, language) in enumerate(SLAKE, 1):
        name = f"xmlab{image}/source.jpg"
        _write(folder / "imgs" / name, picture(image))
        about = {"location": "Lung", "modality": "CT", "answer_type": "OPEN", "base_type": "vqa"}
        rows.append(
            {
                "qid": number,
                "img_id": image,
                "img_name": name,
                "question": question,
                "answer": answer,
                "q_lang": language,
                "content_type": "Organ",
                "triple": ["vhead", "_", "_"],
                **about,
            }
        )
    _write(folder / "test.json", json.dumps(rows, ensure_ascii=False).encode())
    return folder


def _rad(folder: Path) -> Path:
    rows = []
    for number, (question, answer, name, phrase) in enumerate(RAD, 1):
        _write(folder / "VQA_RAD Image Folder" / name, picture(ord(name[0]) - 80))
        rows.append(
            {
                "qid": str(number),
                "phrase_type": phrase,
                "image_name": name,
                "image_organ": "CHEST",
                "question": question,
                "answer": answer,
                "question_type": "PRES",
                "answer_type": "CLOSED",
            }
        )
    _write(folder / "VQA_RAD Dataset Public.json", json.dumps(rows).encode())
    return folder


def _path(folder: Path) -> Path:
    rows = [
        {"image": {"bytes": picture(shade), "path": f"{shade}.png"}, "question": question, "answer": answer}
        for question, answer, shade in PATH
    ]
    (folder / "data").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "data" / "test-00000-of-00001.parquet")
    return folder


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """The three benchmarks, through the sources room."""
    made = {"slake": _slake, "vqa_rad": _rad, "path_vqa": _path}
    parts = [{"source": name, "path": str(make(tmp_path / name))} for name, make in made.items()]
    return sources.run(config.build(sources.Config, {"parts": parts, "output": str(tmp_path / "published")}))


@pytest.fixture
def twin(published: Path, tmp_path: Path) -> Path:
    """SLAKE's English test in Arabic, as the translate room writes twins; one of them reviewed."""

    def arabic(number: int, record: Record) -> Record:
        question, answer = ARABIC[record.messages[0].text]
        said = {
            "of": record.id,
            "translator": "t@1",
            "failed": ["numbers"] if number == 2 else [],
            "tries": 1,
        }
        more = {"review": {"by": "r"}} if number == 1 else {}
        changes: dict[str, Any] = {
            "id": f"{record.id}-ar",
            "language": "ar",
            "messages": [Message.of("user", record.images[0], question), Message.of("assistant", answer)],
            "meta": {**record.meta, "translation": said, **more},
        }
        return Record.model_validate({**record.model_dump(), **changes})

    with RunFolder(tmp_path / "twin", "translate", {}) as out:
        mine = [r for r in read_records(published) if r.provenance.source == "slake"]
        for key in {r.images[0].image for r in mine}:
            ImageStore(out.path / "images").add(ImageStore(published / "images").read(key))
        # A folder that keeps its sources holds both sides.
        write_records(out.path, [*mine, *(arabic(n, r) for n, r in enumerate(mine))])
        return out.publish({})


Make = Callable[..., evaluate.Config]


@pytest.fixture
def settings(published: Path, tmp_path: Path) -> Make:
    """The room's recipe; keywords go over ``vqa``, those with a ``_`` over the room's own keys."""

    def make(**changes: Any) -> evaluate.Config:
        inner = {"data": [str(published)]} | {k: v for k, v in changes.items() if not k.startswith("_")}
        recipe: dict[str, Any] = {
            "output": str(tmp_path / "scores"),
            "vqa": inner,
            "resamples": 100,
            "threads": 1,
        }
        return config.build(evaluate.Config, recipe | {k[1:]: v for k, v in changes.items() if k[0] == "_"})

    return make
