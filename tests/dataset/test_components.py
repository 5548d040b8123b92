"""Components: whose a record is, how many are taken, and the table of what there is."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from bimedix2 import config, dataset, io
from bimedix2.errors import ConfigError
from bimedix2.manifest import read_manifest
from bimedix2.records import Record
from bimedix2.records.store import read_records

from .conftest import Write, record

Build = Callable[..., Path]
ROOT = Path(__file__).parents[2]
TABLE_12 = [
    *(210_169, 182_712, 20_691, 119_879, 133_134, 80_000, 11_616, 1_796, 9_835, 80_000, 19_654, 163_463),
    *(11_210, 115_773, 97_523, 156_254, 64_235, 163_463, 50_000),
]


def test_bimed_v_declares_the_papers_components_in_order() -> None:
    recipe = config.load(dataset.Config, ROOT / "recipes" / "dataset" / "bimed-v.yaml")
    expected = [one.expected for one in recipe.components.values()]
    assert sorted(number or 0 for number in expected) == sorted(TABLE_12)
    assert sum(number or 0 for number in expected) == 1_691_407
    assert all(one.note and one.alternative for one in recipe.components.values() if not one.public)


PUBLIC = ("pubmedqa", "medmcqa", "medqa", "vqa_rad", "slake", "pmc_vqa", "path_vqa")
MADE = (
    *(
        ("pmc_oa", "mcq", "en"),
        ("llava_med_instruct", "conversation", "en"),
        ("llava_med_alignment", "vqa", "en"),
    ),
    *(("medqa", "mcq", "ar"), ("pubmedqa", "mcq", "ar"), ("medmcqa", "mcq", "ar")),
    *(("llava_med_alignment", "vqa", "ar"), ("pmc_oa", "mcq", "ar")),
)


def test_bimed_v_is_built_from_what_the_rooms_before_leave(write: Write, tmp_path: Path) -> None:
    """One training record for each component where its recipe looks for it, and what must stay out."""
    recipe = config.read_recipe(ROOT / "recipes" / "dataset" / "bimed-v.yaml")
    rows: dict[str, list[Record]] = {"sources": [], "curate": [], "translate": [], "bimedix1": []}
    for source in PUBLIC:
        rows["sources"].append(record(f"{source}/1", f"of {source}", source=source, split="train"))
        rows["sources"].append(record(f"{source}/t", f"asked of {source}", source=source, split="test"))
    for source, task, language in MADE:
        folder = "curate" if language == "en" else "translate"
        more = {"source": source, "task": task, "language": language, "split": "train"}
        rows[folder].append(record(f"{source}/{task}/{language}", f"{source} {task} {language}", **more))
    rows["curate"].append(
        record("pmc_oa/caption", "a caption", source="pmc_oa", task="caption", split="train")
    )
    for language in ("en", "ar"):
        one = record(
            f"b/{language}", f"{language} question", source="bimedix1", language=language, split="train"
        )
        two = one.model_copy(update={"id": f"{one.id}+", "messages": one.messages * 2})
        rows["bimedix1"] += [one, two]
    folders = {name: str(write(some, name=name)) for name, some in rows.items()}
    for one in recipe["components"].values():
        one["path"] = folders[Path(one["path"]).name]
    recipe |= {"output": str(tmp_path / "out"), "card": {"chart": False}}
    folder = dataset.run(config.build(dataset.Config, recipe))
    table = read_manifest(folder)["components"]
    assert {line["name"]: line["built"] for line in table} == dict.fromkeys(recipe["components"], 1)
    assert read_manifest(folder)["counts"]["removed"] == {"no-component": 1}
    assert sum(r.split == "test" for r in read_records(folder)) == len(PUBLIC)


@pytest.mark.parametrize("name", ["bimed-v", "bimed-v-stage1", "lcs-558k"])
def test_a_dry_run_tells_whoever_has_nothing_yet_what_there_should_be(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / name.removesuffix("-stage1")).mkdir(parents=True)
    recipe = config.load(dataset.Config, ROOT / "recipes" / "dataset" / f"{name}.yaml", ["dry_run=true"])
    lines = io.read_json(dataset.run(recipe))["components"]
    assert [(line["available"], line["built"]) for line in lines] == [(0, 0)] * len(recipe.components)
    total = sum(one.expected or 0 for one in recipe.components.values())
    assert f"{total:,}" in capsys.readouterr().err


def test_records_go_to_their_components_and_the_table_says_how_many(write: Write, build: Build) -> None:
    rows = [record(f"en{n}", f"q{n}", source="medqa") for n in range(5)]
    rows += [record(f"ar{n}", f"س{n}", source="medqa", language="ar") for n in range(3)]
    rows += [record("picture", image="i", source="slake"), record("other", source="unknown")]
    parts = {
        "MedQA": {"expected": 4, "source": ["medqa"], "language": ["en"]},
        "Arabic MedQA": {
            "expected": 9,
            "source": ["medqa"],
            "language": ["ar"],
            "public": False,
            "note": "why",
        },
        "pictures": {"images": True, "whole": True, "expected": 1, "alternative": "a file"},
    }
    folder = build(write(rows, ["i"]), components=parts)
    table = {
        line["name"]: (line["expected"], line["available"], line["built"], line["note"])
        for line in read_manifest(folder)["components"]
    }
    assert table == {
        "MedQA": (4, 5, 4, ""),
        "Arabic MedQA": (9, 3, 3, "cannot be rebuilt from public data; why"),
        "pictures": (1, 1, 1, "alternative: a file"),
    }
    assert read_manifest(folder)["counts"]["removed"] == {"no-component": 1, "over-count": 1}
    reasons = Counter(row["what"] for _, row in io.read_jsonl(folder / "removed" / "removed.jsonl"))
    assert reasons == {"MedQA": 1, "unknown, vqa, en": 1}
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "| Arabic MedQA | 9 | 3 | 3 | cannot be rebuilt from public data; why |" in card
    assert "| total | 14 | 9 | 8 |" in card


def test_what_is_taken_of_too_many_depends_on_the_seed_alone(write: Write, build: Build) -> None:
    asked = write([record(f"{n}", f"q{n}") for n in range(40)])
    parts = {"part": {"expected": 10, "source": ["a"]}}
    found = []
    for number, seed in enumerate((1, 1, 2)):
        folder = build(asked, components=parts, seed=seed, output=asked.parent / f"o{number}")
        found.append(frozenset(r.id for r in read_records(folder)))
    assert found[0] == found[1] != found[2]
    assert {len(ids) for ids in found} == {10}


def test_single_and_several_questions_are_told_apart(write: Write, build: Build) -> None:
    two = record("two").model_copy(update={"messages": record("x").messages * 2})
    parts = {"single": {"turns": "single"}, "multi": {"turns": "multi"}}
    folder = build(
        write([two, record("one", "r")]), components=parts, train={"balance": ["component"], "total": 2}
    )
    assert [line["built"] for line in read_manifest(folder)["components"]] == [1, 1]


def test_a_component_whose_folder_is_not_there_is_named(
    write: Write, build: Build, capsys: pytest.CaptureFixture[str]
) -> None:
    there = write([record("1")])
    parts = {"here": {"path": str(there)}, "away": {"path": str(there.parent / "away"), "expected": 7}}
    with pytest.raises(ConfigError, match=r"1 components have no folder, the first .*away \('away'\)"):
        build(components=parts)
    build(components=parts, dry_run=True)
    shown = capsys.readouterr().err
    assert "away" in shown
    folder = build(components=parts, allow_missing=True)
    assert [(line["name"], line["built"]) for line in read_manifest(folder)["components"]] == [
        ("here", 1),
        ("away", 0),
    ]
    with pytest.raises(ConfigError, match="none of the recipe's folders is there"):
        build(components={"away": parts["away"]}, allow_missing=True)


def test_a_component_of_one_folder_takes_nothing_of_another(write: Write, build: Build) -> None:
    one, two = write([record("1")], name="one"), write([record("2", "r")], name="two")
    parts = {"one": {"path": str(one)}, "two": {"path": str(two)}}
    folder = build(components=parts)
    assert [line["built"] for line in read_manifest(folder)["components"]] == [1, 1]


def test_a_test_question_of_no_component_still_stands_guard(write: Write, build: Build) -> None:
    rows = [
        record("t", "q", source="bench", source_id="1", split="test"),
        record("twin", "س", source="bench", source_id="1", language="ar"),
        record("fine", "r"),
    ]
    folder = build(write(rows), components={"all": {"language": ["ar"]}, "a": {"source": ["a"]}})
    assert {r.id for r in read_records(folder)} == {"t", "fine"}
