"""The list of images to fetch, one archive at a time.

Layout, read from LLaVA-Med's ``llava/data/download_images.py`` (github.com/microsoft/LLaVA-Med, commit
01711394), which reads ``llava_med_image_urls.jsonl``: JSON Lines of ``pair_id`` (the image's name without
``.jpg``), ``pmc_tar_url`` (a ``.tar.gz`` of one article, https://ftp.ncbi.nlm.nih.gov/pub/pmc/oa_package/...)
and ``image_file_path`` (the member, ``PMC6149739/name.jpg``). The list itself was not at hand.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import httpx

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.sources.removed import BROKEN
from bimedix2.sources.rows import Row, items_or_lines

FIELDS = ("pair_id", "pmc_tar_url", "image_file_path")
WANTED = "wanted line "
"""Start of the name of a broken row of ``wanted``."""


@dataclass(frozen=True)
class Archive:
    """One archive and what is wanted of it.

    Attributes:
        url: as published.
        address: where it is fetched, after ``mirrors``.
        members: image name -> member of the archive.
    """

    url: str
    address: str
    members: dict[str, str]


@dataclass(frozen=True)
class Links:
    """What a list asks for.

    Attributes:
        archives: in the order of their first row.
        removed: (name, reason, what) of rows that ask for nothing.
        rows: that the list has, wanted or not, and those of ``wanted`` that are broken.
        not_linked: names of images that ``wanted`` names and the list does not.
        lost: of ``removed`` the rows that want an image and cannot be asked for it: no address, or no layout.
    """

    archives: list[Archive]
    removed: list[tuple[str, str, str]]
    rows: int
    not_linked: list[str]
    lost: list[tuple[str, str, str]]


def read_links(file: Path, wanted: Path | None, mirrors: Mapping[str, str]) -> Links:
    """Read the list, grouped by archive.

    Raises:
        DataError: the first row does not have the layout, or nothing is left to fetch.
    """
    archives: dict[str, Archive] = {}
    removed: list[tuple[str, str, str]] = []
    names = None if wanted is None else _wanted(wanted, removed)
    rows = len(removed)
    seen: dict[str, tuple[str, str]] = {}
    first = True
    for number, value in io.read_lines(file):
        rows += 1
        where = f"{file} line {number}"
        try:
            name, url, member = _row(value, where)
        except DataError as error:
            if first:
                raise
            removed.append((f"line {number}", BROKEN, str(error)))
            continue
        finally:
            first = False
        if names is not None and name not in names:
            removed.append((name, "not-wanted", f"{wanted} does not name it"))
        elif name in seen:
            same = seen[name] == (url, member)
            reason, what = ("duplicate-row", "the same") if same else ("duplicate-id", "another image")
            removed.append((f"{name} (line {number})", reason, f"an earlier row has {what}"))
        else:
            seen[name] = (url, member)
            address = _address(url, mirrors)
            if address is None:
                removed.append((name, "address-refused", f"{url:.200} is no http address; see 'mirrors'"))
            else:
                archives.setdefault(url, Archive(url, address, {})).members[name] = member
    if not archives:
        raise DataError(f"{file} leaves no image to fetch; check it, and 'wanted' and 'mirrors'")
    # With 'wanted' a broken row of the list is counted by the name that it does not link.
    counted = ("address-refused",) if names is not None else ("address-refused", BROKEN)
    lost = [one for one in removed if one[1] in counted or one[0].startswith(WANTED)]
    not_linked = sorted(names - seen.keys()) if names else []
    return Links(list(archives.values()), removed, rows, not_linked, lost)


def _wanted(file: Path, removed: list[tuple[str, str, str]]) -> set[str]:
    """The names of the images that a file's rows show; rows that do not say are put with what is removed."""
    names: set[str] = set()
    for number, row in enumerate(items_or_lines(file), 1):
        images = row.value.get("image") if isinstance(row, Row) else None
        shown = [images] if isinstance(images, str) else images or []
        if isinstance(row, DataError):
            removed.append((f"{WANTED}{number}", BROKEN, str(row)))
        elif isinstance(shown, list) and all(isinstance(one, str) for one in shown):
            names.update(shown)
        else:
            what = f"{row.where}: 'image' is {images!r:.60}, neither a name nor a list of names"
            removed.append((f"{WANTED}{number}", BROKEN, what))
    return names


def _row(value: Any, where: str) -> tuple[str, str, str]:
    if isinstance(value, DataError):
        raise value
    if not isinstance(value, dict):
        raise DataError(f"{where} is not an object with fields; fetch the list again")
    for field in FIELDS:
        if not isinstance(value.get(field), str) or not value[field].strip():
            raise DataError(
                f"{where} has no '{field}'; give LLaVA-Med's llava_med_image_urls.jsonl as published"
            )
    name, url, member = (value[field].strip() for field in FIELDS)
    if PurePosixPath(name).name != name or name in (".", ".."):
        raise DataError(f"{where}: 'pair_id' is no plain name ({json.dumps(name):.80}); correct that row")
    if member_key(member) is None:
        raise DataError(
            f"{where}: 'image_file_path' leaves its archive ({json.dumps(member):.80}); correct that row"
        )
    return f"{name}.jpg", url, member


def member_key(name: str) -> str | None:
    """A member's path in one spelling (``./PMC1/a.jpg`` is ``PMC1/a.jpg``); none if it leads outside."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or "\\" in name or "\0" in name or ".." in parts or not parts:
        return None
    return "/".join(parts)


def _address(url: str, mirrors: Mapping[str, str]) -> str | None:
    """Where to fetch a published address: the longest start that has a mirror is replaced."""
    start = max((start for start in mirrors if url.startswith(start)), key=len, default=None)
    address = url if start is None else mirrors[start] + url[len(start) :]
    try:
        parsed = httpx.URL(address)
    except httpx.InvalidURL:
        return None
    return address if parsed.scheme in ("http", "https") and parsed.host else None
