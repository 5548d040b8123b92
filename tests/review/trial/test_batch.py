"""A trial opened, judged and closed: what is kept, what is refused, and that nothing is overwritten."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bimedix2.config import build
from bimedix2.errors import ConfigError, DataError, RunError
from bimedix2.manifest import folder_hash, read_manifest, verify
from bimedix2.review import close_batch, open_batch
from bimedix2.review.events import Event, check_chain
from bimedix2.review.room import Room as TranslationRoom
from bimedix2.review.settings import Config
from bimedix2.review.store import Store
from bimedix2.review.trial.choice import parse
from bimedix2.review.trial.items import read_sealed
from bimedix2.review.trial.room import Room

A: dict[str, Any] = {"choice": "best", "labels": ["A"], "seconds": 12.5}
B: dict[str, Any] = {"choice": "best", "labels": ["B"]}
TIE: dict[str, Any] = {"choice": "tie", "labels": ["C", "A"], "notes": " كلاهما جيد \r\n"}
NONE: dict[str, Any] = {"choice": "abstain"}
ADJUDICATED = [{"name": "amal", "role": "reviewer"}, {"name": "huda", "role": "adjudicator"}]


@pytest.fixture
def rooms(trial: Any) -> Iterator[Any]:
    """``rooms(4, overlap=2)``: an open trial's settings and its room."""
    stores: list[Store] = []

    def make(count: int = 4, **changes: Any) -> tuple[Config, Room]:
        config = trial(count, **changes)
        open_batch(config)
        stores.append(Store(config.store))
        return config, Room(stores[-1], config)

    yield make
    for store in stores:
        store.close()


def give(room: Room, name: str, *choices: dict[str, Any]) -> list[str]:
    done = []
    for choice in choices:
        standing = room.next_for(name)
        assert standing is not None
        room.choose(name, standing.item.id, choice)
        done.append(standing.item.id)
    return done


def rows_of(config: Config) -> list[dict[str, Any]]:
    text = (config.output / "judgements.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_items_go_to_as_many_people_as_the_recipe_says(rooms: Any) -> None:
    _, room = rooms(3, overlap=2)
    assert give(room, "amal", A, A, A) == ["001", "002", "003"]
    assert give(room, "omar", A) == ["001"]
    assert give(room, "sara", B, B) == ["002", "003"]  # the first has its two
    assert room.next_for("sara") is None
    assert room.next_for("omar") is None
    assert room.board.progress() == {"items": 3, "done": 3, "judgements": 6, "needed": 6}


def test_the_closed_folder_has_the_last_choice_and_the_earlier_ones(rooms: Any) -> None:
    config, room = rooms(2, overlap=1)
    give(room, "amal", A, TIE)
    room.choose("amal", "001", B)
    room.choose("amal", "001", NONE)
    assert close_batch(config) == config.output
    verify(config.output)
    first, second = rows_of(config)
    assert (first["item"], first["choice"], first["labels"], first["revisions"]) == ("001", "abstain", [], 2)
    assert [one["labels"] for one in first["earlier"]] == [["A"], ["B"]]
    assert first["earlier"][0]["seconds"] == 12.5
    assert (second["labels"], second["notes"]) == (["A", "C"], "كلاهما جيد")
    manifest = read_manifest(config.output)
    assert manifest["trial"]["sealed"] == folder_hash(config.input)
    assert manifest["trial"]["overlap"] == 1
    events = [json.loads(line) for line in (config.output / "events.jsonl").read_text().splitlines()]
    assert [event["kind"] for event in events].count("chosen") == 4
    head = check_chain(Event(**event) for event in events)
    assert manifest["events"] == {"count": head.seq, "last": head.hash}
    with pytest.raises(RunError, match="is closed"):
        room.choose("amal", "001", A)


def test_a_trial_is_not_closed_while_judgements_are_missing(rooms: Any) -> None:
    config, room = rooms(2, overlap=2)
    with pytest.raises(DataError, match="nobody has judged"):
        close_batch(config)
    give(room, "amal", A, A)
    give(room, "omar", A)
    with pytest.raises(RunError, match="1 of 2 items have fewer than 2 judgements"):
        close_batch(config)
    close_batch(config.model_copy(update={"unfinished": True}))
    assert len(rows_of(config)) == 3


def test_the_report_counts_without_the_key(rooms: Any) -> None:
    config, room = rooms(4, overlap=1)
    give(room, "amal", A, TIE, NONE)
    give(room, "omar", B)
    close_batch(config)
    found = json.loads((config.output / "report.json").read_text(encoding="utf-8"))
    assert found["choices"] == {"best": 2, "tie": 1, "abstain": 1}
    assert found["labels"] == {"A": 1, "B": 1}
    assert found["people"]["amal"]["median_seconds"] == 12.5
    assert "4 of 4 items have their 1 judgements" in (config.output / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"choice": "best", "labels": ["D"]}, "there is no answer 'D'"),
        ({"choice": "best", "labels": ["A", "B"]}, "the best answer is one"),
        ({"choice": "best"}, "the best answer is one"),
        ({"choice": "tie", "labels": ["A"]}, "at least two"),
        ({"choice": "tie", "labels": ["A", "A"]}, "chosen twice"),
        ({"choice": "abstain", "labels": ["A"]}, "chooses no answer"),
        ({"choice": "worst", "labels": ["A"]}, "'choice'"),
        ({**A, "seconds": -1}, "'seconds'"),
        ({**A, "seconds": float("nan")}, "'seconds'"),
        ({**A, "model": "x"}, "'model'"),
        ({**A, "notes": "\u202eturned"}, "invisible marks"),
        (None, "'choice'"),
    ],
)
def test_what_is_no_choice_is_refused_and_not_written(rooms: Any, choice: Any, said: str) -> None:
    _, room = rooms(1, overlap=1)
    room.next_for("amal")
    with pytest.raises(DataError, match=said):
        room.choose("amal", "001", choice)
    assert room.board.of("001").choices == {}


