"""Persons' names in running text, told by lists of given names and by who is spoken of before them.

A given name that is no other word is found by itself. One that is also a word or a place ("Grace", "Hunter")
needs a cue: a relative, a profession, a greeting, "the patient". What follows a given name and may be a
family name goes with it. Eponyms ("Thomas test"), hospitals and streets are no persons. A person whose given
name is in no list, and whom no cue announces, is not found.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from bimedix2.errors import MissingExtra

Span = tuple[int, int]
_AR = "\u0621-\u064a\u0671-\u06d3"
_CAPITAL = r"[A-Z\u00c0-\u00d6\u00d8-\u00de]"
_WORD = rf"{_CAPITAL}[a-z\u00df-\u00f6\u00f8-\u00ff]+(?:['’\-]{_CAPITAL}[a-z\u00df-\u00ff]+)*"
"""A capitalised word; one of capitals alone is an abbreviation as a rule."""
_INITIAL = rf"{_CAPITAL}\.(?!\w)"
_LONGEST = 4
"""Words of a name at most, the given one among them."""


@cache
def _read(name: str) -> Any:
    return yaml.safe_load(files("bimedix2.text").joinpath(name).read_text(encoding="utf-8"))


@cache
def _given(tongue: str) -> tuple[frozenset[str], frozenset[str]]:
    """Given names that are found alone, and all."""
    lists = _read("given_names.yaml")[tongue]
    fold = str.casefold if tongue == "en" else _spelling
    with_cue = set(lists["with_cue"])
    single = set(lists["alone"]) if tongue == "ar" else {*_english_given(), *lists["more"]} - with_cue
    alone = frozenset(map(fold, single))
    return alone, alone | set(map(fold, with_cue))


def _english_given() -> Iterator[str]:
    """Faker's names of one word.

    Raises:
        MissingExtra: Faker is not installed.
    """
    try:
        from faker.providers.person import en_GB, en_IE, en_US
    except ImportError as error:
        raise MissingExtra("faker", "curate") from error
    for locale in (en_GB, en_IE, en_US):
        provider: Any = locale.Provider
        for name in (*provider.first_names_male, *provider.first_names_female):
            if "-" not in name:
                yield name


def _spelling(word: str) -> str:
    """An Arabic word with one form of alef, as people type it; final ya and ta marbuta tell names apart."""
    return re.sub("[أإآٱ]", "ا", word)


@cache
def _cues() -> Any:
    return _read("name_cues.yaml")


def _any(words: list[str]) -> str:
    longest = sorted(words, key=len, reverse=True)
    return "(?:" + "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in longest) + ")"


# English


@cache
def _english() -> tuple[re.Pattern[str], ...]:
    """A capitalised word; what may follow one in a name; a cue; what makes the name before it none."""
    words = _cues()["en"]
    particle = r"(?:(?:al|el|bin|ibn|bint|abu|van|von|der|den|de|da|di|la|le)[ \-])*"
    before = rf"(?i:{_any(words['before'])})|[A-Za-z]*{_any(words['endings'])}"
    cue = rf"(?<![A-Za-z])(?:{before})(?![A-Za-z])"
    between = r"(?:'s\s+name)?(?:\s+(?:is|named|called|was))?\s*[,:(\"]?\s*"
    things = rf"(?i:{_any(words['things'])})(?![a-z])"
    return (
        re.compile(rf"(?<![\w.@/\-'’])({_WORD})(?![\w@/])"),
        re.compile(rf"[ ]({particle}(?:{_WORD}|{_INITIAL}))"),
        re.compile(rf"{cue}{between}(?={_CAPITAL})"),
        re.compile(
            rf"(?:['’]s?)?(?:[ \-]{_WORD})?[ \-]{things}|\s+et\s+al|['’]s\s+{things}"
            rf"|(?:\s*(?:,|and|&|-)\s*{_WORD}){{1,4}}(?:['’]s)?\s+(?:{things}|et\s+al)"
        ),
    )


@cache
def _no_name() -> tuple[frozenset[str], re.Pattern[str]]:
    """Capitalised words that are in no name, and words after which a name is a place's."""
    words = _cues()["en"]
    return frozenset(words["no_name"]), re.compile(rf"(?<![A-Za-z]){_any(words['places'])}\.?\s+$")


def english(text: str) -> Iterator[Span]:
    """Yield where names stand in English: by their cue, or as a given name with what belongs to it."""
    word, _, cue, _ = _english()
    alone, every = _given("en")
    for match in cue.finditer(text):
        found = _name_at(text, match.end())
        # "Patient Activation Measure" is a title; "the patient, Ewa Nowak" is a person.
        title = match[0][0].isupper() and match[0].endswith(" ") and match[0].strip(" ").isalpha()
        several = found and found[1] - found[0] > len(found[3]) + 1
        if found and (found[2] & every or (several and not title)):
            yield found[0], found[1]
    for match in word.finditer(text):
        if match[1].casefold() in alone and not _no_name()[1].search(
            text, max(0, match.start() - 12), match.start()
        ):
            found = _name_at(text, match.start())
            if found:
                yield found[0], found[1]
    for match in re.finditer(r"(?<![\w\-])[A-Z][A-Z'’\-]{2,},[ ]([A-Z]{3,})(?![\w\-])", text):
        if match[1].casefold() in every:
            yield match.span()


