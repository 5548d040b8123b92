"""Answers kept in one SQLite file, so that no question is paid for twice.

An answer stands under the hash of the exact request (the backend's identity, messages, image hashes,
sampling, schema, prompt version) and the sample's number. The intent is written before a request is sent, the
answer before it is handed out: after a kill only requests whose answers were not here yet are sent again.
What likelihoods need of a prompt without its continuation (``Bare``) is kept the same way.
What was asked is not kept, only its hash. The file is made readable for its owner alone.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from bimedix2 import io
from bimedix2.errors import DataError, ModelError, RefusedError
from bimedix2.llm import backend as asking
from bimedix2.llm.backend import (
    UNWATCHED,
    IdentifiedBackend,
    Loglikelihood,
    Outcome,
    Reply,
    Request,
    Watch,
    all_answered,
)
from bimedix2.records import TextPart

FORMAT = 1
"""Of the tables; another number in ``user_version`` is refused."""
PATIENCE = 60
"""Seconds to wait for another process that writes."""
TABLES = """
CREATE TABLE IF NOT EXISTS asked (
    key TEXT NOT NULL, sample INTEGER NOT NULL, run TEXT NOT NULL, sent REAL NOT NULL,
    answered REAL, answer TEXT, PRIMARY KEY (key, sample));
CREATE TABLE IF NOT EXISTS spent (run TEXT PRIMARY KEY, cost REAL NOT NULL);
CREATE TABLE IF NOT EXISTS batches (
    token TEXT PRIMARY KEY, identity TEXT NOT NULL, id TEXT, requests TEXT NOT NULL, cost REAL NOT NULL);
CREATE TABLE IF NOT EXISTS bare (key TEXT PRIMARY KEY, tokens INTEGER NOT NULL, ids TEXT NOT NULL);
"""
INTEND = """INSERT INTO asked (key, sample, run, sent) VALUES (?, ?, ?, ?) ON CONFLICT (key, sample)
    DO UPDATE SET run = excluded.run, sent = excluded.sent WHERE answer IS NULL"""
ANSWER = """INSERT INTO asked (key, sample, run, sent, answered, answer) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (key, sample) DO UPDATE SET answered = excluded.answered, answer = excluded.answer
    WHERE answer IS NULL"""

Key = tuple[str, int]
Pair = tuple[Request, str]
A = TypeVar("A", Reply, Loglikelihood)


def key_of(identity: str, request: Request, continuation: str | None = None) -> Key:
    """Hash the exact request, and its sample's number.

    Args:
        identity: of the backend.
        request: its images count by the hashes that its messages name.
        continuation: what is scored; ``None`` where an answer is wanted.
    """
    shown = [
        [m.role, [p.text if isinstance(p, TextPart) else {"image": p.image} for p in m.content]]
        for m in request.messages
    ]
    exact = {
        "identity": identity,
        "messages": shown,
        "sampling": asdict(request.sampling),
        "schema": request.schema,
        "prompt": request.prompt,
        "continuation": continuation,
    } | ({"before": request.before} if request.before else {})
    return io.sha256_bytes(io.canonical_json(exact).encode("utf-8", "surrogatepass")), request.sample


@dataclass(frozen=True)
class Bare:
    """A prompt without its continuation: how many tokens, and the hash of their ids where it is known."""

    tokens: int
    ids: str = ""


@dataclass(frozen=True)
class BatchJob:
    """A batch of the provider's that is not finished: ``id`` is empty until the provider has named it."""

    token: str
    identity: str
    id: str
    requests: tuple[str, ...]
    cost: float
    """Money reserved for it."""


