"""Recipes are checked at the door, in sentences that name the key."""

from pathlib import Path

import pytest

from bimedix2 import config
from bimedix2.errors import ConfigError


class Inner(config.Settings):
    learning_rate: float = 1e-3


class Outer(config.Settings):
    steps: int
    optim: Inner = Inner()


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "r.yaml"
    path.write_text(text)
    return path


def test_overrides_reach_nested_keys(tmp_path: Path) -> None:
    recipe = write(tmp_path, "steps: 3\n")
    loaded = config.load(Outer, recipe, ["optim.learning_rate=0.5", "steps=7"])
    assert (loaded.steps, loaded.optim.learning_rate) == (7, 0.5)


class Parts(config.Settings):
    parts: list[Inner]


def test_overrides_reach_a_lists_items(tmp_path: Path) -> None:
    recipe = write(tmp_path, "parts: [{learning_rate: 1}, {learning_rate: 2}]\n")
    loaded = config.load(Parts, recipe, ["parts.1.learning_rate=0.5"])
    assert [part.learning_rate for part in loaded.parts] == [1, 0.5]
    loaded = config.load(Parts, recipe, ["parts.0={learning_rate: 3}"])
    assert [part.learning_rate for part in loaded.parts] == [3, 2]
    for override in ("parts.2={}", "parts.x.learning_rate=1", "parts.-1={}"):
        with pytest.raises(ConfigError, match="is no item of that list, which has 2, from 0"):
            config.load(Parts, recipe, [override])


@pytest.mark.parametrize(
    ("text", "overrides", "said"),
    [
        ("stps: 3\n", [], "did you mean 'steps'"),
        ("steps: 3\noptim:\n  lerning_rate: 1\n", [], "did you mean 'learning_rate'"),
        ("optim: {}\n", [], "'steps' is missing"),
        ("steps: many\n", [], "'steps'"),
        ("steps: 3\nsteps: 4\n", [], "written twice (line 2)"),
        ("- 1\n", [], "must be a mapping"),
        ("steps: [\n", [], "is not YAML at line"),
        ("steps: 3\noptim: {{ rate }}\n", [], "is not YAML at line 2"),
        ("steps: 3\n", ["steps"], "write key=value"),
        ("steps: 3\n", ["steps.more=1"], "not a mapping"),
    ],
)
def test_a_wrong_recipe_is_one_sentence(tmp_path: Path, text: str, overrides: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.load(Outer, write(tmp_path, text), overrides)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_recipe_says_where_they_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="recipes/"):
        config.load(Outer, tmp_path / "none.yaml")


def test_a_folder_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        config.read_recipe(tmp_path)
