"""The batch API at a real server: nothing lost, nothing paid for twice, whatever breaks, wherever killed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bimedix2.errors import BudgetError, DataClassError, EndpointError, RefusedError
from bimedix2.llm.backend import UNWATCHED, Reply, Request
from bimedix2.llm.batch import Batched
from bimedix2.llm.budget import Budget, Prices
from bimedix2.llm.cache import Cache, Cached, RunLedger
from bimedix2.llm.connect import open_endpoint
from bimedix2.llm.endpoint import Endpoint
from bimedix2.llm.http import Again, Connection
from bimedix2.records import DataClass

Make = Callable[..., Endpoint]
Ask = Callable[..., Request]
PRICES = Prices(input=1000, output=1000)


@pytest.fixture
def cache(tmp_path: Path) -> Any:
    with Cache(tmp_path / "cache.sqlite") as one:
        yield one


@pytest.fixture
def opened(cache: Cache) -> Any:
    """``opened(endpoint)``: a batch backend behind its cache."""
    made: list[Batched] = []

    def make(endpoint: Endpoint, budget: Budget | None = None) -> Cached:
        made.append(Batched(endpoint, cache, budget))
        return Cached(made[-1], cache, "run")

    yield make
    for backend in made:
        backend.close()


def texts(outcomes: list[Reply | RefusedError]) -> list[str]:
    return [outcome.text if isinstance(outcome, Reply) else str(outcome) for outcome in outcomes]


def test_a_batch_answers_in_the_order_of_its_requests(
    provider: Any, endpoint: Make, opened: Any, cache: Cache, ask: Ask
) -> None:
    provider.polls = 3
    replies = opened(endpoint()).chat([ask("one"), ask("سؤال"), ask("three", sample=4)])
    assert [reply.text for reply in replies] == ["answer to one", "answer to سؤال", "answer to three"]
    assert replies[0].model == "m-0613@127.0.0.1"
    (batch,) = provider.batches.values()
    assert (batch["endpoint"], batch["completion_window"]) == ("/v1/chat/completions", "24h")
    assert batch["polls"] == 3
    assert cache.counts() == (3, 0)
    assert cache.batches(endpoint().identity) == []
    assert provider.files == {}, "records were left behind at the provider"


def test_single_requests_and_batches_share_their_answers(
    provider: Any, endpoint: Make, ask: Ask, tmp_path: Path
) -> None:
    with open_endpoint(endpoint(), tmp_path / "c", "one") as backend:
        backend.chat([ask("a")])
    with open_endpoint(endpoint(batch=True), tmp_path / "c", "two") as backend:
        assert texts(backend.attempt([ask("a"), ask("b")], UNWATCHED)) == ["answer to a", "answer to b"]
    assert len(provider.questions()) == 1
    assert len(provider.batches) == 1


def test_large_calls_are_cut_into_batches(provider: Any, endpoint: Make, opened: Any, ask: Ask) -> None:
    replies = opened(endpoint(batch_requests=2)).chat([ask(f"q{n}") for n in range(5)])
    assert [reply.text for reply in replies] == [f"answer to q{n}" for n in range(5)]
    assert len(provider.batches) == 3


def test_a_refused_line_is_refused_alone_and_a_failed_one_is_asked_again(
    provider: Any, endpoint: Make, opened: Any, cache: Cache, ask: Ask, step: Any
) -> None:
    provider.steps = {
        "bad": [step(status=400, body={"error": {"message": "too long"}})],
        "late": [step(drop=True), step(status=500)],  # expired, then an error of the server's
        "odd": [step(body={"choices": []})],
    }
    outcomes = opened(endpoint()).attempt([ask("good"), ask("bad"), ask("late"), ask("odd")], UNWATCHED)
    assert texts(outcomes) == [
        "answer to good",
        "127.0.0.1 refused a request (HTTP 400: too long); look at that record",
        "answer to late",
        "answer to odd",
    ]
    assert len(provider.batches) == 3
    assert cache.counts() == (3, 0)


def test_a_line_that_fails_in_every_batch_is_refused(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, step: Any
) -> None:
    provider.steps["bad"] = [step(status=500)] * 9
    (outcome,) = opened(endpoint()).attempt([ask("bad")], UNWATCHED)
    assert str(outcome) == "m@127.0.0.1 failed at a request in 3 batches; look at that record"


@pytest.mark.parametrize("moment", ["POST /v1/files", "POST /v1/batches", "GET /v1/batches/batch-0"])
def test_a_run_that_is_killed_finds_its_batch_again(
    provider: Any,
    endpoint: Make,
    opened: Any,
    cache: Cache,
    ask: Ask,
    moment: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The request reaches the provider, its answer never comes back, and the process ends there."""
    real = Connection.once

    def dies(self: Any, method: str, path: str, *args: Any, **more: Any) -> bytes:
        data: bytes = real(self, method, path, *args, **more)
        if f"{method} /v1{path}" == moment:
            raise KeyboardInterrupt
        return data

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "once", dies)
        with pytest.raises(KeyboardInterrupt):
            opened(endpoint()).chat([ask("a"), ask("b")])
    made = len(provider.batches)
    assert made == (0 if moment == "POST /v1/files" else 1)
    replies = opened(endpoint()).chat([ask("b"), ask("a"), ask("c")])
    assert [reply.text for reply in replies] == ["answer to b", "answer to a", "answer to c"]
    assert len(provider.batches) == (1 if made == 0 else 2), "a batch was paid for twice"
    assert cache.batches(endpoint().identity) == []


