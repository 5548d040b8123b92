"""What must be known of every row before anything is decided: a few numbers each, so that millions fit.

A row's *profile* is what it shares with many others (source, task, language, licence, ...): it is kept once,
and the row has its number. Identities (id, subject, source's id) are kept as 64-bit hashes, what is said and
shown as 128 bits of a sha256, images whole.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bimedix2.dataset import batches
from bimedix2.dataset.batches import Bools, Flat, Ints, Unit, count_within, strings
from bimedix2.dataset.ngrams import word_bounds
from bimedix2.records.pseudonyms import KEYED, key_of
from bimedix2.records.translations import failed_in

_BLANK = bytes(0 if bytes([code]).isspace() else 1 for code in range(256))
"""Byte -> 0 where it is a blank, as ``bytes.translate`` takes it."""


class Profile(NamedTuple):
    """What a row shares with many others."""

    folder: int
    source: str
    licence: str
    task: str
    language: str
    split: str
    data_class: str
    pictured: bool
    turns: str
    """``single``, or ``multi`` from two questions on."""
    key: str
    """Fingerprint of the key that its source id and subject are pseudonyms of; empty where they are none."""
    wording: str | None
    cells: tuple[str, ...]
    """The values of the ``meta`` keys that the recipe balances by."""
    failed: tuple[str, ...]
    """Checks that its translation fails and that no reviewer has looked at."""


@dataclass(frozen=True)
class Looked:
    """What the recipe asks of the rows.

    Attributes:
        meta: keys of ``meta`` whose values make cells.
        named: sources whose subjects' names are needed, not their hashes alone.
        drawn: source -> whether an image hash, or a source's id, is held out by itself.
    """

    meta: tuple[str, ...] = ()
    named: frozenset[str] = frozenset()
    drawn_images: Mapping[str, Callable[[str], bool]] = field(default_factory=dict)
    drawn_ids: Mapping[str, Callable[[str], bool]] = field(default_factory=dict)


class Survey:
    """The numbers of all rows.

    Args:
        rows: how many there are in all folders.
        looked: what the recipe asks of them.

    Attributes:
        content: two numbers each, equal for rows that say and show the same.
        key: of the id; 0 is none.
        subject: 0 where unknown.
        origin: of source and source's id; 0 where the source gives none.
        profile: index into ``profiles``; -1 for a row that is no record.
        drawn: whether its own image or id holds it out.
        pictures: how many images it shows.
        broken: row -> why it is no record.
        meta_keys: the keys of ``meta`` that some row has; kept where the recipe balances by one.
        names: source -> its subjects, of the sources that were asked for.
    """

    def __init__(self, rows: int, looked: Looked) -> None:
        self.looked = looked
        self.content = np.zeros((rows, 2), dtype=np.uint64)
        self.key = np.zeros(rows, dtype=np.int64)
        self.subject = np.zeros(rows, dtype=np.int64)
        self.origin = np.zeros(rows, dtype=np.int64)
        self.profile = np.full(rows, -1, dtype=np.int32)
        self.drawn = np.zeros(rows, dtype=np.bool_)
        self.pictures = np.zeros(rows, dtype=np.int32)
        self.words = np.zeros(rows, dtype=np.int32)
        self.characters = np.zeros(rows, dtype=np.int32)
        self.profiles: list[Profile] = []
        self.broken: dict[int, str] = {}
        self.meta_keys: set[str] = set()
        self.names: dict[str, set[str]] = {source: set() for source in looked.named}
        self._numbers: dict[Profile, int] = {}
        self._ids: dict[int, pa.Array] = {}
        self._images: dict[int, pa.Array] = {}
        self._lock = Lock()

    @property
    def rows(self) -> int:
        return len(self.key)

    def ids(self) -> pa.ChunkedArray:
        """The id of every row, in order."""
        return pa.chunked_array([self._ids[first] for first in sorted(self._ids)], type=pa.string())

    def images(self) -> tuple[Ints, Ints, pa.Array]:
        """Row and image number of every image that is shown, in order, and the hashes that numbers stand
        for."""
        shown = pa.chunked_array([self._images[first] for first in sorted(self._images)], type=pa.string())
        encoded = shown.combine_chunks().dictionary_encode()
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        rows = np.repeat(np.arange(self.rows), self.pictures)
        return rows, encoded.indices.to_numpy().astype(np.int64), encoded.dictionary

    def column(self, value: Callable[[Profile], Any], dtype: Any) -> np.ndarray[tuple[int, ...], Any]:
        """A value of every row, told from its profile; of a row that is none, the type's zero."""
        table = np.array([*(value(profile) for profile in self.profiles), dtype(0)], dtype=dtype)
        return np.asarray(table[self.profile])

    def take(self, unit: Unit) -> None:
        """Read a unit and keep its rows' numbers."""
        for first, batch in batches.read(unit):
            self._take(first, batch, unit)

    def _take(self, first: int, batch: pa.RecordBatch, unit: Unit) -> None:
        rows = slice(first, first + batch.num_rows)
        if not batches.utf8(batch):
            self._take_slowly(first, batch, unit)
            return
        flat = Flat(batch.column("messages"))
        sound = batches.sound_rows(batch, flat)
        meta, parsed, meta_keys = _meta(batch.column("meta"), self.looked.meta)
        with self._lock:
            self.meta_keys |= meta_keys
        sound &= parsed
        where = f"{unit.file} row "
        for row in np.flatnonzero(~sound).tolist():
            reason = batches.fault_of(batch, row, f"{where}{unit.before + first - unit.first + row + 1}")
            if reason is None:
                sound[row] = True
            else:
                self.broken[first + row] = reason
        self._profiles(rows, batch, flat, meta, sound, unit.folder)
        provenance = batch.column("provenance")
        self.key[rows] = _hashes(batch.column("id"))
        self.subject[rows] = _hashes(provenance.field("subject"))
        self.origin[rows] = _origins(provenance)
        self.content[rows] = contents(flat)
        at, data = strings(flat.text)
        part_at = flat.row_part_at
        self.characters[rows] = _lengths(flat.text, part_at)
        self.words[rows] = _words(data[at[0] : at[-1]], at - at[0], part_at)
        self.pictures[rows] = count_within(flat.pictured, part_at)
        self._draw(rows, batch, flat)
        self._ids[first] = batch.column("id").fill_null("")
        self._images[first] = flat.image.filter(pa.array(flat.pictured)).fill_null("")

    def _take_slowly(self, first: int, batch: pa.RecordBatch, unit: Unit) -> None:
        """Of a batch that holds text which is not UTF-8, keep the rows that do not."""
        for row in range(batch.num_rows):
            alone = batch.take(pa.array([row]))
            if batches.utf8(alone):
                self._take(first + row, alone, unit)
            else:
                number = unit.before + first - unit.first + row + 1
                self.broken[first + row] = (
                    f"{unit.file} row {number} holds text that is not UTF-8; run its room again"
                )
                self._ids[first + row] = pa.array([f"{unit.file.name} row {number}"])

    def _profiles(
        self,
        rows: slice,
        batch: pa.RecordBatch,
        flat: Flat,
        meta: tuple[Ints, list[Any]],
        sound: Bools,
        folder: int,
    ) -> None:
        provenance = batch.column("provenance")
        columns = [_encoded(provenance.field(name)) for name in ("source", "licence")]
        columns += [_encoded(batch.column(name)) for name in ("task", "language", "split", "data_class")]
        pictured = count_within(flat.pictured, flat.row_part_at) > 0
        multi = count_within(flat.role == batches.USER, flat.message_at) > 1
        columns += [(pictured.astype(np.int64), [False, True]), (multi.astype(np.int64), ["single", "multi"])]
        columns += [_keys(provenance.field("steps")), meta]
        code = np.zeros(batch.num_rows, dtype=np.int64)
        for codes, values in columns:
            code = code * max(1, len(values)) + codes
        unique, inverse = np.unique(code[sound], return_inverse=True)
        numbers = np.empty(len(unique), dtype=np.int32)
        for place, one in enumerate(unique.tolist()):
            found: list[Any] = []  # last column first
            for _, values in reversed(columns):
                one, index = divmod(one, len(values))
                found.append(values[index])
            (wording, cells, failed), *shared = found
            numbers[place] = self._number(Profile._make([folder, *reversed(shared), wording, cells, failed]))
        self.profile[rows][sound] = numbers[inverse]

    def _number(self, profile: Profile) -> int:
        with self._lock:
            if profile not in self._numbers:
                self._numbers[profile] = len(self.profiles)
                self.profiles.append(profile)
            return self._numbers[profile]

    def _draw(self, rows: slice, batch: pa.RecordBatch, flat: Flat) -> None:
        """Subjects' names, and whether an image or id is held out by itself, where a rule asks for it."""
        looked, provenance = self.looked, batch.column("provenance")
        source = provenance.field("source")
        for name in looked.named:
            mine = provenance.field("subject").filter(pc.equal(source, name).fill_null(False))
            found = {text for text in pc.unique(mine).to_pylist() if text is not None}
            with self._lock:
                self.names[name] |= found
        if not looked.drawn_images and not looked.drawn_ids:
            return
        part_at, shown = flat.row_part_at, np.flatnonzero(flat.pictured)
        next_shown = np.append(shown, len(flat.pictured))[np.searchsorted(shown, part_at[:-1])]
        drawn = self.drawn[rows]
        for row, name in enumerate(source.to_pylist()):
            if name in looked.drawn_images and next_shown[row] < part_at[row + 1]:
                drawn[row] = looked.drawn_images[name](flat.image[int(next_shown[row])].as_py())
            elif name in looked.drawn_ids and (own := provenance.field("source_id")[row].as_py()):
                drawn[row] = looked.drawn_ids[name](own)


