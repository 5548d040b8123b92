"""Words that name places of the body, in both languages."""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from bimedix2.language.checks.pair import ARABIC, Side, Span, arabic, english, spans_of, table
from bimedix2.language.glossary import Term
from bimedix2.text.fold import folded


@dataclass(frozen=True)
class Place:
    """A word at a span that names one of some sites: "epigastric" has its own word and the stomach's.

    An Arabic word with another sense beside the site's (palm, and rest) is not ``sure``.
    """

    span: Span
    sites: frozenset[str]
    sure: bool = True


_WORD = {
    "en": re.compile(r"(?<![A-Za-z\d])[A-Za-z]+(?![A-Za-z\d])"),
    "ar": re.compile(f"[{ARABIC}]+"),
}


@cache
def _patterns(tongue: str, phrases: bool) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Patterns of the sites' phrases, or of their single words."""
    make, key = (english, "en") if tongue == "en" else (arabic, "ar")
    found = []
    for name, row in table("sites").items():
        forms = tuple(form for form in row[key] if bool(re.search(r"[\s-]", form)) == phrases)
        if forms:
            found.append((name, make(forms)))
    return tuple(found)


@lru_cache(32768)
def _of_word(word: str, tongue: str) -> frozenset[str]:
    """The sites that a word names; texts repeat their words, so most are known already."""
    return frozenset(name for name, pattern in _patterns(tongue, False) if pattern.fullmatch(word))


@cache
def _unsure() -> re.Pattern[str]:
    """The Arabic words that name a site and mean something else too."""
    return arabic(tuple(form for row in table("sites").values() for form in row.get("unsure", ())))


def _places(text: str, tongue: str) -> list[Place]:
    """The words and phrases that name sites; a word in a phrase of the same site is not named again."""
    found: dict[Span, set[str]] = {}
    for name, pattern in _patterns(tongue, True):
        for span in spans_of(pattern, text):
            found.setdefault(span, set()).add(name)
    phrases = list(found.items())
    for match in _WORD[tongue].finditer(text):
        start, end = match.span()
        inside = {name for span, names in phrases if span[0] < end and start < span[1] for name in names}
        for name in _of_word(match.group(), tongue) - inside:
            found.setdefault(match.span(), set()).add(name)
    return [
        Place(span, frozenset(names), tongue == "en" or not _unsure().fullmatch(text, *span))
        for span, names in sorted(found.items())
    ]


def places(side: Side) -> list[Place]:
    """The places of the body that a text names."""
    return _places(side.outside, side.tongue)


@cache
def _hints() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((name, english(tuple(row["hint"]))) for name, row in table("sites").items() if "hint" in row)


def hinted(text: str) -> frozenset[str]:
    """The sites of which an English text speaks without naming them: whoever breathes has lungs."""
    return frozenset(name for name, pattern in _hints() if pattern.search(text))


@cache
def marked(mark: str) -> frozenset[str]:
    """The sites with a mark of the file: ``weak`` or ``alone``."""
    return frozenset(name for name, row in table("sites").items() if row.get(mark))


@cache
def of_term(term: Term) -> frozenset[str]:
    """The sites in the Arabic of a glossary term: hypertension is of the blood's pressure there."""
    forms = " . ".join(folded(form) for form in (term.ar, *term.accept))
    return frozenset(name for place in _places(forms, "ar") for name in place.sites)
