"""A task is three nouns: which samples, how a model is asked, and how an answer is scored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bimedix2 import io
from bimedix2.evaluate.grade import Expected, Grade
from bimedix2.evaluate.lexicon import Lexicon
from bimedix2.llm.backend import Backend
from bimedix2.records import Message, Record, TextPart
from bimedix2.records.images import ImageStore

Raw = dict[str, Any]
"""What a model gave, as it is kept on disk: ``answer`` and ``finish``, or ``values`` and ``tokens``; with
``failure`` (a reason) where there is no answer to score."""
AS_IT_IS = "as it is"
"""The condition of a question that is asked as its record has it."""


@dataclass(frozen=True)
class Sample:
    """One question to one model, before it is asked."""

    record: Record
    condition: str
    messages: tuple[Message, ...] = ()
    """Ends with the user's turn; empty where ``options`` holds a plain text."""
    options: tuple[str, ...] = ()
    """Continuations whose likelihood is asked for; empty where the model answers."""
    expected: Expected | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    """What the scorer or a reader needs beside the record."""

    @property
    def id(self) -> str:
        """By which an answers file is joined: the record's id, with the condition where there is one."""
        return self.record.id if self.condition == AS_IT_IS else f"{self.record.id}#{self.condition}"

    def request(self, identity: str, max_tokens: int) -> str:
        """Hash of exactly what is asked of whom: an answer that is on disk is never asked for again."""
        shown = [
            [m.role, [p.text if isinstance(p, TextPart) else {"image": p.image} for p in m.content]]
            for m in self.messages
        ]
        asked = [identity, shown, list(self.options), 0 if self.options else max_tokens]
        return io.sha256_bytes(io.canonical_json(asked).encode("utf-8", "surrogatepass"))


@dataclass(frozen=True)
class Asking:
    """What asking needs beside the samples."""

    images: ImageStore
    max_tokens: int
    batch: int = 64
    """Samples handed to the backend together."""


@dataclass(frozen=True)
class Way:
    """How samples are asked, where they are no task's."""

    ask: Callable[[Backend, Sequence[Sample], Asking], list[Raw]]


@dataclass(frozen=True)
class Task:
    """``base``: the base model is asked as well."""

    about: str
    select: Callable[[Sequence[Record], int], list[Sample]]
    """Test records and a seed to samples."""
    ask: Callable[[Backend, Sequence[Sample], Asking], list[Raw]]
    score: Callable[[Sample, Raw, Lexicon | None], Grade]
    base: bool = False
