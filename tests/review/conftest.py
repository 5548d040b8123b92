"""Small batches of pairs in both languages, stores on SQLite and PostgreSQL, and a running server."""

import importlib.util
import itertools
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import httpx
import pytest
from PIL import Image

from bimedix2 import io
from bimedix2.manifest import RunFolder
from bimedix2.records import ImagePart, Language, Message, Provenance, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import write_records
from bimedix2.review import accounts, open_batch
from bimedix2.review.room import Room
from bimedix2.review.settings import Config
from bimedix2.review.store import Store

TEXTS = [
    (
        "Which side is the effusion on?",
        "There is a small left pleural effusion.\nThere is no pneumothorax.",
        "في أي جهة يقع الانصباب؟",
        "يوجد انصباب جنبي صغير في الجهة اليمنى.\nلا يوجد استرواح صدري.",
    ),
    (
        "What is the dose?",
        "Give 500 mg of amoxicillin every 8 hours for 7 days.",
        "ما الجرعة؟",
        "يُعطى أموكسيسيلين (amoxicillin) بجرعة 500 mg كل 8 ساعات لمدة 7 أيام.",
    ),
    (
        "What does the MRI show?",
        "A right disc protrusion at L4-L5 measures 6 mm.",
        "ماذا يُظهر التصوير بالرنين المغناطيسي؟",
        "بروز قرصي أيمن عند المستوى L4-L5 قياسه 6 mm.",
    ),
]
"""Question and answer in both languages, written here; the first translation has a wrong side on purpose."""


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """scrypt at a cost that hundreds of accounts can pay; processes of their own keep the shipped one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "COST", 2**4)
        yield


def png(shade: int) -> bytes:
    buffer = BytesIO()
    Image.new("L", (80, 60), shade).save(buffer, "PNG")
    return buffer.getvalue()


def pair(number: int, key: str, split: Split = Split.TRAIN) -> tuple[Record, Record]:
    """A record about an image, and its translation; the number decides which texts."""
    question, answer, frage, antwort = TEXTS[number % len(TEXTS)]
    image = ImagePart(image=key, name="one.png")
    common: dict[str, Any] = {
        "task": "vqa",
        "split": split,
        "provenance": Provenance(source="invented", source_id=str(number), subject=f"p{number // 2}"),
    }
    english = Record(
        id=f"en-{number}",
        messages=(Message.of("user", image, question), Message.of("assistant", answer)),
        language=Language.ENGLISH,
        **common,
    )
    arabic = Record(
        id=f"ar-{number}",
        messages=(Message.of("user", image, frage), Message.of("assistant", antwort)),
        language=Language.ARABIC,
        meta={"translation": {"of": english.id, "quality": 1 - number / 100}},
        **common,
    )
    return english, arabic


def finished(folder: Path, records: Sequence[Record], images: Sequence[bytes] = ()) -> Path:
    """A finished folder with those records."""
    with RunFolder(folder, "translate", {}) as out:
        store = ImageStore(out.path / "images")
        for data in images:
            store.add(data)
        write_records(out.path, records)
        return out.publish({"in": len(records), "kept": len(records), "removed": {}})


def make_pairs(folder: Path, count: int, failed: Sequence[int] = ()) -> Path:
    """A finished folder of ``count`` pairs; every fifth tests, those in ``failed`` fail a check."""
    data = png(90)
    key = ImageStore(folder.parent / "keys").add(data)
    records = [r for n in range(count) for r in pair(n, key, Split.TEST if n % 5 == 4 else Split.TRAIN)]
    for number in failed:
        said = {**records[2 * number + 1].meta["translation"], "failed": ["laterality"]}
        records[2 * number + 1] = records[2 * number + 1].model_copy(update={"meta": {"translation": said}})
    return finished(folder, records, [data])


PEOPLE = [
    {"name": "amal", "role": "reviewer"},
    {"name": "omar", "role": "reviewer"},
    {"name": "sara", "role": "reviewer"},
    {"name": "huda", "role": "adjudicator"},
]


def config_of(folder: Path, **changes: Any) -> Config:
    """Settings of a batch whose input is ``folder / "pairs"``."""
    given: dict[str, Any] = {
        "input": folder / "pairs",
        "store": str(folder / "reviews.sqlite"),
        "output": folder / "closed",
        "plans": [{"plan": "all"}],
        "people": PEOPLE,
        "port": 0,
        "resamples": 100,
    }
    return Config.model_validate({**given, **changes})


@dataclass
class Batch:
    """An open batch: its settings, and the room to act in."""

    config: Config
    store: Store
    room: Room

    def give(self, name: str, *judged: dict[str, Any]) -> list[str]:
        """Have a person review the next pairs; return their ids."""
        done = []
        for value in judged:
            standing = self.room.next_for(name)
            assert standing is not None
            self.room.review(name, standing.item.id, value)
            done.append(standing.item.id)
        return done

    def state(self, item: str) -> str:
        return self.room.board.of(item).state(self.config.overlap)


@pytest.fixture
def open_room(tmp_path: Path) -> Iterator[Callable[..., Batch]]:
    """``open_room(3, overlap=2)``: an open batch of so many pairs."""
    opened: list[Store] = []

    def make(count: int = 3, failed: Sequence[int] = (), **changes: Any) -> Batch:
        make_pairs(tmp_path / "pairs", count, failed)
        config = config_of(tmp_path, **changes)
        open_batch(config)
        store = Store(config.store)
        opened.append(store)
        return Batch(config, store, Room(store, config))

    yield make
    for store in opened:
        store.close()


@pytest.fixture(scope="session")
def writers() -> ModuleType:
    """``benchmarks/review_writers.py``, which starts PostgreSQL too."""
    file = Path(__file__).parents[2] / "benchmarks" / "review_writers.py"
    spec = importlib.util.spec_from_file_location("review_writers", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["review_writers"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def postgresql(writers: ModuleType, lacking: Callable[[str], NoReturn]) -> Iterator[str]:
    """The URL of a real server on loopback, started for these tests and ended by its own pid."""
    programs = writers.postgresql_programs()
    if programs is None:
        lacking("PostgreSQL is not here; run: apt-get install -y postgresql")
    with writers.postgresql(programs) as url:
        yield url


NAMES = itertools.count()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path, writers: ModuleType) -> str:
    """An empty store of each kind."""
    if request.param == "sqlite":
        return str(tmp_path / "reviews.sqlite")
    url: str = writers.new_database(request.getfixturevalue("postgresql"), f"t{next(NAMES)}")
    return url


@dataclass
class Site:
    """A running review server, and people who sign in."""

    address: str
    batch: Config
    room: Room
    passwords: dict[str, str]
    clients: list[httpx.Client] = field(default_factory=list)

    def client(self) -> httpx.Client:
        """A browser's worth of cookies."""
        made = httpx.Client(base_url=self.address, timeout=30)
        self.clients.append(made)
        return made

    def signed_in(self, name: str) -> "Signed":
        """A client that has signed in."""
        client = self.client()
        answer = client.post("/login", data={"name": name, "password": self.passwords[name]})
        assert answer.status_code == 303, answer.text
        return Signed(client)


