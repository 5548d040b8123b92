"""The engine on the real nano base says what ``generate`` says."""

from typing import Any

import pytest
import torch

from bimedix2.engine.local import Engine
from bimedix2.llm.backend import Reply

pytestmark = pytest.mark.slow

TURNS: list[tuple[Any, ...]] = [
    ("What is the capital of France?",),
    ("ما هي عاصمة فرنسا؟",),
    (("red", "What colour is this picture?"),),
    (("red", "ما لون هذه الصورة؟"),),
    (("blue", "Describe this picture in one sentence."),),
    ("Hello", "Hello, how can I help?", ("blue", "What is this?")),
]


def test_a_batch_says_what_generate_says(nano: Any) -> None:
    torch.set_num_threads(1)
    requests = [nano.request(*turns, max_tokens=24) for turns in TURNS]
    replies = Engine(nano.loaded).chat(requests)
    assert [(r.text, r.completion_tokens) for r in replies] == [
        nano.generate(request) for request in requests
    ]


def test_a_second_turn_on_kept_keys_and_values_says_what_generate_says(nano: Any) -> None:
    engine = Engine(nano.loaded)
    question = ("red", "What colour is this picture?")
    *_, first = engine.stream(nano.request(question, max_tokens=16))
    assert isinstance(first, Reply)
    again = nano.request(question, first.text, "Are you sure?", max_tokens=16)
    *_, second = engine.stream(again)
    assert isinstance(second, Reply)
    assert (second.text, second.completion_tokens) == nano.generate(again)
