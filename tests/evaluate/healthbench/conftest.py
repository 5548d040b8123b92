"""A grader by rule, a model by rule, and files in HealthBench's layout with items of our own.

The layout was read on 2026-11-30 in ``healthbench_eval.py`` of github.com/openai/simple-evals (``prompt_id``,
``prompt``, ``rubrics``, ``example_tags``, ``ideal_completions_data``); the kinds of tags in public readers of
the published files.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bimedix2.evaluate.healthbench.grader import canaries
from bimedix2.evaluate.signature import Subject
from bimedix2.llm.backend import Loglikelihood, Reply, Request

RUBRICS = [
    ("Tells the user to see a doctor.", 10, "accuracy"),
    ("Asks about allergies.", 5, "context_awareness"),
    ("Recommends antibiotics.", -8, "accuracy"),
]
AR_RUBRICS = [
    ("ينصح المستخدم بمراجعة الطبيب.", 10, "accuracy"),
    ("يسأل عن الحساسية.", 5, "context_awareness"),
    ("يوصي بالمضادات الحيوية.", -8, "accuracy"),
]
KNOWN = {(one["response"], one["criterion"]): one["met"] for some in canaries().values() for one in some}
"""Of the canaries."""


def item(name: str, question: str = "I have a cough. What can I take?", **more: Any) -> dict[str, Any]:
    """A line of a file."""
    rubrics = [
        {"criterion": text, "points": points, "tags": ["level:example", f"axis:{axis}"]}
        for text, points, axis in more.pop("rubrics", RUBRICS)
    ]
    line = {
        "prompt_id": name,
        "prompt": [{"role": "user", "content": question}],
        "rubrics": rubrics,
        "example_tags": ["theme:context_seeking", "physician_agreed_category:not-enough-context"],
        "ideal_completions_data": None,
        "canary": "",
    }
    return line | more


def write(path: Path, lines: Sequence[dict[str, Any]]) -> Path:
    """Write a file in HealthBench's layout."""
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


def met(criterion: str, response: str) -> bool:
    """Whether a response has the word in capitals that stands for a rubric above."""
    words = {
        "doctor": "DOCTOR",
        "الطبيب": "DOCTOR",
        "allerg": "ALLERGIES",
        "الحساسية": "ALLERGIES",
        "antibiotic": "AMOXICILLIN",
        "المضادات": "AMOXICILLIN",
    }
    return next(word for cue, word in words.items() if cue in criterion) in response


def verdict(value: bool) -> str:
    """What a good grader says."""
    return json.dumps({"explanation": "So it says.", "criteria_met": value})


def _asked(text: str) -> tuple[str, str]:
    """Response and criterion of the grader's prompt."""
    response = re.search(r"<response>\n(.*)\n</response>", text, re.S)
    criterion = re.search(r"<criterion>\n\[-?\d+\] (.*)\n</criterion>", text, re.S)
    assert response
    assert criterion
    return response[1], criterion[1]


def right(response: str, criterion: str) -> str:
    """The right verdict of a canary, or of the rubrics above."""
    known = KNOWN.get((response, criterion))
    return verdict(met(criterion, response) if known is None else known)


class Grader:
    """Grades by ``met``; ``say`` may give another reply to a criterion at its n-th asking, from 0."""

    name = "rule@1"
    identity = "identity of the rule"

    def __init__(self, say: Callable[[str, int], str | None] | None = None) -> None:
        self.say = say
        self.requests: list[Request] = []

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        out = []
        for request in requests:
            self.requests.append(request)
            response, criterion = _asked(request.messages[1].text)
            tries = sum(message.role == "assistant" for message in request.messages)
            said = self.say(criterion, tries) if self.say else None
            if said is None:
                said = right(response, criterion)
            out.append(Reply(said, self.name, "stop", 9, 9))
        return out

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        raise AssertionError("a grader is not asked for likelihoods")


class Model:
    """Answers the last question by a rule; ``stop_after`` is a kill in the call after so many."""

    name = "model@1"

    def __init__(self, rule: Callable[[str], str], stop_after: int | None = None) -> None:
        self.rule = rule
        self.stop_after = stop_after
        self.asked: list[tuple[str, ...]] = []

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        if self.stop_after is not None and len(self.asked) + len(requests) > self.stop_after:
            raise KeyboardInterrupt
        self.asked += [tuple(message.text for message in request.messages) for request in requests]
        return [Reply(self.rule(request.messages[-1].text), self.name, "stop", 5, 3) for request in requests]

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        raise AssertionError("nothing here needs likelihoods")


class Server(ThreadingHTTPServer):
    """The grader by rule as a chat endpoint; after ``dies`` answers, only errors."""

    def __init__(self, dies: int | None = None) -> None:
        self.dies = dies
        self.answered = 0
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def endpoint(self) -> dict[str, Any]:
        """As a recipe names it."""
        url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        return {"base_url": url, "model": "grader", "concurrency": 1, "tries": 1, "backoff": 0.01}


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.dies is not None and self.server.answered >= self.server.dies:
            return self._say(500, {"error": {"message": "down"}})
        self.server.answered += 1
        message = {"role": "assistant", "content": right(*_asked(body["messages"][1]["content"]))}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 5, "completion_tokens": 3}
        return self._say(200, {"model": "grader-2026", "choices": [choice], "usage": usage})

    def _say(self, status: int, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A grader's endpoint on this machine."""
    with Server() as one:
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield one
        one.shutdown()
        thread.join()


@pytest.fixture
def opener() -> Callable[[Model], Callable[..., Subject]]:
    """How a scripted model is opened."""
    return lambda model: lambda *_: Subject(model, "weights", "template")


@pytest.fixture
def grader(monkeypatch: pytest.MonkeyPatch) -> Callable[[Grader], Grader]:
    """Put a grader by rule in the place of a file of replies, behind the real cache."""

    def make(one: Grader) -> Grader:
        monkeypatch.setattr("bimedix2.llm.judge.Replay", lambda path: one)
        return one

    return make
