"""``bimedix2 serve``: which settings a server is started with."""

import functools
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from bimedix2.serve import Config

ROOT = Path(__file__).parents[2]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """Settings of the servers that would run; none runs."""
    seen: list[Config] = []
    monkeypatch.setattr("bimedix2.serve.run", lambda config, open_backend: seen.append(config))
    return seen


def test_without_a_recipe_it_is_the_shipped_one(cli: Any, started: list[Config]) -> None:
    assert cli("serve")[0] == 0
    assert cli("serve", "port=8123", "threads=1")[0] == 0
    assert (started[0].model, started[0].host, started[0].loopback) == ("nano", "127.0.0.1", True)
    assert (started[1].port, started[1].threads) == (8123, 1)
    assert cli("serve", "safeguards=false")[0] == 0
    assert [config.safeguards for config in started] == [True, True, False]
    assert cli("serve", "device=cuda:1")[0] == 0
    assert [config.device for config in started] == ["auto", "auto", "auto", "cuda:1"]


def test_the_recipe_in_the_package_is_the_one_in_recipes() -> None:
    shipped = ROOT / "src" / "bimedix2" / "serve" / "nano.yaml"
    assert shipped.read_bytes() == (ROOT / "recipes" / "serve" / "nano.yaml").read_bytes()


def test_a_recipe_and_overrides(cli: Any, started: list[Config], tmp_path: Path) -> None:
    recipe = tmp_path / "a=b.yaml"
    recipe.write_text("model: nano-base\n")
    assert cli("serve", str(recipe), "port=0")[0] == 0
    assert (started[0].model, started[0].port) == ("nano-base", 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["prot=8000"], "did you mean 'port'?"),
        (["no/such.yaml"], "no/such.yaml does not exist"),
        (["host=0.0.0.0"], "needs a key"),
        (["port=seventy"], "'port'"),
        (["device=gpu"], "'device': 'gpu' is no device; say auto, cpu, cuda or cuda:N"),
        (["api_key_file=no/key"], "no/key cannot be read"),
    ],
)
def test_wrong_settings_are_one_sentence_and_exit_code_2(cli: Any, arguments: list[str], said: str) -> None:
    code, _, err = cli("serve", *arguments)
    assert code == 2
    assert err.count("\n") == 1
    assert said in err


def test_an_unknown_model_ends_the_server_with_2(cli: Any) -> None:
    code, _, err = cli("serve", "port=0", "model=nanno")
    assert code == 2
    assert err == "error: 'nanno' is neither a preset nor a checkpoint folder; did you mean 'nano'?\n"


def test_a_gpu_that_is_not_here_ends_the_server_with_2(cli: Any) -> None:
    code, _, err = cli("serve", "port=0", "device=cuda:99")
    assert (code, err.count("\n")) == (2, 1)
    assert "device 'cuda:99' is not here: torch" in err
    assert "use device=cpu" in err


def test_a_server_of_its_own_process_answers_and_ends_with_ctrl_c(tiny_base: Any) -> None:
    command = [sys.executable, "-m", "bimedix2", "serve", "port=0", f"model={tiny_base.folder}", "threads=1"]
    # A shell's background job, as this test may be, starts its children deaf to Ctrl+C.
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, preexec_fn=heard) as process:
        try:
            assert process.stdout
            address = process.stdout.readline().split(" opens at ")[1].split(";")[0]
            deadline = time.monotonic() + 60
            while httpx.get(f"{address}/health").status_code != 200:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
            assert (process.returncode, errors) == (0, "")
        finally:
            process.kill()
