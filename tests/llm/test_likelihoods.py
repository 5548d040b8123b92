"""Log-likelihoods from an endpoint: of an answer, of a plain text, and of what stands behind one."""

from collections.abc import Callable
from typing import Any

import pytest

from bimedix2.errors import DataError, EndpointError, NotServedError
from bimedix2.llm.backend import Request
from bimedix2.llm.cache import key_of
from bimedix2.llm.endpoint import Endpoint

Make = Callable[..., Endpoint]
Ask = Callable[..., Request]


def test_likelihoods_sum_the_continuation_alone(endpoint: Make, opened: Any, ask: Ask) -> None:
    backend = opened(endpoint())
    both, odd = backend.loglikelihood([(ask("one two"), "yes indeed"), (ask("one two"), "odd")])
    assert (both.value, both.tokens, both.greedy) == (pytest.approx(-0.9), 2, True)
    assert (odd.value, odd.tokens, odd.greedy) == (pytest.approx(-0.3), 1, False)


def test_a_plain_text_is_scored_through_its_echo(endpoint: Make, opened: Any) -> None:
    backend = opened(endpoint())
    plain, odd = backend.loglikelihood([(Request(()), "one two"), (Request(()), "one odd two")])
    assert (plain.value, plain.tokens, plain.greedy) == (pytest.approx(-0.3), 1, True)
    assert (odd.value, odd.tokens, odd.greedy) == (pytest.approx(-0.6), 2, False)


def test_options_behind_a_text_are_scored_alone_and_their_text_is_counted_once(
    provider: Any, endpoint: Make, opened: Any
) -> None:
    backend = opened(endpoint())
    pairs = [(Request((), before="one two"), option) for option in (" odd three", " four")]
    odd, four = backend.loglikelihood(pairs)
    assert (odd.value, odd.tokens, odd.greedy) == (pytest.approx(-0.8), 2, False)
    assert (four.value, four.tokens, four.greedy) == (pytest.approx(-0.4), 1, True)
    sent = sorted(one.body["prompt"] for one in provider.asked)
    assert sent == ["one two", "one two four", "one two odd three"]
    assert key_of("x", pairs[0][0], " four") != key_of("x", Request(()), " four")


def test_an_endpoint_that_takes_echo_and_does_not_heed_it_is_found_out(
    provider: Any, endpoint: Make, opened: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"text": " and so on", "logprobs": {"token_logprobs": [-0.1], "top_logprobs": [{"x": -0.1}]}}
    monkeypatch.setattr(provider, "completion", lambda _: {"choices": [made]})
    with pytest.raises(NotServedError, match="gives no log-probabilities of prompts"):
        opened(endpoint()).loglikelihood([(Request((), before="one"), " two")])


def test_an_endpoint_without_log_probabilities_says_so(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, step: Any
) -> None:
    provider.logprobs = False
    with pytest.raises(
        EndpointError, match=r"gives no log-probabilities of prompts; measure likelihoods with"
    ):
        opened(endpoint()).loglikelihood([(ask(), "yes")])
    with pytest.raises(DataError, match="empty continuation"):
        opened(endpoint()).loglikelihood([(ask(), "")])
