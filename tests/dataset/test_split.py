"""Splits never cut a subject; where none is named, records stay together unless the recipe says otherwise."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bimedix2.dataset.split import SplitConfig
from bimedix2.errors import ConfigError
from bimedix2.records import Record, Split
from bimedix2.records.store import read_records

from .conftest import Write, record

Build = Callable[..., Path]


def sides(folder: Path) -> dict[str, str]:
    return {r.id: r.split.value for r in read_records(folder)}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from("pqrstuvw"), min_size=1, max_size=30), st.integers(0, 5), st.integers(0, 99))
def test_a_subject_is_never_on_both_sides(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], wanted: int, seed: int
) -> None:
    from bimedix2.dataset.split import SplitConfig, place
    from bimedix2.dataset.survey import Looked, survey
    from bimedix2.records.store import write_records

    folder = tmp_path_factory.mktemp("r")
    write_records(folder, [record(f"a{i}", f"q{i}", subject=name) for i, name in enumerate(names)])
    wanted = min(wanted, len(set(names)))
    config = SplitConfig(test_subjects={"a": wanted}, seed=seed)
    _, found = survey([folder], Looked(named=config.named()), 1)
    side = place(found, config).tolist()
    held = {name for name, one in zip(names, side, strict=True) if one == 2}
    trains = {name for name, one in zip(names, side, strict=True) if one == 0}
    assert not held & trains
    assert len(held) == wanted


def test_unnamed_subjects_stay_together_unless_told_and_say_so(write: Write, build: Build) -> None:
    rows = [record(f"a{i}", f"q{i}", image=f"i{i}") for i in range(200)]
    images = [f"i{i}" for i in range(200)]
    folder = write(rows, images)
    assert set(sides(build(folder)).values()) == {"train"}
    apart = build(folder, output=folder.parent / "apart", split={"by_image": {"a": 0.25}})
    assert 30 < sum(side == "test" for side in sides(apart).values()) < 70
    assert all(r.meta["subject_unknown"] for r in read_records(apart))


def test_a_translated_twin_goes_with_its_original(write: Write, build: Build) -> None:
    rows: list[Record] = []
    for number in range(60):
        for language in ("en", "ar"):
            twin = {"source": "m", "source_id": f"{number}", "language": language, "task": "mcq"}
            rows.append(record(f"{number}-{language}", f"{language} question {number}", **twin))
    found = sides(build(write(rows), split={"by_id": {"m": 0.5}}, leakage={"remove": []}))
    assert {found[f"{n}-en"] == found[f"{n}-ar"] for n in range(60)} == {True}
    assert set(found.values()) == {"train", "test"}


def test_published_sides_stand(write: Write, build: Build) -> None:
    rows = [record(side.value, f"q {side.value}", split=side, subject=side.value) for side in Split]
    found = sides(build(write(rows)))
    assert found == {"train": "train", "validation": "validation", "test": "test", "none": "train"}


def test_a_source_that_never_trains_does_not_though_it_is_published_as_training(
    write: Write, build: Build
) -> None:
    rows = [
        record("1", split="train", subject="p"),
        record("2", "r", split="validation"),
        record("3", "s", source="b"),
    ]
    assert sides(build(write(rows), split={"test_sources": ["a"]})) == {
        "1": "test",
        "2": "test",
        "3": "train",
    }


@pytest.mark.parametrize(
    "rules", [{"test_subjects": {"a": 1}}, {"by_image": {"a": 1.0}}, {"by_id": {"a": 1.0}}], ids=list
)
def test_a_rule_that_published_sides_overrule_is_named(
    write: Write, build: Build, rules: dict[str, Any]
) -> None:
    """Held out and published as training: the rule would do nothing, and nobody would know."""
    key = next(iter(rules))
    kind = {"test_subjects": {"subject": "p"}, "by_image": {"image": "i"}, "by_id": {"source_id": "9"}}[key]
    folder = write([record("1", split="train", **kind), record("2", "r", source="b")], ["i"])
    with pytest.raises(ConfigError, match=f"split.{key}.*1 records of 'a' that are published as 'train'"):
        build(folder, split=rules)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"test_sources": ["zzz"]}, "no record comes from 'zzz'; sources are: a, b"),
        ({"test_subjects": {"a": 9}}, "9 wanted, 2 subjects"),
        ({"test_sources": ["b"]}, "subject 'q' stands in two sources and on both sides"),
    ],
)
def test_a_rule_that_cannot_hold_is_named(
    write: Write, build: Build, rules: dict[str, Any], said: str
) -> None:
    rows = [
        record("1", subject="p"),
        record("2", "r", subject="q"),
        record("3", "s", subject="q", source="b"),
    ]
    with pytest.raises(ConfigError, match=said):
        build(write(rows), split=rules)


@pytest.mark.parametrize(
    "rules", [{"by_image": {"a": 10}}, {"by_id": {"a": 0}}, {"test_subjects": {"a": -1}}]
)
def test_a_share_is_a_share(rules: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"than or equal to|greater than 0"):
        SplitConfig(**rules)
