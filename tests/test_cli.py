"""The command line as a user meets it."""

import os
import subprocess
import sys

import pytest

from bimedix2.cli import ROOMS, VERBS


def bimedix2(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bimedix2", *args], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("verb", [[], ["ask"], ["chat"], ["serve"], ["models"], ["demo"], ["train"]])
def test_help_imports_no_torch(verb: list[str]) -> None:
    code = (
        f"import sys; sys.argv={['bimedix2', *verb, '--help']}\n"
        "from bimedix2.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy={'torch','transformers','pydicom','fastapi'} & set(sys.modules); print('HEAVY', sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "HEAVY []" in done.stdout
    assert ("sources" in done.stdout) if not verb else (f"bimedix2 {verb[0]}" in done.stdout)


def test_every_command_shows_an_example_in_its_help() -> None:
    for name in (*ROOMS, *(verb.__name__ for verb in VERBS)):
        done = bimedix2(name, "--help")
        assert done.returncode == 0
        assert "Example" in done.stdout, name
        assert done.stdout.count(f"bimedix2 {name}") >= 2, name


def test_arabic_is_written_whatever_the_locale_says() -> None:
    env = {**os.environ, "LC_ALL": "en_US.ISO-8859-1", "PYTHONIOENCODING": "latin-1"}
    command = [sys.executable, "-m", "bimedix2", "ask", "--help"]
    done = subprocess.run(command, capture_output=True, env=env, check=True)
    assert "ما نوع هذه الصورة؟" in done.stdout.decode("utf-8")


def test_a_users_error_is_one_line_and_exit_code_2() -> None:
    done = bimedix2("sources", "no/such.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith("error: recipe no/such.yaml does not exist")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("caf\udce9.yaml", r"caf\udce9.yaml"),  # bytes that are no UTF-8, as a disk may hold
        (r"a\[/b][red]:x:.yaml", r"a\[/b][red]:x:.yaml"),  # what rich would read as its markup
    ],
)
def test_an_error_is_printed_whatever_stands_in_it(name: str, printed: str) -> None:
    done = bimedix2("sources", name)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"error: recipe {printed} does not exist")


def test_an_unknown_command_exits_with_2() -> None:
    assert bimedix2("surces").returncode == 2
