"""Free answers to options as MultiMedEval reads them."""

from collections.abc import Callable
from typing import Any

from bimedix2.evaluate.metrics.qa_parse import INVALID, lettered, medqa, pubmedqa


def test_pubmedqa(golden: Callable[[str], Any]) -> None:
    for case in golden("qa_parse")["pubmedqa"]:
        assert pubmedqa(case["in"]) == case["out"], case


def test_medqa(golden: Callable[[str], Any]) -> None:
    side = golden("qa_parse")["medqa"]
    options = {option["key"]: option["value"] for option in side["sample"]["options"]}
    for case in side["cases"]:
        assert medqa(case["in"], options) == case["out"], case


def test_medmcqa(golden: Callable[[str], Any]) -> None:
    side = golden("qa_parse")["medmcqa"]
    options = [side["sample"][f"op{letter}"] for letter in "abcd"]
    for case in side["cases"]:
        assert lettered(case["in"], options) == case["out"], case


def test_no_options_is_no_answer() -> None:
    assert lettered("x", []) == INVALID
    assert medqa("A", {"A": "Aspirin", "B": "Bleach"}) == INVALID
