"""Checkpoints: what was saved is what is loaded, merged, exported; what does not fit is refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from bimedix2 import io
from bimedix2.errors import ModelError
from bimedix2.manifest import hash_folder
from bimedix2.model import build, checkpoint
from bimedix2.model.presets import PRESETS

Write = Callable[..., Path]


def logits(model: Any, processor: Any, colour: str = "red", words: str = "What is this?") -> torch.Tensor:
    """Through transformers alone: its template, its processor, its forward pass."""
    turn = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": words}]}
    prompt = processor.apply_chat_template([turn], add_generation_prompt=True)
    inputs = processor(text=prompt, images=[Image.new("RGB", (50, 40), colour)], return_tensors="pt")
    with torch.no_grad():
        out: torch.Tensor = model(**inputs).logits
    return out


def test_the_adapter_apart_and_merged_give_the_same_numbers(write_checkpoint: Write, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "trained")
    apart, merged = (checkpoint.load(str(folder), merge=merge) for merge in (False, True))
    base = checkpoint.load("tiny-base")
    ours = logits(apart.model, apart.processor)
    assert torch.allclose(ours, logits(merged.model, merged.processor), atol=1e-4)
    assert (ours - logits(base.model, base.processor)).abs().max() > 0.1
    assert not torch.allclose(ours, logits(apart.model, apart.processor, "blue"), atol=1e-3)


def test_what_is_saved_again_is_byte_for_byte_the_same(write_checkpoint: Write, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "trained")
    again = checkpoint.load(str(folder), merge=False)
    assert again.preset is not None
    checkpoint.save(again.model, tmp_path / "again", again.preset, "instruct", build.ensure_base("tiny"))
    assert hash_folder(tmp_path / "again") == hash_folder(folder)
    files = sorted(hash_folder(folder))
    assert files == [
        "adapter/adapter_config.json",
        "adapter/adapter_model.safetensors",
        "checkpoint.json",
        "projector.safetensors",
    ]


@pytest.mark.parametrize("stage", ["align", "instruct"])
def test_an_exported_folder_is_a_plain_model_with_the_same_numbers(
    write_checkpoint: Write, tmp_path: Path, stage: str
) -> None:
    trained = str(write_checkpoint(tmp_path / "trained", stage))
    ours = checkpoint.load(trained)
    folder = checkpoint.export(trained, tmp_path / "exported")
    model = AutoModelForImageTextToText.from_pretrained(folder).eval()
    assert type(model).__name__ == "LlavaForConditionalGeneration"
    assert next(model.parameters()).dtype is torch.float32
    processor = AutoProcessor.from_pretrained(folder)
    assert torch.equal(logits(model, processor), logits(ours.model, ours.processor))
    loaded = checkpoint.load(str(folder))
    assert torch.equal(logits(loaded.model, loaded.processor), logits(ours.model, ours.processor))
    assert loaded.prompter.image_tokens == ours.prompter.image_tokens


def test_a_half_export_is_half_as_large_and_close(write_checkpoint: Write, tmp_path: Path) -> None:
    trained = str(write_checkpoint(tmp_path / "trained"))
    whole = checkpoint.export(trained, tmp_path / "whole")
    half = checkpoint.export(trained, tmp_path / "half", half=True)
    sizes = [(folder / "model.safetensors").stat().st_size for folder in (half, whole)]
    assert 0.45 < sizes[0] / sizes[1] < 0.6
    ours, theirs = checkpoint.load(trained), checkpoint.load(str(half))
    difference = logits(theirs.model, theirs.processor) - logits(ours.model, ours.processor)
    assert 0 < difference.abs().max() < 0.5


def test_an_export_never_overwrites(write_checkpoint: Write, tmp_path: Path) -> None:
    trained = str(write_checkpoint(tmp_path / "trained"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep me")
    with pytest.raises(ModelError, match="is not empty"):
        checkpoint.export(trained, tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    assert checkpoint.export(trained, tmp_path / "empty") == tmp_path / "empty"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "full", "trained"]


def test_name_and_identity_follow_the_weights(write_checkpoint: Write, tmp_path: Path) -> None:
    one, two = write_checkpoint(tmp_path / "one"), write_checkpoint(tmp_path / "two", seed=2)
    shutil.copytree(one, tmp_path / "copy")
    loaded = [checkpoint.load(str(folder)) for folder in (one, tmp_path / "copy", two)]
    assert loaded[0].identity == loaded[1].identity != loaded[2].identity
    assert loaded[0].name == f"bimedix2-one@{loaded[0].identity[:8]}"
    assert checkpoint.load("tiny-base").name.startswith("bimedix2-tiny-base@")


def test_a_checkpoint_of_another_base_is_refused(write_checkpoint: Write, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "trained")
    stamp = io.read_json(folder / "checkpoint.json")
    io.write_json(folder / "checkpoint.json", {**stamp, "base": "0" * 64})
    with pytest.raises(ModelError, match=r"was trained on another base \(000000000000\.\.\."):
        checkpoint.load(str(folder))


def test_the_base_hash_sees_weights_words_template_and_layout_only(tiny: Any, tmp_path: Path) -> None:
    def changed(name: str, edit: Callable[[Any], Any]) -> str:
        folder = tmp_path / "changed"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tiny.folder, folder)
        (folder / "hashes.json").unlink()
        io.write_json(folder / name, edit(io.read_json(folder / name)))
        return checkpoint.base_hash(folder)

    def word(tokenizer: Any) -> Any:
        tokenizer["added_tokens"][0]["content"] = "<|other|>"
        return tokenizer

    here = checkpoint.base_hash(tiny.folder)
    assert changed("config.json", lambda c: {**c, "transformers_version": "6.0"}) == here
    assert changed("generation_config.json", lambda c: {**c, "top_k": 3}) == here
    assert changed("tokenizer.json", lambda t: {**t, "version": "1.1"}) == here
    assert changed("config.json", lambda c: {**c, "vision_feature_layer": -2}) != here
    assert changed("tokenizer.json", word) != here
    for name in ("chat_template.jinja", "model.safetensors"):
        folder = tmp_path / name
        shutil.copytree(tiny.folder, folder)
        (folder / "hashes.json").unlink()
        (folder / name).write_bytes((folder / name).read_bytes() + b" ")
        assert checkpoint.base_hash(folder) != here


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda f: (f / "projector.safetensors").unlink(), r"projector\.safetensors is missing"),
        (lambda f: shutil.rmtree(f / "adapter"), r"adapter_config\.json is missing"),
        (lambda f: _cut(f / "projector.safetensors"), "is missing or cut short"),
        (lambda f: _cut(f / "adapter" / "adapter_model.safetensors"), "adapter is cut short"),
        (lambda f: (f / "checkpoint.json").write_text("[1]"), r"checkpoint\.json is no stamp"),
        (lambda f: (f / "checkpoint.json").write_text('{"preset": "tiny"}'), "is no stamp"),
    ],
)
def test_a_spoiled_checkpoint_is_one_sentence(
    write_checkpoint: Write, tmp_path: Path, spoil: Callable[[Path], Any], sentence: str
) -> None:
    folder = write_checkpoint(tmp_path / "trained")
    spoil(folder)
    with pytest.raises(ModelError, match=sentence):
        checkpoint.load(str(folder))


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


def test_a_projector_of_another_preset_is_one_sentence(tiny: Any, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"linear_1.weight": torch.zeros(3, 3)}, str(tmp_path / "projector.safetensors"))
    with pytest.raises(ModelError, match="does not fit the base"):
        checkpoint.load_projector(checkpoint.load("tiny-base").model, tmp_path)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nanno", "'nanno' is neither a preset nor a checkpoint folder; did you mean 'nano'"),
        ("gigantic", "presets are: nano, 4b, 8b, 70b"),
        ("4b", "preset '4b' ships no trained part"),
        ("/no/such/folder", "is neither a preset nor a checkpoint folder"),
    ],
)
def test_an_unknown_model_is_one_sentence(name: str, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        checkpoint.load(name)


def test_a_folder_that_is_no_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds neither checkpoint\.json nor config\.json"):
        checkpoint.load(str(tmp_path))


def test_shipped_weights_if_any_name_a_preset_that_exists() -> None:
    for name in PRESETS:
        folder = checkpoint.shipped(name)
        if folder is not None:
            assert json.loads((folder / "checkpoint.json").read_text())["preset"] == name
