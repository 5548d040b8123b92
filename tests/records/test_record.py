"""The record refuses what no conversation can be, and hashes what is said."""

from typing import Any

import pytest

from bimedix2.errors import DataError
from bimedix2.records import ImagePart, Language, Message, Provenance, Record
from bimedix2.records.record import parse

IMAGE = ImagePart(image="a" * 64, name="x.png")


def record(**changes: Any) -> Record:
    fields: dict[str, Any] = {
        "id": "1",
        "messages": (Message.of("user", IMAGE, "What is this?"), Message.of("assistant", "A radiograph.")),
        "language": Language.ENGLISH,
        "task": "vqa",
        "provenance": Provenance(source="t"),
    }
    return Record(**{**fields, **changes})


def test_json_round_trip() -> None:
    one = record(meta={"counts": {"RBC": 3}}, provenance=Provenance(source="t", subject="p1", steps=("a",)))
    assert parse(one.to_json(), "here") == one


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "assistant", "content": [{"type": "text", "text": "x"}]}]}, "expected user"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": " "}]}]}, "is empty"),
        ({"language": "fr"}, "language"),
        ({"colour": 1}, "colour"),
        ({"id": ""}, "id"),
    ],
)
def test_a_wrong_record_is_named_by_place_and_field(change: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError) as caught:
        parse({**record().to_json(), **change}, "f.jsonl line 7")
    assert "f.jsonl line 7" in str(caught.value)
    assert said in str(caught.value)


def test_an_image_key_must_be_a_hash() -> None:
    value = record().to_json()
    value["messages"][0]["content"][0]["image"] = "../../etc/passwd"
    with pytest.raises(DataError, match="image"):
        parse(value, "here")


def test_content_hash_ignores_ids_and_file_names_and_sees_words_and_order() -> None:
    renamed = ImagePart(image="a" * 64, name="other.png")
    answer = Message.of("assistant", "A radiograph.")
    same = record(id="2", messages=(Message.of("user", renamed, "What is this?"), answer))
    turned = record(messages=(Message.of("user", "What is this?", IMAGE), answer))
    assert record().content_hash() == same.content_hash() != turned.content_hash()


def test_a_text_that_says_image_stays_a_text() -> None:
    one = record(messages=(Message.of("user", "what does <image> mean?"), Message.of("assistant", "A mark.")))
    assert one.images == ()
    assert one.messages[0].text == "what does <image> mean?"
