"""Kill a run that asks a language model, again and again, and count at the server what that costs.

A server on loopback answers in 10 to 60 ms; of its answers 5 % are errors (HTTP 500, or a closed
connection), 3 % are 429 with Retry-After, and 1 % never come. A process of its own asks it through the cache
and is killed (SIGKILL) at random moments; after the last kill it is left alone. What the server saw is
compared with what the cache file held at each kill:

    python benchmarks/llm_kill.py [requests=1000] [kills=3] [concurrency=16] [seed=N]
"""

import json
import os
import platform
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bimedix2.llm.backend import Reply, Request
from bimedix2.llm.cache import Key, key_of
from bimedix2.llm.connect import open_endpoint
from bimedix2.llm.endpoint import Endpoint
from bimedix2.records import Message

TIMEOUT = 2.0
"""Seconds after which the client calls an answer stalled; the server then sleeps longer."""
WAIT = 300
"""Seconds after which a run that makes no progress counts as hanging."""


def endpoint_at(address: str, concurrency: int) -> Endpoint:
    """The settings of every run: the same identity, so the same keys."""
    return Endpoint(base_url=address, model="m", concurrency=concurrency, timeout=TIMEOUT, backoff=0.05)


def request(number: int) -> Request:
    """The question of that number."""
    return Request((Message.of("user", f"question {number}"),), prompt="kill-1")


@dataclass
class Seen:
    """What the server saw: which run asked what, what it sent in full, and what it did instead."""

    seed: int
    run: int = 0
    arrivals: list[tuple[int, int]] = field(default_factory=list)
    """Run and question, in order."""
    sent: dict[int, list[str]] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def arrive(self, number: int) -> tuple[str, float]:
        """Note a question; return what to do with it and how long the answer takes."""
        with self.lock:
            tries = sum(1 for _, other in self.arrivals if other == number)
            self.arrivals.append((self.run, number))
            rng = random.Random(f"{self.seed}:{number}:{tries}")
            draw, wait = rng.random(), 0.01 + 0.05 * rng.random()
            for kind, below in (("500", 0.025), ("closed", 0.05), ("429", 0.08), ("stall", 0.09)):
                if draw < below:
                    self.faults[kind] += 1
                    return kind, TIMEOUT * 1.5 if kind == "stall" else wait
            return "answer", wait

    def answer(self, number: int) -> str:
        """Make an answer that no other one equals, and note it as sent."""
        with self.lock:
            texts = self.sent.setdefault(number, [])
            texts.append(f"answer {number}, the server's number {len(texts) + 1}")
            return texts[-1]

    def progress(self) -> int:
        """Questions that were answered."""
        with self.lock:
            return len(self.sent)


class Handler(BaseHTTPRequestHandler):
    """Answers chat completions as ``Seen`` says."""

    protocol_version = "HTTP/1.1"
    seen: Seen

    def do_POST(self) -> None:
        """Answer, or do something worse."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        number = int(body["messages"][-1]["content"].split()[1])
        what, wait = self.seen.arrive(number)
        time.sleep(wait)
        if what == "answer":
            message = {"role": "assistant", "content": self.seen.answer(number)}
            usage = {"prompt_tokens": 9, "completion_tokens": 9}
            self.send(200, {"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage})
        elif what == "429":
            self.send(429, {"error": {"message": "slow down"}}, {"Retry-After": "0.05"})
        elif what == "500":
            self.send(500, {"error": {"message": "out of order"}})
        else:
            self.close_connection = True

    def send(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        """Send JSON."""
        data = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """A server whose clients die."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that is gone is what this is about."""


@contextmanager
def serving(seen: Seen) -> Iterator[str]:
    """Run the server; yield its base URL."""
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"seen": seen}))
    thread = threading.Thread(target=lambda: server.serve_forever(0.05), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True)
class Held:
    """What a cache file holds: question -> answer, questions that were sent and have none, and all rows."""

    kept: dict[int, str]
    open: set[int]
    rows: int


def held(cache: Path, numbers: dict[Key, int]) -> Held:
    """Read the file itself, as nothing but SQLite sees it."""
    with closing(sqlite3.connect(cache)) as base:
        rows = base.execute("SELECT key, sample, answer FROM asked").fetchall()
    kept = {numbers[key, sample]: json.loads(answer)["text"] for key, sample, answer in rows if answer}
    return Held(kept, {numbers[key, sample] for key, sample, answer in rows if not answer}, len(rows))


@dataclass
class Counts:
    """What came out; the four last must be nothing."""

    requests: int
    kills: int
    concurrency: int
    arrivals: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    kept_at_kill: list[int] = field(default_factory=list)
    in_flight_at_kill: list[int] = field(default_factory=list)
    """Requests that were sent and whose answers were not in the file."""
    sent_again: list[int] = field(default_factory=list)
    """Of what an earlier run had sent, how much the run after each kill sent again."""
    stored: int = 0
    rows: int = 0
    seconds: float = 0.0
    asked_again: int = 0
    """Questions that came in although the file held their answers when the run began."""
    strangers: int = 0
    """Questions sent again that were not in flight at a kill."""
    changed: int = 0
    """Stored answers that the server did not send, the run did not return, or the file held otherwise."""
    lost: int = 0
    """Questions without an answer at the end."""

    @property
    def good(self) -> bool:
        """Whether the law holds."""
        bounded = all(count <= self.concurrency for count in self.in_flight_at_kill)
        repeats = zip(self.sent_again, self.in_flight_at_kill, strict=True)
        once = self.stored == self.rows == self.requests
        nothing = not (self.asked_again or self.strangers or self.changed or self.lost)
        return bounded and once and nothing and all(again <= flying for again, flying in repeats)


