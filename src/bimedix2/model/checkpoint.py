"""Checkpoints: the trained part (projector and adapter) beside its base, merging, and exporting.

A checkpoint folder holds ``checkpoint.json`` (preset or base, the base's hash, the stage),
``projector.safetensors``
and, from ``instruct`` on, ``adapter/`` as peft writes it. A plain Hugging Face folder loads as well.
"""

import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bimedix2 import io
from bimedix2.errors import MissingExtra, ModelError
from bimedix2.manifest import hash_folder
from bimedix2.model.build import HASHES, ensure_base
from bimedix2.model.device import choose
from bimedix2.model.presets import PRESETS, Preset, preset
from bimedix2.model.prompt import Prompter
from bimedix2.model.vocabulary import read_merges

if TYPE_CHECKING:
    import torch
    from transformers import LlavaForConditionalGeneration

STAMP = "checkpoint.json"
PROJECTOR = "projector.safetensors"
ADAPTER = "adapter"
ADAPTER_FILES = (f"{ADAPTER}/adapter_config.json", f"{ADAPTER}/adapter_model.safetensors")
ROWS = "trainable_tokens"
"""In the names of peft's parameters that are new tokens' rows."""
STAMP_KEYS = ("preset", "base", "stage")
BASE_SUFFIX = "-base"
"""``nano-base`` is the preset without what was trained."""


@dataclass
class Loaded:
    """A model ready to run, with the prompt path that belongs to it.

    ``name`` stands on every answer; ``identity`` is the hash of every file that the numbers depend on.
    """

    model: "LlavaForConditionalGeneration"
    processor: Any
    prompter: Prompter
    name: str
    identity: str
    preset: Preset | None


def shipped(name: str) -> Path | None:
    """The trained part of a preset that came with the package, ``None`` where none does."""
    if name not in PRESETS:
        return None
    folder = Path(str(files("bimedix2.model"))) / name
    return folder if (folder / STAMP).is_file() else None


def describe(source: str) -> tuple[Preset | None, Path | None, Path | None]:
    """Resolve a model's name to ``(preset, base folder, trained folder)``.

    ``source`` is a preset (``nano``), a preset without its trained part (``nano-base``), a checkpoint
    folder, or
    a Hugging Face folder.

    Raises:
        ModelError: it is none of these.
    """
    path = Path(source)
    if (path / STAMP).is_file():
        stamp = read_stamp(path)
        chosen = preset(stamp["preset"])
        base = ensure_base(chosen.name)
        _same_base(path, stamp, base)
        return chosen, base, path
    if (path / "config.json").is_file():
        return None, path, None
    if source.endswith(BASE_SUFFIX) and source.removesuffix(BASE_SUFFIX) in PRESETS:
        chosen = preset(source.removesuffix(BASE_SUFFIX))
        return chosen, ensure_base(chosen.name), None
    if path.exists() and source not in PRESETS:
        raise ModelError(f"{path} is no checkpoint: it holds neither {STAMP} nor config.json")
    chosen = preset(source)
    trained = shipped(source)
    if trained is None:
        raise ModelError(
            f"preset '{source}' ships no trained part; train it (recipes/train) and give "
            "the checkpoint's folder"
        )
    base = ensure_base(source)
    _same_base(trained, read_stamp(trained), base)
    return chosen, base, trained


def read_stamp(folder: Path) -> dict[str, str]:
    """Return what a checkpoint folder says of itself: ``preset``, ``base`` and ``stage``.

    Raises:
        ModelError: the stamp is not one, or a file that its stage needs is missing.
    """
    stamp = io.read_json(folder / STAMP)
    if not isinstance(stamp, dict) or not all(isinstance(stamp.get(k), str) for k in STAMP_KEYS):
        raise ModelError(f"{folder / STAMP} is no stamp of a checkpoint; train it again, or copy it whole")
    needed = [PROJECTOR] if stamp["stage"] == "align" else [PROJECTOR, *ADAPTER_FILES]
    for name in needed:
        if not (folder / name).is_file():
            raise ModelError(f"{folder / name} is missing; the checkpoint is not whole, copy it again")
    return stamp


def _same_base(folder: Path, stamp: dict[str, Any], base: Path) -> None:
    if stamp["base"] != base_hash(base):
        raise ModelError(
            f"{folder} was trained on another base ({stamp['base'][:12]}..., "
            f"this one is {base_hash(base)[:12]}...); "
            "use the package version that trained it"
        )


def base_hash(base: Path) -> str:
    """The identity of a base: its weights, vocabulary, template and picture layout.

    The other files say the same things in words that change with the version of transformers.
    """
    hashes = io.read_json(base / HASHES) if (base / HASHES).is_file() else hash_folder(base)
    kept = {n: h for n, h in hashes.items() if n.endswith(".safetensors") or n == "chat_template.jinja"}
    config = io.read_json(base / "config.json")
    layout = {key: config.get(key) for key in ("vision_feature_layer", "image_seq_length")}
    file = base / "tokenizer.json"
    words = io.read_json(file) if file.is_file() else {}
    vocabulary = [
        words.get("model", {}).get("vocab"),
        [[token["id"], token["content"]] for token in words.get("added_tokens", [])],
    ]
    return io.sha256_bytes(io.canonical_json([kept, layout, vocabulary]).encode("utf-8", "surrogatepass"))


