"""The glossary: English medical terms, where a text speaks of them, and whether its Arabic says the same."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from bimedix2.errors import DataError
from bimedix2.text.arabic import normalise

KINDS = (
    "anatomy",
    "direction",
    "imaging",
    "finding",
    "disease",
    "symptom",
    "drug",
    "unit",
    "laboratory",
    "procedure",
    "people",
    "study",
)
TEXTS = ("en", "ar", "kind", "source")
LISTS = ("accept", "en_accept")
SHIPPED = "the shipped glossary.yaml"

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ARABIC = re.compile(r"[\u0621-\u064a]")
_TOKEN = re.compile(r"\d+|[^\W\d_]+")
_GAP = re.compile(r"[^\S\n]*(?:[\n\-\u2010\u2011\u2013/'\u2019]|)[^\S\n]*")
"""What may stand between two words of one term: a space, a line break, a hyphen, a slash, an apostrophe."""
_TO_FOLD = str.maketrans({"ة": "\u06c3", "ڤ": "ف", "پ": "ب"})


@dataclass(frozen=True)
class Term:
    """An English term and its Arabic; a ``note`` says that the English has other senses than this one."""

    en: str
    ar: str
    kind: str
    source: str
    accept: tuple[str, ...] = ()
    en_accept: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Found:
    """A term at ``text[start:end]``."""

    start: int
    end: int
    term: Term


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(match.group().casefold() for match in _TOKEN.finditer(text))


def _term(row: Any, where: str) -> Term:
    """One checked entry; ``where`` names the file and the entry."""
    if not isinstance(row, dict):
        raise DataError(f"{where} is no mapping; write it as {{en: ..., ar: ..., kind: ..., source: ...}}")
    where = f"{where} ('{row['en']}')" if isinstance(row.get("en"), str) else where
    unknown = [str(key) for key in row if key not in (*TEXTS, *LISTS, "note")]
    if unknown:
        raise DataError(f"{where} has the unknown field '{unknown[0]}'; remove it or correct its name")
    for key in (*TEXTS, "note"):
        value = row.get(key, "" if key == "note" else None)
        if not isinstance(value, str) or (key != "note" and not value.strip()):
            raise DataError(f"{where} has no text as '{key}'; write one, quoted if YAML reads it otherwise")
    for key in LISTS:
        if not isinstance(row.get(key, []), list) or not all(isinstance(v, str) for v in row.get(key, [])):
            raise DataError(f"{where} has a '{key}' that is no list of texts; write [one, another]")
    if row["kind"] not in KINDS:
        raise DataError(f"{where} has the kind '{row['kind']}'; take one of {', '.join(KINDS)}")
    if row["en"] != row["en"].lower():
        raise DataError(f"{where} has capitals in 'en'; write it in lower case")
    for words in (row["ar"], *row.get("accept", [])):
        if not _ARABIC.search(words):
            raise DataError(f"{where} gives '{words}' as Arabic, without an Arabic letter; correct it")
    for words in (row["en"], *row.get("en_accept", [])):
        if not _tokens(words):
            raise DataError(f"{where} gives '{words}' as English, without a letter or digit; correct it")
    return Term(
        **{key: row[key] for key in TEXTS},
        accept=tuple(row.get("accept", [])),
        en_accept=tuple(row.get("en_accept", [])),
        note=row.get("note", ""),
    )


def load(path: Path | None = None) -> tuple[Term, ...]:
    """The terms of a glossary file, of the shipped one without a path, in the file's order.

    Raises:
        DataError: the file cannot be read, an entry is wrong, or two entries claim the same English words.
    """
    name = SHIPPED if path is None else str(path)
    try:
        shipped = files("bimedix2.language").joinpath("glossary.yaml")
        text = (shipped if path is None else path).read_text(encoding="utf-8")
        rows = yaml.load(text, Loader=_LOADER)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{name} cannot be read as UTF-8 text ({error}); give another file") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        raise DataError(f"{name} is not YAML{line}; correct it there") from error
    if not isinstance(rows, list):
        raise DataError(f"{name} is no list of entries; begin each with '- {{en: ...'")
    terms = tuple(_term(row, f"{name}: entry {number}") for number, row in enumerate(rows, 1))
    owners: dict[tuple[str, ...], int] = {}
    for number, term in enumerate(terms, 1):
        for words in (term.en, *term.en_accept):
            owner = owners.setdefault(_tokens(words), number)
            if owner != number:
                raise DataError(
                    f"{name}: entry {number} ('{term.en}') claims '{words}', which entry {owner} "
                    f"('{terms[owner - 1].en}') has already; keep it in one of them"
                )
    return terms


def _plural(words: tuple[str, ...]) -> tuple[str, ...]:
    """A term with its last word in the regular plural."""
    *before, last = words
    if last.endswith("is"):
        last = f"{last[:-2]}es"
    elif last[-1] in "sxz" or last.endswith(("ch", "sh")):
        last = f"{last}es"
    elif last[-1] == "y" and last[-2:-1] not in tuple("aeiou"):
        last = f"{last[:-1]}ies"
    else:
        last = f"{last}s"
    return (*before, last)


class Finder:
    """Finds the terms of one glossary in English text.

    The words of all terms stand in one dictionary, with the length of the longest term that a word begins: a
    text is read once, and each word costs as many look-ups as its longest term has words.
    """

    def __init__(self, terms: Iterable[Term]) -> None:
        terms = tuple(terms)
        self._terms: dict[tuple[str, ...], Term] = {}
        for term in terms:
            for words in (term.en, *term.en_accept):
                self._terms[_tokens(words)] = term
        # A plural that is written as a term of its own stays that term's.
        for key, term in tuple(self._terms.items()):
            self._terms.setdefault(_plural(key), term)
        self._longest: dict[str, int] = {}
        for key in self._terms:
            self._longest[key[0]] = max(len(key), self._longest.get(key[0], 0))

    def find(self, text: str) -> list[Found]:
        """The terms of an English text in order, the longest where several begin, none inside another."""
        places = [(m.group().casefold(), m.start(), m.end()) for m in _TOKEN.finditer(text)]
        found, at = [], 0
        while at < len(places):
            longest = self._longest.get(places[at][0], 0)
            length = self._length(text, places[at : at + longest]) if longest else 0
            if length:
                last = places[at + length - 1]
                term = self._terms[tuple(word for word, _, _ in places[at : at + length])]
                found.append(Found(places[at][1], last[2], term))
            at += length or 1
        return found

    def _length(self, text: str, places: list[tuple[str, int, int]]) -> int:
        """How many of these words, from the first on, are the longest term; 0 for none."""
        joined = 1
        while joined < len(places):
            previous, start, end = places[joined - 1]
            between = text[end : places[joined][1]]
            initial = between.strip() == "." and end - start == 1 and previous.isalpha()  # H. pylori
            if not initial and not _GAP.fullmatch(between):
                break
            joined += 1
        words = tuple(word for word, _, _ in places[:joined])
        return next((n for n in range(joined, 0, -1) if words[:n] in self._terms), 0)


@cache
def _shipped() -> Finder:
    return Finder(load())


def find(text: str) -> list[Found]:
    """The shipped glossary's terms in an English text; see ``Finder.find``."""
    return _shipped().find(text)


