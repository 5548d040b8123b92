"""What identifies a person in English and Arabic text, found by cues and shapes, replaced by its kind.

Kinds are NAME, DATE, ID, PHONE, EMAIL and ADDRESS, after the identifiers of HIPAA 45 CFR 164.514(b)(2) that
have a shape or a cue; a year alone is left, as there. Names are found by their cues here, and by lists of
given names in ``text.names``; a name that is in no list and that nothing announces is not found, nor is
anything else that neither looks nor is announced like an identifier: what this leaves is text with fewer
identifiers, never text proven free of them.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from bimedix2.text import names

KINDS = ("EMAIL", "ID", "PHONE", "DATE", "ADDRESS", "NAME")
"""What is looked for; where two overlap, the earlier wins."""
_UNSEEN = re.compile(
    "[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\u061c\u0640\u064b-\u065f\u0670\u00ad]"
)
"""Characters that change how a text looks and not what it says: bidi controls, joiners, tatweel, tashkil."""
_CLINGING = re.compile("[\u0640\u064b-\u065f\u0670]")
"""Of these, tatweel and tashkil: they belong to the letter before them."""
_AR = "\u0621-\u064a\u0671-\u06d3"
_LETTER = re.compile("[A-Za-z]")
_UPPER = "A-Z\u00c0-\u00d6\u00d8-\u00de"
_YEARS = ((1300, 1500), (1850, 2100))
"""Years that a date may name: of the Hijri and of the Gregorian calendar."""
Finder = Callable[[str], Iterable[tuple[int, int]]]


@dataclass(frozen=True)
class Span:
    """One identifier: its kind and where it stands, ``text[start:end]``."""

    kind: str
    start: int
    end: int


def deidentify(text: str, kinds: Sequence[str] = KINDS) -> tuple[str, dict[str, int]]:
    """Return the text with ``[NAME]``, ``[DATE]`` and so on in the place of identifiers, and their number.

    Args:
        text: English, Arabic or both, digits of either script.
        kinds: those of ``KINDS`` to look for.
    """
    spans = find(text, kinds)
    pieces, at = [], 0
    for span in spans:
        pieces += [text[at : span.start], f"[{span.kind}]"]
        at = span.end
    return "".join([*pieces, text[at:]]), dict(Counter(span.kind for span in spans))


def find(text: str, kinds: Sequence[str] = KINDS) -> list[Span]:
    """Return the identifiers of a text in order; they do not overlap."""
    plain, at = _plain(text)
    owner: dict[int, int] = {}
    names: list[str] = []
    for kind, needed, finder in _finders():
        if kind in kinds and needed.search(plain):
            for start, end in finder(plain):
                names.append(kind)
                for place in range(start, end):
                    owner.setdefault(place, len(names) - 1)
    spans: list[Span] = []
    for first, last, which in _runs(owner):
        piece = plain[first : last + 1]
        lead, tail = len(piece) - len(piece.lstrip(_EDGE)), len(piece) - len(piece.rstrip(_EDGE))
        if lead + tail < len(piece):
            end = at[last - tail] + 1
            while end < len(text) and _CLINGING.match(text[end]):
                end += 1
            spans.append(Span(names[which], at[first + lead], end))
    return spans


_EDGE = " \t\r\n,;:،؛.-/|"


def _runs(owner: dict[int, int]) -> Iterator[tuple[int, int, int]]:
    """First and last place of each stretch that belongs to one finding."""
    run: list[int] = []
    for place in sorted(owner):
        if run and (place != run[1] + 1 or owner[place] != run[2]):
            yield run[0], run[1], run[2]
            run = []
        run = [run[0] if run else place, place, owner[place]]
    if run:
        yield run[0], run[1], run[2]


def _plain(text: str) -> tuple[str, Sequence[int]]:
    """The text without what is not seen, other blanks as spaces, and where each character stood."""
    if text.isascii():
        return text, range(len(text))
    at = [place for place, character in enumerate(text) if not _UNSEEN.match(character)]
    kept = (" " if text[place] in "\u00a0\u202f\u2009\u3000" else text[place] for place in at)
    return "".join(kept), at


@cache
def _words() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(
        files("bimedix2.text").joinpath("identifiers.yaml").read_text(encoding="utf-8")
    )
    return read


def _any(words: Iterable[str]) -> str:
    """A pattern for any of the words, the longest first, any blank for a space."""
    longest = sorted(words, key=len, reverse=True)
    return "(?:" + "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in longest) + ")"


def _english(words: Iterable[str]) -> str:
    return rf"(?<![A-Za-z])(?i:{_any(words)})(?![A-Za-z])"


def _arabic(words: Iterable[str]) -> str:
    """Words of Arabic at their boundaries; the article may carry a one-letter word before it."""
    forms = []
    for word in words:
        if word.startswith("ال"):
            forms += [word, "لل" + word[2:], "بال" + word[2:], "كال" + word[2:]]
        else:
            forms.append(word)
    return rf"(?<![{_AR}])[وف]?{_any(forms)}(?![{_AR}])"


@cache
def _finders() -> list[tuple[str, re.Pattern[str], Finder]]:
    """The finders of every kind, the earlier before the later, and what a text needs for them to look."""
    digit, arabic, latin = re.compile(r"\d"), re.compile(f"[{_AR}]"), re.compile("[A-Z]")
    email = r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"
    return [
        ("EMAIL", re.compile("@"), _shape(email)),
        *[("ID", digit, _shape(pattern)) for pattern in _id_patterns()],
        *[("PHONE", digit, _shape(pattern)) for pattern in _phone_patterns()],
        *[("DATE", digit, finder) for finder in _date_finders()],
        ("ID", digit, _shape(r"(?<![\w.,])\d{10,}(?![\w]|[.,]\d)")),
        *[("ADDRESS", latin, _shape(pattern)) for pattern in _address_patterns()["en"]],
        *[("ADDRESS", arabic, _shape(pattern)) for pattern in _address_patterns()["ar"]],
        *[("NAME", _LETTER, _shape(pattern)) for pattern in _name_patterns()["en"]],
        *[("NAME", arabic, _shape(pattern)) for pattern in _name_patterns()["ar"]],
        ("NAME", latin, names.english),
        ("NAME", arabic, names.arabic),
    ]


def _shape(pattern: str) -> Finder:
    """A finder of a pattern: the named group that matched where there is one, else the whole."""
    compiled = re.compile(pattern)
    return lambda text: [match.span(match.lastgroup or 0) for match in compiled.finditer(text)]


def _id_patterns() -> list[str]:
    words = _words()["ids"]
    cue = f"(?:{_english(words['en'])}|{_arabic(words['ar'])})"
    between = r"\s*(?:(?i:is|no\.?|number)\s*|هو\s*)?[:#.\-=]*\s*"
    token = r"(?P<v>(?:[A-Za-z]{1,5}[-/ ]?)?\d(?:[-/]?[A-Za-z\d]){2,24})(?![A-Za-z\d])"
    return [
        cue + between + token,
        r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])",  # United States: social security
        r"(?<!\d)784[- ]?\d{4}[- ]?\d{7}[- ]?\d(?!\d)",  # Emirates ID
    ]


def _phone_patterns() -> list[str]:
    words = _words()["phones"]
    cue = f"(?:{_english(words['en'])}|{_arabic(words['ar'])})"
    between = r"\s*(?:(?i:no\.?|number)\s*)?[:#.\-=]*\s*"
    return [
        rf"{cue}{between}(?P<v>[+(]?\d(?:[ \-.()/]{{0,2}}\d){{5,14}})",
        r"(?<![\w.,+])(?:\+|00)\d(?:[ \-.()]{0,2}\d){7,13}(?!\d)",
        r"(?<![\d(])\(\d{3}\)\s?\d{3}[-. ]\d{4}(?!\d)",
        r"(?<![\d-])\d{3}-\d{3}-\d{4}(?![\d-])",
        r"(?<![\d.,-])[0٠][1567١٥٦٧]\d(?:[ -]?\d){7,8}(?![\d-])",
    ]


def _date_finders() -> list[Finder]:
    words = _words()
    months_en, months_ar = _any(words["months"]["en"]), _any(words["months"]["ar"])
    cue = f"(?:{_english(words['dates']['en'])}|{_arabic(words['dates']['ar'])})"
    year, day, mark = r"\d{4}(?!\d)", r"(?<!\d)\d{1,2}", r"(?:\s*(?:هـ|ه|م)(?![\u0621-\u064a]))?"
    of_year = rf"(?:[\s،,]*(?:من\s+)?(?:عام\s+|سنة\s+)?{year}{mark})"
    capital = "(?:" + "|".join(month.capitalize() for month in words["months"]["en"]) + ")"
    no_date = rf"(?!\s*(?:%|(?i:{_any(words['after_day'])})(?![A-Za-z])))"
    return [
        _numeric,
        _shape(rf"{cue}\s*[:=]?\s*(?P<v>\d{{8}})(?!\d)"),
        _shape(rf"(?<!\w)(?i:{day}(?:st|nd|rd|th)?[\s\-]*(?:of\s+)?{months_en}\.?[\s,\-]*{year})"),
        _shape(rf"(?<![A-Za-z])(?i:{months_en})\.?\s+\d{{1,2}}(?:st|nd|rd|th)?\s*,?\s+{year}"),
        _shape(rf"(?<![A-Za-z])(?i:{months_en})\.?[\s,\-]+(?:of\s+)?(?:19|20)\d\d(?!\d)"),
        _shape(rf"(?<!\w){day}(?:st|nd|rd|th)?\s+(?:of\s+)?{capital}(?![A-Za-z])"),
        _shape(rf"(?<![A-Za-z]){capital}\s+\d{{1,2}}(?:st|nd|rd|th)?(?![\d.,/-]*\d){no_date}"),
        _shape(rf"{day}\s*(?:من\s+)?(?:شهر\s+)?{months_ar}(?![{_AR}]){of_year}?"),
        _shape(rf"(?<![{_AR}]){months_ar}{of_year}"),
    ]


_PARTS = re.compile(r"(?<![\d/.\-])(\d{1,4})\s?([/.\-])\s?(\d{1,2})\s?\2\s?(\d{1,4})(?![\d]|[/.\-]\d)")
_MONTH_YEAR = re.compile(r"(?<![\d/.\-])(\d{1,2})/(\d{4})(?![\d/])")


def _numeric(text: str) -> Iterator[tuple[int, int]]:
    """Dates of numbers alone, with a day and a month that exist: 04/03/2021, ٢٠٢١-٠٣-٠٤, 03/2021."""
    for match in _PARTS.finditer(text):
        first, middle, last = (int(match[group]) for group in (1, 3, 4))
        if len(match[1]) == 4:
            fits = _is_year(first) and _is_day(middle, last)
        elif len(match[4]) == 4:
            fits = _is_year(last) and _is_day(first, middle)
        else:  # 04/03/21; with dots or hyphens that is as often a version or a range
            short = len(match[4]) == 2 and len(match[1]) <= 2
            fits = match[2] == "/" and short and _is_day(first, middle)
        if fits:
            yield match.span()
    for match in _MONTH_YEAR.finditer(text):
        if 1 <= int(match[1]) <= 12 and _is_year(int(match[2])):
            yield match.span()


def _is_year(number: int) -> bool:
    return any(low <= number <= high for low, high in _YEARS)


def _is_day(one: int, other: int) -> bool:
    """Whether two numbers are a day and a month in either order."""
    low, high = sorted((one, other))
    return 1 <= low <= 12 and high <= 31


def _address_patterns() -> dict[str, list[str]]:
    words = _words()
    rest = r"(?P<v>[^\n;؛\[\]]{3,140}?)(?=\s*(?:[.;؛\n\[]|$)|\.\s)"
    further = rf"(?:[،,]\s*{_any(words['houses']['ar'])}\s[^\n.;؛،\[\]]{{1,30}})*"
    clause = r"(?P<v>[^\n.;؛،\[\]]{3,80}?)(?=\s*(?:[.;؛،\n\[]|$))"
    clause_ar = rf"(?P<v>[^\n.;؛،\[\]]{{3,80}}?{further})(?=\s*(?:[.;؛،\n\[]|$))"
    place = rf"(?:[{_UPPER}][\w'’\-]*|(?i:{_any(words['houses']['en'])})(?![A-Za-z]))"
    name = rf"[{_UPPER}][\w'’\-]+"
    numbered = rf"(?P<v>(?:{place}[ ,]+){{1,6}}\d+[A-Za-z]?(?:,?[ ]{place}(?:[ ]\d+)?)*)"
    street = rf"(?i:{_any(words['streets']['en'])})(?![A-Za-z])"
    return {
        "en": [
            rf"{_english(words['addresses']['en'])}\s*:\s*{rest}",
            rf"{_english(words['lives']['en'])}\s+{clause}",
            rf"{_english(words['lives_in']['en'])}\s+{numbered}",
            rf"(?<!\w)\d{{1,5}}[A-Za-z]?,?\s(?:{name}\s){{1,4}}{street}",
            r"(?<!\w)(?i:P\.?\s?O\.?\s?Box)\s*:?\s*\d+",
        ],
        "ar": [
            rf"{_arabic(words['addresses']['ar'])}\s*:\s*{rest}",
            rf"{_arabic(words['lives']['ar'])}\s+{clause_ar}",
            rf"{_arabic(words['streets']['ar'])}\s+(?:[{_AR}]+\s+){{0,2}}[{_AR}]+",
            rf"(?<![{_AR}])ص\s?\.\s?ب\s?\.?\s*:?\s*\d+",
        ],
    }


def _name_patterns() -> dict[str, list[str]]:
    words = _words()
    stop_en, stop_ar = _any(words["stop"]["en"]), _any(words["stop"]["ar"])
    particle_en, particle_ar = _any(words["particles"]["en"]), _any(words["particles"]["ar"])
    part = rf"(?!(?i:{stop_en})(?![A-Za-z]))(?:[{_UPPER}][\w'’\-]+|[{_UPPER}]\.?(?!\w))"
    loose = rf"(?!(?i:{stop_en})(?![A-Za-z]))[^\W\d_][\w'’\-]*\.?"
    link = rf"(?:(?i:{particle_en})[\s\-]+)*"
    english = rf"(?P<v>{link}{part}(?:(?:,[ ]?|[ ]){link}{part}){{0,4}})"
    any_case = rf"(?P<v>{loose}(?:(?:,[ ]?|[ ]){loose}){{0,3}})"
    titled = rf"(?P<v>{link}{part}(?:[ ]{link}{part}){{0,3}})"
    word = rf"(?!(?:{stop_ar})(?![{_AR}]))[{_AR}]{{2,}}"
    chain = rf"(?P<a>{word}(?:\s(?:{particle_ar}\s)?{word}){{0,4}})"
    brief = rf"(?P<a>{word}(?:\s(?:{particle_ar}\s)?{word}){{0,2}})"
    title_en = rf"{_english(words['titles']['en'])}\.?"
    title_ar = rf"(?:{_arabic(words['titles']['ar'])}|(?<!\w){_any(words['titles']['ar_short'])}\s?[./])"
    return {
        "en": [
            r"(?<!\w)[A-Z][A-Za-z'\-]+(?:\^[A-Z][A-Za-z'\-]*)+",  # DICOM's way: SMITH^JOHN
            rf"{_english(words['bare']['en'])}\s*:\s*{any_case}",
            rf"{_english(words['bare']['en'])}\s+{english}",
            rf"{_english(words['labels']['en'])}\s*:\s*{english}",
            rf"(?:^|[\n.;|])\s*(?i:name)\s*:\s*{any_case}",
            rf"{title_en}\s*{titled}",
        ],
        "ar": [
            rf"{_arabic(words['labels']['ar'])}\s*:\s*(?:{chain}|{english})",
            rf"{_arabic(words['bare']['ar'])}\s*[:\-]?\s*{chain}",
            rf"{title_ar}\s*[:/]?\s*(?:{brief}|{titled})",
            rf"{title_en}\s*{brief}",
        ],
    }
