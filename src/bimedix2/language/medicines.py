"""Whether a text names a medicine: by a drug's name in either script, or by a word such as tablet or inhaler.

Made for questions that people type, not for translations (``checks/drugs.py`` compares those): a look-up in
tables, so that a very long text takes no longer than reading it. Knows nothing of what is asked about it.
"""

import re
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from bimedix2 import io
from bimedix2.language.checks.drugs import drugs, sound
from bimedix2.language.checks.pair import table
from bimedix2.text.arabic import normalise

SHORTEST = 4
"""Consonants that an Arabic spelling must share with a name to be heard as that drug."""
LONG = 6
"""From so many consonants on, one may be missing: two spellings of one name differ by that."""
_ARABIC = re.compile("[\u0621-\u064a]+")
_LATIN = re.compile(r"[a-z]+")
_NATIVE = re.compile("[عحصضظ]|ه$")
"""What Arabic writes no foreign name with, so that a word of its own is not taken for a drug."""


def names_medicine(text: str) -> bool:
    """Whether a normalised text (``text.arabic.normalise``) names a medicine."""
    if _words().search(text):
        return True
    english, endings = _english()
    for word in _LATIN.findall(text):
        if word in english or word.removesuffix("s") in english or (len(word) > 6 and endings.search(word)):
            return True
    return any(_heard(word) for word in _ARABIC.findall(text))


def _heard(word: str) -> bool:
    """Whether an Arabic word, as written or without its particles, sounds like a drug that is known."""
    bare = re.sub(r"^[وف]?(?:[بك]?ال|لل)", "", word)
    whole = [] if re.match(r"[وف]?[بك]ال|لل", word) else [word, re.sub(r"^[وف]?[بلك]", "", word)]
    if bare in _others():
        return False
    for form in (bare, *whole):
        if form in _written():
            return True
        said = "" if _NATIVE.search(form) else sound(form)
        if len(said) >= SHORTEST and sum(form.count(vowel) for vowel in "اوي") > 1:
            if said in _sounds():
                return True
            if len(said) >= LONG and any(one in _shortened() for one in _without_one(said)):
                return True
    return False


def version() -> str:
    """Hash of all that is looked up."""
    return io.sha256_bytes(io.canonical_json([_file(), sorted(drugs()), table("drugs")["endings"]]).encode())


@cache
def _file() -> dict[str, Any]:
    text = files("bimedix2.language").joinpath("medicines.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


@cache
def _words() -> re.Pattern[str]:
    """Words for any medicine, of both languages."""
    return re.compile(rf"(?<!\w)(?:{'|'.join([*_file()['en'], *_file()['ar']])})(?!\w)")


@cache
def _others() -> frozenset[str]:
    """Arabic words that sound like a drug and are none."""
    return frozenset(normalise(_file()["others"]).split())


@cache
def _english() -> tuple[frozenset[str], re.Pattern[str]]:
    """Names in Latin letters, abbreviations and brands among them, and endings that mark an unlisted one."""
    brands = [name for row in table("drugs")["may"] for name in row["en"] if len(name) > 4]
    names = {word for name in [*drugs(), *brands] for word in [normalise(name)] if " " not in word}
    return frozenset(names), re.compile(rf"(?:{'|'.join(table('drugs')['endings'])})$")


@cache
def _written() -> frozenset[str]:
    """Arabic names that no sound gives away."""
    return frozenset(normalise(form) for drug in drugs().values() for form in drug.ar if " " not in form)


@cache
def _sounds() -> frozenset[str]:
    return frozenset(said for name in drugs() if len(said := sound(name)) >= SHORTEST)


@cache
def _shortened() -> frozenset[str]:
    """Long sounds, and each without one of its consonants."""
    long = [said for said in _sounds() if len(said) >= LONG]
    return frozenset(one for said in long for one in (said, *_without_one(said)))


def _without_one(said: str) -> list[str]:
    return [said[:place] + said[place + 1 :] for place in range(len(said))]
