"""Every recipe that is shipped is one that its room takes, and the road's script names recipes that exist."""

import importlib
import re
from pathlib import Path

import pytest

from bimedix2 import config
from bimedix2.cli import ROOMS
from bimedix2.errors import ConfigError

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "recipes").glob("*/*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_recipe_is_one_that_its_room_takes(path: Path) -> None:
    room = importlib.import_module(f"bimedix2.{path.parent.name}")
    config.load(room.Config, path)
    with pytest.raises(ConfigError, match="unknown key 'no_such_key'"):
        config.load(room.Config, path, ["no_such_key=1"])
    assert path.read_text().startswith("#"), "a recipe begins with a comment that says what it is for"


def test_the_road_names_recipes_that_exist_and_feeds_each_room_the_last() -> None:
    script = (ROOT / "recipes" / "nano.sh").read_text()
    steps = re.findall(r"^step (\w+) (recipes/\S+\.yaml) (\S+)", script, flags=re.MULTILINE)
    assert '"parts.0.path=$images"' in script
    sources = importlib.import_module("bimedix2.sources").Config
    first = config.load(sources, ROOT / "recipes/sources/nano.yaml", ["parts.0.path=mine"]).parts[0]
    assert str(first.path) == "mine"
    assert [room for room, _, _ in steps] == ["sources", "curate", "dataset", "train", "train", "evaluate"]
    made: set[str] = set()
    for room, recipe, folder in steps:
        assert room in ROOMS
        settings = config.load(importlib.import_module(f"bimedix2.{room}").Config, ROOT / recipe)
        assert str(settings.output) == folder
        text = (ROOT / recipe).read_text()
        assert all(name in made for name in re.findall(r"runs/nano/\w+", text) if name != folder)
        made.add(folder)
