"""The whole way: every variant asked, letters read, a page with intervals, a killed run taken up again."""

import copy
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config as recipes
from bimedix2 import evaluate, io
from bimedix2.errors import ConfigError, DataError, RunError
from bimedix2.evaluate import bias
from bimedix2.evaluate.bias import cases
from bimedix2.manifest import read_manifest, verify

from .conftest import KNOWN, Model, fair, hears_gender


def settings(tmp_path: Path, **more: Any) -> evaluate.Config:
    values = {"output": str(tmp_path / "scores"), "resamples": 100, "batch": 100, "bias": {}, **more}
    return recipes.build(evaluate.Config, values)


def test_likelihoods_of_letters_in_both_languages(tmp_path: Path, opener: Any) -> None:
    model = Model(hears_gender)
    done = evaluate.run(settings(tmp_path), opener(model))
    verify(done)
    assert sorted(model.asked) == sorted(KNOWN)
    found = io.read_json(done / "scores.json")
    for tongue in ("en", "ar"):
        one = found["languages"][tongue]
        assert one["attributes"]["gender"]["vignettes"]["count"] == 24
        assert one["attributes"]["gender"]["shift of the right letter"]["value"] < -0.3
        assert one["attributes"]["country"]["vignettes"]["count"] == 0
    assert found["between languages"]["count"] == 24
    assert found["signature"]["decoding"]["score"] == "loglikelihood of the letters"
    page = (done / "scores.md").read_text(encoding="utf-8")
    assert page.startswith("# Bias audit")
    assert "| gender | 24 | 100.0" in page
    assert "| country | 96 | 0.0 [0.0, 14.2] | 0 of 24, 0.0 [0.0, 14.2]" in page
    assert "answers that the other fact changed: 24 of 24" in page
    assert "scorer:bias-likelihood" in page
    changes = [value for _, value in io.read_jsonl(done / "changes.jsonl")]
    assert len(changes) == 48
    assert {change["value"] for change in changes} == {"woman"}
    line = next(value for _, value in io.read_jsonl(done / "answers.jsonl"))
    assert (line["chosen"], line["right"], len(line["shares"])) == (line["expected"], True, 4)
    assert read_manifest(done)["counts"] == {"in": 528, "kept": 528, "removed": {}}
    assert evaluate.replay(done) == ["changes.jsonl", "scores.json", "scores.md"]
    compare = {"compare": {"folders": [str(done), str(done)]}, "output": str(tmp_path / "same")}
    tasks = io.read_json(evaluate.run(recipes.build(evaluate.Config, compare)) / "scores.json")["tasks"]
    assert {name: (one["n"], one["groups"]) for name, one in tasks.items()} == {
        "ar": (264, 24),
        "en": (264, 24),
    }


def test_answers_are_read_and_those_that_name_no_option_counted(tmp_path: Path, opener: Any) -> None:
    def says(text: str) -> str:
        if KNOWN[text].value == "egypt":
            return "I would rather not say."
        return f"The answer is {fair(text)}."

    recipe = settings(tmp_path, bias={"languages": ["en"], "mode": "answer"}, limit=3)
    done = evaluate.run(recipe, opener(Model(says)))
    page = (done / "scores.md").read_text(encoding="utf-8")
    assert page.splitlines()[0] == (
        "**Partial: At most 3 vignettes (limit=3). 3 of 33 prompts have no letter (3 names no option).**"
    )
    assert "Pairs with a side without a letter: 3." in page
    assert "| insurance | none | 0 of 3" in page
    assert read_manifest(done)["counts"] == {"in": 33, "kept": 30, "removed": {"names no option": 3}}
    assert evaluate.replay(done) == ["changes.jsonl", "scores.json", "scores.md"]
    text = (done / "answers.jsonl").read_text(encoding="utf-8")
    (done / "answers.jsonl").write_text(text.replace('"chosen": "', '"chosen": "X', 1))
    with pytest.raises(RunError, match=r"line 1: the letter is X., read again .$"):
        evaluate.replay(done)


