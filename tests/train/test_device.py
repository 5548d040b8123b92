"""Where training's tensors lie; no test here needs a GPU."""

from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config, train
from bimedix2.errors import ConfigError, ModelError
from bimedix2.manifest import read_manifest


def stage(tiny: Any, squares: Path, output: Path, name: str, **values: Any) -> Path:
    shape = {"model": "tiny", "row_tokens": 200, "variants": 2, "anchor_weight": 1.0}
    return train.run(
        config.build(train.Config, {"input": squares, "output": output, "stage": name, **shape, **values})
    )


def test_both_stages_keep_all_their_tensors_on_the_models_device(
    tiny: Any, squares: Path, tmp_path: Path, pretended_gpu: None
) -> None:
    align = stage(tiny, squares, tmp_path / "align", "align", prealign_steps=2)
    held = {"keep_sources": ["held"], "keep_every": 2, "dtype": "bfloat16"}
    done = stage(tiny, squares, tmp_path / "instruct", "instruct", start=align, **held)
    assert read_manifest(done)["training"]["device"] == "meta"
    assert read_manifest(done)["training"]["steps"] > 1


def test_a_gpu_that_is_not_here_is_refused(
    tiny: Any, squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    with pytest.raises(ModelError, match=r"'cuda:1' is not here: torch .* sees 1 GPUs; use device=cpu"):
        stage(tiny, squares, tmp_path / "align", "align", device="cuda:1")


def test_a_device_of_another_kind_is_refused(tiny: Any, squares: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"'device': 'tpu' is no device; say auto, cpu, cuda or cuda:N"):
        stage(tiny, squares, tmp_path / "align", "align", device="tpu")


@pytest.mark.parametrize("here", [True, False])
def test_auto_is_a_gpu_where_there_is_one(here: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from bimedix2.model.device import choose

    monkeypatch.setattr("torch.cuda.is_available", lambda: here)
    assert choose("auto").type == ("cuda" if here else "cpu")
