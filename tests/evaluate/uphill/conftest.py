"""A judge by rule, a model by rule, and a file in UPHILL's layout with claims of our own."""

import csv
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bimedix2.evaluate.signature import Subject
from bimedix2.evaluate.uphill.load import COLUMNS, LEVELS, canaries
from bimedix2.llm.backend import Loglikelihood, Reply, Request

KNOWN = {text: label for tongue in ("en", "ar") for _, text, label in canaries(tongue)}
STARTS = {"Yes,": "support", "نعم،": "support", "No,": "refute", "لا،": "refute"}


def label_of(response: str) -> str:
    """By the canaries' file, else by the first word."""
    return KNOWN.get(response) or STARTS.get(response.split()[0], "neutral")


def verdict(response: str, label: str | None = None) -> str:
    """What a good judge says: the first five words as the quote."""
    quote = " ".join(response.split()[:5])
    return json.dumps(
        {"quote": quote, "reason": "So it says.", "label": label or label_of(response)}, ensure_ascii=False
    )


class Judge:
    """Labels by ``label_of``; ``say`` may give another reply to a response at its n-th asking, from 0."""

    name = "rule@1"
    identity = "identity of the rule"

    def __init__(self, say: Callable[[str, int], str | None] | None = None) -> None:
        self.say = say
        self.requests: list[Request] = []

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        out = []
        for request in requests:
            self.requests.append(request)
            found = re.search(r"<response>\n(.*)\n</response>", request.messages[1].text, re.S)
            assert found
            tries = sum(message.role == "assistant" for message in request.messages)
            said = self.say(found[1], tries) if self.say else None
            out.append(Reply(said if said is not None else verdict(found[1]), self.name, "stop", 9, 9))
        return out

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        raise AssertionError("a judge is not asked for likelihoods")


class Model:
    """Answers a query by a rule; ``stop_after`` is a kill in the call after so many."""

    name = "model@1"

    def __init__(self, rule: Callable[[str], str], stop_after: int | None = None) -> None:
        self.rule = rule
        self.stop_after = stop_after
        self.asked: list[str] = []

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        if self.stop_after is not None and len(self.asked) + len(requests) > self.stop_after:
            raise KeyboardInterrupt
        texts = [request.messages[-1].text for request in requests]
        self.asked += texts
        return [Reply(self.rule(text), self.name, "stop", 5, 3) for text in texts]

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        raise AssertionError("nothing here needs likelihoods")


@pytest.fixture
def opener() -> Callable[[Model], Callable[..., Subject]]:
    """How a scripted model is opened."""
    return lambda model: lambda *_: Subject(model, "weights", "template")


@pytest.fixture
def replies(tmp_path: Path) -> Callable[..., Path]:
    """A judge as a file of replies: the canaries' labels, and those of the given responses."""

    def make(responses: Sequence[str], **others: str) -> Path:
        known = {text: verdict(text) for text in [*KNOWN, *responses]} | others
        rows = [
            {"contains": f"<response>\n{text}\n</response>", "answer": answer}
            for text, answer in known.items()
        ]
        path = tmp_path / "replies.jsonl"
        lines = ["written by hand", *(json.dumps(row, ensure_ascii=False) for row in rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return make


def row(claim: str, veracity: str, level: int, query: str = "", **more: str) -> dict[str, str]:
    """A row of UPHILL's file."""
    text = query or f"{LEVELS[level]}: {claim}?"
    values = (claim.replace(" ", "-"), claim, veracity, LEVELS[level], text)
    return {**dict(zip(COLUMNS, values, strict=True)), **more}


def write(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    """Write a CSV file with the columns of the first row."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
