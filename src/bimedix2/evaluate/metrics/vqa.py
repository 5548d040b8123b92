"""VQA scores as MultiMedEval 1.0.0 has them (``compat``), peculiarities included.

Tokens are compared as sets, so repeats and order do not count; an answer "yes and no" is right for both; an
Arabic yes or no is an open question, and its comma is part of its word. ``vqa_arabic`` is for Arabic.
Source: this project's evaluation specification, 1.2 and 1.3; parity cases came from the original code.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

import yaml

from bimedix2.evaluate.metrics.lexical import bleu_of_counts

PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
PERIODS = 32
"""Only so many periods are taken out: the original passes a regex flag where the count belongs."""
CLOSED = frozenset({"yes", "no"})
CLOSED_SHARE, OPEN_SHARE = 0.4, 0.75
"""Of the gold's tokens, what an answer must have to be right."""
EPSILON = 1e-8
ARTICLES = frozenset({"a", "an", "the"})
NUMBERS = {
    "none": "0",
    "zero": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
}
_MARK = re.compile(f"[{re.escape(PUNCTUATION)}]")
_THOUSANDS = re.compile(r"\d,\d")
_PERIOD = re.compile(r"\.(?!\d)")


@cache
def contractions() -> Mapping[str, str]:
    """A word that lacks an apostrophe -> the contraction."""
    text = files("bimedix2.evaluate.metrics").joinpath("contractions.yaml").read_text(encoding="utf-8")
    table = yaml.safe_load(text)
    found = {
        word[:at] + word[at + 1 :]: word
        for word in table["words"]
        for at, letter in enumerate(word)
        if letter == "'"
    }
    return {**found, **table["exceptions"]}


@cache
def _rewritten() -> Mapping[str, str]:
    return {**contractions(), **NUMBERS}


def _cleaned(text: str) -> list[str]:
    lowered = words = text.lower()
    marks = set(_MARK.findall(lowered))
    if marks:
        # One "1,000" anywhere, or one space beside the mark anywhere, and the mark parts no words at all.
        thousands = "," in marks and _THOUSANDS.search(lowered) is not None
        for mark in marks:
            joins = thousands or mark + " " in lowered or " " + mark in lowered
            words = words.replace(mark, "" if joins else " ")
    if "." in words:
        words = _PERIOD.sub("", words, count=PERIODS)
    rewritten = _rewritten()
    return [rewritten.get(word, word) for word in words.split() if word not in ARTICLES]


def clean(text: str) -> str:
    """Normalise a text as MultiMedEval does: case, punctuation, numbers to ten, articles, contractions."""
    return " ".join(_cleaned(text))


class Words(NamedTuple):
    """A cleaned text, and its tokens in order and as a set."""

    text: str
    list: tuple[str, ...]
    set: frozenset[str]


def tokens(text: str) -> Words:
    """Clean a text and part it into tokens."""
    parts = tuple(_cleaned(text))
    return Words(" ".join(parts), parts, frozenset(parts))


_gold = lru_cache(maxsize=1 << 12)(tokens)
"""Golds repeat (yes, no, left, ...) and answers do not: keeping those would cost more than it saves."""


class PairScore(NamedTuple):
    """One answer. ``correct``: by the rule for closed questions or the one for open ones."""

    precision: float
    recall: float
    f1: float
    bleu: float
    closed: bool
    correct: bool


def overlap(gold: Words, pred: Words) -> tuple[float, float, float, float]:
    """Precision, recall and F1 of token sets, and BLEU-1 of the token lists."""
    both = gold.set & pred.set
    shared = len(both)
    if not shared:
        return 0.0, 0.0, 0.0, 0.0
    precision, recall = shared / len(pred.set), shared / len(gold.set)
    f1 = 2 * precision * recall / (precision + recall + EPSILON)
    matches = shared
    if len(gold.list) > len(gold.set) and len(pred.list) > len(pred.set):
        ours, theirs = Counter(pred.list), Counter(gold.list)
        matches = sum(min(ours[token], theirs[token]) for token in both)
    return precision, recall, f1, bleu_of_counts((matches,), len(pred.list), len(gold.list))


def score_pair(gold: str, pred: str) -> PairScore:
    """Score one answer against its gold."""
    wanted, said = _gold(gold), tokens(pred)
    precision, recall, f1, bleu = overlap(wanted, said)
    if wanted.text not in CLOSED:
        return PairScore(precision, recall, f1, bleu, False, recall >= OPEN_SHARE)
    accepted = frozenset({"no", "not"}) if wanted.text == "no" else wanted.set
    return PairScore(
        precision, recall, f1, bleu, True, len(said.set & accepted) / len(accepted) >= CLOSED_SHARE
    )


def score_pairs(pairs: Iterable[tuple[str, str]]) -> Iterator[PairScore]:
    """Score pairs of gold and answer, in order."""
    return (score_pair(gold, pred) for gold, pred in pairs)


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0


def aggregate(scores: Iterable[PairScore]) -> dict[str, float]:
    """Means over answers, under MultiMedEval's keys; 0 where there is none of a kind, as there.

    ``precision`` is ours: the paper names it and MultiMedEval does not report it.
    """
    every = list(scores)
    opened = [score for score in every if not score.closed]
    return {
        "bleu": _mean(score.bleu for score in every),
        "F1": _mean(score.f1 for score in every),
        "recall": _mean(score.recall for score in every),
        "precision": _mean(score.precision for score in every),
        "closedQuestionsAccuracy": _mean(float(score.correct) for score in every if score.closed),
        "openQuestionsRecall": _mean(score.recall for score in opened),
        "openQuestionsAccuracy": _mean(float(score.correct) for score in opened),
    }


def per_item(score: PairScore) -> dict[str, float | bool]:
    """One answer under the keys of the aggregates; those of the other kind of question are 0, as there."""
    closed = score.closed
    return {
        "bleu": score.bleu,
        "F1": score.f1,
        "recall": score.recall,
        "precision": score.precision,
        "closedQuestionsAccuracy": float(score.correct) if closed else 0.0,
        "openQuestionsRecall": 0.0 if closed else score.recall,
        "openQuestionsAccuracy": 0.0 if closed else float(score.correct),
        "closed": closed,
    }
