"""Files in Med-HALT's layout with rows of our own, and a model by rule.

The layout was read on 2026-11-30 in github.com/medhalt/medhalt: the header and first rows of
``medhalt/datasets/reasoning_fake.csv``, and what ``prompts/utils.py`` and ``evaluate.py`` read of the other
files, which the stored copy lacks. ``student_answer`` and ``pubmed_data_type`` follow public loaders of the
hub's copy. The three articles that exist are those of the repository's ``shots.json``.
"""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bimedix2.evaluate.medhalt.load import TASKS, Item, TaskName
from bimedix2.evaluate.signature import Subject
from bimedix2.llm.backend import Loglikelihood, Reply, Request

TITLE = "Soft-Tissue Tumors of the Hand-Imaging Features"
LINK = "https://pubmed.ncbi.nlm.nih.gov/32063006"
QUESTION = "Which drug reverses an overdose of opioids?"
OPTIONS = {"0": "Flumazenil", "1": "Naloxone, by injection", "2": "Atropine"}
AR_QUESTION = "أي دواء يعاكس تأثير الجرعة المفرطة من الأفيونيات؟"
AR_OPTIONS = {"0": "الفلومازينيل", "1": "النالوكسون", "2": "لا شيء مما سبق"}
EXAM = {"subject_name": "Pharmacology", "topic_name": "", "split_type": "test", "dataset": "ours"}
ROWS: dict[TaskName, list[dict[str, Any]]] = {
    "reasoning_FCT": [
        {
            "id": "fct-1",
            **EXAM,
            "question": QUESTION,
            "options": str({**OPTIONS, "correct answer": "Flumazenil"}),
            "correct_answer": "Naloxone, by injection",
            "correct_index": 1,
            "student_answer": "Flumazenil",
            "student_index": 0,
        }
    ],
    "reasoning_nota": [
        {
            "id": "nota-1",
            **EXAM,
            "question": QUESTION,
            "options": str({"0": "Flumazenil", "1": "None of the above", "2": "Atropine"}),
            "correct_answer": "None of the above",
            "correct_index": 1,
        }
    ],
    "reasoning_fake": [
        {
            "id": "fake-1",
            **EXAM,
            "question": "Which nerve moves the human wing?",
            "options": str({"0": "The wing nerve", "1": "All of the above", "2": "I do not know"}),
        }
    ],
    "IR_abstract2pubmedlink": [
        {
            "id": "abs-1",
            "Abstract": "Unicorns were given tea.",
            "url": "Unknown",
            "pubmed_data_type": "fake_data",
        }
    ],
    "IR_title2pubmedlink": [{"id": "t-1", "Title": TITLE, "url": LINK, "pubmed_data_type": "real_data"}],
    "IR_pmid2title": [
        {"id": "p-1", "PMID": "32063006.0", "Title": TITLE, "pubmed_data_type": "real_data"},
        {"id": "p-2", "PMID": "99999999.0", "Title": "Unknown", "pubmed_data_type": "fake_data"},
    ],
    "IR_pubmedlink2title": [{"id": "u-1", "url": LINK, "Title": TITLE, "pubmed_data_type": "real_data"}],
}


def write(folder: Path, task: TaskName, rows: Sequence[dict[str, Any]]) -> Path:
    """Write one task's file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{task}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A copy of all seven files, one of them in a folder of its own as on the hub."""
    folder = tmp_path / "med-halt"
    for task in TASKS:
        write(folder / task if task == "IR_pmid2title" else folder, task, ROWS[task])
    return folder


class Model:
    """Answers a prompt by a rule; ``stop_after`` is a kill in the call after so many."""

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


def nota(gold: str = "None of the above", *options: str) -> Item:
    """A question of ``reasoning_nota``."""
    texts = options or ("Flumazenil", "None of the above", "Atropine")
    return Item("reasoning_nota", "en", "n", {}, gold, texts)


def fct(proposal: str = "Flumazenil", gold: str = "Naloxone") -> Item:
    """A question of ``reasoning_FCT``."""
    return Item("reasoning_FCT", "en", "f", {}, gold, ("Flumazenil", "Naloxone", "Atropine"), proposal)


def fake(*options: str) -> Item:
    """A nonsensical question."""
    texts = options or ("The wing nerve", "All of the above", "I do not know")
    return Item("reasoning_fake", "en", "k", {}, "", texts)
