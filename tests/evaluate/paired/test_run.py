"""The room's door with ``paired``: what is on disk, resuming, partial results, files, and bad input."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config, evaluate, io
from bimedix2.errors import ConfigError, DataError, RunError
from bimedix2.evaluate.signature import Subject
from bimedix2.llm.backend import Request
from bimedix2.manifest import read_manifest, verify

from .conftest import Scripted

Make = Callable[..., evaluate.Config]


@pytest.fixture
def settings(tmp_path: Path) -> Make:
    """The recipe; keywords go into ``paired``, those with a ``_`` over the room's own keys."""

    def make(**own: Any) -> evaluate.Config:
        recipe: dict[str, Any] = {"output": str(tmp_path / "scores"), "resamples": 200, "known_words": False}
        recipe |= {key[1:]: value for key, value in own.items() if key.startswith("_")}
        paired = {key: str(v) if isinstance(v, Path) else v for key, v in own.items() if key[0] != "_"}
        return config.build(evaluate.Config, recipe | {"paired": paired})

    return make


def opener(backend: Any) -> Callable[..., Subject]:
    return lambda *_: Subject(backend, "weights", "template")


def rows(path: Path) -> list[dict[str, Any]]:
    return [row for _, row in io.read_jsonl(path)]


def test_a_model_that_is_right_in_both_languages(
    dataset: Path, right: dict[str, str], settings: Make
) -> None:
    folder = evaluate.run(settings(dataset=dataset), opener(Scripted(right)))
    verify(folder)
    found = io.read_json(folder / "scores.json")
    assert found["partial"] == ""
    assert found["all"]["agreement"] == {
        "both right": 6, "English alone": 0, "Arabic alone": 0, "both wrong": 0,
    }  # fmt: skip
    assert found["all"]["accuracy"]["gap"]["value"] == 0
    assert found["all"]["contradiction"]["rate"]["value"] == 0
    assert found["all"]["language"]["ar"]["kept"]["value"] == 1
    assert found["paired by"] == {"id": 5, "translation": 1}
    assert found["not paired"]["asks for another value in the other language"] == 2
    assert read_manifest(folder)["counts"]["in"] == 18
    assert read_manifest(folder)["counts"]["removed"]["earlier turns of its own"] == 1
    page = (folder / "scores.md").read_text(encoding="utf-8")
    assert page.startswith("# The same items in both languages: scripted@1")
    assert "|language:ar+en|" in page
    assert len(rows(folder / "answers.jsonl")) == 12
    assert len(rows(folder / "removed" / "removed.jsonl")) == 6


def test_a_gap_a_contradiction_and_a_wrong_language(
    dataset: Path, right: dict[str, str], settings: Make
) -> None:
    """Asked in Arabic the brain MRI is a chest radiograph, and the first chest is answered in English."""
    wrong = {"نوع الصورة 4؟": right["نوع الصورة 1؟"], "نوع الصورة 1؟": right["Kind of image 1?"]}
    folder = evaluate.run(settings(dataset=dataset), opener(Scripted(right | wrong)))
    found = io.read_json(folder / "scores.json")["all"]
    assert found["agreement"]["English alone"] == 2
    assert found["accuracy"]["gap"]["value"] == pytest.approx(2 / 6)
    assert found["contradiction"]["kinds"] == {"modality": 1, "region": 1}
    assert found["contradiction"]["not comparable"] == 1  # greetings name nothing
    assert found["language"]["ar"]["kept"]["value"] == pytest.approx(5 / 6)
    assert found["language"]["ar"]["switched"]["value"] == pytest.approx(1 / 6)
    item = next(row for row in rows(folder / "pairs.jsonl") if row["id"] == "p2|*|held|0")
    assert (item["contradicts"], item["agreement"]) == (["modality", "region"], "English alone")
    answer = next(r for r in rows(folder / "answers.jsonl") if r["id"] == "p1|ar|held|0")
    assert (answer["right"], answer["language_kept"]) == (False, False)
    assert "other language" in answer["reasons"]
    page = (folder / "scores.md").read_text(encoding="utf-8")
    assert "- `p2|*|held|0` (modality; modality, region; English alone)" in page
    assert "| modality | 100.0" in page


