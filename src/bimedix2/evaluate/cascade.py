"""A cascade: the question into English, a model, and its answer back into Arabic (the paper's Table 8).

Wraps any model, so that it stands in every table beside one that is asked in Arabic directly. Nothing is
corrected on the way: this is the baseline of a hospital that puts a translation service around an English
model. What critical-entity checks find is counted for each direction and changes no answer.
"""

import datetime
import json
import re
import weakref
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from pydantic import Field, field_serializer, model_validator

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.errors import ModelError, RefusedError
from bimedix2.evaluate.signature import Subject
from bimedix2.language.checks import check_translation
from bimedix2.language.concepts import mentions
from bimedix2.language.translators import (
    Done,
    Job,
    LLMTranslator,
    Translator,
    load_translator,
    prompt_version,
    translate_all,
)
from bimedix2.llm.backend import (
    UNWATCHED,
    Backend,
    Loglikelihood,
    Reply,
    Request,
    Watch,
    all_answered,
    attempt,
)
from bimedix2.llm.cache import Cache, Cached
from bimedix2.llm.connect import open_endpoint
from bimedix2.llm.endpoint import RUNNING, Endpoint
from bimedix2.records import DataClass, Language, Message, TextPart
from bimedix2.text.arabic import normalise, script

VERSION = "cascade-1"
"""Of how texts are handed to a service."""
TO_ENGLISH, TO_ARABIC = "to English", "to Arabic"
TOGETHER = 16
"""Texts handed to a service at once: what a kill can make it translate again."""
ABBREVIATION = re.compile(r"(?<![A-Za-z])[A-Z][A-Z0-9]{1,6}(?![A-Za-z])")
KINDS = ("modality", "region", "plane", "projection", "view", "window", "stain", "sign")
"""Of concepts whose abbreviation may stand as a word in the translation."""


class Translation(Settings):
    """Who translates: an ``endpoint``, or ``use`` of a translator of your own."""

    endpoint: Endpoint | None = None
    """A chat model behind an OpenAI-compatible endpoint."""
    use: str | None = None
    """``module:attribute``, for example a client of a translation service; see docs/translate.md."""
    cache: Path = Path("runs/translations.sqlite")
    """Translations by text, service and direction: none is asked for twice, and each has its date."""
    max_tokens: int = Field(default=2048, ge=1)
    """Of one translation by an endpoint."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.endpoint is None) == (self.use is None):
            raise ValueError("name one of 'endpoint' and 'use'")
        return self

    @field_serializer("endpoint")
    def _answers_depend_on(self, endpoint: Endpoint | None) -> dict[str, Any] | None:
        """Limits and prices are no part of what a run is known by: it goes on with a larger budget."""
        return None if endpoint is None else endpoint.model_dump(mode="json", exclude=RUNNING)


@dataclass(frozen=True)
class Relayed(Reply):
    """An answer with what became of it on the way.

    ``trail``: the service, its dates, the question and the answer in English, and the checks that failed, by
    direction.
    """

    trail: Mapping[str, Any] = field(default_factory=dict)


class Service:
    """A translator as a backend whose answers may be kept. A ``WatchedBackend``.

    A request's first message is the direction, its second the texts as JSON; so is the answer. The answer's
    ``model`` names the service and the date.

    Args:
        translator: who translates.
        identity: hash of what its translations depend on; its name's where that is not known.
    """

    def __init__(self, translator: Translator, identity: str = "") -> None:
        self.translator = translator
        self._identity = identity or _hash(["translation by", translator.name])

    @property
    def name(self) -> str:
        """The service's."""
        return self.translator.name

    @property
    def identity(self) -> str:
        """Hash of what its translations depend on."""
        return self._identity

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        """Translate.

        Raises:
            RefusedError: the service has no usable translation of a text.
        """
        return all_answered(self.attempt(requests, UNWATCHED))

    def attempt(self, requests: Sequence[Request], watch: Watch) -> list[Reply | RefusedError]:
        """As ``chat``, with errors in the places of texts without a translation."""
        found: list[Reply | RefusedError] = []
        for start in range(0, len(requests), TOGETHER):
            part = requests[start : start + TOGETHER]
            for number in range(start, start + len(part)):
                watch.sending(number)
            for number, result in enumerate(
                translate_all(self.translator, [_job(one) for one in part]), start
            ):
                found.append(self._outcome(requests[number], result))
                watch.answered(number, found[-1])
        return found

    def _outcome(self, request: Request, result: Any) -> Reply | RefusedError:
        if not isinstance(result, Done):
            return RefusedError(f"{self.name} has no usable translation: {result.reason}")
        wanted = len(json.loads(request.messages[1].text))
        if len(result.texts) != wanted or not all(text.strip() for text in result.texts):
            return RefusedError(f"{self.name} gave {len(result.texts)} texts for {wanted}, or an empty one")
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        text = json.dumps(list(result.texts), ensure_ascii=False)
        return Reply(text, f"{self.name} on {today}", "stop", 0, 0)

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        """A service has none.

        Raises:
            ModelError: always.
        """
        del pairs
        raise ModelError(f"{self.name} translates and has no likelihoods")

    def score(self, pairs: Sequence[tuple[Request, str]], watch: Watch) -> list[Loglikelihood | RefusedError]:
        """As ``loglikelihood``."""
        del watch
        return list(self.loglikelihood(pairs))


