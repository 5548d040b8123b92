"""Which records are pairs, which are kept aside, and which pairs a plan chooses."""

from pathlib import Path
from typing import Any

import pytest

from bimedix2.errors import DataError
from bimedix2.records import ImagePart, Language, Message, Provenance, Record, Split
from bimedix2.review.pairs import Item, load, pair, translation_of
from bimedix2.review.sampling import choose
from bimedix2.review.settings import Plan

IMAGE = ImagePart(image="a" * 64)


def record(name: str, *parts: Any, meta: dict[str, Any] | None = None, split: str = "train") -> Record:
    return Record(
        id=name,
        messages=(Message.of("user", *parts), Message.of("assistant", "yes")),
        language=Language.ENGLISH,
        task="vqa",
        split=Split(split),
        provenance=Provenance(source="invented"),
        meta=meta or {},
    )


def test_a_pair_shows_its_parts_in_order() -> None:
    made = pair(record("ar", IMAGE, "ما هذا؟"), record("en", IMAGE, "What is this?"), ["all"])
    assert isinstance(made, Item)
    assert [(p.turn, p.image, p.source, p.target) for p in made.parts] == [
        (0, IMAGE.image, "", ""),
        (0, None, "What is this?", "ما هذا؟"),
        (1, None, "yes", "yes"),
    ]
    assert Item.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        (["x", IMAGE], [IMAGE, "x"], "other-parts"),
        (["x"], ["x", IMAGE], "other-parts"),
        ([IMAGE, "x"], [ImagePart(image="b" * 64), "x"], "other-parts"),
    ],
)
def test_records_that_do_not_fit_are_kept_aside(ours: list[Any], theirs: list[Any], reason: str) -> None:
    assert pair(record("ar", *ours), record("en", *theirs), ["all"]) == reason


def test_another_number_of_turns_is_kept_aside() -> None:
    longer = record("en", "x")
    longer = longer.model_copy(update={"messages": (*longer.messages, *longer.messages)})
    assert pair(record("ar", "x"), longer, ["all"]) == "other-turns"


@pytest.mark.parametrize(
    "said", [{}, "en-1", {"of": 3}, {"of": "en", "quality": "high"}, {"of": "en", "quality": True}]
)
def test_a_translation_that_does_not_say_of_what_is_an_error(said: Any) -> None:
    with pytest.raises(DataError, match=r"record 'ar': meta\.translation"):
        translation_of(record("ar", "x", meta={"translation": said}))


def test_sources_may_lie_in_another_folder_and_a_missing_one_is_counted(tmp_path: Path, finish: Any) -> None:
    source = finish(tmp_path / "en", [record("en-1", "x")])
    made = [record(f"ar-{n}", "س", meta={"translation": {"of": f"en-{n}"}}) for n in (1, 2)]
    folder = finish(tmp_path / "ar", made)
    found = list(load({"ar-2": ("all",), "ar-1": ("all",)}, folder, source))
    assert found[0] == ("ar-2", "source-missing")
    assert isinstance(found[1], Item)
    assert found[1].of == "en-1"


def many(count: int, quality: bool = True) -> list[Record]:
    out = []
    for n in range(count):
        said = {"of": f"en-{n}", **({"quality": (n * 7 % count) / count} if quality else {})}
        out.append(
            record(f"ar-{n}", "س", meta={"translation": said}, split="test" if n % 10 == 0 else "train")
        )
    return [*out, record("en-0", "x")]


def plans(*values: dict[str, Any]) -> list[Plan]:
    return [Plan.model_validate(value) for value in values]


def test_a_random_share_is_rounded_up_and_the_same_again() -> None:
    once, again, other = (
        choose(many(101), plans({"plan": "random", "share": 0.1}), seed) for seed in (1, 1, 2)
    )
    assert len(once.chosen) == 11
    assert once == again
    assert once.chosen != other.chosen
    assert once.population == {"random": 101}


def test_a_random_choice_does_not_depend_on_the_order_of_records() -> None:
    shuffled = list(reversed(many(50)))
    plan = plans({"plan": "random", "count": 5})
    assert set(choose(many(50), plan, 0).chosen) == set(choose(shuffled, plan, 0).chosen)


def test_lowest_quality_comes_first() -> None:
    chosen = list(choose(many(100), plans({"plan": "lowest", "count": 3}), 0).chosen)
    qualities = {r.id: r.meta["translation"]["quality"] for r in many(100) if "translation" in r.meta}
    assert [qualities[name] for name in chosen] == [0.0, 0.01, 0.02]


def test_an_unknown_quality_comes_before_the_lowest_known() -> None:
    unknown = record("ar-x", "س", meta={"translation": {"of": "en-0", "quality": None}})
    chosen = choose([*many(10), unknown], plans({"plan": "lowest", "count": 2}), 0).chosen
    assert list(chosen) == ["ar-x", "ar-0"]


def test_all_of_a_benchmark_and_a_random_share_of_everything_may_overlap() -> None:
    sample = choose(
        many(100), plans({"plan": "all", "where": {"split": "test"}}, {"plan": "random", "share": 0.5}), 0
    )
    tests = [name for name, by in sample.chosen.items() if "all (split=test)" in by]
    assert len(tests) == 10
    assert 0 < sum(len(by) == 2 for by in sample.chosen.values()) < 10
    assert sum("random" in by for by in sample.chosen.values()) == 50


def test_plans_that_find_nothing_say_so() -> None:
    with pytest.raises(DataError, match="run translate first"):
        choose([record("en-0", "x")], plans({"plan": "all"}), 0)
    with pytest.raises(DataError, match=r"'all \(task=mcq\)' finds no translated record"):
        choose(many(5), plans({"plan": "all", "where": {"task": "mcq"}}), 0)
    with pytest.raises(DataError, match="no record has it"):
        choose(many(5, quality=False), plans({"plan": "lowest", "count": 1}), 0)