def _name_at(text: str, start: int) -> tuple[int, int, frozenset[str], str] | None:
    """Start, end, words and first word of the name that begins there; nothing where it is no person's."""
    word, further, _, no_person = _english()
    never, _ = _no_name()
    first = word.match(text, start) or re.compile(rf"({_INITIAL})").match(text, start)
    if first is None or first[1].casefold() in never:
        return None
    words, end = [first[1]], first.end(1)
    while len(words) < _LONGEST and (more := further.match(text, end)) and more[1].casefold() not in never:
        words.append(more[1])
        end = more.end()
    if no_person.match(text, first.end(1)) or no_person.match(text, end):
        return None
    return start, end, frozenset(one.casefold() for one in words), words[0]


# Arabic


@cache
def _arabic() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """A word; a cue; what stands before a name that is a place's."""
    words = _cues()["ar"]
    start, end = rf"(?<![{_AR}])", rf"(?![{_AR}])"
    kin = rf"{_any(words['kin'])}(?:\s+{_any(words['patients'])})?"
    staff = rf"{_any(words['staff'])}(?:\s+ال[{_AR}]+)?"
    patients = rf"[وفبل]?{_any([*words['patients'], *('لل' + one[2:] for one in words['patients'])])}"
    cue = rf"{start}(?:[وفبل]?{kin}|[وفبل]?{staff}|{patients}|{_any(words['others'])}){end}\s*[،,:/]?\s*"
    return (
        re.compile(rf"{start}([{_AR}]+)"),
        re.compile(cue),
        re.compile(rf"{start}{_any(words['places'])}\s+$"),
    )


def arabic(text: str) -> Iterator[Span]:
    """Yield where names stand in Arabic: behind their cue, or as a given name that is no other word."""
    word, cue, places = _arabic()
    alone, every = _given("ar")
    for match in cue.finditer(text):
        if end := _chain(text, match.end(), every):
            yield match.end(), end
    for match in word.finditer(text):
        start = match.start() + _attached(match[1], alone)
        if places.search(text, max(0, match.start() - 14), match.start()):
            continue
        if _servant(text, start) or _spelling(text[start : match.end()]) in alone:
            end = _chain(text, start, every)
            if end:
                yield start, end
        elif match[1] in ("أم", "أبو", "أبي", "أبا"):  # Umm, Abu: "or" and "my father" as well
            following = word.match(text, match.end() + 1)
            if following and (_spelling(following[1]) in alone or _servant(text, following.start())):
                yield match.start(), _chain(text, following.start(), every) or following.end()


def _attached(word: str, names: frozenset[str]) -> int:
    """Letters before a given name that are written to it: "and", "so", "with", "for"."""
    spelt = _spelling(word)
    return 1 if spelt not in names and word[:1] in "وفبل" and spelt[1:] in names and len(word) > 4 else 0


_SERVANT = re.compile(rf"عبد\s?(?:ال[{_AR}]{{3,}}|الله|رب\s[{_AR}]+)(?![{_AR}])")
_LINK = re.compile(r"\s(?:بن|بنت|ابن|أبو|آل)(?=\s)")
_FAMILY = re.compile(rf"\sال[{_AR}]{{2,}}ي(?![{_AR}])")
_MISTER = re.compile(r"\s(?:السيد|الخطيب|النجار|الحداد|الشيخ)(?=\s*(?:[،,.؛)\n]|$))")
"""Family names that are also words: only where the name ends there."""


def _servant(text: str, at: int) -> int:
    """The end of a name that begins with "servant of", or 0."""
    found = _SERVANT.match(text, at)
    return found.end() if found else 0


def _chain(text: str, start: int, given: frozenset[str]) -> int:
    """The end of a name that begins with a given one: father's, grandfather's and family names go with it; 0
    where none begins."""
    word = re.compile(rf"([{_AR}]+)")
    end, count = 0, 0
    at = start
    while count < _LONGEST:
        servant, found = _servant(text, at), word.match(text, at)
        if servant:
            end = servant
        elif found and _spelling(found[1]) in given:
            end = found.end()
        else:
            break
        count += 1
        link = _LINK.match(text, end)
        at = (link.end() if link else end) + 1
        if text[at - 1 : at] not in (" ", "\t"):
            break
    if end:
        family = _FAMILY.match(text, end) or _MISTER.match(text, end)
        if family and family[0].strip() not in _cues()["ar"]["no_family"]:
            end = family.end()
    return end
