"""Words that name places of the body, in both languages."""

import re
from dataclasses import dataclass
from functools import cache

from bimedix2.language.checks.pair import Side, Span, arabic, english, spans_of, table
from bimedix2.language.glossary import Term
from bimedix2.text.fold import folded


@dataclass(frozen=True)
class Place:
    """A word at a span that names one of some sites: "epigastric" has its own word and the stomach's."""

    span: Span
    sites: frozenset[str]


@cache
def _patterns(tongue: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    make, key = (english, "en") if tongue == "en" else (arabic, "ar")
    return tuple((name, make(tuple(row[key]))) for name, row in table("sites").items())


@cache
def _any(tongue: str) -> re.Pattern[str]:
    """One pattern of all sites: most words of a text name none."""
    flags = re.IGNORECASE if tongue == "en" else 0
    return re.compile("|".join(pattern.pattern for _, pattern in _patterns(tongue)), flags)


def _places(text: str, tongue: str) -> list[Place]:
    """The words and phrases that name sites."""
    if not _any(tongue).search(text):
        return []
    found: dict[Span, set[str]] = {}
    for name, pattern in _patterns(tongue):
        for span in spans_of(pattern, text):
            found.setdefault(span, set()).add(name)
    return [Place(span, frozenset(names)) for span, names in sorted(found.items())]


def places(side: Side) -> list[Place]:
    """The places of the body that a text names."""
    return _places(side.outside, side.tongue)


@cache
def marked(mark: str) -> frozenset[str]:
    """The sites with a mark of the file: ``weak`` or ``alone``."""
    return frozenset(name for name, row in table("sites").items() if row.get(mark))


@cache
def of_term(term: Term) -> frozenset[str]:
    """The sites in the Arabic of a glossary term: hypertension is of the blood's pressure there."""
    forms = " . ".join(folded(form) for form in (term.ar, *term.accept))
    return frozenset(name for place in _places(forms, "ar") for name in place.sites)
