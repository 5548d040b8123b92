"""The room from a dataset folder to scores: what is on disk, resuming, and what is refused before asking."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import evaluate, io
from bimedix2.config import build
from bimedix2.errors import ConfigError, DataError, ModelError, RunError
from bimedix2.evaluate import Config
from bimedix2.llm.backend import Loglikelihood, Request
from bimedix2.manifest import read_manifest, verify
from bimedix2.records import DataClass, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records

from .conftest import ALL_RIGHT, CHEST_AR, CHEST_EN, MakeDataset, Scripted

Opener = Callable[..., Any]


def config(dataset: Path, **more: Any) -> Config:
    return Config(input=dataset, output=dataset.with_name("scores"), resamples=200, known_words=False, **more)


def rows(folder: Path, task: str, role: str = "model") -> list[dict[str, Any]]:
    lines = [row for _, row in io.read_jsonl(folder / "answers.jsonl")]
    return [row for row in lines if (row["task"], row["role"]) == (task, role)]


def test_a_model_that_is_right_meets_its_targets(dataset: Path, opener: Opener) -> None:
    folder = evaluate.run(config(dataset), opener(Scripted(ALL_RIGHT)))
    verify(folder)
    found = io.read_json(folder / "scores.json")
    met = {target["name"]: target["met"] for target in found["targets"]}
    assert met["modality, macro mean, English"] is True
    assert met["modality, macro mean, Arabic"] is True
    assert met["answer in the user's language"] is True
    assert met["blank or noise recognised"] is True
    assert met["false premise corrected"] is None  # none was asked
    assert met["PubMedQA, model minus base"] is True
    assert met["perplexity, model over base"] is True
    assert "modality: radiograph" not in met  # two subjects are fewer than five


def test_numbers_worked_out_by_hand(dataset: Path, opener: Opener) -> None:
    """Radiographs: 2 of 3 right (the Arabic one answered in English); MRI: 1 of 2."""
    table = {**ALL_RIGHT, "ما نوع الصورة 2؟": CHEST_EN, "ما نوع الصورة 5؟": CHEST_AR}
    folder = evaluate.run(config(dataset, tasks=["image_qa"]), opener(Scripted(table)))
    tables = io.read_json(folder / "scores.json")["image_qa"]
    both = tables["together, both"]
    assert both["modality questions"]["radiograph"]["value"] == pytest.approx(2 / 3)
    assert both["modality questions"]["radiograph"]["subjects"] == 2
    assert both["modality questions"]["mri"] | {"low": 0, "high": 0} == {
        "value": 0.5, "low": 0, "high": 0, "n": 2, "subjects": 2, "unknown": 1,
    }  # fmt: skip
    assert both["modality macro"]["value"] == pytest.approx((2 / 3 + 1 / 2) / 2, abs=1e-6)
    assert both["answer in the question's language"]["value"] == pytest.approx(5 / 6, abs=1e-6)
    assert both["by type"]["blank picture"]["value"] == 1
    assert tables["together, en"]["modality macro"]["value"] == 1
    assert tables["together, ar"]["modality macro"]["value"] == 0
    assert tables["sources that never train, both"]["all"] | {"low": 0, "high": 0} == {
        "value": 0.0, "low": 0, "high": 0, "n": 1, "subjects": 1, "unknown": 1,
    }  # fmt: skip
    assert tables["sources that also train, both"]["all"]["n"] == 5


def test_every_answer_is_on_disk_with_what_was_asked_and_why_it_is_wrong(
    dataset: Path, opener: Opener
) -> None:
    folder = evaluate.run(config(dataset, tasks=["image_qa"]), opener(Scripted({})))
    by_id = {row["id"]: row for row in rows(folder, "image_qa")}
    assert len(by_id) == 6
    wrong = by_id["seen/4"]
    assert wrong["prompt"] == [{"role": "user", "text": "Kind of image 4?"}]
    assert len(wrong["images"][0]) == 64
    assert wrong["raw"]["answer"] == CHEST_EN
    assert wrong["raw"]["finish"] == "stop"
    assert wrong["reasons"] == ["says modality radiograph, it is mri"]
    assert wrong["expected"]["reference"] == "This is a brain MRI."
    errors = (folder / "errors.md").read_text(encoding="utf-8")
    assert "## modality, en: 1 of 3" in errors
    assert "why wrong: says modality radiograph, it is mri" in errors
    assert "- expected: هذه صورة رنين مغناطيسي للدماغ." in errors


def test_the_signature_says_what_the_scores_rest_on(dataset: Path, opener: Opener) -> None:
    folder = evaluate.run(config(dataset), opener(Scripted({})))
    signature = io.read_json(folder / "scores.json")["signature"]
    assert signature["checkpoint"] == {"model": "weights of nano", "base": "weights of nano-base"}
    assert signature["prompt"] == {"model": "template", "base": "template"}
    assert signature["benchmark"] == read_manifest(folder)["inputs"]["input"]
    assert signature["decoding"] == {"temperature": 0.0, "max_tokens": 128, "dtype": "float32"}
    last = (folder / "scores.md").read_text(encoding="utf-8").splitlines()[-1]
    assert last.startswith(f"`benchmark:{signature['benchmark'][:8]}|language:ar+en|prompt:template|")


def test_answers_carry_their_data_class_and_credentialed_ones_are_closed_to_others(
    make_dataset: MakeDataset, opener: Opener, tmp_path: Path
) -> None:
    def credentialed(found: list[Record]) -> list[Record]:
        return [record.model_copy(update={"data_class": DataClass.CREDENTIALED}) for record in found]

    folder = evaluate.run(config(make_dataset(credentialed), tasks=["image_qa"]), opener(Scripted({})))
    assert {row["data_class"] for row in rows(folder, "image_qa")} == {"credentialed"}
    assert folder.stat().st_mode & 0o077 == 0
    shown = {"folders": [str(folder)]}
    with pytest.raises(DataError, match="is of data class credentialed, which 'allow' does not name"):
        evaluate.run(build(Config, {"browse": shown, "output": str(tmp_path / "page")}))
    opened = evaluate.run(
        config(make_dataset(name="open"), tasks=["image_qa"]).model_copy(update={"output": tmp_path / "o"}),
        opener(Scripted({})),
    )
    assert {row["data_class"] for row in rows(opened, "image_qa")} == {"open"}
    assert opened.stat().st_mode & 0o077 != 0


def test_what_changes_a_score_changes_its_signature(dataset: Path, opener: Opener) -> None:
    """Of the same answers: a word that no answer of the dataset has is wrong in one run alone."""
    table = {**ALL_RIGHT, "Kind of image 1?": "This is simply a chest radiograph."}
    found = {}
    for name, more in {"plain": {}, "known": {"known_words": True}, "few": {"limit": 3}}.items():
        settings = config(dataset, tasks=["image_qa"]).model_copy(
            update={"output": dataset.with_name(name), **more}
        )
        folder = evaluate.run(settings, opener(Scripted(table)))
        line = (folder / "scores.md").read_text(encoding="utf-8").splitlines()[-1]
        found[name] = (sum(row["right"] for row in rows(folder, "image_qa")), line)
    assert found["plain"][0] == 1 + found["known"][0]
    assert "|scorer:facts-2|host:" in found["plain"][1]
    assert "|scorer:facts-2+known words|host:" in found["known"][1]
    assert "|scorer:facts-2|limit:3|host:" in found["few"][1]


def test_partial_results_say_so_first(dataset: Path, opener: Opener) -> None:
    folder = evaluate.run(config(dataset, limit=2), opener(Scripted(ALL_RIGHT)))
    first = (folder / "scores.md").read_text(encoding="utf-8").splitlines()[0]
    assert first == "**Partial: at most 2 samples a task (limit=2). These numbers are no result.**"
    assert len(rows(folder, "image_qa")) == 2
    whole = evaluate.run(
        config(dataset, tasks=["image_qa"]).model_copy(update={"output": dataset.with_name("whole")}),
        opener(Scripted(ALL_RIGHT)),
    )
    assert (whole / "scores.md").read_text(encoding="utf-8").startswith("## Targets")


def test_swapped_pictures_are_of_another_modality_and_judged_by_the_first(
    dataset: Path, opener: Opener
) -> None:
    model = Scripted(ALL_RIGHT)  # it answers from the words alone: it never looks
    folder = evaluate.run(config(dataset, tasks=["canary"]), opener(model))
    found = rows(folder, "canary")
    assert {row["id"] for row in found} == {"seen/1", "seen/2", "seen/3", "seen/4", "new/5"}
    plain = {row.id: row for row in read_records(dataset)}
    for row in found:
        assert row["images"] == [row["notes"]["shown_image"]]
        assert row["images"][0] != plain[row["id"]].images[0].image
        assert row["notes"]["shown"] != row["modality"]
    assert all(row["right"] for row in found)
    targets = {t["name"]: t for t in io.read_json(folder / "scores.json")["targets"]}
    assert targets["pictures swapped: modality of the original"]["met"] is False


def test_a_model_that_looks_fails_the_swapped_questions(dataset: Path, opener: Opener) -> None:
    class Looking(Scripted):
        """Knows the pictures by their bytes."""

        def chat(self, requests: Any) -> Any:
            replies = super().chat(requests)
            out = []
            for request, reply in zip(requests, replies, strict=True):
                number = int(next(iter(request.images.values())).decode()[-1])
                arabic = "ما" in request.messages[-1].text
                answer = ALL_RIGHT["ما نوع الصورة 5؟" if arabic else "Kind of image 4?"]
                if number < 2:
                    answer = CHEST_AR if arabic else CHEST_EN
                out.append(type(reply)(answer, reply.model, reply.finish, 1, 1))
            return out

    folder = evaluate.run(config(dataset, tasks=["canary"]), opener(Looking({})))
    found = io.read_json(folder / "scores.json")["canary"]["modality"]
    assert found["against the original label"]["value"] == 0
    assert found["names what is shown"]["value"] == 1


def test_pubmedqa_by_hand(dataset: Path, opener: Opener) -> None:
    """Truth: yes, yes, no, maybe. The model always says no (1 of 4), the base yes (2 of 4)."""
    folder = evaluate.run(
        config(dataset, tasks=["pubmedqa", "perplexity"]), opener(Scripted({}, favour="no"), Scripted({}))
    )
    found = io.read_json(folder / "scores.json")
    assert found["pubmedqa"]["model"]["value"] == 0.25
    assert found["pubmedqa"]["base"]["value"] == 0.5
    assert found["pubmedqa"]["difference"]["value"] == -0.25
    assert found["pubmedqa"]["shares"]["no"] == {"model": 1.0, "base": 0.0, "truth": 0.25}
    met = {target["name"]: target["met"] for target in found["targets"]}
    assert met["PubMedQA, model minus base"] is False
    assert met["PubMedQA, share of an answer, furthest from the base's (yes)"] is False
    # Two nats a word, whatever the length: e squared, and the same as the base.
    assert found["perplexity"]["model"] == pytest.approx(7.38905609893)
    assert found["perplexity"]["ratio"]["value"] == 1.0


def test_one_sample_a_task_gives_values_without_intervals(dataset: Path, opener: Opener) -> None:
    folder = evaluate.run(config(dataset, limit=1), opener(Scripted(ALL_RIGHT)))
    page = (folder / "scores.md").read_text(encoding="utf-8")
    assert "| perplexity, model over base | at most 1.03 | yes | 1.0000 (n 1) |" in page


def test_perplexity_over_other_tokens_is_no_measure(dataset: Path, opener: Opener) -> None:
    class Bytes(Scripted):
        """Half a nat a token, and four tokens a word."""

        def loglikelihood(self, pairs: Any) -> Any:
            return [
                Loglikelihood(-2.0 * len(text.split()), 4 * len(text.split()), False) for _, text in pairs
            ]

    folder = evaluate.run(config(dataset, tasks=["perplexity"]), opener(Bytes({}), Scripted({})))
    (target,) = io.read_json(folder / "scores.json")["targets"]
    assert (target["cells"]["together"]["value"] < 1, target["met"]) == (True, None)
    page = (folder / "scores.md").read_text(encoding="utf-8")
    assert "part the texts into other tokens, so that the ratio says nothing" in page


def test_a_killed_run_goes_on_and_asks_nothing_twice(dataset: Path, opener: Opener) -> None:
    settings = config(dataset, batch=2)
    first = Scripted(ALL_RIGHT, stop_after=7)
    with pytest.raises(KeyboardInterrupt):
        evaluate.run(settings, opener(first))
    assert not settings.output.exists()
    partial = settings.output.with_name(".scores.partial")
    ledger = partial / evaluate.answering.STATE / "answers.jsonl"
    kept = len(ledger.read_text(encoding="utf-8").splitlines())
    assert kept == 6
    with ledger.open("a", encoding="utf-8") as file:
        file.write('{"request": "cut in the mid')  # a kill while a line was written
    second, base = Scripted(ALL_RIGHT), Scripted({})
    folder = evaluate.run(settings, opener(second, base))
    # 6 questions and 5 swapped ones, 4 of PubMedQA with 3 options, 4 abstracts.
    assert first.asked + second.asked == 6 + 5 + 4 * 3 + 4
    assert base.asked == 4 * 3 + 4
    whole = evaluate.run(
        settings.model_copy(update={"output": dataset.with_name("whole")}), opener(Scripted(ALL_RIGHT))
    )

    def without_times(done: Path) -> list[dict[str, Any]]:
        out = []
        for _, row in io.read_jsonl(done / "answers.jsonl"):
            row["raw"].pop("seconds")
            out.append(row)
        return out

    assert without_times(folder) == without_times(whole)
    assert (folder / "scores.md").read_bytes() == (whole / "scores.md").read_bytes()
    assert not list(folder.glob(".*"))


def test_answers_of_other_weights_are_never_taken(dataset: Path, opener: Opener) -> None:
    """The same words asked of another checkpoint are another request, in a resumed run too."""
    settings = config(dataset, tasks=["image_qa"], batch=2)
    with pytest.raises(KeyboardInterrupt):
        evaluate.run(settings, opener(Scripted(ALL_RIGHT, stop_after=4)))
    trained = Scripted(ALL_RIGHT)

    def open_other(name: str, _: int | None, __: str) -> evaluate.Subject:
        return evaluate.Subject(trained, "other weights", "template")

    evaluate.run(settings, open_other)
    assert trained.asked == 6


def test_the_base_is_not_asked_again_when_its_answers_are_at_hand(dataset: Path, opener: Opener) -> None:
    first = evaluate.run(config(dataset), opener(Scripted(ALL_RIGHT)))
    model, base = Scripted({}), Scripted({})

    def open_new(name: str, _: int | None, __: str) -> evaluate.Subject:
        backend = base if name == "nano-base" else model
        return evaluate.Subject(backend, f"weights of {name}{' 2' if name == 'nano' else ''}", "template")

    settings = config(dataset, reuse=first).model_copy(update={"output": dataset.with_name("second")})
    folder = evaluate.run(settings, open_new)
    assert base.asked == 0
    assert model.asked == 6 + 5 + 4 * 3 + 4
    assert read_manifest(folder)["inputs"]["reuse"]


def test_pictures_of_one_record_are_asked_together(dataset: Path, opener: Opener) -> None:
    model = Scripted({})
    evaluate.run(config(dataset, tasks=["image_qa"], batch=3), opener(model))
    pictures = [request.messages[-1].images[0].image for call in model.calls for request in call]
    assert len(pictures) == 6
    changes = sum(one != two for one, two in pairwise(pictures))
    assert changes == len(set(pictures)) - 1


def _no_test(rows_: list[Record]) -> list[Record]:
    return [row.model_copy(update={"split": Split.TRAIN}) for row in rows_]


def _no_mcq(rows_: list[Record]) -> list[Record]:
    return [row for row in rows_ if row.task != "mcq"]


def _bad_verdict(rows_: list[Record]) -> list[Record]:
    return [rows_[0].model_copy(update={"meta": {**rows_[0].meta, "verdict": "perhaps"}}), *rows_[1:]]


def _bad_option(rows_: list[Record]) -> list[Record]:
    return [*rows_[:-1], rows_[-1].model_copy(update={"meta": {**rows_[-1].meta, "options": ["yes", "no"]}})]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_no_test, "has no records of split 'test'"),
        (_no_mcq, "has no test records for task 'pubmedqa'; leave it out of tasks"),
        (_bad_verdict, "seen/1: verdict 'perhaps' is not one of"),
        (_bad_option, "pubmedqa/3: the answer 'maybe' is not among its options"),
    ],
)
def test_a_dataset_that_cannot_be_evaluated_is_told_before_the_model_is_loaded(
    make_dataset: MakeDataset, change: Callable[[list[Record]], list[Record]], said: str
) -> None:
    def never(name: str, threads: int | None, dtype: str) -> evaluate.Subject:
        raise AssertionError("the model was opened")

    with pytest.raises(DataError, match=said):
        evaluate.run(config(make_dataset(change)), never)


def test_a_missing_picture_is_told_before_the_model_is_loaded(dataset: Path) -> None:
    store = ImageStore(dataset / "images")
    record = next(row for row in read_records(dataset) if row.id == "seen/4")
    store.path(record.images[0].image).unlink()

    def never(name: str, threads: int | None, dtype: str) -> evaluate.Subject:
        raise AssertionError("the model was opened")

    with pytest.raises(DataError, match=r"seen/4: image \w{12} is not in"):
        evaluate.run(config(dataset), never)


def test_likelihoods_that_are_no_numbers_stop_the_run(dataset: Path, opener: Opener) -> None:
    class Broken(Scripted):
        def loglikelihood(self, pairs: Any) -> list[Loglikelihood]:
            return [Loglikelihood(float("nan"), 1, False) for _ in pairs]

    with pytest.raises(ModelError, match="a likelihood that is no number for pubmedqa/"):
        evaluate.run(config(dataset, tasks=["pubmedqa"]), opener(Broken({})))


def test_an_empty_answer_is_wrong_not_an_error(dataset: Path, opener: Opener) -> None:
    folder = evaluate.run(
        config(dataset, tasks=["image_qa"]), opener(Scripted(dict.fromkeys(ALL_RIGHT, "  ")))
    )
    found = {row["id"]: row for row in rows(folder, "image_qa")}
    assert found["seen/4"]["reasons"] == ["empty answer"]
    assert not found["seen/4"]["language_kept"]


def test_the_recipe_is_checked_at_the_door(dataset: Path) -> None:
    values = {"input": str(dataset), "output": "x"}
    with pytest.raises(ConfigError, match="'imageqa' is no task; tasks are: image_qa, canary"):
        build(Config, {**values, "tasks": ["imageqa"]})
    with pytest.raises(ConfigError, match="a task is named twice"):
        build(Config, {**values, "tasks": ["canary", "canary"]})
    with pytest.raises(ConfigError, match="did you mean 'resamples'"):
        build(Config, {**values, "resample": 3})


def test_a_folder_that_no_room_made_is_refused(tmp_path: Path, opener: Opener) -> None:
    with pytest.raises(RunError, match="run the room that makes it first"):
        evaluate.run(config(tmp_path / "nothing"), opener(Scripted({})))
    (tmp_path / "half").mkdir()
    with pytest.raises(RunError, match="half written"):
        evaluate.run(config(tmp_path / "half"), opener(Scripted({})))


def test_a_reuse_folder_without_answers_is_refused(dataset: Path, opener: Opener) -> None:
    with pytest.raises(DataError, match=r"answers\.jsonl does not exist"):
        evaluate.run(config(dataset, reuse=dataset), opener(Scripted({})))


def test_requests_are_greedy_short_and_carry_their_pictures(dataset: Path, opener: Opener) -> None:
    model = Scripted({})
    evaluate.run(config(dataset, tasks=["image_qa"], max_tokens=9), opener(model))
    asked: list[Request] = [request for call in model.calls for request in call]
    assert {(r.sampling.temperature, r.sampling.max_tokens) for r in asked} == {(0.0, 9)}
    assert all(set(r.images) == {i.image for m in r.messages for i in m.images} for r in asked)
    assert all(r.messages[-1].role == "user" for r in asked)


def test_scores_are_json_without_nan(dataset: Path, opener: Opener) -> None:
    folder = evaluate.run(config(dataset), opener(Scripted({})))
    text = (folder / "scores.json").read_text(encoding="utf-8")
    json.loads(text, parse_constant=lambda constant: pytest.fail(constant))