class Cache:
    """One cache file. Safe with threads; several processes may share it on a local disk.

    Args:
        path: made with its folder where it does not exist.

    Raises:
        DataError: the file is something else, or of another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._base = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            self._base.close()
            raise DataError(f"{path} cannot be used as a cache ({error}); name another file") from error
        except DataError:
            self._base.close()
            raise

    def _open(self) -> None:
        (version,) = self._base.execute("PRAGMA user_version").fetchone()
        if version not in (0, FORMAT):
            raise DataError(
                f"{self.path} is a cache of another version ({version}, not {FORMAT}); name another file"
            )
        self._base.execute("PRAGMA journal_mode = WAL")
        # Nothing is lost when the process is killed; after a power cut the last answers may be asked again.
        self._base.execute("PRAGMA synchronous = NORMAL")
        self._base.executescript(TABLES)
        self._base.execute(f"PRAGMA user_version = {FORMAT}")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def intend(self, key: Key, run: str = "") -> None:
        """Write down that a request is about to be sent."""
        with self._lock:
            self._base.execute(INTEND, (*key, run, time.time()))

    def put(self, key: Key, answer: Reply | Loglikelihood, run: str = "") -> None:
        """Keep an answer; where one is kept already, that one stays.

        Raises:
            ModelError: a likelihood is no number.
        """
        try:
            text = io.canonical_json(asdict(answer))
        except ValueError:
            raise ModelError("a likelihood is no number; check the model's weights") from None
        now = time.time()
        with self._lock:
            self._base.execute(ANSWER, (*key, run, now, now, text))

    def withdraw(self, key: Key) -> None:
        """Forget an intent whose request was refused."""
        with self._lock:
            self._base.execute("DELETE FROM asked WHERE key = ? AND sample = ? AND answer IS NULL", key)

    def get(self, keys: Iterable[Key]) -> dict[Key, Reply | Loglikelihood]:
        """Return the answers that are kept."""
        found: dict[Key, Reply | Loglikelihood] = {}
        query = "SELECT answer FROM asked WHERE key = ? AND sample = ? AND answer IS NOT NULL"
        with self._lock, closing(self._base.cursor()) as cursor:
            for key in keys:
                row = cursor.execute(query, key).fetchone()
                if row:
                    found[key] = _answer(row[0])
        return found

    def counts(self) -> tuple[int, int]:
        """Answers kept, and requests that were sent and have no answer (in flight now, or at a kill)."""
        query = "SELECT COUNT(answer), COUNT(*) - COUNT(answer) FROM asked"
        with self._lock:
            kept, open_ = self._base.execute(query).fetchone()
        return int(kept), int(open_)

    # Prompts without their continuations

    def bare(self, key: str) -> Bare | None:
        """Return what is known of a prompt."""
        with self._lock:
            row = self._base.execute("SELECT tokens, ids FROM bare WHERE key = ?", (key,)).fetchone()
        return Bare(*row) if row else None

    def put_bare(self, key: str, found: Bare) -> None:
        """Keep what an endpoint said of a prompt."""
        with self._lock:
            self._base.execute("INSERT OR IGNORE INTO bare VALUES (?, ?, ?)", (key, found.tokens, found.ids))

    # Money

    def spent(self, run: str) -> float:
        """Money that a run has spent, what was reserved at a kill included."""
        with self._lock:
            row = self._base.execute("SELECT cost FROM spent WHERE run = ?", (run,)).fetchone()
        return float(row[0]) if row else 0.0

    def spend(self, run: str, amount: float) -> None:
        """Add to what a run has spent."""
        query = "INSERT INTO spent VALUES (?, ?) ON CONFLICT (run) DO UPDATE SET cost = cost + excluded.cost"
        with self._lock:
            self._base.execute(query, (run, amount))

    # Batches of the provider's

    def add_batch(self, job: BatchJob) -> None:
        """Write down that a batch is about to be made, or what the provider calls it."""
        row = (job.token, job.identity, job.id, io.canonical_json(job.requests), job.cost)
        with self._lock:
            self._base.execute("INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?, ?)", row)

    def end_batch(self, job: BatchJob) -> None:
        """Forget a batch whose answers are kept."""
        with self._lock:
            self._base.execute("DELETE FROM batches WHERE token = ?", (job.token,))

    def batches(self, identity: str) -> list[BatchJob]:
        """Return the batches of a backend that are not finished, oldest first."""
        query = "SELECT token, identity, id, requests, cost FROM batches WHERE identity = ? ORDER BY rowid"
        with self._lock:
            rows = self._base.execute(query, (identity,)).fetchall()
        return [BatchJob(a, b, c or "", tuple(io.parse_json(d)), e) for a, b, c, d, e in rows]


def _answer(text: str) -> Reply | Loglikelihood:
    value = io.parse_json(text)
    return Reply(**value) if "text" in value else Loglikelihood(**value)


@dataclass(frozen=True)
class RunLedger:
    """The money of one run, kept in its cache."""

    cache: Cache
    run: str

    def spent(self) -> float:
        """Return the sum so far."""
        return self.cache.spent(self.run)

    def spend(self, amount: float) -> None:
        """Add to it."""
        self.cache.spend(self.run, amount)


class Cached:
    """A backend that asks another one only what its cache does not know. A ``WatchedBackend``.

    Of two threads that want the same answer one asks and the other waits.

    Args:
        backend: who is asked.
        cache: shared by as many backends as you like.
        run: a name for what asks, kept with each answer.
    """

    def __init__(self, backend: IdentifiedBackend, cache: Cache, run: str = "") -> None:
        self.backend = backend
        self.cache = cache
        self.run = run
        self._claimed: set[Key] = set()
        self._changed = threading.Condition()

    @property
    def name(self) -> str:
        """The backend's."""
        return self.backend.name

    @property
    def identity(self) -> str:
        """The backend's."""
        return self.backend.identity

    def unanswered(self, requests: Sequence[Request]) -> list[Request]:
        """Return the requests that would be sent, each once: what an estimate is made of."""
        wanted = {key_of(self.identity, request): request for request in requests}
        known = self.cache.get(wanted)
        return [request for key, request in wanted.items() if key not in known]

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer every request; errors as the backend's."""
        return all_answered(self.attempt(requests, UNWATCHED))

    def loglikelihood(self, pairs: Sequence[Pair]) -> list[Loglikelihood]:
        """Score continuations; errors as the backend's."""
        return all_answered(self.score(pairs, UNWATCHED))

    def attempt(self, requests: Sequence[Request], watch: Watch) -> list[Reply | RefusedError]:
        """As ``chat``, with errors in the places of refused requests; a refusal is not kept."""
        keys = [key_of(self.identity, request) for request in requests]

        def ask(numbers: list[int], storing: Watch) -> object:
            return asking.attempt(self.backend, [requests[number] for number in numbers], storing)

        return self._through(keys, ask, watch)  # type: ignore[return-value]

    def score(self, pairs: Sequence[Pair], watch: Watch) -> list[Loglikelihood | RefusedError]:
        """As ``loglikelihood``, with errors in the places of refused requests."""
        keys = [key_of(self.identity, request, continuation) for request, continuation in pairs]

        def ask(numbers: list[int], storing: Watch) -> object:
            return asking.score(self.backend, [pairs[number] for number in numbers], storing)

        return self._through(keys, ask, watch)  # type: ignore[return-value]

    def _through(
        self, keys: Sequence[Key], ask: Callable[[list[int], Watch], object], watch: Watch
    ) -> list[Outcome]:
        """Answer from the cache, else through ``ask``, which gets the places of requests and who listens."""
        places: dict[Key, list[int]] = {}
        for number, key in enumerate(keys):
            places.setdefault(key, []).append(number)
        outcomes: dict[Key, Outcome] = {}
        waiting = list(places)
        while waiting:
            known, mine = self._claim(waiting)
            try:
                for key, answer in known.items():
                    outcomes[key] = answer
                    for number in places[key]:
                        watch.answered(number, answer)
                if mine:
                    ask([places[key][0] for key in mine], _Storing(self, mine, places, watch, outcomes))
            finally:
                self._release(mine)
            waiting = [key for key in waiting if key not in outcomes]
        return [outcomes[key] for key in keys]

    def _claim(self, keys: list[Key]) -> tuple[dict[Key, Reply | Loglikelihood], list[Key]]:
        """Known answers, and keys that this thread has to ask; waits while all are other threads'."""
        with self._changed:
            while True:
                known = self.cache.get(keys)
                mine = [key for key in keys if key not in known and key not in self._claimed]
                if known or mine:
                    self._claimed.update(mine)
                    return known, mine
                self._changed.wait()

    def _release(self, keys: list[Key]) -> None:
        with self._changed:
            self._claimed.difference_update(keys)
            self._changed.notify_all()


@dataclass(frozen=True)
class _Storing:
    """Writes intents and answers down as the backend tells of them, then tells the caller's watch."""

    cached: Cached
    keys: list[Key]
    places: dict[Key, list[int]]
    watch: Watch
    outcomes: dict[Key, Outcome]

    def sending(self, number: int) -> None:
        key = self.keys[number]
        self.cached.cache.intend(key, self.cached.run)
        self.watch.sending(self.places[key][0])

    def answered(self, number: int, outcome: Outcome) -> None:
        key, cache = self.keys[number], self.cached.cache
        if isinstance(outcome, RefusedError):
            cache.withdraw(key)
        else:
            cache.put(key, outcome, self.cached.run)
            outcome = cache.get([key])[key]  # another process may have been first
        self.outcomes[key] = outcome
        for place in self.places[key]:
            self.watch.answered(place, outcome)
