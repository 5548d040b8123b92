"""Log-likelihoods from an endpoint: of an answer, of a plain text, and of what stands behind one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bimedix2.errors import DataError, EndpointError, NotServedError
from bimedix2.llm.backend import Request
from bimedix2.llm.cache import key_of
from bimedix2.llm.connect import open_endpoint
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


@pytest.mark.parametrize("kind", ["plain", "chat"])
def test_a_prompt_that_was_answered_is_not_sent_again_by_a_run_that_goes_on(
    provider: Any, endpoint: Make, ask: Ask, step: Any, tmp_path: Path, kind: str
) -> None:
    """The first run loses its endpoint between the options of one question, and the second opens anew."""
    request = Request((), before="one two") if kind == "plain" else ask("one two")
    path = "/v1/completions" if kind == "plain" else "/v1/chat/completions"
    pairs = [(request, " odd three"), (request, " four")]
    plan = endpoint(concurrency=1, tries=1)
    with open_endpoint(plan, tmp_path / "cache.sqlite", "run") as backend:
        backend.loglikelihood(pairs[:1])
        provider.steps[f"POST {path}" if kind == "plain" else "one two"] = [step(status=500)]
        with pytest.raises(EndpointError):
            backend.loglikelihood(pairs)
    with open_endpoint(plan, tmp_path / "cache.sqlite", "run") as backend:
        odd, four = backend.loglikelihood(pairs)
    assert (odd.tokens, four.tokens) == (2, 1)
    sent = [repr(one.body) for one in provider.asked if one.path == path]
    # Each option and the bare prompt once; the option that met the 500 twice.
    assert (len(sent), len(set(sent))) == (4, 3)


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
