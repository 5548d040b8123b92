"""Users' copies, in each layout in which they are published, to the harness's."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.evaluate.clinical import __main__ as command
from bimedix2.evaluate.clinical.__main__ import convert
from bimedix2.manifest import read_manifest, verify

from . import conftest
from .conftest import write_json, write_lines


def lines(path: Path) -> list[dict[str, object]]:
    return [row for _, row in io.read_jsonl(path)]


def test_every_benchmark_becomes_the_files_that_its_tasks_read(copies: Path, tmp_path: Path) -> None:
    counts = convert(copies, tmp_path / "data")
    assert counts["mmlu_anatomy_test.jsonl"] == 3
    assert counts["mmlu_anatomy_dev.jsonl"] == 5
    assert counts["pubmedqa_test.jsonl"] == 3  # the fourth question is no test question
    assert counts["pubmedqa_en_50.jsonl"] == 1  # 21214884 has an Arabic twin in the package
    verify(tmp_path / "data")


def one_layout(make: Callable[[Path], None], name: str, tmp_path: Path) -> Path:
    source = tmp_path / make.__name__
    make(source / name)
    convert(source, tmp_path / f"{make.__name__}-data")
    return tmp_path / f"{make.__name__}-data"


@pytest.mark.parametrize(
    ("name", "hub", "archive", "file"),
    [
        ("mmlu", conftest.mmlu_hub, conftest.mmlu_archive, "mmlu_college_medicine_test.jsonl"),
        ("medmcqa", conftest.medmcqa_hub, conftest.medmcqa_archive, "medmcqa_test.jsonl"),
        ("medqa", conftest.medqa_hub, conftest.medqa_archive, "medqa_test.jsonl"),
    ],
)
def test_both_published_layouts_give_the_same_questions(
    name: str, hub: Callable[[Path], None], archive: Callable[[Path], None], file: str, tmp_path: Path
) -> None:
    first, second = (lines(one_layout(make, name, tmp_path) / file) for make in (hub, archive))
    assert first == second
    assert len(first) > 2


def test_usmle_leaves_out_what_needs_an_image_and_says_so(copies: Path, tmp_path: Path) -> None:
    convert(copies, tmp_path / "data")
    kept = lines(tmp_path / "data" / "usmle_test.jsonl")
    assert [row["id"] for row in kept] == ["step1/1", "step1/3", "step2/1", "step3/1"]
    assert (kept[1]["keys"], kept[1]["answer"]) == (list("ABCDEFG"), 6)
    left = [row for row in lines(tmp_path / "data" / "removed.jsonl") if row["file"] == "usmle_test.jsonl"]
    assert {row["id"]: row["reason"] for row in left} == {
        "step1/2": "needs an image",
        "step1/4": "has no options",
        "step1/5": "has no solution",
        "step2/2": "needs an image",
        "step3/2": "needs an image",
    }
    assert read_manifest(tmp_path / "data")["counts"]["removed"]["needs an image"] == 3


def test_of_global_mmlu_the_medical_subjects_are_taken(copies: Path, tmp_path: Path) -> None:
    convert(copies, tmp_path / "data")
    (row,) = lines(tmp_path / "data" / "global_mmlu_ar_college_medicine_test.jsonl")
    assert (row["sample_id"], row["subject"], row["answer"]) == (
        "college_medicine/test/0",
        "college_medicine",
        "C",
    )
    assert not list((tmp_path / "data").glob("*virology*"))


def test_a_part_of_global_mmlu_without_a_subject_is_named(copies: Path, tmp_path: Path) -> None:
    row = {"sample_id": "anatomy/test/0", "subject": "anatomy", "question": "س", "answer": "A"}
    options = dict.fromkeys(("option_a", "option_b", "option_c", "option_d"), "عظم")
    path = copies / "global_mmlu" / "ar" / "test-00000-of-00001.parquet"
    conftest.write_parquet(path, [row | options])
    with pytest.raises(DataError, match=r"has no question of clinical_knowledge, college_biology, "):
        convert(copies, tmp_path / "data")


def test_arabicmmlu_questions_that_cannot_be_asked_are_left_out_with_the_reason(
    copies: Path, tmp_path: Path
) -> None:
    convert(copies, tmp_path / "data")
    kept = lines(tmp_path / "data" / "arabicmmlu_biology_test.jsonl")
    assert [(row["id"], row["Answer Key"], row["Option 3"]) for row in kept] == [
        ("9699", "C", "العضد"),
        ("9700", "B", ""),
    ]
    removed = [row for row in lines(tmp_path / "data" / "removed.jsonl") if "arabicmmlu" in str(row["file"])]
    assert {(row["id"], row["reason"]) for row in removed} == {
        ("9701", "its answer is none of its options"),
        ("9702", "an option is missing between others"),
    }


def test_a_benchmark_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    conftest.pubmedqa(tmp_path / "copies" / "pubmedqa")
    found = CliRunner().invoke(_app(), ["--from", str(tmp_path / "copies"), "--to", str(tmp_path / "data")])
    assert found.exit_code == 0, found.output
    assert "pubmedqa_test.jsonl: 3 (500 are published)" in found.output
    assert "not there: mmlu, medmcqa, medqa, usmle, oall_arabic_mmlu, global_mmlu, arabicmmlu" in found.output


def _app() -> object:
    import typer

    app = typer.Typer()
    app.command()(command.main)
    return app


def test_an_error_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = CliRunner().invoke(_app(), ["--from", str(tmp_path / "empty"), "--to", str(tmp_path / "data")])
    assert found.exit_code == 2
    assert "has none of the folders mmlu" in found.output


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda f: write_lines(f / "medmcqa" / "dev.json", [{"id": "1"}]), r"row 0: 'opa' is no text"),
        (
            lambda f: write_lines(f / "medmcqa" / "dev.json", [{**conftest.medmcqa_rows(1)[0], "cop": 5}]),
            r"'cop' is 5, not 1 to 4",
        ),
        (
            lambda f: write_lines(f / "medqa" / "test.json", [{"question": "q", "options": {"A": "a"}}]),
            r"not four texts A to D",
        ),
        (
            lambda f: write_json(f / "pubmedqa" / "test_ground_truth.json", {"7": "perhaps"}),
            r"the answer 'perhaps' is none of yes, no, maybe",
        ),
        (lambda f: write_json(f / "usmle" / "question_with_images.json", []), r"not the USMLE"),
        (
            lambda f: write_json(f / "usmle" / "step2_solutions.json", {"1": "F"}),
            r"the solution 'F' is none of A, B",
        ),
        (
            lambda f: (f / "medqa" / "test.json").write_text('{"sent1": '),
            r"test.json line 1 is not JSON",
        ),
        (
            lambda f: next((f / "mmlu" / "anatomy").glob("test-*")).write_bytes(b"PAR1"),
            r"is no Parquet file or is cut short",
        ),
        (lambda f: next((f / "mmlu" / "anatomy").glob("test-*")).unlink(), r"mmlu has none of anatomy/test-"),
    ],
)
def test_what_is_not_as_published_is_named(
    copies: Path, tmp_path: Path, break_it: Callable[[Path], object], words: str
) -> None:
    if "medmcqa" in words or "opa" in words or "cop" in words:
        next((copies / "medmcqa" / "data").glob("*")).unlink()
    break_it(copies)
    with pytest.raises(DataError, match=words):
        convert(copies, tmp_path / "data")
    assert not (tmp_path / "data").exists()
