"""One of what says or shows the same is kept, always the same one; what differs in substance stays."""

import io
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bimedix2 import io as files
from bimedix2.curate.duplicates import DuplicatesConfig, critical_words, find_duplicates
from bimedix2.records import ImagePart, Language, Message, Provenance, Record, Split
from bimedix2.text.arabic import normalise

CASE = (
    "A 54 year old man came to the clinic with cough and fever for a week and was found to have crackles "
    "over the lower chest on the one side while the other side was clear and his oxygen saturation was kept "
    "well and the radiograph confirmed consolidation so antibiotics were started and he was seen again later "
    "and"
)
ANSWER = "Community acquired pneumonia"


def record(
    identity: str,
    question: str,
    answer: str = ANSWER,
    *,
    images: Iterable[str] = (),
    split: Split = Split.TRAIN,
    task: str = "qa",
    language: str = "en",
) -> Record:
    parts: list[Any] = [*(ImagePart(image=image) for image in images), question]
    return Record(
        id=identity,
        messages=(Message.of("user", *parts), Message.of("assistant", answer)),
        language=Language(language),
        task=task,
        split=split,
        provenance=Provenance(source="made"),
    )


def found(records: list[Record], store: dict[str, bytes] | None = None, **settings: Any) -> dict[str, Any]:
    """Id of what is removed -> (reason, the id that it duplicates)."""
    images = store or {}
    removed = find_duplicates(lambda: iter(records), images.__getitem__, DuplicatesConfig(**settings))
    return {records[place].id: (reason, what["duplicates"]) for place, (reason, what) in removed.items()}


def test_the_first_of_equal_records_stays() -> None:
    records = [record("a", CASE), record("b", CASE), record("c", "Another question"), record("d", CASE)]
    assert found(records) == {"b": ("duplicate", "a"), "d": ("duplicate", "a")}
    assert found(records, exact=False, text=None) == {}


def test_a_test_record_is_kept_before_a_training_record_and_never_removed() -> None:
    records = [
        record("train", CASE),
        record("validation", CASE, split=Split.VALIDATION),
        record("test", CASE, split=Split.TEST),
        record("test2", CASE, split=Split.TEST),
    ]
    assert found(records) == {"train": ("duplicate", "test"), "validation": ("duplicate", "test")}
    assert found(records, spare_test=False) | {} == {
        "train": ("duplicate", "test"),
        "validation": ("duplicate", "test"),
        "test2": ("duplicate", "test"),
    }


def test_another_wording_of_a_long_text_is_a_near_duplicate() -> None:
    records = [record("a", "Today " + CASE), record("b", "Yesterday " + CASE), record("c", CASE[:150])]
    assert found(records) == {"b": ("near-duplicate-text", "a")}
    assert found(records, text=None) == {}


def test_case_and_punctuation_make_no_other_text() -> None:
    assert found([record("a", CASE), record("b", CASE.upper() + "!")]) == {"b": ("near-duplicate-text", "a")}
    arabic = "تُظهر الصورة كسراً في عظم الفخذ"
    assert found([record("a", arabic), record("b", arabic.replace("ُ", ""))]) == {
        "b": ("near-duplicate-text", "a")
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [("54", "45"), ("lower", "upper"), ("confirmed", "never"), ("well", "low"), ("one", "left")],
)
def test_a_number_a_side_or_a_negation_makes_another_case(before: str, after: str) -> None:
    other = CASE.replace(before, after, 1)
    assert other != CASE
    assert found([record("a", CASE), record("b", other)], text=0.7) == {}


def test_another_answer_makes_another_record() -> None:
    assert found([record("a", CASE, "Yes"), record("b", CASE, "No")]) == {}
    assert found([record("a", CASE, "Pneumonia"), record("b", CASE, "Pulmonary oedema")]) == {}


def test_the_same_question_about_another_picture_is_another_record() -> None:
    one, two = "1" * 64, "2" * 64
    records = [record("a", CASE, images=[one]), record("b", "Now " + CASE, images=[two])]
    assert found(records) == {}
    records.append(record("c", "Then " + CASE, images=[one]))
    assert found(records) == {"c": ("near-duplicate-text", "a")}


def test_of_many_alike_one_is_left() -> None:
    records = [record(f"r{n}", f"Word{chr(97 + n)} {CASE}") for n in range(20)]
    removed = found(records)
    assert set(removed) == {f"r{n}" for n in range(1, 20)}
    assert set(removed.values()) == {("near-duplicate-text", "r0")}


def picture(seed: int, size: int, quality: int) -> bytes:
    small = np.random.default_rng(seed).integers(0, 256, (10, 10)).astype(np.uint8)
    image = Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def test_one_caption_stays_of_pictures_that_look_alike() -> None:
    data = [picture(1, 200, 90), picture(1, 150, 70), picture(2, 200, 90)]
    keys = [files.sha256_bytes(d) for d in data]
    store = dict(zip(keys, data, strict=True))
    records = [
        record(f"c{n}", "Describe it.", f"Caption {n}.", images=[key], task="caption")
        for n, key in enumerate(keys)
    ]
    records.append(record("ar", "صفها.", "وصف.", images=[keys[1]], task="caption", language="ar"))
    records.append(record("q", "Is it a CT?", "Yes", images=[keys[1]], task="vqa"))
    assert found(records, store) == {}
    assert found(records, store, images=16) == {"c1": ("duplicate-image", "c0")}


def test_the_same_words_about_pictures_that_look_alike_are_one_record() -> None:
    data = [picture(1, 200, 90), picture(1, 150, 70)]
    keys = [files.sha256_bytes(d) for d in data]
    records = [record(f"q{n}", CASE, images=[key], task="vqa") for n, key in enumerate(keys)]
    store = dict(zip(keys, data, strict=True))
    assert found(records, store) == {}
    assert found(records, store, images=16) == {"q1": ("near-duplicate-text", "q0")}


def test_a_file_that_is_no_picture_is_compared_with_none() -> None:
    data = [b"not a picture", b"not a picture either"]
    keys = [files.sha256_bytes(d) for d in data]
    records = [record(f"c{n}", "?", f"{n}", images=[key], task="caption") for n, key in enumerate(keys)]
    assert found(records, dict(zip(keys, data, strict=True)), images=16) == {}


def test_critical_words_are_spelled_as_texts_are_compared() -> None:
    assert all(normalise(word) == word for word in critical_words())
    assert {"left", "no", "ايسر", "لا"} <= critical_words()
