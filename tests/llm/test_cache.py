"""What is in the cache is never asked again; what is not is asked once, whoever wants it."""

import math
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bimedix2.errors import DataError, EndpointError, ModelError, RefusedError
from bimedix2.llm.backend import UNWATCHED, Loglikelihood, Outcome, Reply, Request, Sampling
from bimedix2.llm.cache import Cache, Cached, RunLedger, key_of
from bimedix2.llm.endpoint import Endpoint
from bimedix2.llm.openai import OpenAI
from bimedix2.records import DataClass, ImagePart, Message

Make = Callable[..., Endpoint]
Ask = Callable[..., Request]


@pytest.fixture
def cache(tmp_path: Path) -> Any:
    with Cache(tmp_path / "deep" / "cache.sqlite") as one:
        yield one


class Counting:
    """Answers after a moment and counts what it was asked."""

    name = "counting@1"
    identity = "counting"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.lock = threading.Lock()

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        with self.lock:
            self.asked += [request.messages[-1].text for request in requests]
        time.sleep(0.01)
        return [Reply(f"{r.messages[-1].text} {r.sample}", self.name, "stop", 3, 4) for r in requests]

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        self.asked += [text for _, text in pairs]
        return [Loglikelihood(-float(len(text)), 2, False) for _, text in pairs]


def test_an_answer_is_asked_for_once(cache: Cache, ask: Ask) -> None:
    inner = Counting()
    cached = Cached(inner, cache)
    first = cached.chat([ask("a"), ask("b"), ask("a")])
    again = Cached(inner, cache).chat([ask("b"), ask("a"), ask("c")])
    assert [reply.text for reply in first] == ["a 0", "b 0", "a 0"]
    assert again[:2] == [first[1], first[0]]
    assert inner.asked == ["a", "b", "c"]
    assert cached.loglikelihood([(ask("a"), "yes")]) == cached.loglikelihood([(ask("a"), "yes")])
    assert inner.asked[3:] == ["yes"]
    assert cache.counts() == (4, 0)
    assert (cached.name, cached.identity) == ("counting@1", "counting")


def test_the_key_is_the_exact_request(ask: Ask) -> None:
    one = ask("a")
    image = ImagePart(image="a" * 64, name="one.png")
    shown = replace(one, messages=(Message.of("user", image, "a"),))
    others = [
        ask("b"),
        ask("a", max_tokens=9),
        ask("a", temperature=0.1),
        ask("a", seed=1),
        ask("a", prompt="v2"),
        ask("a", sample=1),
        replace(one, schema="{}"),
        replace(one, messages=(Message.of("system", ""), *one.messages)),
        shown,
        replace(one, messages=(Message.of("user", "a", image),)),
        replace(one, messages=(Message.of("user", ImagePart(image="b" * 64), "a"),)),
    ]
    keys = [
        key_of("x", one),
        key_of("y", one),
        key_of("x", one, ""),
        *(key_of("x", other) for other in others),
    ]
    assert len(set(keys)) == len(keys)
    renamed = ImagePart(image="a" * 64, name="two.png")
    assert key_of("x", replace(shown, messages=(Message.of("user", renamed, "a"),))) == key_of("x", shown)
    assert key_of("x", replace(one, data_class=DataClass.PATIENT)) == key_of("x", one)
    assert key_of("x", replace(one, sampling=Sampling())) == key_of("x", one)


def test_the_intent_is_on_disk_before_the_request_and_the_answer_before_it_is_told(
    cache: Cache, ask: Ask, provider: Any, endpoint: Make
) -> None:
    """A second connection to the file sees what another process would find after a kill."""
    seen: list[tuple[str, int, int]] = []

    def look(event: str) -> None:
        with sqlite3.connect(cache.path) as other:
            row = other.execute("SELECT COUNT(answer), COUNT(*) - COUNT(answer) FROM asked").fetchone()
        other.close()
        seen.append((event, *row))

    class Looking:
        def sending(self, number: int) -> None:
            pass

        def answered(self, number: int, outcome: Outcome) -> None:
            look("told")

    def words(text: str) -> str:
        look("server")
        return text

    provider.words = words
    backend = OpenAI(endpoint(concurrency=1))
    Cached(backend, cache).attempt([ask("a"), ask("b")], Looking())
    backend.close()
    assert seen == [("server", 0, 1), ("told", 1, 0), ("server", 1, 1), ("told", 2, 0)]


def test_threads_that_want_the_same_ask_once(cache: Cache, ask: Ask) -> None:
    inner = Counting()
    cached = Cached(inner, cache)
    requests = [ask(f"q{n}") for n in range(20)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda shift: cached.chat(requests[shift:] + requests[:shift]), range(8)))
    assert sorted(inner.asked) == sorted(f"q{n}" for n in range(20))
    for shift, replies in enumerate(results):
        assert [r.text for r in replies] == [f"q{(shift + n) % 20} 0" for n in range(20)]