@dataclass
class Signed:
    """Somebody who is signed in."""

    client: httpx.Client

    def page(self, path: str = "/") -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def data(self, path: str = "/") -> dict[str, Any]:
        """What a page hands its script."""
        found = re.search(r'id="data">(.*?)</script>', self.page(path), re.DOTALL)
        assert found
        value: dict[str, Any] = json.loads(found[1])
        return value

    def send(self, path: str, body: dict[str, Any], form: str | None = None) -> httpx.Response:
        """Send an act with the page's form token, or another."""
        token = self.data("/account")["form"] if form is None else form
        return self.client.post(path, json=body, headers={"X-Form-Token": token})


@contextmanager
def serving(config: Config) -> Iterator[Site]:
    """Open the batch and run the server in a thread; end it and wait for it."""
    from bimedix2.review.app import Server

    open_batch(config)
    server = Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    lines = config.passwords_file.read_text(encoding="utf-8").splitlines()
    site = Site(server.address, config, server.room, dict(line.split("\t") for line in lines))
    try:
        yield site
    finally:
        for client in site.clients:
            client.close()
        server.stop()
        thread.join(20)
    assert not thread.is_alive(), "the server did not stop"


@pytest.fixture
def serve(tmp_path: Path) -> Callable[..., Any]:
    """``with serve(3, overlap=1) as site``: a server over so many pairs."""

    @contextmanager
    def run(count: int = 3, **changes: Any) -> Iterator[Site]:
        make_pairs(tmp_path / "pairs", count)
        with serving(config_of(tmp_path, **changes)) as site:
            yield site

    return run


