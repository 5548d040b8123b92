"""The rules before the model: by the ``openai`` client, in the stream of the page, and in the log."""

import base64
import json
import logging
import threading
from io import BytesIO
from itertools import pairwise
from typing import Any

import openai
import pytest
from PIL import Image

from bimedix2.language.safeguards import version
from bimedix2.llm.backend import Request
from bimedix2.llm.endpoint import Endpoint
from bimedix2.llm.openai import OpenAI
from bimedix2.records import Message
from bimedix2.text.arabic import script

DOSE = "My son weighs 20 kg. How many milligrams of ibuprofen should he take?"
ASKED = {
    "dose": (DOSE, "كم مليغراماً من الإيبوبروفين أعطي ابني؟"),
    "emergency": ("My father has crushing chest pain and cannot breathe.", "والدي فاقد الوعي ولا يتنفس"),
    "self_harm": ("I want to end my life tonight.", "أريد أن أنهي حياتي الليلة."),
}


@pytest.fixture
def client(service: Any) -> Any:
    with openai.OpenAI(base_url=f"{service.address}/v1", api_key="none", max_retries=0) as made:
        yield made


def picture() -> dict[str, Any]:
    buffer = BytesIO()
    Image.new("RGB", (40, 30), (90, 90, 90)).save(buffer, "PNG")
    url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": url}}


@pytest.mark.parametrize("rule", ASKED)
def test_a_rule_answers_in_the_questions_language_and_says_so(service: Any, client: Any, rule: str) -> None:
    for question in ASKED[rule]:
        done = client.chat.completions.create(
            model="scripted", messages=[{"role": "user", "content": question}], max_tokens=1
        )
        assert done.model == service.backend.name
        assert done.safeguard == {"rule": rule, "version": version()[:8]}
        assert done.choices[0].finish_reason == "stop"
        assert script(done.choices[0].message.content) == script(question)
        assert done.usage.total_tokens == 0
    assert service.backend.requests == []


def test_a_models_own_answer_carries_no_such_field(service: Any) -> None:
    _, value = service.complete("What kind of image is this?")
    assert "safeguard" not in value
    assert len(service.backend.requests) == 1


def test_every_chunk_of_a_stream_carries_the_rule(service: Any, client: Any) -> None:
    stream = client.chat.completions.create(
        model="scripted",
        messages=[{"role": "user", "content": DOSE}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert {chunk.safeguard["rule"] for chunk in chunks} == {"dose"}
    words = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    _, whole = service.complete(DOSE)
    assert words == whole["choices"][0]["message"]["content"]
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage.total_tokens == 0
    assert service.backend.requests == []


def test_a_picture_changes_nothing(service: Any) -> None:
    _, value = service.complete([picture(), {"type": "text", "text": DOSE}])
    assert value["safeguard"]["rule"] == "dose"
    assert service.backend.requests == []


def test_the_conversation_goes_on_with_the_model_and_keeps_the_fixed_turn(service: Any, client: Any) -> None:
    turns = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]
    turns.append({"role": "user", "content": DOSE})
    said = client.chat.completions.create(model="scripted", messages=turns).choices[0].message.content
    turns += [{"role": "assistant", "content": said}, {"role": "user", "content": "What is an X-ray?"}]
    done = client.chat.completions.create(model="scripted", messages=turns)
    assert done.choices[0].message.content.startswith("Answer to: What is an X-ray?")
    assert [m.text for m in service.backend.requests[0].messages[2:4]] == [DOSE, said]


def test_an_emergency_waits_behind_nobody(serve: Any, until: Any) -> None:
    """The queue is full and the model busy: the rule answers all the same."""
    with serve(queue_size=1) as service:
        threads = [threading.Thread(target=lambda: service.complete("hold")) for _ in range(2)]
        threads[0].start()
        until(lambda: service.backend.running == 1)
        threads[1].start()
        until(lambda: service.ask("GET", "/health")[1]["waiting"] == 1)
        assert service.complete("hello")[0] == 429
        status, value = service.complete(ASKED["emergency"][0])
        assert (status, value["safeguard"]["rule"]) == (200, "emergency")
        service.backend.gate.set()
        for thread in threads:
            thread.join(20)


def test_switched_off_every_question_reaches_the_model(serve: Any) -> None:
    with serve(safeguards=False) as service:
        _, value = service.complete(DOSE)
        assert "safeguard" not in value
        assert value["choices"][0]["message"]["content"].startswith("Answer to: My son")
        assert service.ask("GET", "/health")[1]["safeguards"] is None


def test_health_names_the_rules_and_no_counts(service: Any) -> None:
    _, health, _ = service.ask("GET", "/health")
    assert health["safeguards"] == version()[:8]
    assert not {"dose", "emergency", "self_harm"} & health.keys()


def test_what_a_rule_did_is_logged_and_counted_without_a_word_of_it(
    serve: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with serve() as service, caplog.at_level(logging.WARNING, "bimedix2.serve"):
        service.complete("hello")
        service.complete(DOSE)
        service.complete(ASKED["emergency"][1])
        lines = [record.getMessage() for record in caplog.records if record.name == "bimedix2.serve"]
    assert lines == [
        "the safeguard 'dose' answered in the model's place (1 of 2 requests since the start)",
        "the safeguard 'emergency' answered in the model's place (2 of 3 requests since the start)",
    ]


def test_the_pages_stream_names_the_rule_and_no_model(service: Any) -> None:
    body = {"messages": [{"role": "user", "content": ASKED["dose"][1]}]}
    _, stream, _ = service.ask("POST", "/chat", body)
    events = [json.loads(line.removeprefix("data: ")) for line in stream.split("\n\n") if line]
    assert {event["safeguard"] for event in events} == {"dose"}
    assert all("model" not in event for event in events)
    assert events[-1]["finish"] == "stop"
    assert '<p dir="rtl">' in events[-1]["html"]
    assert all(later["text"].startswith(earlier["text"]) for earlier, later in pairwise(events))


def test_who_asks_through_the_package_sees_who_answered(service: Any) -> None:
    """An evaluation that points at a guarded server must not take a rule's words for the model's."""
    backend = OpenAI(Endpoint(base_url=f"{service.address}/v1", model="scripted"))
    try:
        fixed, own = backend.chat([Request((Message.of("user", text),)) for text in (DOSE, "What is a CT?")])
    finally:
        backend.close()
    assert fixed.model == f"{service.backend.name}@127.0.0.1, safeguard dose"
    assert own.model == f"{service.backend.name}@127.0.0.1"
