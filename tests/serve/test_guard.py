"""Who may ask: names, origins and keys, over a real socket."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

KEY = "a-key-of-enough-characters"
BEARER = {"Authorization": f"Bearer {KEY}"}


@pytest.fixture
def locked(serve: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("SERVE_KEY", KEY)
    with serve(api_key_env="SERVE_KEY") as service:
        yield service


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:8000", "[::1]:8000", "10.1.2.3"])
def test_addresses_and_localhost_are_answered(service: Any, host: str) -> None:
    assert service.ask("GET", "/health", headers={"Host": host})[0] == 200


def test_a_strange_name_is_not_answered(service: Any, serve: Any) -> None:
    status, value, _ = service.ask("GET", "/", headers={"Host": "evil.example"})
    assert status == 421
    assert "add it to allowed_hosts" in value["error"]["message"]
    with serve(allowed_hosts=("chat.hospital.example",)) as named:
        assert named.ask("GET", "/health", headers={"Host": "Chat.Hospital.example:8000"})[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site_cannot_ask(service: Any, headers: dict[str, str]) -> None:
    body = {"model": "scripted", "messages": [{"role": "user", "content": "hello"}]}
    for path in ("/v1/chat/completions", "/chat", "/images"):
        status, value, _ = service.ask("POST", path, body, headers)
        assert (status, value["error"]["code"]) == (403, "cross_origin")
    assert service.backend.requests == []


def test_without_the_key_nothing_is_answered(locked: Any) -> None:
    assert locked.ask("GET", "/health")[0] == 200
    for method, path in [
        ("GET", "/v1/models"),
        ("POST", "/images"),
        ("POST", "/chat"),
        ("GET", "/examples/x.png"),
    ]:
        status, value, headers = locked.ask(method, path)
        assert (status, value["error"]["type"]) == (401, "authentication_error"), path
        assert headers["www-authenticate"] == "Bearer"
    assert locked.ask("GET", "/v1/models", headers={"Authorization": "Bearer wrong"})[0] == 401
    assert locked.ask("GET", "/v1/models", headers=BEARER)[0] == 200
    status, _, headers = locked.ask("GET", "/")
    assert (status, headers["location"]) == (303, "/login")


def test_signing_in_gives_a_session_that_the_api_does_not_take(locked: Any) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, page, _ = locked.ask("POST", "/login", b"key=wrong", form)
    assert status == 401
    assert "That key is not valid." in page
    status, _, headers = locked.ask("POST", "/login", f"key={KEY}".encode(), form)
    assert status == 303
    cookie = headers["set-cookie"]
    assert all(flag in cookie for flag in ("HttpOnly", "SameSite=strict"))
    session = {"Cookie": cookie.partition(";")[0]}
    assert locked.ask("GET", "/", headers=session)[0] == 200
    assert locked.ask("GET", "/v1/models", headers=session)[0] == 401
    assert locked.ask("GET", "/", headers={"Cookie": "bimedix2_session=guess"})[0] == 303


@pytest.mark.parametrize("path", ["/", "/health", "/nowhere", "/static/none.js", "/v1/models"])
def test_every_answer_carries_the_security_headers(service: Any, path: str) -> None:
    _, _, headers = service.ask("GET", path)
    assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    if not path.startswith("/static/"):
        assert headers["cache-control"] == "no-store"


def test_nothing_of_a_conversation_is_logged(
    service: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    service.complete("the patient is called Mallory")
    service.complete("crash Mallory")
    service.ask("POST", "/images", b"Mallory")
    written = caplog.text + "".join(capfd.readouterr())
    assert "an answer failed: RuntimeError at" in written
    assert "Mallory" not in written
    assert "Alice" not in written


def test_nothing_of_a_conversation_is_written_to_disk(
    service: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run from a folder of its own, with its own home and temporary folder: all stay empty."""
    for variable in ("HOME", "TMPDIR", "BIMEDIX2_CACHE"):
        (tmp_path / variable).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / variable))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "TMPDIR"))
    service.ask("POST", "/images", bytes(20_000_000))
    service.complete("x" * 300_000)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
