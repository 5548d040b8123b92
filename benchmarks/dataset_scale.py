"""Records a second and peak memory of the dataset room, on records that are made here.

    python benchmarks/dataset_scale.py [--rows 422852 1691407] [--images 2000] [--folder FOLDER]

A record is a question and an answer of about 1 KB together, three in ten Arabic, with one image. Two in a
hundred say and show what an earlier one does, five in a thousand are a published test's, and one in a
thousand is a twin of a test record, with its source and id. What is timed is the room's own ``run`` on a
finished folder of ``sources``: reading, checking, audit, exact deduplication, shuffle, shards, images, card
and manifest hashes. The time to make the records is not counted. Every size runs in a process of its own;
its peak memory is the kernel's (VmHWM; the room works in threads, so there is one process).
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bimedix2 import dataset, io
from bimedix2.manifest import RunFolder, read_manifest
from bimedix2.records.images import ImageStore
from bimedix2.records.store import ROWS_PER_GROUP, ROWS_PER_SHARD, SCHEMA, open_shard

WORDS = 150
"""Words of a record; a mean of 5.7 characters and a blank make about 1 KB."""
QUESTION = 30
ARABIC, DUPLICATES, TESTS, TWINS = 0.3, 0.02, 0.005, 0.001
LETTERS = {"en": "abcdefghijklmnopqrstuvwxyz", "ar": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"}


def vocabulary(language: str, rng: np.random.Generator) -> pa.Array:
    """Twenty thousand words of 2 to 10 letters."""
    letters = np.array(list(LETTERS[language]))
    lengths = rng.integers(2, 11, 20_000)
    return pa.array(["".join(rng.choice(letters, length)) for length in lengths])


class Maker:
    """Makes batches of records.

    Args:
        images: hashes of the images there are.
    """

    def __init__(self, images: list[str]) -> None:
        self.rng = np.random.default_rng(0)
        self.words = {language: vocabulary(language, self.rng) for language in LETTERS}
        self.images = pa.array(images)
        self.made = self.duplicates = self.tests = self.twins = 0

    def _texts(self, language: str, count: int, words: int) -> pa.Array:
        # Common words are far more common than rare ones: a square of a uniform number.
        index = (self.rng.random(count * words) ** 2 * len(self.words[language])).astype(np.int64)
        drawn = self.words[language].take(pa.array(index))
        offsets = pa.array(np.arange(0, count * words + 1, words, dtype=np.int32))
        return pc.binary_join(pa.ListArray.from_arrays(offsets, drawn), " ")

    def batch(self, count: int) -> pa.RecordBatch:
        """The next ``count`` records, all in one language."""
        rng, first = self.rng, self.made
        language = "ar" if rng.random() < ARABIC else "en"
        question, answer = (
            self._texts(language, count, QUESTION),
            self._texts(language, count, WORDS - QUESTION),
        )
        again = np.arange(count)
        copies = np.flatnonzero(rng.random(count) < DUPLICATES)
        copies = copies[copies > count // 2]
        again[copies] = rng.permutation(count // 2)[: len(copies)]
        test = np.zeros(count, dtype=np.bool_)
        test[: round(count * TESTS)] = True
        held = len(self.images) // 20  # images of the test alone
        drawn = rng.integers(held, len(self.images), count)
        drawn[test] = rng.integers(0, held, int(test.sum()))
        image = self.images.take(pa.array(drawn))
        twin = np.zeros(count, dtype=np.bool_)
        twin[len(test) // 2 - round(count * TWINS) : len(test) // 2] = True
        number = first + np.arange(count)
        source_number = np.where(twin, first + rng.integers(0, max(1, round(count * TESTS)), count), number)
        again = np.where(test[again], np.arange(count), again)
        again = np.where(twin[again] | twin, np.arange(count), again)
        self.duplicates += int((again != np.arange(count)).sum())
        self.tests += int(test.sum())
        self.twins += int(twin.sum())
        self.made += count
        take = pa.array(again)
        return self._record_batch(
            language, number, source_number, test, (question.take(take), answer.take(take), image.take(take))
        )

    def _record_batch(
        self, language: str, number: Any, source_number: Any, test: Any, said: tuple[pa.Array, ...]
    ) -> pa.RecordBatch:
        count = len(number)
        question, answer, image = said
        # Parts in order: the image, the question, the answer.
        order = np.arange(3 * count).reshape(3, count).T.ravel()
        mixed = pa.concat_arrays([image, question, answer]).take(pa.array(order))
        place = np.arange(3 * count) % 3
        pictured = pa.array(place == 0)
        none = pa.nulls(3 * count, pa.string())
        part = pa.StructArray.from_arrays(
            [
                pc.if_else(pictured, "image", "text"),
                pc.if_else(pictured, none, mixed),
                pc.if_else(pictured, mixed, none),
                pc.if_else(pictured, pa.scalar("figure.png"), none),
            ],
            fields=list(SCHEMA.field("messages").type.value_type.field("content").type.value_type),
        )
        offsets = np.empty(2 * count + 1, dtype=np.int32)
        offsets[0::2], offsets[1::2] = np.arange(0, 3 * count + 1, 3), np.arange(2, 3 * count + 1, 3)
        message = pa.StructArray.from_arrays(
            [
                pa.array(["user", "assistant"]).take(pa.array(np.arange(2 * count) % 2)),
                pa.ListArray.from_arrays(pa.array(offsets), part),
            ],
            fields=list(SCHEMA.field("messages").type.value_type),
        )
        texts = number.astype(str)
        provenance = pa.StructArray.from_arrays(
            [
                pa.repeat("synthetic", count),
                pa.array(source_number.astype(str)),
                pa.array(np.char.add("pmid:", (number // 4).astype(str))),
                pa.repeat("https://example.org/", count),
                pa.repeat("CC0-1.0", count),
                pa.repeat("made by benchmarks/dataset_scale.py", count),
                pa.array([["make"]] * count),
            ],
            fields=list(SCHEMA.field("provenance").type),
        )
        columns = [
            pa.array(np.char.add("synthetic/", texts)),
            pa.ListArray.from_arrays(pa.array(np.arange(0, 2 * count + 1, 2, dtype=np.int32)), message),
            pa.repeat(language, count),
            pa.repeat("vqa", count),
            pa.array(np.where(test, "test", "none")),
            pa.repeat("open", count),
            provenance,
            pa.array([io.canonical_json({"published": {"qid": text}}) for text in texts.tolist()]),
        ]
        return pa.RecordBatch.from_arrays(
            [column.cast(field.type) for column, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
        )


def make(folder: Path, rows: int, images: int) -> Maker:
    """Write a finished folder of records as ``sources`` writes it."""
    with RunFolder(folder, "sources", {"rows": rows}) as out:
        store = ImageStore(out.path / "images")
        rng = np.random.default_rng(1)
        maker = Maker([store.add(rng.bytes(4_000)) for _ in range(images)])
        (out.path / "records").mkdir()
        shard = 0
        while maker.made < rows:
            with open_shard(out.path / "records" / f"{shard:05d}.parquet") as writer:
                start = maker.made
                while maker.made < rows and maker.made - start < ROWS_PER_SHARD:
                    writer.write_batch(maker.batch(min(ROWS_PER_GROUP, rows - maker.made)))
            shard += 1
        out.publish({"in": rows, "kept": rows, "removed": {}})
    return maker


def one(folder: Path, target: Path) -> None:
    """Run the room; print seconds and peak memory as JSON."""
    start = time.perf_counter()
    done = dataset.run(dataset.Config(inputs=[folder], output=target, card={"name": "synthetic"}))  # type: ignore[arg-type]
    seconds = time.perf_counter() - start
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024
    size = sum(file.stat().st_size for file in (done / "records").iterdir())
    found = {"seconds": seconds, "peak": peak, "size": size, "counts": read_manifest(done)["counts"]}
    print(json.dumps(found))


def main() -> None:
    """Measure every size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[422_852, 1_691_407])
    parser.add_argument("--images", type=int, default=2000, help="distinct images")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    parser.add_argument("--one", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(*options.one)
        return
    print(f"{platform.machine()}, {os.cpu_count()} cores, pyarrow {pa.__version__}, numpy {np.__version__}")
    print("    records  seconds  records/s  peak memory  shards   duplicates  leaks")
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        for rows in options.rows:
            source, target = Path(scratch) / f"in-{rows}", Path(scratch) / f"out-{rows}"
            made = make(source, rows, options.images)
            command = [sys.executable, __file__, "--one", str(source), str(target)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            removed = found["counts"]["removed"]
            leaks = sum(count for reason, count in removed.items() if reason.startswith("leak-"))
            print(
                f"{rows:>11,}  {found['seconds']:>7.1f}  {rows / found['seconds']:>9,.0f}  "
                f"{found['peak'] / 1e6:>8,.0f} MB  {found['size'] / 1e6:,.0f} MB  "
                f"{removed.get('duplicate', 0):,} of {made.duplicates:,}  {leaks:,}, twins {made.twins:,}"
            )


if __name__ == "__main__":
    main()
