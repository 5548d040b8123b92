"""Splits never cut a subject, mixtures add up, and what is left out has a reason."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2 import dataset, manifest
from bimedix2.dataset.mixture import MixtureConfig, allot, mix
from bimedix2.dataset.split import SplitConfig, place
from bimedix2.errors import ConfigError
from bimedix2.records import ImagePart, Message, Provenance, Record, Split
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records, write_records


def record(number: int, subject: str | None, source: str = "a", task: str = "t", **meta: Any) -> Record:
    image = ImagePart(image=f"{number:064x}")
    return Record(
        id=f"{source}{number}",
        messages=(Message.of("user", image, "q"), Message.of("assistant", "a")),
        language="en",
        task=task,
        provenance=Provenance(source=source, subject=subject),
        meta=meta,
    )


@given(st.lists(st.sampled_from("pqrstuvw"), min_size=1, max_size=30), st.integers(0, 5), st.integers(0, 99))
def test_a_subject_is_never_on_both_sides(names: list[str], wanted: int, seed: int) -> None:
    records = [record(i, name) for i, name in enumerate(names)]
    wanted = min(wanted, len(set(names)))
    placed = place(records, SplitConfig(test_subjects={"a": wanted}, seed=seed))
    sides = {split: {r.provenance.subject for r in placed if r.split is split} for split in Split}
    assert not sides[Split.TRAIN] & sides[Split.TEST]
    assert len(sides[Split.TEST]) == wanted


def test_unnamed_subjects_stay_together_unless_told_and_say_so() -> None:
    records = [record(i, None) for i in range(200)]
    assert {r.split for r in place(records, SplitConfig())} == {Split.TRAIN}
    placed = place(records, SplitConfig(by_image={"a": 0.25}))
    assert 30 < sum(r.split is Split.TEST for r in placed) < 70
    assert all(r.meta["subject_unknown"] for r in placed)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"test_sources": ["zzz"]}, "no record comes from 'zzz'"),
        ({"test_subjects": {"a": 9}}, "9 wanted, 2 subjects"),
        ({"test_sources": ["b"]}, "both sides"),
    ],
)
def test_a_rule_that_cannot_hold_is_named(rules: dict[str, Any], said: str) -> None:
    records = [record(1, "p"), record(2, "q"), record(3, "q", source="b")]
    with pytest.raises(ConfigError, match=said):
        place(records, SplitConfig(**rules))


cells = st.dictionaries(st.tuples(st.text("abc", max_size=2)), st.integers(0, 50), max_size=8)


@given(cells, st.integers(0, 400), st.floats(0, 1))
def test_an_allotment_adds_up_and_fits(sizes: dict[tuple[str, ...], int], total: int, power: float) -> None:
    weights = {cell: size**power for cell, size in sizes.items()}
    taken = allot(sizes, weights, total)
    assert all(0 <= taken[cell] <= sizes[cell] for cell in sizes)
    assert sum(taken.values()) == min(total, sum(size for cell, size in sizes.items() if weights[cell] > 0))


def test_weights_and_power_shape_the_mixture() -> None:
    records = [record(i, "p", task="big") for i in range(90)] + [
        record(i + 90, "p", task="small") for i in range(10)
    ]
    even, _ = mix(records, MixtureConfig(total=20, power=0), 0)
    assert sum(r.task == "small" for r in even) == 10
    none, left = mix(records, MixtureConfig(total=20, weights={"small": 0}), 0)
    assert {r.task for r in none} == {"big"}
    assert len(left) == 80


def test_a_dataset_holds_out_wordings_with_their_subjects(tmp_path: Path) -> None:
    rows = []
    for number, (subject, wording) in enumerate(
        [("p", "train"), ("p", "held_out"), ("q", "train"), ("q", "held_out")]
    ):
        rows.append(record(number, subject, wording=wording))
    with manifest.RunFolder(tmp_path / "in", "curate", {}) as out:
        store = ImageStore(out.path / "images")
        rows = [
            r.model_copy(
                update={
                    "messages": (
                        Message.of("user", ImagePart(image=store.add(r.provenance.subject.encode())), "q"),  # type: ignore[union-attr]
                        r.messages[1],
                    )
                }
            )
            for r in rows
        ]
        write_records(out.path, rows)
        folder = out.publish({})
    config = dataset.Config(inputs=[folder], output=tmp_path / "out", split={"test_subjects": {"a": 1}})  # type: ignore[arg-type]
    out_folder = dataset.run(config)
    kept = list(read_records(out_folder))
    assert sorted((r.split.value, r.meta["wording"]) for r in kept) == [
        ("test", "held_out"),
        ("train", "train"),
    ]
    assert manifest.read_manifest(out_folder)["counts"]["removed"] == {"wording-of-the-other-side": 2}
    assert all(r.images[0].image in ImageStore(out_folder / "images") for r in kept)
    manifest.verify(out_folder)


def test_the_same_file_under_two_names_is_not_trained_on(tmp_path: Path) -> None:
    with manifest.RunFolder(tmp_path / "in", "curate", {}) as out:
        key = ImageStore(out.path / "images").add(b"same")
        rows = []
        for number, subject in enumerate(["p", "q"]):
            one = record(number, subject)
            first = Message.of("user", ImagePart(image=key), "q")
            rows.append(one.model_copy(update={"messages": (first, one.messages[1])}))
        write_records(out.path, rows)
        folder = out.publish({})
    config = dataset.Config(inputs=[folder], output=tmp_path / "out", split={"test_subjects": {"a": 1}})  # type: ignore[arg-type]
    done = dataset.run(config)
    assert manifest.read_manifest(done)["counts"]["removed"] == {"image-on-both-sides": 1}
    assert [r.split for r in read_records(done)] == [Split.TEST]
