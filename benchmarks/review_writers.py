"""Twenty reviewers write at once; print what they were told is written, and what is found in the log.

    python benchmarks/review_writers.py [store=sqlite|postgresql|URL] [reviewers=20] [pairs=200] [overlap=3]

Every reviewer is a process of its own with its own connection, as if it were a server. ``postgresql`` starts
a real server on loopback in a temporary folder and ends it. What a reviewer was told is written is compared
with the log by sequence number and hash: lost, doubled and changed events are counted, and must be 0.
"""

import json
import multiprocessing
import os
import platform
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bimedix2.manifest import RunFolder
from bimedix2.records import Language, Message, Provenance, Record
from bimedix2.records.store import write_records

SERVER_SECONDS = 30


def pair(number: int) -> tuple[Record, Record]:
    """An English record and its Arabic translation."""
    english = Record(
        id=f"en-{number}",
        messages=(
            Message.of("user", f"What is the dose for patient {number}?"),
            Message.of("assistant", "Give 500 mg of amoxicillin every 8 hours."),
        ),
        language=Language.ENGLISH,
        task="qa",
        provenance=Provenance(source="invented", source_id=str(number)),
    )
    arabic = Record(
        id=f"ar-{number}",
        messages=(
            Message.of("user", f"ما الجرعة للمريض {number}؟"),
            Message.of("assistant", "يُعطى أموكسيسيلين 500 mg كل 8 ساعات."),
        ),
        language=Language.ARABIC,
        task="qa",
        provenance=Provenance(source="invented", source_id=str(number)),
        meta={"translation": {"of": f"en-{number}", "quality": (number % 10) / 10}},
    )
    return english, arabic


def make_input(folder: Path, pairs: int) -> Path:
    """A finished folder of records and their translations."""
    with RunFolder(folder, "translate", {}) as out:
        count = write_records(out.path, (record for n in range(pairs) for record in pair(n)))
        return out.publish({"in": count, "kept": count, "removed": {}})


def postgresql_programs() -> Path | None:
    """The folder with ``initdb`` and ``postgres``, or ``None`` where PostgreSQL is not installed."""
    found = shutil.which("initdb")
    folders = (
        [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    )
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def postgresql(programs: Path) -> Iterator[str]:
    """Run a server on loopback in a temporary folder; yield a URL without a database's name."""
    # PostgreSQL refuses to run as root: then it runs as the user that its package makes.
    user = "postgres" if os.geteuid() == 0 else None
    as_user: dict[str, Any] = (
        {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
    )
    folder = Path(tempfile.mkdtemp(prefix="bimedix2-postgresql-"))
    try:
        if user:
            shutil.chown(folder, user)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **as_user}
        made = [
            programs / "initdb",
            "-D",
            folder / "data",
            "-U",
            "reviews",
            "-A",
            "trust",
            "-N",
            "-E",
            "UTF8",
        ]
        subprocess.run([*made, "--locale=C.UTF-8"], check=True, **quiet)
        port = _free_port()
        settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder}
        flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        server = subprocess.Popen([programs / "postgres", "-D", folder / "data", *flags], **quiet)
        try:
            url = f"postgresql://reviews@127.0.0.1:{port}"
            _wait(url)
            yield url
        finally:
            server.terminate()  # by its own pid, which is ours alone
            server.wait(SERVER_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(url: str) -> None:
    import psycopg

    end = time.monotonic() + SERVER_SECONDS
    while True:
        try:
            psycopg.connect(f"{url}/postgres").close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def new_database(url: str, name: str) -> str:
    """Make a database; return its URL."""
    import psycopg

    with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{url}/{name}"


def settings_of(source: Path, store: str, reviewers: int, overlap: int) -> dict[str, Any]:
    """The recipe."""
    people = [{"name": f"reviewer-{n}", "role": "reviewer"} for n in range(reviewers)]
    return {
        "input": str(source),
        "store": store,
        "output": str(source.parent / "closed"),
        "plans": [{"plan": "all"}],
        "people": people,
        "overlap": overlap,
    }


def review(recipe: dict[str, Any], name: str) -> list[tuple[int, str]]:
    """Review until nothing is left; return what was said to be written."""
    from bimedix2.review.room import Room
    from bimedix2.review.settings import Config
    from bimedix2.review.store import Store

    config = Config.model_validate(recipe)
    told = []
    with Store(config.store) as store:
        room = Room(store, config)
        while (standing := room.next_for(name)) is not None:
            event = room.review(name, standing.item.id, {"verdict": "none"})
            told.append((event.seq, event.hash))
    return told


def _review_in_process(arguments: tuple[dict[str, Any], str]) -> list[tuple[int, str]]:
    return review(*arguments)


def measure(recipe: dict[str, Any]) -> dict[str, Any]:
    """Open a batch, have everybody review at once, and count."""
    from bimedix2.review import open_batch
    from bimedix2.review.room import Room
    from bimedix2.review.settings import Config
    from bimedix2.review.store import Store

    config = Config.model_validate(recipe)
    open_batch(config)
    names = [person.name for person in config.people]
    start = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(len(names)) as pool:
        told = [
            event
            for events in pool.map(_review_in_process, [(recipe, n) for n in names], 1)
            for event in events
        ]
    seconds = time.perf_counter() - start
    with Store(config.store) as store:
        head = store.check()
        events = store.events()
        board = Room(store, config).board
    written = Counter((event.seq, event.hash) for event in events if event.kind == "reviewed")
    pairs = [len(s.reviews) for s in board.standings.values()]
    return {
        "store": store.engine.dialect.name,
        "reviewers": len(names),
        "pairs": len(pairs),
        "told": len(told),
        "written": written.total(),
        "lost": len(set(told) - set(written)),
        "doubled": sum(count - 1 for count in written.values()) + len(told) - len(set(told)),
        "not_told": len(set(written) - set(told)),
        "pairs_with_another_count": sum(count != config.overlap for count in pairs),
        "reviewed_twice_by_one": sum(
            len(r) > 1 for s in board.standings.values() for r in s.reviews.values()
        ),
        "events": head.seq,
        "chain": "whole",
        "seconds": round(seconds, 1),
        "reviews_a_second": round(len(told) / seconds, 1),
    }


def main() -> None:
    """Make the input, choose the store, measure, print JSON."""
    options = dict(argument.split("=", 1) for argument in sys.argv[1:])
    where = options.pop("store", "sqlite")
    reviewers, pairs, overlap = (
        int(options.pop(name, default))
        for name, default in (("reviewers", 20), ("pairs", 200), ("overlap", 3))
    )
    if options:
        raise SystemExit(f"error: unknown option {min(options)}; see the head of this file")
    with tempfile.TemporaryDirectory() as folder:
        source = make_input(Path(folder) / "pairs", pairs)
        if where == "postgresql":
            programs = postgresql_programs()
            if programs is None:
                raise SystemExit("error: PostgreSQL is not here; run: apt-get install -y postgresql")
            with postgresql(programs) as url:
                store = new_database(url, "reviews")
                found = measure(settings_of(source, store, reviewers, overlap))
        else:
            store = str(Path(folder) / "reviews.sqlite") if where == "sqlite" else where
            found = measure(settings_of(source, store, reviewers, overlap))
    found = {"machine": f"{platform.machine()}, {os.cpu_count()} cores", **found}
    print(json.dumps(found, indent=2))
    wrong = ("lost", "doubled", "not_told", "pairs_with_another_count", "reviewed_twice_by_one")
    if any(found[key] for key in wrong):
        raise SystemExit("error: the log is not what the reviewers were told")


if __name__ == "__main__":
    main()