def test_who_was_not_given_an_item_cannot_judge_it(rooms: Any) -> None:
    _, room = rooms(1, overlap=1)
    give(room, "amal", A)
    with pytest.raises(RunError, match="was not given to you"):
        room.choose("omar", "001", B)
    with pytest.raises(DataError, match="no item '9'"):
        room.choose("omar", "9", B)


def test_what_is_no_sealed_trial_is_refused(trial: Any, finish: Any, tmp_path: Any) -> None:
    config = trial(2)
    finish(tmp_path / "records", [])
    with pytest.raises(RunError, match="no sealed trial"):
        open_batch(config.model_copy(update={"input": tmp_path / "records"}))
    items = config.input / "items.jsonl"
    items.write_text(items.read_text(encoding="utf-8").replace("clear", "white"), encoding="utf-8")
    with pytest.raises(RunError, match="was changed"):
        open_batch(config)
    assert not (tmp_path / "trial.sqlite").exists()


def test_another_folder_or_recipe_cannot_go_on_with_a_trial(rooms: Any, trial: Any) -> None:
    config, room = rooms(2, overlap=1)
    give(room, "amal", A, A)
    with pytest.raises(RunError, match="another 'overlap'"):
        close_batch(config.model_copy(update={"overlap": 2}))
    translations = {"kind": "translations", "plans": [{"plan": "all"}]}
    other = Config.model_validate({**config.model_dump(exclude={"kind", "plans"}), **translations})
    with Store(config.store) as store, pytest.raises(RunError, match="another 'kind'"):
        TranslationRoom(store, other)
    manifest = config.input / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"items.jsonl": "', '"items.jsonl": "0'))
    with pytest.raises(RunError, match="is not the folder that the trial was opened with"):
        close_batch(config)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"plans": [{"plan": "all"}]}, "'plans' is for translations"),
        ({"source": "x"}, "'source' is for translations"),
        ({"export": "x"}, "'export' is for translations"),
        ({"people": ADJUDICATED, "overlap": 1}, "no adjudicator"),
        ({"kind": "translations"}, "the key 'plans' is missing"),
    ],
)
def test_settings_that_do_not_fit_a_trial_are_refused(trial: Any, change: Any, said: str) -> None:
    values = trial(1).model_dump(mode="json") | change
    with pytest.raises(ConfigError, match=said):
        build(Config, values)


def test_a_choice_keeps_the_order_of_the_labels(trial: Any) -> None:
    item = read_sealed(trial(1).input)[0][0]
    assert parse({"choice": "tie", "labels": ["C", "B"]}, item).labels == ("B", "C")
    assert item.labels == ("A", "B", "C")
