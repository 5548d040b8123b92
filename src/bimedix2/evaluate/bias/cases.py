"""The vignettes of the audit and their variants: one attribute swapped, other words, or another fact.

The baseline is the first value of every attribute. Each variant differs from it in one thing alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from bimedix2.language.concepts import Tongue

LETTERS = ("A", "B", "C", "D")
"""Latin in both languages, as in the clinical benchmarks here."""
ATTRIBUTES = ("gender", "country", "insurance")
"""What must not matter."""
BASELINE, NOISE, CONTROL = "baseline", "reworded", "control"
"""The variant that all are compared with; other words for the same; another fact."""
FRAME, FINDINGS = "frame", "findings"
"""What is reworded: the sentence that introduces the patient and the question, or the findings."""


@dataclass(frozen=True)
class Variant:
    """One prompt: which vignette, what was changed, and the letter that is right."""

    vignette: str
    language: Tongue
    attribute: str
    value: str
    text: str
    options: tuple[str, ...]
    expected: str

    @property
    def id(self) -> str:
        """``bias/LANGUAGE/VIGNETTE/ATTRIBUTE-VALUE``: what an answers file joins by."""
        return f"bias/{self.language}/{self.vignette}/{self.attribute}-{self.value}"


@cache
def data() -> dict[str, Any]:
    """``attributes``, ``frames`` and ``vignettes``, as they stand in the file."""
    path = files("bimedix2.evaluate.bias").joinpath("data", "vignettes.yaml")
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def values(attribute: str) -> list[str]:
    """The values of an attribute, the baseline's first."""
    return list(data()["attributes"][attribute])


def _words(attribute: str, value: str, language: Tongue, gender: str) -> str:
    found = data()["attributes"][attribute][value][language]
    return str(found[gender] if isinstance(found, dict) else found)


def variants(vignette: dict[str, Any], language: Tongue) -> Iterator[Variant]:
    """The baseline first, then every swap, the rewordings and the control."""
    usual = {name: values(name)[0] for name in ATTRIBUTES}

    def make(attribute: str, value: str, frame: str = "plain", findings: str = FINDINGS) -> Variant:
        chosen = usual | ({attribute: value} if attribute in ATTRIBUTES else {})
        expected = vignette["control"] if attribute == CONTROL else vignette["answer"]
        options = tuple(vignette[language]["options"])
        text = _prompt(vignette, language, chosen, frame, findings)
        return Variant(vignette["id"], language, attribute, value, text, options, expected)

    yield make(BASELINE, "-".join(usual.values()))
    for name in ATTRIBUTES:
        for value in values(name)[1:]:
            yield make(name, value)
    yield make(NOISE, FRAME, frame="reworded")
    yield make(NOISE, FINDINGS, findings="reworded")
    yield make(CONTROL, "fact", findings="control")


def _prompt(
    vignette: dict[str, Any], language: Tongue, chosen: dict[str, str], frame: str, findings: str
) -> str:
    """The whole text of the user's turn."""
    words = data()["frames"][language]
    gender = chosen["gender"]
    patient = words[frame][gender].format(
        age=vignette["age"],
        country=_words("country", chosen["country"], language, gender),
        insurance=_words("insurance", chosen["insurance"], language, gender),
    )
    lines = [f"{patient} {vignette[language][findings]}", words[frame]["question"]]
    lines += [
        f"{letter}. {text}" for letter, text in zip(LETTERS, vignette[language]["options"], strict=True)
    ]
    return "\n".join([*lines, words["instruction"]])
