"""The engine on the tiny model, and transformers beside it."""

import io
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from PIL import Image

from bimedix2 import imaging
from bimedix2.engine.local import Engine
from bimedix2.io import sha256_bytes
from bimedix2.llm.backend import Request, Sampling
from bimedix2.model import checkpoint
from bimedix2.records import Message
from bimedix2.records.record import ImagePart


def png(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(file, format="PNG")
    return file.getvalue()


class Asker:
    """Builds requests on coloured pictures, and answers them with transformers alone."""

    def __init__(self, model: str) -> None:
        self.pictures = {colour: png(colour) for colour in ("red", "blue", "black", "white")}
        self.loaded = checkpoint.load(model)

    def request(self, *turns: str | tuple[str, str], **sampling: Any) -> Request:
        """Turns alternate between user and assistant; ``(colour, words)`` is a turn with a picture."""
        messages, images = [], {}
        for number, turn in enumerate(turns):
            parts: list[str | ImagePart] = []
            if isinstance(turn, tuple):
                data = self.pictures[turn[0]]
                images[sha256_bytes(data)] = data
                parts.append(ImagePart(image=sha256_bytes(data)))
            parts.append(turn[1] if isinstance(turn, tuple) else turn)
            messages.append(Message.of("assistant" if number % 2 else "user", *parts))
        return Request(tuple(messages), images, Sampling(**{"max_tokens": 12, **sampling}))

    def inputs(self, request: Request) -> dict[str, torch.Tensor]:
        """Through transformers' template and processor."""
        conversation, pictures = [], []
        for message in request.messages:
            parts: list[dict[str, str]] = [{"type": "image"} for _ in message.images]
            parts += [{"type": "text", "text": message.text}]
            conversation.append({"role": message.role, "content": parts})
            pictures += [imaging.read(request.images[part.image], "x").image for part in message.images]
        processor = self.loaded.processor
        text = processor.apply_chat_template(conversation, add_generation_prompt=True)
        made: dict[str, torch.Tensor] = processor(text=text, images=pictures or None, return_tensors="pt")
        return made

    def generate(self, request: Request) -> tuple[str, int]:
        """The answer of ``generate``, greedy, one request at a time; and its number of tokens."""
        inputs = self.inputs(request)
        with torch.no_grad():
            out = self.loaded.model.generate(  # type: ignore[operator]
                **inputs, max_new_tokens=request.sampling.max_tokens, do_sample=False
            )
        tokens: Sequence[int] = out[0][inputs["input_ids"].shape[1] :].tolist()
        words = [token for token in tokens if token != 2]
        text: str = self.loaded.processor.tokenizer.decode(words, skip_special_tokens=True)
        return text.strip(), len(words)


@pytest.fixture
def asker(tiny: Any) -> Asker:
    return Asker("tiny-base")


@pytest.fixture(scope="module")
def nano() -> Asker:
    """The real base; for slow tests alone."""
    return Asker("nano-base")


@pytest.fixture
def engine(tiny: Any) -> Engine:
    return Engine(checkpoint.load("tiny-base"))
