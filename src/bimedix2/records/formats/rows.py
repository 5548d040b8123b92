"""One record as one row of LLaVA JSON, of ShareGPT with ``images``, or of Hugging Face messages, and back.

Layouts: LLaVA as docs/Finetune_Custom_Data.md of github.com/haotian-liu/LLaVA has it (a list of images, as
LLaVA-NeXT takes: from memory); ShareGPT with ``images`` and ``system`` as data/README.md of
github.com/hiyouga/LLaMA-Factory has it (its ``<image>``: from memory); messages as "Multimodal chat
templates" of the transformers documentation, images under the keys that ``apply_chat_template`` reads.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bimedix2.errors import DataError
from bimedix2.records.formats import carry
from bimedix2.records.formats.carry import KEY, Carried, Origin
from bimedix2.records.formats.turns import PLACEHOLDER, pieces, to_parts, to_text
from bimedix2.records.record import ImagePart, Message, Part, Record, TextPart

Row = dict[str, Any]
ImageRef = str
"""How a row names an image: a path below the image folder, or a ``data:`` URL."""

ROLES = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "system": "system",
}
SPEAKERS = {"user": "human", "assistant": "gpt", "system": "system"}
REF_KEYS = ("path", "image", "url", "image_url")


@dataclass(frozen=True)
class Format:
    """One of ``FORMATS``.

    Attributes:
        write: ``write(record, ref)``: the row; ``ref`` says how each image is named in it.
        read: ``read(row, where, number, image, origin)``: the record; ``where`` is file and row, ``number``
            the id of a row that has none, ``image`` turns a name into a part, ``origin`` says what the row
            does not.
    """

    write: Callable[[Record, Callable[[ImagePart], ImageRef]], Row]
    read: Callable[[Any, str, str, Callable[[ImageRef, str], ImagePart], Origin], Record]


def _write_placeholders(record: Record) -> tuple[Row, str, dict[int, Sequence[Part]]]:
    """Return the turns, the system text, and the messages whose parts these do not give back."""
    turns, system = [], ""
    lost: dict[int, Sequence[Part]] = {}
    for number, message in enumerate(record.messages):
        text = to_text(message.content)
        if tuple(to_parts(text, iter(message.images))) != message.content:
            lost[number] = message.content
        if message.role == "system":
            system = text
        else:
            turns.append({"from": SPEAKERS[message.role], "value": text})
    return {"conversations": turns}, system, lost


def write_llava(record: Record, ref: Callable[[ImagePart], ImageRef]) -> Row:
    """Return a LLaVA row: ``image`` is a string, a list when there are several, absent when there is none."""
    turns, system, lost = _write_placeholders(record)
    refs = [ref(image) for image in record.images]
    row: Row = {"id": record.id}
    if refs:
        row["image"] = refs[0] if len(refs) == 1 else refs
    if system:
        row["system"] = system
    return row | turns | {KEY: carry.pack(record, lost)}


def write_sharegpt(record: Record, ref: Callable[[ImagePart], ImageRef]) -> Row:
    """Return a ShareGPT row with ``images``, a list that may be empty."""
    turns, system, lost = _write_placeholders(record)
    row: Row = {"id": record.id, **turns, "images": [ref(image) for image in record.images]}
    if system:
        row["system"] = system
    return row | {KEY: carry.pack(record, lost)}


def write_messages(record: Record, ref: Callable[[ImagePart], ImageRef]) -> Row:
    """Return a row of Hugging Face messages, every content a list of parts, images by their ``path``."""
    turns = []
    for message in record.messages:
        content = [
            {"type": "text", "text": part.text}
            if isinstance(part, TextPart)
            else {"type": "image", "path": ref(part)}
            for part in message.content
        ]
        turns.append({"role": message.role, "content": content})
    return {"id": record.id, "messages": turns, KEY: carry.pack(record, {})}


def _head(row: Any, where: str, key: str) -> tuple[list[Any], Carried | None]:
    if not isinstance(row, dict):
        raise DataError(f"{where} is not an object; write one conversation a row")
    turns = row.get(key)
    if not isinstance(turns, list) or not turns:
        raise DataError(f"{where} has no '{key}' with turns; check the format's name, or remove the row")
    carried = carry.unpack(row[KEY], where) if row.get(KEY) is not None else None
    return turns, carried


def _identity(row: Row, number: str) -> str:
    value = row.get("id")
    return number if value is None or value == "" else str(value)


def _ref(value: Any, where: str) -> ImageRef:
    """Return the name of an image, from a string, a Hugging Face image value, or an ``image_url``."""
    for _ in range(3):  # {"image_url": {"url": ...}}
        if isinstance(value, dict):
            value = next((value[key] for key in REF_KEYS if value.get(key)), None)
    if isinstance(value, str) and value:
        return value
    raise DataError(f"{where} has an image that is no path ({value!r:.60}); name a file below the folder")


def _refs(row: Row, where: str) -> list[ImageRef]:
    value = row.get("images") or row.get("image") or []
    return [_ref(one, where) for one in (value if isinstance(value, list) else [value])]


def _role(value: Any, where: str) -> str:
    if not isinstance(value, str) or value.strip().lower() not in ROLES:
        known = ", ".join(sorted(ROLES))
        raise DataError(f"{where} has the role {value!r:.40}, which is none of {known}; remove that row")
    return ROLES[value.strip().lower()]


def _said(row: Row, turns: list[Any], where: str) -> list[tuple[str, str, str]]:
    """Return (role, text, place) of every turn, the system text first."""
    said = []
    system = row.get("system")
    if isinstance(system, str) and system.strip():
        said.append(("system", system, f"{where} system"))
    for number, turn in enumerate(turns, 1):
        place = f"{where} turn {number}"
        if not isinstance(turn, dict):
            raise DataError(f"{place} is not an object with 'from' and 'value'; remove that row")
        _no_tools(turn, place)
        role = _role(turn.get("from", turn.get("role")), place)
        text = turn.get("value", turn.get("content"))
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{place} ({role}) is empty; remove that row")
        said.append((role, text, place))
    return said


def _check_count(said: list[tuple[str, str, str]], images: int, where: str) -> None:
    seen = 0
    for _, text, place in said:
        seen += text.count(PLACEHOLDER)
        if seen > images:
            raise DataError(
                f"{place} has {PLACEHOLDER} number {seen}, but the row has {images} images; correct that row"
            )
    if seen < images:
        last = next((place for _, text, place in reversed(said) if PLACEHOLDER in text), f"{where} turn 1")
        raise DataError(
            f"{where} has {images} images but {seen} {PLACEHOLDER} (the last place is {last}); "
            "correct that row"
        )


def _placeholder_messages(
    said: list[tuple[str, str, str]], images: list[ImagePart], carried: Carried | None
) -> list[Message]:
    turn, messages = iter(images), []
    for number, (role, text, _) in enumerate(said):
        own = [next(turn) for _ in range(text.count(PLACEHOLDER))]
        parts = None
        if carried is not None and number in carried.content:
            parts = carry.fill(carried.content[number], own)
            if parts is not None and to_text(parts) != text:
                parts = None  # edited since: what stands there counts
        if parts is None:
            parts = to_parts(text, iter(own))
        messages.append(Message.of(role, *(p.text if isinstance(p, TextPart) else p for p in parts)))
    return messages


PLACEHOLDER_KEYS = frozenset({"id", "image", "images", "system", "conversations", KEY})
MESSAGE_KEYS = frozenset({"id", "image", "images", "messages", KEY})
TURN_KEYS = frozenset({"from", "value", "role", "content"})
TURNS = "turn_keys"
"""Key of ``meta`` with what turns of somebody else's say beside role and words, by their number."""


