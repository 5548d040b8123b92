"""One run: what is kept and removed, the order, the files, a kill on the way, and what stops it."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bimedix2 import config, dataset, io, manifest
from bimedix2.dataset import shuffle
from bimedix2.errors import ConfigError, DataError, ImageError, RunError
from bimedix2.records import ImagePart, Message, Record
from bimedix2.records.images import ImageStore
from bimedix2.records.store import SCHEMA, read_records

from .conftest import Write, record

Build = Callable[..., Path]


def removed(folder: Path) -> dict[str, str]:
    return {row["id"]: row["reason"] for _, row in io.read_jsonl(folder / "removed" / "removed.jsonl")}


def test_a_dataset_holds_out_wordings_with_their_subjects(write: Write, build: Build) -> None:
    rows = [
        record(f"{subject}{wording}", image=subject, subject=subject, meta={"wording": wording})
        for subject in ("p", "q")
        for wording in ("train", "held_out")
    ]
    folder = build(write(rows, ["p", "q"]), split={"test_subjects": {"a": 1}})
    kept = list(read_records(folder))
    assert sorted((r.split.value, r.meta["wording"]) for r in kept) == [
        ("test", "held_out"),
        ("train", "train"),
    ]
    assert manifest.read_manifest(folder)["counts"]["removed"] == {"wording-of-the-other-side": 2}
    assert all(r.images[0].image in ImageStore(folder / "images") for r in kept)
    manifest.verify(folder)


def test_the_same_file_under_two_names_is_not_trained_on(write: Write, build: Build) -> None:
    rows = [record(subject, f"q {subject}", image="same", subject=subject) for subject in ("p", "q")]
    folder = build(write(rows, ["same"]), split={"test_subjects": {"a": 1}})
    assert manifest.read_manifest(folder)["counts"]["removed"] == {"image-on-both-sides": 1}
    assert [r.split.value for r in read_records(folder)] == ["test"]


FAILED = {"translation": {"of": "x", "failed": ["negation", "numbers"]}}


def translations() -> list[Record]:
    """On every side one that fails checks; one that a reviewer has looked at, one that fails none, and one
    whose ``meta`` says the words for another reason."""
    sides = ("train", "validation", "test")
    rows = [record(f"{side} failed", f"q {side}", split=side, meta=FAILED) for side in sides]
    others = {
        "reviewed": FAILED | {"review": {"rating": "accept"}},
        "passed": {"translation": {"of": "y", "failed": []}},
        "words": {"note": 'its "translation" "failed"'},
    }
    rows += [record(name, f"q {name}", split="train", meta=meta) for name, meta in others.items()]
    # Says and shows what the failed one of the test side does: as that is not asked, this may train.
    return [*rows, record("twin", "q test", split="train", source="b")]


def test_a_translation_that_fails_a_check_unseen_enters_no_side(write: Write, build: Build) -> None:
    folder = build(write(translations()))
    assert {r.id for r in read_records(folder)} == {"reviewed", "passed", "words", "twin"}
    sides = ("train", "validation", "test")
    assert [row for _, row in io.read_jsonl(folder / "removed" / "removed.jsonl")] == [
        {"id": f"{side} failed", "reason": "translation-unreviewed", "what": "negation, numbers"}
        for side in sides
    ]
    assert manifest.read_manifest(folder)["counts"]["removed"] == {"translation-unreviewed": 3}
    assert "| translation-unreviewed | 3 |" in (folder / "README.md").read_text(encoding="utf-8")


def test_a_recipe_may_keep_translations_that_fail_a_check(write: Write, build: Build) -> None:
    folder = build(write(translations()), failed_translations="keep")
    assert manifest.read_manifest(folder)["counts"]["removed"] == {"leak-content": 1}  # the twin
    assert len(list(read_records(folder))) == 6


def test_a_benchmark_stands_guard_though_its_translation_fails_a_check(write: Write, build: Build) -> None:
    bench = write([record("b", "q", split="test", source="bench", meta=FAILED)], name="bench")
    mine = write([record("t", "q", split="train"), record("u", "other", split="train")])
    folder = build(mine, leakage={"against": [bench]})
    assert manifest.read_manifest(folder)["counts"]["removed"] == {"leak-content": 1}


def test_the_order_is_one_seeded_shuffle_a_side_whatever_the_threads_and_buckets(
    write: Write, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        record(f"{n}", f"q{n}", split="test" if n % 10 == 3 else "train", meta={"n": n}) for n in range(300)
    ]
    asked = write(rows)
    monkeypatch.setattr(shuffle, "ROWS_PER_GROUP", 7)
    monkeypatch.setattr(shuffle, "BUCKET_BYTES", 100)
    build_shards = shuffle.shards_of
    monkeypatch.setattr(shuffle, "shards_of", lambda counts, size: build_shards(counts, size, 50))
    found = []
    for workers in (1, 3):
        folder = build(asked, output=asked.parent / f"out{workers}", workers=workers, seed=5)
        found.append([r.id for r in read_records(folder)])
        names = sorted(file.name for file in (folder / "records").iterdir())
        assert names[0] == "00000-train.parquet"
        assert len(names) > 3
        assert names[-1].endswith("-test.parquet")
        assert not (folder / ".spill").exists()
    wanted = []
    for side in ("train", "test"):
        ids = [r.id for r in rows if r.split.value == side]
        random.Random(5).shuffle(ids)
        wanted += ids
    assert found == [wanted, wanted]


def test_every_column_comes_through(write: Write, build: Build) -> None:
    turns = (
        Message.of("system", "كن موجزًا"),
        Message.of("user", "<image>", ImagePart(image=io.sha256_bytes(b"i"), name="ص.png"), "\u2028"),
        Message.of("assistant", "a", "b"),
        Message.of("user", "?"),
    )
    one = record(
        "x", licence="CC-BY-4.0", subject="s", meta={"ب": [1, None]}, data_class="patient", split="train"
    )
    full = one.model_copy(update={"messages": turns})
    folder = build(write([full], ["i"]))
    assert list(read_records(folder)) == [full]
    (shard,) = (folder / "records").iterdir()
    assert pq.read_schema(shard).names == SCHEMA.names
    assert "credentialed" not in (folder / "README.md").read_text(encoding="utf-8")
    assert "class patient" in (folder / "README.md").read_text(encoding="utf-8")


def test_one_of_what_says_and_shows_the_same_is_kept_but_tests_stay_whole(write: Write, build: Build) -> None:
    rows = [
        record("first", "One?"),
        record("again", "One?", subject="other", meta={"k": 1}),
        record("other answer", "One?", "b"),
        record("t1", "Two?", split="test"),
        record("t2", "Two?", split="test"),
    ]
    folder = build(write(rows))
    assert {r.id for r in read_records(folder)} == {"first", "other answer", "t1", "t2"}
    (_, line), *_ = io.read_jsonl(folder / "removed" / "removed.jsonl")
    assert line == {"id": "again", "reason": "duplicate", "what": "first"}
    kept = build(folder.parent / "in", output=folder.parent / "all", deduplicate=False)
    assert len(list(read_records(kept))) == 5


def broken(folder: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Write a finished folder whose rows no room would write."""
    rows = [r.to_json() | {"meta": "{}"} for r in (record(f"{n}", f"q{n}") for n in range(6))]
    change(rows)
    with manifest.RunFolder(folder, "curate", {}) as out:
        (out.path / "records").mkdir()
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), out.path / "records" / "00000.parquet")
        out.publish({})