def test_a_thread_whose_forerunner_failed_asks_itself(cache: Cache, ask: Ask) -> None:
    class Failing(Counting):
        gate = threading.Event()

        def chat(self, requests: Sequence[Request]) -> list[Reply]:
            if not self.asked:
                self.asked.append("first")
                self.gate.wait(10)
                raise EndpointError("down")
            return super().chat(requests)

    inner = Failing()
    cached = Cached(inner, cache)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cached.chat, [ask("a")])
        while not inner.asked:
            time.sleep(0.001)
        second = pool.submit(cached.chat, [ask("a")])
        time.sleep(0.05)
        assert not second.done(), "the second thread did not wait for the first"
        inner.gate.set()
        assert second.result(10)[0].text == "a 0"
        with pytest.raises(EndpointError):
            first.result(10)
    assert inner.asked == ["first", "a"]
    assert cache.counts() == (1, 0)


def test_a_refusal_is_not_kept(cache: Cache, ask: Ask, provider: Any, endpoint: Make, step: Any) -> None:
    provider.steps["bad"] = [step(status=400)]
    backend = OpenAI(endpoint())
    cached = Cached(backend, cache)
    outcomes = cached.attempt([ask("bad"), ask("good"), ask("bad")], UNWATCHED)
    assert [isinstance(one, RefusedError) for one in outcomes] == [True, False, True]
    assert cache.counts() == (1, 0)
    assert [one.text for one in cached.chat([ask("bad"), ask("good")])] == ["answer to bad", "answer to good"]
    assert provider.questions().count("good") == 1
    backend.close()


def test_the_first_kept_answer_stays(cache: Cache, ask: Ask) -> None:
    key = key_of("x", ask())
    cache.intend(key, "run one")
    cache.put(key, Reply("first", "m", "stop", 1, 2))
    cache.put(key, Reply("second", "m", "stop", 1, 2))
    cache.intend(key, "run two")
    cache.withdraw(key)
    assert cache.get([key]) == {key: Reply("first", "m", "stop", 1, 2)}
    with Cache(cache.path) as other:
        assert other.get([key]) == cache.get([key])


def test_what_would_be_sent_is_known_before(cache: Cache, ask: Ask) -> None:
    cached = Cached(Counting(), cache)
    cached.chat([ask("a")])
    assert cached.unanswered([ask("a"), ask("b"), ask("b")]) == [ask("b")]


def test_arabic_odd_characters_and_halves_of_pairs_come_back(cache: Cache, ask: Ask) -> None:
    texts = ["لا يوجد كسر", "a\u0000b", "line\u2028line", "🩻"]
    for number, text in enumerate(texts):
        cache.put(key_of("x", ask(sample=number)), Reply(text, "m", "length", 1, 2))
    found = cache.get(key_of("x", ask(sample=number)) for number in range(4))
    assert [reply.text for reply in found.values() if isinstance(reply, Reply)] == texts
    assert key_of("x", ask("\ud800")) != key_of("x", ask("?"))


def test_a_likelihood_that_is_no_number_is_not_kept(cache: Cache, ask: Ask) -> None:
    with pytest.raises(ModelError, match="no number"):
        cache.put(key_of("x", ask()), Loglikelihood(math.nan, 1, False))
    assert cache.counts() == (0, 0)


def test_money_is_kept_by_run(cache: Cache) -> None:
    one, two = RunLedger(cache, "one"), RunLedger(cache, "two")
    one.spend(0.5)
    one.spend(-0.125)
    two.spend(3)
    with Cache(cache.path) as other:
        assert (RunLedger(other, "one").spent(), RunLedger(other, "two").spent()) == (0.375, 3)
    assert RunLedger(cache, "three").spent() == 0


def test_the_file_is_its_owners_and_holds_no_question(cache: Cache, ask: Ask) -> None:
    cached = Cached(Counting(), cache)
    cached.chat(
        [replace(ask("hello"), messages=(Message.of("system", "patient Alice"), *ask("hi").messages))]
    )
    for path in [cache.path, *cache.path.parent.glob("*-wal")]:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert b"Alice" not in path.read_bytes()


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "text"
    other.write_text("this is no database, and it is long enough to be looked at " * 40)
    with pytest.raises(DataError, match="cannot be used as a cache"):
        Cache(other)
    newer = tmp_path / "newer"
    with sqlite3.connect(newer) as base:
        base.execute("PRAGMA user_version = 9")
    base.close()
    with pytest.raises(DataError, match=r"another version \(9, not 1\)"):
        Cache(newer)
