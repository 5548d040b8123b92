"""A model whose answers are written here, behind the real server on a real socket."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from bimedix2.errors import ContextError
from bimedix2.llm.backend import Loglikelihood, Reply, Request
from bimedix2.serve.settings import Config

NAME = "bimedix2-scripted@12345678"
ARABIC = "هذه صورة أشعة سينية للصدر.\n\nالجرعة 10-20 mg من **Paracetamol** كل 6 ساعات."
MARKDOWN = '# A table\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<img src="http://evil.example/x.png">\n\n[go](http://evil.example)'


class Scripted:
    """A ``StreamingBackend``: the last question says how it behaves.

    ``slow`` writes a word every 50 ms; ``hold`` stops after its first word until ``gate`` opens; ``crash``
    fails with words that must not be shown, and ``break`` after its first word; ``long`` does not fit the
    context; ``cut`` stops at the limit.
    Anything else is answered at once, in the question's language, with the number of images seen.
    """

    name = NAME

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.gate = threading.Event()
        self.closed = 0
        self.running = 0
        self.most = 0

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        return [piece for r in requests for piece in self.stream(r) if isinstance(piece, Reply)]

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        return [Loglikelihood(0.0, 1, True) for _ in pairs]

    def stream(self, request: Request) -> Iterator[str | Reply]:
        self.requests.append(request)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            yield from self._stream(request)
        except GeneratorExit:
            self.closed += 1
            raise
        finally:
            self.running -= 1

    def _stream(self, request: Request) -> Iterator[str | Reply]:
        question = request.messages[-1].text
        if question.startswith("crash"):
            raise RuntimeError("the secret of patient Alice")
        if question.startswith("long"):
            raise ContextError("the conversation takes 9999 tokens and the context is 2048; start a new one")
        text = ""
        for number, piece in enumerate(self._pieces(request, question)):
            if question.startswith("slow") and number:
                time.sleep(0.05)
            if question.startswith("hold") and number:
                self.gate.wait(20)
            if question.startswith("break") and number:
                raise RuntimeError("the secret of patient Alice")
            text += piece
            yield piece
        finish = "length" if question.startswith("cut") else "stop"
        yield Reply(text, self.name, finish, 11, 7)  # type: ignore[arg-type]

    def _pieces(self, request: Request, question: str) -> list[str]:
        if question.startswith("slow"):
            return [f"word{n} " for n in range(40)]
        if question.startswith("markdown"):
            return [MARKDOWN]
        if any("ا" <= letter <= "ي" for letter in question):
            return [f"{word} " for word in ARABIC.split(" ")]
        images = len(request.messages[-1].images)
        seen = f"{images} of {len({i.image for m in request.messages for i in m.images})}"
        return ["Answer ", f"to: {question} ", f"[{seen} images, turn {len(request.messages)}]"]


@dataclass
class Service:
    """A running server, and plain requests to it."""

    address: str
    backend: Scripted
    port: int
    headers: dict[str, str] = field(default_factory=dict)

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any, dict[str, str]]:
        """Send one request; return status, JSON (or text), and headers in lower case."""
        wire = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {**self.headers, **(headers or {})}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        try:
            wire.request(method, path, body, sent)
            response = wire.getresponse()
            data = response.read()
        finally:
            wire.close()
        found = {name.lower(): value for name, value in response.getheaders()}
        is_json = found.get("content-type") == "application/json"
        value = json.loads(data) if is_json else data.decode(errors="replace")
        return response.status, value, found

    def complete(self, content: Any, **more: Any) -> tuple[int, Any]:
        """Ask one question through the API."""
        body = {"model": "scripted", "messages": [{"role": "user", "content": content}], **more}
        status, value, _ = self.ask("POST", "/v1/chat/completions", body)
        return status, value


Serve = Callable[..., Any]


@contextmanager
def serving(**settings: Any) -> Iterator[Service]:
    """Run a server on a free port in a thread; end it and wait for it."""
    from bimedix2.serve.app import Server

    backend = Scripted()
    server = Server(Config(model="scripted", port=0, **settings), lambda *_, **__: backend)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    port = int(server.address.rpartition(":")[2])
    service = Service(server.address, backend, port)
    try:
        wait_until(lambda: healthy(service))
        yield service
    finally:
        backend.gate.set()
        server.stop()
        thread.join(20)
    assert not thread.is_alive(), "the server did not stop"


def healthy(service: Service) -> bool:
    try:
        return service.ask("GET", "/health")[0] == 200
    except OSError:
        return False


def wait_until(true: Callable[[], bool], seconds: float = 15) -> None:
    """Wait for a state that another thread brings about."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def shared() -> Iterator[Service]:
    """One server for the tests of a module that leave it as it was."""
    with serving() as service:
        yield service


@pytest.fixture
def service(shared: Service) -> Service:
    """The module's server, with an empty record of requests."""
    shared.backend.requests.clear()
    shared.backend.gate.clear()
    return shared


@pytest.fixture
def serve() -> Serve:
    """``with serve(queue_size=1) as service``: a server of the test's own."""
    return serving


@pytest.fixture
def until() -> Callable[..., None]:
    """``until(lambda: ...)``: wait for a state."""
    return wait_until
