"""An Arabic twin of a benchmark: its questions through ``translate`` and ``review``, and its files again."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bimedix2 import config, evaluate, io, review, translate
from bimedix2.errors import ConfigError, DataError
from bimedix2.evaluate.clinical import catalogue
from bimedix2.evaluate.clinical.__main__ import convert
from bimedix2.language.segments import mask
from bimedix2.language.translators import Done, Job
from bimedix2.manifest import read_manifest
from bimedix2.records import DataClass, Language, Split
from bimedix2.records.store import read_records
from bimedix2.review.room import Room
from bimedix2.review.store import Store

from .conftest import Make

REAL = Path("../shared/data/pubmedqa")
FIFTY = Path(str(catalogue.path_of(Path("none"), "pubmedqa_ar_50.jsonl")))
GOOD: dict[str, Any] = {"verdict": "none"}


class Table:
    """A translator that looks texts up; what it does not know it writes as one Arabic word."""

    name = "table"
    corrects = False

    def __init__(self, table: dict[str, str]) -> None:
        self.table = {mask(text).text: mask(said).text for text, said in table.items()}

    def translate(self, jobs: Sequence[Job]) -> list[Done]:
        return [Done(tuple(self.table.get(text, "عظم") for text in job.texts)) for job in jobs]


def translated(folder: Path, output: Path, table: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Through the translate room, with a translator of the user's own."""
    module = ModuleType("twin_table")
    module.__dict__["translator"] = Table(table)
    monkeypatch.setitem(sys.modules, "twin_table", module)
    recipe = {"input": str(folder), "output": str(output), "translator": "twin_table:translator"}
    return translate.run(config.build(translate.Config, {**recipe, "back_translation": False}))


def reviewed(folder: Path, output: Path, judged: dict[str, dict[str, Any]]) -> Path:
    """Through the review room: one person's verdict on every pair."""
    recipe: dict[str, Any] = {
        "input": str(folder),
        "store": str(output.with_name("reviews.sqlite")),
        "output": str(output),
        "plans": [{"plan": "all"}],
        "people": [{"name": "amal", "role": "reviewer"}],
        "overlap": 1,
        "resamples": 100,
    }
    settings = config.build(review.Config, recipe)
    review.open_batch(settings)
    with Store(settings.store) as store:
        room = Room(store, settings)
        while (standing := room.next_for("amal")) is not None:
            room.review("amal", standing.item.id, judged.get(standing.item.of, GOOD))
    return review.close_batch(settings)


def twin(data: Path, output: Path, tasks: list[str], **more: Any) -> Path:
    own = {"data": str(data), "tasks": tasks, **more}
    return evaluate.run(config.build(evaluate.Config, {"output": str(output), "clinical_twin": own}))


def rows(path: Path) -> list[dict[str, Any]]:
    return [row for _, row in io.read_jsonl(path)]


LAYOUTS = {
    "bimed_mmlu_anatomy_ar": ("mmlu_anatomy_ar_test.jsonl", "question", "choices"),
    "bimed_medmcqa_ar": ("medmcqa_ar_test.jsonl", "question", "opd"),
    "bimed_medqa_4options_ar": ("medqa_ar_test.jsonl", "sent1", "ending3"),
    "bimed_usmle_ar": ("usmle_ar_test.jsonl", "question", "options"),
    "bimed_pubmedqa_ar": ("pubmedqa_ar_test.jsonl", "QUESTION", "CONTEXTS"),
}