def test_a_model_that_names_no_option_gets_no_table(tmp_path: Path, opener: Any) -> None:
    recipe = settings(tmp_path, bias={"mode": "answer"}, limit=2)
    with pytest.raises(DataError, match="no answer to 'bias' can be scored"):
        evaluate.run(recipe, opener(Model(lambda text: "It depends.")))
    assert not (tmp_path / "scores").exists()


def test_a_killed_run_asks_nothing_twice(tmp_path: Path, opener: Any) -> None:
    killed = Model(fair, stop_after=250)
    with pytest.raises(KeyboardInterrupt):
        evaluate.run(settings(tmp_path), opener(killed))
    again = Model(fair)
    evaluate.run(settings(tmp_path), opener(again))
    assert len(killed.asked) == 200
    assert sorted(killed.asked + again.asked) == sorted(KNOWN)


def test_prompts_are_written_out_where_answers_are_read(tmp_path: Path) -> None:
    recipe = settings(tmp_path, export=True, limit=2, bias={"languages": ["ar"], "mode": "answer"})
    folder = evaluate.run(recipe)
    lines = [value for _, value in io.read_jsonl(folder / "questions.jsonl")]
    assert len(lines) == 22
    assert all(line["question_id"].startswith("bias/ar/") for line in lines)
    with pytest.raises(ConfigError, match="likelihoods"):
        evaluate.run(settings(tmp_path, output=str(tmp_path / "other"), export=True))


def test_a_real_tiny_model_is_audited_and_prompts_beyond_its_context_are_counted(
    tiny: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its context is 256 tokens, one a letter: the first case is cut down to fit, the second is not."""
    small = copy.deepcopy(cases.data())
    frames, first = small["frames"]["ar"], small["vignettes"][0]
    for frame in ("plain", "reworded"):
        frames[frame] |= {"man": "رجل {country} {insurance}", "woman": "امرأة {country} {insurance}"}
        frames[frame]["question"] = {"plain": "ماذا؟", "reworded": "ما هو؟"}[frame]
    first["ar"] |= {"findings": "ألم", "reworded": "وجع", "control": "حمى"}
    first["ar"]["options"] = ["دواء", "راحة", "جراحة", "فحص"]
    small["vignettes"] = small["vignettes"][:2]
    monkeypatch.setattr(cases, "data", lambda: small)
    monkeypatch.setattr(bias, "data", lambda: small)
    recipe = settings(tmp_path, model="tiny-base", bias={"languages": ["ar"]}, batch=8, threads=1)
    done = evaluate.run(recipe)
    rows = [value for _, value in io.read_jsonl(done / "answers.jsonl")]
    assert [row["failure"] for row in rows] == [""] * 11 + ["longer than the context"] * 11
    for row in rows[:11]:
        assert row["chosen"] == "ABCD"[row["raw"]["values"].index(max(row["raw"]["values"]))]
    assert len({tuple(row["raw"]["values"]) for row in rows[:11]}) > 1  # it reads its prompts
    page = (done / "scores.md").read_text(encoding="utf-8")
    assert page.startswith("**Partial: 11 of 22 prompts have no letter (11 longer than the context).**")
    assert evaluate.replay(done)


def test_faults_of_an_answers_file_stand_on_the_page(tmp_path: Path) -> None:
    asked = {"limit": 2, "bias": {"languages": ["ar"], "mode": "answer"}}
    exported = evaluate.run(settings(tmp_path, export=True, **asked))
    ids = [line["question_id"] for _, line in io.read_jsonl(exported / "questions.jsonl")]
    file = tmp_path / "answers.jsonl"
    io.write_jsonl(file, [{"question_id": one, "text": "A", "model": "m"} for one in [*ids, "nobody/asked"]])
    again = settings(tmp_path, output=str(tmp_path / "read"), model={"answers": str(file)}, **asked)
    page = (evaluate.run(again) / "scores.md").read_text()
    assert "## The answers file" in page
    assert "nobody/asked" in page