def _extra(row: Row, keys: frozenset[str], turns: list[Any]) -> dict[str, Any]:
    """What a row and its turns say that the format does not know."""
    extra = {key: value for key, value in row.items() if key not in keys and value is not None}
    beside = {
        str(number): {k: v for k, v in turn.items() if k not in TURN_KEYS and v is not None}
        for number, turn in enumerate(turns, 1)
    }
    said = {number: values for number, values in beside.items() if values}
    return extra | {TURNS: said} if said else extra


def _no_tools(turn: Row, place: str) -> None:
    if turn.get("tool_calls") or turn.get("function_call"):
        raise DataError(f"{place} calls a tool, which no record can hold; remove that row")


def read_placeholders(
    row: Any, where: str, number: str, image: Callable[[ImageRef, str], ImagePart], origin: Origin
) -> Record:
    """Read a LLaVA or a ShareGPT row; see ``Format``.

    Raises:
        DataError: an unknown role, an empty turn, as many images as placeholders not, or an image that
            cannot be had; names the row and the turn.
    """
    turns, carried = _head(row, where, "conversations")
    refs, said = _refs(row, where), _said(row, turns, where)
    _check_count(said, len(refs), where)
    images = carry.named([image(ref, where) for ref in refs], carried)
    messages = _placeholder_messages(said, images, carried)
    extra = _extra(row, PLACEHOLDER_KEYS, turns)
    return carry.build(_identity(row, number), messages, carried, origin, extra, where)


