"""The one record that flows through every room: a conversation with images, and where it came from.

Knows nothing about files, models or rooms. Text holds no placeholder for an image: an image is a part of a
message, in its place between the words, so a text that happens to contain ``<image>`` stays a text.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from bimedix2 import io
from bimedix2.errors import DataError


class Language(StrEnum):
    """The language of a record's answers; ``MIXED`` where turns differ."""

    ENGLISH = "en"
    ARABIC = "ar"
    MIXED = "mixed"


class Split(StrEnum):
    """The side of a record. Benchmarks are records with ``TEST``."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    NONE = "none"


class DataClass(StrEnum):
    """Who may see a record; the last two leave the machine only to hosts listed for the class."""

    OPEN = "open"
    NON_COMMERCIAL = "non-commercial"
    CREDENTIALED = "credentialed"
    PATIENT = "patient"


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class TextPart(_Frozen):
    """Words of a message."""

    type: Literal["text"] = "text"
    text: str


class ImagePart(_Frozen):
    """An image of a message, by the sha256 of its file's bytes."""

    type: Literal["image"] = "image"
    image: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """Hex sha256 of the image file, the key into the image store."""
    name: str = ""
    """The file name that the source gave it, for people and for round trips."""


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class Message(_Frozen):
    """One turn: a role and its parts in order."""

    role: Literal["system", "user", "assistant"]
    content: tuple[Part, ...]

    @classmethod
    def of(cls, role: str, *parts: str | ImagePart) -> "Message":
        """Build a message from strings and images in order."""
        content = [TextPart(text=p) if isinstance(p, str) else p for p in parts]
        return cls.model_validate({"role": role, "content": content})

    @property
    def text(self) -> str:
        """The words alone, parts joined by a line break."""
        return "\n".join(part.text for part in self.content if isinstance(part, TextPart))

    @property
    def images(self) -> tuple[ImagePart, ...]:
        """The images alone, in order."""
        return tuple(part for part in self.content if isinstance(part, ImagePart))


class Provenance(_Frozen):
    """Where a record came from, and what was done to it."""

    source: str
    """The dataset, for example ``slake`` or the folder's name."""
    source_id: str = ""
    """The id inside the source; an augmented or translated twin keeps it."""
    subject: str | None = None
    """Patient, video, volume or slide; ``None`` is unknown. Splits never cut through one."""
    url: str = ""
    licence: str = "unknown"
    attribution: str = ""
    steps: tuple[str, ...] = ()
    """What each room did, oldest first, for example ``translate:MODEL@DATE``."""


class Record(_Frozen):
    """A conversation, its images, its language and its origin."""

    id: Annotated[str, StringConstraints(min_length=1)]
    messages: Annotated[tuple[Message, ...], Field(min_length=1)]
    language: Language
    task: str
    """What is asked, for example ``vqa``, ``caption``, ``conversation``, ``mcq``."""
    split: Split = Split.NONE
    data_class: DataClass = DataClass.OPEN
    provenance: Provenance
    meta: dict[str, Any] = Field(default_factory=dict)
    """JSON values that a source or a room attaches (for example ``modality``); absent is unknown."""

    @model_validator(mode="after")
    def _turns_alternate(self) -> "Record":
        roles = [m.role for m in self.messages]
        if "system" in roles[1:]:
            raise ValueError("a system message stands only first")
        turns = roles[1:] if roles[0] == "system" else roles
        for number, role in enumerate(turns, 1):
            wanted = "user" if number % 2 else "assistant"
            if role != wanted:
                raise ValueError(f"turn {number} is {role}, expected {wanted}")
        for number, message in enumerate(self.messages, 1):
            if message.role == "assistant" and message.images:
                raise ValueError(f"message {number}: the assistant cannot send an image")
            if not message.images and not message.text.strip():
                raise ValueError(f"message {number} ({message.role}) is empty")
        return self

    @property
    def images(self) -> tuple[ImagePart, ...]:
        """All images, in the order of the conversation."""
        return tuple(image for message in self.messages for image in message.images)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, defaults included."""
        return self.model_dump(mode="json")

    def content_hash(self) -> str:
        """Hash of what is said and shown (messages alone): equal for exact duplicates whatever their id."""
        shown = [
            [m.role, [p.text if isinstance(p, TextPart) else {"image": p.image} for p in m.content]]
            for m in self.messages
        ]
        return io.sha256_bytes(io.canonical_json(shown).encode("utf-8", "surrogatepass"))


def parse(value: Any, where: str) -> Record:
    """Check one record read from outside.

    Args:
        value: JSON values.
        where: file and row, for the error.

    Raises:
        DataError: one sentence naming the place, the field and the problem.
    """
    try:
        return Record.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "record"
        message = first["msg"].removeprefix("Value error, ")
        raise DataError(f"{where}: '{field}': {message}; correct that record") from error
