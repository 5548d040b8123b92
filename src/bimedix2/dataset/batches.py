"""Record folders as Arrow batches: what there is to read, and the conversations of a batch as flat arrays.

Knows the layout of a record's columns and nothing of splits, mixtures or leaks. A row that is no record is
told apart here, column by column; ``records.parse`` is asked only about the rows that look wrong, for the
reason.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bimedix2.errors import DataError
from bimedix2.records import DataClass, Language, Split
from bimedix2.records.store import SCHEMA, parse_row, read_shard, shards_of

Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Bools = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
Bytes = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
T = TypeVar("T")
R = TypeVar("R")

ROWS_PER_UNIT = 16_384
ROWS_PER_BATCH = 8_192
ROLES = pa.array(["system", "user", "assistant"])
SYSTEM, USER, ASSISTANT = range(3)
_HEX = np.zeros(256, dtype=np.bool_)
_HEX[np.frombuffer(b"0123456789abcdef", dtype=np.uint8)] = True


@dataclass(frozen=True)
class Unit:
    """Neighbouring row groups of one shard: what one thread reads at a time.

    Attributes:
        folder: number of the input folder.
        file: the shard.
        groups: its row groups.
        first: number of the first row among the rows of all folders.
        rows: how many there are.
        before: rows of the file that stand before them.
    """

    folder: int
    file: Path
    groups: tuple[int, ...]
    first: int
    rows: int
    before: int


def units_of(folders: Sequence[Path]) -> list[Unit]:
    """What there is to read, in order.

    Raises:
        RunError: a folder has no shards.
        DataError: a shard is no Parquet file of records.
    """
    found: list[Unit] = []
    first = 0
    for number, folder in enumerate(folders):
        for shard in shards_of(folder):
            before = 0
            sizes = _group_sizes(shard)
            groups: list[int] = []
            rows = 0
            for group, size in enumerate(sizes):
                groups.append(group)
                rows += size
                if rows >= ROWS_PER_UNIT or group == len(sizes) - 1:
                    found.append(Unit(number, shard, tuple(groups), first, rows, before))
                    first, before, groups, rows = first + rows, before + rows, [], 0
    return found


def _group_sizes(shard: Path) -> list[int]:
    try:
        with read_shard(shard) as file:
            if file.schema_arrow.names != SCHEMA.names:
                raise DataError(f"{shard} does not have a record's columns; write it with bimedix2")
            return [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(shard) from error


def _unreadable(shard: Path) -> DataError:
    return DataError(f"{shard} is damaged or no Parquet file; run its room again")


def read(unit: Unit, columns: Sequence[str] | None = None) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield the batches of a unit, each with the number of its first row among all rows.

    Raises:
        DataError: the shard cannot be read, or a column has another type.
    """
    schema = SCHEMA if columns is None else pa.schema([SCHEMA.field(name) for name in columns])
    first = unit.first
    try:
        with read_shard(unit.file) as file:
            for batch in file.iter_batches(
                ROWS_PER_BATCH, row_groups=list(unit.groups), columns=columns, use_threads=False
            ):
                if batch.num_rows:
                    yield first, batch if batch.schema.equals(schema) else batch.cast(schema)
                first += batch.num_rows
    except (pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise DataError(f"{unit.file} does not have a record's columns; write it with bimedix2") from error
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(unit.file) from error


def in_threads(work: Callable[[T], R], jobs: Sequence[T], workers: int) -> Iterator[R]:
    """Yield the results of ``work`` in the order of its jobs; Arrow and numpy leave Python's lock alone."""
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(work, jobs)


def strings(array: pa.StringArray) -> tuple[Ints, Bytes]:
    """Offsets (one more than there are texts) and bytes of a text column, not copied."""
    _, offsets, data = array.buffers()
    at = np.frombuffer(offsets, dtype=np.int32, count=len(array) + 1, offset=4 * array.offset)
    held = np.frombuffer(data, dtype=np.uint8) if data is not None else np.empty(0, dtype=np.uint8)
    return at.astype(np.int64), held


def opened(array: pa.ListArray) -> tuple[Ints, Any]:
    """Offsets from 0, and the values of a list column."""
    at = array.offsets.to_numpy().astype(np.int64)
    return at - at[0], array.values.slice(at[0], at[-1] - at[0])


def count_within(marked: Bools, at: Ints) -> Ints:
    """How many are marked between neighbouring offsets."""
    total = np.zeros(len(marked) + 1, dtype=np.int64)
    np.cumsum(marked, out=total[1:])
    return np.asarray(total[at[1:]] - total[at[:-1]])


class Flat:
    """The conversations of a batch as flat arrays.

    Attributes:
        message_at: row -> its first message (one more than there are rows).
        part_at: message -> its first part (one more than there are messages).
        role: of a message, an index of ``ROLES``, or -1.
        pictured: of a part, whether it is an image.
        text, image: columns of the parts, with nulls.
    """

    def __init__(self, messages: pa.ListArray) -> None:
        self.message_at, message = opened(messages)
        self._messages = message
        codes = pc.index_in(message.field("role"), value_set=ROLES)
        self.role: Ints = codes.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        self.part_at, self._parts = opened(message.field("content"))
        self.text: pa.StringArray = self._parts.field("text")
        self.image: pa.StringArray = self._parts.field("image")
        self._kind = self._parts.field("type")
        self.pictured: Bools = _truth(pc.equal(self._kind, "image"))

    @property
    def rows(self) -> int:
        return len(self.message_at) - 1

    @property
    def row_part_at(self) -> Ints:
        """Row -> its first part (one more than there are rows)."""
        return np.asarray(self.part_at[self.message_at])

    def sound(self) -> Bools:
        """Which rows hold a conversation that ``Record`` takes; it may call a sound one broken, not the
        reverse."""
        message_row = np.repeat(np.arange(self.rows), np.diff(self.message_at))
        place = np.arange(len(self.role)) - self.message_at[message_row]
        first = np.full(self.rows, -1, dtype=np.int64)
        filled = np.diff(self.message_at) > 0
        first[filled] = self.role[self.message_at[:-1][filled]]
        turn = place - (first[message_row] == SYSTEM)
        wanted = np.where(turn < 0, SYSTEM, np.where(turn % 2 == 0, USER, ASSISTANT))
        images = count_within(self.pictured, self.part_at)
        words = count_within(self._worded(), self.part_at)
        bad = (
            (self.role != wanted) | ((self.role == ASSISTANT) & (images > 0)) | ((images == 0) & (words == 0))
        )
        bad |= count_within(~self._part_sound(), self.part_at) > 0
        if self._messages.null_count:
            bad |= _truth(self._messages.is_null())
        return np.asarray(filled & (count_within(bad, self.message_at) == 0))

    def _worded(self) -> Bools:
        """Which parts hold words that are not blank."""
        blank = pc.or_kleene(pc.equal(pc.binary_length(self.text), 0), pc.utf8_is_space(self.text))
        return ~_truth(blank.fill_null(True))

    def _part_sound(self) -> Bools:
        text, image, name = (_truth(self._parts.field(key).is_valid()) for key in ("text", "image", "name"))
        worded = _truth(pc.equal(self._kind, "text"))
        sound = (worded & text & ~image & ~name) | (self.pictured & image & ~text)
        if self._parts.null_count:
            sound &= ~_truth(self._parts.is_null())
        at, data = strings(self.image)
        if not (np.diff(at)[self.pictured] == 64).all() or not _HEX[data[at[0] : at[-1]]].all():
            sound &= ~self.pictured | _truth(pc.match_substring_regex(self.image, "^[0-9a-f]{64}$"))
        return sound


def _truth(array: Any) -> Bools:
    """A boolean column as numpy, null as false."""
    filled: Bools = array.fill_null(False).to_numpy(zero_copy_only=False)
    return filled


def sound_rows(batch: pa.RecordBatch, flat: Flat) -> Bools:
    """Which rows of a batch are records, but for their ``meta``."""
    sound = flat.sound()
    for name, values in (("language", Language), ("split", Split), ("data_class", DataClass)):
        sound &= _truth(pc.is_in(batch.column(name), value_set=pa.array([str(v.value) for v in values])))
    sound &= _truth(pc.greater(pc.binary_length(batch.column("id")), 0))
    for name in ("task", "meta", "provenance"):
        sound &= _truth(batch.column(name).is_valid())
    provenance = batch.column("provenance")
    for name in ("source", "source_id", "url", "licence", "attribution", "steps"):
        sound &= _truth(provenance.field(name).is_valid())
    return sound


def utf8(batch: pa.RecordBatch) -> bool:
    """Whether every text of a batch is UTF-8, as Parquet promises and does not check."""
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def fault_of(batch: pa.RecordBatch, row: int, where: str) -> str | None:
    """Why a row is no record, or ``None`` if it is one after all."""
    try:
        parse_row(batch.slice(row, 1).to_pylist()[0], where)
    except UnicodeDecodeError:
        return f"{where} holds text that is not UTF-8; run its room again"
    except DataError as error:
        return str(error)
    return None
