"""The log: whole, append-only, and nothing lost however many write at once, on SQLite and on PostgreSQL."""

import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from bimedix2.errors import ConfigError, DataError, RunError
from bimedix2.review import open_batch
from bimedix2.review.events import GENESIS, Head, check_chain
from bimedix2.review.pairs import Item
from bimedix2.review.room import Room
from bimedix2.review.settings import Config
from bimedix2.review.store import Store


def chain(count: int) -> list[Any]:
    head, events = Head(), []
    for number in range(count):
        event = head.next(
            "amal", "commented", "ar-1", {"text": f"كلمة {number}"}, "2026-01-01T00:00:00.000+00:00"
        )
        events.append(event)
        head = Head(event.seq, event.hash)
    return events


def test_a_whole_chain_is_whole_and_its_end_is_the_last_events() -> None:
    events = chain(5)
    assert check_chain(events) == Head(5, events[-1].hash)
    assert check_chain([]) == Head(0, GENESIS)


def test_a_changed_event_is_found_even_when_its_own_hash_was_made_to_fit() -> None:
    events = chain(5)
    changed = replace(events[2], payload={"text": "other"})
    with pytest.raises(DataError, match="event 3 was changed"):
        check_chain([*events[:2], changed, *events[3:]])
    fitting = replace(changed, hash=changed.computed())
    with pytest.raises(DataError, match="event 4 was changed"):
        check_chain([*events[:2], fitting, *events[3:]])


def test_an_event_that_is_left_out_or_moved_is_found() -> None:
    events = chain(5)
    with pytest.raises(DataError, match="event 3 is not in the log"):
        check_chain([*events[:2], *events[3:]])
    with pytest.raises(DataError, match="event 1 is not in the log"):
        check_chain(events[1:])
    with pytest.raises(DataError, match="event 4 is not in the log"):
        check_chain([*events[:3], events[4], events[3]])


@pytest.fixture
def opened(tmp_path: Path, store_url: str, writers: ModuleType) -> Config:
    """An open batch of 40 pairs, three reviews each, for twenty reviewers."""
    source = writers.make_input(tmp_path / "pairs", 40)
    config = Config.model_validate(writers.settings_of(source, store_url, 20, 3))
    open_batch(config)
    return config


def test_twenty_reviewers_at_once_lose_nothing(opened: Config, writers: ModuleType) -> None:
    told: dict[str, list[tuple[int, str]]] = {}
    recipe = opened.model_dump(mode="json")
    failures: list[BaseException] = []
    gate = threading.Barrier(20)

    def work(name: str) -> None:
        try:
            gate.wait(60)
            told[name] = writers.review(recipe, name)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(person.name,)) for person in opened.people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures
    said = [event for events in told.values() for event in events]
    with Store(opened.store) as store:
        events = store.events()
        assert store.check().seq == len(events)
        board = Room(store, opened).board
    written = Counter((event.seq, event.hash) for event in events if event.kind == "reviewed")
    assert Counter(said) == written
    assert len(said) == 40 * 3
    assert {len(s.reviews) for s in board.standings.values()} == {3}
    assert all(len(given) == 1 for s in board.standings.values() for given in s.reviews.values())
    assert sum(len(events) > 0 for events in told.values()) > 10, "they did not work side by side"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET actor = 'nobody' WHERE seq = 1",
        "DELETE FROM events",
        "UPDATE items SET id = 'x'",
        "DELETE FROM items WHERE number = 1",
    ],
)
def test_the_database_itself_refuses_to_change_what_is_written(opened: Config, statement: str) -> None:
    with Store(opened.store) as store:
        before = store.events()
        with (
            store.engine.connect().execution_options(write=True) as connection,
            pytest.raises(DatabaseError, match="only ever added"),
            connection.begin(),
        ):
            connection.execute(text(statement))
        assert store.events() == before
        assert len(store.items(Item)) == 40


def test_what_fails_halfway_writes_nothing(opened: Config) -> None:
    with Store(opened.store) as store:
        head = store.check()

        def killed() -> None:
            with store.write() as writer:
                writer.append("reviewer-0", "commented", "ar-1", {"text": "x"})
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            killed()
        assert store.check() == head


def test_what_another_process_wrote_is_seen(opened: Config) -> None:
    with Store(opened.store) as one, Store(opened.store) as other:
        left, right = Room(one, opened), Room(other, opened)
        standing = left.next_for("reviewer-0")
        assert standing is not None
        left.review("reviewer-0", standing.item.id, {"verdict": "none"})
        assert right.read(lambda board: board.progress()["reviews"]) == 1


def test_a_tampered_store_is_not_served(tmp_path: Path, open_room: Any) -> None:
    batch = open_room(2)
    batch.give("amal", {"verdict": "none"})
    with batch.store.engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.execute(text("DROP TRIGGER events_update"))
        connection.execute(
            text("UPDATE events SET payload = replace(payload, 'none', 'major') WHERE seq = 3")
        )
    with pytest.raises(DataError, match="event 3 was changed"):
        Room(batch.store, batch.config)


def test_an_sqlite_store_is_its_owners(open_room: Any) -> None:
    """It holds the hashes of passwords, and the records."""
    batch = open_room(2)
    batch.give("amal", {"verdict": "none"})
    files = sorted(Path(batch.config.store).parent.glob("reviews.sqlite*"))
    assert files
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_store_holds_one_batch(open_room: Any) -> None:
    batch = open_room(2)
    with pytest.raises(RunError, match="holds a batch already"):
        open_batch(batch.config)


def test_another_recipe_may_not_go_on_with_a_batch(open_room: Any) -> None:
    batch = open_room(2)
    with pytest.raises(RunError, match="another 'limit'"):
        Room(batch.store, batch.config.model_copy(update={"limit": 0.5}))


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("no/such.sqlite", "run: bimedix2 review open"),
        ("mysql://localhost/x", "neither SQLite nor PostgreSQL"),
        ("postgresql://127.0.0.1:1/x", "cannot be opened"),
        ("://", "no database URL"),
    ],
)
def test_a_store_that_cannot_be_had_is_one_sentence(where: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        Store(where)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite"
    path.write_text("these are my notes\n" * 100)
    with pytest.raises(ConfigError, match="file is not a database"):
        Store(str(path))


def test_an_empty_store_is_no_batch(tmp_path: Path) -> None:
    with (
        Store(str(tmp_path / "empty.sqlite"), make=True) as store,
        pytest.raises(RunError, match="holds no batch"),
    ):
        store.check()