def survey(folders: Sequence[Path], looked: Looked, workers: int) -> tuple[list[Unit], Survey]:
    """Read all folders once.

    Raises:
        RunError: a folder has no shards.
        DataError: a shard is no Parquet file of records.
    """
    units = batches.units_of(folders)
    found = Survey(sum(unit.rows for unit in units), looked)
    for _ in batches.in_threads(found.take, units, workers):
        pass
    return units, found


def contents(flat: Flat) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    """Two numbers a row, equal as ``Record.content_hash`` is: roles, and parts in order, without images'
    names."""
    text_at, text = strings(flat.text)
    image_at, image = strings(flat.image)
    first = np.zeros(len(flat.pictured), dtype=np.int64)
    starts = flat.part_at[:-1]
    first[starts[starts < len(first)]] = 1
    role = np.repeat(flat.role, np.diff(flat.part_at))
    # A part: its length with what it is. Texts and images stand one after the other, so lengths part them.
    form = ((np.diff(text_at) * 4 + role) * 2 + flat.pictured) * 2 + first
    parts = memoryview(form.astype("<i8").tobytes())
    part_at = flat.row_part_at
    texts, images = memoryview(text.data), memoryview(image.data)
    bounds = [column.tolist() for column in (text_at[part_at], image_at[part_at], part_at * 8)]
    digests = []
    for row in range(flat.rows):
        digest = hashlib.sha256(parts[bounds[2][row] : bounds[2][row + 1]])
        digest.update(texts[bounds[0][row] : bounds[0][row + 1]])
        digest.update(images[bounds[1][row] : bounds[1][row + 1]])
        digests.append(digest.digest()[:16])
    return np.frombuffer(b"".join(digests), dtype=np.uint64).reshape(-1, 2)


