"""Pictures that are not medical: drawn the same every time, or found in packages."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bimedix2.records.images import ImageStore
from bimedix2.sources import everyday, unreadable


def pixels(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize("number", range(12))
def test_blank_is_nearly_flat_and_noise_is_not(number: int) -> None:
    blank, noise = (pixels(unreadable.draw(kind, number, 1)).astype(float) for kind in ("blank", "noise"))
    assert blank.std(axis=(0, 1)).max() < 13
    assert noise.std(axis=(0, 1)).max() > 20


def test_the_seed_decides_the_picture() -> None:
    assert unreadable.draw("noise", 3, 7) == unreadable.draw("noise", 3, 7)
    assert unreadable.draw("noise", 3, 7) != unreadable.draw("noise", 3, 8)


def test_records_name_their_kind_and_hold_readable_images(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    rows = list(unreadable.read(store, 4, 0))
    assert [r.meta["kind"] for r in rows] == ["blank"] * 4 + ["noise"] * 4
    assert all(pixels(store.read(r.images[0].image)).ndim == 3 for r in rows)


def test_everyday_pictures_come_from_packages_without_the_medical_ones(tmp_path: Path) -> None:
    pytest.importorskip("skimage", reason="pip install 'bimedix2[photos]'")
    names = [r.provenance.source_id for r in everyday.read(ImageStore(tmp_path))]
    assert len(names) >= 20
    assert "skimage/chelsea.png" in names
    assert not any("retina" in n or "microaneurysms" in n or "ihc" in n for n in names)
