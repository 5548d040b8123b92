"""The translatable texts of a message, and the message again from their translations.

What a translator may not touch never reaches it: JSON keys and structure stay here, protected spans (image
placeholders and special tokens, addresses, identifiers) are handed out as ``⟦1⟧`` and put back afterwards.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bimedix2.text.arabic import script

PROTECTED = re.compile(
    r"<\|?/?[A-Za-z][\w.-]*\|?>"  # <image>, <|im_start|>, </s>
    r"|\b(?:https?|ftp)://[^\s<>()\[\]\"']*[^\s<>()\[\]\"'.,;:!?]"
    r"|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"
    r"|\b10\.\d{4,9}/[^\s<>\"]*[^\s<>\".,;:)]"  # DOI
    r"|\b(?:PMID|PMCID):?\s*(?:PMC)?\d+\b|\bPMC\d+\b"
    r"|\b[A-Z]\d{2}\.\d{1,4}\b"  # ICD-10 with a subdivision
    r"|\{[A-Za-z_][A-Za-z0-9_]*\}"  # a template's field
)
"""Spans that stand in the translation as they stand in the source, letter for letter."""
MASK = re.compile(r"⟦(\d+)⟧")


@dataclass(frozen=True)
class Masked:
    """A text with its protected spans as ``⟦1⟧``, ``⟦2⟧``, in order."""

    text: str
    spans: tuple[str, ...]

    def unmask(self, translated: str) -> tuple[str, str]:
        """Put the spans back; return the text, and what is wrong with it (nothing, where all stand once)."""
        found = [int(match[1]) for match in MASK.finditer(translated)]
        wanted = list(range(1, len(self.spans) + 1))
        problem = ""
        if sorted(found) != wanted:
            lost = [f"⟦{n}⟧" for n in wanted if found.count(n) != 1]
            added = [f"⟦{n}⟧" for n in sorted(set(found)) if n not in wanted]
            problem = (
                f"each of {', '.join(lost + added)} has to stand in it exactly as often as in the source"
            )

        def span(match: re.Match[str]) -> str:
            number = int(match[1])
            return self.spans[number - 1] if 1 <= number <= len(self.spans) else match[0]

        return MASK.sub(span, translated), problem


def mask(text: str) -> Masked:
    """Take the protected spans out of a text. Text that holds ``⟦1⟧`` itself is protected there too."""
    spans: list[str] = []

    def take(match: re.Match[str]) -> str:
        spans.append(match[0])
        return f"⟦{len(spans)}⟧"

    return Masked(re.sub(f"{PROTECTED.pattern}|{MASK.pattern}", take, text), tuple(spans))


class Segments:
    """The texts inside one text: itself, or the strings of the JSON that it is.

    ``texts`` are those with words to translate; numbers, option letters alone and empty strings are not.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._json = _json(text)
        strings = [text] if self._json is None else list(_strings(self._json))
        self._wanted = [_worded(string) for string in strings]
        self._strings = strings
        self.texts = tuple(s for s, wanted in zip(strings, self._wanted, strict=True) if wanted)

    def join(self, translated: Sequence[str]) -> str:
        """Return the text with each of ``texts`` replaced.

        Args:
            translated: as many as ``texts``, in their order.
        """
        if len(translated) != len(self.texts):
            raise ValueError(f"{len(translated)} translations of {len(self.texts)} texts")
        left = iter(translated)
        every = [next(left) if wanted else s for s, wanted in zip(self._strings, self._wanted, strict=True)]
        if self._json is None:
            return every[0]
        rest = iter(every)
        return json.dumps(_replace(self._json, rest), ensure_ascii=False, indent=_indent(self._text))


def _json(text: str) -> Any:
    """The JSON list or object that a text is, or ``None``."""
    if text.strip()[:1] not in ("{", "["):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, (dict, list)) else None


def _indent(text: str) -> int | None:
    found = re.match(r"\s*[\[{]\n( +)", text)
    return len(found[1]) if found else None


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _replace(value: Any, texts: Iterator[str]) -> Any:
    if isinstance(value, str):
        return next(texts)
    if isinstance(value, dict):
        return {key: _replace(item, texts) for key, item in value.items()}
    if isinstance(value, list):
        return [_replace(item, texts) for item in value]
    return value


def _worded(text: str) -> bool:
    """Whether a text holds words outside its protected spans; a single Latin letter is an option's."""
    bare = MASK.sub(" ", mask(text).text)
    return bool(script(bare)) and not re.fullmatch(r"\W*[A-Za-z]\W*", bare)
