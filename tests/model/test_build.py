"""A base is built once, whole or not at all, and a file that changed on disk is noticed."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from bimedix2.errors import ModelError
from bimedix2.manifest import hash_folder
from bimedix2.model import build, presets
from bimedix2.model.checkpoint import base_hash

FILES = {
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "hashes.json",
    "model.safetensors",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
}


def test_a_base_is_a_plain_folder_that_transformers_loads(tiny: Any) -> None:
    assert {path.name for path in tiny.folder.iterdir()} == FILES
    model = AutoModelForImageTextToText.from_pretrained(tiny.folder)
    processor = AutoProcessor.from_pretrained(tiny.folder)
    config = model.config
    assert type(model).__name__ == "LlavaForConditionalGeneration"
    assert (config.image_seq_length, config.vision_feature_layer, config.projector_hidden_act) == (
        4,
        -1,
        "gelu",
    )
    assert model.generation_config.suppress_tokens == [config.image_token_index]
    assert processor.tokenizer.convert_tokens_to_ids("<image>") == config.image_token_index
    words = model.get_input_embeddings().weight
    assert bool((words[config.image_token_index] == 0).all())
    assert (processor.image_processor.size["height"], processor.image_processor.do_center_crop) == (28, False)


def test_language_model_and_tower_are_the_parts_own(tiny: Any) -> None:
    from transformers import Dinov2Model, LlamaForCausalLM

    model = AutoModelForImageTextToText.from_pretrained(tiny.folder).model
    for ours, theirs in (
        (model.language_model, LlamaForCausalLM.from_pretrained(tiny.preset.llm).model),
        (model.vision_tower, Dinov2Model.from_pretrained(tiny.preset.vision)),
    ):
        state = ours.state_dict()
        for name, value in theirs.state_dict().items():
            assert torch.equal(state[name][: len(value)], value), name


def test_building_twice_gives_the_same_bytes_and_keeps_no_path(tiny: Any, tmp_path: Path) -> None:
    torch.manual_seed(5)  # the caller's generator must not matter
    build.build(tiny.preset, tmp_path / "again")
    once = {name: digest for name, digest in hash_folder(tiny.folder).items() if name != "hashes.json"}
    assert hash_folder(tmp_path / "again") == once
    for name in FILES - {"model.safetensors", "hashes.json"}:
        assert str(tiny.folder.parent) not in (tiny.folder / name).read_text(encoding="utf-8")
        assert str(Path(tiny.preset.llm).parent) not in (tiny.folder / name).read_text(encoding="utf-8")


@pytest.fixture
def own_cache(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BIMEDIX2_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_changed_missing_or_added_file_is_named(own_cache: Path) -> None:
    folder = build.ensure_base("tiny")
    assert build.ensure_base("tiny") == folder
    weights = folder / "model.safetensors"
    good = weights.read_bytes()
    weights.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(ModelError, match=r"model\.safetensors was changed on disk; delete"):
        build.ensure_base("tiny")
    weights.write_bytes(good)
    (folder / "extra.json").write_text("{}")
    with pytest.raises(ModelError, match=r"extra\.json was changed"):
        build.ensure_base("tiny")
    (folder / "extra.json").unlink()
    (folder / "config.json").unlink()
    with pytest.raises(ModelError, match=r"config\.json was changed"):
        build.ensure_base("tiny")


def test_a_failed_build_leaves_nothing_and_the_next_one_succeeds(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(build, "_processor", _fail)
        with pytest.raises(OSError, match="disk full"):
            build.ensure_base("tiny")
    assert list(own_cache.iterdir()) == []
    assert build.ensure_base("tiny").is_dir()


def test_what_a_killed_build_left_is_cleared_and_a_living_ones_stays(own_cache: Path) -> None:
    target = build.base_folder("tiny")
    ended = subprocess.Popen(["true"])
    ended.wait()
    for pid in (ended.pid, os.getppid()):
        folder = target.with_name(f".{target.name}.{pid}")
        folder.mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(b"half")
    build.ensure_base("tiny")
    assert sorted(p.name for p in own_cache.iterdir()) == [f".{target.name}.{os.getppid()}", target.name]


def _fail(*_: Any) -> None:
    raise OSError("disk full")


def test_the_later_of_two_builds_takes_the_earlier_ones_base(
    tiny: Any, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second process builds the whole base while the first one is about to finish its own."""
    finish, pid = build._processor, os.getpid()
    inner: list[Path] = []

    def overtaken(*rest: Any) -> Any:
        monkeypatch.setattr(build, "_processor", finish)
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: pid + 1)
            inner.append(build.ensure_base("tiny"))
        return finish(*rest)

    monkeypatch.setattr(build, "_processor", overtaken)
    outer = build.ensure_base("tiny")
    assert inner == [outer]
    assert [path.name for path in own_cache.iterdir()] == [outer.name]
    assert base_hash(outer) == base_hash(tiny.folder)


def test_parts_out_of_reach_are_one_sentence(
    tiny: Any, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("llm", "vision"):
        lacking = replace(tiny.preset, **{part: str(tmp_path / "nowhere")})
        monkeypatch.setitem(presets.PRESETS, "tiny", lacking)
        with pytest.raises(ModelError, match="could not be loaded: it is no local folder"):
            build.ensure_base("tiny")
        assert list(own_cache.iterdir()) == []
