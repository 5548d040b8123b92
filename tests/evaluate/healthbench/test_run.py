"""The whole way: conversations continued, responses graded, scores signed, killed runs taken up again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config as recipes
from bimedix2 import evaluate, io
from bimedix2.errors import ConfigError, DataClassError, DataError, EndpointError, RunError
from bimedix2.manifest import read_manifest, verify

from .conftest import AR_RUBRICS, KNOWN, Grader, Model, Server, item, verdict, write

ANSWERS = {
    "a": "See a DOCTOR. ALLERGIES?",
    "b": "Take AMOXICILLIN.",
    "c": "See a DOCTOR and take AMOXICILLIN.",
}
"""Scores (10 + 5) / 15 = 1, -8 / 15 = -0.533, (10 - 8) / 15 = 0.133; the mean is 0.2."""
AR_QUESTION = "أعاني من السعال. ماذا يمكنني أن أتناول؟"


def answer(question: str) -> str:
    return ANSWERS[question.split()[-1]]


def settings(tmp_path: Path, **more: Any) -> evaluate.Config:
    values = {"output": str(tmp_path / "scores"), "resamples": 100, "batch": 2, **more}
    given = {"replies": str(tmp_path / "replies"), "cache": str(tmp_path / "judge.sqlite")}
    (tmp_path / "replies").touch()
    values["healthbench"] = {**given, **more.get("healthbench", {})}
    return recipes.build(evaluate.Config, values)


@pytest.fixture
def hard(tmp_path: Path) -> dict[str, str]:
    """A file of three items."""
    return {
        "hard": str(write(tmp_path / "hard.jsonl", [item(name, f"What helps, {name}") for name in "abc"]))
    }


def test_responses_are_graded_and_scored_by_hand_worked_numbers(
    tmp_path: Path, opener: Any, grader: Callable[[Grader], Grader], hard: dict[str, str]
) -> None:
    judge = grader(Grader())
    done = evaluate.run(settings(tmp_path, healthbench={"files": hard}), opener(Model(answer)))
    verify(done)
    found = io.read_json(done / "scores.json")
    one = found["sets"]["hard"]
    assert one["overall"]["score"] == one["overall"]["mean"] == pytest.approx(0.2)
    assert one["overall"]["n"] == one["items"] == 3
    assert one["tags"]["theme:context_seeking"]["mean"] == one["overall"]["mean"]
    # accuracy: 10/10, -8/10, 2/10: 0.4 / 3; context: 5/5, 0, 0
    assert one["tags"]["axis:accuracy"]["score"] == pytest.approx(0.4 / 3)
    assert one["tags"]["axis:context_awareness"]["score"] == pytest.approx(1 / 3)
    assert one["met"] == {"positive": {"met": 3, "of": 6}, "negative": {"met": 2, "of": 3}}
    assert one["verdicts"] == {"rubrics": 9, "missing": {}}
    assert len(judge.requests) == 10 + 9  # the canaries in English, then one call a rubric
    page = (done / "scores.md").read_text(encoding="utf-8")
    assert page.startswith("**Partial: Other numbers of items than published (hard 3 of 1000).**")
    assert "| hard | 20.0 (std" in page
    assert "| hard | context_seeking | 20.0" in page
    signature = found["signature"]
    assert signature["judge"].startswith("rule@1,criterion@")
    assert signature["judge"].endswith("canaries=10/10")
    assert (signature["language"], signature["prompt"]["words"]) == ("latin", "hard")
    rows = [value for _, value in io.read_jsonl(done / "answers.jsonl")]
    assert [round(row["score"], 3) for row in rows] == [1.0, -0.533, 0.133]
    assert rows[0]["rubrics"][0]["met"] is True
    assert rows[0]["rubrics"][0]["explanation"] == "So it says."
    assert evaluate.replay(done) == ["scores.json", "scores.md"]


def test_our_cases_are_asked_in_both_languages_and_paired(
    tmp_path: Path, opener: Any, grader: Callable[[Grader], Grader]
) -> None:
    grader(Grader(_none_of_ours))
    model = Model(lambda question: "See a DOCTOR." if question.isascii() else "راجع الطبيب DOCTOR من فضلك.")
    done = evaluate.run(settings(tmp_path), opener(model))
    found = io.read_json(done / "scores.json")
    assert list(found["sets"]) == ["ours-en", "ours-ar"]
    assert found["gaps"][0] | {"n": 8, "value": 0.0, "p": 1.0} == found["gaps"][0]
    assert found["sets"]["ours-ar"]["scripts"]["arabic"]["n"] == 8
    assert found["sets"]["ours-ar"]["kept script"] == 1.0
    assert list(found["sets"]["ours-ar"]["written"]) == ["question arabic, rubrics arabic, answer arabic"]
    assert any("I am 30 weeks pregnant" in turns[0] and len(turns) == 3 for turns in model.asked)
    assert sorted(len(turns) for turns in model.asked) == [1] * 14 + [3] * 2
    assert "no part of HealthBench" in (done / "scores.md").read_text(encoding="utf-8").splitlines()[0]


def _none_of_ours(criterion: str, tries: int) -> str | None:
    """Not met, but for the canaries' criteria."""
    return None if any(criterion == known for _, known in KNOWN) else verdict(False)


