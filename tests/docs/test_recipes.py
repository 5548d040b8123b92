"""Every recipe that is shipped is one that its room takes, and the road's script names recipes that exist."""

import importlib
import os
import re
import shutil
import subprocess
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


STAND_IN = """#!/usr/bin/env bash
# Notes what it was asked, and makes the finished folder that the recipe names, but for the one of STOP_AT.
echo "$*" >> asked.txt
folder=$(sed -n 's/^output: //p' "$2")
[ "$folder" != "${STOP_AT:-}" ] || exit 2
mkdir -p "$folder" && echo "{\\"path\\": \\"${3#*=}\\"}" > "$folder/manifest.json"
"""


@pytest.fixture
def road(tmp_path: Path) -> Path:
    """A folder with the recipes, and a program that notes what it is asked in the place of ``bimedix2``."""
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "bimedix2").write_text(STAND_IN)
    (tmp_path / "bin" / "bimedix2").chmod(0o755)
    return tmp_path


def walk(road: Path, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run ``recipes/nano.sh`` from another folder."""
    path = f"{road / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [road / "recipes" / "nano.sh", *arguments],
        cwd="/",
        env={**os.environ, "PATH": path, **more},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_road_goes_on_where_it_stopped_and_does_nothing_twice(road: Path) -> None:
    stopped = walk(road, "images=/my/./images//", STOP_AT="runs/nano/align")
    assert stopped.returncode == 2, "a step that fails ends the road"
    asked = (road / "asked.txt").read_text().splitlines()
    assert asked[0] == "sources recipes/sources/nano.yaml parts.0.path=/my/images"
    assert [line.split()[0] for line in asked] == ["sources", "curate", "dataset", "train"]
    (road / "asked.txt").unlink()
    done = walk(road, "images=/my/images")
    assert done.returncode == 0, done.stderr
    asked = (road / "asked.txt").read_text().splitlines()
    assert [line.split()[1] for line in asked] == [
        "recipes/train/nano-align.yaml",
        "recipes/train/nano-instruct.yaml",
        "recipes/evaluate/nano.yaml",
    ]
    assert "runs/nano/sources is finished" in done.stdout
    assert walk(road, "images=/my/images").stdout.count("is finished") == 6
    other = walk(road, "images=/my/other")
    assert other.returncode == 2
    assert "made of other images than /my/other" in other.stderr


def test_the_road_refuses_what_it_does_not_know(road: Path) -> None:
    done = walk(road, "image=/my/images")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: 'image=/my/images' is not known; use images=DIR\n"
    assert not (road / "asked.txt").exists()
