"""A model under evaluation is any of five things; a recipe's ``model`` says which.

``model: nano`` is a preset or a checkpoint folder on this machine. A mapping names one of the others:

    model: {hub: org/name}                            a Hugging Face image-text-to-text model, or its folder
    model: {endpoint: {base_url: ..., model: ...}}    any OpenAI-compatible endpoint
    model: {answers: answers.jsonl}                   what a system elsewhere answered
    model: {cascade: {model: ..., translation: ...}}  any of these behind a translator

Settings and opening alone: what each of them does stands in ``hub``, ``llm``, ``answers_file`` and
``cascade``.
"""

import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, field_serializer, model_validator

from bimedix2 import config
from bimedix2.config import Settings
from bimedix2.engine import Dtype
from bimedix2.errors import MissingExtra
from bimedix2.evaluate.answers_file import AnswersFile
from bimedix2.evaluate.cascade import Translation, open_cascade
from bimedix2.evaluate.signature import Subject, open_subject
from bimedix2.llm.backend import Loglikelihood, Reply, Request, Watch
from bimedix2.llm.connect import open_endpoint
from bimedix2.llm.endpoint import RUNNING, Endpoint
from bimedix2.manifest import MANIFEST
from bimedix2.records import DataClass


class ModelSource(Settings):
    """One of ``hub``, ``endpoint`` and ``answers``, with what belongs to it."""

    hub: str | None = None
    """A model's id on the Hugging Face hub, or its folder."""
    revision: str | None = None
    """Of ``hub``: a branch, tag or commit; the commit that it means is part of the signature."""
    trust_remote_code: bool = False
    """Of ``hub``: run the Python files that come with the weights. Read them first."""
    together: int = Field(default=1, ge=1)
    """Of ``hub``: conversations that are read together; above 1 its processor must pad on the left."""
    endpoint: Endpoint | None = None
    cache: Path = Path("runs/models.sqlite")
    """Of ``endpoint``: what it answered, by request; nothing that is here is asked again."""
    answers: Path | None = None
    """JSON Lines of ``question_id``, ``text`` and ``model``."""
    name: str = ""
    """Of ``answers``: whose they are; chooses among several models of one file, or names its one."""

    cascade: "Cascade | None" = None
    """The question into English, another model, and its answer back into Arabic."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        named = [key for key in OF if getattr(self, key) is not None]
        if len(named) != 1:
            raise ValueError(
                f"name one of {', '.join(OF)}" + (f", not {' and '.join(named)}" if named else "")
            )
        for key, own in OF.items():
            # A resolved recipe states every key: one that has its default says nothing.
            strange = sorted(name for name in own if getattr(self, name) != _default(name))
            if key != named[0] and strange:
                raise ValueError(
                    f"'{strange[0]}' belongs to '{key}'; leave it out of a model of '{named[0]}'"
                )
        return self

    @field_serializer("endpoint")
    def _answers_depend_on(self, endpoint: Endpoint | None) -> dict[str, Any] | None:
        """Limits and prices are no part of what a run is known by: it goes on with a larger budget."""
        return None if endpoint is None else endpoint.model_dump(mode="json", exclude=RUNNING)


def _default(key: str) -> Any:
    return ModelSource.model_fields[key].default


OF: dict[str, set[str]] = {
    "hub": {"revision", "trust_remote_code", "together"},
    "endpoint": {"cache"},
    "answers": {"name"},
    "cascade": set(),
}
"""The kinds that a mapping names -> the keys that belong to each alone."""


def _read(value: Any) -> Any:
    # At once, so that a typo in the mapping is named and not the union of all that a model can be.
    return config.build(ModelSource, value, "model") if isinstance(value, dict) else value


Model = Annotated[str | ModelSource, BeforeValidator(_read)]
"""The type of a recipe's key that names a model."""


class Cascade(Settings):
    """A model that is asked in English, with a translator around it."""

    model: Model
    translation: Translation


ModelSource.model_rebuild()


def allow(model: Model, data_class: DataClass) -> None:
    """Let records of that class be sent to a model before it is opened, or not.

    Raises:
        DataClassError: it is behind an endpoint whose host is not listed for the class.
    """
    if isinstance(model, str):
        return
    if model.cascade is not None:
        allow(model.cascade.model, data_class)
    if model.endpoint is not None:
        model.endpoint.allow(data_class)


def inputs(model: Model, role: str = "model") -> dict[str, Path]:
    """What of a model is hashed into a manifest as an input: a finished folder, or its answers file."""
    if isinstance(model, str):
        folder = Path(model)
        return {role: folder} if (folder / MANIFEST).is_file() else {}
    if model.cascade is not None:
        return inputs(model.cascade.model, role)
    return {role: model.answers} if model.answers is not None else {}


def open_source(source: ModelSource, threads: int | None, dtype: Dtype, run: str) -> Subject:
    """Open what a mapping names; see ``bimedix2.evaluate.signature.open_subject``."""
    if source.cascade is not None:
        inner = open_subject(source.cascade.model, threads, dtype, run)
        return open_cascade(source.cascade.translation, inner, run)
    if source.answers is not None:
        file = AnswersFile(source.answers, source.name)
        return Subject(file, file.identity, "", "answers")
    if source.endpoint is not None:
        remote = Remote(source.endpoint, source.cache, run)
        return Subject(remote, remote.identity, "", "endpoint", source.endpoint)
    assert source.hub is not None
    try:
        import torch
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtra(error.name or "transformers", "model") from error
    from bimedix2.evaluate.hub import open_hub

    if threads is not None:
        torch.set_num_threads(threads)
    hub = open_hub(
        source.hub,
        revision=source.revision,
        dtype=dtype,
        trust_remote_code=source.trust_remote_code,
        together=source.together,
    )
    return Subject(hub, hub.identity, hub.template, "hub")


class Remote:
    """An endpoint behind its cache, closed with the last reference to it. A ``WatchedBackend``.

    Args:
        endpoint: from the recipe.
        cache: the SQLite file.
        run: what the budget is counted for.
    """

    def __init__(self, endpoint: Endpoint, cache: Path, run: str) -> None:
        stack = ExitStack()
        self._backend = stack.enter_context(open_endpoint(endpoint, cache, run))
        self.close = weakref.finalize(self, stack.close)

    @property
    def name(self) -> str:
        """Model and host."""
        return self._backend.name

    @property
    def identity(self) -> str:
        """Hash of the address, the model and the settings that answers depend on."""
        return self._backend.identity

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer every request; errors as ``bimedix2.llm.openai.OpenAI``."""
        return self._backend.chat(requests)

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        """Score continuations; errors as ``bimedix2.llm.openai.OpenAI``."""
        return self._backend.loglikelihood(pairs)

    def attempt(self, requests: Sequence[Request], watch: Watch) -> list[Any]:
        """As ``chat``, with errors in the places of refused requests."""
        return self._backend.attempt(requests, watch)

    def score(self, pairs: Sequence[tuple[Request, str]], watch: Watch) -> list[Any]:
        """As ``loglikelihood``, with errors in the places of refused requests."""
        return self._backend.score(pairs, watch)
