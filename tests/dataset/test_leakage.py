"""What a test record shares with training is found, named, counted and removed, or reported alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bimedix2 import io
from bimedix2.dataset.leakage import Runs
from bimedix2.errors import ConfigError
from bimedix2.manifest import read_manifest
from bimedix2.records import Record
from bimedix2.records.store import read_records

from .conftest import Write, record

Build = Callable[..., Path]
CASE = (
    "A 54-year-old man comes in with chest pain that began two hours ago while he was climbing stairs at "
    "home and has not gone away since."
)
ARABIC = "رجل يبلغ من العمر 54 عامًا يشكو من ألم في الصدر بدأ قبل ساعتين أثناء صعود الدرج في المنزل ولم يزل"


def removed(folder: Path) -> dict[str, tuple[str, str]]:
    rows = (row for _, row in io.read_jsonl(folder / "removed" / "removed.jsonl"))
    return {row["id"]: (row["reason"], row["what"]) for row in rows}


def benchmark() -> list[Record]:
    return [
        record("t1", CASE, "Aspirin.", source="medqa", source_id="77", split="test", task="mcq"),
        record(
            "t2", "Which side?", image="scan", source="slake", source_id="4", subject="slake:9", split="test"
        ),
        record("t3", f"{ARABIC}؟", "نعم.", source="medqa", source_id="78", split="test", language="ar"),
    ]


def test_every_kind_of_leak_is_removed_with_the_test_record_it_leads_to(write: Write, build: Build) -> None:
    leaks = [
        record("image", "What is it?", image="scan", source="other"),
        record("content", CASE, "Aspirin.", source="other"),
        record("twin", "ما العلاج؟", "الأسبرين.", source="medqa", source_id="77", language="ar"),
        record("subject", "Which organ?", image="second", source="other", subject="slake:9"),
        record("run", f"Dialogue. Doctor: {CASE.upper().replace(',', ' ;')} What now?", source="other"),
        record("run-ar", f"سؤال: {ARABIC.replace('أ', 'ا')}", "لا.", source="other", language="ar"),
    ]
    clean = [
        record("clean", "What is it?", image="third", source="other", subject="slake:10"),
        record("short", "comes in with chest pain that began two hours ago", source="other", subject="s"),
    ]
    folder = build(write([*benchmark(), *leaks, *clean], ["scan", "second", "third"]))
    assert {r.id for r in read_records(folder)} == {"t1", "t2", "t3", "clean", "short"}
    found = removed(folder)
    assert {key: reason for key, (reason, _) in found.items()} == {
        "image": "image-on-both-sides",
        "content": "leak-content",
        "twin": "leak-source-id",
        "subject": "leak-subject",
        "run": "leak-ngram",
        "run-ar": "leak-ngram",
    }
    assert [found[key][1][:2] for key in ("image", "content", "twin", "subject", "run")] == [
        "t2",
        "t1",
        "t1",
        "t2",
        "t1",
    ]
    assert found["run"][1].startswith("t1: A 54 YEAR OLD MAN COMES IN")
    assert found["run-ar"][1].startswith("t3: رجل يبلغ من العمر 54")
    report = io.read_json(folder / "leakage.json")
    assert report["tested"] == 3
    assert {kind: n["removed"] for kind, n in report["kinds"].items()} == {
        "image": 1, "content": 1, "source_id": 1, "subject": 1, "ngram": 2,
    }  # fmt: skip
    assert {
        "kind": "ngram",
        "source": "other",
        "language": "ar",
        "test_source": "medqa",
        "test_language": "ar",
        "records": 1,
    } in report["pairs"]
    assert read_manifest(folder)["leakage"] == report["kinds"]


def test_what_is_not_to_be_removed_is_reported(write: Write, build: Build) -> None:
    rows = [*benchmark(), record("twin", "ما العلاج؟", source="medqa", source_id="77", language="ar")]
    folder = build(write(rows, ["scan"]), leakage={"remove": ["image"]})
    assert len(list(read_records(folder))) == 4
    assert io.read_json(folder / "leakage.json")["kinds"]["source_id"] == {
        "found": 1,
        "removed": 0,
        "within": 0,
    }


def test_a_benchmark_of_its_own_is_compared_with_and_not_written(write: Write, build: Build) -> None:
    other = write(
        [*benchmark(), record("theirs", CASE, "Heparin.", split="train")], ["scan"], name="benchmark"
    )
    mine = write([record("leak", CASE, "Nothing."), record("clean", "q")])
    folder = build(mine, leakage={"against": [str(other)]})
    assert [r.id for r in read_records(folder)] == ["clean"]
    counts = read_manifest(folder)["counts"]
    assert (counts["in"], counts["kept"], counts["removed"]) == (2, 1, {"leak-ngram": 1})
    assert "against.0" in read_manifest(folder)["inputs"]


def test_a_benchmark_without_test_records_is_no_silent_guard(write: Write, build: Build) -> None:
    other = write([record("t", CASE, "Heparin.")], name="benchmark")
    with pytest.raises(ConfigError, match=r"leakage.against: .*benchmark has no test record"):
        build(write([record("leak", CASE, "Nothing.")]), leakage={"against": [str(other)]})
    with pytest.raises(ConfigError, match=r"leakage.against: .*benchmark has no test record"):
        build(other, leakage={"against": [str(other)]})  # an input cannot guard itself either


def keyed(key: str, *rows: Record) -> list[Record]:
    """Records that were cleaned with a key, or without one."""
    step = f"curate:deidentify:key-{key}" if key else "curate:deidentify"
    return [
        one.model_copy(
            update={"provenance": one.provenance.model_copy(update={"steps": ("sources:x", step)})}
        )
        for one in rows
    ]


def test_ids_that_are_pseudonyms_of_other_keys_are_said_not_to_be_compared(
    write: Write, build: Build, capsys: pytest.CaptureFixture[str]
) -> None:
    tests = [
        record("t1", CASE, "Aspirin.", source="medqa", source_id="id-1", subject="s-1", split="test"),
        record("t2", "Which side?", image="scan", source="slake", source_id="id-2", split="test"),
    ]
    trained = [
        record("twin", "ما العلاج؟", "الأسبرين.", source="medqa", source_id="id-9", language="ar"),
        record("run", f"A case. {CASE} What now?", "q", source="medqa", source_id="id-8", subject="s-2"),
        record("image", "What is it?", image="scan", source="slake"),
        record("other", "What else?", source="own", source_id="7"),
    ]
    against = write(keyed("aaa", *tests), ["scan"], name="benchmark")
    folder = build(write(keyed("bbb", *trained), ["scan"]), leakage={"against": [str(against)]})
    # What the keys do not touch is found all the same; the twin is not, and that is said.
    reasons = {key: reason for key, (reason, _) in removed(folder).items()}
    assert reasons == {"run": "leak-ngram", "image": "image-on-both-sides"}
    found = io.read_json(folder / "leakage.json")["not_compared"]
    assert found["groups"] == [
        {
            "kind": "source_id",
            "source": "medqa",
            "key": "bbb",
            "records": 2,
            "test_key": "aaa",
            "test_records": 1,
        },
        {"kind": "subject", "key": "bbb", "records": 1, "test_key": "aaa", "test_records": 1},
    ]
    said = "the source ids of 2 and the subjects of 1 training and validation records are pseudonyms"
    assert found["said"].startswith(said)
    assert f"leakage: {said}" in capsys.readouterr().err
    assert f"**Not compared**: {said}" in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("key", "other", "apart"), [("a", "a", False), ("", "", False), ("a", "", True)])
def test_ids_of_one_key_or_of_none_are_compared(
    write: Write,
    build: Build,
    capsys: pytest.CaptureFixture[str],
    key: str,
    other: str,
    apart: bool,
) -> None:
    test = record("t", "ما العلاج؟", source="medqa", source_id="1", split="test", language="ar")
    twin = record("twin", "What helps?", source="medqa", source_id="1" if key == other else "id-1")
    folder = build(write([*keyed(key, test), *keyed(other, twin)]))
    assert [one.id for one in read_records(folder)] == (["twin", "t"] if apart else ["t"])
    assert bool(io.read_json(folder / "leakage.json")["not_compared"]["groups"]) is apart
    assert ("pseudonyms of another key" in capsys.readouterr().err) is apart


def test_a_source_whose_sides_share_images_may_keep_them(write: Write, build: Build) -> None:
    rows = [
        record("test", "Which side?", image="scan", source="vqa_rad", split="test"),
        record("own", "Which organ?", image="scan", source="vqa_rad", split="train"),
        record("other", "Which plane?", image="scan", source="other", split="train"),
    ]
    inside = write(rows, ["scan"])
    assert {r.id for r in read_records(build(inside))} == {"test"}
    folder = build(inside, output=inside.parent / "kept", leakage={"within": ["vqa_rad"]})
    assert {r.id for r in read_records(folder)} == {"test", "own"}
    kinds = io.read_json(folder / "leakage.json")["kinds"]
    assert kinds["image"] == {"found": 2, "removed": 1, "within": 1}


def test_a_run_that_many_test_records_have_is_a_way_of_asking(write: Write, build: Build) -> None:
    way = "Answer the following question about the image with one of the options that are given below it."
    rows = [record(f"t{n}", f"{way} {n}", split="test") for n in range(4)]
    rows.append(record("train", f"{way} Something else."))
    asked = write(rows)
    assert "train" in {r.id for r in read_records(build(asked, leakage={"common": 3}))}
    strict = build(asked, output=asked.parent / "strict", leakage={"common": 4})
    assert "train" not in {r.id for r in read_records(strict)}
    assert io.read_json(strict / "leakage.json")["runs_passed_over"] == 0


def test_validation_is_stricter_than_training(write: Write, build: Build) -> None:
    rows = [
        record("v", "Which side?", image="scan", split="validation"),
        record("t", "Which organ?", image="scan", split="train"),
        record("same", "One question.", split="train"),
        record("same-v", "One question.", split="validation"),
    ]
    folder = build(write(rows, ["scan"]))
    assert {r.id for r in read_records(folder)} == {"v", "same-v"}
    assert removed(folder) == {"t": ("image-on-both-sides", "v"), "same": ("duplicate", "same-v")}


@pytest.mark.parametrize("count", [0, 1, 40_000])
def test_runs_are_found_among_many(count: int) -> None:
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 2**64, count, dtype=np.uint64)
    runs = Runs([(numbers, np.arange(count))], common=2)
    asked = np.concatenate([numbers[: count // 2], rng.integers(0, 2**64, 1000, dtype=np.uint64)])
    hit, row = runs.find(asked)
    assert hit.tolist() == list(range(count // 2))
    assert row.tolist() == list(range(count // 2))


def test_leaks_are_not_asked_for_without_a_test_side(write: Write, build: Build) -> None:
    folder = build(write([record("1", CASE), record("2", CASE, "b")]))
    assert len(list(read_records(folder))) == 2
    assert io.read_json(folder / "leakage.json")["tested"] == 0