def test_a_folder_is_replayed_from_its_logs(dataset: Path, right: dict[str, str], settings: Make) -> None:
    wrong = {"نوع الصورة 4؟": right["نوع الصورة 1؟"]}
    recipe = settings(dataset=dataset, _known_words=True)
    folder = evaluate.run(recipe, opener(Scripted(right | wrong)))
    assert evaluate.replay(folder) == ["scores.json", "scores.md"]
    lines = rows(folder / "answers.jsonl")
    assert [line["item"] for line in lines if not line["right"]] == ["p2|*|held|0"]
    io.write_jsonl(folder / "answers.jsonl", [{**line, "right": True} for line in lines])
    with pytest.raises(RunError, match=r"item 3 in ar: 'right' is True, recomputed False"):
        evaluate.replay(folder)


def test_a_killed_run_asks_for_nothing_again(dataset: Path, right: dict[str, str], settings: Make) -> None:
    recipe = settings(dataset=dataset, _batch=4)
    first = Scripted(right, stop_after=8)
    with pytest.raises(KeyboardInterrupt):
        evaluate.run(recipe, opener(first))
    second = Scripted(right)
    folder = evaluate.run(recipe, opener(second))
    assert (first.asked, second.asked) == (8, 4)
    silent = Scripted(right, stop_after=0)
    again = evaluate.run(settings(dataset=dataset, _reuse=str(folder), _output=f"{folder}-2"), opener(silent))
    assert silent.asked == 0
    one, other = (io.read_json(f / "scores.json")["all"] for f in (folder, again))
    assert one == other


def test_a_limit_makes_it_partial(dataset: Path, right: dict[str, str], settings: Make) -> None:
    folder = evaluate.run(settings(dataset=dataset, _limit=2), opener(Scripted(right)))
    assert io.read_json(folder / "scores.json")["all"]["items"] == 2
    assert (folder / "scores.md").read_text().startswith("**Partial: at most 2 items (limit=2).")


def test_an_item_without_both_answers_is_counted_and_in_no_number(
    dataset: Path, right: dict[str, str], settings: Make, tmp_path: Path
) -> None:
    folder = evaluate.run(settings(dataset=dataset, _export=True), opener(Scripted({})))
    questions = rows(folder / "questions.jsonl")
    assert len(questions) == 12
    given = [
        {"question_id": one["question_id"], "text": right[one["text"]], "model": "peer"}
        for one in questions
        if one["question_id"] != "p2|ar|held|0"
    ]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given))
    model = {"answers": str(tmp_path / "answers.jsonl")}
    done = evaluate.run(settings(dataset=dataset, _model=model, _output=str(tmp_path / "peer")))
    found = io.read_json(done / "scores.json")
    assert found["all"]["items"] == 5
    assert found["partial"] == "1 of 6 items lack an answer (1 ar: no answer)"
    assert read_manifest(done)["counts"]["removed"]["lacks an answer"] == 2
    assert [r["reasons"] for r in rows(done / "answers.jsonl") if r["right"] is None] == [
        ["ar: no answer"]
    ] * 2


def pubmedqa(path: Path, tongue: str) -> Path:
    words = ("Is it so", "It was.") if tongue == "en" else ("هل الأمر كذلك", "كان كذلك.")
    made = [
        {"pubid": str(n), "QUESTION": f"{words[0]} {n}?", "CONTEXTS": [words[1]], "final_decision": right}
        for n, right in enumerate(["yes", "no", "maybe", "yes"])
    ]
    io.write_jsonl(path, made if tongue == "en" else made[:3])
    return path


class Clerk(Scripted):
    """Answers yes in English, and in Arabic what the question's number says."""

    def chat(self, requests: Any) -> Any:
        texts = [request.messages[-1].text for request in requests]
        self.table |= {text: self._answer(text) for text in texts}
        return super().chat(requests)

    def _answer(self, text: str) -> str:
        if "Answer yes, no or maybe." in text:
            return "Yes, it is."
        assert "أجب بنعم أو لا أو ربما." in text
        return "نعم." if "كذلك 0" in text else "لا، ليس كذلك." if "كذلك 1" in text else "لا أعلم (unclear)."


def test_files_of_questions_with_options(settings: Make, tmp_path: Path) -> None:
    english, arabic = (pubmedqa(tmp_path / f"{t}.jsonl", t) for t in ("en", "ar"))
    folder = evaluate.run(settings(english=english, arabic=arabic), opener(Clerk({})))
    found = io.read_json(folder / "scores.json")
    assert found["not paired"] == {"not in the Arabic file": 1}
    # Yes is right of question 0; in Arabic 0 and 1 are right, and 2 begins with no.
    assert found["all"]["agreement"] == {
        "both right": 1, "English alone": 0, "Arabic alone": 1, "both wrong": 1,
    }  # fmt: skip
    assert found["all"]["contradiction"]["kinds"] == {"option": 2}
    assert found["all"]["language"]["ar"]["switched"]["value"] == 0  # in brackets
    assert [row["id"] for row in rows(folder / "answers.jsonl")][:2] == ["en/0", "ar/0"]


