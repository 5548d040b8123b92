"""Who translates: a language model behind the one seam, or anything that has ``translate``.

Both the translation room and the cascade baseline of ``evaluate`` are handed one; a user's own is named in a
recipe as ``module:attribute``.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any, Protocol

from bimedix2 import io
from bimedix2.errors import ConfigError, DataError
from bimedix2.language.glossary import find
from bimedix2.llm.backend import IdentifiedBackend, Request, Sampling
from bimedix2.llm.structured import Accepted, Answer, Rules, as_asked, ask_structured
from bimedix2.records import DataClass, Language, Message

PROMPTS = {Language.ARABIC: "translate_to_arabic", Language.ENGLISH: "translate_to_english"}
TERMS = 40
"""Glossary terms shown with one job at most, the first that the text speaks of."""
NAMES = {Language.ENGLISH: "English", Language.ARABIC: "Arabic"}


@dataclass(frozen=True)
class Wrong:
    """A translation that did not pass, and why, in sentences that a translator can act on."""

    texts: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Job:
    """Texts of one conversation, in its order, to be translated together.

    ``wrong`` are the attempts so far: a translator that can be told of its mistakes is.
    """

    texts: tuple[str, ...]
    target: Language
    data_class: DataClass = DataClass.OPEN
    wrong: tuple[Wrong, ...] = ()


@dataclass(frozen=True)
class Done:
    """As many texts as the job has."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Undone:
    """No usable answer, why, and what was answered instead."""

    reason: str
    answers: tuple[str, ...] = ()


class Translator(Protocol):
    """Translates texts between English and Arabic.

    ``name`` goes into every record's provenance; ``corrects`` is false where asking again gives the same.
    """

    name: str
    corrects: bool

    def translate(self, jobs: Sequence[Job]) -> list[Done | Undone]:
        """Translate the jobs, in order."""


def translate_all(translator: Translator, jobs: Sequence[Job]) -> list[Done | Undone]:
    """Have the jobs translated, and look that what comes back is what a translator gives.

    Raises:
        DataError: it is not one ``Done`` or ``Undone`` a job, with texts.
    """
    results: Any = translator.translate(jobs)
    wrong = ""
    if not isinstance(results, list | tuple) or len(results) != len(jobs):
        count = len(results) if isinstance(results, list | tuple) else type(results).__name__
        wrong = f"gave {count} for {len(jobs)} jobs; return a list of as many Done or Undone"
    for number, one in enumerate(results if not wrong else (), 1):
        texts: Any = one.texts if isinstance(one, Done) else one.answers if isinstance(one, Undone) else None
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            wrong = f"gave {one!r:.80} for job {number}; return Done(texts) or Undone(reason), texts a tuple"
            break
    if wrong:
        raise DataError(f"the translator '{translator.name}' {wrong}")
    return list(results)


class Texts(Answer):
    """What a language model is asked for."""

    texts: list[str]


@cache
def prompt(target: Language, brackets: bool) -> str:
    """The instruction for one direction; ``brackets``: the English term after its Arabic one on first use."""
    folder = files("bimedix2.language").joinpath("prompts")
    text = folder.joinpath(f"{PROMPTS[target]}.md").read_text(encoding="utf-8")
    if target is Language.ARABIC:
        name = "brackets" if brackets else "no_brackets"
        text += folder.joinpath(f"{name}.md").read_text(encoding="utf-8")
    return text.strip()


def prompt_version(target: Language, brackets: bool) -> str:
    """The prompt's name and the head of its hash: it stands in the cache's key and in every record."""
    return f"{PROMPTS[target]}-{io.sha256_bytes(prompt(target, brackets).encode())[:8]}"


class LLMTranslator:
    """A chat model, asked for JSON, with the glossary's terms beside the texts.

    Args:
        backend: where it is asked; what it costs and who may see the texts is the backend's to hold.
        max_tokens: of one answer.
        brackets: Arabic with the English term in brackets on first use, as in the paper.
    """

    corrects = True

    def __init__(self, backend: IdentifiedBackend, *, max_tokens: int = 4096, brackets: bool = True) -> None:
        self.backend = backend
        self.name = backend.name
        self.max_tokens = max_tokens
        self.brackets = brackets

    def request(self, job: Job) -> Request:
        """The conversation that asks for one job: the texts, then each wrong attempt and its mistakes."""
        asked = {"texts": list(job.texts), **_terms(job)}
        messages = [
            Message.of("system", prompt(job.target, self.brackets)),
            Message.of("user", json.dumps(asked, ensure_ascii=False)),
        ]
        for wrong in job.wrong:
            messages.append(
                Message.of("assistant", json.dumps({"texts": list(wrong.texts)}, ensure_ascii=False))
            )
            messages.append(Message.of("user", _explain(wrong)))
        return Request(
            tuple(messages),
            sampling=Sampling(max_tokens=self.max_tokens),
            data_class=job.data_class,
            prompt=prompt_version(job.target, self.brackets),
        )

    def first(self, job: Job) -> Request:
        """The request as it is sent first, for an estimate."""
        return as_asked(self.request(job), Rules(Texts))

    def translate(self, jobs: Sequence[Job]) -> list[Done | Undone]:
        """Ask for all jobs together; one that gets no valid JSON after three tries is undone."""
        results: list[Done | Undone] = []
        for outcome in ask_structured(self.backend, [self.request(job) for job in jobs], Rules(Texts)):
            if isinstance(outcome, Accepted):
                results.append(Done(tuple(outcome.value.texts)))
            else:
                results.append(Undone(outcome.reason, tuple(one.text for one in outcome.attempts)))
        return results


def _terms(job: Job) -> dict[str, list[dict[str, str]]]:
    """The glossary's words for what the texts speak of; it is looked up by its English alone."""
    if job.target is not Language.ARABIC:
        return {}
    terms = {found.term.en: found.term.ar for text in job.texts for found in find(text)}
    return {"glossary": [{"en": en, "ar": ar} for en, ar in list(terms.items())[:TERMS]]} if terms else {}


def _explain(wrong: Wrong) -> str:
    said = "\n".join(f"- {problem}" for problem in wrong.problems)
    return f"That translation is not faithful:\n{said}\nTranslate all the texts again and correct this."


def load_translator(name: str) -> Translator:
    """Return a user's translator.

    Args:
        name: ``module:attribute``; a class or function is called without arguments.

    Raises:
        ConfigError: it cannot be imported, or is no translator.
    """
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise ConfigError(f"translator '{name}' is no module:attribute; write for example my_mt:translator")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"translator '{name}' cannot be imported ({error}); check its name") from error
    try:
        ready = hasattr(found, "translate") and not isinstance(found, type)
        made = found if ready or not callable(found) else found()
    except TypeError as error:
        raise ConfigError(f"translator '{name}' cannot be made without arguments ({error})") from error
    for wanted in ("name", "corrects", "translate"):
        if not hasattr(made, wanted):
            raise ConfigError(
                f"translator '{name}' has no '{wanted}'; see docs/translate.md for what it needs"
            )
    translator: Translator = made
    return translator
