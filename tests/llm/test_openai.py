"""What leaves the machine, what comes back, and what is done when it does not."""

import base64
import logging
import threading
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from bimedix2 import io
from bimedix2.errors import (
    BudgetError,
    DataClassError,
    DataError,
    EndpointError,
    RefusedError,
)
from bimedix2.llm.backend import UNWATCHED, Outcome, Request, Sampling
from bimedix2.llm.budget import Budget, Prices
from bimedix2.llm.endpoint import Endpoint
from bimedix2.llm.http import Limiter
from bimedix2.records import DataClass, ImagePart, Message

Make = Callable[..., Endpoint]
Ask = Callable[..., Request]


def png(kind: str = "PNG") -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (4, 4), (10, 20, 30)).save(buffer, kind)
    return buffer.getvalue()


def test_answers_come_in_the_order_of_their_requests(
    provider: Any, endpoint: Make, opened: Any, ask: Ask
) -> None:
    backend = opened(endpoint(concurrency=4))
    replies = backend.chat([ask(f"question {n}") for n in range(20)])
    assert [reply.text for reply in replies] == [f"answer to question {n}" for n in range(20)]
    assert {reply.model for reply in replies} == {"m-0613@127.0.0.1"}
    assert (replies[0].prompt_tokens, replies[0].completion_tokens, replies[0].finish) == (10, 5, "stop")
    assert sorted(provider.questions()) == sorted(f"question {n}" for n in range(20))


def test_the_body_is_what_the_api_documents(provider: Any, endpoint: Make, opened: Any) -> None:
    settings = endpoint(
        limit_name="max_completion_tokens", body={"reasoning_effort": "low", "top_p": None}, send_schema=True
    )
    request = Request(
        (Message.of("system", "be brief"), Message.of("user", "ماذا ترى؟")),
        sampling=Sampling(max_tokens=7, temperature=0.5, seed=3, stop=("\n",)),
        schema='{"type":"object"}',
        prompt="v1",
        sample=2,
    )
    opened(settings).chat([request])
    assert provider.asked[0].body == {
        "model": "m",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "ماذا ترى؟"}],
        "max_completion_tokens": 7,
        "temperature": 0.5,
        "seed": 3,
        "stop": ["\n"],
        "reasoning_effort": "low",
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": {"type": "object"}},
        },
    }


def test_images_go_as_data_urls_and_strange_formats_as_png(
    provider: Any, endpoint: Make, opened: Any
) -> None:
    images = {io.sha256_bytes(data): data for data in (png(), png("JPEG"), png("BMP"))}
    parts = [ImagePart(image=key) for key in images]
    opened(endpoint()).chat([Request((Message.of("user", *parts, "what?"),), images)])
    content = provider.asked[0].body["messages"][0]["content"]
    urls = [part["image_url"]["url"] for part in content[:3]]
    assert content[3] == {"type": "text", "text": "what?"}
    assert [url.partition(",")[0] for url in urls] == [
        "data:image/png;base64",
        "data:image/jpeg;base64",
        "data:image/png;base64",
    ]
    sent = [base64.b64decode(url.partition(",")[2]) for url in urls]
    assert sent[:2] == [png(), png("JPEG")]
    assert Image.open(BytesIO(sent[2])).getpixel((0, 0)) == (10, 20, 30)


@pytest.mark.parametrize("images", [{}, {"a" * 64: png()}])
def test_an_image_that_is_absent_or_another_one_is_not_sent(
    provider: Any, endpoint: Make, opened: Any, images: dict[str, bytes]
) -> None:
    request = Request((Message.of("user", ImagePart(image="a" * 64), "what?"),), images)
    with pytest.raises(DataError, match="aaaaaaaaaaaa"):
        opened(endpoint()).chat([request])
    assert provider.asked == []