def test_an_arabic_set_is_graded_by_its_own_rubrics_and_told_apart(
    tmp_path: Path, opener: Any, grader: Callable[[Grader], Grader], hard: dict[str, str]
) -> None:
    lines = [item("a", AR_QUESTION, rubrics=AR_RUBRICS), item("b", AR_QUESTION + "؟", rubrics=AR_RUBRICS)]
    files = {**hard, "arabic": str(write(tmp_path / "ar.jsonl", lines))}
    grader(Grader())
    model = Model(lambda text: answer(text) if text.isascii() else "See a DOCTOR.")
    recipe = settings(tmp_path, healthbench={"files": files, "twins": {"arabic": "hard"}})
    done = evaluate.run(recipe, opener(model))
    found = io.read_json(done / "scores.json")
    arabic = found["sets"]["arabic"]
    assert arabic["overall"]["score"] == pytest.approx(10 / 15)
    assert arabic["written"] == {"question arabic, rubrics arabic, answer latin": 2}
    assert arabic["kept script"] == 0.0
    # a: 2/3 - 1; b: 2/3 + 8/15; the mean is 13/30
    assert found["gaps"][0]["value"] == pytest.approx((2 / 3 - 1 + 2 / 3 + 8 / 15) / 2)
    assert found["signature"]["judge"].endswith("canaries=20/20")
    assert found["signature"]["language"] == "arabic+latin"


def test_an_item_of_two_published_files_is_asked_once(
    tmp_path: Path, opener: Any, grader: Callable[[Grader], Grader], hard: dict[str, str]
) -> None:
    judge, model = grader(Grader()), Model(answer)
    recipe = settings(tmp_path, healthbench={"files": {**hard, "main": hard["hard"]}})
    done = evaluate.run(recipe, opener(model))
    assert len(model.asked) == 3
    assert len(judge.requests) == 10 + 9
    sets = io.read_json(done / "scores.json")["sets"]
    assert sets["main"]["overall"]["mean"] == sets["hard"]["overall"]["mean"]


def test_a_missing_verdict_leaves_its_item_without_a_score(
    tmp_path: Path, opener: Any, grader: Callable[[Grader], Grader], hard: dict[str, str]
) -> None:
    lines = [item(name, f"What helps, {name}") for name in "ab"]
    lines.append(item("c", "What helps, c", rubrics=[("Names a doctor or nurse.", 5, "accuracy")]))
    write(Path(hard["hard"]), lines)
    grader(Grader(lambda criterion, tries: "Hard to say." if "nurse" in criterion else None))
    done = evaluate.run(settings(tmp_path, healthbench={"files": hard, "tries": 2}), opener(Model(answer)))
    found = io.read_json(done / "scores.json")["sets"]["hard"]
    assert found["overall"]["n"] == 2
    assert found["overall"]["mean"] == pytest.approx((1 - 8 / 15) / 2)
    assert found["verdicts"] == {"rubrics": 7, "missing": {"unparsed verdict": 1}}
    assert found["bounds"] == [pytest.approx((1 - 8 / 15) / 3), pytest.approx((2 - 8 / 15) / 3)]
    page = (done / "scores.md").read_text(encoding="utf-8")
    assert "1 of 3 items have no score (1 a verdict is missing)." in page.splitlines()[0]
    assert read_manifest(done)["counts"] == {"in": 3, "kept": 2, "removed": {"a verdict is missing": 1}}
    assert evaluate.replay(done) == ["scores.json", "scores.md"]


