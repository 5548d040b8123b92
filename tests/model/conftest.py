"""A checkpoint of the tiny model whose every trained part says something."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bimedix2.model import checkpoint
from bimedix2.model.build import ensure_base


@pytest.fixture
def write_checkpoint(tiny: Any) -> Callable[..., Path]:
    """Writes a checkpoint folder with a random projector and, for ``instruct``, a random adapter."""

    def write(folder: Path, stage: str = "instruct", seed: int = 1) -> Path:
        from peft import LoraConfig, get_peft_model

        model: Any = checkpoint.load("tiny-base").model
        torch.manual_seed(seed)
        if stage == "instruct":
            names = "|".join(tiny.preset.linears)
            with checkpoint.quiet_peft():
                model = get_peft_model(
                    model, LoraConfig(r=2, lora_alpha=4, target_modules=rf".*language_model.*\.({names})")
                )
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "multi_modal_projector" in name or "lora_" in name:
                    parameter.normal_(0, 0.2)
        checkpoint.save(model, folder, tiny.preset, stage, ensure_base("tiny"))  # type: ignore[arg-type]
        return folder

    return write