def test_every_layout_comes_back_in_arabic_with_its_own_keys(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [*LAYOUTS, "bimed_pubmedqa_ar_words"]  # two tasks of one file: its questions are records once
    folder = twin(data, tmp_path / "records", tasks)
    records = list(read_records(folder))
    assert len({record.id for record in records}) == len(records) == 3 + 5 + 4 + 3 + 4 + 3
    assert {record.split for record in records} == {Split.TEST}
    assert {record.data_class for record in records} == {DataClass.OPEN}
    assert records[0].messages[0].text.splitlines()[0] == "Which bone is in the thigh?"
    said = {"Which bone is in the thigh?": "أي عظم يوجد في الفخذ؟", "femur": "عظم الفخذ"}
    arabic = translated(folder, tmp_path / "arabic", said, monkeypatch)
    assert {record.language for record in read_records(arabic)} == {Language.ENGLISH, Language.ARABIC}
    done = twin(data, tmp_path / "both", tasks, translated=str(arabic), unreviewed=True)
    for task in tasks[:-1]:
        name, *texts = LAYOUTS[task]
        original = catalogue.tasks()[catalogue.tasks()[task].twin].files["test"]
        before, after = rows(data / original), rows(done / name)
        assert len(before) == len(after)
        for one, other in zip(before, after, strict=True):
            assert one.keys() == other.keys()
            changed = {key for key in one if one[key] != other[key]}
            assert set(texts) <= changed
            kept = {"id", "cop", "label", "answer", "keys", "pubid", "final_decision", "sent2"}
            assert not changed & kept
        assert (done / original).read_bytes() == (data / original).read_bytes()
    first = rows(done / "mmlu_anatomy_ar_test.jsonl")[0]
    assert (first["question"], first["choices"][first["answer"]]) == ("أي عظم يوجد في الفخذ؟", "عظم الفخذ")
    assert len(rows(done / "mmlu_anatomy_ar_dev.jsonl")) == 5
    about = io.read_json(done / "twins.json")
    medmcqa, pubmedqa = about["medmcqa_ar_test.jsonl"], about["pubmedqa_ar_test.jsonl"]
    assert (medmcqa["translators"], medmcqa["reviewed"], medmcqa["questions"]) == ({"table": 4}, 0, 4)
    assert pubmedqa["fail a check, unreviewed"] > 0  # the numbers are lost


def test_what_fails_a_check_waits_for_a_reviewer_and_what_is_missing_is_counted(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = ["bimed_pubmedqa_ar"]
    folder = twin(data, tmp_path / "records", task)
    good = {
        "Bone 2 was broken.": "كُسر العظم 2.",
        "It was rested.": "أُريح.",
        "Does rest help bone 2?": "هل تفيد الراحة العظم 2؟",
    }
    arabic = translated(folder, tmp_path / "arabic", good, monkeypatch)
    done = twin(data, tmp_path / "both", task, translated=str(arabic))
    # The other two lose their number: a check says so, and nobody has looked.
    assert [row["pubid"] for row in rows(done / "pubmedqa_ar_test.jsonl")] == ["2"]
    counts = read_manifest(done)["counts"]
    assert counts["removed"] == {"fails a check that nobody has reviewed": 2}
    issue = {"category": "number_unit", "part": 0}
    right = {"verdict": "major", "issues": [issue], "rationale": "The number."}
    fixed = {**right, "corrected": [{"part": 0, "text": "كُسر العظم 3."}]}
    closed = reviewed(
        arabic, tmp_path / "closed", {"clinical/pubmedqa_test/1": right, "clinical/pubmedqa_test/3": fixed}
    )
    done = twin(data, tmp_path / "again", task, translated=str(closed))
    assert [row["pubid"] for row in rows(done / "pubmedqa_ar_test.jsonl")] == ["2", "3"]
    assert rows(done / "pubmedqa_ar_test.jsonl")[1]["CONTEXTS"] == ["كُسر العظم 3.", "أُريح."]
    assert read_manifest(done)["counts"]["removed"] == {"no translation came back": 1}
    about = io.read_json(done / "twins.json")["pubmedqa_ar_test.jsonl"]
    assert (about["reviewed"], about["corrected"], about["reviewers"]) == (2, 1, ["amal"])


def test_what_is_not_its_own_data_is_refused(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = ["bimed_pubmedqa_ar"]
    folder = twin(data, tmp_path / "records", task)
    arabic = translated(folder, tmp_path / "arabic", {}, monkeypatch)
    other = tmp_path / "other"
    shutil.copytree(data, other)
    text = (other / "pubmedqa_test.jsonl").read_text(encoding="utf-8")
    (other / "pubmedqa_test.jsonl").write_text(text.replace("Does rest help", "Does work help"))
    with pytest.raises(DataError, match=r"line 1 is not the question that 'clinical/pubmedqa_test/1-ar'"):
        twin(other, tmp_path / "x1", task, translated=str(arabic), unreviewed=True)
    with pytest.raises(DataError, match=r"gives no question of medqa_ar_test\.jsonl \(3 x no translation"):
        twin(data, tmp_path / "x2", ["bimed_medqa_4options_ar"], translated=str(arabic))
    (other / "medqa_test.jsonl").unlink()
    with pytest.raises(DataError, match=r"lacks medqa_test\.jsonl; write them with python -m"):
        twin(other, tmp_path / "x3", ["bimed_medqa_4options_ar"])
    with pytest.raises(ConfigError, match="'oall_mmlu_anatomy' has no English original"):
        twin(data, tmp_path / "x4", ["oall_mmlu_anatomy"])
    own = {"data": str(data), "tasks": task}
    recipe = config.build(evaluate.Config, {"output": "x", "limit": 1, "clinical_twin": own})
    with pytest.raises(ConfigError, match="takes no 'limit'"):
        evaluate.run(recipe)


@pytest.mark.skipif(not REAL.is_dir(), reason=f"{REAL} is not here")
def test_the_fifty_written_by_hand_go_all_the_way(
    tiny: object, settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PubMedQA's own fifty questions, translated by the hand-written file, reviewed, and asked."""
    del tiny
    (tmp_path / "copy" / "pubmedqa").mkdir(parents=True)
    for name in ("ori_pqal.json", "test_ground_truth.json"):
        shutil.copyfile(REAL / name, tmp_path / "copy" / "pubmedqa" / name)
    data = tmp_path / "real"
    convert(tmp_path / "copy", data)
    task = ["bimed_pubmedqa_ar_50"]
    folder = twin(data, tmp_path / "records", task)
    by_hand = {row["pubid"]: row for row in rows(FIFTY)}
    table: dict[str, str] = {}
    for row in rows(data / "pubmedqa_en_50.jsonl"):
        arabic = by_hand[row["pubid"]]
        table |= dict(zip(row["CONTEXTS"], arabic["CONTEXTS"], strict=True))
        table[row["QUESTION"]] = arabic["QUESTION"]
    done = translated(folder, tmp_path / "arabic", table, monkeypatch)
    assert read_manifest(done)["counts"]["translated"] == 50
    alone = twin(data, tmp_path / "alone", task, translated=str(done))
    said = io.read_json(alone / "twins.json")["pubmedqa_ar_50.jsonl"]
    assert said["questions"] + read_manifest(done)["counts"]["failed-a-check"] == 50
    closed = reviewed(done, tmp_path / "closed", {})
    both = twin(data, tmp_path / "both", task, translated=str(closed))
    order = [row["pubid"] for row in rows(data / "pubmedqa_en_50.jsonl")]
    assert rows(both / "pubmedqa_ar_50.jsonl") == [by_hand[name] for name in order]
    scores = evaluate.run(
        settings(data=str(both), tasks=[*task, "bimed_pubmedqa_en_50"], prompts=["plain"], _limit=2)
    )
    page = (scores / "scores.md").read_text(encoding="utf-8")
    assert "50 of 50 questions, translated by table; 50 of them were reviewed by amal, 0 corrected" in page
    assert "## Arabic minus English, the same questions" in page
    assert "scores.json" in evaluate.replay(scores)
