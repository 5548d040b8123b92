"""HealthBench's layout, and what is wrong with a file."""

from pathlib import Path
from typing import Any

import pytest

from bimedix2.errors import DataError
from bimedix2.evaluate.healthbench.load import ours, read, script_of

from .conftest import item, write

TURN = {"role": "user", "content": "x"}
REPLY = {"role": "assistant", "content": "x"}


def test_a_file_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "main.jsonl", [item("a"), item("b", prompt=[TURN, REPLY, TURN])])
    first, second = read(path, "main")
    assert (first.id, second.id) == ("healthbench/a", "healthbench/b")
    assert [rubric.points for rubric in first.rubrics] == [10, 5, -8]
    assert first.rubrics[0].tags == ["level:example", "axis:accuracy"]
    assert first.tags == ("theme:context_seeking", "physician_agreed_category:not-enough-context")
    assert len(second.turns) == 3
    assert read(path, "arabic")[0].id == "healthbench/arabic/a"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({**item("a"), "prompt": "hello"}, "line 2 is not of HealthBench's layout: 'prompt'"),
        ({**item("a"), "prompt": [TURN, REPLY]}, "line 2: the turns do not alternate"),
        ({**item("a"), "prompt": [TURN, TURN, TURN]}, "line 2: the turns do not alternate"),
        ({**item("a"), "prompt": [{"role": "tool", "content": "x"}]}, "'prompt.0.role'"),
        ({**item("a"), "rubrics": []}, "'rubrics'"),
        ({**item("a"), "rubrics": [{"criterion": " ", "points": 1}]}, "'rubrics.0.criterion'"),
        ({**item("a"), "rubrics": [{"criterion": "x", "points": "5"}]}, "'rubrics.0.points'"),
        ({**item("a"), "rubrics": [{"criterion": "x", "points": -5}]}, "no rubric has positive points"),
        ({**item("a"), "example_tags": ["t", "t"]}, "the tag 't' stands twice"),
        (item("first"), "'first' stands at line 1 already"),
        ({"id": "x"}, "'prompt_id': Field required"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: dict[str, Any], said: str) -> None:
    path = write(tmp_path / "main.jsonl", [item("first"), line])
    with pytest.raises(DataError) as error:
        read(path, "main")
    assert said in str(error.value)
    assert "main.jsonl line 2" in str(error.value)


def test_an_empty_file_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no items"):
        read(write(tmp_path / "main.jsonl", []), "main")


def test_our_cases_are_the_same_in_both_languages() -> None:
    english, arabic = ours("en"), ours("ar")
    assert len(english) == len(arabic) == 8
    for one, other in zip(english, arabic, strict=True):
        assert one.prompt_id == other.prompt_id
        assert one.tags == other.tags
        assert [(r.points, r.tags) for r in one.rubrics] == [(r.points, r.tags) for r in other.rubrics]
        assert {script_of(r.criterion) for r in other.rubrics} == {"arabic"}
        assert {script_of(t.content) for t in other.turns} == {"arabic"}
    themes = {tag for one in english for tag in one.tags}
    axes = {tag for one in english for r in one.rubrics for tag in r.tags if tag.startswith("axis:")}
    assert (len(themes), len(axes)) == (7, 5)


def test_a_script_is_told() -> None:
    assert [script_of(text) for text in ("hola", "مرحبا", "你好", "")] == [
        "latin",
        "arabic",
        "other",
        "other",
    ]
