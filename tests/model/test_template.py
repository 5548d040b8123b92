"""The saved chat template writes each family's markers as that family publishes them."""

import pytest
from transformers.utils.chat_template_utils import render_jinja_template

from bimedix2.model.template import Family, chat_template

TURNS = [
    {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": " What is this? "}]},
    {"role": "assistant", "content": "A chest."},
    {"role": "user", "content": [{"type": "text", "text": "لماذا؟"}]},
]
# Typed by hand from the families' model cards; tokens that stand once at the start are "B".
EXPECTED: dict[Family, str] = {
    "chatml": (
        "<|im_start|>system\nIt's me.<|im_end|>\n<|im_start|>user\n<image>\nWhat is this?<|im_end|>\n"
        "<|im_start|>assistant\nA chest.<|im_end|>\n<|im_start|>user\nلماذا؟<|im_end|>\n"
        "<|im_start|>assistant\n"
    ),
    "llama3": (
        "B<|start_header_id|>system<|end_header_id|>\n\nIt's me.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\n<image>\nWhat is this?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nA chest.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nلماذا؟<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    ),
    "phi3": (
        "<|system|>\nIt's me.<|end|>\n<|user|>\n<image>\nWhat is this?<|end|>\n"
        "<|assistant|>\nA chest.<|end|>\n<|user|>\nلماذا؟<|end|>\n<|assistant|>\n"
    ),
}


@pytest.mark.parametrize("family", EXPECTED)
def test_markers_and_marked_words(family: Family) -> None:
    rendered, spans = render_jinja_template(
        conversations=[TURNS],
        chat_template=chat_template(family, "It's me."),
        add_generation_prompt=True,
        return_assistant_tokens_mask=True,
        bos_token="B",
    )
    text = rendered[0]
    assert text == EXPECTED[family]
    close = {"chatml": "<|im_end|>", "llama3": "<|eot_id|>", "phi3": "<|end|>"}[family]
    assert [text[start:end] for start, end in spans[0]] == [f"A chest.{close}"]


def test_a_system_turn_replaces_the_standing_one() -> None:
    turns = [{"role": "system", "content": "Be brief."}, *TURNS]
    rendered, _ = render_jinja_template(
        conversations=[turns], chat_template=chat_template("chatml", "It's me.")
    )
    assert rendered[0].startswith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n")
    assert "It's me." not in rendered[0]
