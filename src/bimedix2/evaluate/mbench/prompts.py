"""The judge's prompts: versioned files with their hash, filled in for one item.

``published`` follows LLaVA-Med's prompt (English) and BiMediX2's (Arabic) block by block, in our own words;
``ours`` names the user's language. The hash stands with every score that was made with it.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template
from typing import Literal

import yaml

from bimedix2 import io
from bimedix2.errors import ConfigError, DataError
from bimedix2.evaluate.mbench.load import Item, Tongue
from bimedix2.records import Message

Version = Literal["published", "ours"]

LANGUAGES: dict[Tongue, str] = {"en": "English", "ar": "Modern Standard Arabic"}


@dataclass(frozen=True)
class Prompt:
    """A template: system and user text with ``$names``, and the hash of both."""

    name: str
    system: str
    user: str
    hash: str

    @property
    def version(self) -> str:
        """As it stands in a signature."""
        return f"{self.name}@{self.hash[:8]}"

    def fill(self, **values: str) -> tuple[Message, ...]:
        """The messages; what is put in is never looked through for names again.

        Raises:
            DataError: a name of the template is not given.
        """
        try:
            texts = [Template(text).substitute(values) for text in (self.system, self.user)]
        except (KeyError, ValueError) as error:
            raise DataError(
                f"prompt '{self.name}' cannot be filled: {error}; correct the template"
            ) from error
        return (Message.of("system", texts[0]), Message.of("user", texts[1]))


def parse(name: str, text: str) -> Prompt:
    """Read a template: ``[system]``, its text, ``[user]``, its text.

    Raises:
        DataError: a part is missing.
    """
    head, system, rest = text.partition("[system]\n")
    system, user, rest = rest.partition("\n[user]\n")
    if head or not system.strip() or not user or not rest.strip():
        raise DataError(f"prompt '{name}' needs '[system]' first and then '[user]', each with text below")
    return Prompt(name, system.strip(), rest.rstrip("\n"), io.sha256_bytes(text.encode()))


@cache
def prompt(name: str) -> Prompt:
    """A shipped template by its file's name, without ``.md``."""
    path = files("bimedix2.evaluate.mbench").joinpath("prompts", f"{name}.md")
    return parse(name, path.read_text(encoding="utf-8"))


@cache
def dimensions() -> dict[str, dict[str, str]]:
    """The rubric dimensions of ``geval``: name -> ``definition`` and ``steps``."""
    path = files("bimedix2.evaluate.mbench").joinpath("prompts", "geval.yaml")
    found: dict[str, dict[str, str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def pair_prompt(version: Version, language: Tongue) -> Prompt:
    """The template that scores two answers.

    Raises:
        ConfigError: there is no such version.
    """
    if version not in ("published", "ours"):
        raise ConfigError(f"'{version}' is no prompt version; versions are: published, ours")
    return prompt(f"published.{language}" if version == "published" else "ours")


def pair_messages(version: Version, item: Item, first: str, second: str) -> tuple[Message, ...]:
    """Ask for the scores of two answers; the published order is reference first, candidate second."""
    return pair_prompt(version, item.language).fill(
        label=item.label,
        caption=item.caption,
        mentions=repr([dict(mention) for mention in item.mentions]),
        context=item.context or "(none)",
        question=item.text if version == "published" else item.question,
        first=first,
        second=second,
        language=LANGUAGES[item.language],
    )
