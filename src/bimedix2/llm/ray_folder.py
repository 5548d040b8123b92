"""The folder of one Ray session, and what is left of sessions whose process was killed.

Ray puts its logs, sockets and what has no room in memory into a folder. Its engines end with the process that
started them, whatever ends it; two idle agents may stay for a minute or more after a SIGKILL, and the folder
stays for good. So the folder is held by a lock that the kernel lets go with its process, and the next session
ends what still works in a folder that nobody holds, each process by its own id, and deletes it. Only the same
user's; nothing that another Ray or another folder started is looked at. Linux alone has ``/proc``; elsewhere
nothing is ended.
"""

import fcntl
import os
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "bimedix2-ray-"
OWNER = ".owner"
"""The file whose lock the session's process holds."""
RAYS = ("ray", "gcs_server", "python")
"""How the programs of a session's processes begin; one that merely reads a log is not ended."""
GRACE_S = 5.0
"""Seconds for a process to end by itself when it is asked to."""


@contextmanager
def ray_folder() -> Iterator[str]:
    """A folder for one session; afterwards it is gone, as are those of killed ones.

    It stands in a folder that its owner alone can enter, since Ray opens its own to everybody (mode 777).
    """
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    lock = os.open(folder / f"{OWNER}.new", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (folder / f"{OWNER}.new").rename(folder / OWNER)  # held before anybody can find it
        inner = folder / "r"  # sockets below it must not have long paths
        inner.mkdir(mode=0o700)
        yield str(inner)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep() -> list[int]:
    """End what is left of this user's killed sessions and delete their folders; return the ended ids."""
    ended: list[int] = []
    for folder in sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*")):
        with suppress(OSError):  # another sweep was faster, or it is not ours
            about = folder.lstat()
            if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
                continue
            lock = os.open(folder / OWNER, os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                ended += end_all(folder)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)
    return ended


def end_all(folder: Path) -> list[int]:
    """Ask the processes of Ray that work in a folder to end, and end those that do not; return their ids."""
    left = {pid: since for pid in _workers(folder) if (since := _since(pid))}
    found = list(left)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        until = time.monotonic() + GRACE_S
        while left and time.monotonic() < until:
            time.sleep(0.05)
            left = {pid: since for pid, since in left.items() if _since(pid) == since}
    return found


def _workers(folder: Path) -> list[int]:
    """Ids of this user's processes of Ray that have a file below the folder open, as all of a session do."""
    inside = f"{folder.resolve()}{os.sep}"
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile, or is somebody else's
            if process.stat().st_uid != os.getuid() or int(process.name) == os.getpid():
                continue
            program = (process / "cmdline").read_bytes().split(b"\0")[0].decode("utf-8", "replace")
            if not Path(program).name.startswith(RAYS):
                continue
            if any(_target(file).startswith(inside) for file in (process / "fd").iterdir()):
                found.append(int(process.name))
    return found


def _target(file: Path) -> str:
    try:
        return str(file.readlink())
    except OSError:
        return ""


def _since(pid: int) -> str:
    """When a process began, in the kernel's ticks, so that another one of the same id is not taken for it;
    empty if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
