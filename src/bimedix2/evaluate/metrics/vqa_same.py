"""Whether an answer is the gold: letter for letter once cleaned (``exact``), or in other words (``same``).

This project's own (specification 5, VQA extras). Both languages are cleaned as Arabic answers are: spelling
is folded, marks and articles go. ``same`` also leaves Arabic words without their light prefixes and takes
the words of one line of ``synonyms.yaml`` for each other, without a model. A longer answer that holds the
gold is neither; overlap is what the other scores measure.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import yaml

from bimedix2 import io
from bimedix2.evaluate.metrics.vqa_arabic import PLAIN, STEMMED, Folding, clean


def _text() -> str:
    return files("bimedix2.evaluate.metrics").joinpath("synonyms.yaml").read_text(encoding="utf-8")


@cache
def version() -> str:
    """Name and hash of the table, for a signature."""
    return f"same-1:{io.sha256_bytes(_text().encode())[:8]}"


@cache
def groups(language: str) -> tuple[tuple[str, ...], ...]:
    """Words and phrases that mean the same, as they are written in the table.

    Raises:
        KeyError: the table has no such language.
    """
    return tuple(tuple(group) for group in yaml.safe_load(_text())[language])


@cache
def _table(language: str) -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern of all phrases, the longest first, and what each becomes."""
    becomes = {
        clean(phrase, STEMMED): clean(group[0], STEMMED) for group in groups(language) for phrase in group
    }
    either = "|".join(re.escape(phrase) for phrase in sorted(becomes, key=len, reverse=True))
    return re.compile(rf"(?<!\S)(?:{either})(?!\S)"), becomes


def canonical(text: str, language: str) -> str:
    """A cleaned text in which every phrase of the table is the first of its line.

    Args:
        text: an answer, or a gold.
        language: ``en`` or ``ar``.
    """
    pattern, becomes = _table(language)
    return pattern.sub(lambda match: becomes[match[0]], clean(text, STEMMED))


def exact(gold: str, answer: str, folding: Folding = PLAIN) -> bool:
    """Whether an answer is the gold, once both are cleaned; an empty answer never is."""
    cleaned = clean(answer, folding)
    return bool(cleaned) and cleaned == clean(gold, folding)


def same(gold: str, answer: str, language: str) -> bool:
    """Whether an answer is the gold, or means the same by the table."""
    said = canonical(answer, language)
    return bool(said) and said == canonical(gold, language)


def ambiguous(language: str) -> Iterator[str]:
    """Phrases of the table that stand in two of its lines once cleaned: there must be none."""
    seen: dict[str, int] = {}
    for number, group in enumerate(groups(language)):
        for phrase in {clean(phrase, STEMMED) for phrase in group}:
            if seen.setdefault(phrase, number) != number:
                yield phrase