def test_rows_that_are_no_records_are_counted_and_kept_aside(tmp_path: Path, build: Build) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[1]["messages"][1]["content"][0]["text"] = " "
        rows[2]["meta"] = "[1]"
        rows[3]["id"] = "0"
        rows[4]["messages"][0]["content"].insert(0, {"type": "image", "image": "0" * 64, "name": ""})

    broken(tmp_path / "in", change)
    folder = build(tmp_path / "in")
    assert {r.id for r in read_records(folder)} == {"0", "5"}
    counts = manifest.read_manifest(folder)["counts"]
    assert counts["removed"] == {"broken-record": 2, "duplicate-id": 1, "missing-image": 1}
    said = {row["id"]: row["what"] for _, row in io.read_jsonl(folder / "removed" / "removed.jsonl")}
    assert "00000.parquet row 2: " in said["1"]
    assert "message 2 (assistant) is empty" in said["1"]
    assert "row 3: 'meta'" in said["2"]
    assert said["4"] == "image 000000000000 is in no input's images/"
    with pytest.raises(
        DataError, match=r"3 records are broken, more than 'max_broken' \(2\), the last: 4: image"
    ):
        build(tmp_path / "in", output=tmp_path / "strict", max_broken=2)


def test_text_that_is_not_utf8_costs_its_row_alone(tmp_path: Path, build: Build) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[3]["messages"][0]["content"][0]["text"] = "qqqqqqqq"

    broken(tmp_path / "in", change)
    shard = tmp_path / "in" / "records" / "00000.parquet"
    pq.write_table(pq.read_table(shard), shard, compression="none", use_dictionary=False)
    shard.write_bytes(shard.read_bytes().replace(b"qqqqqqqq", b"\xc7\xe1\xd5\xe6\xd1\xc9\xff\xfe"))
    folder = build(tmp_path / "in")
    assert {r.id for r in read_records(folder)} == {"0", "1", "2", "4", "5"}
    (_, line), *_ = io.read_jsonl(folder / "removed" / "removed.jsonl")
    assert line["reason"] == "broken-record"
    assert "row 4 holds text that is not UTF-8" in line["what"]