@pytest.fixture
def finish() -> Callable[..., Path]:
    """``finish(folder, records)``: a finished folder with those records."""
    return finished


ASKED = {
    "en": (
        "What does the radiograph show?",
        "A small left pleural effusion.\nNo pneumothorax.",
        ["There is a left pleural effusion of 10-20 mm.", "The lungs are clear.", "Right effusion."],
    ),
    "ar": (
        "ماذا تُظهر صورة الأشعة السينية؟",
        "انصباب جنبي صغير في الجهة اليسرى.\nلا يوجد استرواح صدري.",
        [
            "يوجد انصباب جنبي أيسر سماكته 10-20 mm.",
            "الرئتان سليمتان.",
            "انصباب في الجهة اليمنى.\nيُنصح بإجراء CT.",
        ],
    ),
}
"""Question, reference and answers of a trial, written here."""


TWO_SCORES = [
    {"id": label, "label": label, "name": "overall", "values": [str(value) for value in range(1, 11)]}
    for label in "AB"
]
"""Scales of an item with two answers, as a judge scores them."""


def make_trial(folder: Path, count: int, labels: int = 3, scales: Sequence[dict[str, Any]] = ()) -> Path:
    """A sealed folder of so many items, in the layout of docs/trial.md; every second is Arabic.

    With ``scales`` people give scores in the place of a choice, and see no reference.
    """
    with RunFolder(folder, "evaluate", {}) as out:
        rows = []
        for number in range(1, count + 1):
            key = ImageStore(out.path / "images").add(png(10 * number))
            language = "en" if number % 2 else "ar"
            question, reference, answers = ASKED[language]
            parts: list[dict[str, str]] = [{"image": key}, {"text": question}]
            rows.append(
                {
                    "id": f"{number:03d}",
                    "domain": "chest_xray",
                    "type": "conversation",
                    "language": language,
                    "cluster": str(number),
                    "data_class": "open",
                    "turns": [{"role": "user", "parts": parts}],
                    "reference": reference,
                    "answers": [{"label": chr(65 + n), "text": answers[n % 3]} for n in range(labels)],
                }
            )
            if scales:
                rows[-1] |= {"scales": list(scales), "reference": "", "context": "Figure 1: a chest film."}
        io.write_jsonl(out.path / "items.jsonl", rows)
        about = {
            "format": 1,
            "items_sha256": io.sha256_file(out.path / "items.jsonl"),
            "key_sha256": "0" * 64,
        }
        return out.publish({"in": count, "kept": count, "removed": {}}, {"trial": about})


def trial_of(folder: Path, **changes: Any) -> Config:
    """Settings of a trial whose sealed folder is ``folder / "sealed"``."""
    given: dict[str, Any] = {
        "kind": "trial",
        "input": folder / "sealed",
        "store": str(folder / "trial.sqlite"),
        "output": folder / "judged",
        "people": [{"name": name, "role": "reviewer"} for name in ("amal", "omar", "sara")],
        "port": 0,
    }
    return Config.model_validate({**given, **changes})


@pytest.fixture
def trial(tmp_path: Path) -> Callable[..., Config]:
    """``trial(4, overlap=2)``: the settings of a trial of so many items, sealed and not yet open."""

    def make(
        count: int = 4, labels: int = 3, scales: Sequence[dict[str, Any]] = (), **changes: Any
    ) -> Config:
        make_trial(tmp_path / "sealed", count, labels, scales)
        return trial_of(tmp_path, **changes)

    return make


@pytest.fixture
def two_scores() -> list[dict[str, Any]]:
    """Scales that ask for a score from 1 to 10 of each of two answers."""
    return TWO_SCORES


@pytest.fixture
def serve_trial(tmp_path: Path) -> Callable[..., Any]:
    """``with serve_trial(3, overlap=1) as site``: a server over a trial of so many items."""

    @contextmanager
    def run(
        count: int = 3, labels: int = 3, scales: Sequence[dict[str, Any]] = (), **changes: Any
    ) -> Iterator[Site]:
        make_trial(tmp_path / "sealed", count, labels, scales)
        with serving(trial_of(tmp_path, **changes)) as site:
            yield site

    return run
