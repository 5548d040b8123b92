"""A judge of RadFact by rule, on a backend and behind a real socket."""

import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bimedix2.evaluate.metrics.radfact import canary
from bimedix2.llm.backend import Loglikelihood, Reply, Request
from bimedix2.text.arabic import normalise

REF = "The heart is enlarged. There is no effusion. Recommend a CT."
HYP = "The heart is enlarged. There is an effusion."
ARABIC = ("القلب متضخم. لا يوجد انصباب جنبي. يُنصح بتصوير مقطعي.", "القلب متضخم. يوجد انصباب جنبي.")
"""Reference and candidate, as REF and HYP in the other language."""
PROSE = "The statement seems plausible to me."

NEGATIVE = re.compile(r"(?:no |there is no |the lungs are clear|لا )", re.I)
ADVICE = ("Recommend", "يُنصح")
KNOWN = {
    (tuple(case["reference"]), case["statement"]): verdict
    for verdicts in canary.cases().values()
    for verdict, rows in verdicts.items()
    for case in rows
}


def inside(text: str, tag: str) -> str | None:
    found = re.search(rf"<{tag}>\n(.*)\n</{tag}>", text, re.S)
    return found[1] if found else None


def items(text: str) -> list[str]:
    return [line.removeprefix("- ") for line in text.splitlines() if line]


def by_rule(text: str) -> Any:
    """What a literal judge says to one question.

    A sentence is one statement, advice is none, and what is entailed stands in the reference word for word
    (or is a canary).
    """
    report, statements = inside(text, "report"), inside(text, "statements")
    if report is not None:
        sentences = [one.strip() for one in re.findall(r"[^.]+\.", report)]
        split = [{"orig": one, "new": [] if one.startswith(ADVICE) else [one]} for one in sentences]
        return {"sentences": split}
    if statements is not None:
        return {"phrases": [one for one in items(statements) if not NEGATIVE.match(one)]}
    reference, statement = items(inside(text, "reference") or ""), inside(text, "statement") or ""
    same = [one for one in reference if normalise(one) == normalise(statement)]
    known = KNOWN.get((tuple(reference), statement))
    if known == "entailment" or (known is None and same):
        return {"status": "entailment", "evidence": same or reference[:1]}
    return {"status": "not_entailment", "evidence": []}


def asked_of(texts: Sequence[tuple[str, str]]) -> tuple[str, int]:
    """The question at hand, and how often it was asked before: examples come first, corrections last."""
    places = [
        n
        for n, (role, text) in enumerate(texts)
        if role == "user" and any(inside(text, tag) for tag in ("report", "statements", "statement"))
    ]
    return texts[places[-1]][1], sum(role == "user" for role, _ in texts[places[-1] + 1 :])


Say = Callable[[str, int], str | None]


class Judge:
    """``by_rule``; ``say`` may give another reply to a question at its n-th asking, from 0."""

    name = "rule@1"
    identity = "identity of the rule"

    def __init__(self, say: Say | None = None, stop_after: int | None = None) -> None:
        self.say = say
        self.stop_after = stop_after
        self.requests: list[Request] = []

    def answer(self, texts: Sequence[tuple[str, str]]) -> str:
        text, tries = asked_of(texts)
        said = self.say(text, tries) if self.say else None
        return said if said is not None else json.dumps(by_rule(text), ensure_ascii=False)

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        if self.stop_after is not None and len(self.requests) + len(requests) > self.stop_after:
            raise KeyboardInterrupt
        self.requests += requests
        each = [[(str(m.role), m.text) for m in request.messages] for request in requests]
        return [Reply(self.answer(texts), self.name, "stop", 9, 9) for texts in each]

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        raise AssertionError("a judge is not asked for likelihoods")


class Host:
    """The judge as an OpenAI-compatible server on this machine; ``dies_after`` answers it breaks off."""

    def __init__(self) -> None:
        self.judge = Judge()
        self.answered = 0
        self.lock = threading.Lock()
        self.dies_after: int | None = None
        self.url = ""


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with host.lock:
                dead = host.dies_after is not None and host.answered >= host.dies_after
                host.answered += not dead
            if dead:
                self.send_error(401)
                return
            texts = [(m["role"], m["content"]) for m in body["messages"]]
            said = {"role": "assistant", "content": host.judge.answer(texts)}
            answer = {
                "id": "1",
                "object": "chat.completion",
                "created": 0,
                "model": body["model"],
                "choices": [{"index": 0, "message": said, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 9, "completion_tokens": 9},
            }
            data = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    host.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    yield host
    server.shutdown()
    server.server_close()
    thread.join()