def _hash(value: Any) -> str:
    return io.sha256_bytes(io.canonical_json(value).encode())


def _job(request: Request) -> Job:
    target = Language.ENGLISH if request.messages[0].text == TO_ENGLISH else Language.ARABIC
    return Job(tuple(json.loads(request.messages[1].text)), target, request.data_class)


def _asked(direction: str, texts: Sequence[str], data_class: DataClass) -> Request:
    words = json.dumps(list(texts), ensure_ascii=False)
    messages = (Message.of("system", direction), Message.of("user", words))
    return Request(messages, data_class=data_class, prompt=VERSION)


class Cascade:
    """A model behind a translator. A ``WatchedBackend``.

    A conversation whose last turn is not Arabic goes to the model as it is.

    Args:
        model: who answers in English.
        identity: hash of what its answers depend on.
        service: who translates, behind its cache.
    """

    def __init__(self, model: Backend, identity: str, service: Cached) -> None:
        self.model = model
        self.service = service
        self._identity = _hash([identity, service.identity, VERSION])

    @property
    def name(self) -> str:
        """The model's name and the service's, as Table 8 writes them."""
        return f"{self.model.name} + translation ({self.service.name})"

    @property
    def identity(self) -> str:
        """Hash of the model's identity and the service's."""
        return self._identity

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer every request; errors as the model's and the service's."""
        return all_answered(self.attempt(requests, UNWATCHED))

    def attempt(self, requests: Sequence[Request], watch: Watch) -> list[Reply | RefusedError]:
        """As ``chat``, with errors in the places of refused questions and untranslated texts."""
        ways = [_Way(request) for request in requests]
        for number in range(len(ways)):
            watch.sending(number)
        self._translate([way for way in ways if way.wanted], TO_ENGLISH)
        open_ = [way for way in ways if way.error is None]
        for way, outcome in zip(open_, attempt(self.model, [way.english() for way in open_]), strict=True):
            way.take(outcome)
        self._translate([way for way in ways if way.error is None and way.untold], TO_ARABIC)
        outcomes = [way.outcome(self.name, self.service.name) for way in ways]
        for number, outcome in enumerate(outcomes):
            watch.answered(number, outcome)
        return outcomes

    def _translate(self, ways: Sequence["_Way"], direction: str) -> None:
        asked = [_asked(direction, way.texts(direction), way.request.data_class) for way in ways]
        for way, outcome in zip(ways, self.service.attempt(asked, UNWATCHED), strict=True):
            way.translated(direction, outcome)

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        """A cascade has none: its model never sees the Arabic words.

        Raises:
            ModelError: always.
        """
        del pairs
        raise ModelError(f"{self.name} writes answers and has no likelihoods; leave out what needs them")

    def score(self, pairs: Sequence[tuple[Request, str]], watch: Watch) -> list[Loglikelihood | RefusedError]:
        """As ``loglikelihood``."""
        del watch
        return list(self.loglikelihood(pairs))


class _Way:
    """One request on its way through a cascade."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.error: RefusedError | None = None
        self.reply: Reply | None = None
        self._back = ""
        self.checks: dict[str, list[str]] = {}
        self.dates: dict[str, str] = {}
        self._english: list[str] = []
        self.wanted = script(request.messages[-1].text) == "ar"
        self._arabic = [
            part.text
            for message in request.messages
            for part in message.content
            if isinstance(part, TextPart) and script(part.text) == "ar"
        ]

    @property
    def untold(self) -> bool:
        """Whether the answer is to be translated: a question in English, or an answer in Arabic, is not."""
        text = self.reply.text if self.reply else ""
        return self.wanted and bool(text.strip()) and script(text) != "ar"

    def texts(self, direction: str) -> list[str]:
        """What is to be translated."""
        if direction == TO_ENGLISH:
            return self._arabic
        assert self.reply is not None
        return [self.reply.text]

    def translated(self, direction: str, outcome: Reply | RefusedError) -> None:
        """Take a translation, and note what the checks find in it."""
        if isinstance(outcome, RefusedError):
            self.error = outcome
            return
        texts = json.loads(outcome.text)
        self.dates[direction] = outcome.model.rpartition(" on ")[2]
        pairs = zip(self.texts(direction), texts, strict=True)
        self.checks[direction] = [name for source, text in pairs for name in found(source, text, direction)]
        if direction == TO_ENGLISH:
            self._english = texts
        else:
            self._back = texts[0]

    def english(self) -> Request:
        """The request as the model sees it."""
        left = iter(self._english)
        messages = [
            message.model_copy(
                update={
                    "content": tuple(
                        TextPart(text=next(left))
                        if self._english and isinstance(part, TextPart) and script(part.text) == "ar"
                        else part
                        for part in message.content
                    )
                }
            )
            for message in self.request.messages
        ]
        return replace(self.request, messages=tuple(messages))

    def take(self, outcome: Reply | RefusedError) -> None:
        """Take the model's answer."""
        if isinstance(outcome, RefusedError):
            self.error = outcome
        else:
            self.reply = outcome

    def outcome(self, name: str, service: str) -> Reply | RefusedError:
        """The answer in Arabic, with its trail."""
        if self.error is not None:
            return self.error
        assert self.reply is not None
        trail = {
            "service": service,
            "dates": self.dates,
            "english": {"question": self._english, "answer": self.reply.text},
            "checks": self.checks,
        }
        text = self._back if self.untold else self.reply.text
        one = self.reply
        return Relayed(text, name, one.finish, one.prompt_tokens, one.completion_tokens, trail)


