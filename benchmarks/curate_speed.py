"""Records a second through the operations of ``curate``, one at a time, on records made here.

python benchmarks/curate_speed.py [records=20000]

A record is a question and an answer of about 1 KB of words; one in fifty is an exact copy and one in fifty a
copy with a word changed. Prints seconds of one processor (so that other work on the machine counts little),
records a second and the peak memory of the process so far.
"""

import os
import platform
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from bimedix2 import config, curate
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records import Language, Message, Provenance, Record, Split
from bimedix2.records.store import write_records

OPERATIONS = {
    "filter": {"filter": {}},
    "deidentify": {"deidentify": {}},
    "exact": {"duplicates": {"text": None}},
    "near": {"duplicates": {"exact": False}},
    "all": {"filter": {}, "deidentify": {}, "duplicates": {}},
}


def make(count: int, folder: Path) -> Path:
    """Write a finished folder of records."""
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 10))) for _ in range(20_000)]

    def one(number: int, question: list[str], answer: list[str]) -> Record:
        return Record(
            id=f"made/{number}",
            messages=(
                Message.of("user", " ".join(question)),
                Message.of("assistant", " ".join(answer)),
            ),
            language=Language.ENGLISH,
            task="qa",
            split=Split.TRAIN,
            provenance=Provenance(source="made", source_id=str(number)),
        )

    def records():  # type: ignore[no-untyped-def]
        question, answer = rng.choices(words, k=100), rng.choices(words, k=50)
        for number in range(count):
            draw = rng.random()
            if draw > 0.04:
                question, answer = rng.choices(words, k=100), rng.choices(words, k=50)
            elif draw > 0.02:
                question = [*question[:50], rng.choice(words), *question[51:]]
            yield one(number, question, answer)

    with RunFolder(folder, "sources", {}) as out:
        write_records(out.path, records())
        return out.publish({"in": count})


def main() -> None:
    """Run each operation and print what it took."""
    count = int(next((a.removeprefix("records=") for a in sys.argv[1:]), "20000"))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as scratch:
        source = make(count, Path(scratch) / "in")
        for name, operations in OPERATIONS.items():
            settings = {"input": str(source), "output": f"{scratch}/{name}", **operations}
            began = time.process_time()
            out = curate.run(config.build(curate.Config, settings))
            seconds = time.process_time() - began
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            removed = read_manifest(out)["counts"]["removed"]
            print(
                f"{name:10} {seconds:6.1f} s {count / seconds:8.0f} records/s  peak {peak:.2f} GB  {removed}"
            )


if __name__ == "__main__":
    main()
