"""A benchmark from test records: the files read back as they were meant, and why records are left out."""

from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config as recipes
from bimedix2 import evaluate, io
from bimedix2.errors import DataError
from bimedix2.evaluate.mbench.load import check_images, compare, in_order, load
from bimedix2.manifest import RunFolder, read_manifest, verify
from bimedix2.records import ImagePart, Message, Provenance, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import write_records

CHEST = {"modality": "radiograph", "region": "chest"}
TEXTS = {
    "modality": (("Kind?", "A chest radiograph."), ("ما النوع؟", "صورة أشعة سينية للصدر.")),
    "region": (("Part?", "The chest."), ("ما العضو؟", "الصدر.")),
    "describe": (
        ("Describe it.", "A frontal chest radiograph."),
        ("صفها.", "صورة أشعة سينية أمامية للصدر."),
    ),
}


def both(name: str, image: str, type: str, expect: dict[str, Any], **more: Any) -> list[Record]:
    """A question in both languages."""
    out = []
    for tongue, (question, answer) in zip(("en", "ar"), more.pop("texts", TEXTS[type]), strict=True):
        meta = {"type": type, "form": "single", "answer_language": tongue, "expect": expect, "verdict": ""}
        out.append(
            Record(
                id=f"{name}|{tongue}|held|{type}",
                messages=(
                    Message.of("user", ImagePart(image=image), question),
                    Message.of("assistant", answer),
                ),
                language=tongue,  # type: ignore[arg-type]
                task="vqa",
                split=more.get("split", Split.TEST),
                data_class=more.get("data_class", "open"),
                provenance=Provenance(source="s", subject=more.get("subject", name)),
                meta=meta | more.get("meta", {}),
            )
        )
    return out


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two chest radiographs and an MRI that can be items; an ultrasound, a leak, a patient that cannot."""
    with RunFolder(tmp_path / "dataset", "dataset", {}) as out:
        store = ImageStore(out.path / "images")
        one, two, mri, us, leak, again, private, bare, other = (
            store.add(b"\x89PNG picture %d" % n) for n in range(9)
        )
        brain = {"modality": "mri", "region": "brain"}
        records = [
            *both("a", one, "modality", {"modality": "radiograph"}),
            *both("a", one, "region", {"region": "chest"}),
            *both("a", one, "describe", CHEST),
            *both("b", two, "modality", {"modality": "radiograph"}),
            *both("b", two, "describe", CHEST),
            *both("c", mri, "region", brain, texts=(("Part?", "The brain."), ("ما العضو؟", "الدماغ."))),
            *both(
                "c",
                mri,
                "describe",
                brain,
                texts=(("Describe it.", "A brain MRI."), ("صفها.", "صورة رنين مغناطيسي للدماغ.")),
            ),
            *both("d", us, "describe", {"modality": "ultrasound", "region": "heart"}),
            *both("e", leak, "describe", CHEST),
            *both("x", leak, "modality", CHEST, split=Split.TRAIN),
            *both("f", again, "describe", CHEST, subject="trained"),
            *both("y", other, "region", CHEST, split=Split.TRAIN, subject="trained"),
            *both("g", private, "describe", CHEST, data_class="patient"),
            *both("h", bare, "modality", CHEST),
            *both("i", one, "region", {"region": "lung"}, subject="a")[:1],
        ]
        write_records(out.path, records)
        return out.publish({})


def settings(dataset: Path, **own: Any) -> evaluate.Config:
    recipe = {"output": str(dataset.with_name("bench")), "mbench_build": {"dataset": str(dataset), **own}}
    return recipes.build(evaluate.Config, recipe)


def test_the_files_are_read_back_as_any_published_ones(dataset: Path) -> None:
    folder = evaluate.run(settings(dataset))
    verify(folder)
    english, arabic = load(folder / "english.jsonl", "en"), load(folder / "arabic.jsonl", "ar")
    assert compare(english, arabic) == {}
    items = list(in_order(english.items))
    assert sorted((item.domain, item.type) for item in items) == [
        *[("chest_xray", "conversation")] * 3,
        *[("chest_xray", "detailed_description")] * 2,
        ("mri", "conversation"),
        ("mri", "detailed_description"),
    ]
    check_images(items, folder / "images")
    assert len(list((folder / "images").iterdir())) == 3
    assert all(item.image.endswith(".png") for item in items)
    first = next(item for item in items if item.question == "Part?" and item.domain == "mri")
    twin = arabic.items[first.question_id]
    assert (first.text, first.marker, twin.marker) == ("Part?\n<image>", True, False)
    assert (first.reference, twin.question, twin.reference) == ("The brain.", "ما العضو؟", "الدماغ.")
    assert (first.caption, twin.caption) == ("A brain MRI.", "صورة رنين مغناطيسي للدماغ.")
    assert twin.label.startswith("الشكل ")
    assert english.counts() == {"no sentence mentions the figure": 7}


def test_what_is_left_out_has_its_reason(dataset: Path) -> None:
    folder = evaluate.run(settings(dataset))
    removed = {row["id"]: row["reason"] for _, row in io.read_jsonl(folder / "removed" / "removed.jsonl")}
    assert removed == {
        "d|*|held|describe": "none of chest_xray, mri, histology, gross, ct_scan",
        "e|*|held|describe": "its picture is in training",
        "f|*|held|describe": "its subject is in training",
        "g|*|held|describe": "data class patient",
        "h|*|held|modality": "no caption of its picture in both languages",
        "i|en|held|region": "no twin in the other language",
    }
    manifest = read_manifest(folder)
    assert (manifest["counts"]["kept"], manifest["items"], manifest["images"]) == (7, 7, 3)
    assert manifest["by kind and type"]["chest_xray, conversation"] == 3
    assert manifest["caption is the reference"] == 3
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "- mri, conversation: 1" in card
    assert "- its picture is in training: 1" in card


def test_pictures_and_questions_can_be_fewer(dataset: Path) -> None:
    folder = evaluate.run(settings(dataset, images=1, questions=1))
    items = list(in_order(load(folder / "english.jsonl", "en").items))
    assert len({item.image for item in items if item.domain == "chest_xray"}) == 1
    assert [item.type for item in items if item.domain == "chest_xray"] == [
        "conversation",
        "detailed_description",
    ]
    reasons = [row["reason"] for _, row in io.read_jsonl(folder / "removed" / "removed.jsonl")]
    assert "more pictures than asked for" in reasons
    again = evaluate.run(
        settings(dataset, images=1, questions=1).model_copy(update={"output": dataset.with_name("again")})
    )
    assert (again / "arabic.jsonl").read_bytes() == (folder / "arabic.jsonl").read_bytes()


def test_translated_records_that_no_grader_knows_are_items_too(tmp_path: Path) -> None:
    """As SLAKE's are: a modality and a place in words, and a twin that the translation room wrote."""
    with RunFolder(tmp_path / "dataset", "dataset", {}) as out:
        image = ImageStore(out.path / "images").add(b"\xff\xd8\xff picture")

        def one(name: str, tongue: str, question: str, answer: str, task: str, **meta: Any) -> Record:
            return Record(
                id=name,
                messages=(
                    Message.of("user", ImagePart(image=image), question),
                    Message.of("assistant", answer),
                ),
                language=tongue,  # type: ignore[arg-type]
                task=task,
                split=Split.TEST,
                provenance=Provenance(source="slake"),
                meta={"published": {"modality": "X-Ray", "location": "Lung"}} | meta,
            )

        write_records(
            out.path,
            [
                one("1", "en", "Is the lung healthy?", "No", "vqa"),
                one("1-ar", "ar", "هل الرئة سليمة؟", "لا", "vqa", translation={"of": "1"}),
                one("2", "en", "Caption it.", "Pneumonia of the left lung.", "caption"),
                one("2-ar", "ar", "صفها.", "التهاب في الرئة اليسرى.", "caption", translation={"of": "2"}),
            ],
        )
        out.publish({})
    folder = evaluate.run(settings(tmp_path / "dataset"))
    arabic = list(in_order(load(folder / "arabic.jsonl", "ar").items))
    assert [(item.domain, item.type, item.reference) for item in arabic] == [
        ("chest_xray", "conversation", "لا"),
        ("chest_xray", "detailed_description", "التهاب في الرئة اليسرى."),
    ]
    assert arabic[0].caption == "التهاب في الرئة اليسرى."


def test_a_dataset_without_items_says_why(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "dataset", "dataset", {}) as out:
        image = ImageStore(out.path / "images").add(b"picture")
        write_records(out.path, both("d", image, "describe", {"modality": "ultrasound"}))
        out.publish({})
    with pytest.raises(DataError, match=r"has no item for a benchmark \(1 none of chest_xray"):
        evaluate.run(settings(tmp_path / "dataset"))
