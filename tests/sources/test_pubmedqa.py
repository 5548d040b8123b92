"""PubMedQA's files: its published split stands, and another layout is one sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from bimedix2.errors import DataError
from bimedix2.records import Record, Split
from bimedix2.sources import pubmedqa
from bimedix2.sources.removed import Removed

# The layout is that of github.com/pubmedqa/pubmedqa, data/ori_pqal.json; the words are written by hand.
ROW = {
    "QUESTION": "Does it help?",
    "CONTEXTS": ["We asked.", "It did."],
    "LONG_ANSWER": "Yes.",
    "final_decision": "yes",
}


def written(folder: Path, rows: Any, truth: Any) -> Path:
    (folder / "ori_pqal.json").write_text(json.dumps(rows))
    (folder / "test_ground_truth.json").write_text(json.dumps(truth))
    return folder


def test_questions_keep_their_published_side(tmp_path: Path) -> None:
    rows = {"1": ROW, "2": ROW, "3": {**ROW, "final_decision": "perhaps"}}
    read = list(pubmedqa.read(written(tmp_path, rows, {"1": "yes"})))
    records = [row for row in read if isinstance(row, Record)]
    assert [r.split for r in records] == [Split.TEST, Split.TRAIN]
    assert records[0].messages[0].text == (
        "We asked.\nIt did.\n\nQuestion: Does it help?\nAnswer yes, no or maybe."
    )
    assert records[0].provenance.subject == "pmid:1"
    assert read[2] == Removed("pubmedqa/3", "unknown-answer", "perhaps")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([ROW], "is not PubMedQA's layout"),
        ({"1": {"QUESTION": "q"}}, "'1' has no field 'CONTEXTS'"),
        ({"1": ["q"]}, "'1' is not PubMedQA's layout"),
        ({"1": {**ROW, "CONTEXTS": [3]}}, "'1' is not PubMedQA's layout"),
    ],
)
def test_another_layout_is_named(tmp_path: Path, rows: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        list(pubmedqa.read(written(tmp_path, rows, {})))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ori_pqal\.json does not exist; give the folder"):
        list(pubmedqa.read(tmp_path))
