"""OpenAI's ``messages`` as the project's: texts stay texts whatever they hold, and images are opened.

Knows nothing about parameters or HTTP. A question that contains ``<image>`` or a turn marker is refused; what
else a tokenizer holds special, and an assistant's turn that comes back, the engine reads as plain words.
"""

import difflib
import re
from collections.abc import Collection
from typing import Any, Literal, NamedTuple

from bimedix2.errors import ContextError, DataError, ImageError
from bimedix2.records import ImagePart, Message, Part, TextPart
from bimedix2.serve.intake import read_data_url, show
from bimedix2.serve.settings import Config

Role = Literal["system", "user", "assistant"]

ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
MAX_CHARACTERS = 400_000
"""Beyond any context here: refused before a tokenizer spends minutes on it."""
MAX_MESSAGES = 4_096
"""The same: each takes a few tokens whatever it says."""
EMPTY_KEYS = frozenset({"refusal", "tool_calls", "function_call", "audio", "annotations"})
"""Keys of an assistant message as OpenAI's client sends it back; accepted while they are empty."""
IMAGE_KEYS = frozenset({"url", "window", "frame", "detail"})
"""Of ``image_url``; ``detail`` has no effect, since every image is shown to the model in the same way."""


MARKER = re.compile(r"<image>|<\|[^|<>\s]{1,40}\|>")
"""An image's placeholder, and the turn markers of the three template families (see ``model.template``)."""


def check_text(text: str, where: str, role: Role = "user") -> None:
    """Refuse words that only a prompt's own format may hold; the assistant's own words may come back.

    Raises:
        DataError: a marker, or half of a surrogate pair; names the place.
        ContextError: it is longer than any context.
    """
    if len(text) > MAX_CHARACTERS:
        raise ContextError(f"{where} is longer than {MAX_CHARACTERS:,} characters; send less")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DataError(f"{where} is not valid Unicode; send it as UTF-8") from None
    found = MARKER.search(text)
    if found and role != "assistant":
        raise DataError(
            f"{where} contains '{found[0]}', which only the model's own format may; attach images as images, "
            "or write the words with a blank inside"
        )


class Opened(NamedTuple):
    """A conversation that was checked.

    Attributes:
        messages: ending with the user's.
        images: as PNG, by their sha256.
        shown: of each image, in order, how it is shown: ``kind``, ``frame``, ``frames``, ``notes``.
    """

    messages: tuple[Message, ...]
    images: dict[str, bytes]
    shown: tuple[dict[str, Any], ...]


class Conversation:
    """Messages in the making, and the images they name."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.messages: list[Message] = []
        self.images: dict[str, bytes] = {}
        self.shown: list[dict[str, Any]] = []
        self.characters = 0

    def add(self, value: Any, where: str) -> None:
        """Append one message; neighbours of one role become one turn.

        Raises:
            DataError: it is no message; names the place.
            ImageError: an image cannot be opened.
        """
        if not isinstance(value, dict):
            raise DataError(f"{where} must be an object with role and content")
        role = ROLES.get(str(value.get("role")))
        if role is None:
            raise DataError(f"{where}.role must be one of {', '.join(ROLES)}")
        for key in value.keys() - {"role", "content", "name"}:
            if key not in EMPTY_KEYS or value[key]:
                raise DataError(f"{where} has {key[:80]!r}, which is not supported here; leave it out")
        parts = self._parts(value.get("content"), role, f"{where}.content")
        if not any(isinstance(part, ImagePart) or part.text.strip() for part in parts):
            raise DataError(f"{where}.content is empty; write something")
        last = self.messages[-1].role if self.messages else "system"
        if role == "system" and last != "system":
            raise DataError(f"{where} is a system message; it can stand only first")
        if role == "assistant" and last == "system":
            raise DataError(f"{where} is the assistant's; a conversation begins with the user's turn")
        if self.messages and last == role:
            parts = self.messages.pop().content + parts
        self.messages.append(Message(role=role, content=parts))

    def _parts(self, content: Any, role: Role, where: str) -> tuple[Part, ...]:
        if isinstance(content, str):
            return (self._text(content, role, where),)
        if not isinstance(content, list):
            raise DataError(f"{where} must be a text or a list of parts")
        return tuple(self._part(part, role, f"{where}[{number}]") for number, part in enumerate(content))

    def _part(self, part: Any, role: Role, where: str) -> Part:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in ("text", "image_url"):
            raise DataError(f"{where}.type must be text or image_url")
        _only(part, {"type", kind}, where)
        if kind == "text":
            return self._text(part.get("text"), role, where)
        if role != "user":
            raise DataError(f"{where} is an image of the {role}; only the user can send images")
        return self._image(part.get("image_url"), f"{where}.image_url")

    def _text(self, text: Any, role: Role, where: str) -> TextPart:
        if not isinstance(text, str):
            raise DataError(f"{where} must be a text")
        check_text(text, where, role)
        self.characters += len(text)
        if self.characters > MAX_CHARACTERS:
            sentence = f"the conversation is longer than {MAX_CHARACTERS:,} characters; begin a new one"
            raise ContextError(sentence)
        return TextPart(text=text)

    def _image(self, value: Any, where: str) -> ImagePart:
        if not isinstance(value, dict) or not isinstance(value.get("url"), str):
            raise DataError(f'{where} must be an object such as {{"url": "data:image/png;base64,..."}}')
        _only(value, IMAGE_KEYS, where)
        frame, window = value.get("frame"), value.get("window")
        if frame is not None and (not isinstance(frame, int) or isinstance(frame, bool)):
            raise DataError(f"{where}.frame must be a whole number, counted from 0")
        if window is not None and not isinstance(window, str):
            raise DataError(f'{where}.window must be a name such as "lung", or "centre/width"')
        if len(self.shown) == self.config.max_images:
            raise ImageError(f"the conversation holds more than {self.config.max_images} images; send fewer")
        name = f"image {len(self.shown) + 1}"
        shown = show(read_data_url(value["url"]), self.config, name, frame=frame, window=window)
        self.images[shown.sha256] = shown.png
        self.shown.append({key: getattr(shown, key) for key in ("kind", "frame", "frames", "notes")})
        return ImagePart(image=shown.sha256)


def _only(value: dict[str, Any], known: Collection[str], where: str) -> None:
    """Refuse a key that would be without effect: a window in the wrong place shows another picture.

    Raises:
        DataError: there is one; names the place.
    """
    for key in value.keys() - known:
        near = difflib.get_close_matches(key[:80], known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known there: {', '.join(sorted(known))}"
        raise DataError(f"{where} has {key[:80]!r}, which is not known there; {hint}")


def read_messages(value: Any, config: Config) -> Opened:
    """Check ``messages`` and open their images.

    Raises:
        DataError: one sentence with the place.
        ContextError: the words are longer than any context.
        ImageError: an image cannot be opened, or there are too many.
        Fault: an image file is over the limit.
    """
    if not isinstance(value, list) or not value:
        raise DataError("messages must be a list with at least one message")
    if len(value) > MAX_MESSAGES:
        raise ContextError(f"the conversation holds more than {MAX_MESSAGES:,} messages; begin a new one")
    conversation = Conversation(config)
    for number, message in enumerate(value):
        conversation.add(message, f"messages[{number}]")
    if conversation.messages[-1].role != "user":
        raise DataError("the last message must be the user's; ask something")
    return Opened(tuple(conversation.messages), conversation.images, tuple(conversation.shown))
