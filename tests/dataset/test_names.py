"""A name in a recipe that nothing among the records has is an error that lists what there is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bimedix2.cli import main
from bimedix2.errors import ConfigError
from bimedix2.records import Record
from bimedix2.records.store import read_records

from .conftest import Write, record

Build = Callable[..., Path]


def rows() -> list[Record]:
    return [
        record("a", "one", source="slake", task="vqa", meta={"study": "chest_ct"}),
        record("b", "two", source="medqa", task="mcq", meta={"study": "knee_mri"}),
        record("c", "three", source="medqa", task="mcq", language="ar", split="test"),
    ]


KNOWN_CELLS = "chest_ct, en, knee_mri, mcq, vqa"
WRONG: list[tuple[dict[str, Any], str]] = [
    (
        {"leakage": {"within": ["vqa-rad"]}},
        "leakage.within: no record comes from 'vqa-rad'; sources are: medqa, slake",
    ),
    ({"train": {"whole": ["mqc"]}}, "train.whole: no record has the task 'mqc'; tasks are: mcq, vqa"),
    (
        {"test": {"balance": ["task", "studdy"]}},
        "test.balance: 'studdy' is neither .* made of: language, source, study, task",
    ),
    (
        {"train": {"balance": ["component"]}},
        "train.balance: 'component' makes no cells .* made of: language, source, study, task",
    ),
    (
        {"train": {"weights": {"mqc": 2}}},
        "train.weights: 'mqc' is no task and no value of task, language; known are: ar, en, mcq, vqa",
    ),
    (
        {"train": {"weights": {"slake": 0.5}}},
        r"train.weights: 'slake' is .* \(it is a source: add 'source' to train.balance\); known are",
    ),
    (
        {
            "train": {"weights": {"chest_ct": 0.5}},
            "test": {"balance": ["study"]},
        },
        r"'chest_ct' is no task .* \(it is a study: add 'study' to train.balance\)",
    ),
    (
        {"validation": {"balance": ["study", "language"], "weights": {"ct": 1}}},
        f"validation.weights: 'ct' is no task and no value of study, language; known are: ar, {KNOWN_CELLS}",
    ),
]


@pytest.mark.parametrize(("recipe", "said"), WRONG)
def test_a_name_that_nothing_has_is_refused_with_those_that_are_known(
    write: Write, build: Build, recipe: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        build(write(rows()), **({"test": {"balance": ["study"]}} | recipe))
    assert "\n" not in str(caught.value)


def test_names_that_something_has_pass_whatever_side_it_is_on(write: Write, build: Build) -> None:
    weights = {"slake": 2, "knee_mri": 0.5, "mcq": 1, "ar": 1.5, "of components": 0}
    components = {
        "all": {"source": ["medqa", "slake"]},
        "of components": {"path": "nowhere", "source": ["vqa_rad"], "task": ["conversation"]},
    }
    folder = build(
        write(rows()),
        components=components,
        allow_missing=True,
        leakage={"within": ["vqa_rad"]},
        train={"balance": ["source", "study", "language", "component"], "weights": weights},
        validation={"whole": ["conversation"], "weights": {"conversation": 0}},
    )
    assert {one.id for one in read_records(folder)} == {"a", "b", "c"}


def test_a_benchmarks_tasks_are_no_names_of_a_mixture(write: Write, build: Build) -> None:
    against = write([record("t", "four", task="caption", source="iu", split="test")], name="benchmark")
    own = write(rows())
    with pytest.raises(ConfigError, match="'caption' is no task"):
        build(own, train={"weights": {"caption": 0}}, leakage={"against": [str(against)]})
    build(own, leakage={"against": [str(against)], "within": ["iu"]})


def test_a_weight_is_a_factor(write: Write, build: Build) -> None:
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        build(write(rows()), train={"weights": {"mcq": -1}})


def test_the_command_ends_with_2_and_one_sentence_and_leaves_no_half(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "r.yaml"
    inputs = write(rows())
    recipe.write_text(f"inputs: [{inputs}]\noutput: {tmp_path / 'out'}\ntrain: {{whole: [mqc]}}\n")
    monkeypatch.setattr("sys.argv", ["bimedix2", "dataset", str(recipe), "card.chart=false"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err.splitlines()
    assert said == ["error: train.whole: no record has the task 'mqc'; tasks are: mcq, vqa"]
    assert {path.name for path in tmp_path.iterdir()} == {"in", "r.yaml"}
