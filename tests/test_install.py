"""What pip is told: ranges in ``pyproject.toml``, exact versions of everything in ``constraints.txt``."""

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
OWN = "bimedix2"


def project() -> dict[str, Any]:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)["project"]
    return table


def pins() -> dict[str, str]:
    found = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        pin = re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.]+)", line)
        assert pin, f"{line!r} is no exact version"
        found[canonicalize_name(pin[1])] = pin[2]
    return found


def wanted(extra: str) -> list[Requirement]:
    """The requirements of an extra and of the package itself, the package's own extras followed."""
    table = project()
    out, left, seen = [Requirement(r) for r in table["dependencies"]], [extra], set()
    while left:
        name = left.pop()
        if name in seen:
            continue
        seen.add(name)
        for requirement in map(Requirement, table["optional-dependencies"][name]):
            left += requirement.extras if requirement.name == OWN else []
            out += [] if requirement.name == OWN else [requirement]
    return out


def test_torch_is_a_range_and_its_pin_has_no_torchvision() -> None:
    (torch,) = [r for r in wanted("model") if r.name == "torch"]
    assert {clause.operator for clause in torch.specifier} == {">=", "<"}
    assert pins()["torch"] == "2.13.0"
    assert "torchvision" not in pins()


def test_every_pin_lies_in_the_range_that_is_asked_for() -> None:
    for requirement in wanted("dev"):
        name = canonicalize_name(requirement.name)
        assert requirement.specifier.contains(pins()[name]), requirement


def test_everything_that_an_installation_brings_is_pinned() -> None:
    """What the requirements' requirements are is read from this environment, as pip reads it."""
    left, brought = [(r, e) for r in wanted("dev") for e in ("", *r.extras)], set()
    done = set()
    while left:
        requirement, extra = left.pop()
        name = canonicalize_name(requirement.name)
        brought.add(name)
        if (name, extra) in done:
            continue
        done.add((name, extra))
        for inner in map(Requirement, metadata.requires(name) or ()):
            if inner.marker is None or inner.marker.evaluate({"extra": extra}):
                left += [(inner, e) for e in ("", *inner.extras)]
    assert sorted(brought - pins().keys()) == []
