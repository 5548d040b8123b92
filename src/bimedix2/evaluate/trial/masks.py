"""Names of models inside texts: found, masked and counted, so that an answer does not tell who wrote it."""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files

import yaml

FEWEST_LETTERS = 3
"""A shorter name (``A``, ``8b``) is not looked for: it stands in words and measurements too."""
MASK = {"ar": "[النموذج]"}
"""In the place of a name; ``[model]`` in every other language."""
_SUFFIX = re.compile(
    r"v?\d[\d.]*|[a-z]|base|chat|instruct|it|mini|nano|large|small|turbo|preview|latest|hf", re.IGNORECASE
)
"""Tokens at a name's end that its answers may leave out: sizes, versions, variants."""
_ARABIC = "\u0621-\u064a"


@cache
def known_names() -> tuple[str, ...]:
    """The names of ``names.yaml``."""
    text = (files("bimedix2.evaluate.trial") / "names.yaml").read_text(encoding="utf-8")
    return tuple(yaml.safe_load(text)["names"])


def short_names(names: Iterable[str]) -> list[str]:
    """Those that are too short to be looked for."""
    return [name for name in names if sum(char.isalpha() for char in name) < FEWEST_LETTERS]


def _forms(name: str) -> set[tuple[str, ...]]:
    """The name as tokens, without its owner, and without the suffixes at its end."""
    forms: set[tuple[str, ...]] = set()
    for part in {name, name.rpartition("/")[2]}:
        tokens = re.findall(r"[^\W\d_]+|\d+(?:\.\d+)*", part)
        while sum(char.isalpha() for token in tokens for char in token) >= FEWEST_LETTERS:
            forms.add(tuple(tokens))
            if len(tokens) < 2 or not _SUFFIX.fullmatch(tokens[-1]):
                break
            tokens = tokens[:-1]
    return forms


class Masks:
    """Looks for the names of a trial's models, and for those that ``names.yaml`` lists.

    Args:
        names: of the models, with their aliases.
        known: further names; ``None`` takes the list.
    """

    def __init__(self, names: Iterable[str], known: Sequence[str] | None = None) -> None:
        self.own = _pattern(names)
        self.all = _pattern([*names, *(known_names() if known is None else known)])

    def mask(self, text: str, language: str) -> tuple[str, list[str]]:
        """The text with its names masked, and what stood there."""
        found: list[str] = []

        def put(match: re.Match[str]) -> str:
            found.append(match["name"])
            return (match["joined"] or "") + MASK.get(language, "[model]")

        return self.all.sub(put, text), found

    def named(self, text: str) -> str | None:
        """The first of the trial's own models that a text names."""
        match = self.own.search(text)
        return match["name"] if match else None


def _pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Whole names alone, in any case, their tokens joined by anything or nothing.

    In Arabic "and", "by", "for", "as" and "so" are written as the first letter of the next word.
    """
    forms = sorted({form for name in names for form in _forms(name)}, key=len, reverse=True)
    either = "|".join(r"[\s\-_./:]*".join(re.escape(token) for token in form) for form in forms)
    if not either:
        return re.compile(r"(?P<joined>)(?P<name>)(?!)")
    return re.compile(
        rf"(?<![A-Za-z0-9{_ARABIC}])(?P<joined>[وبلكف]ـ?|ال)?(?P<name>{either})(?![A-Za-z0-9{_ARABIC}])",
        re.IGNORECASE,
    )
