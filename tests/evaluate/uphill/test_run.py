"""The whole way: queries asked, responses judged, scores signed, killed runs taken up again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config as recipes
from bimedix2 import evaluate, io
from bimedix2.errors import ConfigError, DataClassError, DataError, EndpointError, RunError
from bimedix2.evaluate import paper
from bimedix2.evaluate.uphill.load import build, claims
from bimedix2.manifest import read_manifest, verify

from .conftest import Model, row, write

YES, NO, SO = "Yes, that is so indeed.", "No, that is not so at all.", "Let us speak of bread."
ARABIC = {YES: "نعم، هذا صحيح تمامًا.", NO: "لا، هذا غير صحيح إطلاقًا."}
OF = {q.query: q for tongue in ("en", "ar") for q in build(claims(), tongue)}


def gives_way(query: str) -> str:
    """Right at the first three levels, agrees at the last two; in the query's language."""
    one = OF[query]
    english = NO if one.veracity == "false" and one.level < 3 else YES
    return ARABIC[english] if one.language == "ar" else english


def settings(tmp_path: Path, replies: Path, **more: Any) -> evaluate.Config:
    values = {"output": str(tmp_path / "scores"), "resamples": 100, "batch": 50, **more}
    values["uphill"] = {
        "replies": str(replies),
        "cache": str(tmp_path / "judge.sqlite"),
        **more.get("uphill", {}),
    }
    return recipes.build(evaluate.Config, values)


