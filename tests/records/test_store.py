"""Record folders: Parquet that any Arrow reader opens, and images stored once."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bimedix2.errors import DataError, ImageError, RunError
from bimedix2.manifest import RunFolder
from bimedix2.records import ImagePart, Language, Message, Provenance, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import SCHEMA, _to_row, open_shard, read_records, write_records, write_removed

texts = st.text(alphabet=st.characters(codec="utf-8"), min_size=1).filter(lambda t: bool(t.strip()))
images = st.builds(ImagePart, image=st.text("0123456789abcdef", min_size=64, max_size=64), name=texts)


@st.composite
def records(draw: st.DrawFn) -> Record:
    turns: list[Message] = []
    for _ in range(draw(st.integers(1, 3))):
        turns.append(Message.of("user", *draw(st.lists(st.one_of(texts, images), min_size=1, max_size=4))))
        turns.append(Message.of("assistant", draw(texts)))
    if draw(st.booleans()):
        turns.insert(0, Message.of("system", draw(texts)))
    return Record(
        id=draw(texts),
        messages=tuple(turns),
        language=draw(st.sampled_from(Language)),
        task="vqa",
        split=draw(st.sampled_from(Split)),
        provenance=Provenance(
            source="s", subject=draw(st.none() | texts), steps=tuple(draw(st.lists(texts)))
        ),
        meta=draw(st.dictionaries(texts, st.none() | st.integers(-5, 5) | texts | st.lists(texts))),
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(records(), unique_by=lambda r: r.id, max_size=4))
def test_parquet_round_trip(tmp_path_factory: pytest.TempPathFactory, rows: list[Record]) -> None:
    folder = tmp_path_factory.mktemp("r")
    assert write_records(folder, rows) == len(rows)
    assert list(read_records(folder)) == rows


def one(identity: str) -> Record:
    turns = (Message.of("user", "q"), Message.of("assistant", "a"))
    return Record(id=identity, messages=turns, language="en", task="qa", provenance=Provenance(source="s"))


def test_two_records_with_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="id '1'"):
        write_records(tmp_path, [one("1"), one("1")])


def test_an_empty_folder_and_a_broken_shard_are_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no records"):
        list(read_records(tmp_path))
    write_records(tmp_path, [one("1")])
    shard = tmp_path / "records" / "00000.parquet"
    shard.write_bytes(shard.read_bytes()[:40])
    with pytest.raises(DataError, match=r"00000\.parquet"):
        list(read_records(tmp_path))


@pytest.mark.parametrize("meta", [None, "{", "[]"])
def test_meta_that_is_no_json_object_is_named_with_its_row(tmp_path: Path, meta: str | None) -> None:
    rows = [one(f"{n}").to_json() | {"meta": "{}"} for n in range(3)]
    rows[1]["meta"] = meta
    with open_shard(tmp_path / "00000.parquet") as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
    (tmp_path / "records").mkdir()
    (tmp_path / "00000.parquet").rename(tmp_path / "records" / "00000.parquet")
    with pytest.raises(DataError, match="row 2: 'meta'"):
        list(read_records(tmp_path))


def finished(folder: Path, count: int) -> Path:
    """A finished folder of two shards."""
    with RunFolder(folder, "sources", {}) as out:
        (out.path / "records").mkdir()
        for number in range(2):
            with open_shard(out.path / "records" / f"{number:05d}.parquet") as writer:
                rows = [_to_row(one(f"{number}-{n}")) for n in range(count)]
                writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
        return out.publish({})


def test_a_shard_that_is_missing_or_one_too_many_is_not_passed_over(tmp_path: Path) -> None:
    folder = finished(tmp_path / "run", 2)
    assert [r.id for r in read_records(folder)] == ["0-0", "0-1", "1-0", "1-1"]
    (folder / "records" / "00000.parquet").rename(tmp_path / "away")
    with pytest.raises(RunError, match=r"00000\.parquet is missing; finished folders are immutable"):
        list(read_records(folder))
    (tmp_path / "away").rename(folder / "records" / "00000.parquet")
    (folder / "records" / "00002.parquet").write_bytes((folder / "records" / "00001.parquet").read_bytes())
    with pytest.raises(RunError, match=r"00002\.parquet is not in the manifest"):
        list(read_records(folder))


def test_one_changed_byte_of_a_page_is_noticed(tmp_path: Path) -> None:
    """zstd keeps short texts as they are, so that such a byte would be another letter in silence."""
    shard = finished(tmp_path / "run", 1) / "records" / "00001.parquet"
    data = shard.read_bytes()
    at = data.index(b"1-0")
    shard.write_bytes(data[:at] + b"2" + data[at + 1 :])
    with pytest.raises(DataError, match=r"00001\.parquet is damaged"):
        list(read_records(tmp_path / "run"))


def test_shards_of_a_killed_run_are_not_left_beside_those_of_the_next(tmp_path: Path) -> None:
    write_records(tmp_path, [one("1")])
    (tmp_path / "records" / "00000.parquet").rename(tmp_path / "records" / "00001.parquet")
    write_records(tmp_path, [one("2")])
    assert [record.id for record in read_records(tmp_path)] == ["2"]


def test_other_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    pq.write_table(pa.table({"x": [1]}), tmp_path / "records" / "00000.parquet")
    with pytest.raises(DataError, match="columns"):
        list(read_records(tmp_path))


def test_removed_rows_are_counted_by_reason(tmp_path: Path) -> None:
    counts = write_removed(tmp_path, [("a", "empty", 1), ("b", "empty", 2), ("c", "long", 3)])
    assert counts == {"empty": 2, "long": 1}
    assert (tmp_path / "removed" / "removed.jsonl").read_text().count("\n") == 3


def test_an_image_is_stored_once_and_checked_on_the_way_out(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    (tmp_path / "a.png").write_bytes(b"pixels")
    key = store.add(b"pixels")
    assert store.add_file(tmp_path / "a.png") == key
    assert key in store
    assert store.read(key) == b"pixels"
    store.path(key).write_bytes(b"changed")
    with pytest.raises(ImageError, match="was changed"):
        store.read(key)


def test_bad_images_are_named(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    (tmp_path / "zero.png").touch()
    with pytest.raises(ImageError, match=r"zero\.png is empty"):
        store.add_file(tmp_path / "zero.png")
    with pytest.raises(ImageError, match="does not exist"):
        store.add_file(tmp_path / "none.png")
    with pytest.raises(DataError, match="no sha256"):
        store.path("../x")
