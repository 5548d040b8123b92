"""Which questions of an Arabic file are those of an English one, and what is said where that is not known."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import evaluate, io
from bimedix2.evaluate.clinical import catalogue, twins
from bimedix2.evaluate.clinical.scores import Plan

Make = Callable[..., evaluate.Config]
ARABIC, ENGLISH = "bimed_mmlu_anatomy_ar", "bimed_mmlu_anatomy"


def rows(task: str, keys: list[int], right: bool = True, **more: Any) -> list[dict[str, Any]]:
    """A file's questions without ids, with their right options."""
    return [
        {"task": task, "id": str(n), "doc_id": n, "options": [" A", " B", " C", " D"], "expected": key,
         "right": right, **more}
        for n, key in enumerate(keys)
    ]  # fmt: skip


def gap(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> dict[str, Any]:
    chosen = [catalogue.tasks()[name] for name in (ARABIC, ENGLISH)]
    return twins.gaps(chosen, [*ours, *theirs], Plan(50, 0))[ARABIC]


def keys(count: int, seed: int = 0) -> list[int]:
    return [random.Random(f"{seed} {n}").randrange(4) for n in range(count)]


def test_equal_keys_in_equal_rows_are_pairs() -> None:
    found = gap(rows(ARABIC, keys(100), right=False), rows(ENGLISH, keys(100)))
    assert (found["by"], found["n"], found["differing"], found["refused"]) == ("row", 100, 0, "")
    assert (found["value"], found["low"], found["high"]) == (-1.0, -1.0, -1.0)


def test_a_few_corrected_keys_are_left_out_and_counted() -> None:
    corrected = keys(100)
    for place in (3, 50):
        corrected[place] = (corrected[place] + 1) % 4
    found = gap(rows(ARABIC, corrected), rows(ENGLISH, keys(100)))
    assert (found["n"], found["differing"], found["refused"]) == (98, 2, "")


@pytest.mark.parametrize("moved", [keys(100, seed=1), keys(101)[1:], keys(80) + keys(101)[81:]])
def test_rows_of_other_questions_are_not_paired(moved: list[int]) -> None:
    """Another order altogether, shifted by one from the start, and shifted in the last twenty rows alone."""
    theirs = keys(101)[:100]
    found = gap(rows(ARABIC, moved), rows(ENGLISH, theirs))
    differing = sum(a != b for a, b in zip(moved, theirs, strict=True))
    assert (found["value"], found["n"], found["differing"]) == (None, 0, differing)
    assert found["refused"].startswith(f"in {differing} of 100 rows another option is right than in English")


def test_files_of_different_lengths_are_not_paired() -> None:
    found = gap(rows(ARABIC, keys(99)), rows(ENGLISH, keys(100)))
    assert found["refused"] == "99 questions here and 100 in English, so rows are not pairs"
    assert (found["value"], found["n"]) == (None, 0)
    drawn = gap(rows(ARABIC, keys(40))[::2], rows(ENGLISH, keys(40))[1::2])
    assert drawn["refused"].startswith("the limit drew other rows of each")


def test_questions_with_ids_are_paired_by_them_wherever_they_stand() -> None:
    named = [{**row, "id": f"q{row['doc_id']}"} for row in rows(ARABIC, keys(20))]
    theirs = [{**row, "id": f"q{19 - row['doc_id']}"} for row in rows(ENGLISH, keys(20, seed=1))][:15]
    found = gap(named, theirs)
    assert (found["by"], found["n"], found["differing"], found["refused"]) == ("id", 15, 0, "")


def test_a_question_without_an_answer_is_in_no_pair() -> None:
    theirs = rows(ENGLISH, keys(10))
    theirs[4] |= {"right": None, "failure": "refused"}
    assert gap(rows(ARABIC, keys(10)), theirs)["n"] == 9


BONES = [["عظم الفخذ", "العضد", "الظنبوب", "العظم الجبهي"][n:] + ["الكعبرة"] * n for n in range(4)]


def arabic(path: Path, answers: list[int]) -> None:
    """Questions in MMLU's layout, which has no ids."""
    lines = [
        {"question": f"أي عظم هو رقم {n}؟", "choices": BONES[0], "answer": answer}
        for n, answer in enumerate(answers)
    ]
    io.write_jsonl(path, lines)


def test_the_table_says_how_it_paired_and_what_it_did_not(settings: Make, data: Path) -> None:
    """The English file has three questions, whose answers are A, B and C."""
    pytest.importorskip("lm_eval", reason="pip install 'bimedix2[clinical]'")
    names = [ARABIC, ENGLISH, "bimed_mmlu_college_biology_ar", "bimed_mmlu_college_biology"]
    names += ["bimed_mmlu_medical_genetics_ar", "bimed_mmlu_medical_genetics"]
    arabic(data / "mmlu_anatomy_ar_test.jsonl", [0, 1, 2])
    arabic(data / "mmlu_college_biology_ar_test.jsonl", [0, 1])
    arabic(data / "mmlu_medical_genetics_ar_test.jsonl", [1, 2, 0])
    folder = evaluate.run(settings(tasks=names, prompts=["plain"]))
    found = io.read_json(folder / "scores.json")["plain"]["gaps"]
    assert [found[name]["n"] for name in names[::2]] == [3, 0, 0]
    page = (folder / "scores.md").read_text(encoding="utf-8")
    section = page.partition("## Arabic minus English, the same questions")[2].partition("## Signature")[0]
    assert f"| {ARABIC} | {ENGLISH} | plain | " in section
    assert " | 3 | row number | 0 |" in section
    assert "Paired by row number: these files have no ids" in section
    assert f"- {names[2]} (plain) is not paired: 2 questions here and 3 in English" in section
    assert f"- {names[4]} (plain) is not paired: in 3 of 3 rows another option is right" in section
    assert "scores.md" in evaluate.replay(folder)


def test_a_limit_asks_a_twin_the_rows_of_its_original(settings: Make, data: Path) -> None:
    pytest.importorskip("lm_eval", reason="pip install 'bimedix2[clinical]'")
    arabic(data / "mmlu_anatomy_ar_test.jsonl", [0, 1, 2])
    for seed in range(3):
        output = str(data.parent / f"scores-{seed}")
        more = {"_limit": 1, "_seed": seed, "_output": output}
        folder = evaluate.run(settings(tasks=[ARABIC, ENGLISH], prompts=["plain"], **more))
        asked = {row["task"]: row["doc_id"] for _, row in io.read_jsonl(folder / "answers.jsonl")}
        assert asked[ARABIC] == asked[ENGLISH]
