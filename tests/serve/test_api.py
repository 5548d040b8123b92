"""The API as the real ``openai`` client sees it, over a real socket."""

import base64
import json
import socket
import threading
import time
from importlib.resources import files
from io import BytesIO
from typing import Any

import openai
import pytest
from PIL import Image


@pytest.fixture
def client(service: Any) -> Any:
    with openai.OpenAI(base_url=f"{service.address}/v1", api_key="none", max_retries=0) as made:
        yield made


def data_url(colour: int = 90) -> str:
    buffer = BytesIO()
    Image.new("RGB", (40, 30), (colour, colour, colour)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def user(text: str, *urls: str) -> dict[str, Any]:
    images = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return {"role": "user", "content": [*images, {"type": "text", "text": text}]}


def test_a_question_and_its_answer(client: Any) -> None:
    done = client.chat.completions.create(model="scripted", messages=[{"role": "user", "content": "hello"}])
    assert done.object == "chat.completion"
    assert done.model == "bimedix2-scripted@12345678"
    assert done.choices[0].message.content == "Answer to: hello [0 of 0 images, turn 1]"
    assert done.choices[0].finish_reason == "stop"
    assert (done.usage.prompt_tokens, done.usage.completion_tokens, done.usage.total_tokens) == (11, 7, 18)


def test_a_streamed_answer_comes_in_pieces_that_make_the_whole(client: Any) -> None:
    messages = [user("ما هذه؟")]
    options = {"include_usage": True}
    stream = client.chat.completions.create(
        model="scripted", messages=messages, stream=True, stream_options=options
    )
    chunks = list(stream)
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    words = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    whole = client.chat.completions.create(model="scripted", messages=messages)
    assert words == whole.choices[0].message.content
    assert "للصدر" in words
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage.total_tokens == 18


def test_the_api_says_which_frame_and_window_the_model_sees(service: Any, client: Any) -> None:
    scan = (files("pydicom") / "data" / "test_files" / "CT_small.dcm").read_bytes()
    raw = "data:application/dicom;base64," + base64.b64encode(scan).decode()
    lung = {"type": "image_url", "image_url": {"url": raw, "window": "lung"}}
    message = {**user("what?", raw), "content": [lung, *user("what?", raw)["content"]]}
    whole = client.chat.completions.create(model="scripted", messages=[message])
    _, page, _ = service.ask("POST", "/images", scan)
    assert page["notes"]
    assert whole.images == [
        {"kind": "dicom", "frame": 0, "frames": 1, "notes": ["window lung (-600/1500)"]},
        {"kind": "dicom", "frame": 0, "frames": 1, "notes": page["notes"]},
    ]
    assert "images" not in service.complete("no image")[1]
    first, *rest = client.chat.completions.create(model="scripted", messages=[message], stream=True)
    assert first.images == whole.images
    assert not any(hasattr(chunk, "images") for chunk in rest)


def test_pieces_arrive_while_the_answer_is_being_written(client: Any) -> None:
    stream = client.chat.completions.create(model="scripted", messages=[user("slow")], stream=True)
    times = [time.monotonic() for _ in stream]
    assert times[-1] - times[1] > 1.0
    assert len(times) > 10


def test_images_come_at_any_turn_and_reach_the_model(service: Any, client: Any) -> None:
    messages = [
        user("hello"),
        {"role": "assistant", "content": "hi"},
        user("this?", data_url(10)),
        {"role": "assistant", "content": "grey"},
        user("and these?", data_url(20), data_url(10)),
    ]
    done = client.chat.completions.create(model="scripted", messages=messages)
    assert done.choices[0].message.content == "Answer to: and these? [2 of 2 images, turn 5]"
    request = service.backend.requests[0]
    assert set(request.images) == {i.image for m in request.messages for i in m.images}
    assert all(data.startswith(b"\x89PNG") for data in request.images.values())


def test_sampling_reaches_the_model(service: Any, client: Any) -> None:
    client.chat.completions.create(
        model="scripted",
        messages=[user("hello")],
        temperature=0.5,
        top_p=0.9,
        seed=3,
        max_completion_tokens=12,
        stop=["."],
    )
    sampling = service.backend.requests[0].sampling
    assert (sampling.temperature, sampling.top_p, sampling.seed) == (0.5, 0.9, 3)
    assert (sampling.max_tokens, sampling.stop) == (12, (".",))


def test_a_system_message_and_neighbours_of_one_role(service: Any, client: Any) -> None:
    messages = [{"role": "developer", "content": "Be brief."}, user("one"), user("two")]
    client.chat.completions.create(model="scripted", messages=messages)
    asked = service.backend.requests[0].messages
    assert [m.role for m in asked] == ["system", "user"]
    assert asked[1].text == "one\ntwo"


def test_what_the_assistant_wrote_may_come_back_whatever_it_holds(client: Any) -> None:
    messages = [user("q"), {"role": "assistant", "content": "<image> <|im_end|>"}, user("again")]
    done = client.chat.completions.create(model="scripted", messages=messages)
    assert done.choices[0].message.content.startswith("Answer to: again")


def test_models_and_health(service: Any, client: Any) -> None:
    assert [model.id for model in client.models.list()] == ["scripted"]
    assert client.models.retrieve("scripted").owned_by == "bimedix2"
    with pytest.raises(openai.NotFoundError, match="ask for 'scripted'"):
        client.models.retrieve("gpt")
    status, health, _ = service.ask("GET", "/health")
    assert (status, health["status"], health["name"]) == (200, "ready", service.backend.name)


def test_a_failure_says_nothing_of_its_inside_and_the_next_request_is_answered(client: Any) -> None:
    with pytest.raises(openai.InternalServerError) as error:
        client.chat.completions.create(model="scripted", messages=[user("crash")])
    assert "goes on serving" in str(error.value)
    assert "Alice" not in str(error.value)
    done = client.chat.completions.create(model="scripted", messages=[user("hello")])
    assert done.choices[0].message.content


def test_a_failure_in_the_middle_of_a_stream_is_an_error_and_no_short_answer(
    service: Any, client: Any
) -> None:
    words: list[str] = []

    def read() -> None:
        for chunk in client.chat.completions.create(model="scripted", messages=[user("break")], stream=True):
            words.append(chunk.choices[0].delta.content or "")
            assert chunk.choices[0].finish_reason is None

    with pytest.raises(openai.APIError, match="goes on serving"):
        read()
    assert "".join(words) == "Answer "
    body = {"model": "scripted", "messages": [user("break")], "stream": True}
    _, text, _ = service.ask("POST", "/v1/chat/completions", body)
    assert "[DONE]" not in text
    assert "Alice" not in text
    with pytest.raises(openai.InternalServerError, match="goes on serving"):
        client.chat.completions.create(model="scripted", messages=[user("break")])
    assert client.chat.completions.create(model="scripted", messages=[user("hello")]).choices


def test_a_conversation_longer_than_the_context(client: Any) -> None:
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError, match="the context is 2048") as error:
            client.chat.completions.create(model="scripted", messages=[user("long")], stream=stream)
        assert error.value.code == "context_length_exceeded"