def found(source: str, translation: str, direction: str) -> list[str]:
    """Names of the checks that a translation fails; ``abbreviations`` is this module's own."""
    target: Any = "en" if direction == TO_ENGLISH else "ar"
    names = [failure.check for failure in check_translation(source, translation, target=target)]
    return [*dict.fromkeys(names), *(["abbreviations"] if lost_abbreviations(source, translation) else [])]


def lost_abbreviations(source: str, translation: str) -> list[str]:
    """Abbreviations in Latin capitals whose letters, and whose meaning, the translation does not have.

    The meaning is known of the concepts of ``language/concepts.yaml`` alone: "CT" may become the Arabic for
    computed tomography.
    """
    shown = translation.casefold()
    said = normalise(translation)
    lost = []
    for one in dict.fromkeys(ABBREVIATION.findall(source)):
        if one.casefold() in shown:
            continue
        meant = [(kind, values) for kind in KINDS for _, _, values in mentions(kind, normalise(one))]
        if not any(values & other for kind, values in meant for _, _, other in mentions(kind, said)):
            lost.append(one)
    return lost


@dataclass(frozen=True)
class CascadeSubject(Subject):
    """A cascade under evaluation: its model's template and decoding, and two places that see the words."""

    service: Endpoint | None = None

    @property
    def host(self) -> str:
        """Where the model answered, and where the translator did."""
        where = self.service.host if self.service is not None else "translator of the user's"
        return f"{super().host}, translation: {where}"

    def allow(self, data_class: DataClass) -> None:
        """As a ``Subject``, of both hosts."""
        super().allow(data_class)
        if self.service is not None:
            self.service.allow(data_class)


def open_cascade(settings: Translation, model: Subject, run: str) -> CascadeSubject:
    """Put a translator around an opened model.

    Args:
        settings: who translates.
        model: who answers.
        run: what an endpoint's budget is counted for.

    Raises:
        ConfigError: the translator cannot be imported, or its endpoint has no key.
    """
    stack, identity = ExitStack(), ""
    if settings.endpoint is not None:
        backend = stack.enter_context(open_endpoint(settings.endpoint, settings.cache, run))
        translator: Translator = LLMTranslator(backend, max_tokens=settings.max_tokens, brackets=False)
        versions = [prompt_version(language, False) for language in (Language.ENGLISH, Language.ARABIC)]
        identity = _hash([settings.endpoint.identity, settings.max_tokens, versions])
    else:
        translator = load_translator(settings.use or "")
    cached = Cached(Service(translator, identity), stack.enter_context(Cache(settings.cache)), run)
    cascade = Cascade(model.backend, model.identity, cached)
    weakref.finalize(cascade, stack.close)
    return CascadeSubject(
        cascade, cascade.identity, model.prompt, model.kind, model.endpoint, settings.endpoint
    )
