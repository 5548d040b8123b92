"""What is told apart by column is what the record type refuses, row by row."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bimedix2.dataset import batches
from bimedix2.dataset.batches import Flat
from bimedix2.dataset.survey import contents
from bimedix2.errors import DataError, RunError
from bimedix2.records.store import SCHEMA, parse_row

KEY = "0123456789abcdef" * 4
GOOD = {
    "id": "1",
    "messages": [
        {
            "role": "user",
            "content": [{"type": "image", "image": KEY, "name": "a.png"}, {"type": "text", "text": "سؤال"}],
        },
        {"role": "assistant", "content": [{"type": "text", "text": "answer"}]},
    ],
    "language": "ar",
    "task": "vqa",
    "split": "none",
    "data_class": "open",
    "provenance": {
        "source": "s",
        "source_id": "",
        "subject": None,
        "url": "",
        "licence": "CC0-1.0",
        "attribution": "",
        "steps": [],
    },
    "meta": "{}",
}

texts = st.sampled_from([None, "", " ", "\u2003\n", "word", "كلمة"])
parts = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["text", "text", "image", "video", None]),
        "text": texts,
        "image": st.sampled_from([None, None, KEY, KEY[:-1], KEY.upper(), "é" * 32]),
        "name": st.sampled_from([None, "a.png"]),
    }
)
usual = st.sampled_from(
    [
        {"type": "text", "text": "word", "image": None, "name": None},
        {"type": "image", "text": None, "image": KEY, "name": "a.png"},
    ]
)
messages = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["system", "user", "assistant", "user", "assistant", "tool"]),
            "content": st.lists(st.one_of(usual, usual, parts), max_size=3),
        }
    ),
    max_size=4,
)
rows = st.builds(
    lambda **changes: {**GOOD, **changes},
    messages=messages | st.just(GOOD["messages"]),
    language=st.sampled_from(["ar", "en", "ar", "mixed", "fr", None]),
    id=st.sampled_from(["1", "1", "x", "", None]),
    task=st.sampled_from(["vqa", "vqa", None]),
)


def batch_of(values: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(values, schema=SCHEMA)


def takes(row: dict[str, Any]) -> bool:
    try:
        parse_row(row, "here")
    except DataError:
        return False
    return True


@settings(max_examples=300, deadline=None)
@given(st.lists(rows, min_size=1, max_size=4), st.integers(0, 3))
def test_what_looks_sound_is_a_record(values: list[dict[str, Any]], start: int) -> None:
    batch = batch_of(values).slice(min(start, len(values) - 1))  # a slice: offsets that do not begin at 0
    sound = batches.sound_rows(batch, Flat(batch.column("messages")))
    wanted = [takes(row) for row in batch.to_pylist()]
    for row, (found, right) in enumerate(zip(sound.tolist(), wanted, strict=True)):
        assert not found or right, batch.to_pylist()[row]
        assert (batches.fault_of(batch, row, "here") is None) == right
    simple = [
        i
        for i, row in enumerate(batch.to_pylist())
        if row["messages"] == batch_of([GOOD]).to_pylist()[0]["messages"]
    ]
    assert all(sound[i] == wanted[i] for i in simple)


words = st.sampled_from(["a", "b", "ab", "كلمة", "a\nb"])
said = words.map(lambda text: {"type": "text", "text": text})
shown = st.sampled_from([KEY, KEY[::-1]]).flatmap(
    lambda image: st.sampled_from(["x", "y"]).map(
        lambda name: {"type": "image", "image": image, "name": name}
    )
)


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    turns = []
    for _ in range(draw(st.integers(1, 2))):
        turns.append({"role": "user", "content": draw(st.lists(said | shown, min_size=1, max_size=3))})
        turns.append({"role": "assistant", "content": draw(st.lists(said, min_size=1, max_size=2))})
    return turns


@settings(max_examples=200, deadline=None)
@given(st.lists(conversations(), min_size=2, max_size=5))
def test_contents_are_equal_as_content_hashes_are(values: list[Any]) -> None:
    batch = batch_of([{**GOOD, "messages": value} for value in values])
    assert batches.sound_rows(batch, Flat(batch.column("messages"))).all()
    found = [tuple(pair) for pair in contents(Flat(batch.column("messages"))).tolist()]
    hashes = [parse_row(row, "here").content_hash() for row in batch.to_pylist()]
    pairs = [(i, j) for i in range(len(values)) for j in range(i)]
    assert all((found[i] == found[j]) == (hashes[i] == hashes[j]) for i, j in pairs)


def test_neighbouring_texts_are_not_one() -> None:
    def said(*texts: str) -> dict[str, Any]:
        content = [{"type": "text", "text": text} for text in texts]
        return {**GOOD, "messages": [{"role": "user", "content": content}, GOOD["messages"][1]]}

    flat = Flat(batch_of([said("ab", "c"), said("a", "bc"), said("abc"), said("ab", "c")]).column("messages"))
    first, second, third, fourth = (tuple(pair) for pair in contents(flat).tolist())
    assert first == fourth
    assert len({first, second, third}) == 3


def test_units_cover_all_rows_in_order(tmp_path: Path) -> None:
    for name, sizes in (("a", [5, 3]), ("b", [4])):
        (tmp_path / name / "records").mkdir(parents=True)
        for shard, size in enumerate(sizes):
            rows = [{**GOOD, "id": f"{name}{shard}-{n}"} for n in range(size)]
            table = pa.Table.from_pylist(rows, schema=SCHEMA)
            pq.write_table(table, tmp_path / name / "records" / f"{shard:05d}.parquet", row_group_size=2)
    units = batches.units_of([tmp_path / "a", tmp_path / "b"])
    assert [unit.folder for unit in units] == [0, 0, 1]
    found = [(first, batch.column("id").to_pylist()) for unit in units for first, batch in batches.read(unit)]
    ids = [identity for _, some in found for identity in some]
    assert [first for first, _ in found] == np.cumsum([0] + [len(some) for _, some in found])[:-1].tolist()
    assert ids == [f"a0-{n}" for n in range(5)] + [f"a1-{n}" for n in range(3)] + [
        f"b0-{n}" for n in range(4)
    ]


def test_a_folder_without_records_and_a_broken_shard_are_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no records"):
        batches.units_of([tmp_path])
    (tmp_path / "records").mkdir()
    shard = tmp_path / "records" / "00000.parquet"
    shard.write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"00000\.parquet is damaged or no Parquet file"):
        batches.units_of([tmp_path])
    pq.write_table(pa.table({"x": [1]}), shard)
    with pytest.raises(DataError, match="does not have a record's columns"):
        batches.units_of([tmp_path])
