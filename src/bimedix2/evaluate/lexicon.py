"""The words that right answers are made of, and whether an answer is made of them.

A model of a narrow skill answers in sentences it was taught. A word that stands in none of them is misspelt,
or two neighbours that never stand together are a broken sentence, though the right term may be inside.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from bimedix2 import io
from bimedix2.language.concepts import Tongue
from bimedix2.records import Record
from bimedix2.text.arabic import normalise, script

EDGE = "^"
WORDS = "words.json"
"""In a folder of scores: the words that its answers were judged by."""
_NUMBER = re.compile(r"\d+")


def _words(text: str) -> list[str]:
    return [_NUMBER.sub("#", word) for word in normalise(text).split()]


class Lexicon:
    """Words and neighbouring pairs of a dataset's answers, in each language; numbers are one word.

    Args:
        answers: texts of the assistant.
    """

    def __init__(self, answers: Iterable[str]) -> None:
        self._words: dict[Tongue, set[str]] = {"en": set(), "ar": set()}
        self._pairs: dict[Tongue, set[tuple[str, str]]] = {"en": set(), "ar": set()}
        for text in answers:
            tongue, words = script(text), _words(text)
            if tongue:
                self._words[tongue].update(words)
                self._pairs[tongue].update(zip([EDGE, *words], [*words, EDGE], strict=True))

    @classmethod
    def of(cls, records: Iterable[Record]) -> "Lexicon":
        """The lexicon of all answers of a dataset, benchmarks' option words left out."""
        rows = (r for r in records if r.task != "mcq")
        return cls(m.text for record in rows for m in record.messages if m.role == "assistant")

    def write(self, path: Path) -> None:
        """Keep it, so that answers can be judged again without the dataset."""
        kept = {
            tongue: {"words": sorted(self._words[tongue]), "pairs": sorted(map(list, self._pairs[tongue]))}
            for tongue in self._words
        }
        io.write_json(path, kept)

    @classmethod
    def read(cls, path: Path) -> "Lexicon":
        """The lexicon that was kept."""
        found = cls(())
        for tongue, kept in io.read_json(path).items():
            found._words[tongue] = set(kept["words"])
            found._pairs[tongue] = {(one, other) for one, other in kept["pairs"]}
        return found

    def faults(self, answer: str, tongue: Tongue) -> list[str]:
        """What is malformed in an answer: unknown words first, else unknown neighbours."""
        words = _words(answer)
        unknown = [word for word in words if word not in self._words[tongue]]
        if unknown:
            return [f"unknown word '{word}'" for word in unknown]
        pairs = zip([EDGE, *words], [*words, EDGE], strict=True)
        broken = [" ".join(pair) for pair in pairs if pair not in self._pairs[tongue]]
        return [f"broken sentence at '{pair}'" for pair in broken]
