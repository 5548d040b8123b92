"""Copies of pictures: small, without metadata, one each, and what is not at hand is named."""

import base64
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bimedix2.evaluate.sheets.pictures import Pictures
from bimedix2.records.images import ImageStore

from .conftest import png


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "store")


def test_a_copy_is_small_and_made_once(store: ImageStore, tmp_path: Path) -> None:
    key = store.add(png(3))
    pictures = Pictures(tmp_path / "page", [tmp_path / "none", store.root], pixels=100)
    address = pictures.address(key)
    assert address == pictures.address(key)
    assert address is not None
    with Image.open(tmp_path / "page" / address) as copy:
        assert max(copy.size) == 100
        assert copy.mode == "RGB"
    assert pictures.copied == 1


def test_no_metadata_reaches_the_page(store: ImageStore, tmp_path: Path) -> None:
    buffer = BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "PATIENT NAME"
    Image.open(BytesIO(png(1))).convert("RGB").save(buffer, "JPEG", exif=exif, comment=b"PATIENT NAME")
    key = store.add(buffer.getvalue())
    address = Pictures(tmp_path / "page", [store.root]).address(key)
    assert address is not None
    assert b"PATIENT" not in (tmp_path / "page" / address).read_bytes()


def test_a_page_that_carries_its_pictures_writes_no_file(store: ImageStore, tmp_path: Path) -> None:
    address = Pictures(tmp_path / "page", [store.root], embed=True).address(store.add(png(1)))
    assert address is not None
    assert address.startswith("data:image/jpeg;base64,")
    with Image.open(BytesIO(base64.b64decode(address.split(",")[1]))) as copy:
        assert copy.format == "JPEG"
    assert not (tmp_path / "page").exists()


def test_what_cannot_be_had_is_named_with_its_reason(store: ImageStore, tmp_path: Path) -> None:
    broken = store.add(b"no picture")
    pictures = Pictures(tmp_path / "page", [store.root])
    assert pictures.address(broken) is None
    assert pictures.address("0" * 64) is None
    assert set(pictures.missing) == {broken, "0" * 64}
    assert "is not in" in pictures.missing["0" * 64]
    changed = store.add(png(2))
    store.path(changed).write_bytes(png(3))
    assert pictures.address(changed) is None
    assert "was changed on disk" in pictures.missing[changed]
    assert pictures.copied == 0


def test_pictures_by_name_come_from_their_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.png").write_bytes(png(1))
    (tmp_path / "secret.png").write_bytes(png(2))
    pictures = Pictures(tmp_path / "page", files=tmp_path / "files")
    assert pictures.address("a.png") is not None
    assert pictures.address("../secret.png") is None
    assert pictures.address("b.png") is None
