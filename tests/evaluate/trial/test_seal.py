"""What is sealed names no model and can be un-blinded by its key alone; what is wrong with files is said."""

import json
import re
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bimedix2 import io
from bimedix2.config import build
from bimedix2.errors import ConfigError, DataError, RunError
from bimedix2.evaluate import Config, replay, run
from bimedix2.evaluate.trial.seal import labels_of
from bimedix2.manifest import RunFolder, read_manifest, verify

from .conftest import MODELS


def everything(folder: Path) -> str:
    """All names of files and all texts below a folder."""
    parts = []
    for path in sorted(folder.rglob("*")):
        parts.append(path.relative_to(folder).as_posix())
        if path.is_file() and "images" not in path.parts:
            parts.append(path.read_text(encoding="utf-8"))
    return "\n".join(parts)


def test_the_sealed_folder_holds_items_with_their_pictures_and_no_name(bench: Any, capsys: Any) -> None:
    folder = bench.seal()
    verify(folder)
    rows = bench.items()
    assert [row["id"] for row in rows] == [f"{n:03d}" for n in range(1, 13)]
    for row in rows:
        assert [answer["label"] for answer in row["answers"]] == ["A", "B", "C"]
        assert len({answer["text"].split()[-1] for answer in row["answers"]}) == 1  # all of one question
        image = row["turns"][0]["parts"][0]["image"]
        assert io.sha256_file(folder / "images" / image[:2] / image) == image
        assert row["reference"]
        assert "patient" not in row["cluster"]
    assert not re.search("BiMediX|LLaVA|Dragonfly|answers-", everything(folder), re.IGNORECASE)
    assert "12 items of 24" in capsys.readouterr().err
    about = read_manifest(folder)["trial"]
    assert (about["items"], about["labels"], about["languages"]) == (12, ["A", "B", "C"], ["ar", "en"])


def test_the_key_is_apart_private_and_committed_to(bench: Any) -> None:
    folder = bench.seal()
    assert stat.S_IMODE(bench.key.stat().st_mode) == 0o600
    assert io.sha256_file(bench.key) == read_manifest(folder)["trial"]["key_sha256"]
    key = json.loads(bench.key.read_text(encoding="utf-8"))
    by_text = {text: model for model, texts in bench.texts.items() for text in texts.values()}
    for row in bench.items():
        labels = key["items"][row["id"]]["labels"]
        assert {a["label"]: by_text[a["text"]] for a in row["answers"]} == labels
        order = [key["models"][n]["name"] for n in labels_of(key["label_seed"], row["id"], 3)]
        assert [labels[label] for label in "ABC"] == order


def test_labels_change_from_item_to_item_and_from_trial_to_trial(bench: Any) -> None:
    bench.seal(size=24)
    first = [tuple(labels.values()) for labels in bench.labels().values()]
    assert len(set(first)) > 2
    other = bench.config(size=24, key=str(bench.folder / "other.json"))
    run(other.model_copy(update={"output": bench.folder / "other"}))
    again = json.loads((bench.folder / "other.json").read_text(encoding="utf-8"))
    assert [tuple(one["labels"].values()) for one in again["items"].values()] != first
    assert [one["question"] for one in again["items"].values()] == [
        one["question"] for one in json.loads(bench.key.read_text(encoding="utf-8"))["items"].values()
    ]


def test_no_place_is_favoured() -> None:
    places = Counter(labels_of("seed", str(item), 3).index(0) for item in range(3000))
    assert all(900 < count < 1100 for count in places.values())


