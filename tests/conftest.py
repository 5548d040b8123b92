"""A tiny real model for tests: random weights, but every line of code that a base goes through."""

import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from bimedix2.model import presets
from bimedix2.model.presets import LLAMA_LINEARS, Preset

WORDS = [
    "This is a chest radiograph. What does this image show? Is this a brain MRI, yes or no?",
    "هذه صورة أشعة سينية للصدر. ماذا تُظهر هذه الصورة؟ هل هذه صورة رنين مغناطيسي للدماغ، نعم أم لا؟",
    "You are BiMediX2, a bilingual medical assistant. system user assistant",
]


@dataclass(frozen=True)
class Tiny:
    """A preset that the test may name, its base folder (a plain Hugging Face folder too) and its cache."""

    preset: Preset
    folder: Path
    cache: Path


def _tiny_tokenizer() -> object:
    """Byte-level BPE as SmolLM2's: a few merges, so that Arabic letters come in one or in two tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(WORDS * 3, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        unk_token="<|endoftext|>",
    )


def _tiny_parts(folder: Path) -> Preset:
    """Write a two-layer language model and a two-layer vision tower; return the preset made of them."""
    import torch
    from transformers import Dinov2Config, Dinov2Model, LlamaConfig, LlamaForCausalLM

    from bimedix2.model.vocabulary import learn

    tokenizer = _tiny_tokenizer()
    shape = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        language = LlamaForCausalLM(
            LlamaConfig(
                **shape,
                num_key_value_heads=2,
                vocab_size=len(tokenizer),  # type: ignore[arg-type]
                max_position_embeddings=512,
                tie_word_embeddings=True,
                initializer_range=0.2,
                bos_token_id=1,
                eos_token_id=2,
                pad_token_id=2,
            )
        )
        small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "mlp_ratio": 2}
        config = Dinov2Config(**small, image_size=28, patch_size=14, initializer_range=0.2)
        vision = Dinov2Model(config)
    merges = learn(tokenizer, [*WORDS, "ماذا ترى؟ لا توجد صورة"], 12)  # type: ignore[arg-type]
    (folder / "tiny.merges").write_text("".join(f"{a} {b}\n" for a, b in merges), encoding="utf-8")
    language.save_pretrained(folder / "llm")
    tokenizer.save_pretrained(folder / "llm")  # type: ignore[attr-defined]
    vision.save_pretrained(folder / "vision")
    return Preset(
        name="tiny",
        about="for tests",
        llm=str(folder / "llm"),
        vision=str(folder / "vision"),
        template="chatml",
        image_size=28,
        vision_layer=-1,
        linears=LLAMA_LINEARS,
        rank=2,
        context=256,
        merges=str(folder / "tiny.merges"),
    )


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Built once a session by the code that builds every base."""
    from bimedix2.model.build import ensure_base

    parts, cache = tmp_path_factory.mktemp("parts"), tmp_path_factory.mktemp("cache")
    chosen = _tiny_parts(parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(presets.PRESETS, "tiny", chosen)
        patch.setenv("BIMEDIX2_CACHE", str(cache))
        return Tiny(chosen, ensure_base("tiny"), cache)


@pytest.fixture
def tiny(tiny_base: Tiny, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    """The tiny model under the preset names ``tiny-base`` and ``tiny``, for one test."""
    monkeypatch.setitem(presets.PRESETS, "tiny", tiny_base.preset)
    monkeypatch.setenv("BIMEDIX2_CACHE", str(tiny_base.cache))
    return tiny_base


REQUIRED = "BIMEDIX2_REQUIRE_SERVICES"
"""Set to 1 where everything must run (CI): a missing service then fails the test instead of skipping it."""


@pytest.fixture(scope="session")
def lacking() -> Callable[[str], NoReturn]:
    """Return what a fixture calls when a service is not on this machine: it skips, or fails in CI."""

    def stop(sentence: str) -> NoReturn:
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(f"{sentence} ({REQUIRED}=1)", pytrace=False)
        pytest.skip(sentence)

    return stop


@pytest.fixture(scope="session")
def chromium_path(lacking: Callable[[str], NoReturn]) -> str:
    """The Chromium that browser tests start."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return found or lacking("Chromium is not here; run: apt-get install -y chromium fonts-noto-core")


@pytest.fixture
def pretended_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every model that is loaded lies on torch's ``meta`` device, which holds shapes and no numbers.

    An operation on tensors of two devices fails, as it does on a GPU; every number that is read or copied
    from the device is 1. So it shows where tensors lie, and not what a GPU computes.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    aten = torch.ops.aten
    reads = (aten._local_scalar_dense, aten.item, aten.is_nonzero)

    class OneDevice(TorchDispatchMode):
        def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
            away = bool(tensors) and tensors[0].device.type == "meta"
            if op.overloadpacket in reads and away:
                return tensors[0].new_ones((), device="cpu").tolist()
            copies = op.overloadpacket in (aten._to_copy, aten.to, aten.copy_)
            # A number without dimensions may come from the processor, here as on a GPU.
            places = {t.device.type for t in tensors if t.dim()}
            if len(places) > 1 and not copies:
                raise AssertionError(f"{op} got tensors of several devices: {sorted(places)}")
            if copies and away:
                try:
                    return op(*args, **kwargs)
                except NotImplementedError:  # to the processor
                    return torch.ones(tensors[0].shape, dtype=kwargs.get("dtype") or tensors[0].dtype)
            return op(*args, **kwargs)

    monkeypatch.setattr("bimedix2.model.checkpoint.choose", lambda _: torch.device("meta"))
    with OneDevice(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*copying from a non-meta parameter")
        yield
