"""Pictures are kept by content while there is room."""

from typing import Any

import pytest
import torch

from bimedix2.engine import pictures
from bimedix2.engine.pictures import Pictures
from bimedix2.errors import DataError
from bimedix2.io import sha256_bytes


def test_the_oldest_leaves_when_room_is_short(asker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "ROOM", 2 * 4 * 64 * 4)  # two of the tiny model's: 4 tokens of 64 floats
    kept = Pictures(asker.loaded.model, asker.loaded.processor)
    files = {sha256_bytes(data): data for data in asker.pictures.values()}
    red, blue, black, _ = files
    with torch.inference_mode():
        first = kept.see(red, files)
        kept.see(blue, files)
        assert kept.see(red, {}) is first  # used again: now blue is the oldest
        kept.see(black, files)
        assert kept.see(red, {}) is first
        with pytest.raises(DataError, match="does not bring it"):
            kept.see(blue, {})


def test_one_picture_is_kept_even_if_it_is_too_large(asker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "ROOM", 1)
    kept = Pictures(asker.loaded.model, asker.loaded.processor)
    files = {sha256_bytes(data): data for data in asker.pictures.values()}
    key = next(iter(files))
    with torch.inference_mode():
        assert kept.see(key, files) is kept.see(key, {})