def _parts(content: Any, place: str, waiting: Iterator[ImageRef]) -> list[str | TextPart]:
    """Return the parts of a message: texts, and the names of images."""
    if not isinstance(content, list):
        raise DataError(f"{place} has a content that is neither text nor a list of parts; remove that row")
    parts: list[str | TextPart] = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" and isinstance(part.get("text"), str):
            parts.append(TextPart(text=part["text"]))
        elif kind in ("image", "image_url"):
            own = any(part.get(key) for key in REF_KEYS)
            ref = _ref(part, place) if own else next(waiting, None)
            if ref is None:
                raise DataError(f"{place} has an image part without an image; correct that row")
            parts.append(ref)
        else:
            raise DataError(f"{place} has a part of type {kind!r:.40}, not text or image; remove that row")
    return parts


def _text_parts(text: str, place: str, waiting: Iterator[ImageRef]) -> list[str | TextPart]:
    """Return the parts of a text whose placeholders stand for the row's images (LLaMA-Factory)."""
    parts: list[str | TextPart] = []
    for piece in pieces(text):
        ref = next(waiting, None) if piece is None else None
        if piece is None and ref is None:
            raise DataError(f"{place} has more {PLACEHOLDER} than the row has images; correct that row")
        parts.append(ref if ref is not None else TextPart(text=piece or ""))
    return parts


def read_messages(
    row: Any, where: str, number: str, image: Callable[[ImageRef, str], ImagePart], origin: Origin
) -> Record:
    """Read a row of Hugging Face messages; see ``Format``.

    A content may be a string. ``<image>`` in it is a placeholder when the row has ``images`` and no image
    parts, and a text otherwise.

    Raises:
        DataError: as ``read_placeholders``.
    """
    turns, carried = _head(row, where, "messages")
    refs = _refs(row, where)
    waiting = iter(refs)
    structured = any(isinstance(turn, dict) and isinstance(turn.get("content"), list) for turn in turns)
    said: list[tuple[str, list[str | TextPart]]] = []
    for place_number, turn in enumerate(turns, 1):
        place = f"{where} turn {place_number}"
        if not isinstance(turn, dict):
            raise DataError(f"{place} is not an object with 'role' and 'content'; remove that row")
        _no_tools(turn, place)
        role, content = _role(turn.get("role"), place), turn.get("content")
        parts: list[str | TextPart] = []
        if isinstance(content, str) and refs and not structured:
            parts = _text_parts(content, place, waiting)
        elif isinstance(content, str):
            parts = [TextPart(text=content)]
        elif content:
            parts = _parts(content, place, waiting)
        if not any(isinstance(part, str) or part.text.strip() for part in parts):
            raise DataError(f"{place} ({role}) is empty; remove that row")
        said.append((role, parts))
    left = len(list(waiting))
    if left:
        raise DataError(f"{where} turn {len(turns)} is the last, but {left} images of the row have no place")
    found = [image(part, where) for _, parts in said for part in parts if isinstance(part, str)]
    images = iter(carry.named(found, carried))
    messages = [
        Message.of(role, *(part.text if isinstance(part, TextPart) else next(images) for part in parts))
        for role, parts in said
    ]
    extra = _extra(row, MESSAGE_KEYS, turns)
    return carry.build(_identity(row, number), messages, carried, origin, extra, where)


FORMATS: dict[str, Format] = {
    "llava": Format(write_llava, read_placeholders),
    "sharegpt": Format(write_sharegpt, read_placeholders),
    "messages": Format(write_messages, read_messages),
}
"""Format name -> how a record is written as a row of it and read back."""
