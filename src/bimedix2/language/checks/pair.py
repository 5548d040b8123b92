"""A source and its translation as the checks read them: folded, bracketed English set aside."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Literal

import yaml

from bimedix2.text.arabic import script
from bimedix2.text.fold import Folded, fold, folded
from bimedix2.text.sentences import split

Span = tuple[int, int]
Tongue = Literal["en", "ar"]

ARABIC = r"\u0621-\u064a"
_BRACKET = re.compile(r"\([^()\n]*[A-Za-z][^()\n]*\)|\[[^\[\]\n]*[A-Za-z][^\[\]\n]*\]")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Failure:
    """One thing that a translation gets wrong.

    ``why`` is a sentence for whoever translates again; the spans are the places that it speaks of, in the
    source and in the target, and may be empty where something is missing.
    """

    check: str
    why: str
    source: tuple[Span, ...] = ()
    target: tuple[Span, ...] = ()


@cache
def table(name: str) -> Any:
    """A data file of the checks, parsed."""
    text = files("bimedix2.language.checks").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=_LOADER)


class Side:
    """One language's text of a pair. All spans of a side are of its folded text."""

    def __init__(self, text: str, tongue: Tongue) -> None:
        self.raw = text
        self.tongue = tongue
        self.folded: Folded = fold(text)
        self.text = self.folded.text

    @cached_property
    def outside(self) -> str:
        """The folded text with blanks in the place of brackets that hold English and no Arabic.

        A translation names the English term there, once more; in an English text nothing is blanked.
        """
        if self.tongue == "en":
            return self.text
        return _BRACKET.sub(
            lambda m: m.group() if re.search(f"[{ARABIC}]", m.group()) else " " * len(m.group()), self.text
        )

    @cached_property
    def sentences(self) -> list[Span]:
        """Spans of the sentences."""
        return split(self.text)

    def words(self, spans: Iterable[Span]) -> str:
        """What stands at some places, quoted as it was given, for a sentence that explains."""
        said = dict.fromkeys(f"'{self.raw[start:end].strip()}'" for start, end in self.original(spans))
        return ", ".join(said)

    def original(self, spans: Iterable[Span]) -> tuple[Span, ...]:
        """Spans of the text as it was given."""
        return tuple(self.folded.span(start, end) for start, end in spans)


def _tongue(source: str, target: str) -> Tongue:
    """The source's language: the text with the larger share of Arabic letters is the Arabic one."""
    shares = []
    for text in (source, target):
        letters = sum(char.isalpha() for char in text)
        shares.append(len(re.findall(f"[{ARABIC}]", text)) / max(1, letters))
    if abs(shares[0] - shares[1]) > 0.1:
        return "ar" if shares[0] > shares[1] else "en"
    return script(source) or "en"


class Pair:
    """A source and a target, one English and the other Arabic."""

    def __init__(self, source: str, target: str, tongue: Tongue | None = None) -> None:
        """``tongue`` is the target's language; without one the letters decide."""
        first = _tongue(source, target) if tongue is None else "en" if tongue == "ar" else "ar"
        self.source = Side(source, first)
        self.target = Side(target, "en" if first == "ar" else "ar")
        self.en, self.ar = (self.source, self.target) if first == "en" else (self.target, self.source)

    def fail(self, check: str, why: str, en: Iterable[Span] = (), ar: Iterable[Span] = ()) -> Failure:
        """A failure from spans of the two languages' folded texts."""
        spans = {"en": self.en.original(en), "ar": self.ar.original(ar)}
        return Failure(check, why, spans[self.source.tongue], spans[self.target.tongue])


def inside(span: Span, spans: Iterable[Span]) -> bool:
    """Whether a span begins inside one of some spans."""
    return any(start <= span[0] < end for start, end in spans)


def within(found: Iterable[Span], part: Span) -> list[Span]:
    """The spans that begin inside a part of the text."""
    return [span for span in found if part[0] <= span[0] < part[1]]


@cache
def english(words: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern of English words and phrases in any case; ``*`` stands for the rest of a word."""
    forms = []
    for phrase in sorted(words, key=len, reverse=True):
        escaped = re.escape(phrase).replace(r"\*", "[a-z]*")
        forms.append(re.sub(r"(?:\\ )+", r"[\\s-]+", escaped))
    return re.compile(rf"(?<![a-z\d])(?:{'|'.join(forms)})(?![a-z\d])", re.IGNORECASE)


def arabic_form(word: str, first: bool = True, last: bool = True) -> str:
    """A pattern of one folded Arabic word with what Arabic attaches to it.

    Before it stand the particles (the first word of a phrase alone) and the article; behind it tanwin's alef,
    dual, plural, the relative ya, feminine and possessive endings.
    """
    before = "(?:[وف]?(?:لل|[بكل]?(?:ال)?))" if first else "(?:ال)?"
    if word.endswith("*"):
        return f"{before}{re.escape(word[:-1])}[{ARABIC}]*"
    if word.endswith("ة"):
        return f"{before}{re.escape(word[:-1])}(?:[هة]|ت(?:ا|ين|ان|ي|ك|ه|ها|هم|هما|نا|يه|يها)|ات(?:ه|ها|هم)?)"
    plural = "|ون|ين|ان|ات|ي|ية|يا|يتين|يتان|يين" if last else "|ين|ان|ا|ي"
    return f"{before}{re.escape(word)}(?:ا|ي|ه|ها|هم|هما|ك|نا{plural})?"


def exactly(phrase: str) -> str:
    """A pattern of a phrase as it is written; ``~`` in it stands for up to five words."""
    between = rf"(?:\s+[{ARABIC}]+){{0,5}}"
    return r"\s+".join(re.escape(word) for word in phrase.split()).replace(r"\s+\~", between)


@cache
def arabic(words: tuple[str, ...]) -> re.Pattern[str]:
    """A pattern of Arabic words and phrases, inflected or not, in folded text.

    ``=`` before a phrase takes it as it is written, with "and" and a preposition before it at most, and ``~``
    in it stands for up to five words; ``*`` at a word's end stands for any ending.
    """
    forms = []
    for phrase in sorted(words, key=len, reverse=True):
        if phrase.startswith("="):
            forms.append(f"[وف]?[بكل]?{exactly(folded(phrase[1:]))}")
        else:
            parts = folded(phrase).split()
            forms.append(
                r"\s+".join(arabic_form(w, n == 0, n == len(parts) - 1) for n, w in enumerate(parts))
            )
    return re.compile(rf"(?<![{ARABIC}])(?:{'|'.join(forms)})(?![{ARABIC}])")


def spans_of(pattern: re.Pattern[str], text: str) -> list[Span]:
    """Where a pattern stands in a text."""
    return [match.span() for match in pattern.finditer(text)]


def counted(found: Mapping[str, list[Span]]) -> dict[str, int]:
    """How often each name was found, of those found at all."""
    return {name: len(spans) for name, spans in found.items() if spans}
