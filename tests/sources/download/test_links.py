"""The list is grouped by archive; rows that ask for nothing usable are named."""

from pathlib import Path
from typing import Any

import pytest

from bimedix2.errors import DataError
from bimedix2.sources.download.links import member_key, read_links

from .conftest import as_json, as_lines

BASE = "https://ftp.ncbi.nlm.nih.gov/pub/pmc/oa_package/00/01"


def row(name: str, article: str = "PMC1", **changes: Any) -> dict[str, Any]:
    """A row of the list, as ``download_images.py`` reads it; names are invented."""
    return {
        "pair_id": name,
        "pmc_tar_url": f"{BASE}/{article}.tar.gz",
        "image_file_path": f"{article}/{name}.jpg",
        **changes,
    }


def test_rows_of_one_article_are_one_archive(tmp_path: Path) -> None:
    file = as_lines(tmp_path / "l.jsonl", [row("1_F1"), row("2_F1", "PMC2"), row("1_F2")])
    links = read_links(file, None, {})
    assert [(archive.url, list(archive.members)) for archive in links.archives] == [
        (f"{BASE}/PMC1.tar.gz", ["1_F1.jpg", "1_F2.jpg"]),
        (f"{BASE}/PMC2.tar.gz", ["2_F1.jpg"]),
    ]
    assert (links.rows, links.removed, links.not_linked) == (3, [], [])


def test_only_what_a_file_of_rows_names_is_fetched(tmp_path: Path) -> None:
    file = as_lines(tmp_path / "l.jsonl", [row("1_F1"), row("1_F2")])
    wanted = as_json(
        tmp_path / "w.json", [{"id": "1_F2", "image": "1_F2.jpg"}, {"id": "9", "image": "9_F1.jpg"}]
    )
    links = read_links(file, wanted, {})
    assert list(links.archives[0].members) == ["1_F2.jpg"]
    assert links.not_linked == ["9_F1.jpg"]
    assert [(name, reason) for name, reason, _ in links.removed] == [("1_F1.jpg", "not-wanted")]


def test_a_broken_row_of_what_is_wanted_is_counted(tmp_path: Path) -> None:
    """Else its image would be left out as one that nobody wants."""
    file = as_lines(tmp_path / "l.jsonl", [row("1_F1"), row("1_F2")])
    wanted = tmp_path / "w.jsonl"
    wanted.write_text('{"image": "1_F1.jpg"}\n{"image": "1_F2.jpg"\n{"image": 7}\n{"text": "no image"}\n')
    links = read_links(file, wanted, {})
    broken = [(name, what) for name, reason, what in links.removed if reason == "broken-row"]
    assert [name for name, _ in broken] == ["wanted line 2", "wanted line 3"]
    assert links.rows == 4
    assert [name for name, _, _ in links.lost] == ["wanted line 2", "wanted line 3"]


def test_a_mirror_stands_in_the_place_of_the_longest_start(tmp_path: Path) -> None:
    file = as_lines(tmp_path / "l.jsonl", [row("1_F1")])
    host = "https://ftp.ncbi.nlm.nih.gov"
    mirrors = {f"{host}/": "http://no/", f"{host}/pub/pmc/": "http://here/"}
    (archive,) = read_links(file, None, mirrors).archives
    assert archive.address == "http://here/oa_package/00/01/PMC1.tar.gz"
    assert archive.url == f"{BASE}/PMC1.tar.gz"


def test_rows_that_ask_for_nothing_are_named(tmp_path: Path) -> None:
    rows = [
        *(row("1_F1"), row("1_F1"), row("1_F1", "PMC9")),
        row("2", pmc_tar_url="ftp://x/a.tar.gz"),
        *({}, [], row("../up")),
        *(row(path, image_file_path=path) for path in ("../../etc/passwd", "/etc/passwd")),
    ]
    links = read_links(as_lines(tmp_path / "l.jsonl", rows), None, {})
    assert [reason for _, reason, _ in links.removed] == [
        "duplicate-row",
        "duplicate-id",
        "address-refused",
        *["broken-row"] * 5,
    ]
    assert len(links.archives) == 1


def test_a_file_that_is_another_one_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 1 has no 'pmc_tar_url'; give LLaVA-Med's"):
        read_links(as_lines(tmp_path / "l.jsonl", [{"pair_id": "1"}]), None, {})
    file = as_lines(tmp_path / "m.jsonl", [row("1", pmc_tar_url="ftp://x/a")])
    with pytest.raises(DataError, match="leaves no image to fetch"):
        read_links(file, None, {})
    with pytest.raises(DataError, match="does not exist"):
        read_links(tmp_path / "none.jsonl", None, {})


@pytest.mark.parametrize(
    ("name", "key"),
    [("PMC1/a.jpg", "PMC1/a.jpg"), ("./PMC1//a.jpg", "PMC1/a.jpg"), ("/a", None), ("../a", None),
     ("a/../b", None), ("a\\b", None), ("", None), ("a\0b", None), (".", None)],
)  # fmt: skip
def test_a_members_path_has_one_spelling_or_none(name: str, key: str | None) -> None:
    assert member_key(name) == key
