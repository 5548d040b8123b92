"""Images out of published archives: fetched one archive at a time, the members that are needed kept.

A run writes ``images/`` (by content), ``names.jsonl`` (the name that a dataset's rows use -> the image),
``archives.jsonl`` (what was fetched) and ``removed/removed.jsonl`` (images that could not be had, and why).
What is finished stands in a journal beside them, so that a killed run asks for no finished archive again.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import httpx
from pydantic import Field
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import RunError
from bimedix2.manifest import RunFolder
from bimedix2.records.images import ImageStore
from bimedix2.records.store import write_removed
from bimedix2.sources.download.archive import take
from bimedix2.sources.download.fetch import Pace, fetch
from bimedix2.sources.download.journal import Journal
from bimedix2.sources.download.links import Archive, Links, read_links
from bimedix2.sources.pictures import NAMES
from bimedix2.sources.removed import Unfit


class Pacing(Settings):
    """How the servers are treated. It changes no result, so a stopped run may go on with another."""

    at_once: int = Field(default=1, ge=1, le=16)
    """Archives in flight."""
    per_second: float = Field(default=3, gt=0)
    """Requests begun a second, at most."""
    attempts: int = Field(default=6, ge=1)
    """Requests for one archive that bring nothing new, before it is given up for this run."""
    timeout_s: float = Field(default=60, gt=0)
    """Seconds without a byte, after which a connection is closed and asked again."""
    pause_s: float = Field(default=1, ge=0)
    """Seconds before the second request for an archive, doubled for each one after; a server's
    ``Retry-After`` wins."""
    longest_pause_s: float = Field(default=300, ge=0)


class DownloadConfig(Settings):
    """Which images, from where."""

    links: Path
    """JSON Lines in the layout of LLaVA-Med's ``llava_med_image_urls.jsonl``."""
    wanted: Path | None = None
    """A file of rows with an ``image`` (LLaVA's JSON or lines); only images that it names are fetched."""
    mirrors: dict[str, str] = {}
    """Start of a published address -> what stands in its place."""
    minimum: float = Field(default=0.95, ge=0, le=1)
    """Share of the images without which nothing is published."""
    archive_mb: int = Field(default=2000, ge=1)
    """A larger archive is not fetched."""
    unpacked_mb: int = Field(default=8000, ge=1)
    """An archive that unpacks to more is read no further."""
    image_mb: int = Field(default=100, ge=1)
    """A larger image is not kept."""
    dry_run: bool = False
    """Write what would be fetched to ``OUTPUT.plan.json``, and fetch nothing."""
    pacing: Pacing = Field(default_factory=Pacing)


RESUMABLE = {"minimum": True, "mirrors": True, "dry_run": True, "pacing": True}
"""Keys that may differ when a stopped run goes on: they decide no image."""


def run(config: DownloadConfig, output: Path, client: httpx.Client | None = None) -> Path:
    """Fetch into one finished folder; the plan's file for a dry run.

    Raises:
        RunError: fewer images than ``minimum`` could be had; what was fetched is kept for the next run.
    """
    links = read_links(config.links, config.wanted, config.mirrors)
    if config.dry_run:
        return _plan(links, output)
    recipe = {"download": config.model_dump(mode="json", exclude=RESUMABLE), "output": str(output)}
    inputs = {"links": config.links} | ({"wanted": config.wanted} if config.wanted else {})
    with RunFolder(output, "sources", recipe, inputs) as out:
        store = ImageStore(out.path / "images")
        with Journal(out.path / ".journal.jsonl", store) as journal:
            todo = [archive for archive in links.archives if not journal.has(archive)]
            _fetch_all(todo, config, store, journal, len(links.archives), client or _client(config.pacing))
            found, missing = journal.sort(links)
        missing += [(name, "not-linked", f"{config.links} has no row of it") for name in links.not_linked]
        return _publish(out, config, links, found, missing, journal)


def _client(pacing: Pacing) -> httpx.Client:
    return httpx.Client(
        timeout=pacing.timeout_s,
        follow_redirects=True,
        # What is asked for are the bytes of the file, not a compressed copy of them.
        headers={"Accept-Encoding": "identity", "User-Agent": "bimedix2 (image download)"},
    )


def _plan(links: Links, output: Path) -> Path:
    hosts = Counter(httpx.URL(archive.address).host for archive in links.archives)
    images = sum(len(archive.members) for archive in links.archives)
    plan = {
        "rows": links.rows,
        "images": images,
        "archives": len(links.archives),
        "hosts": dict(hosts.most_common()),
        "left_out": dict(Counter(reason for _, reason, _ in links.removed)),
        "not_linked": len(links.not_linked),
    }
    target = output.with_name(f"{output.name}.plan.json")
    io.write_json(target, plan)
    Console(stderr=True).print(f"{images} images in {len(links.archives)} archives, nothing fetched")
    return target


def _fetch_all(
    todo: list[Archive],
    config: DownloadConfig,
    store: ImageStore,
    journal: Journal,
    total: int,
    client: httpx.Client,
) -> None:
    """Fetch what is not in the journal, ``at_once`` archives in flight, and write each into it when done."""
    pace = Pace(config.pacing.per_second, config.pacing.longest_pause_s)
    parts = journal.path.parent / ".parts"
    parts.mkdir(exist_ok=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("archives, {task.fields[images]} images, {task.fields[failed]} failed"),
        TimeElapsedColumn(),
    )
    with (
        client,
        Progress(*columns, transient=True) as progress,
        ThreadPoolExecutor(config.pacing.at_once) as pool,
    ):
        shown = progress.add_task("download", total=total, completed=total - len(todo), images=0, failed=0)
        tally: Counter[str] = Counter()
        waiting = iter(todo)
        running: dict[Future[dict[str, Any]], Archive] = {}

        def submit(archive: Archive) -> Future[dict[str, Any]]:
            return pool.submit(_one, archive, config, store, client, pace, parts)

        try:
            while _fill(running, waiting, config.pacing.at_once, submit):
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    _note(journal, running.pop(future), future.result(), tally, progress, shown)
        except BaseException:
            pace.stop()
            client.close()  # ends what is being read in the other threads
            raise


def _fill(
    running: dict[Future[dict[str, Any]], Archive],
    waiting: Iterator[Archive],
    at_once: int,
    submit: Callable[[Archive], Future[dict[str, Any]]],
) -> bool:
    """Keep the pool busy without queueing everything; tell whether anything is in flight."""
    while len(running) < at_once and (archive := next(waiting, None)) is not None:
        running[submit(archive)] = archive
    return bool(running)


def _note(
    journal: Journal,
    archive: Archive,
    line: dict[str, Any],
    tally: Counter[str],
    progress: Progress,
    shown: TaskID,
) -> None:
    journal.add(archive, line)
    tally["images"] += len(line.get("images", {}))
    tally["failed"] += "failed" in line
    progress.update(shown, advance=1, images=tally["images"], failed=tally["failed"])


def _one(
    archive: Archive,
    config: DownloadConfig,
    store: ImageStore,
    client: httpx.Client,
    pace: Pace,
    parts: Path,
) -> dict[str, Any]:
    """Fetch one archive and keep its images: the journal's line of it.

    An archive that arrived whole and cannot be unpacked is fetched once more: its bytes may have been damaged
    on the way.
    """
    part = parts / io.sha256_bytes(archive.address.encode())[:32]
    began = time.monotonic()
    for last in (False, True):
        try:
            size = fetch(client, archive.address, part, config.pacing, pace, config.archive_mb << 20)
            took = take(part, archive, store, config.image_mb << 20, config.unpacked_mb << 20)
        except Unfit as unfit:
            if unfit.reason == "archive-damaged":
                part.unlink(missing_ok=True)
                if not last:
                    continue
            return {"failed": unfit.reason, "what": str(unfit)}
        digest = io.sha256_file(part)
        part.unlink()
        part.with_suffix(".json").unlink(missing_ok=True)
        seconds = round(time.monotonic() - began, 3)
        return {"sha256": digest, "bytes": size, "seconds": seconds, **took}
    raise AssertionError("the second round returns")


def _publish(
    out: RunFolder,
    config: DownloadConfig,
    links: Links,
    found: list[dict[str, str]],
    missing: list[tuple[str, str, str]],
    journal: Journal,
) -> Path:
    absent = [*missing, *links.lost]
    wanted = len(found) + len(absent)
    share = len(found) / wanted if wanted else 0.0
    report = out.target.with_name(f"{out.target.name}.missing.jsonl")
    if share < config.minimum:
        io.write_jsonl(report, ({"name": n, "reason": r, "what": w} for n, r, w in absent))
        reasons = ", ".join(f"{n} {reason}" for reason, n in Counter(r for _, r, _ in absent).most_common())
        raise RunError(
            f"{len(found)} of {wanted} images ({share:.1%}) could be had, under download.minimum "
            f"{config.minimum:.1%}: {reasons} ({report}); run it again to ask for them, or lower it"
        )
    report.unlink(missing_ok=True)
    _sweep(out.path / "images", {row["sha256"] for row in found})
    io.write_jsonl(out.path / NAMES, found)
    io.write_jsonl(out.path / "archives.jsonl", journal.archives(links))
    removed = write_removed(out.path, [*links.removed, *missing])
    journal.path.unlink()
    left = out.path / ".parts"
    for part in left.iterdir():
        part.unlink()
    left.rmdir()
    counts = {"in": links.rows + len(links.not_linked), "kept": len(found), "removed": removed}
    stored = len({row["sha256"] for row in found})
    chosen = config.model_dump(mode="json", include=set(RESUMABLE))
    about = {"coverage": round(share, 6), "stored": stored, **chosen}
    return out.publish(counts, {"download": about})


def _sweep(images: Path, kept: set[str]) -> None:
    """Delete what a run that was killed, or an archive that failed, had put into the store."""
    for path in images.glob("*/*"):
        if path.name not in kept:
            path.unlink()