def test_a_killed_run_asks_neither_model_nor_grader_twice(
    tmp_path: Path, opener: Any, grader: Callable[[Grader], Grader], hard: dict[str, str]
) -> None:
    recipe = settings(tmp_path, healthbench={"files": hard})
    judge, killed = grader(Grader()), Model(answer, stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        evaluate.run(recipe, opener(killed))
    assert (len(killed.asked), len(judge.requests)) == (2, 10)

    def dies(criterion: str, tries: int) -> str | None:
        if "allergies" in criterion:
            raise KeyboardInterrupt
        return None

    second, again = grader(Grader(dies)), Model(answer)
    with pytest.raises(KeyboardInterrupt):
        evaluate.run(recipe, opener(again))
    assert len(again.asked) == 1
    third = grader(Grader())
    done = evaluate.run(recipe, opener(Model(answer, stop_after=0)))
    assert len(second.requests) == 2  # no canary was asked again
    assert len(third.requests) == 9
    assert io.read_json(done / "scores.json")["sets"]["hard"]["overall"]["n"] == 3


def test_a_graders_endpoint_that_dies_half_way_is_asked_for_the_rest(
    tmp_path: Path, opener: Any, server: Server, hard: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    prices = {"input": 1.0, "output": 1.0, "currency": "USD"}
    own = {"files": hard, "replies": None, "judge": {**server.endpoint, "prices": prices}}
    recipe = settings(tmp_path, healthbench=own)
    server.dies = 10 + 4
    with pytest.raises(EndpointError):
        evaluate.run(recipe, opener(Model(answer)))
    server.dies = None
    done = evaluate.run(recipe, opener(Model(answer, stop_after=0)))
    assert server.answered == 10 + 9  # none of the verdicts, nor of the canaries, was asked for twice
    found = io.read_json(done / "scores.json")
    assert found["sets"]["hard"]["overall"]["mean"] == pytest.approx(0.2)
    assert (found["signature"]["judge host"], found["signature"]["judge"].split(",")[0]) == (
        "127.0.0.1",
        "grader@127.0.0.1",
    )
    assert "grader: " in capsys.readouterr().err


def test_answers_that_are_absent_have_no_score_and_are_not_graded(
    tmp_path: Path, grader: Callable[[Grader], Grader], hard: dict[str, str]
) -> None:
    answers = tmp_path / "answers.jsonl"
    lines = [{"question_id": f"healthbench/{name}", "text": ANSWERS[name], "model": "x"} for name in "ab"]
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines))
    judge = grader(Grader())
    recipe = settings(tmp_path, model={"answers": str(answers)}, healthbench={"files": hard})
    done = evaluate.run(recipe)
    found = io.read_json(done / "scores.json")
    assert found["sets"]["hard"]["failures"] == {"no answer": 1}
    assert found["sets"]["hard"]["bounds"] is None
    assert len(judge.requests) == 10 + 6
    assert found["answers file"]["model"] == {"no answer": ["healthbench/c"]}
    assert "- no answer: 1 (healthbench/c)" in (done / "scores.md").read_text(encoding="utf-8")
    assert evaluate.replay(done) == ["scores.json", "scores.md"]


def test_a_grader_that_fails_its_canaries_ends_the_run_before_the_model_is_opened(
    tmp_path: Path, grader: Callable[[Grader], Grader], hard: dict[str, str]
) -> None:
    grader(Grader(lambda criterion, tries: verdict(True)))
    with pytest.raises(DataError, match="the grader failed its canaries"):
        evaluate.run(settings(tmp_path, healthbench={"files": hard}), lambda *_: pytest.fail("opened"))
    assert not (tmp_path / "scores").exists()


def test_credentialed_conversations_go_to_no_hosted_grader(tmp_path: Path, hard: dict[str, str]) -> None:
    endpoint = {"base_url": "https://api.example.org/v1", "model": "grader", "tries": 1}
    own = {"files": hard, "judge": endpoint, "replies": None, "data_class": "credentialed"}
    with pytest.raises(DataClassError, match=r"'credentialed' may not be sent to api\.example\.org"):
        evaluate.run(settings(tmp_path, healthbench=own), lambda *_: pytest.fail("opened"))
    listed = {**endpoint, "base_url": "http://127.0.0.1:9/v1"}
    with pytest.raises(EndpointError, match=r"127\.0\.0\.1"):
        evaluate.run(
            settings(tmp_path, healthbench={**own, "judge": listed}), lambda *_: pytest.fail("opened")
        )


def test_a_recipe_that_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    for own, said in (
        ({"replies": None}, "name one judge"),
        ({"files": {"ours-x": "x"}}, "'ours-x' is no name for a set"),
        ({"files": {"Main": "x"}}, "'Main' is no name for a set"),
        ({"files": {"main": "x"}, "twins": {"ar": "main"}}, "'twins' names 'ar'"),
        ({"files": {"main": "x"}, "languages": ["en"]}, "beside 'files' leave it out"),
    ):
        with pytest.raises(ConfigError, match=said):
            settings(tmp_path, healthbench=own)


def test_a_limit_draws_the_same_ids_where_sets_share_them(tmp_path: Path) -> None:
    folder = evaluate.run(settings(tmp_path, export=True, limit=3))
    lines = [value for _, value in io.read_jsonl(folder / "questions.jsonl")]
    ids = [line["question_id"].split("/") for line in lines]
    assert sorted(one[2] for one in ids if one[1] == "ours-en") == sorted(
        one[2] for one in ids if one[1] == "ours-ar"
    )
    assert len(lines) == 6
    assert {line["max_tokens"] for line in lines} == {2048}


def test_a_replay_finds_a_changed_verdict_and_a_changed_score(
    tmp_path: Path, opener: Any, grader: Callable[[Grader], Grader], hard: dict[str, str]
) -> None:
    grader(Grader())
    done = evaluate.run(settings(tmp_path, healthbench={"files": hard}), opener(Model(answer)))
    path = done / "answers.jsonl"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"met": true', '"met": false', 1), encoding="utf-8")
    with pytest.raises(RunError, match=r"line 1: verdict 1 is False, the grader's reply says True"):
        evaluate.replay(done)
    path.write_text(text.replace('"score": 1.0', '"score": 0.5', 1), encoding="utf-8")
    with pytest.raises(RunError, match=r"line 1: the score is 0\.5, its verdicts give 1\.0"):
        evaluate.replay(done)
