"""What Arabic words mean, so that new tokens begin beside the English words that the base knows already.

A base that spells Arabic byte by byte has no Arabic word to build on: what the rows of new tokens begin with
is all that it has for words which training shows rarely or never. Each begins as the mean of its English
words' rows (as WECHSEL does it, arXiv 2112.06598, with a word list in the place of aligned vectors).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files

from bimedix2.errors import ModelError
from bimedix2.language.glossary import load
from bimedix2.text.arabic import normalise

WORDS = "arabic_words.tsv"
_BEFORE = re.compile(r"(?:[وف])?(?:لل|[بلكس]?ال|[بلكسأ])?")
"""What is written as part of the next word: and, so; to the, by the, the; by, to, as, will, question."""
_AFTER = ("هما", "كما", "ها", "هم", "نا", "كم", "ني", "ات", "ان", "ين", "ون", "ه", "ي", "ك", "ا", "ت")
"""Joined pronouns, tanwin, endings of number and gender, after normalisation."""
SHORTEST = 2
"""Letters of a word that may be left when joined ones are taken off."""


def _entries() -> Iterator[tuple[str, str]]:
    """Arabic form and English, one by one: the general words, then the glossary's single words."""
    text = files("bimedix2.model").joinpath(WORDS).read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            continue
        english, tab, forms = line.partition("\t")
        if not tab or not english.strip() or not forms.split():
            raise ModelError(f"{WORDS} line {number} is not 'english<TAB>Arabic forms'; correct it")
        yield from ((form, english.replace(",", "")) for form in forms.split())
    for term in load():
        for form in (term.ar, *term.accept):
            if " " not in form:
                yield form, term.en


@cache
def words() -> dict[str, tuple[str, ...]]:
    """Normalised Arabic word -> its English words."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for form, english in _entries():
        found[normalise(form)].update(dict.fromkeys(english.split()))
    return {form: tuple(english) for form, english in found.items() if form}


def meaning(word: str) -> tuple[str, ...]:
    """English words for an Arabic one, joined particles and pronouns taken off; empty where none is known."""
    known, whole = words(), normalise(word)
    for stem in _stems(whole):
        if stem in known:
            return known[stem]
    return ()


def _stems(word: str) -> Iterator[str]:
    """The word itself, then without what may be joined to it, the least taken off first."""
    starts = {0} | {end for end in range(1, 5) if _BEFORE.fullmatch(word[:end])}
    ends = {len(word)} | {len(word) - len(tail) for tail in _AFTER if word.endswith(tail)}
    cuts = [(start, end) for start in starts for end in ends if end - start >= SHORTEST]
    yield word
    for start, end in sorted(cuts, key=lambda cut: (cut[0] + len(word) - cut[1], cut)):
        stem = word[start:end]
        yield stem
        if end < len(word):  # an ending takes the place of ta marbuta, or opens it
            yield stem.removesuffix("ت") + "ه"


def listed() -> Iterable[str]:
    """Every Arabic word with a meaning here, as it is written, alone and with the article."""
    for form, _ in _entries():
        yield form
        yield f"ال{form}"