def _fold(arabic: str) -> str:
    """Normalised text in which ta marbuta stays apart from ha: his eye is not a sample."""
    return normalise(unicodedata.normalize("NFKC", arabic).translate(_TO_FOLD))


def _word(word: str, first: bool) -> str:
    """A pattern for one folded word with what Arabic attaches to it.

    Before it: "and", "so", "with", "for", "like" (the first word of a term alone) and the article. After it:
    tanwin's alef, dual and sound plural, and the possessives of the third person.
    """
    short = len(word) <= 2
    particles = "(?:[وف]?(?:لل|[بك]?ال)?)" if short else "(?:[وف]?(?:لل|[بكل]?(?:ال)?))"
    before = particles if first else "(?:ال)?"
    bare = word[2:] if word.startswith("ال") and len(word) >= 5 else ""
    if word[-1] == "\u06c3":
        after = "(?:[ه\u06c3]|ت(?:ا|ين|ان|ي|ه|ها|هم|هما|يه|يها)|ات(?:ه|ها|هم)?)"
        word, bare = word[:-1], bare[:-1]
    elif short or not word[-1].isalpha():
        after = "(?:ا|ه|ها|هم)?"
    else:
        feminine = "|\u06c3" if word[-1] == "ي" and len(word) >= 4 else ""
        after = f"(?:ا|ان|ين|ات|ون|ه|ها|هم|هما{feminine})?"
    stem = f"(?:{re.escape(word)}|{re.escape(bare)})" if bare else re.escape(word)
    return f"{before}{stem}{after}"


@cache
def _pattern(term: Term) -> re.Pattern[str]:
    forms = []
    for form in (term.ar, *term.accept):
        words = _fold(form).split()
        forms.append(" ".join(_word(word, first=not n) for n, word in enumerate(words)))
    # A number may touch its unit; a letter may not touch the term.
    return re.compile(rf"(?<![^\W\d_])(?:{'|'.join(forms)})(?![^\W\d_])")


def says(term: Term, arabic: str) -> bool:
    """Whether an Arabic text has the preferred or an accepted form of a term, inflected or not."""
    return _pattern(term).search(_fold(arabic)) is not None
