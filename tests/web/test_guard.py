"""The guard before any application: whose page may ask, how a refusal is worded, what a failure says."""

import asyncio
import json
from typing import Any

import pytest

from bimedix2.web.guard import Guard, Receive, Scope, Send


async def fine(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


async def fails(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("the patient Mallory")


def ask(guard: Guard, scheme: str = "http", **headers: str) -> tuple[int, Any]:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    lines = [(name.encode(), value.encode()) for name, value in {"host": "a.example", **headers}.items()]
    scope = {"type": "http", "method": "POST", "path": "/x", "scheme": scheme, "headers": lines}
    asyncio.run(guard(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"])


@pytest.mark.parametrize(
    ("secure", "scheme", "origin", "status"),
    [
        (False, "http", "http://a.example", 200),
        (False, "http", "https://a.example", 403),
        (True, "http", "https://a.example", 200),  # a proxy ends TLS
        (True, "http", "http://a.example", 403),
        (None, "http", "http://a.example", 200),
        (None, "http", "https://A.example", 200),
        (None, "https", "http://a.example", 403),
        (None, "http", "https://b.example", 403),
    ],
)
def test_a_page_is_its_own_by_scheme_and_name(
    secure: bool | None, scheme: str, origin: str, status: int
) -> None:
    assert ask(Guard(fine, ["a.example"], secure), scheme, origin=origin)[0] == status


def test_an_application_may_word_refusals_in_its_own_json() -> None:
    _, plain = ask(Guard(fine, [], False))
    assert plain["error"].startswith("this server does not answer to the name 'a.example'")
    guard = Guard(fine, [], False, lambda status, sentence: {"code": status, "says": sentence})
    assert ask(guard) == (421, {"code": 421, "says": plain["error"]})


def test_a_failure_is_logged_by_its_place_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    status, body = ask(Guard(fails, ["a.example"], False))
    assert status == 500
    assert "a request failed: RuntimeError at" in caplog.text
    assert "Mallory" not in caplog.text + json.dumps(body)
