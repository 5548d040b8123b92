"""The whole way: questions asked, both scorings apart, killed runs taken up again, replayed."""

import json
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config as recipes
from bimedix2 import evaluate, io
from bimedix2.errors import ConfigError, DataClassError, DataError, RunError
from bimedix2.evaluate.medhalt.load import TASKS, ours, read
from bimedix2.evaluate.signature import open_subject
from bimedix2.manifest import read_manifest, verify

from .conftest import AR_OPTIONS, AR_QUESTION, EXAM, ROWS, TITLE, Model, write


def settings(tmp_path: Path, **more: Any) -> evaluate.Config:
    values = {"output": str(tmp_path / "scores"), "resamples": 100, "batch": 5, **more}
    values["medhalt"] = {k: str(v) if isinstance(v, Path) else v for k, v in more.get("medhalt", {}).items()}
    return recipes.build(evaluate.Config, values)


def sure(prompt: str) -> str:
    """Accepts every student, picks the first option, makes up every title and link."""
    if "is_answer_correct" in prompt:
        return "{'is_answer_correct': 'yes'}"
    if "paper_title'" in prompt.split("Input:")[0]:
        return "{'paper_title': 'A study of tea'}"
    if "'url'" in prompt.split("Input:")[0]:
        return "{'url': 'https://pubmed.ncbi.nlm.nih.gov/1'}"
    return "{'cop_index': 0, 'x': ''}"


def test_our_questions_stand_in_both_languages_under_the_same_ids() -> None:
    for task in TASKS[:3]:
        english, arabic = ours(task, "en"), ours(task, "ar")
        assert [item.source_id for item in english] == [item.source_id for item in arabic]
        assert len(english) == 8
        for one, other in zip(english, arabic, strict=True):
            assert len(one.options) == len(other.options)
            if task != "reasoning_fake":
                assert one.options.index(one.gold) == other.options.index(other.gold)
    assert "correct answer" in ours("reasoning_FCT", "ar")[0].shown["Options"]


def test_all_tasks_are_asked_and_scored_in_both_ways(tmp_path: Path, data: Path, opener: Any) -> None:
    done = evaluate.run(settings(tmp_path, medhalt={"data": {"en": str(data)}}), opener(Model(sure)))
    verify(done)
    found = io.read_json(done / "scores.json")
    assert list(found["compat"]["en"]) == list(TASKS)
    # FCT: no key of the answer, so it falls out there; for us it accepts a wrong answer.
    assert found["compat"]["en"]["reasoning_FCT"] | {"out": 1} == found["compat"]["en"]["reasoning_FCT"]
    confidence = found["ours"]["en"]["reasoning_FCT"]
    assert (confidence["right"]["value"], confidence["accepts a wrong answer"]["value"]) == (0.0, 1.0)
    assert confidence["accepts a right answer"] is None
    assert found["compat"]["en"]["IR_pmid2title"]["score"] == -0.005  # two wrong: -0.5 / 100
    titles = found["ours"]["en"]["IR_pmid2title"]
    assert titles["points"] == -0.25
    assert (titles["made up"]["n"], titles["invented article, unknown"]["value"]) == (1, 0.0)
    assert found["signatures"]["compat"]["scorer"] == "medhalt-compat"
    assert found["signatures"]["ours"]["scorer"].startswith("medhalt-ours-1,option-")
    page = (done / "scores.md").read_text(encoding="utf-8")
    assert page.startswith("**Partial: other numbers of questions than published (reasoning_FCT 1 of 18866")
    assert page.index("## Med-HALT's scores (compat)") < page.index("## Our scores (ours)")
    assert "scorer:medhalt-compat" in page
    assert "scorer:medhalt-ours" in page
    assert set(read_manifest(done)["inputs"]) >= {"data/en/IR_pmid2title"}
    assert evaluate.replay(done) == ["scores.json", "scores.md"]


def test_the_prompt_has_the_published_form(tmp_path: Path, data: Path, opener: Any) -> None:
    model = Model(sure)
    evaluate.run(settings(tmp_path, medhalt={"data": {"en": str(data)}}), opener(model))
    by_start = {text.split("Input: ")[1]: text for text in model.asked}
    assert "{'Pmid': '32063006'}\nOutput:" in by_start
    first = next(text for text in by_start if "Flumazenil', '1': 'Naloxone" in text)
    assert first.endswith("'correct answer': 'Flumazenil'}}\nOutput:")
    assert TITLE in next(text for text in by_start if "paper_title" in text)


def test_arabic_has_our_scoring_alone(tmp_path: Path, opener: Any) -> None:
    folder = tmp_path / "arabic"
    row = {
        "id": "nota-1",
        **EXAM,
        "question": AR_QUESTION,
        "options": str(AR_OPTIONS),
        "correct_answer": "النالوكسون",
    }
    write(folder, "reasoning_nota", [row])
    model = Model(lambda prompt: "الإجابة الصحيحة هي النالوكسون.")
    recipe = settings(tmp_path, medhalt={"data": {"ar": str(folder)}, "tasks": ["reasoning_nota"]})
    done = evaluate.run(recipe, opener(model))
    found = io.read_json(done / "scores.json")
    assert "compat" not in found
    assert found["ours"]["ar"]["reasoning_nota"]["right"]["value"] == 1.0
    assert "أنت خبير في الطب" in model.asked[0]
    assert list(found["signatures"]) == ["ours"]