# Trying again


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 429, "body": {"error": {"message": "slow down"}}},
        {"status": 500, "body": b"oops"},
        {"status": 503},
        {"status": 408},
        {"drop": True},
        {"half": True, "body": {"choices": []}},
        {"body": b"no JSON"},
        {"body": {"choices": []}},
        {"body": {"error": {"message": "overloaded"}}},
        {"body": b'{"choices": [{"message": {"content": "\\ud800"}}]}'},
        {"wait": 1.5, "body": {}},
    ],
    ids=str,
)
def test_a_trouble_of_the_moment_is_tried_again(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, step: Any, trouble: dict[str, Any]
) -> None:
    provider.steps["hello"] = [step(**trouble), step(**trouble)]
    (reply,) = opened(endpoint(timeout=0.5 if "wait" in trouble else 20, tries=20)).chat([ask()])
    assert reply.text == "answer to hello"
    assert provider.questions()[:3] == ["hello"] * 3


def test_an_answer_that_drips_is_a_stall_too(endpoint: Make, opened: Any, ask: Ask, dripping: str) -> None:
    backend = opened(endpoint(base_url=dripping, timeout=0.4, tries=1))
    began = time.monotonic()
    with pytest.raises(EndpointError, match=r"over 0\.4 s"):
        backend.chat([ask()])
    assert time.monotonic() - began < 3


@pytest.fixture
def dripping() -> Any:
    """A server that sends a byte every 50 ms, so that no single read takes long."""
    import socket

    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        wire, _ = listener.accept()
        with wire:
            wire.recv(65536)
            wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
            while not done.wait(0.05):
                try:
                    wire.sendall(b" ")
                except OSError:
                    return

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    done.set()
    thread.join()
    listener.close()


def test_retry_after_holds_every_request(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, step: Any
) -> None:
    backend = opened(endpoint(concurrency=2))
    provider.steps["one"] = [step(status=429, headers={"Retry-After": "0.6"})]
    provider.steps["slow"] = [step(wait=0.2, body=provider.chat(ask_body("slow")))]
    backend.chat([ask("one"), ask("slow"), ask("next")])
    first, _, *later = [one.at for one in provider.asked]
    assert sorted(provider.questions()) == ["next", "one", "one", "slow"]
    assert min(later) - first >= 0.55, "a request went out while the endpoint had asked for a pause"


def ask_body(text: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}]}


def test_a_wait_of_hours_ends_the_call(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, step: Any
) -> None:
    provider.steps["hello"] = [step(status=429, headers={"Retry-After": "7200"})]
    with pytest.raises(EndpointError, match="asks to wait 7200 s"):
        opened(endpoint()).chat([ask()])


def test_an_endpoint_that_is_not_there_is_said_soon(endpoint: Make, opened: Any, ask: Ask) -> None:
    backend = opened(endpoint(base_url="http://127.0.0.1:9/v1", tries=50))
    with pytest.raises(EndpointError, match=r"http://127\.0\.0\.1:9/v1 cannot be reached .*check base_url"):
        backend.chat([ask()])


def test_an_endpoint_that_answers_nothing_ends_the_call(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, step: Any
) -> None:
    provider.steps["hello"] = [step(status=500, body={"error": "down"})] * 9
    with pytest.raises(EndpointError, match=r"no answer in 3 tries \(HTTP 500: down\)") as caught:
        opened(endpoint(tries=3)).chat([ask()])
    assert not isinstance(caught.value, RefusedError)
    assert len(provider.asked) == 3


def test_a_request_that_alone_always_fails_is_refused_alone(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, step: Any
) -> None:
    provider.steps["poison"] = [step(status=500, wait=0.05)] * 9
    outcomes = opened(endpoint(tries=3, concurrency=2)).attempt(
        [ask("poison"), ask("good"), ask("better")], UNWATCHED
    )
    assert isinstance(outcomes[0], RefusedError)
    assert "failed 3 times at one request and answered others" in str(outcomes[0])
    assert [one.text for one in outcomes[1:]] == ["answer to good", "answer to better"]


# Refusals


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refusal_is_of_one_request(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, step: Any, status: int
) -> None:
    provider.steps["bad"] = [step(status=status, body={"error": {"message": "too\nlong", "code": "x"}})]
    outcomes = opened(endpoint()).attempt([ask("good"), ask("bad"), ask("fine")], UNWATCHED)
    assert isinstance(outcomes[1], RefusedError)
    assert str(outcomes[1]) == f"127.0.0.1 refused a request (HTTP {status}: too long); look at that record"
    assert [outcomes[0].text, outcomes[2].text] == ["answer to good", "answer to fine"]
    assert provider.questions().count("bad") == 1


