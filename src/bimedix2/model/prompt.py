"""The one prompt path: a conversation to token ids, the same in training, evaluation, the engine and vLLM.

The chat template saved with the checkpoint writes the text; every image placeholder becomes the tower's
number of image tokens; the template's own marks say which tokens are the assistant's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bimedix2.errors import ContextError, DataError, ModelError
from bimedix2.records import Message, TextPart


@dataclass(frozen=True)
class Encoded:
    """Token ids of a conversation.

    ``target`` is 1 on the assistant's tokens (its closing marker included), else 0. ``images`` holds the
    image keys in the order of their tokens. ``shared``: the tokens up to the end of the first image, 0
    without one.
    """

    ids: tuple[int, ...]
    target: tuple[int, ...]
    images: tuple[str, ...]
    shared: int


class Prompter:
    """Writes prompts for one checkpoint.

    Args:
        processor: the checkpoint's ``LlavaProcessor``.
        context: the most tokens that a conversation may take.
    """

    def __init__(self, processor: Any, context: int) -> None:
        self.processor = processor
        self.context = context
        self.tokenizer = processor.tokenizer
        self.image_token: str = processor.image_token
        self.image_id = int(self.tokenizer.convert_tokens_to_ids(self.image_token))
        size = processor.image_processor.size
        self.image_tokens = (size["height"] // processor.patch_size) * (size["width"] // processor.patch_size)
        special = {str(token) for token in self.tokenizer.added_tokens_decoder.values()}
        special |= set(self.tokenizer.all_special_tokens)
        longest_first = sorted(special, key=len, reverse=True)
        self._special = re.compile("|".join(re.escape(token) for token in longest_first))

    def neutral(self, text: str) -> str:
        """Return text in which special tokens are only words: ``<image>`` becomes ``< image>``.

        The same text sent to another server of this checkpoint therefore gives the same ids.
        """
        return self._special.sub(lambda found: found[0][0] + " " + found[0][1:], text)

    def conversation(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        """Messages as the template and OpenAI-compatible servers read them, images first in their turn."""
        out = []
        for message in messages:
            parts: list[dict[str, str]] = [{"type": "image"} for _ in message.images]
            words = [part.text for part in message.content if isinstance(part, TextPart)]
            parts += [{"type": "text", "text": self.neutral(text)} for text in words]
            out.append({"role": message.role, "content": parts})
        return out

    def encode(self, messages: Sequence[Message], *, generate: bool = False) -> Encoded:
        """Token ids of a conversation.

        Args:
            messages: system (optional), then user and assistant in turns.
            generate: end with the opening of the assistant's turn.

        Raises:
            ContextError: it takes more tokens than the context.
            DataError: there is no message.
        """
        from transformers.utils.chat_template_utils import render_jinja_template

        if not messages:
            raise DataError("the conversation has no message; send at least one")
        rendered, spans = render_jinja_template(
            conversations=[self.conversation(messages)],
            chat_template=self.processor.chat_template,
            add_generation_prompt=generate,
            return_assistant_tokens_mask=True,
            **self.tokenizer.special_tokens_map,
        )
        images = tuple(image.image for message in messages for image in message.images)
        return self._tokenise(rendered[0], spans[0], images)

    def encode_caption(self, image: str, caption: str) -> Encoded:
        """The plain format of ``align``: the image, then its caption, then the end (LLaVA's stage 1)."""
        text = f"{self.image_token}\n{self.neutral(caption.strip())}{self.tokenizer.eos_token}"
        start = len(self.image_token) + 1
        return self._tokenise(text, [(start, len(text))], (image,))

    def encode_text(self, text: str) -> Encoded:
        """Plain words, every token but the first a target: for perplexity and for holding the base's text."""
        encoded = self._tokenise(self.neutral(text), [], ())
        return Encoded(encoded.ids, (0,) + (1,) * (len(encoded.ids) - 1), (), 0)

    def continuation(self, text: str) -> tuple[int, ...]:
        """Token ids of words that follow an opened assistant turn."""
        return tuple(self.tokenizer(self.neutral(text), add_special_tokens=False)["input_ids"])

    def _tokenise(self, text: str, spans: Sequence[tuple[int, int]], images: tuple[str, ...]) -> Encoded:
        encoded = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ids: list[int] = []
        target: list[int] = []
        placeholders = shared = 0
        for token, (start, _) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True):
            if token == self.image_id:
                placeholders += 1
                ids += [token] * self.image_tokens
                target += [0] * self.image_tokens
                shared = shared or len(ids)
                continue
            ids.append(token)
            target.append(int(any(low <= start < high for low, high in spans)))
        if placeholders != len(images):
            raise ModelError(
                f"the chat template wrote {placeholders} image placeholders for {len(images)} images; "
                "use the template that was saved with the checkpoint"
            )
        if len(ids) > self.context:
            raise ContextError(
                f"the conversation takes {len(ids)} tokens and the context is {self.context}; "
                "start a new conversation, or send fewer images or words"
            )
        return Encoded(tuple(ids), tuple(target), images, shared)
