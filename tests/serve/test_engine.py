"""The server with the embedded engine in it: a tiny model of random weights, and nano's own base."""

import base64
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import openai
import pytest
from PIL import Image

from bimedix2.engine import open_engine
from bimedix2.serve.app import Server
from bimedix2.serve.settings import Config


def data_url(colour: int) -> str:
    buffer = BytesIO()
    Image.new("RGB", (64, 64), (colour, 90, 90)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def turn(text: str, *colours: int) -> dict[str, Any]:
    images = [{"type": "image_url", "image_url": {"url": data_url(c)}} for c in colours]
    return {"role": "user", "content": [*images, {"type": "text", "text": text}]}


def served(model: str) -> Iterator[Any]:
    server = Server(Config(model=model, port=0, threads=1), open_engine)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    with openai.OpenAI(base_url=f"{server.address}/v1", api_key="none", max_retries=0, timeout=300) as client:
        yield client
    server.stop()
    thread.join(30)
    assert not thread.is_alive()


@pytest.fixture(scope="module")
def tiny_client(tiny_base: Any) -> Iterator[Any]:
    yield from served(str(tiny_base.folder))


@pytest.fixture(scope="module")
def nano_client() -> Iterator[Any]:
    yield from served("nano-base")


def check_streams_and_wholes(client: Any) -> None:
    name = client.models.list().data[0].id
    messages = [turn("hello")]
    for question in (turn("ما هذا؟", 10), turn("And these, <b>really</b>?", 200, 10)):
        if len(messages) > 1:
            messages.append(question)
        ask = {"model": name, "messages": messages, "max_tokens": 8}
        whole = client.chat.completions.create(**ask)
        chunks = list(client.chat.completions.create(**ask, stream=True))
        words = "".join(c.choices[0].delta.content or "" for c in chunks)
        assert words.rstrip() == whole.choices[0].message.content
        assert whole.model.startswith("bimedix2-")
        assert 0 < whole.usage.completion_tokens <= 8
        messages.append({"role": "assistant", "content": whole.choices[0].message.content or "-"})


def test_the_tiny_model_streams_what_it_answers_whole(tiny_client: Any) -> None:
    check_streams_and_wholes(tiny_client)


def test_a_conversation_longer_than_the_context_is_400(tiny_client: Any) -> None:
    name = tiny_client.models.list().data[0].id
    with pytest.raises(openai.BadRequestError, match="the context is 512"):
        tiny_client.chat.completions.create(model=name, messages=[turn("word " * 600)])
    assert tiny_client.chat.completions.create(model=name, messages=[turn("hi")], max_tokens=2).choices


def test_four_clients_at_once_get_the_answers_that_each_gets_alone(tiny_client: Any) -> None:
    name = tiny_client.models.list().data[0].id

    def ask(number: int) -> str:
        messages = [turn(f"question {number}", 40 * number)]
        done = tiny_client.chat.completions.create(model=name, messages=messages, max_tokens=12)
        return str(done.choices[0].message.content)

    alone = [ask(number) for number in range(4)]
    together: dict[int, str] = {}
    threads = [threading.Thread(target=lambda n=n: together.update({n: ask(n)})) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [together[number] for number in range(4)] == alone
    assert len(set(alone)) > 1


@pytest.mark.slow
def test_nanos_base_streams_what_it_answers_whole(nano_client: Any) -> None:
    check_streams_and_wholes(nano_client)


@pytest.mark.slow
def test_nanos_context_is_kept(nano_client: Any) -> None:
    with pytest.raises(openai.BadRequestError, match="the context is 2048"):
        nano_client.chat.completions.create(model="nano-base", messages=[turn("كلمة " * 4000)])
    short = nano_client.chat.completions.create(model="nano-base", messages=[turn("hi")], max_tokens=4)
    assert short.choices[0].message.content


@pytest.mark.slow
def test_nanos_base_survives_a_crashing_image(nano_client: Any, tmp_path: Path) -> None:
    wrong = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    with pytest.raises(openai.BadRequestError):
        nano_client.chat.completions.create(
            model="nano-base", messages=[{"role": "user", "content": [wrong]}]
        )
    done = nano_client.chat.completions.create(
        model="nano-base", messages=[turn("What is this?", 90)], max_tokens=4
    )
    assert done.choices[0].message.content
