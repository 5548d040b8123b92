"""Of an archive only the wanted images are kept, under no name of its own; damage is told from absence."""

import tarfile
from pathlib import Path

import pytest

from bimedix2.records.images import ImageStore
from bimedix2.sources.download.archive import take
from bimedix2.sources.download.links import Archive
from bimedix2.sources.removed import Unfit

from .server import archive, jpeg

LIMIT = 1 << 24


def taken(tmp_path: Path, data: bytes, members: dict[str, str], **limits: int) -> tuple[dict, dict]:  # type: ignore[type-arg]
    file = tmp_path / "part"
    file.write_bytes(data)
    wanted = Archive("http://x/a.tar.gz", "http://x/a.tar.gz", members)
    took = take(
        file, wanted, ImageStore(tmp_path / "images"), limits.get("image", LIMIT), limits.get("all", LIMIT)
    )
    return took["images"], {name: reason for name, (reason, _) in took["missing"].items()}


def stored(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "images").rglob("*") if path.is_file()]


def test_only_the_wanted_members_are_kept(tmp_path: Path) -> None:
    data = archive({"PMC1/a.jpg": jpeg(0), "PMC1/b.jpg": jpeg(50), "PMC1/text.nxml": b"<article/>"})
    images, missing = taken(tmp_path, data, {"1_F1.jpg": "PMC1/a.jpg", "1_F2.jpg": "PMC1/none.jpg"})
    assert missing == {"1_F2.jpg": "member-missing"}
    (sha256, member) = images["1_F1.jpg"]
    assert member == "PMC1/a.jpg"
    assert [path.name for path in stored(tmp_path)] == [sha256]
    assert stored(tmp_path)[0].read_bytes() == jpeg(0)


def test_one_member_may_have_two_names_and_one_picture_two_members(tmp_path: Path) -> None:
    data = archive({"./PMC1/a.jpg": jpeg(0), "PMC1/b.jpg": jpeg(0)})
    images, _ = taken(tmp_path, data, {"x.jpg": "PMC1/a.jpg", "y.jpg": "PMC1/a.jpg", "z.jpg": "PMC1/b.jpg"})
    assert len({sha256 for sha256, _ in images.values()}) == len(stored(tmp_path)) == 1
    assert set(images) == {"x.jpg", "y.jpg", "z.jpg"}


def test_members_that_lead_outside_are_no_images(tmp_path: Path) -> None:
    outside = tmp_path / "evil.jpg"
    data = archive({"../evil.jpg": jpeg(0), str(outside): jpeg(8), "PMC1/../../evil.jpg": jpeg(16)})
    images, missing = taken(tmp_path, data, {"x.jpg": "PMC1/evil.jpg"})
    assert (images, missing) == ({}, {"x.jpg": "member-missing"})
    assert not outside.exists()
    assert stored(tmp_path) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_a_link_or_a_folder_is_no_image(tmp_path: Path, kind: bytes) -> None:
    link = tarfile.TarInfo("PMC1/a.jpg")
    link.type, link.linkname = kind, "/etc/passwd"
    images, missing = taken(tmp_path, archive({"PMC1/a.jpg": link}), {"x.jpg": "PMC1/a.jpg"})
    assert (images, missing) == ({}, {"x.jpg": "member-no-file"})


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    data = archive({"PMC1/a.jpg": b"<html>not found</html>", "PMC1/b.jpg": b"", "PMC1/c.jpg": jpeg(0)[:200]})
    _, missing = taken(tmp_path, data, {n: f"PMC1/{n}" for n in ("a.jpg", "b.jpg", "c.jpg")})
    assert missing == {"a.jpg": "unreadable-image", "b.jpg": "empty-image", "c.jpg": "unreadable-image"}


def test_limits_of_an_image_and_of_all(tmp_path: Path) -> None:
    data = archive({"PMC1/a.jpg": jpeg(0, 300), "PMC1/zeros": bytes(3_000_000)})
    _, missing = taken(tmp_path, data, {"a.jpg": "PMC1/a.jpg"}, image=500)
    assert missing == {"a.jpg": "image-too-large"}
    with pytest.raises(Unfit, match="unpacks to more") as caught:
        taken(tmp_path, data, {"a.jpg": "PMC1/a.jpg"}, all=1_000_000)
    assert caught.value.reason == "archive-too-large"


GOOD = archive({"PMC1/a.jpg": jpeg(0), "PMC1/b.bin": bytes(range(256)) * 40}, padding=20_000)


@pytest.mark.parametrize(
    "data",
    [GOOD[:-9], GOOD[: len(GOOD) // 2], GOOD[:-6] + b"\0" + GOOD[-5:], b"<html>busy</html>", b"",
     GOOD[:9000] + b"X" + GOOD[9001:]],
)  # fmt: skip
def test_damage_anywhere_is_found_by_the_checksum(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Unfit, match="cannot be unpacked") as caught:
        taken(tmp_path, data, {"a.jpg": "PMC1/a.jpg"})
    assert caught.value.reason == "archive-damaged"
