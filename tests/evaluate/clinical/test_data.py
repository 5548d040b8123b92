"""The fifty questions in Arabic that come with the package."""

import re
from collections import Counter
from pathlib import Path

import pytest

from bimedix2 import io
from bimedix2.evaluate.clinical.catalogue import path_of
from bimedix2.text.arabic import script

ROWS = [row for _, row in io.read_jsonl(path_of(Path("none"), "pubmedqa_ar_50.jsonl"))]
ORIGINAL = Path(__file__).parents[4] / "shared" / "data" / "pubmedqa"
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def test_there_are_fifty_with_the_shares_of_the_whole() -> None:
    assert len({row["pubid"] for row in ROWS}) == len(ROWS) == 50
    assert Counter(row["final_decision"] for row in ROWS) == {"yes": 28, "no": 17, "maybe": 5}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["pubid"])
def test_a_question_is_arabic_and_asks(row: dict[str, object]) -> None:
    texts = [row["QUESTION"], *row["CONTEXTS"]]  # type: ignore[misc]
    assert all(script(text) == "ar" for text in texts)
    assert str(row["QUESTION"]).endswith("؟")
    assert all(
        text.endswith((".", ")")) and "  " not in text and not re.search(r"[,;?]\s", text)
        for text in texts[1:]
    )


def test_it_says_its_licence_and_that_nobody_reviewed_it() -> None:
    words = (path_of(Path("none"), "pubmedqa_ar_50.jsonl").parent / "README.md").read_text(encoding="utf-8")
    assert "MIT License" in words
    assert "Copyright (c) 2019 pubmedqa" in words
    assert "No physician, no translator and no Arabic editor has reviewed it" in words


def test_answers_paragraphs_and_numbers_are_the_originals() -> None:
    if not ORIGINAL.is_dir():
        pytest.skip(
            f"PubMedQA's own files are not at {ORIGINAL}; copy them there from github.com/pubmedqa/pubmedqa"
        )
    theirs = io.read_json(ORIGINAL / "ori_pqal.json")
    for row in ROWS:
        original = theirs[row["pubid"]]
        assert row["final_decision"] == original["final_decision"]
        assert len(row["CONTEXTS"]) == len(original["CONTEXTS"])
        # Small numbers may have become words: "2 years" is one word in Arabic.
        ours, others = (
            Counter(n for text in texts for n in NUMBER.findall(re.sub(r"(?<=\d),(?=\d{3})", "", text)))
            for texts in (row["CONTEXTS"], original["CONTEXTS"])
        )
        changed = (ours - others) + (others - ours)
        assert set(changed) <= {"1", "2", "3", "12", "27", "40", "42"}, (row["pubid"], changed)
