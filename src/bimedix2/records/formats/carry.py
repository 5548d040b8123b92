"""What a format has no place for: carried in a row under the key ``bimedix2``, or given by an ``Origin``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bimedix2.errors import DataError
from bimedix2.records.record import (
    DataClass,
    ImagePart,
    Language,
    Message,
    Part,
    Provenance,
    Record,
    Split,
    TextPart,
    parse,
)

KEY = "bimedix2"


@dataclass(frozen=True)
class Origin:
    """What a file of somebody else's does not say of its rows.

    Attributes:
        source: the dataset's name.
        data_class: who may see the records; there is no default, since a guess may leak patients' data.
        language: of the answers; or a function from a text to "ar", "en" or "" (no letters), such as
            ``bimedix2.text.arabic.script``, that is asked of every answer.
        task: for example "conversation", "vqa", "caption".
        split: the side of all records.
        licence: of the data.
        attribution: whom to name.
        url: where the file was published.
    """

    source: str
    data_class: DataClass
    language: Language | Callable[[str], str]
    task: str = "conversation"
    split: Split = Split.NONE
    licence: str = "unknown"
    attribution: str = ""
    url: str = ""


class _ImageHere(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    type: Literal["image"] = "image"


class Carried(BaseModel):
    """The value under ``bimedix2``."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    language: Language
    task: str
    split: Split
    data_class: DataClass
    provenance: Provenance
    meta: dict[str, Any]
    images: tuple[ImagePart, ...] = ()
    """In the order of the conversation: the hash that was exported, and the source's name for it."""
    content: dict[int, tuple[TextPart | _ImageHere, ...]] = Field(default_factory=dict)
    """Message number (from 0) -> its parts, where the text in the row does not give them back."""


def pack(record: Record, content: dict[int, Sequence[Part]]) -> dict[str, Any]:
    """Return the carried value of a record as JSON.

    Args:
        record: what is exported.
        content: the messages whose parts the format cannot hold.
    """
    full = record.model_dump(mode="json", include={"language", "task", "split", "data_class", "meta"})
    value = full | {"provenance": record.provenance.model_dump(mode="json", exclude_defaults=True)}
    if record.images:
        value["images"] = [{"image": image.image, "name": image.name} for image in record.images]
    if content:
        value["content"] = {
            str(number): [
                {"type": "text", "text": part.text} if isinstance(part, TextPart) else {"type": "image"}
                for part in parts
            ]
            for number, parts in content.items()
        }
    return value


def unpack(value: Any, where: str) -> Carried:
    """Check the value under ``bimedix2``.

    Raises:
        DataError: naming the row, the field and the problem.
    """
    try:
        return Carried.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = " ".join(".".join(str(part) for part in (KEY, *first["loc"])).split())
        raise DataError(
            f"{where}: '{field}': {first['msg']}; correct it, or remove '{KEY}' from the row"
        ) from error


def named(images: Sequence[ImagePart], carried: Carried | None) -> list[ImagePart]:
    """Give images that are still the exported ones the names that they had."""
    names = {image.image: image for image in carried.images} if carried else {}
    same = carried is not None and [i.image for i in images] == [i.image for i in carried.images]
    if carried is not None and same:
        return list(carried.images)
    return [names.get(image.image, image) for image in images]


def fill(parts: Sequence[TextPart | _ImageHere], images: Sequence[ImagePart]) -> list[Part] | None:
    """Put images into carried parts; ``None`` when their number differs."""
    if sum(not isinstance(part, TextPart) for part in parts) != len(images):
        return None
    turn = iter(images)
    return [part if isinstance(part, TextPart) else next(turn) for part in parts]


def build(
    identity: str,
    messages: Sequence[Message],
    carried: Carried | None,
    origin: Origin,
    extra: dict[str, Any],
    where: str,
) -> Record:
    """Return the record of a row.

    Args:
        identity: the row's id.
        messages: its turns.
        carried: what the row carries, or ``None`` for a row of somebody else's.
        origin: what such a row does not say.
        extra: keys of such a row that its format does not know; they become ``meta``.
        where: file and row, for the error.

    Raises:
        DataError: the turns are no conversation.
    """
    if carried is not None:
        about = carried.model_dump(mode="json", exclude={"images", "content"})
    else:
        about = {
            "language": _language(messages, origin.language),
            "task": origin.task,
            "split": origin.split,
            "data_class": origin.data_class,
            "provenance": {
                "source": origin.source,
                "source_id": identity,
                "licence": origin.licence,
                "attribution": origin.attribution,
                "url": origin.url,
            },
            "meta": extra,
        }
    turns = [message.model_dump(mode="json") for message in messages]
    return parse({"id": identity, "messages": turns, **about}, where)


def _language(messages: Sequence[Message], language: Language | Callable[[str], str]) -> Language:
    if isinstance(language, Language):
        return language
    answers = [message.text for message in messages if message.role == "assistant"]
    scripts = {found for text in answers if (found := language(text))}
    if not scripts:  # a number, say: the language it was asked in
        scripts = {found for message in messages if (found := language(message.text))}
    if len(scripts) > 1:
        return Language.MIXED
    return Language(scripts.pop()) if scripts else Language.ENGLISH
