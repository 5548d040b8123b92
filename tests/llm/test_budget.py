"""Money: said before, never passed, and remembered over a kill."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bimedix2.errors import BudgetError
from bimedix2.llm.backend import Request
from bimedix2.llm.budget import Bill, Budget, Prices, estimate, tokens_of
from bimedix2.llm.cache import Cache, RunLedger
from bimedix2.records import ImagePart, Message

Ask = Callable[..., Request]
DOLLARS = Prices(input=1_000_000, output=2_000_000)  # a dollar for a token in, two for one out


def test_the_bound_counts_bytes_and_the_estimate_characters(ask: Ask) -> None:
    english, arabic = tokens_of(ask("x" * 300)), tokens_of(ask("ص" * 300))
    assert (english.likely, english.most) == (100 + 16, 300 + 64)
    assert (arabic.likely, arabic.most) == (300 + 16, 600 + 64)
    image = Request((Message.of("user", ImagePart(image="a" * 64), "x"),))
    assert tokens_of(image, 500).likely == 500 + 1 + 16
    assert tokens_of(ask("x"), more="yyy").most == tokens_of(ask("x")).most + 3


def test_an_estimate_says_what_it_is(ask: Ask) -> None:
    prices = Prices(input=10, output=30, currency="EUR")
    found = estimate([ask("x" * 3000, max_tokens=500) for _ in range(1000)], prices)
    assert found.prompt_tokens == 1_016_000
    assert found.cost == pytest.approx(10.16 + 15)
    assert found.most == pytest.approx(30.64 + 15)
    assert str(found) == (
        "1,000 requests, an estimate: 1,016,000 tokens in, at most 500,000 out, 25.16 EUR "
        "(no more than 45.64)"
    )
    assert estimate([], prices).cost == 0


def test_a_bill_is_settled_with_what_it_was(ask: Ask) -> None:
    budget = Budget(DOLLARS, 500)
    tokens = tokens_of(ask("x", max_tokens=10))
    with budget.bill(tokens) as bill:
        assert budget.spent == bill.most == 65 + 20
        bill.cost = 7
    assert budget.spent == 7
    with pytest.raises(ZeroDivisionError), budget.bill(tokens):
        raise ZeroDivisionError
    assert budget.spent == 7, "a try that failed before it was paid for counts"


def test_the_cap_is_never_passed_and_the_sentence_says_how_to_go_on(ask: Ask) -> None:
    budget = Budget(DOLLARS, 100)
    budget.reserve(60)
    budget.settle(60, 40)
    with pytest.raises(BudgetError) as caught:
        budget.reserve(61)
    assert str(caught.value) == (
        "40.0000 USD are spent, 0.0000 USD may be owed for requests in flight, and the next request could "
        "cost 61.0000 USD, which passes the budget of 100.0000 USD; raise 'budget' and start the run again: "
        "what the cache holds is not paid for twice"
    )
    budget.reserve(60)


def test_who_could_pay_after_others_settle_waits_for_them() -> None:
    budget = Budget(DOLLARS, 100)
    budget.reserve(80)
    went: list[float] = []

    def second() -> None:
        budget.reserve(80)
        went.append(budget.spent)

    thread = threading.Thread(target=second)
    thread.start()
    thread.join(0.1)
    assert not went
    budget.settle(80, 10)
    thread.join(5)
    assert went == [90]
    with pytest.raises(BudgetError):
        budget.reserve(20, wait=False)


def test_without_a_cap_it_counts() -> None:
    budget = Budget(DOLLARS)
    budget.reserve(10**9)
    budget.settle(10**9, 5)
    assert budget.spent == 5


def test_many_threads_never_pass_the_cap() -> None:
    budget = Budget(DOLLARS, 1000)
    most: list[float] = []
    stopped = threading.Event()

    def spend() -> None:
        try:
            while True:
                budget.reserve(30)
                most.append(budget.spent)
                budget.settle(30, 7)
        except BudgetError:
            stopped.set()

    threads = [threading.Thread(target=spend) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert stopped.is_set()
    assert max(most) <= 1000
    assert budget.spent == 139 * 7, "it stopped too early, or too late"


def test_what_was_reserved_at_a_kill_stays_spent(tmp_path: Path, ask: Ask) -> None:
    with Cache(tmp_path / "cache") as cache:
        budget = Budget(DOLLARS, 100, RunLedger(cache, "run"))
        budget.reserve(30)
        budget.settle(30, 10)
        budget.reserve(50)  # and here the process is killed
    with Cache(tmp_path / "cache") as cache:
        again = Budget(DOLLARS, 100, RunLedger(cache, "run"))
        assert again.spent == 60
        with pytest.raises(BudgetError):
            again.reserve(50)
        again.adopt(50)
        again.settle(50, 5)  # its answer was found after all
        assert again.spent == RunLedger(cache, "run").spent() == 15
    assert Bill(tokens_of(ask()), 3.0).cost == 0
