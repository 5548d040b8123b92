"""The global shuffle: rows are read once more and thrown into buckets on disk, and every bucket is put in
order.

A bucket is what fits in memory a few times over; a shard is one or more of them. Every thread has its own
file of each bucket, so none waits for another.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bimedix2 import io
from bimedix2.dataset import batches
from bimedix2.dataset.batches import Bools, Ints, Unit
from bimedix2.dataset.plan import NUMBER, Plan
from bimedix2.dataset.split import SIDES, unknown_subjects
from bimedix2.records.store import ROWS_PER_GROUP, ROWS_PER_SHARD, SCHEMA, open_shard

BUCKET_BYTES = 96 << 20
"""Characters of a bucket, about; four times that is in memory for each thread."""
SPILLED = SCHEMA.append(pa.field("position", pa.int64()))
_SIDES = pa.array([side.value for side in SIDES])


@dataclass(frozen=True)
class Shard:
    """A file of the finished dataset: its name, its rows' positions, and where its buckets begin among
    these."""

    name: str
    start: int
    stop: int
    buckets: tuple[int, ...]


def shards_of(counts: Sequence[int], characters: int, rows_per_shard: int = ROWS_PER_SHARD) -> list[Shard]:
    """The files of a dataset, side after side.

    Args:
        counts: rows of each side.
        characters: of all rows, from which the size of a bucket follows.
        rows_per_shard: about; a shard is whole row groups.
    """
    per_shard = -(-rows_per_shard // ROWS_PER_GROUP) * ROWS_PER_GROUP
    each = max(1, characters // max(1, sum(counts)))
    parts = -(-per_shard * each // BUCKET_BYTES)
    per_bucket = -(-per_shard // parts // ROWS_PER_GROUP) * ROWS_PER_GROUP
    shards: list[Shard] = []
    start = 0
    for side, count in zip(SIDES, counts, strict=True):
        for first in range(start, start + count, per_shard):
            stop = min(first + per_shard, start + count)
            buckets = tuple(range(first, stop, per_bucket))
            shards.append(Shard(f"{len(shards):05d}-{side.value}.parquet", first, stop, buckets))
        start += count
    return shards or [Shard(f"00000-{SIDES[0].value}.parquet", 0, 0, ())]  # an empty dataset is one too


class Lane:
    """One thread's bucket files.

    Args:
        folder: where they stand.
        number: the thread's.
        bounds: the first position of every bucket.
        plan: the rows' fates.
    """

    def __init__(self, folder: Path, number: int, bounds: Ints, plan: Plan) -> None:
        self._folder, self._number, self._bounds, self._plan = folder, number, bounds, plan
        self._unknown = unknown_subjects(plan.survey)
        self._writers: dict[int, Any] = {}

    def take(self, units: Sequence[Unit]) -> None:
        """Spill the units' rows, and write why the others are left out."""
        try:
            for unit in units:
                lost: list[str] = []
                for first, batch in batches.read(unit):
                    self._take(first, batch, lost)
                if lost:
                    io.write_text(self._folder / f"removed-{unit.first:012d}.jsonl", "".join(lost))
        finally:
            for writer in self._writers.values():
                writer.close()

    def _take(self, first: int, batch: pa.RecordBatch, lost: list[str]) -> None:
        plan, rows = self._plan, slice(first, first + batch.num_rows)
        position = plan.position[rows]
        reason = plan.reason[rows]
        for row in np.flatnonzero((reason != 0) & (reason != NUMBER["outside"])).tolist():
            identity, why, said = plan.why(first + row)
            lost.append(json.dumps({"id": identity, "reason": why, "what": said}, ensure_ascii=False) + "\n")
        bucket = np.searchsorted(self._bounds, position, side="right") - 1
        order = np.argsort(bucket, kind="stable")
        order = order[position[order] >= 0]
        if not len(order):
            return
        rows_of = pa.array(order)
        columns = {name: batch.column(name).take(rows_of) for name in SCHEMA.names}
        columns["split"] = _SIDES.take(pa.array(plan.side[rows][order]))
        columns["meta"] = _marked(columns["meta"], self._unknown[rows][order])
        columns["position"] = pa.array(position[order])
        ready = pa.RecordBatch.from_arrays(list(columns.values()), schema=SPILLED)
        ends = np.flatnonzero(np.diff(bucket[order])) + 1
        for start, stop in zip([0, *ends.tolist()], [*ends.tolist(), len(order)], strict=True):
            self._writer(int(bucket[order[start]])).write_batch(ready.slice(start, stop - start))

    def _writer(self, bucket: int) -> Any:
        if bucket not in self._writers:
            path = self._folder / f"{bucket:06d}-{self._number}.arrows"
            self._writers[bucket] = pa.ipc.new_stream(path, SPILLED)
        return self._writers[bucket]


def _marked(meta: pa.StringArray, unknown: Bools) -> pa.StringArray:
    """``meta`` with ``subject_unknown`` where an image's subject is."""
    if not unknown.any():
        return meta
    marked = meta.filter(pa.array(unknown)).dictionary_encode()
    texts = [
        io.canonical_json({**json.loads(text), "subject_unknown": True})
        for text in marked.dictionary.to_pylist()
    ]
    return pc.replace_with_mask(meta, pa.array(unknown), pa.array(texts, pa.string()).take(marked.indices))


def spill(folder: Path, units: Sequence[Unit], plan: Plan, shards: Sequence[Shard], workers: int) -> None:
    """Throw all rows that are kept into the buckets of ``folder``, which is made."""
    folder.mkdir(parents=True)
    bounds = np.array([bucket for shard in shards for bucket in shard.buckets], dtype=np.int64)
    lanes = [(Lane(folder, number, bounds, plan), units[number::workers]) for number in range(workers)]
    for _ in batches.in_threads(lambda lane: lane[0].take(lane[1]), lanes, workers):
        pass


def write(records: Path, spilled: Path, shards: Sequence[Shard], workers: int) -> None:
    """Write every shard from its buckets, which are deleted on the way."""
    records.mkdir(parents=True)
    first_bucket = np.cumsum([0, *(len(shard.buckets) for shard in shards)]).tolist()
    jobs = list(zip(shards, first_bucket, strict=False))

    def one(job: tuple[Shard, int]) -> None:
        shard, bucket = job
        with open_shard(records / shard.name) as writer:
            for number in range(bucket, bucket + len(shard.buckets)):
                ordered = _ordered(sorted(spilled.glob(f"{number:06d}-*.arrows")))
                for batch in ordered:
                    writer.write_table(pa.Table.from_batches([batch], schema=SCHEMA))

    for _ in batches.in_threads(one, jobs, workers):
        pass


def _ordered(files: Sequence[Path]) -> Any:
    """Yield a bucket's rows by position, a row group at a time."""
    tables = []
    for file in files:
        with pa.OSFile(str(file)) as opened:
            tables.append(pa.ipc.open_stream(opened).read_all())
        file.unlink()
    whole = pa.concat_tables(tables).combine_chunks().to_batches()
    del tables
    (batch,) = whole
    order = np.argsort(batch.column("position").to_numpy())
    kept = batch.select(SCHEMA.names)
    for start in range(0, len(order), ROWS_PER_GROUP):
        yield kept.take(pa.array(order[start : start + ROWS_PER_GROUP]))


def write_reasons(folder: Path, spilled: Path) -> None:
    """Write ``removed/removed.jsonl``, in the order of the inputs, from what the lanes wrote."""
    target = folder / "removed" / "removed.jsonl"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        for part in sorted(spilled.glob("removed-*.jsonl")):
            file.write(part.read_bytes())
            part.unlink()
