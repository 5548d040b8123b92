"""The one prompt path: the same conversation gives the same token ids here and in transformers."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bimedix2.errors import ContextError, DataError, ModelError
from bimedix2.model import checkpoint
from bimedix2.model.presets import SYSTEM
from bimedix2.model.prompt import Prompter
from bimedix2.records import Message
from bimedix2.records.record import ImagePart

ONE, TWO = (ImagePart(image=digit * 64) for digit in "12")
ENGLISH = (
    Message.of("user", ONE, "What does this image show?"),
    Message.of("assistant", "A chest radiograph."),
)
ARABIC = (Message.of("user", "ما هذه الصورة؟", TWO), Message.of("assistant", "هذه صورة أشعة سينية للصدر."))
CONVERSATIONS = {
    "text": (Message.of("user", "Hello"),),
    "system": (
        Message.of("system", "Be brief."),
        Message.of("user", "Hello"),
        Message.of("assistant", "Hi."),
    ),
    "image": ENGLISH,
    "two images": (*ENGLISH, *ARABIC),
    "late image": (Message.of("user", "مرحبا"), Message.of("assistant", "Hello."), *ARABIC),
    "two parts": (Message.of("user", "One.", ONE, TWO, "  Two.  "), Message.of("assistant", " Both. \n")),
}


@pytest.fixture
def prompter(tiny: Any) -> Prompter:
    return checkpoint.load("tiny-base").prompter


def by_transformers(prompter: Prompter, messages: tuple[Message, ...], generate: bool) -> list[int]:
    """As any user of the saved folder would: the chat template, then the processor on text and pixels."""
    conversation = []
    for message in messages:
        parts: list[dict[str, Any]] = [{"type": "image"} for _ in message.images]
        parts += [{"type": "text", "text": part.text} for part in message.content if part.type == "text"]
        conversation.append({"role": message.role, "content": parts})
    text = prompter.processor.apply_chat_template(conversation, add_generation_prompt=generate)
    count = sum(len(message.images) for message in messages)
    pictures = [Image.new("RGB", (30, 30))] * count or None
    ids: list[int] = prompter.processor(text=text, images=pictures)["input_ids"][0]
    return ids


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_ids_are_those_of_transformers(prompter: Prompter, name: str) -> None:
    messages = CONVERSATIONS[name]
    for generate in (False, True):
        assert list(prompter.encode(messages, generate=generate).ids) == by_transformers(
            prompter, messages, generate
        )


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_targets_are_what_the_assistant_says(prompter: Prompter, name: str) -> None:
    encoded = prompter.encode(CONVERSATIONS[name])
    learned = [token for token, mark in zip(encoded.ids, encoded.target, strict=True) if mark]
    answers = [m.text.strip() for m in CONVERSATIONS[name] if m.role == "assistant"]
    assert prompter.tokenizer.decode(learned) == "".join(f"{answer}<|im_end|>" for answer in answers)


def test_images_keep_their_order_and_their_number_of_tokens(prompter: Prompter) -> None:
    encoded = prompter.encode(CONVERSATIONS["two images"])
    assert encoded.images == (ONE.image, TWO.image)
    assert encoded.ids.count(prompter.image_id) == 2 * prompter.image_tokens == 8
    assert encoded.ids[encoded.shared - 1] == prompter.image_id
    assert encoded.ids[: encoded.shared].count(prompter.image_id) == 4
    assert prompter.encode(CONVERSATIONS["text"]).shared == 0


def test_an_image_stands_before_the_words_of_its_turn(prompter: Prompter) -> None:
    text = prompter.tokenizer.decode(prompter.encode(CONVERSATIONS["two parts"]).ids)
    placeholder = "<image>" * 4 + "\n"
    expected = f"<|im_start|>user\n{placeholder}{placeholder}One.\n  Two.<|im_end|>\n"
    assert expected in text
    assert text.endswith("<|im_start|>assistant\nBoth.<|im_end|>\n")


def test_the_system_turn_is_the_users_own_or_the_standing_one(prompter: Prompter) -> None:
    own, standing = (
        prompter.tokenizer.decode(prompter.encode(CONVERSATIONS[name]).ids) for name in ("system", "text")
    )
    assert own.startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n")
    assert standing.startswith(f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n")


def test_a_continuation_follows_an_opened_turn_as_in_training(prompter: Prompter) -> None:
    for name in ("image", "two images", "late image"):
        messages = CONVERSATIONS[name]
        whole = prompter.encode(messages).ids
        opened = prompter.encode(messages[:-1], generate=True).ids
        words = prompter.continuation(messages[-1].text)
        assert whole[: len(opened) + len(words)] == opened + words


@pytest.mark.parametrize(
    "attack", ["<image>", "<|im_end|>", "<|im_start|>", "<|endoftext|>", "<<image>image>"]
)
@pytest.mark.parametrize("role", ["system", "user", "assistant"])
def test_a_written_marker_stays_words(prompter: Prompter, attack: str, role: str) -> None:
    def conversation(words: str) -> tuple[Message, ...]:
        turns = {"system": "Be brief.", "user": "What is this?", "assistant": "Words."} | {role: words}
        return tuple(
            Message.of(name, *((ONE,) if name == "user" else ()), text) for name, text in turns.items()
        )

    plain = prompter.encode(conversation("harmless"))
    attacked = prompter.encode(conversation(f"before {attack} after"))
    for special in range(len(prompter.tokenizer)):
        if special in prompter.tokenizer.added_tokens_decoder:
            assert attacked.ids.count(special) == plain.ids.count(special)
    assert attacked.images == plain.images
    assert sum(attacked.target) >= sum(plain.target) - len("harmless")
    assert "after" in prompter.tokenizer.decode(attacked.ids)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["<image>", "<|im_end|>", "<|im_start|>", "<", "|", ">", "im_end", "image", "\n", " ", "ص"]
        ),
        min_size=1,
        max_size=12,
    )
)
def test_no_text_whatever_writes_a_marker(prompter: Prompter, pieces: list[str]) -> None:
    words = "x" + "".join(pieces)
    specials = set(prompter.tokenizer.added_tokens_decoder)
    assert not specials & set(prompter.continuation(words))
    encoded = prompter.encode((Message.of("user", ONE, words),), generate=True)
    plain = prompter.encode((Message.of("user", ONE, "x"),), generate=True)
    assert [t for t in encoded.ids if t in specials] == [t for t in plain.ids if t in specials]
    assert not specials & set(prompter.encode_text(words).ids)
    caption = prompter.encode_caption(ONE.image, words)
    assert [t for t in caption.ids if t in specials] == [prompter.image_id] * 4 + [2]


def test_a_caption_is_the_picture_its_words_and_the_end(prompter: Prompter) -> None:
    encoded = prompter.encode_caption(ONE.image, " a chest radiograph ")
    assert prompter.tokenizer.decode(encoded.ids) == "<image>" * 4 + "\na chest radiograph<|im_end|>"
    learned = [token for token, mark in zip(encoded.ids, encoded.target, strict=True) if mark]
    assert prompter.tokenizer.decode(learned) == "a chest radiograph<|im_end|>"
    assert encoded.shared == 4


def test_plain_text_is_learned_from_its_second_token_on(prompter: Prompter) -> None:
    encoded = prompter.encode_text("a chest radiograph")
    assert encoded.target == (0,) + (1,) * (len(encoded.ids) - 1)
    assert prompter.tokenizer.decode(encoded.ids) == "a chest radiograph"


def test_a_conversation_over_the_context_is_one_sentence(prompter: Prompter) -> None:
    with pytest.raises(ContextError, match=r"takes \d{3} tokens and the context is 256; start a new"):
        prompter.encode((Message.of("user", "صورة " * 400),))


def test_an_empty_conversation_is_one_sentence(prompter: Prompter) -> None:
    with pytest.raises(DataError, match="has no message"):
        prompter.encode(())


def test_a_template_that_loses_images_is_refused(prompter: Prompter) -> None:
    template = prompter.processor.chat_template.replace("<image>\\n", "")
    prompter.processor.chat_template = template
    with pytest.raises(ModelError, match="wrote 0 image placeholders for 1 images"):
        prompter.encode(ENGLISH)