def test_options_by_their_likelihood(settings: Make, tmp_path: Path) -> None:
    english, arabic = (pubmedqa(tmp_path / f"{t}.jsonl", t) for t in ("en", "ar"))
    recipe = settings(english=english, arabic=arabic, options="likelihood")
    found = io.read_json(evaluate.run(recipe, opener(Scripted({}, favour="yes"))) / "scores.json")["all"]
    # In Arabic no option is favoured, and the first of equal ones is yes too.
    assert found["contradiction"]["rate"]["value"] == 0
    assert found["agreement"]["both right"] == 1
    assert found["language"]["ar"]["kept"] is None  # nothing was written


def test_letters_have_no_language(settings: Make, tmp_path: Path) -> None:
    row = {"id": "1", "question": "Which?", "choices": ["rib", "ulna"], "answer": 1}
    io.write_jsonl(tmp_path / "en.jsonl", [row, {**row, "id": "2"}])
    io.write_jsonl(
        tmp_path / "ar.jsonl", [{**row, "choices": ["ضلع", "زند"]}, {**row, "id": "2", "answer": 0}]
    )
    recipe = settings(english=tmp_path / "en.jsonl", arabic=tmp_path / "ar.jsonl")

    class B(Scripted):
        def chat(self, requests: Any) -> Any:
            self.table |= {request.messages[-1].text: "B." for request in requests}
            return super().chat(requests)

    model = B({})
    folder = evaluate.run(recipe, opener(model))
    found = io.read_json(folder / "scores.json")
    assert found["all"]["agreement"]["both right"] == 1
    assert found["all"]["language"]["ar"] == {"kept": None, "switched": None, "empty": 0, "words": {}}
    assert found["not paired"] == {"other options, or another right answer, in the other language": 1}
    shown: Request = model.calls[0][0]
    assert any(
        request.messages[0].text == "Which?\nA. ضلع\nB. زند\nأجب بحرف الخيار الصحيح."
        for request in model.calls[0]
    ), shown


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({}, "name a 'dataset', or both 'english' and 'arabic'"),
        ({"english": "a.jsonl"}, "both 'english' and 'arabic'"),
        ({"dataset": "d", "english": "a.jsonl"}, "exclude each other"),
        ({"dataset": "d", "images": "i"}, "belong to files of BiMed-MBench"),
        ({"dataset": "d", "option": "likelihood"}, "did you mean 'options'"),
    ],
)
def test_a_recipe_names_one_source(settings: Make, own: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        settings(**own)


def test_bad_files_are_named_before_a_model_is_opened(settings: Make, tmp_path: Path) -> None:
    def never(*_: Any) -> Subject:
        pytest.fail("a model was opened")

    english, arabic = (pubmedqa(tmp_path / f"{t}.jsonl", t) for t in ("en", "ar"))
    with pytest.raises(DataError, match=r"none\.jsonl is no file"):
        evaluate.run(settings(english=english, arabic=tmp_path / "none.jsonl"), never)
    io.write_jsonl(arabic, [{"pubid": "9", "QUESTION": "س", "CONTEXTS": ["ج"], "final_decision": "yes"}])
    with pytest.raises(DataError, match="have no question in common"):
        evaluate.run(settings(english=english, arabic=arabic), never)
    io.write_jsonl(arabic, [{"pubid": "0", "QUESTION": "س", "CONTEXTS": ["ج"], "final_decision": "نعم"}])
    with pytest.raises(DataError, match="'final_decision' is 'نعم', not yes, no or maybe"):
        evaluate.run(settings(english=english, arabic=arabic), never)
    io.write_jsonl(arabic, [{"pubid": "0", "words": "س"}])
    with pytest.raises(DataError, match=r"ar\.jsonl row 0 is no question with options that this knows"):
        evaluate.run(settings(english=english, arabic=arabic), never)
    with pytest.raises(DataError, match="leave out images and judged"):
        evaluate.run(settings(english=english, arabic=arabic, images=tmp_path), never)
