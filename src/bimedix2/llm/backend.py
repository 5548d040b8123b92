"""The ``Backend`` protocol: how every room asks a language model, wherever it runs.

Knows nothing about checkpoints, tokenizers, HTTP or rooms. ``engine`` implements it for local checkpoints.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar, runtime_checkable

from bimedix2.errors import RefusedError
from bimedix2.records import DataClass, Message

TOGETHER = 64
"""Requests that a backend which cannot be watched gets at once: what a kill can make it answer again."""


@dataclass(frozen=True)
class Sampling:
    """How an answer is drawn; the defaults are greedy, so the same request gives the same answer."""

    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """One conversation that ends with the user's turn.

    ``images`` maps the sha256 that an ``ImagePart`` names to the image file's bytes. ``schema`` is the JSON
    Schema of the answer, for backends that can hold a model to one. No model sees the next three: ``prompt``
    is the version of the prompt that the messages were written from, ``sample`` tells several answers to one
    request apart, ``id`` is the question's, by which a file of answers is joined. ``before`` is for a request
    without messages, whose continuation is scored as plain text: what stands before it and is not scored.
    """

    messages: tuple[Message, ...]
    images: Mapping[str, bytes] = field(default_factory=dict)
    sampling: Sampling = Sampling()
    data_class: DataClass = DataClass.OPEN
    schema: str = ""
    prompt: str = ""
    sample: int = 0
    id: str = ""
    before: str = ""


@dataclass(frozen=True)
class Reply:
    """One answer; ``finish`` is ``length`` when it was cut at ``max_tokens``."""

    text: str
    model: str
    finish: Literal["stop", "length"]
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class Loglikelihood:
    """Natural-log probability of a continuation, summed over ``tokens``; ``greedy``: each was the argmax."""

    value: float
    tokens: int
    greedy: bool


Outcome = Reply | Loglikelihood | RefusedError
"""What becomes of one request of a call."""
A = TypeVar("A", Reply, Loglikelihood)
T = TypeVar("T")


class Backend(Protocol):
    """A language model, local or behind an endpoint."""

    @property
    def name(self) -> str:
        """The model's name and version, as it stands on every answer."""

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer each request, in order; implementations batch as they like."""

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        """Score each continuation as the assistant's next words, in order."""


class IdentifiedBackend(Backend, Protocol):
    """A backend whose answers may be kept: equal identities give equal answers to equal requests."""

    @property
    def identity(self) -> str:
        """Hash of all that answers depend on beside the request: weights, or endpoint, model and settings."""


class StreamingBackend(Backend, Protocol):
    """A backend that can also hand out an answer while it is being written."""

    def stream(self, request: Request) -> Iterator[str | Reply]:
        """Yield pieces of text whose concatenation is the answer, then one ``Reply`` with the whole."""


class Watch(Protocol):
    """Hears of each request of a call, by its place in it; calls come from several threads."""

    def sending(self, number: int) -> None:
        """The request is about to be sent, perhaps not for the first time; an error here ends the call."""

    def answered(self, number: int, outcome: Outcome) -> None:
        """Its answer, or its refusal, is here, and no other request has to wait for the call's end."""


class Unwatched:
    """The ``Watch`` of who does not care."""

    def sending(self, number: int) -> None:
        """Do nothing."""

    def answered(self, number: int, outcome: Outcome) -> None:
        """Do nothing."""


UNWATCHED = Unwatched()


@runtime_checkable
class WatchedBackend(Backend, Protocol):
    """A backend that tells of each answer as it comes, and refuses single requests."""

    def attempt(self, requests: Sequence[Request], watch: Watch) -> list[Reply | RefusedError]:
        """As ``chat``, with the error in the place of an answer that was refused."""

    def score(self, pairs: Sequence[tuple[Request, str]], watch: Watch) -> list[Loglikelihood | RefusedError]:
        """As ``loglikelihood``, with the error in the place of a score that was refused."""


def attempt(
    backend: Backend, requests: Sequence[Request], watch: Watch = UNWATCHED
) -> list[Reply | RefusedError]:
    """Answer each request, in order; one that is refused does not take the others with it.

    Only a ``WatchedBackend`` refuses single requests; of another one every error ends the call.
    """
    if isinstance(backend, WatchedBackend):
        return backend.attempt(requests, watch)
    return list(_in_parts(requests, backend.chat, watch))


def score(
    backend: Backend, pairs: Sequence[tuple[Request, str]], watch: Watch = UNWATCHED
) -> list[Loglikelihood | RefusedError]:
    """Score each continuation, in order; as ``attempt``."""
    if isinstance(backend, WatchedBackend):
        return backend.score(pairs, watch)
    return list(_in_parts(pairs, backend.loglikelihood, watch))


def _in_parts(items: Sequence[T], ask: Callable[[Sequence[T]], list[A]], watch: Watch) -> list[A]:
    outcomes: list[A] = []
    for start in range(0, len(items), TOGETHER):
        part = items[start : start + TOGETHER]
        for number in range(start, start + len(part)):
            watch.sending(number)
        for number, outcome in enumerate(ask(part), start):
            watch.answered(number, outcome)
            outcomes.append(outcome)
    return outcomes


def all_answered(outcomes: Sequence[A | RefusedError]) -> list[A]:
    """Return the answers.

    Raises:
        RefusedError: the first one among them.
    """
    answers: list[A] = []
    for outcome in outcomes:
        if isinstance(outcome, RefusedError):
            raise outcome
        answers.append(outcome)
    return answers