def test_our_claims_are_asked_judged_and_scored_in_both_languages(
    tmp_path: Path, opener: Any, replies: Callable[..., Path]
) -> None:
    judge = replies([YES, NO, *ARABIC.values()])
    model = Model(gives_way)
    done = evaluate.run(settings(tmp_path, judge), opener(model))
    verify(done)
    assert len(model.asked) == 600
    found = io.read_json(done / "scores.json")
    for tongue in ("en", "ar"):
        one = found["languages"][tongue]
        assert [cell["value"] for cell in one["levels"]["refuted false"]] == [1, 1, 1, 0, 0]
        assert one["means"]["refuted false"]["value"] == pytest.approx(0.6)
        assert one["means"]["supported true"]["value"] == 1.0
        assert one["slopes"]["refuted false"]["value"] == pytest.approx(-0.3)
        assert one["consistency"]["false"]["value"] == 0.0
        assert one["other language"] == 0
    assert found["gap"]["means"]["refuted false"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    signature = found["signature"]
    assert signature["judge"].startswith("written by hand,entailment@")
    compare = {"compare": {"folders": [str(done), str(done)]}, "output": str(tmp_path / "same")}
    tasks = io.read_json(evaluate.run(recipes.build(evaluate.Config, compare)) / "scores.json")["tasks"]
    assert tasks["3, en"] | {"difference": 0} == tasks["3, en"] | {
        "n": 60,
        "groups": 60,
        "first": 0.5,
        "difference": 0,
    }
    assert signature["judge"].endswith("canaries=30/30")
    page = (done / "scores.md").read_text(encoding="utf-8")
    assert page.splitlines()[0] == "**Partial: Our own 60 claims, unreviewed and no part of UPHILL.**"
    assert "| refuted false | 100.0 [100.0, 100.0]" in page
    assert "judge:written by hand" in page
    line = next(value for _, value in io.read_jsonl(done / "answers.jsonl"))
    assert line["prompt"][0]["text"] in OF
    assert (line["answer"], line["label"], line["judge"]["quote"]) == (YES, "support", YES)
    assert read_manifest(done)["counts"] == {"in": 600, "kept": 600, "removed": {}}


def test_the_english_row_stands_in_the_papers_figure(
    tmp_path: Path, opener: Any, replies: Callable[..., Path]
) -> None:
    done = evaluate.run(settings(tmp_path, replies([YES, NO, *ARABIC.values()])), opener(Model(gives_way)))
    table = paper.make(tmp_path / "paper", [done]) / "tables" / "figure-4.md"
    text = table.read_text(encoding="utf-8")
    assert "| model@1 (run here, 1) | 100.0" in text
    assert "no part of UPHILL" in text.splitlines()[0]


def test_a_killed_run_asks_nothing_twice(tmp_path: Path, opener: Any, replies: Callable[..., Path]) -> None:
    recipe = settings(tmp_path, replies([YES, NO, *ARABIC.values()]))
    killed = Model(gives_way, stop_after=240)
    with pytest.raises(KeyboardInterrupt):
        evaluate.run(recipe, opener(killed))
    again = Model(gives_way)
    evaluate.run(recipe, opener(again))
    assert len(killed.asked) == 200
    assert sorted(killed.asked + again.asked) == sorted(OF)


def test_a_judge_that_fails_its_canaries_ends_the_run_before_the_model_is_opened(
    tmp_path: Path, replies: Callable[..., Path]
) -> None:
    path = replies([])
    text = path.read_text(encoding="utf-8")
    assert text.count('\\"support\\"}') == 10
    path.write_text(text.replace('\\"support\\"}', '\\"neutral\\"}'), encoding="utf-8")
    with pytest.raises(DataError, match="the judge failed its canaries"):
        evaluate.run(settings(tmp_path, path), lambda *_: pytest.fail("opened"))
    assert not (tmp_path / "scores").exists()


def test_an_endpoint_that_is_not_there_ends_the_run_before_the_model_is_opened(tmp_path: Path) -> None:
    endpoint = {"base_url": "http://127.0.0.1:9/v1", "model": "m", "tries": 1}
    values = {"output": str(tmp_path / "scores"), "uphill": {"judge": endpoint, "cache": str(tmp_path / "c")}}
    with pytest.raises(EndpointError, match=r"127\.0\.0\.1"):
        evaluate.run(recipes.build(evaluate.Config, values), lambda *_: pytest.fail("opened"))


def test_unparsed_and_empty_responses_are_counted_and_said_in_the_first_line(
    tmp_path: Path, opener: Any, replies: Callable[..., Path]
) -> None:
    path = replies([YES], **{SO: "I cannot say."})
    again = {"contains": "That answer cannot be used", "answer": "I cannot say."}
    path.write_text(path.read_text(encoding="utf-8") + json.dumps(again) + "\n", encoding="utf-8")
    answers = {0: YES, 1: SO, 2: " "}
    model = Model(lambda query: answers.get(OF[query].level, YES))
    recipe = settings(tmp_path, path, limit=4, uphill={"languages": ["en"], "tries": 2})
    done = evaluate.run(recipe, opener(model))
    page = (done / "scores.md").read_text(encoding="utf-8")
    assert page.splitlines()[0] == (
        "**Partial: At most 4 claims (limit=4). Our own 60 claims, unreviewed and no part of UPHILL. 4 of 20 "
        "responses have no label (4 unparsed).**"
    )
    assert "4 unparsed, 4 empty, 0 cut, 0 other language" in page
    rows = [value for _, value in io.read_jsonl(done / "answers.jsonl")]
    assert [row["label"] for row in rows[:5]] == ["support", None, "neutral", "support", "support"]
    assert rows[1]["judge"]["replies"] == ["I cannot say."] * 2
    assert read_manifest(done)["counts"] == {"in": 20, "kept": 16, "removed": {"unparsed": 4}}


def test_a_users_files_are_asked_and_compared_with_the_published_numbers(
    tmp_path: Path, opener: Any, replies: Callable[..., Path]
) -> None:
    english = write(tmp_path / "en.csv", [row("garlic helps", "false", n) for n in range(5)])
    arabic = write(
        tmp_path / "ar.csv", [row("garlic helps", "false", n, f"الثوم مفيد {n}؟") for n in range(5)]
    )
    path = replies([YES, NO])
    recipe = settings(tmp_path, path, uphill={"files": {"en": str(english), "ar": str(arabic)}})
    done = evaluate.run(recipe, opener(Model(lambda query: NO if "garlic" in query else YES)))
    found = io.read_json(done / "scores.json")
    assert found["gap"]["opposed"]["value"] == 1.0
    assert found["languages"]["ar"]["other language"] == 5
    assert "en: true 0 of 766, false 1 of 854" in found["partial"][0]
    assert set(read_manifest(done)["inputs"]) >= {"files/en", "files/ar", "replies"}


def test_two_files_that_disagree_on_a_claim_are_refused(tmp_path: Path, replies: Callable[..., Path]) -> None:
    files = {
        tongue: str(write(tmp_path / f"{tongue}.csv", [row("garlic helps", kind, 0)]))
        for tongue, kind in (("en", "false"), ("ar", "true"))
    }
    recipe = settings(tmp_path, replies([]), uphill={"files": files})
    with pytest.raises(DataError, match="'garlic-helps' is 'false' in one file and 'true' in the other"):
        evaluate.run(recipe, lambda *_: pytest.fail("opened"))


def test_a_recipe_names_one_judge(tmp_path: Path) -> None:
    for judge in ({}, {"replies": "r", "judge": {"base_url": "http://a.test/v1", "model": "m"}}):
        with pytest.raises(ConfigError, match="name one judge"):
            recipes.build(evaluate.Config, {"output": str(tmp_path / "o"), "uphill": judge})


def test_the_queries_are_written_out_for_a_system_elsewhere(
    tmp_path: Path, replies: Callable[..., Path]
) -> None:
    folder = evaluate.run(settings(tmp_path, replies([]), export=True, limit=2))
    lines = [value for _, value in io.read_jsonl(folder / "questions.jsonl")]
    assert len(lines) == 20
    assert {line["question_id"].split("/")[1] for line in lines} == {"en", "ar"}


def test_the_same_answers_give_the_same_scores(
    tmp_path: Path, opener: Any, replies: Callable[..., Path]
) -> None:
    path = replies([YES, NO, *ARABIC.values()])
    first = evaluate.run(settings(tmp_path, path, limit=3), opener(Model(gives_way)))
    recipe = settings(tmp_path, path, limit=3, output=str(tmp_path / "again"))
    again = evaluate.run(recipe, opener(Model(gives_way)))
    for name in ("scores.json", "scores.md", "paper.jsonl"):
        assert (first / name).read_text() == (again / name).read_text()


def test_a_filled_sheet_tells_how_far_the_judge_agrees(
    tmp_path: Path, opener: Any, replies: Callable[..., Path]
) -> None:
    path = replies([YES, NO, *ARABIC.values()])
    first = evaluate.run(settings(tmp_path, path, limit=3), opener(Model(gives_way)))
    empty = (first / "handcheck.csv").read_text(encoding="utf-8")
    assert empty.count("\n") == 31
    sheet = tmp_path / "filled.csv"
    sheet.write_text(empty.replace(f"{YES},", f"{YES},support").replace(f'"{YES}",', f'"{YES}",support'))
    more = {"output": str(tmp_path / "again"), "reuse": str(first), "uphill": {"hand": str(sheet)}}
    again = evaluate.run(settings(tmp_path, path, limit=3, **more), opener(Model(gives_way, stop_after=0)))
    found = io.read_json(again / "scores.json")["hand check"]
    assert found["equal"]["value"] == 1.0
    assert found["n"] == empty.count(YES) > 5
    assert "equal labels 100.0" in (again / "scores.md").read_text(encoding="utf-8")
    assert evaluate.replay(again) == ["paper.jsonl", "scores.json", "scores.md"]


def test_a_replay_reads_every_label_again_and_finds_a_changed_one(
    tmp_path: Path, opener: Any, replies: Callable[..., Path]
) -> None:
    recipe = settings(tmp_path, replies([YES], **{SO: "I cannot say."}), limit=3, uphill={"tries": 1})
    done = evaluate.run(recipe, opener(Model(lambda query: SO if OF[query].level == 1 else YES)))
    assert evaluate.replay(done) == ["paper.jsonl", "scores.json", "scores.md"]
    text = (done / "answers.jsonl").read_text(encoding="utf-8")
    (done / "answers.jsonl").write_text(text.replace('"label": "support"', '"label": "refute"', 1))
    with pytest.raises(
        RunError, match=r"answers\.jsonl line 1: the label is refute, the judge's .* says support"
    ):
        evaluate.replay(done)


def test_nothing_is_sent_where_the_claims_may_not_go(tmp_path: Path, replies: Callable[..., Path]) -> None:
    """Neither the judge's canaries nor a query: both hosts are looked at first."""
    file = write(tmp_path / "en.csv", [row("garlic helps", "false", 0)])
    mine = {"files": {"en": str(file)}, "data_class": "credentialed"}
    judge = {"judge": {"base_url": "http://judge.test/v1", "model": "m"}, "cache": str(tmp_path / "c")}
    recipe = recipes.build(evaluate.Config, {"output": str(tmp_path / "o"), "uphill": {**mine, **judge}})
    with pytest.raises(DataClassError, match=r"may not be sent to judge\.test"):
        evaluate.run(recipe, lambda *_: pytest.fail("opened"))
    model = {"endpoint": {"base_url": "http://model.test/v1", "model": "m"}}
    recipe = settings(tmp_path, replies([]), uphill=mine, model=model)
    with pytest.raises(DataClassError, match=r"may not be sent to model\.test"):
        evaluate.run(recipe, lambda *_: pytest.fail("opened"))
    assert not (tmp_path / "c").exists()
    assert not (tmp_path / "judge.sqlite").exists()


def test_a_key_of_other_tasks_and_a_folder_in_a_file_s_place_are_one_sentence(
    tmp_path: Path, replies: Callable[..., Path]
) -> None:
    with pytest.raises(ConfigError, match=r"write uphill\.max_tokens"):
        evaluate.run(settings(tmp_path, replies([]), max_tokens=9), lambda *_: pytest.fail("opened"))
    recipe = settings(tmp_path, replies([]), uphill={"files": {"en": str(tmp_path)}})
    with pytest.raises(DataError, match="cannot be read"):
        evaluate.run(recipe, lambda *_: pytest.fail("opened"))
    recipe = settings(tmp_path, replies([]), uphill={"hand": str(tmp_path)})
    with pytest.raises(DataError, match="cannot be read"):
        evaluate.run(recipe, lambda *_: pytest.fail("opened"))


def test_faults_of_an_answers_file_stand_on_the_page(tmp_path: Path, replies: Callable[..., Path]) -> None:
    file = write(tmp_path / "en.csv", [row("garlic helps", "false", n) for n in range(5)])
    ids = [f"uphill/en/garlic-helps/{n}" for n in (0, 1, 1, 3, 9)]
    given: list[dict[str, Any]] = [{"question_id": name, "text": NO, "model": "x"} for name in ids]
    given[3]["text"] = float("nan")
    answers = tmp_path / "answers.jsonl"
    answers.write_text("".join(json.dumps(one) + "\n" for one in given), encoding="utf-8")
    mine = {"files": {"en": str(file)}}
    done = evaluate.run(settings(tmp_path, replies([NO]), uphill=mine, model={"answers": str(answers)}))
    page = (done / "scores.md").read_text(encoding="utf-8")
    assert "3 of 5 responses have no label (2 no answer, 1 text is NaN or none)" in page.splitlines()[0]
    for line in (
        "- no answer: 2 (",
        "- text is NaN or none: 1 (",
        "- same answer twice: 1 (",
        "- extra: 1 (",
    ):
        assert f"{line}uphill/en/garlic-helps/" in page
    assert evaluate.replay(done) == ["paper.jsonl", "scores.json", "scores.md"]
