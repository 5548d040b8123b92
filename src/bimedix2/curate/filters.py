"""What a record must be like to stay: each filter says what is wrong, or nothing. Knows no other record."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

from pydantic import Field, field_validator

from bimedix2.config import Settings, ascending
from bimedix2.records import Language, Record
from bimedix2.records.translations import failed_checks
from bimedix2.text.arabic import script


class FilterConfig(Settings):
    """Which filters apply, and how strictly."""

    characters: tuple[int, int] = (1, 200_000)
    """A conversation has at least and at most so many, all its words together."""
    language: bool = True
    """Answers of ``JUDGED`` letters or more are in the record's language."""
    repeated: float = Field(default=0.5, gt=0, le=1)
    """At most this share of a message's words stands in runs of five that came before; 1 lets all by."""
    placeholders: bool = True
    """No marks for images, and no unfilled slots of templates, stand in the words."""
    failed_translation: bool = True
    """No translation that fails a check and that nobody has reviewed."""
    bad_characters: bool = True
    """No control characters, wrongly decoded text, or characters that turn the direction of what follows."""

    @field_validator("characters")
    @classmethod
    def _a_range(cls, characters: tuple[int, int]) -> tuple[int, int]:
        return ascending(characters)


JUDGED = 12
"""Letters that an answer needs for its language to be told: "CT" answers an Arabic question well."""
WINDOW = 5
"""Words that make a run."""
LONG = 40
"""Words from which on runs are looked for."""
IN_A_ROW = 12
"""The same word, or 40 times the same letter, one after the other, at any length."""
_PLACEHOLDER = re.compile(
    r"<\s*/?\s*\|?\s*(?:image|img|picture|صورة|الصورة)\s*[\w\-]*\s*\|?\s*/?\s*>"
    r"|\[\s*(?:image|img|INSERT [^\]]{0,40}|TODO)\s*\d*\s*\]"
    r"|\{\{?\s*[A-Za-z_][A-Za-z0-9_]{0,30}\s*\}?\}",
    re.IGNORECASE,
)
_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Embeddings, overrides and isolates (UAX #9): text may read otherwise than it is stored. The marks LRM, RLM
and ALM turn nothing and are common in Arabic."""
_MISREAD = re.compile(
    r"(?:[\u00d8\u00d9][\u0080-\u00bf\u0152-\u0192\u02c6-\u2122]){2,}|(?:\u00c3[\u0080-\u00bf]){2,}"
)
"""UTF-8 that was read as Windows-1252 or Latin-1: Arabic letters become pairs that begin with these."""
_RARE = re.compile(r"[^\n\t\r\x20-\x7e\u00a0-\u00ff\u0621-\u0669]")
"""Characters that are worth a look one by one."""
_WORDS = re.compile(rf"(?:[\W\d_]*[^\W\d_]){{{JUDGED}}}")
_LETTER_RUN = re.compile(r"([^\W\d_])\1{39,}")


def _length(record: Record, config: FilterConfig) -> tuple[str, str] | None:
    count = sum(len(message.text) for message in record.messages)
    least, most = config.characters
    if count < least:
        return "too-short", f"{count} characters, at least {least} are asked for"
    if count > most:
        return "too-long", f"{count} characters, at most {most} are asked for"
    return None


def _language(record: Record, config: FilterConfig) -> tuple[str, str] | None:
    if not config.language or record.language is Language.MIXED:
        return None
    for number, message in enumerate(record.messages, 1):
        if message.role == "assistant" and _WORDS.match(message.text):
            found = script(message.text) or "another script"
            if found != record.language.value:
                return "wrong-language", f"message {number} is {found}, the record says {record.language}"
    return None


def _repeated(record: Record, config: FilterConfig) -> tuple[str, str] | None:
    if config.repeated == 1:
        return None
    for number, message in enumerate(record.messages, 1):
        if said := _endless(message.text):
            return "repeated-text", f"message {number}: {said}"
        share = repeated_share(message.text)
        if share > config.repeated:
            return "repeated-text", f"message {number}: {share:.0%} of its words repeat a run of {WINDOW}"
    return None


def repeated_share(text: str) -> float:
    """Share of a text's words that stand in a run of ``WINDOW`` which came before; 0 for short texts."""
    words = text.casefold().split()
    if len(words) < LONG:
        return 0.0
    seen: set[tuple[str, ...]] = set()
    again = [False] * len(words)
    for start in range(len(words) - WINDOW + 1):
        run = tuple(words[start : start + WINDOW])
        if run in seen:
            again[start : start + WINDOW] = [True] * WINDOW
        seen.add(run)
    return sum(again) / len(words)


def _endless(text: str) -> str:
    """A word or a letter that goes on and on, or nothing."""
    if found := _LETTER_RUN.search(text):
        return f"the letter {found[1]} {len(found[0])} times in a row"
    words = text.casefold().split()
    run = 1
    for before, word in pairwise(words):
        run = run + 1 if word == before and any(c.isalpha() for c in word) else 1
        if run >= IN_A_ROW:
            return f"the word {word:.30} {run} times in a row or more"
    return ""


def _placeholder(record: Record, config: FilterConfig) -> tuple[str, str] | None:
    if not config.placeholders:
        return None
    marks = Counter(found[0] for message in record.messages for found in _PLACEHOLDER.finditer(message.text))
    if not marks:
        return None
    said = ", ".join(f"{mark!r:.40} {count} times" for mark, count in marks.most_common(3))
    return "placeholder", f"{said} in the words, {len(record.images)} images in the record"


def _characters(record: Record, config: FilterConfig) -> tuple[str, str] | None:
    if not config.bad_characters:
        return None
    for number, message in enumerate(record.messages, 1):
        if not message.text.isascii() and (found := _MISREAD.search(message.text)):
            return "bad-characters", f"message {number}: wrongly decoded text ({found[0]!r:.40})"
        for found in _RARE.finditer(message.text):
            if _bad(found[0]):
                name = unicodedata.name(found[0], "no character")
                return "bad-characters", f"message {number}: U+{ord(found[0]):04X} {name}"
    return None


def _bad(character: str) -> bool:
    if character in _TURNING or character == "\ufffd":
        return True
    # Control, surrogate, private use, unassigned.
    return unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn")


def _translation(record: Record, config: FilterConfig) -> tuple[str, str] | None:
    failed = failed_checks(record) if config.failed_translation else ()
    return ("failed-translation", f"it fails {', '.join(failed)}, and nobody reviewed it") if failed else None


FILTERS: tuple[Callable[[Record, FilterConfig], tuple[str, str] | None], ...] = (
    _length,
    _characters,
    _placeholder,
    _repeated,
    _language,
    _translation,
)
"""Each returns (reason, what is wrong), or nothing; the first that objects decides."""


def objection(record: Record, config: FilterConfig) -> tuple[str, str] | None:
    """Return why a record is left out, or nothing."""
    for look in FILTERS:
        if found := look(record, config):
            return found
    return None
