"""Which questions are one item in two languages, and why others are not."""

from pathlib import Path

import pytest

from bimedix2 import io
from bimedix2.evaluate.paired.files import of_choices
from bimedix2.evaluate.paired.pairs import of_records
from bimedix2.records import Split
from bimedix2.records.store import read_records


def test_twins_are_found_by_each_rule_and_the_others_have_their_reason(dataset: Path) -> None:
    found = of_records(record for record in read_records(dataset) if record.split is Split.TEST)
    assert [(one.id, one.rule, one.type) for one in found.twins] == [
        ("p1|*|held|0", "id", "modality"),
        ("p1|*|held|1", "id", "is_study"),
        ("p2|*|held|0", "id", "modality"),
        ("p3|*|held|0", "id", "modality"),
        ("s/1", "translation", "region"),
        ("text|*|held|0", "id", "greet"),
    ]
    assert {name: reason for name, reason, _ in found.left} == {
        "p1|en|held|2": "asks for another value in the other language",
        "p1|ar|held|2": "asks for another value in the other language",
        "p2|en|held|9": "no twin in the other language",
        "p2|en|held|follow": "earlier turns of its own",
        "p2|ar|held|switch": "turns in both languages",
        "s/2-ar": "its original is no test question",
    }
    for one in found.twins:
        assert (one.english.expected.tongue, one.arabic.expected.tongue) == ("en", "ar")  # type: ignore[union-attr]
        assert one.english.messages[-1].text.isascii()
    assert [one.subject for one in found.twins if not one.known_subject] == ["seen:unknown"] * 2


def test_without_a_language_in_the_id_the_facts_decide(dataset: Path) -> None:
    renamed = [
        record.model_copy(update={"id": record.id.replace("|en|", "-1-").replace("|ar|", "-2-")})
        for record in read_records(dataset)
        if record.split is Split.TEST and "p1" in record.id
    ]
    found = of_records(renamed)
    assert [(one.rule, one.type) for one in found.twins] == [("facts", "modality"), ("facts", "is_study")]
    assert found.twins[1].english.messages[-1].text == "Is image 2 a brain MRI?"
    assert len(found.left) == 2


def test_a_question_without_a_picture_is_paired_by_its_id_alone(dataset: Path) -> None:
    greetings = [r for r in read_records(dataset) if r.id.startswith("text|")]
    renamed = [record.model_copy(update={"id": f"hello {record.language}"}) for record in greetings]
    assert not of_records(renamed).twins
    assert len(of_records(greetings).twins) == 1


@pytest.mark.parametrize(("more", "rule"), [({"id": "q"}, "id"), ({}, "row number, for want of ids")])
def test_questions_that_have_no_ids_say_that_their_place_joins_them(
    tmp_path: Path, more: dict[str, str], rule: str
) -> None:
    files = []
    for name in ("en", "ar"):
        files.append(tmp_path / f"{name}.jsonl")
        io.write_jsonl(files[-1], [{**more, "question": "?", "choices": ["a", "b", "c", "d"], "answer": 1}])
    (twins,) = of_choices(*files, "answer").twins
    assert twins.rule == rule