def test_chat_answers_the_others_and_then_raises_the_refusal(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, step: Any
) -> None:
    provider.steps["bad"] = [step(status=400)]
    with pytest.raises(RefusedError):
        opened(endpoint(concurrency=1)).chat([ask("bad"), ask("good")])
    assert provider.questions() == ["bad", "good"]


@pytest.mark.parametrize(
    "choice",
    [
        {"message": {"content": None, "refusal": "I cannot"}, "finish_reason": "stop"},
        {"message": {"content": ""}, "finish_reason": "content_filter"},
    ],
)
def test_a_model_that_declines_is_a_refusal(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, step: Any, choice: dict[str, Any]
) -> None:
    provider.steps["hello"] = [step(body={"choices": [choice]})]
    with pytest.raises(RefusedError, match="declined to answer"):
        opened(endpoint()).chat([ask()])


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, {"error": {"message": "no"}}, r"does not let this key in \(HTTP 401: no\)"),
        (404, {"detail": "no such model"}, r"would refuse every request \(HTTP 404: no such model\)"),
        (
            400,
            {"error": {"message": "use max_completion_tokens", "code": "unsupported_parameter"}},
            "limit_name",
        ),
        (429, {"error": {"message": "pay", "code": "insufficient_quota"}}, "the account"),
        (302, {}, "sends requests elsewhere"),
    ],
)
def test_what_every_request_would_get_ends_the_call(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, step: Any, status: int, body: Any, said: str
) -> None:
    headers = {"Location": provider.base_url} if status == 302 else {}
    provider.steps["bad"] = [step(status=status, body=body, headers=headers)]
    with pytest.raises(EndpointError, match=said) as caught:
        opened(endpoint(concurrency=1)).chat([ask("bad"), *[ask(f"later {n}") for n in range(5)]])
    assert not isinstance(caught.value, RefusedError)
    assert provider.questions() == ["bad"]


def test_after_an_error_what_is_in_flight_still_comes_in(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, step: Any
) -> None:
    class Kept:
        answers: dict[int, Outcome] = {}

        def sending(self, number: int) -> None:
            pass

        def answered(self, number: int, outcome: Outcome) -> None:
            self.answers[number] = outcome

    provider.steps["slow"] = [step(wait=0.4, body=provider.chat(ask_body("slow")))]
    provider.steps["bad"] = [step(wait=0.1, status=401)]
    kept = Kept()
    with pytest.raises(EndpointError, match="check api_key_env"):
        opened(endpoint(concurrency=2)).attempt([ask("slow"), ask("bad"), ask("never")], kept)
    assert list(kept.answers) == [0]
    assert "never" not in provider.questions()


# Speed