def test_strata_are_even_and_what_one_lacks_is_told(bench: Any) -> None:
    for model in bench.texts:
        for n in (0, 3, 6, 9):  # domain chest_xray; type modality of the even ones
            if n % 2 == 0:
                del bench.texts[model][f"en-{n}"]
    folder = bench.seal(size=24)
    strata = json.loads((folder / "strata.json").read_text(encoding="utf-8"))
    lacking = [share for share in strata if share["lacks"]]
    assert len(strata) == 12
    assert [(s["domain"], s["type"], s["language"], s["has"], s["taken"], s["lacks"]) for s in lacking] == [
        ("chest_xray", "modality", "en", 0, 0, 2)
    ]
    assert sum(share["taken"] for share in strata) == 22
    page = (folder / "sealed.md").read_text(encoding="utf-8")
    assert page.startswith("**Partial: 22 items, 2 fewer than the 24 wanted")
    removed = [json.loads(line) for line in (folder / "removed" / "removed.jsonl").read_text().splitlines()]
    assert {row["id"] for row in removed} == {"en-0", "en-6"}
    assert {row["what"] for row in removed} == {"3 models: no-answer"}
    assert read_manifest(folder)["counts"] == {
        "in": 24,
        "kept": 22,
        "removed": {"not-answered-by-all": 2, "not-sampled": 0},
    }


def test_a_sample_takes_one_of_each_stratum_in_turn(bench: Any) -> None:
    folder = bench.seal(size=14)
    strata = json.loads((folder / "strata.json").read_text(encoding="utf-8"))
    assert len(strata) == 12
    assert sorted(share["taken"] for share in strata) == [1] * 10 + [2] * 2
    assert all(share["lacks"] == 0 for share in strata)


def test_an_answer_that_names_a_model_is_masked_and_counted(bench: Any) -> None:
    one, two = bench.texts["LLaVA-Med"], bench.texts["BiMediX2-8B"]
    for n in range(12):
        one[f"en-{n}"] = f"I am llava med, a model. Bed {n}."
        two[f"ar-{n}"] = f"أنا BiMediX2، ولستُ وGPT-4o. السرير {n}."
    folder = bench.seal(size=24)
    texts = [answer["text"] for row in bench.items() for answer in row["answers"]]
    assert "I am [model], a model. Bed 3." in texts
    assert "أنا [النموذج]، ولستُ و[النموذج]. السرير 3." in texts
    assert read_manifest(folder)["trial"]["masked"] == {"answer": 36}
    told = json.loads(bench.key.read_text(encoding="utf-8"))["masked"]
    assert Counter(one["was"] for one in told) == {"llava med": 12, "BiMediX2": 12, "GPT-4o": 12}


def test_a_name_in_the_benchmark_itself_is_masked_too(bench: Any) -> None:
    models = bench.models()
    models[0]["aliases"] = ["invented"]
    folder = run(bench.config(models=models, size=24))
    assert "invented" not in everything(folder)
    assert read_manifest(folder)["trial"]["masked"]["reference"] == 12


def test_a_word_of_prose_need_not_be_looked_for(bench: Any) -> None:
    models = bench.models()
    models[0] |= {"name": "answer", "mask": False}
    folder = run(bench.config(models=models))
    assert "Answer 0" in everything(folder)


def test_the_outputs_name_must_tell_nothing(bench: Any) -> None:
    config = bench.config().model_copy(update={"output": bench.folder / "llava-med-trial"})
    with pytest.raises(ConfigError, match="tells a model"):
        run(config)


def test_a_stratum_that_is_called_as_a_model_is_refused(bench: Any) -> None:
    models = bench.models()
    models[0]["name"] = "histology"
    with pytest.raises(ConfigError, match="has the model's name 'histology' in it"):
        run(bench.config(models=models))


def test_a_key_that_is_there_is_not_lost(bench: Any) -> None:
    bench.key.write_text('{"items": "of another trial"}', encoding="utf-8")
    for _ in range(2):
        with pytest.raises(RunError, match="would be lost"):
            bench.seal()
    assert "another trial" in bench.key.read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match="must not lie in the sealed folder"):
        bench.seal(key=str(bench.folder / "sealed" / "key.json"))