def _encoded(column: pa.StringArray) -> tuple[Ints, list[Any]]:
    """Codes of a text column and what they stand for; a null gets the first code."""
    encoded = column.dictionary_encode()
    return encoded.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64), (
        encoded.dictionary.to_pylist()
    )


def _keys(steps: pa.ListArray) -> tuple[Ints, list[Any]]:
    """Codes of the keys that rows' ids are pseudonyms of, and the fingerprints that they stand for."""
    at, values = batches.opened(steps)
    codes = np.zeros(len(at) - 1, dtype=np.int64)
    keyed = pc.starts_with(values, KEYED).fill_null(False).to_numpy(zero_copy_only=False)
    found = {"": 0}
    for row in np.flatnonzero(count_within(keyed, at)).tolist():
        key = key_of(step for step in values[int(at[row]) : int(at[row + 1])].to_pylist() if step)
        codes[row] = found.setdefault(key, len(found))
    return codes, list(found)


def _meta(column: pa.StringArray, keys: tuple[str, ...]) -> tuple[tuple[Ints, list[Any]], Bools, set[str]]:
    """Codes of what is asked of ``meta`` (wording, the recipe's keys, failed checks of a translation), what
    they stand for, which rows hold a JSON object, and, where keys are asked for, all keys that there are."""
    codes, texts = _encoded(column)
    there: set[str] = set()
    values: dict[Any, int] = {(None, ("",) * len(keys), ()): 0}
    of_text = np.zeros(max(1, len(texts)), dtype=np.int64)
    good = np.zeros(max(1, len(texts)), dtype=np.bool_)
    for number, text in enumerate(texts):
        try:
            meta = json.loads(text)
        except ValueError:
            continue
        if not isinstance(meta, dict):
            continue
        good[number] = True
        if keys:
            there.update(meta)
        wording = meta.get("wording")
        cells = tuple(str(meta.get(key, "")) for key in keys)
        asked = (None if wording is None else str(wording), cells, failed_in(meta))
        of_text[number] = values.setdefault(asked, len(values))
    return (of_text[codes], list(values)), good[codes], there


def _hashes(column: pa.StringArray) -> Ints:
    """A 64-bit hash of every text; 0 for a null. Good for this process alone: Python draws its key anew."""
    return np.fromiter(
        (0 if text is None else hash(text) or 1 for text in column.to_pylist()), np.int64, len(column)
    )


def _origins(provenance: pa.StructArray) -> Ints:
    names = provenance.field("source").to_pylist()
    ids = provenance.field("source_id").to_pylist()
    pairs = zip(names, ids, strict=True)
    return np.fromiter((hash(pair) or 1 if pair[1] else 0 for pair in pairs), np.int64, len(names))


def _lengths(texts: pa.StringArray, at: Ints) -> Ints:
    total = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(pc.utf8_length(texts).fill_null(0).to_numpy(zero_copy_only=False), out=total[1:])
    return np.asarray(total[at[1:]] - total[at[:-1]])


def _words(data: batches.Bytes, text_at: Ints, part_at: Ints) -> Ints:
    """Words of every row: runs of what is no blank."""
    inside = np.frombuffer(data.tobytes().translate(_BLANK), dtype=np.bool_)
    first, _ = word_bounds(inside, text_at)
    return np.diff(np.searchsorted(first, text_at[part_at]))
