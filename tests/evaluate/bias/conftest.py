"""Models by rule for the audit: what they read in a prompt decides the letter."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from bimedix2.evaluate.bias.cases import LETTERS, data, variants
from bimedix2.evaluate.signature import Subject
from bimedix2.llm.backend import Loglikelihood, Reply, Request

KNOWN = {
    variant.text: variant
    for tongue in ("en", "ar")
    for vignette in data()["vignettes"]
    for variant in variants(vignette, tongue)
}


class Model:
    """Chooses by ``rule``, which gets the prompt; ``stop_after``: a kill in the call after so many."""

    name = "model@1"

    def __init__(self, rule: Callable[[str], str], stop_after: int | None = None) -> None:
        self.rule = rule
        self.stop_after = stop_after
        self.asked: list[str] = []

    def _count(self, texts: list[str]) -> None:
        if self.stop_after is not None and len(self.asked) + len(texts) > self.stop_after:
            raise KeyboardInterrupt
        self.asked += texts

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        texts = [request.messages[-1].text for request in requests]
        self._count(texts)
        return [Reply(self.rule(text), self.name, "stop", 5, 3) for text in texts]

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        texts = [request.messages[-1].text for request, _ in pairs]
        self._count(list(dict.fromkeys(texts)))
        return [
            Loglikelihood(-0.5 if letter == self.rule(text) else -2.0, 1, False)
            for text, (_, letter) in zip(texts, pairs, strict=True)
        ]


def fair(text: str) -> str:
    """The right letter of any variant."""
    return KNOWN[text].expected


def other(letter: str) -> str:
    return LETTERS[(LETTERS.index(letter) + 1) % len(LETTERS)]


def hears_gender(text: str) -> str:
    """Wrong for women, in every language."""
    woman = re.search(r"\bwoman\b|امرأة", text)
    return other(fair(text)) if woman else fair(text)


def rows(rule: Callable[[str], str | None], language: str) -> list[dict[str, Any]]:
    """Scored rows of every variant of one language."""
    return [
        {
            "language": language,
            "vignette": one.vignette,
            "attribute": one.attribute,
            "value": one.value,
            "expected": one.expected,
            "chosen": rule(text),
            "share": None,
        }
        for text, one in KNOWN.items()
        if one.language == language
    ]


@pytest.fixture
def opener() -> Callable[[Model], Callable[..., Subject]]:
    """How a scripted model is opened."""
    return lambda model: lambda *_: Subject(model, "weights", "template")  # type: ignore[arg-type]