def test_a_killed_run_goes_on(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from bimedix2.evaluate.trial import seal

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(seal, "_about", killed)
        with pytest.raises(KeyboardInterrupt):
            bench.seal()
    assert bench.key.is_file()
    assert not (bench.folder / "sealed").exists()
    folder = bench.seal()
    assert io.sha256_file(bench.key) == read_manifest(folder)["trial"]["key_sha256"]
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_answers_that_are_odd_are_counted(bench: Any, capsys: Any) -> None:
    bench.texts["LLaVA-Med"] |= {"en-0": "", "other-1": "of no question"}
    models = bench.models()
    path = Path(models[1]["answers"])
    extra = [
        {"question_id": "en-1", "text": "another"},
        {"question_id": "en-2", "text": "Answer 1 to 2."},
        {"question_id": "en-3", "text": float("nan")},
        {"question_id": "en-4", "text": None},
    ]
    path.write_text(path.read_text(encoding="utf-8") + "".join(json.dumps(row) + "\n" for row in extra))
    folder = run(bench.config(models=models, size=24))
    key = json.loads(bench.key.read_text(encoding="utf-8"))["models"][1]
    odd = {
        "extra": 1,
        "same answer twice": 1,
        "empty answer": 1,
        "several answers": 1,
        "text is NaN or none": 2,
    }
    assert key["counts"] == odd
    assert key["first"]["text is NaN or none"] == ["en-3", "en-4"]
    assert "several answers: 1" in capsys.readouterr().err
    assert read_manifest(folder)["counts"]["removed"]["not-answered-by-all"] == 3
    judged = bench.judge({"amal": bench.prefer("BiMediX2-8B")})
    done = run(bench.reading(judged))
    found = json.loads((done / "scores.json").read_text(encoding="utf-8"))["answers"]
    assert found["LLaVA-Med"]["extra"] == {"n": 1, "first": ["other-1"]}
    assert found["BiMediX2-8B"] == {}
    page = (done / "scores.md").read_text(encoding="utf-8")
    assert "text is NaN or none: 2 (en-3, en-4)" in page
    assert replay(done)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "a"}, "has no 'question_id'"),
        ({"question_id": "en-1"}, "has no 'text'"),
        ({"question_id": True, "text": "a"}, "has no 'question_id'"),
        ([], "is no object"),
    ],
)
def test_a_broken_row_of_answers_is_named(bench: Any, row: Any, said: str) -> None:
    models = bench.models()
    path = Path(models[0]["answers"])
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match=f"line 1.*{said}"):
        run(bench.config(models=models))


def test_files_that_do_not_belong_together_are_refused(bench: Any) -> None:
    models = bench.models()
    Path(models[0]["answers"]).write_text('{"question_id": 5, "text": "a", "model": "x"}\n')
    with pytest.raises(DataError, match="is one of the benchmark's"):
        run(bench.config(models=models))
    models = bench.models()
    models[1]["name"] = "BiMediX2-8B"
    with pytest.raises(ConfigError, match="two models are called"):
        run(bench.config(models=models))
    bench.texts["LLaVA-Med"] = {"en-1": "a"}
    bench.texts["Dragonfly-Med"] = {"en-2": "a"}
    with pytest.raises(DataError, match="no question has one answer of every model"):
        run(bench.config())


def test_a_folder_of_scores_is_a_file_of_answers_too(bench: Any) -> None:
    from bimedix2.manifest import RunFolder

    with RunFolder(bench.folder / "scores", "evaluate", {}) as out:
        rows = [
            {"id": key, "role": role, "task": "image_qa", "raw": {"answer": f"{role} {text}"}}
            for key, text in bench.texts["BiMediX2-8B"].items()
            for role in ("model", "base")
        ]
        io.write_jsonl(out.path / "answers.jsonl", rows)
        out.publish({}, {"signature": {"model": {"model": "nano", "base": "nano-base"}}})
    models = [
        {"answers": str(bench.folder / "scores")},
        {"answers": str(bench.folder / "scores"), "role": "base"},
    ]
    run(bench.config(models=models))
    assert {name for labels in bench.labels().values() for name in labels.values()} == {"nano", "nano-base"}
    assert {a["text"].split()[0] for row in bench.items() for a in row["answers"]} == {"model", "base"}


