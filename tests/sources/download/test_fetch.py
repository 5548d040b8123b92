"""A file arrives whole whatever the server does, or the reason why not is named; no byte comes twice."""

import time
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest

from bimedix2.sources.download.fetch import Pace, fetch
from bimedix2.sources.removed import Unfit

from .server import Behaviour, Server

DATA = bytes(range(256)) * 800
LIMIT = 1 << 20


@dataclass
class Often:
    attempts: int = 4
    pause_s: float = 0.01


def bring(
    server: Server, part: Path, *, path: str = "/a.tar.gz", limit: int = LIMIT, attempts: int = 4
) -> int:
    with httpx.Client(timeout=0.4, follow_redirects=True) as client:
        return fetch(client, server.url(path), part, Often(attempts), Pace(1000, 2), limit)


@pytest.fixture
def part(tmp_path: Path, server: Server) -> Path:
    server.files["/a.tar.gz"] = DATA
    return tmp_path / "part"


def test_a_file_arrives_in_one_request(server: Server, part: Path) -> None:
    assert bring(server, part) == len(DATA)
    assert part.read_bytes() == DATA
    assert server.asked == [("/a.tar.gz", "", 200)]


def test_a_connection_that_breaks_off_is_continued(server: Server, part: Path) -> None:
    server.next["/a.tar.gz"] = [Behaviour(cut=50_000), Behaviour(cut=70_000)]
    bring(server, part)
    assert part.read_bytes() == DATA
    assert [status for _, status in server.requests("/a.tar.gz")] == [200, 206, 206]
    assert server.requests("/a.tar.gz")[1][0] == "bytes=50000-"
    assert server.sent["/a.tar.gz"] == len(DATA)


def test_a_server_that_stalls_is_left_and_asked_for_the_rest(server: Server, part: Path) -> None:
    server.next["/a.tar.gz"] = [Behaviour(stall=65_536)]
    began = time.monotonic()
    bring(server, part)
    assert part.read_bytes() == DATA
    assert time.monotonic() - began < 5
    assert server.sent["/a.tar.gz"] == len(DATA)


def test_a_server_without_ranges_is_asked_for_the_whole_again(server: Server, part: Path) -> None:
    server.next["/a.tar.gz"] = [Behaviour(cut=50_000), Behaviour(ranges=False)]
    bring(server, part)
    assert part.read_bytes() == DATA
    assert [status for _, status in server.requests("/a.tar.gz")] == [200, 200]


def test_a_file_that_changed_in_between_is_not_glued_to_the_old_part(server: Server, part: Path) -> None:
    server.next["/a.tar.gz"] = [Behaviour(cut=50_000)]
    with pytest.raises(Unfit):
        bring(server, part, attempts=1)
    server.files["/a.tar.gz"] = DATA[::-1]
    bring(server, part)
    assert part.read_bytes() == DATA[::-1]
    assert [status for _, status in server.requests("/a.tar.gz")] == [200, 200]


def test_without_a_name_for_the_version_a_part_is_begun_again(server: Server, part: Path) -> None:
    server.next["/a.tar.gz"] = [Behaviour(cut=50_000, named=False), Behaviour(named=False)]
    bring(server, part)
    assert part.read_bytes() == DATA
    assert [asked for asked, _ in server.requests("/a.tar.gz")] == ["", ""]


def test_what_an_earlier_run_had_whole_is_not_asked_for(server: Server, part: Path) -> None:
    bring(server, part)
    assert bring(server, part) == len(DATA)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server: Server, part: Path, status: int) -> None:
    server.next["/a.tar.gz"] = [Behaviour(status=status), Behaviour(status=status)]
    bring(server, part)
    assert part.read_bytes() == DATA


@pytest.mark.parametrize("date", [False, True])
def test_retry_after_is_obeyed_by_all(server: Server, part: Path, date: bool) -> None:
    after = formatdate(time.time() + 1.6, usegmt=True) if date else "1"
    server.next["/a.tar.gz"] = [Behaviour(status=429, headers={"Retry-After": after})]
    began = time.monotonic()
    bring(server, part)
    assert time.monotonic() - began >= (0.5 if date else 1)  # a date has whole seconds


def test_a_longer_wait_than_the_limit_is_cut(server: Server, part: Path) -> None:
    server.next["/a.tar.gz"] = [Behaviour(status=503, headers={"Retry-After": "86400"})]
    began = time.monotonic()
    bring(server, part)
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    ("status", "reason"), [(404, "archive-missing"), (410, "archive-missing"), (403, "archive-refused")]
)
def test_what_is_not_there_is_asked_for_once(server: Server, part: Path, status: int, reason: str) -> None:
    server.always = Behaviour(status=status)
    with pytest.raises(Unfit, match=f"answers {status}") as caught:
        bring(server, part)
    assert caught.value.reason == reason
    assert len(server.asked) == 1


def test_a_server_that_never_recovers_is_given_up_with_the_count(server: Server, part: Path) -> None:
    server.always = Behaviour(status=503)
    with pytest.raises(Unfit, match=r"answers 503 .* \(4 attempts\)") as caught:
        bring(server, part)
    assert caught.value.reason == "archive-unreachable"
    assert len(server.asked) == 4


def test_attempts_that_bring_new_bytes_do_not_count(server: Server, part: Path) -> None:
    server.next["/a.tar.gz"] = [Behaviour(cut=20_000) for _ in range(8)]
    bring(server, part, attempts=2)
    assert part.read_bytes() == DATA


def test_a_server_that_is_not_there_is_named(tmp_path: Path, server: Server) -> None:
    with httpx.Client(timeout=0.4) as client, pytest.raises(Unfit) as caught:
        fetch(client, "http://127.0.0.1:9/a", tmp_path / "part", Often(2), Pace(1000, 1), LIMIT)
    assert caught.value.reason == "archive-unreachable"


@pytest.mark.parametrize("length", [True, False])
def test_a_file_over_the_limit_is_refused(server: Server, part: Path, length: bool) -> None:
    server.always = Behaviour(length=length)
    with pytest.raises(Unfit) as caught:
        bring(server, part, limit=100_000)
    assert caught.value.reason == "archive-too-large"


def test_a_file_without_a_stated_length_arrives_too(server: Server, part: Path) -> None:
    server.always = Behaviour(length=False)
    assert bring(server, part) == len(DATA)


def test_requests_keep_the_pace() -> None:
    pace = Pace(20, 1)
    began = time.monotonic()
    for _ in range(5):
        pace.wait()
    assert 0.2 <= time.monotonic() - began < 1


def test_a_stopped_run_waits_for_nobody() -> None:
    pace = Pace(20, 100)
    pace.hold(50)
    pace.stop()
    with pytest.raises(Unfit, match="stopped"):
        pace.wait()
