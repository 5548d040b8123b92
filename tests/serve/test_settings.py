"""Settings that would open a door by mistake are refused."""

from pathlib import Path
from typing import Any

import pytest

from bimedix2.config import build
from bimedix2.errors import ConfigError
from bimedix2.serve.settings import Config


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_no_key(host: str) -> None:
    assert build(Config, {"host": host}).loopback
    assert build(Config, {"host": host}).key() is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "server.hospital.example"])
def test_any_other_address_needs_one(host: str) -> None:
    with pytest.raises(ConfigError, match="needs a key"):
        build(Config, {"host": host})
    assert build(Config, {"host": host, "api_key_env": "KEY"}).host == host


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"tls_cert": "a.pem"}, "belong together"),
        ({"default_tokens": 2000}, "larger than max_tokens"),
        ({"queue_size": 0}, "queue_size"),
        ({"device": "gpu"}, "say auto, cpu, cuda or cuda:N"),
        ({"allowed_hosts": ["https://chat.example"]}, "write the name alone, without scheme, port or"),
        ({"allowed_hosts": ["chat.example:8000"]}, "'chat.example:8000' is no host's name"),
        ({"allowed_hosts": ["*.example"]}, "is no host's name"),
        ({"modle": "nano"}, "did you mean 'model'"),
    ],
)
def test_settings_that_do_not_fit(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build(Config, values)


def test_the_key_comes_from_the_environment_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", " a-key-of-enough-characters ")
    assert Config(api_key_env="KEY").key() == "a-key-of-enough-characters"
    file = tmp_path / "key"
    file.write_text("another-key-of-enough\nsecond line\n")
    assert Config(api_key_file=file).key() == "another-key-of-enough"
    file.write_text("short")
    with pytest.raises(ConfigError, match="at least 16"):
        Config(api_key_file=file).key()
    with pytest.raises(ConfigError, match="the variable NO_SUCH holds no key"):
        Config(api_key_env="NO_SUCH").key()


def test_the_model_is_asked_for_by_its_folders_name(tmp_path: Path) -> None:
    assert Config(model=str(tmp_path / "mine")).model_id == "mine"
    assert Config().model_id == "nano"
