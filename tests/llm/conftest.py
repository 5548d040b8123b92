"""A provider on a real socket: chat, log-probabilities, files and batches, and every way to fail."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bimedix2.llm.backend import Request, Sampling
from bimedix2.llm.budget import Budget
from bimedix2.llm.endpoint import Endpoint
from bimedix2.llm.openai import OpenAI
from bimedix2.records import Message

USAGE = {"prompt_tokens": 10, "completion_tokens": 5}


@dataclass
class Step:
    """What happens once instead of an answer.

    ``drop`` closes the connection without a word, ``half`` after the first bytes of an answer; ``wait`` comes
    before all else.
    """

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    half: bool = False
    wait: float = 0.0


@dataclass
class Asked:
    """One request as it came in."""

    method: str
    path: str
    body: Any
    headers: dict[str, str]
    at: float


def text_of(body: Any) -> str:
    """The words of the last user message."""
    content = [m["content"] for m in body["messages"] if m["role"] == "user"][-1]
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content if part["type"] == "text")


class Provider:
    """What the server does and what it saw. ``steps`` holds, by a question's words, what goes wrong first."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.steps: dict[str, list[Step]] = {}
        self.words: Callable[[str], str] = lambda text: f"answer to {text}"
        self.usage: Any = USAGE
        self.logprobs = True
        self.running = 0
        self.most = 0
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.polls = 1
        self.end = "completed"
        self.base_url = ""
        self.lock = threading.Lock()

    def questions(self) -> list[str]:
        """The words of every chat request that came in, in order."""
        return [text_of(one.body) for one in self.asked if one.path == "/v1/chat/completions"]

    def step(self, method: str, path: str, body: Any) -> Step:
        """What to do with one request."""
        with self.lock:
            name = text_of(body) if path == "/v1/chat/completions" else f"{method} {path}"
            waiting = self.steps.get(name, [])
            if waiting:
                return waiting.pop(0)
        if path == "/v1/chat/completions":
            return Step(body=self.chat(body))
        if path == "/v1/completions":
            return Step(body=self.completion(body))
        return self.batch_step(method, path, body)

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        """An answer as an OpenAI-compatible server gives it."""
        message = {"role": "assistant", "content": self.words(text_of(body))}
        answer = {
            "model": f"{body['model']}-0613",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": self.usage,
        }
        if self.logprobs and "prompt_logprobs" in body:
            answer["prompt_logprobs"] = self.prompt_logprobs(body)
        return answer

    def prompt_logprobs(self, body: dict[str, Any]) -> list[Any]:
        """As vLLM: a token is a word; of n letters it has -n/10, and is the likeliest, but for ``odd``."""
        words = [
            word for message in body["messages"] for word in [message["role"], *message["content"].split()]
        ]
        if body["add_generation_prompt"]:
            words.append("assistant")
        entries: list[Any] = [None]
        for word in words[1:]:
            entry = {f"id-{word}": {"logprob": -len(word) / 10, "rank": 2 if word == "odd" else 1}}
            if word == "odd":
                entry["id-best"] = {"logprob": -0.01, "rank": 1}
            entries.append(entry)
        return entries

    def completion(self, body: dict[str, Any]) -> dict[str, Any]:
        """As an endpoint whose completions take ``echo``."""
        words = body["prompt"].split()
        values = [None] + [-len(word) / 10 for word in words[1:]]
        tops = [None] + [{"best": -0.01 if word == "odd" else -len(word) / 10} for word in words[1:]]
        return {
            "choices": [{"logprobs": {"token_logprobs": values, "top_logprobs": tops}}],
            "usage": self.usage,
        }

    # Files and batches

    def batch_step(self, method: str, path: str, body: Any) -> Step:
        parts = path.removeprefix("/v1/").partition("?")[0].split("/")
        with self.lock:
            if parts == ["files"]:
                name = f"file-{len(self.files)}"
                self.files[name] = body
                return Step(body={"id": name})
            if parts[0] == "files" and method == "DELETE":
                return Step(body={"deleted": self.files.pop(parts[1], None) is not None})
            if parts[0] == "files":
                return Step(body=self.files[parts[1]])
            if parts == ["batches"] and method == "POST":
                name = f"batch-{len(self.batches)}"
                self.batches[name] = {"id": name, "status": "validating", "polls": 0, **body}
                return Step(body=self.batches[name])
            if parts == ["batches"]:
                return Step(body={"data": list(self.batches.values()), "has_more": False})
            batch = self.batches[parts[1]]
            batch["polls"] += 1
            if batch["polls"] >= self.polls and batch["status"] == "validating":
                self.work(batch)
            return Step(body=batch)

    def work(self, batch: dict[str, Any]) -> None:
        """Answer the lines of a batch into its two files; ``steps`` say which fail."""
        good, bad = [], []
        for line in self.files[batch["input_file_id"]].splitlines():
            row = json.loads(line)
            waiting = self.steps.get(text_of(row["body"]), [])
            step = waiting.pop(0) if waiting else Step(body=self.chat(row["body"]))
            response = {"status_code": step.status, "body": step.body}
            if step.drop:
                response = None
            result = {"custom_id": row["custom_id"], "response": response, "error": None}
            (good if step.status == 200 and not step.drop else bad).append(result)
        for name, rows in (("output_file_id", good), ("error_file_id", bad)):
            if rows:
                batch[name] = f"{batch['id']}-{name}"
                lines = [json.dumps(row, ensure_ascii=False) for row in reversed(rows)]
                self.files[batch[name]] = "\n".join(lines).encode()
        batch["status"] = self.end