def test_a_killed_run_asks_nothing_twice(tmp_path: Path, opener: Any) -> None:
    recipe = settings(tmp_path)
    killed = Model(sure, stop_after=22)
    with pytest.raises(KeyboardInterrupt):
        evaluate.run(recipe, opener(killed))
    again = Model(sure)
    done = evaluate.run(recipe, opener(again))
    assert len(killed.asked) == 20
    assert len(killed.asked + again.asked) == len(set(killed.asked + again.asked)) == 48
    first = (done / "scores.md").read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("**Partial: our own questions, unreviewed and no part of Med-HALT.")


def test_answers_that_are_absent_are_counted_and_not_wrong(tmp_path: Path, data: Path) -> None:
    answers = tmp_path / "answers.jsonl"
    lines = [
        {"question_id": "medhalt/en/reasoning_nota/nota-1", "text": "None of the above", "model": "theirs"}
    ]
    lines.append({"question_id": "medhalt/en/reasoning_nota/none", "text": "x", "model": "theirs"})
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines))
    tasks = ["reasoning_nota", "reasoning_fake"]
    recipe = settings(
        tmp_path, model={"answers": str(answers)}, medhalt={"data": {"en": str(data)}, "tasks": tasks}
    )
    done = evaluate.run(recipe)
    found = io.read_json(done / "scores.json")
    assert found["ours"]["en"]["reasoning_nota"]["right"]["value"] == 1.0
    assert found["compat"]["en"]["reasoning_nota"]["out"] == 1  # prose: the published code reads none
    assert (
        found["ours"]["en"]["reasoning_fake"] | {"n": 0, "right": None}
        == found["ours"]["en"]["reasoning_fake"]
    )
    assert found["answers file"]["model"]["extra"] == ["medhalt/en/reasoning_nota/none"]
    assert "1 of 2 questions have no answer (1 no answer)" in found["partial"][-1]
    assert evaluate.replay(done) == ["scores.json", "scores.md"]


def test_rows_that_cannot_be_asked_are_kept_with_their_reason(tmp_path: Path, opener: Any) -> None:
    row = ROWS["reasoning_nota"][0]
    rows = [
        row,
        row,
        {**row, "id": "b", "options": "{'0': nan}"},
        {**row, "id": "c", "correct_answer": "Naloxone"},
        {**row, "id": "d", "question": " "},
    ]
    write(tmp_path / "d", "reasoning_nota", rows)
    recipe = settings(tmp_path, medhalt={"data": {"en": str(tmp_path / "d")}, "tasks": ["reasoning_nota"]})
    done = evaluate.run(recipe, opener(Model(sure)))
    lost = [value for _, value in io.read_jsonl(done / "removed" / "removed.jsonl")]
    assert [one["reason"] for one in lost] == [
        "its id stands above",
        "options cannot be read",
        "gold is none of the options",
        "no question",
    ]
    assert lost[1]["what"]["where"].endswith("reasoning_nota.csv line 4")
    assert read_manifest(done)["counts"]["in"] == 5
    assert "4 rows cannot be asked" in (done / "scores.md").read_text(encoding="utf-8").splitlines()[0]


def test_a_file_of_another_layout_is_named_before_the_model_is_opened(tmp_path: Path, data: Path) -> None:
    recipe = settings(tmp_path, medhalt={"data": {"en": str(tmp_path)}, "tasks": ["reasoning_nota"]})
    with pytest.raises(
        DataError, match=r"neither reasoning_nota\.csv nor reasoning_nota/reasoning_nota\.csv"
    ):
        evaluate.run(recipe, lambda *_: pytest.fail("opened"))
    write(data, "reasoning_nota", [{"id": "1", "question": "q", "options": "{}"}])
    with pytest.raises(DataError, match="has no column 'correct_answer'"):
        read(data, "reasoning_nota", "en")
    write(data, "reasoning_nota", [{**ROWS["reasoning_nota"][0], "options": "?"}])
    with pytest.raises(DataError, match="no row that can be asked; the first: options cannot be read"):
        read(data, "reasoning_nota", "en")


def test_a_recipe_that_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'IR_pmid2title' needs 'data'"):
        settings(tmp_path, medhalt={"tasks": ["IR_pmid2title"]})
    with pytest.raises(ConfigError, match="leave it out"):
        settings(tmp_path, medhalt={"data": {"en": "x"}, "languages": ["en"]})


def test_credentialed_questions_go_to_no_hosted_endpoint(tmp_path: Path, data: Path) -> None:
    endpoint = {"base_url": "https://api.example.org/v1", "model": "m", "tries": 1}
    recipe = settings(
        tmp_path,
        model={"endpoint": endpoint, "cache": str(tmp_path / "models.sqlite")},
        medhalt={"data": {"en": str(data)}, "data_class": "credentialed"},
    )
    with pytest.raises(DataClassError, match=r"'credentialed' may not be sent to api\.example\.org"):
        evaluate.run(recipe, open_subject)


def test_the_questions_are_written_out_for_a_system_elsewhere(tmp_path: Path) -> None:
    folder = evaluate.run(settings(tmp_path, export=True, limit=2))
    lines = [value for _, value in io.read_jsonl(folder / "questions.jsonl")]
    assert len(lines) == 12
    assert len({line["question_id"].split("/", 2)[2] for line in lines}) == 6  # the same in both languages
    assert {line["max_tokens"] for line in lines} == {512}


def test_a_replay_finds_a_changed_judgement(tmp_path: Path, opener: Any) -> None:
    done = evaluate.run(settings(tmp_path, limit=2), opener(Model(sure)))
    path = done / "answers.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('"agrees": true', '"agrees": false', 1))
    with pytest.raises(RunError, match=r"answers\.jsonl line 1: 'ours' is"):
        evaluate.replay(done)
