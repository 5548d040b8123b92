"""Run folders: written beside, stamped with ``manifest.json``, published by one rename, immutable after.

A room opens a ``RunFolder``, writes into ``folder.path`` (a hidden staging folder next to the target, kept
after a kill so that the room can resume in it) and calls ``publish`` once. A folder without a manifest is
half a folder and is never read.
"""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bimedix2 import __version__, io
from bimedix2.errors import DataError, RunError

MANIFEST = "manifest.json"
RECIPE = ".recipe.json"
INPUTS = ".inputs.json"
LOCK = ".lock"


def git_commit() -> str | None:
    """The commit of the checkout that this package runs from, ``None`` for an installed wheel."""
    here = Path(__file__).resolve()
    root = here.parents[2]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def hash_folder(folder: Path) -> dict[str, str]:
    """Relative path -> sha256 of every file below ``folder``, hidden ones left out."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file())
    kept = (p for p in files if not p.name.startswith("."))
    return {p.relative_to(folder).as_posix(): io.sha256_file(p) for p in kept}


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a finished folder.

    Raises:
        RunError: the folder is absent, or has no manifest (half written, or not made by a room).
    """
    if not folder.is_dir():
        raise RunError(f"{folder} is not a folder; run the room that makes it first")
    if not (folder / MANIFEST).is_file():
        raise RunError(f"{folder} has no {MANIFEST}: it is half written or no run folder; run its room again")
    manifest = io.read_json(folder / MANIFEST)
    if not isinstance(manifest, dict) or "files" not in manifest or "room" not in manifest:
        raise RunError(f"{folder / MANIFEST} is not a manifest of a room; run its room again")
    return manifest


def is_finished(folder: Path) -> bool:
    """Whether a room made and finished a folder; a user's own may hold another kind of ``manifest.json``."""
    try:
        read_manifest(folder)
    except (RunError, DataError):
        return False
    return True


def folder_hash(folder: Path) -> str:
    """The identity of a finished folder: the hash of its manifest's file list."""
    return io.sha256_bytes(io.canonical_json(read_manifest(folder)["files"]).encode())


def verify(folder: Path) -> None:
    """Compare every file with the manifest.

    Raises:
        RunError: naming the first file that is missing, added or changed.
    """
    stated, found = read_manifest(folder)["files"], hash_folder(folder)
    del found[MANIFEST]
    for name in sorted(stated.keys() | found.keys()):
        if name not in found:
            raise RunError(f"{folder / name} is in the manifest but missing; run its room again")
        if name not in stated:
            raise RunError(f"{folder / name} is not in the manifest; finished folders are immutable")
        if stated[name] != found[name]:
            raise RunError(f"{folder / name} was changed after the run; run its room again")