def _body(headers: Any, data: bytes) -> Any:
    if not data:
        return None
    if headers.get("Content-Type", "").startswith("multipart/"):
        boundary = headers["Content-Type"].partition("boundary=")[2].encode()
        pieces = [piece for piece in data.split(b"--" + boundary) if b'name="file"' in piece]
        return pieces[0].partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
    return json.loads(data)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    provider: Provider

    def _serve(self) -> None:
        provider = self.provider
        body = _body(self.headers, self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        with provider.lock:
            provider.asked.append(Asked(self.command, self.path, body, dict(self.headers), time.monotonic()))
            provider.running += 1
            provider.most = max(provider.most, provider.running)
        try:
            step = provider.step(self.command, self.path, body)
            time.sleep(step.wait)
            if not step.drop:
                self._send(step)
        finally:
            with provider.lock:
                provider.running -= 1
        if step.drop or step.half:
            self.close_connection = True

    def _send(self, step: Step) -> None:
        data = step.body if isinstance(step.body, bytes) else json.dumps(step.body).encode()
        self.send_response(step.status)
        self.send_header("Content-Length", str(len(data)))
        for name, value in step.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[:5] if step.half else data)

    do_GET = do_POST = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has given up is no error here."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A running provider of the test's own."""
    one = Provider()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": one}))
    one.base_url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=lambda: server.serve_forever(0.01), daemon=True)
    thread.start()
    yield one
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def endpoint(provider: Provider) -> Callable[..., Endpoint]:
    """``endpoint(concurrency=2)``: the provider's settings, impatient ones."""

    def make(**settings: Any) -> Endpoint:
        given = {
            "base_url": provider.base_url,
            "model": "m",
            "backoff": 0.01,
            "timeout": 5,
            "batch_poll": 0.01,
        }
        return Endpoint(**{**given, **settings})

    return make


@pytest.fixture
def step() -> type[Step]:
    """What the provider can do once instead of answering."""
    return Step


@pytest.fixture
def ask() -> Callable[..., Request]:
    """``ask("words", temperature=1.0)``: a request of one message."""

    def make(text: str = "hello", **more: Any) -> Request:
        sampling = Sampling(
            **{name: more.pop(name) for name in list(more) if name in Sampling.__annotations__}
        )
        return Request((Message.of("user", text),), sampling=sampling, **more)

    return make


@pytest.fixture
def opened() -> Any:
    """``opened(endpoint)``: a backend that is closed when the test ends."""
    made: list[OpenAI] = []

    def make(endpoint: Endpoint, budget: Budget | None = None) -> OpenAI:
        made.append(OpenAI(endpoint, budget))
        return made[-1]

    yield make
    for backend in made:
        backend.close()
