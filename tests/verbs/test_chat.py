"""``bimedix2 chat``: turns that are piped in, and a person at a terminal."""

import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image


@pytest.fixture
def png(tmp_path: Path) -> Path:
    path = tmp_path / "a scan.png"
    Image.new("RGB", (40, 30), (90, 90, 90)).save(path)
    return path


def test_turns_follow_each_other_and_an_image_comes_at_any_of_them(cli: Any, echo: Any, png: Path) -> None:
    turns = f"hello\n\n/image '{png}'\nما هذا؟\nand now?\n"
    code, out, err = cli("chat", stdin=turns)
    assert code == 0
    assert out == "1. hello [0 of 0]\n2. ما هذا؟ [1 of 1]\n3. and now? [0 of 1]\n"
    assert "a scan.png goes with the next question" in err
    assert err.count("echo@1") == 3


def test_a_new_conversation_forgets(cli: Any, echo: Any) -> None:
    _, out, _ = cli("chat", stdin="one\ntwo\n/new\nthree\n/quit\nnever asked\n")
    assert out == "1. one [0 of 0]\n2. two [0 of 0]\n1. three [0 of 0]\n"


def test_a_safeguards_turn_stays_in_the_conversation(cli: Any, echo: Any) -> None:
    turns = "hello\nHow many mg of it should I take?\nand now?\n/new\nI want to die\n"
    _, out, err = cli("chat", stdin=turns)
    lines = out.splitlines()
    assert lines[0] == "1. hello [0 of 0]"
    assert lines[1].startswith("A research model cannot set a dose")
    assert lines[2] == "3. and now? [0 of 0]"
    assert lines[3].startswith("A research model cannot help in a crisis")
    assert (err.count("echo@1"), err.count("the model did not write it")) == (2, 2)
    _, out, _ = cli("chat", "--no-safeguards", stdin="one\n/new\nI want to die\n")
    assert out == "1. one [0 of 0]\n1. I want to die [0 of 0]\n"


def test_the_model_is_opened_where_the_device_says(cli: Any, echo: Any) -> None:
    assert cli("chat", "--device", "cpu", stdin="hello\n")[0] == 0
    assert echo.device == "cpu"


def test_help_lists_the_commands(cli: Any, echo: Any) -> None:
    _, _, err = cli("chat", stdin="/help\n")
    assert all(word in err for word in ("/image FILE", "/new", "/quit"))


WRONG = {
    "an unknown command": ("/imgae x.png", "/image, /new, /help, /quit"),
    "no file": ("/image", "write /image FILE"),
    "a missing file": ("/image no/such.png", "does not exist"),
    "a path that no file has": ("/image a\0b.png", "no file can have the name"),
    "a path with blanks": ("/image a scan.png", "needs quotes"),
    "an open quote": ("/image 'a scan.png", "do not close"),
    "a wrong frame": ("/image x.png frame=two", "whole number"),
    "a marker": ("what is <image>?", "'<image>'"),
    "too many turns": ("one\ntwo\nthree\nfour", "the context is 9"),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_error_in_a_pipe_ends_it_with_2(cli: Any, echo: Any, case: str) -> None:
    line, said = WRONG[case]
    code, out, err = cli("chat", stdin=f"{line}\nafter the error\n")
    assert code == 2
    assert "after the error" not in out
    assert said in err.splitlines()[-1]


def test_a_person_at_a_terminal_goes_on_after_an_error(tiny_base: Any) -> None:
    master, slave = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "bimedix2",
        "chat",
        "--model",
        str(tiny_base.folder),
        "--max-tokens",
        "3",
    ]
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, close_fds=True)
    os.close(slave)
    try:
        read_until(master, "> ")
        os.write(master, b"/image no/such.png\n")
        assert "error: no/such.png does not exist" in read_until(master, "> ")
        os.write(master, b"hello\n")
        said = read_until(master, "\n> ")
        assert "bimedix2-tiny-base-" in said
        assert "Traceback" not in said
        os.write(master, b"/quit\n")
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        os.close(master)


def read_until(master: int, mark: str, seconds: float = 60) -> str:
    said = ""
    end = time.monotonic() + seconds
    while mark not in said.replace("\r", ""):
        assert time.monotonic() < end, f"{mark!r} never came after {said!r}"
        said += os.read(master, 4096).decode()
    return said
