"""The server's beginning and end: addresses, certificates, and a model that cannot be opened."""

import json
import shutil
import socket
import ssl
import subprocess
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NoReturn

import pytest

from bimedix2.errors import ConfigError, ModelError
from bimedix2.llm.backend import StreamingBackend
from bimedix2.serve import run
from bimedix2.serve.app import Server
from bimedix2.serve.settings import Config


def failing(model: str, threads: int | None = None, *, device: str) -> StreamingBackend:
    raise ModelError(f"'{model}' is not here; train it")


def never(model: str, threads: int | None = None, *, device: str) -> NoReturn:
    raise AssertionError("no model should be opened")


def test_a_model_that_cannot_be_opened_ends_the_server_with_its_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ModelError, match="'mine' is not here; train it"):
        run(Config(model="mine", port=0), failing)
    assert "opens at http://127.0.0.1:" in capsys.readouterr().out


def test_the_model_is_opened_as_the_settings_say() -> None:
    given: list[Any] = []

    def noting(model: str, threads: int | None = None, *, device: str) -> StreamingBackend:
        given.append((model, threads, device))
        raise ModelError("never mind")

    with pytest.raises(ModelError):
        run(Config(model="mine", port=0, threads=3, device="cuda:1"), noting)
    assert given == [("mine", 3, "cuda:1")]


def test_a_port_that_is_taken_says_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            ConfigError, match=rf"127.0.0.1 port {port} cannot be bound .* choose another port"
        ):
            run(Config(port=port), never)


def test_an_address_that_is_not_ours() -> None:
    with pytest.raises(ConfigError, match="cannot be bound"):
        run(Config(host="192.0.2.1", port=0, api_key_env="PATH"), never)


def test_a_certificate_that_cannot_be_read(tmp_path: Path) -> None:
    wrong = tmp_path / "cert.pem"
    wrong.write_text("no certificate")
    with pytest.raises(ConfigError, match="the certificate cannot be read"):
        run(Config(port=0, tls_cert=wrong, tls_key=wrong), never)


def test_while_the_model_is_being_opened_health_says_so() -> None:
    ready = threading.Event()

    def slowly(model: str, threads: int | None = None, *, device: str) -> Any:
        ready.wait(20)
        raise ModelError("never mind")

    server = Server(Config(model="mine", port=0), slowly)

    def end() -> None:
        with pytest.raises(ModelError):
            server.run()

    thread = threading.Thread(target=end, daemon=True)
    thread.start()
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"{server.address}/health", timeout=10)
    with error.value:
        assert error.value.code == 503
        assert json.load(error.value)["status"] == "loading"
    ready.set()
    thread.join(20)
    assert not thread.is_alive()


def test_https(tmp_path: Path) -> None:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not here; it makes this test's certificate")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    make = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=localhost",
    ]
    make += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(make, check=True, capture_output=True)
    server = Server(Config(model="mine", port=0, tls_cert=cert, tls_key=key), lambda *_, **__: Named())
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.address.startswith("https://127.0.0.1:")
    context = ssl.create_default_context(cafile=str(cert))
    with urllib.request.urlopen(f"{server.address}/v1/models", context=context, timeout=20) as response:
        assert json.load(response)["data"][0]["id"] == "mine"
    server.stop()
    thread.join(20)
    assert not thread.is_alive()


class Named:
    """As much of a backend as a server without requests needs."""

    name = "named@1"
