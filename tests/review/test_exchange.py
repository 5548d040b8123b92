"""Pairs and reviews to Label Studio and Argilla and back; the layouts are those named in ``exchange.py``."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bimedix2.errors import DataError
from bimedix2.review import exchange, open_batch
from bimedix2.review.room import Room
from bimedix2.review.store import Store

GOOD: dict[str, Any] = {"verdict": "none"}
FULL: dict[str, Any] = {
    "verdict": "major",
    "issues": [
        {"category": "laterality", "part": 2, "start": 31, "end": 37},
        {"category": "omission", "part": 1, "start": None, "end": None},
    ],
    "corrected": [{"part": 2, "text": "يوجد انصباب جنبي صغير في الجهة اليسرى.\nلا يوجد استرواح صدري."}],
    "rationale": "The source says left.",
}


@pytest.fixture
def reviewed(open_room: Any) -> Any:
    batch = open_room(2)
    batch.give("amal", FULL, GOOD)
    return batch


def names(batch: Any) -> list[str]:
    return [person.name for person in batch.config.people]


def test_a_label_studio_task_marks_what_was_marked(reviewed: Any) -> None:
    task, other = exchange.to_label_studio(reviewed.room.board.standings.values(), names(reviewed))
    assert task["data"]["record"] == "ar-0"
    assert task["data"]["translation"].startswith("في أي جهة يقع الانصباب؟\n\n* * *\n\n")
    annotation = task["annotations"][0]
    assert annotation["completed_by"] == 1
    found = {(result["from_name"], result["type"]): result["value"] for result in annotation["result"]}
    assert found["verdict", "choices"] == {"choices": ["major"]}
    span = found["issue", "labels"]
    assert span["text"] == "اليمنى"
    assert task["data"]["translation"][span["start"] : span["end"]] == "اليمنى"
    assert found["category", "choices"] == {"choices": ["omission"]}
    assert all(result["to_name"] == "translation" for result in annotation["result"])
    assert [r["value"] for r in other["annotations"][0]["result"]] == [{"choices": ["none"]}]


def test_the_interface_names_what_the_results_name() -> None:
    view = ElementTree.fromstring(exchange.label_studio_xml())
    controls = {tag.get("name"): tag for tag in view.iter() if tag.get("toName")}
    assert set(controls) == {"issue", "verdict", "category", "corrected", "rationale"}
    assert {tag.get("toName") for tag in controls.values()} == {"translation"}
    assert len(controls["issue"].findall("Label")) == 7
    assert len(controls["verdict"].findall("Choice")) == 3


def test_an_argilla_record_holds_fields_and_responses(reviewed: Any) -> None:
    record = exchange.to_argilla(reviewed.room.board.standings.values())[0]
    assert record["id"] == "ar-0"
    assert set(record["fields"]) == {"source", "translation"}
    assert record["responses"]["verdict"] == [{"value": "major", "user_id": "amal"}]
    span = record["responses"]["issue"][0]["value"][0]
    assert record["fields"]["translation"][span["start"] : span["end"]] == "اليمنى"
    assert span["label"] == "laterality"


@pytest.mark.parametrize("form", ["label_studio", "argilla"])
def test_what_goes_out_comes_back(reviewed: Any, form: str, tmp_path: Path) -> None:
    exchange.write(tmp_path / "out", reviewed.room.board, names(reviewed))
    people = {"1": "nour"} if form == "label_studio" else {"amal": "nour"}
    given = {"format": form, "path": str(tmp_path / "out" / f"{form}.json"), "people": people}
    other = tmp_path / "other"
    config = reviewed.config.model_copy(update={"store": str(other / "b.sqlite"), "output": other / "closed"})
    config = type(config).model_validate({**config.model_dump(), "imports": [given]})
    assert open_batch(config).startswith("2 pairs to review, 2 reviews imported.")
    with Store(config.store) as store:
        room = Room(store, config)
        ours, theirs = (r.board.of("ar-0").latest for r in (reviewed.room, room))
        assert set(theirs) == {"nour"}
        assert theirs["nour"].verdict == ours["amal"].verdict
        assert set(theirs["nour"].issues) == set(ours["amal"].issues)
        assert theirs["nour"].texts == ours["amal"].texts
        assert theirs["nour"].rationale == ours["amal"].rationale
        assert room.board.of("ar-1").latest["nour"].verdict == "none"
        from bimedix2.review.opening import take_imports

        assert take_imports(room, config) == 0, "a file is read once"


def changed(reviewed: Any, tmp_path: Path, change: Any) -> Any:
    tasks = exchange.to_label_studio(reviewed.room.board.standings.values(), names(reviewed))
    change(tasks)
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps(tasks, ensure_ascii=False), encoding="utf-8")
    given = reviewed.config.model_validate(
        {**reviewed.config.model_dump(), "imports": [{"format": "label_studio", "path": str(path)}]}
    ).imports[0]
    return exchange.read(given, reviewed.room.board)


def test_a_span_with_two_labels_is_two_issues(reviewed: Any, tmp_path: Path) -> None:
    def change(tasks: Any) -> None:
        (span,) = [one for one in tasks[0]["annotations"][0]["result"] if one["type"] == "labels"][:1]
        span["value"]["labels"] = ["laterality", "style"]

    kinds = [issue["category"] for issue in changed(reviewed, tmp_path, change)[0][2]["issues"]]
    assert {"laterality", "style"} <= set(kinds)


def test_users_of_another_tool_have_names_of_their_own_and_skipped_tasks_are_left_out(
    reviewed: Any, tmp_path: Path
) -> None:
    def change(tasks: Any) -> None:
        tasks[0]["annotations"][0]["completed_by"] = {"id": 7, "email": "nour@example.org"}
        tasks[1]["annotations"][0]["was_cancelled"] = True

    reviews = changed(reviewed, tmp_path, change)
    assert [(name, item) for name, item, _ in reviews] == [("label_studio-nour_example.org", "ar-0")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tasks: tasks[0]["data"].update(record="ar-9"), "item 1: there is no pair 'ar-9'"),
        (lambda tasks: tasks[1]["data"].update(translation="x"), "item 2: the translation of 'ar-1' is not"),
        (lambda tasks: tasks[0].pop("data"), "item 1 is not in the layout of label_studio"),
        (lambda tasks: tasks[0]["annotations"][0]["result"].clear(), "item 1 is not in the layout"),
        (lambda tasks: tasks[0]["annotations"][0]["result"].append(3), "item 1 is not in the layout"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_its_item(
    reviewed: Any, tmp_path: Path, change: Any, said: str
) -> None:
    with pytest.raises(DataError, match=said) as caught:
        changed(reviewed, tmp_path, change)
    assert "\n" not in str(caught.value)


def test_a_corrected_text_that_lost_a_part_is_refused(reviewed: Any, tmp_path: Path) -> None:
    def change(tasks: Any) -> None:
        for result in tasks[0]["annotations"][0]["result"]:
            if result["from_name"] == "corrected":
                result["value"]["text"] = ["only one part"]

    with pytest.raises(DataError, match="has 1 parts, and the pair 2"):
        changed(reviewed, tmp_path, change)


def test_an_import_with_a_wrong_review_writes_none(reviewed: Any, tmp_path: Path) -> None:
    before = reviewed.store.check()
    wrong = [("nour", "ar-0", GOOD), ("nour", "ar-1", {"verdict": "minor"})]
    with pytest.raises(DataError, match="the review of 'ar-1' by nour: the verdict is 'minor'"):
        reviewed.room.take_in("0" * 64, {}, wrong)
    assert reviewed.store.check() == before


def test_a_pair_that_holds_the_line_between_parts_is_not_exported(reviewed: Any, tmp_path: Path) -> None:
    standing = reviewed.room.board.of("ar-1")
    parts = (*standing.item.parts[:-1], standing.item.parts[-1].model_copy(update={"target": "a\n* * *\nb"}))
    standing.item = standing.item.model_copy(update={"parts": parts})
    assert exchange.write(tmp_path / "out", reviewed.room.board, names(reviewed)) == 1
    assert len(json.loads((tmp_path / "out" / "argilla.json").read_text())) == 1