def test_no_more_requests_at_once_than_allowed_whoever_calls(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, step: Any
) -> None:
    backend = opened(endpoint(concurrency=3))
    for n in range(12):
        provider.steps[f"q{n}"] = [step(wait=0.03, body=provider.chat(ask_body(f"q{n}")))]
    threads = [
        threading.Thread(target=backend.chat, args=([ask(f"q{n}") for n in range(start, start + 6)],))
        for start in (0, 6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(provider.asked) == 12
    assert provider.most == 3


def test_requests_are_spaced_by_their_number_and_by_their_tokens() -> None:
    clock = [100.0]
    limiter = Limiter(60, 6000, now=lambda: clock[0])
    assert [limiter.take(10), limiter.take(500), limiter.take(10)] == [0, 1, 6]
    clock[0] += 100  # a pause is not saved up
    assert [limiter.take(10), limiter.take(10)] == [0, 1]
    limiter.hold(30)
    assert limiter.take(10) == 30
    assert Limiter(None, None, now=lambda: 0.0).take(10**9) == 0


def test_requests_per_minute_hold_at_the_server(provider: Any, endpoint: Make, opened: Any, ask: Ask) -> None:
    began = time.monotonic()
    opened(endpoint(requests_per_minute=600, concurrency=8)).chat([ask(f"q{n}") for n in range(6)])
    assert time.monotonic() - began >= 0.5


# Who may be sent what, and the key


@pytest.mark.parametrize("kind", [DataClass.CREDENTIALED, DataClass.PATIENT])
def test_protected_records_go_to_listed_hosts_alone(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, kind: DataClass
) -> None:
    setting = f"{kind.value}_hosts"
    requests = [ask("open"), ask("secret", data_class=kind)]
    with pytest.raises(DataClassError, match=f"'{kind.value}' may not be sent to 127.0.0.1; .*{setting}"):
        opened(endpoint(**{setting: ["hospital.example"]})).chat(requests)
    with pytest.raises(DataClassError):
        opened(endpoint(**{setting: []})).loglikelihood([(request, "x") for request in requests])
    assert provider.asked == [], "something was sent before the refusal"
    assert len(opened(endpoint()).chat(requests)) == 2
    assert len(opened(endpoint(**{setting: ["127.0.0.1"]})).chat(requests)) == 2


def test_nothing_for_this_machine_goes_through_a_proxy(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert opened(endpoint()).chat([ask(data_class=DataClass.PATIENT)])[0].text == "answer to hello"


def test_the_key_is_sent_and_stands_nowhere_else(
    provider: Any,
    endpoint: Make,
    opened: Any,
    ask: Ask,
    step: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    key = "sk-very-secret-0123456789"
    monkeypatch.setenv("MY_KEY", key)
    settings = endpoint(api_key_env="MY_KEY")
    backend = opened(settings)
    provider.steps["bad"] = [step(status=400, body={"error": f"Incorrect key {key}"})]
    (refusal,) = backend.attempt([ask("bad")], UNWATCHED)
    assert provider.asked[0].headers["Authorization"] == f"Bearer {key}"
    assert "Incorrect key [key]" in str(refusal)
    held = [settings.model_dump_json(), repr(settings), repr(backend), repr(vars(backend)), backend.identity]
    assert not any(key in text for text in [*held, str(refusal), caplog.text])


def test_errors_do_not_repeat_a_patients_words(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, step: Any
) -> None:
    provider.steps["x"] = [step(status=400, body={"error": {"message": "cannot parse: patient Alice"}})]
    (refusal,) = opened(endpoint()).attempt([ask("x", data_class=DataClass.PATIENT)], UNWATCHED)
    assert str(refusal) == "127.0.0.1 refused a request (HTTP 400); look at that record"


# Money


def test_the_budget_stops_before_the_request_that_could_pass_it(
    provider: Any, endpoint: Make, opened: Any, ask: Ask
) -> None:
    prices = Prices(input=1000, output=1000)  # 0.015 for an answer, bound to 69 + 100 tokens, 0.169
    budget = Budget(prices, 0.2)
    backend = opened(endpoint(concurrency=8), budget)
    with pytest.raises(BudgetError, match=r"of 0\.2000 USD; raise 'budget'"):
        backend.chat([ask("hello", max_tokens=100) for _ in range(9)])
    answered = len(provider.asked)
    assert budget.spent == pytest.approx(0.015 * answered)
    assert budget.spent + 0.169 > 0.2, "it stopped although the next one could be paid"
    assert answered == 3


def test_a_stall_is_paid_for_and_a_refusal_is_not(
    provider: Any, endpoint: Make, opened: Any, ask: Ask, step: Any
) -> None:
    budget = Budget(Prices(input=1000, output=1000), 10)
    backend = opened(endpoint(timeout=0.3), budget)
    provider.steps["hello"] = [step(wait=0.6, body={}), step(status=429), step(status=400)]
    backend.attempt([ask("hello", max_tokens=100)], UNWATCHED)
    assert budget.spent == pytest.approx(0.169)


def test_tokens_that_are_not_counted_are_bounded(
    provider: Any, endpoint: Make, opened: Any, ask: Ask
) -> None:
    provider.usage = None
    (reply,) = opened(endpoint()).chat([ask("hello", max_tokens=100)])
    assert (reply.prompt_tokens, reply.completion_tokens) == (69, 100)
