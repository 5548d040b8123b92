"""Pairs and reviews to Label Studio and Argilla and back; the layouts are those named in ``exchange``."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.review import close_batch, exchange, open_batch
from bimedix2.review.exchange import Given, Read, argilla, label_studio
from bimedix2.review.exchange.parts import Pseudonyms
from bimedix2.review.judgement import Judgement
from bimedix2.review.opening import take_imports
from bimedix2.review.room import Room
from bimedix2.review.settings import Imported
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


def standings(batch: Any) -> Any:
    return batch.room.board.standings.values()


def called(batch: Any) -> Pseudonyms:
    return Pseudonyms(batch.config.people, batch.room.board)


def test_a_label_studio_task_marks_what_was_marked(reviewed: Any) -> None:
    task, other = label_studio.write(standings(reviewed), called(reviewed))
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
    view = ElementTree.fromstring(label_studio.interface())
    controls = {tag.get("name"): tag for tag in view.iter() if tag.get("toName")}
    assert set(controls) == {"issue", "verdict", "category", "corrected", "rationale"}
    assert {tag.get("toName") for tag in controls.values()} == {"translation"}
    assert len(controls["issue"].findall("Label")) == 7
    assert len(controls["verdict"].findall("Choice")) == 3


def test_an_argilla_record_holds_fields_and_responses(reviewed: Any) -> None:
    record = argilla.write(standings(reviewed), called(reviewed))[0]
    assert record["id"] == "ar-0"
    assert set(record["fields"]) == {"source", "translation"}
    verdict = {"value": "major", "user_id": "reviewer-1", "status": "submitted"}
    assert record["responses"]["verdict"] == [verdict]
    span = record["responses"]["issue"][0]["value"][0]
    assert record["fields"]["translation"][span["start"] : span["end"]] == "اليمنى"
    assert span["label"] == "laterality"


def another(batch: Any, folder: Path, *imports: dict[str, Any]) -> Any:
    """The settings of a batch of the same pairs, that reads those files in."""
    changes = {"store": str(folder / "b.sqlite"), "output": folder / "closed", "imports": list(imports)}
    return type(batch.config).model_validate({**batch.config.model_dump(), **changes})


def said(batch: Room) -> dict[str, Any]:
    """Everything that was said of every pair."""

    def plain(judged: Judgement) -> Any:
        return judged.verdict, set(judged.issues), judged.corrected, judged.rationale

    return {
        name: (
            {who: [plain(judged) for judged in given] for who, given in standing.reviews.items()},
            standing.resolved_by,
            standing.resolution and plain(standing.resolution),
        )
        for name, standing in batch.board.standings.items()
    }


STYLE: dict[str, Any] = {
    "verdict": "minor",
    "issues": [
        {"category": "style", "part": 2, "start": None, "end": None},
        {"category": "addition", "part": 2, "start": 0, "end": 4},
    ],
}


@pytest.mark.parametrize("form", ["label_studio", "argilla"])
def test_every_round_of_everybody_and_the_resolution_go_out_and_come_back(
    open_room: Any, form: str, tmp_path: Path
) -> None:
    batch = open_room(4, unfinished=True)
    batch.give("amal", FULL, GOOD, STYLE)
    batch.give("omar", GOOD, STYLE, STYLE)
    batch.room.review("omar", "ar-0", STYLE)  # a second round, after the discussion
    batch.room.review("amal", "ar-1", STYLE)  # and one that ends the conflict
    batch.room.resolve("huda", "ar-0", FULL)
    folder = tmp_path / "out"
    exchange.write(folder, batch.room.board, batch.config.people)
    people = io.read_json(folder / "people.json")[form]
    given = {"format": form, "path": str(folder / f"{form}.json")}
    for word in ("amal", "omar", "huda"):
        assert word not in (folder / f"{form}.json").read_text(encoding="utf-8")

    config = another(batch, tmp_path / "other", given | {"people": people})
    assert open_batch(config).startswith("4 pairs to review, 8 reviews imported and 1 resolutions.")
    with Store(config.store) as store:
        room = Room(store, config)
        assert said(room) == said(batch.room)
        assert [s.state(2) for s in room.board.standings.values()] == ["settled"] * 3 + ["open"]
        assert list(room.board.of("ar-0").reviews) == ["amal", "omar"]
        assert take_imports(room, config) == [], "a file is read once"
    # Without the key of the names they keep their pseudonyms, and all else is the same.
    config = another(batch, tmp_path / "third", given)
    open_batch(config)
    with Store(config.store) as store:
        room = Room(store, config)
        assert [list(of.values()) for of, _, _ in said(room).values()] == [
            list(of.values()) for of, _, _ in said(batch.room).values()
        ]
        assert (
            room.board.of("ar-0").resolved_by == f"{form}-{4 if form == 'label_studio' else 'adjudicator-4'}"
        )


def test_people_of_another_tool_keep_numbers_of_their_own(reviewed: Any) -> None:
    for name in ("argilla-b", "argilla-a"):
        reviewed.room.take_in(name, {}, Read([Given(name, "ar-1", GOOD)]))
    names = called(reviewed)
    assert [names.number[name] for name in ("amal", "huda", "argilla-a", "argilla-b")] == [1, 4, 5, 6]
    assert names.name["huda"] == "adjudicator-4"
    task = label_studio.write(standings(reviewed), names)[1]
    assert [one["completed_by"] for one in task["annotations"]] == [1, 6, 5]


def test_a_later_export_of_the_same_project_adds_what_is_new_alone(reviewed: Any, tmp_path: Path) -> None:
    reviewed.give("omar", GOOD)
    exchange.write(tmp_path / "out", reviewed.room.board, reviewed.config.people)
    path = tmp_path / "out" / "label_studio.json"
    tasks = json.loads(path.read_text(encoding="utf-8"))
    verdict = {"from_name": "verdict", "value": {"choices": ["none"]}}
    tasks[1]["annotations"].append({"completed_by": 3, "result": [verdict]})
    path.write_text(json.dumps(tasks), encoding="utf-8")
    people = {"1": "amal", "2": "omar", "3": "sara"}
    imports = [{"format": "label_studio", "path": str(path), "people": people}]
    config = type(reviewed.config).model_validate({**reviewed.config.model_dump(), "imports": imports})
    (taken,) = take_imports(reviewed.room, config)
    assert (taken["reviews"], taken["already_there"]) == (1, 3)
    assert {name: len(given) for name, given in reviewed.room.board.of("ar-1").reviews.items()} == {
        "amal": 1,
        "sara": 1,
    }


def changed(reviewed: Any, tmp_path: Path, change: Any, people: dict[str, str] | None = None) -> Read:
    tasks = label_studio.write(standings(reviewed), called(reviewed))
    change(tasks)
    path = tmp_path / "tasks.json"
    path.write_text(json.dumps(tasks, ensure_ascii=False), encoding="utf-8")
    given = reviewed.config.model_validate(
        {
            **reviewed.config.model_dump(),
            "imports": [{"format": "label_studio", "path": str(path), "people": people or {}}],
        }
    ).imports[0]
    return exchange.read(given, reviewed.room.board, reviewed.config.people)


def test_a_span_with_two_labels_is_two_issues(reviewed: Any, tmp_path: Path) -> None:
    def change(tasks: Any) -> None:
        (span,) = [one for one in tasks[0]["annotations"][0]["result"] if one["type"] == "labels"][:1]
        span["value"]["labels"] = ["laterality", "style"]

    kinds = [issue["category"] for issue in changed(reviewed, tmp_path, change).given[0].judged["issues"]]
    assert {"laterality", "style"} <= set(kinds)


def test_what_label_studio_holds_beside_annotations_is_counted(reviewed: Any, tmp_path: Path) -> None:
    def change(tasks: Any) -> None:
        tasks[0]["annotations"][0]["completed_by"] = {"id": 7, "email": "nour@example.org"}
        tasks[0]["annotations"][0]["result"].append({"from_name": "mood", "value": {"choices": ["sad"]}})
        tasks[0]["annotations"][0]["ground_truth"] = True
        tasks[0] |= {"predictions": [{"model_version": "m1", "result": []}, 12], "comment_count": 2}
        tasks[1]["annotations"][0]["was_cancelled"] = True
        tasks[1]["drafts"] = [{"user": "nour@example.org", "result": []}]

    read = changed(reviewed, tmp_path, change)
    assert [(one.name, one.item) for one in read.given] == [("label_studio-nour_example.org", "ar-0")]
    aside = {"comment": 2, "draft": 1, "prediction": 2, "skipped": 1, "unknown-question": 1}
    assert read.reasons() == aside
    assert {"item": "ar-0", "by": "m1", "reason": "prediction"} in read.left_out
    assert dict(read.noted) == {"ground-truth-mark-passed-over": 1}


def test_a_mark_of_ground_truth_by_an_adjudicator_resolves_what_two_people_said(
    reviewed: Any, tmp_path: Path
) -> None:
    def change(tasks: Any) -> None:
        first = tasks[0]["annotations"][0]
        tasks[0]["annotations"] += [
            {**first, "completed_by": 2, "created_at": "2026-01-03T00:00:00Z"},
            {**first, "completed_by": 4, "ground_truth": True, "created_at": "2026-01-01T00:00:00Z"},
        ]
        first["created_at"] = "2026-01-02T00:00:00Z"

    read = changed(reviewed, tmp_path, change, people={"1": "amal", "2": "omar", "4": "huda"})
    ours = [one for one in read.given if one.item == "ar-0"]
    assert [(one.name, one.resolves) for one in ours] == [("amal", False), ("omar", False), ("huda", True)]


def argilla_file(batch: Any, folder: Path, records: list[dict[str, Any]]) -> Any:
    path = folder / "argilla.json"
    path.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
    return another(batch, folder / "other", {"format": "argilla", "path": str(path)})


def test_what_argilla_holds_beside_submitted_responses_is_counted_in_the_report(
    reviewed: Any, tmp_path: Path
) -> None:
    records = argilla.write(standings(reviewed), called(reviewed))
    for number, status in enumerate(("draft", "discarded")):
        records[0]["responses"]["verdict"].append(
            {"value": "none", "user_id": f"u{number}", "status": status}
        )
    records[0]["responses"]["mood"] = [{"value": "sad", "user_id": "u3", "status": "submitted"}]
    records[1]["suggestions"] = {"verdict": {"value": "major", "score": 0.9, "agent": "m1"}}
    records[1]["responses"]["verdict"].append({"value": "none", "user_id": "u4"})
    config = argilla_file(reviewed, tmp_path, records)
    told = open_batch(config)
    aside = "4 not taken (1 discarded, 1 draft, 1 suggestion, 1 unknown-question)"
    assert f"3 reviews imported, {aside}, of them 1 status-not-in-the-file." in told
    folder = close_batch(config.model_copy(update={"unfinished": True}))
    (report,) = io.read_json(folder / "report.json")["imports"]
    counts = {"discarded": 1, "draft": 1, "suggestion": 1, "unknown-question": 1}
    assert (report["reviews"], report["left_out"]) == (3, counts)
    assert "| 1 discarded, 1 draft, 1 suggestion, 1 unknown-question | 1 status-" in (
        folder / "report.md"
    ).read_text(encoding="utf-8")
    imported = [row for _, row in io.read_jsonl(folder / "events.jsonl") if row["kind"] == "imported"]
    assert {"item": "ar-0", "by": "argilla-u0", "reason": "draft"} in imported[0]["payload"]["left_out_items"]


def test_argillas_flattened_records_are_read_with_their_status(reviewed: Any, tmp_path: Path) -> None:
    def flat(record: dict[str, Any]) -> dict[str, Any]:
        out = {"id": record["id"], **record["fields"], "verdict.suggestion": None}
        for question, responses in record["responses"].items():
            for key, name in (("", "value"), (".users", "user_id"), (".status", "status")):
                out[f"{question}.responses{key}"] = [one[name] for one in responses]
        return out

    records = argilla.write(standings(reviewed), called(reviewed))
    records[1]["responses"]["verdict"][0]["status"] = "draft"
    config = argilla_file(reviewed, tmp_path, [flat(record) for record in records])
    assert "1 reviews imported, 1 not taken (1 draft)." in open_batch(config)
    with Store(config.store) as store:
        theirs = Room(store, config).board.of("ar-0").latest["argilla-reviewer-1"]
        ours = reviewed.room.board.of("ar-0").latest["amal"]
        assert (theirs.verdict, set(theirs.issues), theirs.texts) == (
            ours.verdict,
            set(ours.issues),
            ours.texts,
        )


def test_two_responses_of_one_person_to_a_question_are_refused(reviewed: Any, tmp_path: Path) -> None:
    records = argilla.write(standings(reviewed), called(reviewed))
    records[0]["responses"]["verdict"] *= 2
    with pytest.raises(DataError, match="item 1: 'reviewer-1' answers 'verdict' of 'ar-0' twice"):
        open_batch(argilla_file(reviewed, tmp_path, records))


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


def test_a_batch_that_opens_with_a_wrong_import_says_that_it_is_open(reviewed: Any, tmp_path: Path) -> None:
    """What was done is not undone by it: the passwords and the export are there."""
    changes = {
        "store": str(tmp_path / "other.sqlite"),
        "output": tmp_path / "other",
        "imports": [Imported(format="argilla", path=tmp_path / "no.json")],
        "export": tmp_path / "export",
    }
    config = reviewed.config.model_copy(update=changes)
    with pytest.raises(
        DataError, match=r"no\.json does not exist.*is open without it.*other\.passwords\.txt"
    ):
        open_batch(config)
    assert (tmp_path / "export" / "argilla.json").is_file()
    assert config.passwords_file.is_file()
    with Store(config.store) as store:
        assert Room(store, config).board.progress()["pairs"] == 2


def test_a_corrected_text_that_lost_a_part_is_refused(reviewed: Any, tmp_path: Path) -> None:
    def change(tasks: Any) -> None:
        for result in tasks[0]["annotations"][0]["result"]:
            if result["from_name"] == "corrected":
                result["value"]["text"] = ["only one part"]

    with pytest.raises(DataError, match="has 1 parts, and the pair 2"):
        changed(reviewed, tmp_path, change)


def test_an_import_with_a_wrong_review_writes_none(reviewed: Any, tmp_path: Path) -> None:
    before = reviewed.store.check()
    wrong = Read([Given("nour", "ar-0", GOOD), Given("nour", "ar-1", {"verdict": "minor"})])
    with pytest.raises(DataError, match="the review of 'ar-1' by nour: the verdict is 'minor'"):
        reviewed.room.take_in("0" * 64, {}, wrong)
    assert reviewed.store.check() == before


def test_a_pair_that_holds_the_line_between_parts_is_not_exported(reviewed: Any, tmp_path: Path) -> None:
    standing = reviewed.room.board.of("ar-1")
    parts = (*standing.item.parts[:-1], standing.item.parts[-1].model_copy(update={"target": "a\n* * *\nb"}))
    standing.item = standing.item.model_copy(update={"parts": parts})
    assert exchange.write(tmp_path / "out", reviewed.room.board, reviewed.config.people) == 1
    assert len(json.loads((tmp_path / "out" / "argilla.json").read_text())) == 1
