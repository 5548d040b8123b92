"""Record folders: ``records/*.parquet`` beside ``removed/*.jsonl`` beside ``images/``.

The Parquet columns are the record's own fields, conversations as lists of structs, so that
``datasets.load_dataset("parquet", ...)`` and any Arrow reader open them; ``meta`` is JSON text, because its
keys differ from source to source.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bimedix2 import io
from bimedix2.errors import DataError, RunError
from bimedix2.manifest import is_finished, read_manifest
from bimedix2.records.record import Record, parse

PART = pa.struct(
    [("type", pa.string()), ("text", pa.string()), ("image", pa.string()), ("name", pa.string())]
)
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.list_(PART))]))),
        ("language", pa.string()),
        ("task", pa.string()),
        ("split", pa.string()),
        ("data_class", pa.string()),
        (
            "provenance",
            pa.struct(
                [
                    ("source", pa.string()),
                    ("source_id", pa.string()),
                    ("subject", pa.string()),
                    ("url", pa.string()),
                    ("licence", pa.string()),
                    ("attribution", pa.string()),
                    ("steps", pa.list_(pa.string())),
                ]
            ),
        ),
        ("meta", pa.string()),
    ]
)
_SHARD = re.compile(r"records/[^/]+\.parquet")
ROWS_PER_GROUP = 4096
ROWS_PER_SHARD = 100_000


def _to_row(record: Record) -> dict[str, Any]:
    row = record.to_json()
    row["meta"] = io.canonical_json(row["meta"])
    return row


def parse_row(row: dict[str, Any], where: str) -> Record:
    """Check one row of a shard, as Arrow gives it.

    Args:
        row: the columns of ``SCHEMA``.
        where: file and row, for the error.

    Raises:
        DataError: one sentence naming the place, the field and the problem.
    """
    try:
        meta = json.loads(row["meta"])
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: 'meta' is no JSON; correct that record") from error
    messages = [
        message
        and {
            **message,
            "content": [
                part and {k: v for k, v in part.items() if v is not None} for part in message["content"] or ()
            ],
        }
        for message in row["messages"] or ()
    ]
    return parse({**row, "meta": meta, "messages": messages}, where)


def open_shard(path: Path) -> pq.ParquetWriter:
    """Open a shard for writing, as all rooms write it: the columns of ``SCHEMA``, zstd, a checksum a page.

    Without checksums a changed byte can change a text and nothing else.
    """
    return pq.ParquetWriter(path, SCHEMA, compression="zstd", write_page_checksum=True)


def read_shard(path: Path) -> pq.ParquetFile:
    """Open a shard for reading, its pages compared with their checksums where it has them.

    Raises:
        ArrowException, OSError: here or while it is read: it is damaged.
    """
    return pq.ParquetFile(path, page_checksum_verification=True)


def shards_of(folder: Path) -> list[Path]:
    """The shards of a folder in order; of a finished one, exactly those that it was finished with.

    Raises:
        RunError: there is none, or one is missing or was added.
    """
    shards = sorted((folder / "records").glob("*.parquet"))
    if not shards:
        raise RunError(f"{folder} has no records/*.parquet; run the room that makes it first")
    if is_finished(folder):
        stated = {name for name in read_manifest(folder)["files"] if _SHARD.fullmatch(name)}
        found = {f"records/{shard.name}" for shard in shards}
        for name in sorted(stated ^ found):
            what = "is missing" if name in stated else "is not in the manifest"
            raise RunError(f"{folder / name} {what}; finished folders are immutable, run its room again")
    return shards


def write_records(folder: Path, records: Iterable[Record]) -> int:
    """Write ``records/NNNNN.parquet`` shards below ``folder``; return the number of records.

    Raises:
        DataError: two records share an id.
    """
    out = folder / "records"
    out.mkdir(parents=True, exist_ok=True)
    seen: set[str] = set()
    rows: list[dict[str, Any]] = []
    writer: pq.ParquetWriter | None = None
    shard = in_shard = 0

    def flush() -> None:
        nonlocal writer, shard, in_shard
        if writer is None:
            writer = open_shard(out / f"{shard:05d}.parquet")
        writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
        in_shard += len(rows)
        rows.clear()
        if in_shard >= ROWS_PER_SHARD:
            writer.close()
            writer, shard, in_shard = None, shard + 1, 0

    for left in out.glob("*.parquet"):  # of a run that was killed, and may have written more of them
        left.unlink()
    try:
        for record in records:
            if record.id in seen:
                raise DataError(f"two records have the id '{record.id}'; ids must be unique in a folder")
            seen.add(record.id)
            rows.append(_to_row(record))
            if len(rows) >= ROWS_PER_GROUP:
                flush()
        if rows or not seen:
            flush()
    finally:
        if writer is not None:
            writer.close()
    return len(seen)


def read_records(folder: Path) -> Iterator[Record]:
    """Yield the records of a folder in order.

    Raises:
        RunError: the folder has no ``records/``, or a shard of a finished folder is missing.
        DataError: a shard is damaged or no Parquet file of records, named with its row.
    """
    for shard in shards_of(folder):
        try:
            with read_shard(shard) as file:
                if file.schema_arrow.names != SCHEMA.names:
                    raise DataError(f"{shard} does not have a record's columns; write it with bimedix2")
                row_number = 0
                for batch in file.iter_batches(ROWS_PER_GROUP):
                    for row in batch.to_pylist():
                        row_number += 1
                        yield parse_row(row, f"{shard} row {row_number}")
        except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
            raise DataError(f"{shard} is damaged or no Parquet file; run its room again") from error


def write_removed(folder: Path, removed: Iterable[tuple[str, str, Any]]) -> dict[str, int]:
    """Write ``removed/removed.jsonl`` of ``(id, reason, what)`` row by row; return counts by reason."""
    counts: dict[str, int] = {}

    def rows() -> Iterator[dict[str, Any]]:
        for identity, reason, what in removed:
            counts[reason] = counts.get(reason, 0) + 1
            yield {"id": identity, "reason": reason, "what": what}

    io.write_jsonl(folder / "removed" / "removed.jsonl", rows())
    return counts
