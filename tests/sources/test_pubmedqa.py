"""PubMedQA's files: the published split stands in all of them, and another layout is one sentence."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bimedix2.errors import DataError
from bimedix2.records import Split
from bimedix2.sources import pubmedqa

from .conftest import as_json, parted

REAL = Path("../shared/data/pubmedqa")
# The layout is that of github.com/pubmedqa/pubmedqa, data/ori_pqal.json; the words are written by hand.
ROW = {
    "QUESTION": "Does it help?",
    "CONTEXTS": ["We asked.", "It did."],
    "LONG_ANSWER": "It does.",
    "final_decision": "yes",
}


def written(folder: Path, rows: Any, truth: Any) -> Path:
    as_json(folder / "ori_pqal.json", rows)
    as_json(folder / "test_ground_truth.json", truth)
    return folder


def test_questions_keep_their_published_side(tmp_path: Path) -> None:
    rows = {"1": ROW, "2": ROW, "3": {**ROW, "final_decision": "perhaps"}}
    records, removed = parted(pubmedqa.read(written(tmp_path, rows, {"1": "yes"})))
    assert [r.split for r in records] == [Split.TEST, Split.TRAIN]
    assert records[0].messages[0].text == (
        "We asked.\nIt did.\n\nQuestion: Does it help?\nAnswer yes, no or maybe."
    )
    assert records[0].provenance.subject == "pmid:1"
    assert records[0].provenance.url == "https://pubmed.ncbi.nlm.nih.gov/1/"
    assert records[0].meta["long_answer"] == "It does."
    assert removed == [("pubmedqa/3", "unknown-answer")]


def test_artificial_questions_train_and_their_dev_set_does_not(tmp_path: Path) -> None:
    as_json(tmp_path / "pqaa_train_set.json", {"11": ROW})
    as_json(tmp_path / "pqaa_dev_set.json", {"12": ROW})
    records, _ = parted(pubmedqa.read(tmp_path))
    assert [(r.id, r.split) for r in records] == [
        ("pubmedqa/11", Split.TRAIN),
        ("pubmedqa/12", Split.VALIDATION),
    ]


def test_the_hubs_labelled_questions_need_the_test_ids(tmp_path: Path) -> None:
    row = {
        "pubid": 21,
        "question": "Does it help?",
        "context": {"contexts": ["We asked."], "labels": ["METHODS"]},
        "long_answer": "It does.",
        "final_decision": "yes",
    }
    for name in ("pqa_labeled", "pqa_artificial"):
        (tmp_path / name).mkdir()
        rows = [{**row, "pubid": 22 if name == "pqa_artificial" else 21}]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / name / "train-00000-of-00001.parquet")
    with pytest.raises(DataError, match=r"test_ground_truth\.json does not exist; it says which"):
        list(pubmedqa.read(tmp_path))
    as_json(tmp_path / "test_ground_truth.json", {"21": "yes"})
    records, _ = parted(pubmedqa.read(tmp_path))
    assert [(r.id, r.split) for r in records] == [("pubmedqa/21", Split.TEST), ("pubmedqa/22", Split.TRAIN)]
    assert records[0].meta["abstract"] == "We asked."


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([ROW], r"ori_pqal\.json is a JSON list, not an object of rows"),
        ({"1": {"QUESTION": "q"}}, "'1' has no 'CONTEXTS' that is a list of texts"),
        ({"1": ["q"]}, "'1' is not an object with fields"),
        ({"1": {**ROW, "CONTEXTS": [3]}}, "'1' has no 'CONTEXTS' that is a list of texts"),
        ({"1": {k: v for k, v in ROW.items() if k != "QUESTION"}}, "'1' has no 'QUESTION'"),
    ],
)
def test_another_layout_is_named(tmp_path: Path, rows: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        list(pubmedqa.read(written(tmp_path, rows, {})))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has none of ori_pqal\.json, .*; give the folder"):
        list(pubmedqa.read(tmp_path))


@pytest.mark.skipif(not REAL.is_dir(), reason=f"{REAL} is not here")
def test_the_real_files_give_every_question() -> None:
    records, removed = parted(pubmedqa.read(REAL))
    assert Counter(r.split for r in records) == {Split.TRAIN: 500, Split.TEST: 500}
    assert removed == []
    assert len({r.provenance.subject for r in records}) == 1000