def test_what_a_system_refused_is_no_empty_answer_to_judge(bench: Any) -> None:
    """A folder of scores keeps a refused question with an empty text and the reason."""
    models = bench.models()
    with RunFolder(bench.folder / "scores", "evaluate", {}) as out:
        rows = [
            {"id": key, "role": "model", "task": "vqa", "raw": {"answer": text}}
            for key, text in bench.texts[MODELS[0]].items()
        ]
        rows[0] |= {"raw": {"answer": "", "failure": "refused"}, "failure": "refused"}
        io.write_jsonl(out.path / "answers.jsonl", rows)
        out.publish({}, {"signature": {"model": {"model": MODELS[0]}}})
    models[0] = {"answers": str(bench.folder / "scores")}
    folder = bench.seal(models=models, size=24)
    assert read_manifest(folder)["counts"]["removed"] == {"not-answered-by-all": 1, "not-sampled": 0}
    assert len(bench.items()) == 23
    assert all(answer["text"] for row in bench.items() for answer in row["answers"])


def test_published_files_of_both_languages(bench: Any) -> None:
    Image.new("L", (50, 40), 70).save(bench.folder / "one.jpg")
    for language, (question, reference) in {
        "en": ("What is it?", "A slide."),
        "ar": ("ما هذا؟", "شريحة."),
    }.items():
        rows = [
            {
                "question_id": n,
                "image": "one.jpg",
                "text": question,
                "gpt4_answer": reference,
                "fig_caption": "c",
                "fig_label": "f",
                "in_text_mention": [],
                "domain": {"histology": True},
                "type": "conversation",
            }
            for n in range(3)
        ]
        io.write_jsonl(bench.folder / f"{language}.jsonl", rows)
        for model in "xy":
            answers = [
                {"question_id": n, "text": f"{model} {language} {n}", "model": f"model-{model}"}
                for n in range(3)
            ]
            io.write_jsonl(bench.folder / f"{model}-{language}.jsonl", answers)
    files = {language: str(bench.folder / f"{language}.jsonl") for language in ("en", "ar")}
    models = [
        {
            "answers": {language: str(bench.folder / f"{m}-{language}.jsonl") for language in files},
            "mask": False,
        }
        for m in "xy"
    ]
    benchmark = {"questions": files, "images": str(bench.folder)}
    folder = run(bench.config(benchmark=benchmark, models=models, size=6))
    assert read_manifest(folder)["trial"]["data_classes"] == ["non-commercial"]
    for row in bench.items():
        assert {a["text"].split()[1] for a in row["answers"]} == {row["language"]}
        assert (row["domain"], row["type"]) == ("histology", "conversation")
    assert len({row["cluster"] for row in bench.items()}) == 1


@pytest.mark.parametrize(
    ("trial", "said"),
    [
        ({}, "either sealed or read"),
        (
            {"seal": {"benchmark": {"records": "a", "questions": {"en": "b"}}, "models": []}},
            "name one benchmark",
        ),
        ({"seal": {"benchmark": {"questions": {"en": "b"}}, "models": []}}, "give both or neither"),
        (
            {
                "seal": {
                    "benchmark": {"questions": {"en": "b", "ar": "c"}, "images": "d"},
                    "models": [{"answers": "a"}, {"answers": "b"}],
                }
            },
            "share their ids",
        ),
        (
            {
                "seal": {
                    "benchmark": {"questions": {"en": "b"}, "images": "d"},
                    "models": [{"answers": {"ar": "a"}}, {"answers": "b"}],
                }
            },
            "has no answers in 'en'",
        ),
    ],
)
def test_a_recipe_that_cannot_be_is_refused_at_the_door(trial: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build(Config, {"output": "x", "trial": trial})
