"""Pieces concatenate to what the tokenizer makes of the whole, whatever the tokens are."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from bimedix2.engine.detokenise import Detokeniser
from bimedix2.model import checkpoint

ANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)


@pytest.fixture
def tokenizer(tiny: Any) -> Any:
    return checkpoint.load("tiny-base").processor.tokenizer


def whole(tokenizer: Any, tokens: list[int]) -> str:
    text: str = tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text


def pieces(detokeniser: Detokeniser, tokens: list[int]) -> list[str]:
    return [*(detokeniser.push(token) for token in tokens), detokeniser.end()]


@ANY
@given(st.lists(st.integers(0, 419), max_size=40))
def test_any_tokens(tokenizer: Any, tokens: list[int]) -> None:
    """Random tokens are mostly broken bytes, in every arrangement."""
    detokeniser = Detokeniser(tokenizer)
    made = pieces(detokeniser, tokens)
    assert "".join(made) == whole(tokenizer, tokens) == detokeniser.text


@ANY
@given(st.text(alphabet="هذه صورةأشعّيًا abc.؟🫀é", max_size=30))
def test_words_in_any_script_come_whole(tokenizer: Any, text: str) -> None:
    tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    made = pieces(Detokeniser(tokenizer), tokens)
    assert "".join(made) == text
    assert not any("\ufffd" in piece for piece in made)


def test_a_letter_waits_for_its_second_byte(tokenizer: Any) -> None:
    tokens = tokenizer("ظ", add_special_tokens=False)["input_ids"]
    assert len(tokens) == 2
    detokeniser = Detokeniser(tokenizer)
    assert [detokeniser.push(token) for token in tokens] == ["", "ظ"]


def test_special_tokens_are_not_shown(tokenizer: Any) -> None:
    tokens = [1, *tokenizer("a chest", add_special_tokens=False)["input_ids"], 2, 0]
    assert "".join(pieces(Detokeniser(tokenizer), tokens)) == "a chest"


@ANY
@given(
    st.text(alphabet="ab\n صور", max_size=24),
    st.lists(st.text(alphabet="ab\n ص", min_size=1, max_size=4), min_size=1, max_size=3),
)
def test_a_stop_string_ends_the_text_before_itself(tokenizer: Any, text: str, stop: list[str]) -> None:
    tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
    detokeniser = Detokeniser(tokenizer, stop)
    shown = ""
    for token in tokens:
        shown += detokeniser.push(token)
        if detokeniser.stopped:
            break
    shown += detokeniser.end()
    assert text.startswith(shown)
    assert not any(string in shown for string in stop)
    if any(string in text for string in stop):
        # Of stop strings that overlap, the first one that is complete ends the text.
        assert detokeniser.stopped
        assert any(text[len(shown) :].startswith(string) for string in stop)
    else:
        assert shown == text
        assert not detokeniser.stopped


def test_a_tokenizer_that_writes_spaces_between_words_keeps_them() -> None:
    """Phi-3's and other SentencePiece tokenizers drop a text's first space, and so a lone token's."""
    vocabulary = {"<unk>": 0, "▁": 1, "▁a": 2, "▁chest": 3, "▁film": 4, "s": 5}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    inner.decoder = decoders.Metaspace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<unk>")
    detokeniser = Detokeniser(tokenizer)
    assert pieces(detokeniser, [2, 3, 4, 5]) == ["a", " chest", " film", "s", ""]