def start(address: str, cache: Path, counts: Counts) -> "subprocess.Popen[str]":
    """Start a run in a process of its own."""
    words = [address, str(cache), str(counts.requests), str(counts.concurrency)]
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).resolve()), "run", *words], stdout=subprocess.PIPE, text=True
    )


def kill_at(process: "subprocess.Popen[str]", seen: Seen, answered: int, delay: float) -> None:
    """Kill a run a moment after the server has answered so many questions."""
    end = time.monotonic() + WAIT
    while seen.progress() < answered:
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit("error: the run ended or hung before it was killed")
        time.sleep(0.001)
    time.sleep(delay)
    process.kill()
    process.communicate()
    if process.returncode != -9:
        raise SystemExit("error: the run had ended before it was killed; ask for more requests")


def measure(requests: int, kills: int, concurrency: int, seed: int, folder: Path) -> Counts:
    """Run, kill, run again, and compare."""
    counts, rng, seen, cache = (
        Counts(requests, kills, concurrency),
        random.Random(seed),
        Seen(seed),
        folder / "c",
    )
    began = time.monotonic()
    before: list[Held] = [Held({}, set(), 0)]
    with serving(seen) as address:
        identity = endpoint_at(address, concurrency).identity
        numbers = {key_of(identity, request(number)): number for number in range(requests)}
        for kill in range(kills):
            seen.run = kill
            answered = int(requests * (kill + rng.uniform(0.2, 0.9)) / (kills + 1))
            kill_at(start(address, cache, counts), seen, answered, rng.uniform(0, 0.03))
            before.append(held(cache, numbers))
        seen.run = kills
        output, _ = start(address, cache, counts).communicate(timeout=WAIT)
    returned = {int(number): text for number, text in json.loads(output).items()}
    compare(counts, seen, before, held(cache, numbers), returned)
    counts.seconds = time.monotonic() - began
    return counts


def compare(counts: Counts, seen: Seen, before: list[Held], after: Held, returned: dict[int, str]) -> None:
    """Fill in what the server's list and the file say; ``before`` holds what each run found."""
    by_run = [{number for run, number in seen.arrivals if run == one} for one in range(counts.kills + 1)]
    counts.arrivals, counts.faults = len(seen.arrivals), dict(seen.faults)
    for run in range(1, counts.kills + 1):
        again = by_run[run] & set().union(*by_run[:run])
        counts.kept_at_kill.append(len(before[run].kept))
        counts.in_flight_at_kill.append(len(before[run].open))
        counts.sent_again.append(len(again))
        counts.strangers += len(again - before[run].open)
        counts.asked_again += len(by_run[run] & before[run].kept.keys())
        counts.changed += sum(after.kept.get(number) != text for number, text in before[run].kept.items())
    counts.stored, counts.rows = len(after.kept), after.rows
    counts.lost = counts.requests - len(returned) + len(after.open)
    for number, text in after.kept.items():
        counts.changed += text not in seen.sent.get(number, []) or returned.get(number) != text


def run(address: str, cache: Path, requests: int, concurrency: int) -> None:
    """Ask every question through the cache; print the answers."""
    with open_endpoint(endpoint_at(address, concurrency), cache, "kill") as backend:
        replies: list[Reply] = backend.chat([request(number) for number in range(requests)])
    print(json.dumps({number: reply.text for number, reply in enumerate(replies)}))


def report(counts: Counts) -> str:
    """The counts, for people."""
    faults = ", ".join(f"{count} {name}" for name, count in sorted(counts.faults.items()))
    lines = [
        f"{counts.requests} requests, {counts.concurrency} at once, {counts.kills} kills, "
        f"{counts.seconds:.0f} s; {counts.arrivals} came in at the server ({faults})",
        f"answers in the cache at the kills: {counts.kept_at_kill}",
        f"in flight at the kills: {counts.in_flight_at_kill}; sent again after them: {counts.sent_again}",
        f"asked again although the cache held the answer: {counts.asked_again}",
        f"sent again although not in flight at a kill: {counts.strangers}",
        f"answers stored: {counts.stored} in {counts.rows} rows; changed: {counts.changed}; "
        f"lost: {counts.lost}",
        "the law holds" if counts.good else "THE LAW DOES NOT HOLD",
    ]
    return "\n".join(lines)


def main() -> int:
    """Measure with the settings of the command line; return 1 where the law does not hold."""
    if sys.argv[1:2] == ["run"]:
        address, cache, requests, concurrency = sys.argv[2:6]
        run(address, Path(cache), int(requests), int(concurrency))
        return 0
    given = {"requests": 1000, "kills": 3, "concurrency": 16, "seed": random.randrange(1 << 30)}
    for word in sys.argv[1:]:
        name, _, value = word.partition("=")
        if name not in given or not value.isdigit():
            raise SystemExit(f"error: '{word}' is none of {', '.join(f'{key}=N' for key in given)}")
        given[name] = int(value)
    with tempfile.TemporaryDirectory() as folder:
        counts = measure(**given, folder=Path(folder))
    print(f"seed {given['seed']}; {platform.machine()}, {os.cpu_count()} cores\n{report(counts)}")
    return 0 if counts.good else 1


if __name__ == "__main__":
    sys.exit(main())
