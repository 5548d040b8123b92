"""The real nano base, from its two packages (about 190 MB from the package index on first use)."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from bimedix2.model import build, checkpoint
from bimedix2.model.dinov2 import tower
from bimedix2.model.presets import PRESETS, Wheel
from bimedix2.model.wheels import unpack

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built anew, in a cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIMEDIX2_CACHE", str(tmp_path_factory.mktemp("cache")))
        return build.ensure_base("nano")


def test_it_is_a_plain_llava_that_transformers_loads_and_that_speaks(base: Path) -> None:
    model: Any = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32).eval()
    processor = AutoProcessor.from_pretrained(base)
    assert type(model).__name__ == "LlavaForConditionalGeneration"
    assert type(model.model.vision_tower).__name__ == "Dinov2Model"
    assert type(model.model.language_model).__name__ == "LlamaModel"
    assert model.config.image_seq_length == 100
    turn = {"role": "user", "content": [{"type": "text", "text": "What is the capital of France?"}]}
    inputs = processor(
        text=processor.apply_chat_template([turn], add_generation_prompt=True), return_tensors="pt"
    )
    out = model.generate(**inputs, max_new_tokens=20, do_sample=False)
    assert "Paris" in processor.tokenizer.decode(out[0][inputs["input_ids"].shape[1] :])


def test_the_tower_tells_pictures_apart_and_finds_equal_ones_equal(base: Path) -> None:
    model: Any = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32).eval()
    processor = AutoProcessor.from_pretrained(base)
    gradient = Image.linear_gradient("L").convert("RGB")
    pictures = [
        gradient,
        gradient.rotate(180),
        gradient.resize((300, 300)),
        Image.new("RGB", (90, 40), "red"),
    ]
    pixels = processor.image_processor(pictures, return_tensors="pt")["pixel_values"]
    assert pixels.shape == (4, 3, 140, 140)
    with torch.no_grad():
        states = model.model.vision_tower(pixels).last_hidden_state[:, 1:].mean(1)
    alike = torch.nn.functional.cosine_similarity(states[:1], states)
    assert alike[2] > 0.98
    assert max(alike[1], alike[3]) < 0.98


def test_the_base_is_the_one_that_the_shipped_checkpoint_was_trained_on(base: Path) -> None:
    """Its identity holds on every machine, or nobody else could load what is shipped."""
    folder = checkpoint.shipped("nano")
    if folder is None:
        pytest.skip("no trained nano is in the package yet")
    assert checkpoint.read_stamp(folder)["base"] == checkpoint.base_hash(base)


def test_a_cut_tower_is_the_whole_one_up_to_its_last_block(base: Path, tmp_path: Path) -> None:
    wheel = PRESETS["nano"].vision
    assert isinstance(wheel, Wheel)
    file = unpack(wheel, tmp_path)
    whole, cut = tower(file).eval(), tower(file, 9).eval()
    pixels = torch.rand(1, 3, 140, 140)
    with torch.no_grad():
        states = whole(pixels, output_hidden_states=True).hidden_states[9]
        assert torch.equal(cut(pixels, output_hidden_states=True).hidden_states[-1], states)
    assert len(cut.encoder.layer) == cut.config.num_hidden_layers == 9
