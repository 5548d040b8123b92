"""The ``Backend`` protocol: how every room asks a language model, wherever it runs.

Knows nothing about checkpoints, tokenizers, HTTP or rooms. ``engine`` implements it for local checkpoints.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from bimedix2.records import DataClass, Message


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

    ``images`` maps the sha256 that an ``ImagePart`` names to the image file's bytes.
    """

    messages: tuple[Message, ...]
    images: Mapping[str, bytes] = field(default_factory=dict)
    sampling: Sampling = Sampling()
    data_class: DataClass = DataClass.OPEN


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


class Backend(Protocol):
    """A language model, local or behind an endpoint."""

    @property
    def name(self) -> str:
        """The model's name and version, as it stands on every answer."""

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer each request, in order; implementations batch as they like."""

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        """Score each continuation as the assistant's next words, in order."""


class StreamingBackend(Backend, Protocol):
    """A backend that can also hand out an answer while it is being written."""

    def stream(self, request: Request) -> Iterator[str | Reply]:
        """Yield pieces of text whose concatenation is the answer, then one ``Reply`` with the whole."""
