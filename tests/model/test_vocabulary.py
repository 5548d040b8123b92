"""Merges for Arabic: shorter there, nothing changed elsewhere, and every text comes back."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer

from bimedix2.errors import ModelError
from bimedix2.model import checkpoint
from bimedix2.model.presets import PRESETS
from bimedix2.model.vocabulary import ALPHABET, extend, is_arabic, learn, read_merges, token_meanings

TEXTS = ["الرئتان سليمتان، ولا كسور.", "لا تظهر كسور في الضلوع", "ضلوع سليمة"] * 3
OTHERS = ["A chest CT, 5 mg.", "été naïve Ωμ", "日本語の文", "русский", "עברית", "नमस्ते", "⚕️ 🙂", "ﷺ ﻻ"]


@pytest.fixture
def plain(tiny: Any) -> Any:
    """The tiny tokenizer before it got its merges."""
    return AutoTokenizer.from_pretrained(tiny.preset.llm)


def test_the_alphabet_is_gpt2s(plain: Any) -> None:
    """Each byte's letter is the one that the tokenizer itself writes."""
    assert len(ALPHABET) == 256
    for letter, byte in ALPHABET.items():
        if byte < 128:
            assert (
                plain.backend_tokenizer.pre_tokenizer.pre_tokenize_str("x" + chr(byte))[-1][0][-1] == letter
            )
    assert [ALPHABET[c] for c in "Ø£"] == list("أ".encode())


def test_arabic_takes_fewer_tokens_and_comes_back(plain: Any) -> None:
    extended = copy.deepcopy(plain)
    merges = learn(plain, TEXTS, 60)
    extend(extended, merges)
    for text in TEXTS:
        before, after = plain(text)["input_ids"], extended(text)["input_ids"]
        assert len(after) < 0.5 * len(before)
        assert extended.decode(after) == text
    assert len(extended) == len(plain) + len(merges)


def test_other_languages_are_read_as_before(plain: Any) -> None:
    extended = copy.deepcopy(plain)
    extend(extended, learn(plain, TEXTS, 60))
    for text in OTHERS:
        assert extended(text)["input_ids"] == plain(text)["input_ids"]


def test_a_new_token_knows_what_spelled_it(plain: Any) -> None:
    extended = copy.deepcopy(plain)
    merges = learn(plain, TEXTS, 60)
    spelled = extend(extended, merges)
    old = len(plain)
    assert len(spelled) == len(merges)
    for row, tokens in enumerate(spelled):
        assert max(tokens) < old
        assert "".join(plain.convert_ids_to_tokens(tokens)) == extended.convert_ids_to_tokens(old + row)


@given(st.text(alphabet=st.characters(min_codepoint=1, max_codepoint=0x2FFF), max_size=20))
def test_a_piece_is_arabic_only_where_an_arabic_letter_stands(text: str) -> None:
    letters = {byte: letter for letter, byte in ALPHABET.items()}
    piece = "".join(letters[byte] for byte in text.encode())
    if is_arabic(piece):
        assert any(0x600 <= ord(c) <= 0x6FF for c in text)


def test_merges_of_another_tokenizer_are_refused(plain: Any, tmp_path: Path) -> None:
    merges = learn(plain, TEXTS, 20)
    extended = copy.deepcopy(plain)
    extend(extended, merges)
    with pytest.raises(ModelError, match="learn the file again on it"):
        extend(extended, merges)
    plain.add_special_tokens({"additional_special_tokens": ["<more>"]})
    with pytest.raises(ModelError, match="before they are added"):
        extend(plain, merges)
    file = tmp_path / "x.merges"
    for line in ("a b", "Ø", "Ø  §", "☃ Ø"):
        file.write_text(f"Ø §\n{line}\n", encoding="utf-8")
        with pytest.raises(ModelError, match="line 2 is no merge"):
            read_merges(str(file))


def test_a_base_has_the_tokens_and_they_begin_with_their_meaning(tiny: Any) -> None:
    base = checkpoint.load("tiny-base")
    language = AutoModelForCausalLM.from_pretrained(tiny.preset.llm)
    merges = read_merges(tiny.preset.merges)
    plain = AutoTokenizer.from_pretrained(tiny.preset.llm)
    spelled = extend(plain, merges)
    old = language.get_input_embeddings().weight
    rows = base.model.get_input_embeddings().weight
    assert base.prompter.image_id == len(old) + len(merges)
    assert torch.equal(rows[: len(old)], old)
    extended = copy.deepcopy(AutoTokenizer.from_pretrained(tiny.preset.llm))
    extend(extended, merges)
    meant = token_meanings(extended, ["".join(pair) for pair in merges])
    assert 0 < sum(map(bool, meant)) < len(meant)
    english = [old[tokens].mean(0) for tokens in meant if tokens]
    middle = torch.stack(english).mean(0)
    for row, (tokens, english_tokens) in enumerate(zip(spelled, meant, strict=True)):
        wanted = old[tokens].mean(0)
        if english_tokens:
            wanted = old[english_tokens].mean(0) + (wanted - middle) / 2
        assert torch.allclose(rows[len(old) + row], wanted, atol=1e-6)
    assert not rows[base.prompter.image_id].any()


def test_the_new_tokens_and_no_others_learn(tiny: Any, tmp_path: Path) -> None:
    """And what they learned is saved with the adapter, read back, and merged."""
    loaded = checkpoint.load("tiny-base", merge=False)
    model = checkpoint.add_adapter(loaded.model, tiny.preset, 2.0, 0)
    rows = {n: p for n, p in model.named_parameters() if p.requires_grad and "lora_" not in n}
    count = len(read_merges(tiny.preset.merges))
    assert [tuple(p.shape) for p in rows.values()] == [(count, 64)]
    with torch.no_grad():
        for parameter in rows.values():
            parameter.add_(1.0)
    checkpoint.save(model, tmp_path / "c", tiny.preset, "instruct", tiny.folder)
    base = checkpoint.load("tiny-base").model.get_input_embeddings().weight
    merged = checkpoint.load(str(tmp_path / "c")).model
    moved = (merged.get_input_embeddings().weight - base).abs().sum(1) > 0
    first = loaded.prompter.image_id - count
    assert moved.nonzero().flatten().tolist() == list(range(first, loaded.prompter.image_id))
    assert torch.equal(merged.lm_head.weight, merged.get_input_embeddings().weight)


def test_nanos_merges_are_of_the_package() -> None:
    merges = read_merges(PRESETS["nano"].merges)
    assert len({first + second for first, second in merges}) == len(merges) > 1000