class RunFolder:
    """A run folder in the making, held by one process.

    Args:
        target: where the finished folder will stand; must not exist yet.
        room: the room's name, written into the manifest.
        recipe: the resolved recipe (JSON values); a half-written folder of another recipe is refused.
        inputs: name -> folder or file that the run reads; their hashes are recorded, and a half-written
            folder that was begun with another finished folder is refused.
        afresh: the room takes nothing over from a half-written folder. What an error leaves is deleted then,
            and a half of another recipe is no reason to refuse.

    ``resumed`` is true when the staging folder of an earlier, killed run was taken over. An error before the
    room wrote anything leaves no half, so that the recipe can be corrected.

    Raises:
        RunError: ``target`` has no name, stands already, cannot be made, is in use, or is half of another
            run.
    """

    def __init__(
        self,
        target: Path,
        room: str,
        recipe: Mapping[str, Any],
        inputs: Mapping[str, Path] | None = None,
        *,
        afresh: bool = False,
    ) -> None:
        if not target.name:
            raise RunError(f"the output '{target}' has no name of its own; name a new folder, as runs/one")
        self.target = target
        self.room = room
        self.recipe = dict(recipe)
        self.inputs = dict(inputs or {})
        self.afresh = afresh
        self.path = target.with_name(f".{target.name}.partial")
        self.resumed = False
        self._lock: int | None = None
        self._start = time.time()

    def __enter__(self) -> Self:
        try:
            if self.target.exists():
                raise RunError(
                    f"{self.target} exists and finished folders are immutable; choose another output"
                )
            self.resumed = self.path.is_dir() and not self.afresh
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path / LOCK, os.O_CREAT | os.O_RDWR)
        except OSError as error:
            raise RunError(
                f"{self.target} cannot be made ({error.strerror}); check the folder above it, or choose "
                "another output"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._release()
            raise RunError(f"{self.path} is in use by another run; wait for it, or stop it") from None
        if self.afresh:
            self._empty()
        stamp = self.path / RECIPE
        if stamp.is_file() and io.read_json(stamp) != self.recipe:
            self._release()
            raise RunError(
                f"{self.path} is half of a run of another recipe; delete it, or choose another output"
            )
        self._same_inputs()
        io.write_json(stamp, self.recipe)
        return self

    def _same_inputs(self) -> None:
        """Refuse to go on with other finished folders than a run was begun with.

        Raises:
            RunError: naming the input.
        """
        stamp = self.path / INPUTS
        # A user's own folder (its manifest.json is another thing) may be corrected between two runs.
        found = {n: folder_hash(p) for n, p in self.inputs.items() if is_finished(p)}
        begun = io.read_json(stamp) if stamp.is_file() else found
        for name in found:
            if begun.get(name) != found[name]:
                self._release()
                raise RunError(
                    f"{self.path} was begun with another '{name}' than {self.inputs[name]} is; delete it, or "
                    "choose another output"
                )
        io.write_json(stamp, found)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and self.path.is_dir() and (self.afresh or not self._begun()):
            shutil.rmtree(self.path, ignore_errors=True)
        self._release()

    def _begun(self) -> bool:
        """Whether the room wrote anything, now or before a kill."""
        return any(path.name not in (LOCK, RECIPE, INPUTS) for path in self.path.iterdir())

    def _empty(self) -> None:
        """Delete all but the lock that this run holds."""
        for path in self.path.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != LOCK:
                path.unlink()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def publish(self, counts: Mapping[str, Any], extra: Mapping[str, Any] | None = None) -> Path:
        """Stamp the manifest and rename into place; return the finished folder.

        Args:
            counts: ``in``, ``kept`` and ``removed`` by reason, or what the room counts.
            extra: further keys of the manifest.
        """
        files = hash_folder(self.path)
        manifest = {
            "room": self.room,
            "version": __version__,
            "commit": git_commit(),
            "recipe": self.recipe,
            "inputs": {name: _input_hash(path) for name, path in self.inputs.items()},
            "counts": dict(counts),
            "seconds": round(time.time() - self._start, 1),
            **dict(extra or {}),
            "files": files,
        }
        self._flush(files)
        io.write_json(self.path / MANIFEST, manifest)
        (self.path / RECIPE).unlink()
        (self.path / INPUTS).unlink()
        (self.path / LOCK).unlink()
        self.path.rename(self.target)
        io.fsync_dir(self.target.parent)
        return self.target

    def _flush(self, files: Iterable[str]) -> None:
        """Bring the files to the disk, before the manifest says that they are there.

        A hard link to a file of a finished input is passed over: ``publish`` flushed its bytes when that
        folder was finished, files of finished folders do not change, and tens of thousands of images would
        take minutes. Its name is new, though, so the directory that holds the link is flushed. More than one
        link alone proves nothing: an export links images that this very run wrote.
        """
        named: set[Path] = set()
        finished: set[tuple[int, int]] | None = None
        for name in files:
            path = self.path / name
            stat = path.stat()
            if stat.st_nlink > 1:
                finished = _finished(self.inputs.values()) if finished is None else finished
                if (stat.st_dev, stat.st_ino) in finished:
                    named.add(path.parent)
                    continue
            _fsync_file(path)
        for parent in sorted(named):
            io.fsync_dir(parent)


def _input_hash(path: Path) -> str:
    if path.is_file():
        return io.sha256_file(path)
    try:
        return folder_hash(path)
    except RunError:  # a folder of the user's own, not one that a room made
        return io.sha256_bytes(io.canonical_json(hash_folder(path)).encode())


def _finished(inputs: Iterable[Path]) -> set[tuple[int, int]]:
    """Device and inode of every file of the inputs that are finished folders."""
    folders = [path for path in inputs if (path / MANIFEST).is_file()]
    stats = (path.stat() for folder in folders for path in folder.rglob("*") if path.is_file())
    return {(stat.st_dev, stat.st_ino) for stat in stats}


def _fsync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
