"""MedQA: the published sides, letters that agree with the answer, other layouts named."""

import json
from pathlib import Path
from typing import Any

import pytest

from bimedix2.errors import DataError
from bimedix2.records import DataClass, Split
from bimedix2.sources import medqa

from .conftest import as_lines, parted

# Layout: the features of augtoma/medqa_usmle on the hub; the words are written by hand.
ROW: dict[str, Any] = {
    "question": "Which vitamin is made in the skin?",
    "answer": "Vitamin D",
    "options": {"A": "Vitamin C", "C": "Vitamin K", "B": "Vitamin D", "D": "Vitamin A"},
    "meta_info": "step1",
    "answer_idx": "B",
    "metamap_phrases": ["vitamin"],
}


def test_sides_options_and_answer_are_as_published(tmp_path: Path) -> None:
    for name in ("train", "dev", "test"):
        as_lines(tmp_path / f"{name}.jsonl", [ROW])
    records, removed = parted(medqa.read(tmp_path))
    assert [(r.id, r.split) for r in records] == [
        ("medqa/train/1", Split.TRAIN),
        ("medqa/dev/1", Split.VALIDATION),
        ("medqa/test/1", Split.TEST),
    ]
    record = records[0]
    assert record.messages[0].text == (
        "Which vitamin is made in the skin?\n\nA. Vitamin C\nB. Vitamin D\nC. Vitamin K\nD. Vitamin A"
    )
    assert record.messages[1].text == "B. Vitamin D"
    assert record.meta["answer"] == "B"
    assert record.meta["options"][1] == "Vitamin D"
    assert (record.task, record.data_class, record.provenance.licence) == ("mcq", DataClass.OPEN, "MIT")
    assert removed == []


def test_the_files_with_four_options_keep_their_sides(tmp_path: Path) -> None:
    as_lines(tmp_path / "phrases_no_exclude_test.jsonl", [ROW])
    records, _ = parted(medqa.read(tmp_path))
    assert [r.split for r in records] == [Split.TEST]


def test_an_answer_that_does_not_stand_at_its_letter_is_removed(tmp_path: Path) -> None:
    rows = [ROW, {**ROW, "answer_idx": "C"}, {**ROW, "answer_idx": "E"}, {**ROW, "question": " "}]
    rows.append({**ROW, "options": {**ROW["options"], "A": ""}})
    records, removed = parted(medqa.read(as_lines(tmp_path / "train.jsonl", rows).parent))
    assert len(records) == 1
    assert [reason for _, reason in removed] == [
        "unknown-answer",
        "unknown-answer",
        "empty-field",
        "empty-option",
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({**ROW, "options": ["a", "b"]}, r"train\.jsonl line 1: 'options' must be texts under the letters"),
        ({**ROW, "options": {"A": "x", "C": "y"}}, "'options' must be texts under the letters"),
        ({k: v for k, v in ROW.items() if k != "answer_idx"}, r"train\.jsonl line 1 has no 'answer_idx'"),
        ({**ROW, "question": ["x"]}, r"line 1: 'question' must be text, not \['x'\]"),
        (["question"], r"train\.jsonl line 1 is not an object"),
    ],
)
def test_another_layout_in_the_first_row_is_named(tmp_path: Path, row: Any, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        list(medqa.read(as_lines(tmp_path / "train.jsonl", [row, ROW]).parent))
    assert "\n" not in str(caught.value)


def test_lines_that_are_broken_later_are_kept_aside(tmp_path: Path) -> None:
    good = json.dumps(ROW).encode()
    text = b"\xef\xbb\xbf" + good + b'\n{"question": \n' + good + b"\ncaf\xe9\n[]\n" + good + b"\n"
    (tmp_path / "train.jsonl").write_bytes(text)
    records, removed = parted(medqa.read(tmp_path))
    assert [r.id for r in records] == ["medqa/train/1", "medqa/train/3", "medqa/train/6"]
    assert [reason for _, reason in removed] == ["broken-row"] * 3


def test_a_folder_without_the_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has none of train\.jsonl, .*; give the folder that holds MedQA's"):
        list(medqa.read(tmp_path))
