"""What a killed session leaves is ended and deleted by the next one, and nothing else is touched.

Real processes stand for Ray's agents: they hold a log below the folder open, as those do.
"""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bimedix2.llm.ray_folder import OWNER, PREFIX, ray_folder, sweep

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="there is no /proc")
HOLD = """
import subprocess, sys, time
from bimedix2.llm.ray_folder import ray_folder
with ray_folder() as folder:
    open(folder + "/log", "w").close()
    print(folder, flush=True)
    time.sleep(600)
"""
AGENT = """
import signal, sys, time
if sys.argv[2] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
log = open(sys.argv[1], "a")
print("ready", flush=True)
time.sleep(600)
"""
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """``start(program, *words)``: a process that says a line first; all are ended after the test."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    running: list[subprocess.Popen[str]] = []

    def begin(*words: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("hearing", ["hears", "deaf"])
def test_a_killed_session_is_ended_by_the_next_and_no_other_process_is(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hearing: str
) -> None:
    monkeypatch.setattr("bimedix2.llm.ray_folder.GRACE_S", 2.0)
    owner = start(sys.executable, "-c", HOLD)
    folder = Path(said(owner)).parent
    agent = start(sys.executable, "-c", AGENT, str(folder / "r" / "log"), hearing)
    reader = start("tail", "-f", str(folder / "r" / "log"))
    other = start(sys.executable, "-c", AGENT, str(tmp_path / "log"), "hears")
    assert (said(agent), said(other)) == ("ready", "ready")

    assert sweep() == [], "somebody holds the folder"
    assert folder.is_dir()
    owner.send_signal(signal.SIGKILL)
    owner.wait(30)
    assert sweep() == [agent.pid]
    assert agent.wait(30) == -(signal.SIGKILL if hearing == "deaf" else signal.SIGTERM)
    assert not folder.exists()
    assert (other.poll(), reader.poll()) == (None, None)


def test_a_session_leaves_nothing_and_its_folder_is_the_owners_alone(start: Start, tmp_path: Path) -> None:
    with ray_folder() as given:
        Path(given).chmod(0o777)  # as Ray does
        folder = Path(given).parent
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / OWNER).is_file()
        with ray_folder() as second:
            assert second != given
            assert Path(given).is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_no_session_made_is_left(start: Start, tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}mine").mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path / f"{PREFIX}mine")
    assert sweep() == []
    assert len(list(tmp_path.iterdir())) == 2
