"""Settings that leak nothing: no key in a recipe, no host that was not listed."""

from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config
from bimedix2.errors import ConfigError, DataClassError
from bimedix2.llm.endpoint import RUNNING, Endpoint
from bimedix2.records import DataClass

GOOD = {"base_url": "https://api.example/v1", "model": "m"}


def build(**settings: Any) -> Endpoint:
    return config.build(Endpoint, {**GOOD, **settings})


@pytest.mark.parametrize(
    "url",
    ["https://user:hunter2@api.example/v1", "https://api.example/v1?key=hunter2", "https://a/v1#hunter2"],
)
def test_a_secret_in_the_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match="api_key_env") as caught:
        build(base_url=url)
    assert "hunter2" not in str(caught.value)


def test_a_key_in_place_of_its_variables_name_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="never the key itself") as caught:
        build(api_key_env="sk-hunter2")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"base_url": "api.example/v1"}, "http://HOST:PORT"),
        ({"base_url": "ftp://api.example"}, "http://HOST:PORT"),
        ({"base_url": "http://[::1/v1"}, "http://HOST:PORT"),
        ({"base_url": "http://host:99999/v1"}, "http://HOST:PORT"),
        ({"budget": 5}, "a budget needs prices"),
        ({"body": {"messages": []}}, "'messages' is set by the request itself"),
        ({"api_key_env": "A", "api_key_file": "b"}, "exclude each other"),
        ({"concurency": 4}, "did you mean 'concurrency'"),
    ],
)
def test_wrong_settings_are_said_at_the_door(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build(**settings)


def test_the_key_comes_from_the_variable_or_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text("from-file \nsecond line\n")
    monkeypatch.setenv("SOME_KEY", " from-variable")
    assert build().key() is None
    assert build(api_key_env="SOME_KEY").key() == "from-variable"
    assert build(api_key_file=file).key() == "from-file"


@pytest.mark.parametrize("content", ["", "مفتاح", "two\tparts"])
def test_a_key_that_is_none_is_said(tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match="holds no key"):
        build(api_key_file=file).key()
    monkeypatch.delenv("NO_SUCH", raising=False)
    with pytest.raises(ConfigError, match="NO_SUCH holds no key"):
        build(api_key_env="NO_SUCH").key()
    with pytest.raises(ConfigError, match="cannot be read"):
        build(api_key_file=tmp_path / "none").key()


@pytest.mark.parametrize(
    ("url", "listed", "allowed"),
    [
        ("http://127.0.0.1:8000/v1", ["loopback"], True),
        ("http://localhost:8000/v1", ["loopback"], True),
        ("http://[::1]:8000/v1", ["loopback"], True),
        ("http://127.9.9.9/v1", ["loopback"], True),
        ("http://localhost.evil.example/v1", ["loopback"], False),
        ("http://127.0.0.1.evil.example/v1", ["loopback"], False),
        ("http://0.0.0.0:8000/v1", ["loopback"], False),
        ("http://10.0.0.5:8000/v1", ["loopback"], False),
        ("http://10.0.0.5:8000/v1", ["10.0.0.5"], True),
        ("http://10.0.0.5:8000/v1", ["10.0.0.5:8000"], True),
        ("http://10.0.0.5:8001/v1", ["10.0.0.5:8000"], False),
        ("https://GPU.Hospital.example/v1", ["gpu.hospital.example:443"], True),
        ("https://gpu.hospital.example/v1", ["hospital.example"], False),
        ("http://127.0.0.1:8000/v1", ["gpu.hospital.example"], False),
        ("http://127.0.0.1:8000/v1", [], False),
    ],
)
def test_a_host_is_listed_by_its_exact_name(url: str, listed: list[str], allowed: bool) -> None:
    one = build(base_url=url, patient_hosts=listed, credentialed_hosts=listed)
    one.allow(DataClass.OPEN)
    one.allow(DataClass.NON_COMMERCIAL)
    for kind in (DataClass.PATIENT, DataClass.CREDENTIALED):
        if allowed:
            one.allow(kind)
        else:
            with pytest.raises(DataClassError, match=one.host):
                one.allow(kind)


def test_identity_changes_with_what_answers_depend_on_and_with_nothing_else() -> None:
    one = build()
    assert one.identity == build(base_url="https://api.example/v1/").identity
    assert (
        one.identity == build(concurrency=3, timeout=1, prices={"input": 1, "output": 2}, budget=4).identity
    )
    assert one.identity == build(batch=True, api_key_env="OTHER").identity
    different = [
        build(model="n"),
        build(version="2"),
        build(base_url="https://b.example/v1"),
        build(body={"reasoning_effort": "low"}),
        build(send_schema=True),
    ]
    assert len({one.identity, *(other.identity for other in different)}) == 6


def test_what_a_run_may_go_on_with_changes_no_answer() -> None:
    one = build(budget=4, prices={"input": 1, "output": 2})
    other = build(budget=9, prices={"input": 1, "output": 2}, concurrency=64, api_key_env="OTHER", batch=True)
    assert one.model_dump(exclude=RUNNING) == other.model_dump(exclude=RUNNING)
    assert one.model_dump(exclude=RUNNING) != build(version="2").model_dump(exclude=RUNNING)
