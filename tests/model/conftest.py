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
        model: Any = checkpoint.load("tiny-base").model
        if stage == "instruct":
            model = checkpoint.add_adapter(model, tiny.preset, 2.0, seed)
        torch.manual_seed(seed)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "multi_modal_projector" in name or "lora_" in name:
                    parameter.normal_(0, 0.2)
        checkpoint.save(model, folder, tiny.preset, stage, ensure_base("tiny"))  # type: ignore[arg-type]
        return folder

    return write
