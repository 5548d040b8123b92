"""The examples of page and demo: questions on scans that ``pydicom`` brings. Knows nothing about HTTP."""

import json
from functools import cache
from importlib.resources import files
from typing import NamedTuple


class Example(NamedTuple):
    """A question on a scan, and how it is captioned."""

    image: str
    """The file's name in ``pydicom`` without ``.dcm``."""
    language: str
    caption: str
    text: str


@cache
def example_scans() -> dict[str, bytes]:
    """The scans by name; none where ``pydicom`` is not installed."""
    try:
        folder = files("pydicom") / "data" / "test_files"
    except ModuleNotFoundError:
        return {}
    paths = {name: folder / f"{name}.dcm" for name in {example.image for example in _listed()}}
    return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}


def examples() -> tuple[Example, ...]:
    """The examples whose scans are here."""
    return tuple(example for example in _listed() if example.image in example_scans())


@cache
def _listed() -> tuple[Example, ...]:
    text = (files("bimedix2.serve") / "examples.json").read_text(encoding="utf-8")
    return tuple(Example(**values) for values in json.loads(text))