def test_answers_of_a_found_batch_that_nobody_waits_for_are_kept_too(
    provider: Any, endpoint: Make, opened: Any, cache: Cache, ask: Ask, step: Any
) -> None:
    backend = opened(endpoint())
    provider.steps["GET /v1/batches/batch-0"] = [step(status=401)]
    with pytest.raises(EndpointError, match="does not let this key in"):
        backend.chat([ask("a"), ask("b")])
    opened(endpoint()).chat([ask("a")])
    assert cache.counts() == (2, 0)
    assert [reply.text for reply in opened(endpoint()).chat([ask("b")])] == ["answer to b"]
    assert len(provider.batches) == 1


def test_a_connection_that_breaks_while_a_batch_is_made_makes_one_batch(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, broken = Connection.once, []

    def breaks(self: Any, method: str, path: str, *args: Any, **more: Any) -> bytes:
        data = real(self, method, path, *args, **more)
        if (method, path) == ("POST", "/batches") and not broken:
            broken.append(path)
            raise Again("the connection broke", sent=True)
        return data

    monkeypatch.setattr(Connection, "once", breaks)
    assert opened(endpoint()).chat([ask("a")])[0].text == "answer to a"
    assert broken
    assert len(provider.batches) == 1


def test_a_failed_batch_says_why(provider: Any, endpoint: Make, opened: Any, cache: Cache, ask: Ask) -> None:
    provider.work = lambda batch: batch.update(
        status="failed", errors={"data": [{"code": "x", "message": "Enqueued token\nlimit reached"}]}
    )
    with pytest.raises(EndpointError, match="failed batch batch-0: Enqueued token limit reached"):
        opened(endpoint()).chat([ask("a")])
    assert cache.batches(endpoint().identity) == []


def test_a_cancelled_batch_gives_what_it_has_and_ends_the_run(
    provider: Any, endpoint: Make, opened: Any, cache: Cache, ask: Ask, step: Any
) -> None:
    provider.end = "cancelled"
    provider.steps["b"] = [step(drop=True)]
    with pytest.raises(EndpointError, match="batch batch-0 was cancelled; its answers are kept"):
        opened(endpoint()).chat([ask("a"), ask("b")])
    assert cache.counts()[0] == 1


def test_an_expired_batch_gives_what_it_has_and_the_rest_is_asked_again(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, step: Any
) -> None:
    provider.end = "expired"
    provider.steps["b"] = [step(drop=True)]
    assert [reply.text for reply in opened(endpoint()).chat([ask("a"), ask("b")])] == [
        "answer to a",
        "answer to b",
    ]
    assert len(provider.batches) == 2


def test_the_budget_holds_for_batches_and_over_a_kill(
    provider: Any, endpoint: Make, opened: Any, cache: Cache, ask: Ask, step: Any
) -> None:
    requests = [ask("hello", max_tokens=100, sample=n) for n in range(3)]  # 0.169 at most, 0.015 each
    ledger = RunLedger(cache, "run")
    with pytest.raises(BudgetError):
        opened(endpoint(), Budget(PRICES, 0.5, ledger)).chat(requests)
    assert provider.batches == {}
    assert ledger.spent() == 0
    provider.steps["GET /v1/batches/batch-0"] = [step(status=401)]
    with pytest.raises(EndpointError):
        opened(endpoint(), Budget(PRICES, 0.6, ledger)).chat(requests)
    assert ledger.spent() == pytest.approx(0.507)
    opened(endpoint(), Budget(PRICES, 0.6, ledger)).chat(requests)
    assert ledger.spent() == pytest.approx(0.045)


def test_protected_records_stay(provider: Any, endpoint: Make, opened: Any, ask: Ask) -> None:
    with pytest.raises(DataClassError):
        opened(endpoint(patient_hosts=[])).chat([ask(), ask("x", data_class=DataClass.PATIENT)])
    assert provider.asked == []


def test_batches_give_no_likelihoods(endpoint: Make, opened: Any, ask: Ask) -> None:
    with pytest.raises(EndpointError, match="set batch: false"):
        opened(endpoint()).loglikelihood([(ask(), "yes")])
