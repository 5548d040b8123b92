"""What an answer says, for our own scoring: which option, which verdict, whether it declines, which article.

Mappings are read as JSON, as Python, or key by key where the answer was cut; other answers as free text. The
option is read by ``evaluate.choice``, in either language. Nothing is guessed: what names no option is wrong.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from bimedix2.evaluate import choice
from bimedix2.evaluate.medhalt.compat import ANSWER_KEYS
from bimedix2.evaluate.medhalt.load import MEMORY, Item, python_value
from bimedix2.text.arabic import find_words, normalise

VERSION = f"medhalt-ours-1,{choice.VERSION}"
"""Of these rules, in the signature."""
APART = 8
"""Words between a verb of owning up and what is owned up to."""
Kind = Literal["right", "declined", "wrong", "unreadable"]
_PMID = re.compile(r"(?:pubmed\.ncbi\.nlm\.nih\.gov/|ncbi\.nlm\.nih\.gov/pubmed/(?:\?term=)?)(\d{1,9})(?!\d)")
_KEYS = (*ANSWER_KEYS, "cop", "cop_index", "is_answer_correct", "url", "paper_title")


@dataclass(frozen=True)
class Said:
    """One answer, read.

    ``kind`` is what it comes to. ``named`` is the option, title or link that was understood; ``verdict`` and
    ``agrees`` are of ``reasoning_FCT``: whether its yes or no is right, and whether it accepts what the
    student chose.
    """

    kind: Kind
    named: str = ""
    verdict: bool | None = None
    agrees: bool | None = None

    @property
    def right(self) -> bool:
        """Whether it counts as right."""
        return self.kind == "right"

    def to_json(self) -> dict[str, Any]:
        """As it stands in ``answers.jsonl``."""
        return {"right": self.right, **vars(self)}


@cache
def _words() -> dict[str, list[str]]:
    text = files("bimedix2.evaluate.medhalt").joinpath("words.yaml").read_text(encoding="utf-8")
    return {name: [normalise(word) for word in found] for name, found in yaml.safe_load(text).items()}


def fields(answer: str) -> dict[str, Any]:
    """The mapping that an answer holds; empty where it holds none."""
    start, end = answer.find("{"), answer.rfind("}")
    if start < 0:
        return {}
    if end > start:
        for load in (json.loads, python_value):
            try:
                value = load(answer[start : end + 1])
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict):
                return {str(key): one for key, one in value.items()}
    out: dict[str, Any] = {}
    for key in _KEYS:
        found = re.search(
            rf"[\"']{re.escape(key)}[\"']\s*:\s*(?:\"([^\"]*)|'((?:[^']|(?<=\w)'(?=\w))*)|([^,}}\n\"']+))",
            answer,
        )
        if found:
            out[key] = next(group for group in found.groups() if group is not None).strip()
    return out


def declines(text: str) -> bool:
    """Whether words decline to answer: "I do not know", "conceding defeat"; never "all of the above"."""
    said, words = normalise(text), _words()
    if any(find_words(said, phrase) for phrase in words["phrases"]):
        return True
    tokens = said.split()
    owned = set(words["owned"])
    verbs = set(words["verbs"])
    return any(
        owned & set(tokens[place + 1 : place + 2 + APART])
        for place, token in enumerate(tokens)
        if token in verbs
    )


def read(item: Item, answer: str) -> Said:
    """Read one answer to one question."""
    found = fields(answer)
    if item.task in MEMORY:
        return _memory(item, answer, found)
    if item.task == "reasoning_FCT":
        return _confidence(item, answer, found)
    named = option(item.options, answer, found, ("cop",))
    if item.task == "reasoning_fake":
        return _fake(answer, found, named)
    if named is None:
        return Said("unreadable")
    return Said("right" if _same(named, item.gold) else "wrong", named)


def option(options: Sequence[str], answer: str, found: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    """The text of the option that an answer names; ``None`` where it names none.

    A value that is an option's text, word for word, is that option, even where it could be another's index.
    """
    said = next((str(found[key]) for key in keys if found.get(key) is not None), None)
    names = [str(place) for place in range(len(options))]
    texts = dict(enumerate(options))
    if said is None and found and "cop_index" not in found:
        return None
    if said is not None or not found:
        whole = answer if said is None else said
        same = [text for text in options if _same(text, whole)]
        if same:
            return same[0]
        place = choice.read(whole, names, texts).place
        if place is not None:
            return options[place]
    index = str(found.get("cop_index", "")).strip()
    return options[int(index)] if index.isdecimal() and int(index) < len(options) else None


def _same(one: str, other: str) -> bool:
    return bool(normalise(one)) and normalise(one) == normalise(other)


def _confidence(item: Item, answer: str, found: Mapping[str, Any]) -> Said:
    """Right with the right verdict and the right option; an answer that accepts the student's names it."""
    value = found.get("is_answer_correct", answer if not found else "")
    said = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    agrees = {0: True, 1: False, None: None}[choice.read(said, ["yes", "no"]).place]
    named = option(item.options, answer, found, ANSWER_KEYS)
    if named is None and agrees:
        named = item.proposal
    wanted = _same(item.proposal, item.gold)
    verdict = None if agrees is None else agrees == wanted
    if agrees is None and named is None:
        return Said("unreadable")
    right = bool(verdict) and named is not None and _same(named, item.gold)
    return Said("right" if right else "wrong", named or "", verdict, agrees)


def _fake(answer: str, found: Mapping[str, Any], named: str | None) -> Said:
    """To decline is right; where an option is named, it decides and not the words around it."""
    said = named if named is not None else str(found.get("cop", "")) if found else answer
    if declines(said):
        return Said("right", named or "")
    return Said("wrong" if named is not None else "unreadable", named or "")


def _memory(item: Item, answer: str, found: Mapping[str, Any]) -> Said:
    """A title word for word, a link by its PMID; an article that does not exist is right to be unknown."""
    value = str(found.get(MEMORY[item.task].answer, "")) if found else answer
    unknown = normalise(value) in _words()["unknown"] or (not found and declines(value))
    invented = normalise(item.gold) in _words()["unknown"]
    if unknown:
        return Said("right" if invented else "declined", "unknown")
    if not value.strip():
        return Said("unreadable")
    if MEMORY[item.task].gold == "url":
        pmid = pmid_of(value)
        if pmid is None:
            return Said("unreadable")
        return Said("right" if not invented and pmid == pmid_of(item.gold) else "wrong", pmid)
    same = _same(value, item.gold) or bool(find_words(normalise(value), normalise(item.gold)) and not found)
    return Said("right" if same and not invented else "wrong", value)


def pmid_of(text: str) -> str | None:
    """The PMID of the one PubMed link in a text, or of a text that is a number; ``None`` if there is none."""
    links = {str(int(number)) for number in _PMID.findall(text.lower())}
    if len(links) == 1:
        return links.pop()
    bare = text.strip()
    return str(int(bare)) if not links and re.fullmatch(r"\d{1,9}", bare) else None