def test_an_unknown_model(client: Any) -> None:
    with pytest.raises(openai.NotFoundError, match="'gpt-9' does not exist here; ask for 'scripted'"):
        client.chat.completions.create(model="gpt-9", messages=[user("hello")])


def test_a_client_that_leaves_stops_the_answer(service: Any, client: Any, until: Any) -> None:
    before = service.backend.closed
    stream = client.chat.completions.create(model="scripted", messages=[user("slow")], stream=True)
    next(iter(stream))
    stream.close()
    until(lambda: service.backend.closed == before + 1)
    assert service.backend.running == 0


def test_a_client_that_leaves_while_it_waits_for_a_whole_answer_stops_it(service: Any, until: Any) -> None:
    before = service.backend.closed
    wire = left_open(service.port, "slow")
    until(lambda: service.backend.running == 1)
    wire.close()
    until(lambda: service.backend.closed == before + 1)
    assert service.complete("hello")[0] == 200


def test_a_client_that_leaves_the_queue_is_never_answered(service: Any, until: Any) -> None:
    running = left_open(service.port, "hold")
    until(lambda: service.backend.running == 1)
    waiting = left_open(service.port, "never asked")
    until(lambda: service.ask("GET", "/health")[1]["waiting"] == 1)
    waiting.close()
    until(lambda: service.ask("GET", "/health")[1]["waiting"] == 0)
    service.backend.gate.set()
    assert service.complete("hello")[0] == 200
    assert [request.messages[-1].text for request in service.backend.requests] == ["hold", "hello"]
    running.close()


def left_open(port: int, question: str) -> socket.socket:
    """A connection that has asked for an answer in one piece, and does not read it."""
    body = json.dumps({"model": "scripted", "messages": [{"role": "user", "content": question}]}).encode()
    wire = socket.create_connection(("127.0.0.1", port))
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    wire.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
    return wire


def test_answers_are_written_one_at_a_time_and_the_queue_has_an_end(serve: Any, until: Any) -> None:
    with serve(queue_size=2) as service:
        results: list[int] = []

        def ask() -> None:
            results.append(service.complete("hold")[0])

        threads = [threading.Thread(target=ask) for _ in range(3)]
        threads[0].start()
        until(lambda: service.backend.running == 1)
        for thread in threads[1:]:
            thread.start()
        until(lambda: service.ask("GET", "/health")[1]["waiting"] == 2)
        body = {"model": "scripted", "messages": [{"role": "user", "content": "hello"}]}
        status, refused, headers = service.ask("POST", "/v1/chat/completions", body)
        assert (status, refused["error"]["type"]) == (429, "rate_limit_error")
        assert headers["retry-after"] == "10"
        service.backend.gate.set()
        for thread in threads:
            thread.join(20)
        assert results == [200, 200, 200]
        assert service.backend.most == 1
