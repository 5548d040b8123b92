"""``bimedix2 replay``: a finished folder's tables from its logs alone, and the first number that differs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bimedix2 import evaluate, io
from bimedix2.cli import app
from bimedix2.errors import RunError
from bimedix2.evaluate import Config

from .conftest import ALL_RIGHT, BRAIN_AR, Scripted

Opener = Callable[..., Any]


@pytest.fixture
def scores(dataset: Path, opener: Opener) -> Path:
    """Every task, some answers wrong, the words of answers checked, the dataset gone."""
    settings = Config(input=dataset, output=dataset.with_name("scores"), resamples=200, limit=6)
    table = {**ALL_RIGHT, "Kind of image 1?": BRAIN_AR, "Kind of image 3?": "This is is a chest radiograf."}
    folder = evaluate.run(settings, opener(Scripted(table), Scripted({}, favour="no")))
    dataset.rename(dataset.with_name("gone"))
    return folder


def test_every_table_is_recomputed_to_the_last_digit(scores: Path) -> None:
    assert evaluate.replay(scores) == ["scores.json", "scores.md"]
    said = CliRunner().invoke(app, ["replay", str(scores)])
    assert said.exit_code == 0
    assert "the same to the last digit: scores.json, scores.md" in said.output


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_first_number_that_differs_is_named(scores: Path) -> None:
    found = io.read_json(scores / "scores.json")
    found["image_qa"]["together, both"]["all"]["value"] += 1e-6
    io.write_json(scores / "scores.json", found)
    with pytest.raises(
        RunError, match=r"scores\.json: 'image_qa\.together, both\.all\.value' is 0\.\d+, recomputed"
    ):
        evaluate.replay(scores)


def test_a_page_that_differs_is_named_by_its_line(scores: Path) -> None:
    change(scores / "scores.md", "## PubMedQA", "## PubMedQB")
    with pytest.raises(RunError, match=r"scores\.md: line \d+ is '## PubMedQB', recomputed '## PubMedQA'"):
        evaluate.replay(scores)


def test_an_answer_that_was_changed_is_judged_again(scores: Path) -> None:
    lines = [row for _, row in io.read_jsonl(scores / "answers.jsonl")]
    place = next(n for n, row in enumerate(lines) if row["task"] == "image_qa" and row["right"])
    lines[place]["raw"]["answer"] = "I do not know."
    io.write_jsonl(scores / "answers.jsonl", lines)
    with pytest.raises(
        RunError, match=rf"answers\.jsonl line {place + 1}: 'right' is True, recomputed False"
    ):
        evaluate.replay(scores)


def test_the_words_that_answers_were_judged_by_are_kept(scores: Path) -> None:
    lines = [row for _, row in io.read_jsonl(scores / "answers.jsonl")]
    assert any("unknown word 'radiograf'" in row["reasons"] for row in lines)
    (scores / "words.json").unlink()
    with pytest.raises(RunError, match=r"keeps no words\.json"):
        evaluate.replay(scores)


def test_a_file_that_no_number_rests_on_is_checked_too(scores: Path) -> None:
    change(scores / "errors.md", "Wrong answers", "Right answers")
    with pytest.raises(RunError, match=r"errors\.md was changed after the run"):
        evaluate.replay(scores)


def test_what_is_no_folder_of_scores_is_said(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is a folder of 'dataset', not of scores"):
        evaluate.replay(dataset)
    said = CliRunner().invoke(app, ["replay", str(tmp_path)])
    assert isinstance(said.exception, RunError)


def test_answers_that_a_file_lacks_stay_counted(dataset: Path, tmp_path: Path) -> None:
    rows = [{"question_id": f"seen/{n}", "text": "This is a brain MRI.", "model": "x"} for n in (1, 3, 4)]
    io.write_jsonl(tmp_path / "a.jsonl", rows)
    settings = Config(
        input=dataset, output=tmp_path / "s", tasks=["image_qa"], resamples=200,
        model={"answers": str(tmp_path / "a.jsonl")},  # type: ignore[arg-type]
    )  # fmt: skip
    folder = evaluate.run(settings)
    (tmp_path / "a.jsonl").unlink()
    assert io.read_json(folder / "scores.json")["partial"] == "3 of 6 samples have no score (3 no answer)"
    assert evaluate.replay(folder) == ["scores.json", "scores.md"]
