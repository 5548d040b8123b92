"""What figures need and is not installed is named with the extra that brings it."""

import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from bimedix2.errors import MissingExtra
from bimedix2.evaluate.paper import figures
from bimedix2.evaluate.paper.ours import arrange
from bimedix2.evaluate.paper.published import load
from bimedix2.evaluate.safety import report

ROOT = Path(__file__).parents[2]


def paper_figure() -> object:
    return figures.radar(load(), arrange([], load()))


def safety_figure() -> object:
    return report._new_figure()


@pytest.mark.parametrize("draw", [paper_figure, safety_figure])
def test_figures_name_the_extra_that_brings_matplotlib(
    draw: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(
        MissingExtra, match=r"matplotlib is not installed; run: pip install 'bimedix2\[evalu"
    ) as e:
        draw()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert any(one.startswith("matplotlib") for one in extras["optional-dependencies"][e.value.extra])