def load(
    source: str, *, merge: bool = True, dtype: "torch.dtype | None" = None, device: str = "cpu"
) -> Loaded:
    """Load a model by name or folder, in evaluation mode.

    Args:
        source: see ``describe``.
        merge: fold the adapter into the weights (for running); otherwise it stays apart (for training on).
        dtype: of the language model in memory, float32 by default. What sees (tower and projector) is float32
            always: its states differ by orders of magnitude between dimensions, and half precision would
            round the small ones away. The identity tells dtypes apart, since their answers can differ.
        device: see ``bimedix2.model.device``; the identity tells a GPU from the processor likewise.

    Raises:
        ModelError: no such model, or its files do not fit together.
    """
    try:
        import torch
        from transformers import AutoModelForImageTextToText, AutoProcessor
        from transformers.utils import logging
    except ImportError as error:
        raise MissingExtra("transformers", "model") from error
    place = choose(device)
    chosen, base, trained = describe(source)
    assert base is not None
    logging.disable_progress_bar()
    dtype = dtype or torch.float32
    model = AutoModelForImageTextToText.from_pretrained(base, dtype=dtype)
    if dtype is not torch.float32:
        model.model.vision_tower.float()
        model.model.multi_modal_projector.float()
    processor = AutoProcessor.from_pretrained(base)
    hashes = {"base": base_hash(base)}
    if dtype is not torch.float32:
        hashes["dtype"] = str(dtype)
    if place.type != "cpu":
        hashes["device"] = place.type
    if trained is not None:
        load_projector(model, trained)
        hashes |= {n: h for n, h in hash_folder(trained).items() if n.endswith(".safetensors")}
        if (trained / ADAPTER).is_dir():
            model = load_adapter(model, trained, merge=merge)
    limit = int(model.config.text_config.max_position_embeddings)
    context = min(chosen.context, limit) if chosen else limit
    identity = io.sha256_bytes(io.canonical_json(hashes).encode())
    label = source if source in PRESETS else Path(source).resolve().name
    name = f"bimedix2-{label}@{identity[:8]}"
    return Loaded(model.to(place).eval(), processor, Prompter(processor, context), name, identity, chosen)


def load_projector(model: Any, folder: Path) -> None:
    """Put a saved projector into a model."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        model.model.multi_modal_projector.load_state_dict(load_file(str(folder / PROJECTOR)))
    except (SafetensorError, FileNotFoundError) as error:
        raise ModelError(
            f"{folder / PROJECTOR} is missing or cut short; copy the checkpoint again"
        ) from error
    except RuntimeError as error:
        raise ModelError(
            f"{folder / PROJECTOR} does not fit the base; was it trained on another preset?"
        ) from error


@contextmanager
def quiet_peft() -> Iterator[None]:
    """Peft asks transformers for a property under the name that transformers has deprecated."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        yield


def add_adapter(model: Any, chosen: Preset, alpha: float, seed: int) -> Any:
    """Put a fresh LoRA adapter, which changes nothing yet, over the language model's linear modules.

    The rows of the tokens that the preset's merges made learn with it.

    Args:
        model: a Llava model; its other parts are left as they are.
        chosen: says which modules, and the rank.
        alpha: LoRA's alpha as a multiple of the rank.
        seed: of the adapter's first matrices.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    names = "|".join(chosen.linears)
    new = len(read_merges(chosen.merges)) if chosen.merges else 0
    image = int(model.config.image_token_index)  # stands right after the tokens of the preset's merges
    lora = LoraConfig(
        r=chosen.rank,
        lora_alpha=round(chosen.rank * alpha),
        target_modules=rf".*language_model.*\.({names})",
        trainable_token_indices={"embed_tokens": list(range(image - new, image))} if new else None,
    )
    with torch.random.fork_rng(devices=[]), quiet_peft():
        torch.manual_seed(seed)
        return get_peft_model(model, lora)


def load_adapter(model: Any, folder: Path, *, merge: bool) -> Any:
    """Put a saved adapter over a model, or into its weights."""
    from peft import PeftModel
    from safetensors import SafetensorError

    try:
        with quiet_peft():
            adapted = PeftModel.from_pretrained(model, str(folder / ADAPTER))
    except SafetensorError as error:
        raise ModelError(f"{folder / ADAPTER} is cut short; copy the checkpoint again") from error
    except RuntimeError as error:
        raise ModelError(f"{folder / ADAPTER} does not fit the base; was it trained on another?") from error
    return adapted.merge_and_unload() if merge else adapted


def save(model: Any, folder: Path, chosen: Preset, stage: Literal["align", "instruct"], base: Path) -> None:
    """Write the trained part: projector (float32), adapter if there is one (float16), and the stamp."""
    from safetensors.torch import load_file, save_file

    folder.mkdir(parents=True, exist_ok=True)
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    projector = inner.model.multi_modal_projector.state_dict()
    save_file(
        {k: v.detach().float().contiguous().cpu() for k, v in projector.items()}, str(folder / PROJECTOR)
    )
    if hasattr(model, "peft_config"):
        model.save_pretrained(str(folder / ADAPTER), save_embedding_layers=False)
        (folder / ADAPTER / "README.md").unlink(missing_ok=True)
        weights = folder / ADAPTER_FILES[1]
        halves = {name: one.half() for name, one in load_file(weights).items()}
        save_file(halves, str(weights), {"format": "pt"})
    io.write_json(folder / STAMP, {"preset": chosen.name, "base": base_hash(base), "stage": stage})


def export(source: str, folder: Path, *, half: bool = False) -> Path:
    """Write a merged model that ``AutoModelForImageTextToText`` and other servers load.

    Args:
        source: see ``describe``.
        folder: new or empty; written beside and renamed.
        half: bfloat16, half the size, rounded; otherwise float32, whose numbers are those of this engine.

    Raises:
        ModelError: the folder exists and is not empty.
    """
    import torch

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ModelError(f"{folder} is not empty; export into a new folder")
    loaded = load(source, dtype=torch.float32)
    staging = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        loaded.model.to(torch.bfloat16 if half else torch.float32).save_pretrained(staging)
        loaded.processor.save_pretrained(staging)
        staging.replace(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder
