"""One file over HTTP, continued where it broke off. Knows nothing about archives or images.

A part that a killed run or a broken connection left is continued with a range request, and only if the server
confirms by its entity tag or date that the file is the same (RFC 9110, sections 13.1.5 and 14); else the file
is begun again.
"""

import email.utils
import threading
import time
from pathlib import Path
from typing import Protocol

import httpx

from bimedix2 import io
from bimedix2.sources.removed import Unfit

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which the same request may succeed."""
GONE = frozenset({404, 410})


class HowOften(Protocol):
    """The settings that a fetch obeys, in seconds and requests."""

    attempts: int
    pause_s: float


class _Again(Exception):
    """The request may be made again; ``after`` seconds are what the server asked for, if it did."""

    def __init__(self, what: str, after: float | None = None) -> None:
        super().__init__(what)
        self.after = after


class Pace:
    """When requests may begin: at most so many a second, and none while a server asked to wait.

    Args:
        per_second: requests begun a second.
        longest: seconds that are waited at most, whatever a server asks for.
    """

    def __init__(self, per_second: float, longest: float) -> None:
        self._gap = 1 / per_second
        self._longest = longest
        self._next = 0.0
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def wait(self) -> None:
        """Return when a request may begin.

        Raises:
            Unfit: the run is being stopped.
        """
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._gap
        if self._stopped.wait(max(0.0, turn - time.monotonic())):
            raise Unfit("stopped", "the run was stopped")

    def rest(self, seconds: float) -> None:
        """Wait in this thread alone, before its next request."""
        self._stopped.wait(min(seconds, self._longest))

    def hold(self, seconds: float) -> None:
        """Let nobody begin a request for so long: a server asked for it."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + min(seconds, self._longest))

    def stop(self) -> None:
        """End all waiting."""
        self._stopped.set()


def fetch(client: httpx.Client, address: str, part: Path, often: HowOften, pace: Pace, limit: int) -> int:
    """Bring a file to ``part``, continuing what is there; return its bytes.

    Requests that bring new bytes do not count as failed attempts.

    Args:
        client: with its timeouts.
        address: http or https.
        part: the file; what is known of it stands beside it, ``.json``.
        often: how many attempts, and the first pause.
        pace: shared by all threads.
        limit: bytes above which the file is refused.

    Raises:
        Unfit: it is not there, refused, too large, or could not be had in so many attempts.
    """
    failed = 0
    while True:
        before = _size(part)
        pace.wait()
        try:
            return _request(client, address, part, limit)
        except (httpx.InvalidURL, httpx.TooManyRedirects, httpx.UnsupportedProtocol) as error:
            raise Unfit("archive-refused", f"{address}: {error}") from error
        except (_Again, httpx.TransportError) as error:
            failed = 1 if _size(part) > before else failed + 1
            said = str(error) or type(error).__name__
            if failed >= often.attempts:
                raise Unfit("archive-unreachable", f"{address}: {said} ({failed} attempts)") from error
            if isinstance(error, _Again) and error.after is not None:
                pace.hold(error.after)
            pace.rest(often.pause_s * 2 ** (failed - 1))


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _request(client: httpx.Client, address: str, part: Path, limit: int) -> int:
    """Make one request and write what comes; return the file's size when it is whole."""
    note = part.with_suffix(".json")
    have = _size(part)
    known = io.read_json(note) if have and note.is_file() else {}
    if have and have == known.get("total"):
        return have  # a run that was killed had it whole
    validator = known.get("validator", "")
    headers = {"Range": f"bytes={have}-", "If-Range": validator} if have and validator else {}
    with client.stream("GET", address, headers=headers) as answer:
        if answer.status_code == 416:  # the part is as long as the file, or longer than a new one
            part.unlink(missing_ok=True)
            raise _Again("the server has no such range")
        if answer.status_code not in (200, 206):
            raise _refusal(answer, address)
        start, total = _extent(answer)
        if answer.status_code == 206 and start != have:
            part.unlink(missing_ok=True)
            raise _Again(f"asked for bytes from {have}, got them from {start}")
        if max(total or 0, start) > limit:
            raise Unfit("archive-too-large", f"{address} has {total} bytes, over the limit of {limit}")
        if answer.status_code == 200:
            # Before the first byte: a part must never stand beside the validator of another file.
            part.unlink(missing_ok=True)
            io.write_json(note, {"validator": _validator(answer), "total": total})
        return _write(answer, part, total, limit, address)


def _write(answer: httpx.Response, part: Path, total: int | None, limit: int, address: str) -> int:
    size = _size(part)
    with part.open("ab") as file:
        for piece in answer.iter_raw():
            size += len(piece)
            if size > limit:
                raise Unfit("archive-too-large", f"{address} has over {limit} bytes")
            file.write(piece)
    if total is not None and size != total:
        raise _Again(f"{size} of {total} bytes came")
    return size


def _refusal(answer: httpx.Response, address: str) -> Exception:
    status = answer.status_code
    said = f"{address} answers {status} {answer.reason_phrase}".strip()
    if status in AGAIN:
        return _Again(said, _retry_after(answer))
    return Unfit("archive-missing" if status in GONE else "archive-refused", said)


def _validator(answer: httpx.Response) -> str:
    """What names this version of the file for ``If-Range``: a strong entity tag, or else its date."""
    tag = answer.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):
        return str(tag)
    return str(answer.headers.get("Last-Modified", ""))


def _extent(answer: httpx.Response) -> tuple[int, int | None]:
    """First byte of what comes, and the bytes of the whole file where the server says."""
    if answer.status_code == 206:
        unit, _, rest = answer.headers.get("Content-Range", "").partition(" ")
        span, _, total = rest.partition("/")
        start = span.partition("-")[0]
        if unit != "bytes" or not start.isdigit():
            raise _Again("a part came that does not say which (Content-Range)")
        return int(start), int(total) if total.isdigit() else None
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _retry_after(answer: httpx.Response) -> float | None:
    """Seconds that the server asks to wait: a number of them, or a date (RFC 9110, section 10.2.3)."""
    said = answer.headers.get("Retry-After", "").strip()
    if said.isdigit():
        return float(said)
    try:
        moment = email.utils.parsedate_to_datetime(said)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())
