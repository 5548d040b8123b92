"""The catalogue of tasks holds together, and every file that a task reads is written or shipped."""

from pathlib import Path

import pytest

from bimedix2.errors import ConfigError, DataError
from bimedix2.evaluate.clinical import catalogue
from bimedix2.evaluate.clinical.__main__ import convert


def test_the_ten_columns_of_table_2_stand_in_its_order() -> None:
    columns = [task.column for task in catalogue.members(["bimed_clinical"])]
    assert columns == [
        "Cli-KG",
        "C-Bio",
        "C-Med",
        "Med-Gen",
        "Pro-Med",
        "Ana",
        "MedMCQA",
        "MedQA",
        "USMLE",
        "PubmedQA",
    ]
    assert sum(task.published for task in catalogue.members(["bimed_clinical"])[:6]) == 1089


def test_every_english_task_reads_what_the_converter_writes(copies: Path, tmp_path: Path) -> None:
    written = set(convert(copies, tmp_path / "data"))
    ours = [task for task in catalogue.tasks().values() if task.language == "en" or task.harness]
    assert {name for task in ours for name in task.files.values()} == written


@pytest.mark.parametrize("task", catalogue.tasks().values(), ids=lambda task: task.name)
def test_a_task_is_the_harness_s_or_ours_and_its_twin_exists(task: catalogue.Task) -> None:
    assert bool(task.harness) != bool(task.prompt)
    assert not task.twin or catalogue.tasks()[task.twin].column == task.column
    if task.prompt:
        prompt = catalogue.prompt_of(task)
        assert prompt["output_type"] == "multiple_choice"
        assert "TOPIC" not in str(prompt)
        assert ("الإجابة:" if task.language == "ar" else "Answer:") in prompt["doc_to_text"]


def test_missing_files_are_all_named_with_the_command(tmp_path: Path) -> None:
    chosen = catalogue.members(["bimed_medmcqa", "bimed_usmle", "bimed_pubmedqa_ar_50"])
    with pytest.raises(DataError) as error:
        catalogue.require(chosen, tmp_path, few=False)
    assert "medmcqa_test.jsonl (for bimed_medmcqa), usmle_test.jsonl (for bimed_usmle)" in str(error.value)
    assert "python -m bimedix2.evaluate.clinical --from DIR --to DIR" in str(error.value)
    assert "pubmedqa_ar_50" not in str(error.value)  # that one comes with the package


def test_a_misspelt_task_gets_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="did you mean 'bimed_medmcqa'"):
        catalogue.known("bimed_medmcq")