def test_an_image_that_was_changed_on_disk_stops_the_run(write: Write, build: Build) -> None:
    asked = write([record("1", image="scan")], ["scan"])
    key = io.sha256_bytes(b"scan")
    (asked / "images" / key[:2] / key).write_bytes(b"other")
    with pytest.raises(ImageError, match="was changed on disk"):
        build(asked)
    assert not (asked.parent / "out").exists()


def test_two_inputs_meet(write: Write, build: Build) -> None:
    one = write([record("1", image="a"), record("same", "x")], ["a"], name="one")
    two = write([record("2", "r", image="b"), record("same", "y")], ["b"], name="two")
    folder = build(one, two)
    assert {r.id for r in read_records(folder)} == {"1", "2", "same"}
    assert removed(folder) == {"same": "duplicate-id"}
    assert set(manifest.read_manifest(folder)["inputs"]) == {"inputs.0", "inputs.1"}


def test_an_empty_side_and_an_empty_dataset_are_written(write: Write, build: Build) -> None:
    asked = write([record("1")])
    folder = build(asked, train={"total": 1, "weights": {"vqa": 0}})
    assert list(read_records(folder)) == []
    assert removed(folder) == {"1": "mixture-train"}


def test_what_cannot_be_read_is_said_before_anything_is_written(write: Write, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a folder"):
        dataset.run(dataset.Config(inputs=[tmp_path / "none"], output=tmp_path / "out"))
    with pytest.raises(ConfigError, match="there is nothing to read"):
        config.build(dataset.Config, {"output": "x"})
    assert not list(tmp_path.glob(".out*"))


def test_a_dry_run_says_what_would_be_built(
    write: Write, build: Build, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = write([record("1"), record("2"), record("3", "r", source="b")])
    plan = build(asked, dry_run=True)
    assert sorted(path.name for path in asked.parent.iterdir()) == ["in", "out.plan.json"]
    assert io.read_json(plan)["counts"] == {"in": 3, "kept": 2, "removed": {"duplicate": 1}}
    shown = capsys.readouterr().err
    lines = [re.findall(r"[\w,]+", line) for line in shown.splitlines()]
    assert ["a", "2", "1"] in lines
    assert ["total", "3", "2"] in lines


KILLED = """
import sys, os, signal
from pathlib import Path
from bimedix2 import dataset
from bimedix2.dataset import shuffle
write = shuffle.write
def stop(*args):
    Path(sys.argv[3]).touch()
    signal.pause()
if sys.argv[3]:
    shuffle.write = stop
dataset.run(dataset.Config(inputs=[sys.argv[1]], output=sys.argv[2], card={"chart": False}))
"""


def test_a_killed_run_leaves_no_half_and_is_done_again(write: Write, tmp_path: Path) -> None:
    asked = write([record(f"{n}", f"q{n}") for n in range(50)])
    arguments = [sys.executable, "-c", KILLED, str(asked), str(tmp_path / "out")]
    process = subprocess.Popen([*arguments, str(tmp_path / "reached")])
    deadline = time.monotonic() + 60
    while not (tmp_path / "reached").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "out").exists()
    assert (tmp_path / ".out.partial" / ".spill").is_dir()
    subprocess.run([*arguments, ""], check=True, timeout=60)
    assert len(list(read_records(tmp_path / "out"))) == 50
    manifest.verify(tmp_path / "out")


def test_buckets_stay_small_when_records_are_long() -> None:
    short = shuffle.shards_of([300_000, 0, 10], 300_010 * 1_000)
    assert [len(shard.buckets) for shard in short] == [2, 2, 2, 1]
    assert [shard.name for shard in short][-1] == "00003-test.parquet"
    assert short[-1].start == 300_000
    long = shuffle.shards_of([300_000, 0, 0], 300_000 * 10_000)
    sizes = np.diff([bucket for shard in long for bucket in shard.buckets])
    assert sizes.max() * 10_000 <= shuffle.BUCKET_BYTES + 4096 * 10_000
    assert all(bucket % 4096 == 0 for shard in long for bucket in shard.buckets)


def test_a_record_may_be_of_any_length(write: Write, build: Build) -> None:
    rows: list[Record] = [record("long", "word " * 200_000), record("short")]
    assert {len(r.messages[0].text) for r in read_records(build(write(rows)))} == {1_000_000, 1}
