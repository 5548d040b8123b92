"""The embedded engine: answers of a local checkpoint, on this machine.

Knows nothing about rooms, HTTP or where a conversation came from.
"""

from typing import Literal

from bimedix2.errors import MissingExtra
from bimedix2.llm.backend import StreamingBackend

Dtype = Literal["float32", "bfloat16"]


def open_engine(
    model: str, threads: int | None = None, dtype: Dtype = "float32", device: str = "auto"
) -> StreamingBackend:
    """Load a model (a preset, a checkpoint folder or a Hugging Face folder) and return it as a backend.

    Args:
        model: see ``bimedix2.model.checkpoint.describe``.
        threads: torch threads; ``None`` leaves torch's choice. Two threads on a machine whose second core is
            busy are slower than one.
        dtype: what the language model computes in. ``bfloat16`` reads prompts faster and takes half
            the memory where the processor multiplies it (AVX512-BF16, AMX), and is slower elsewhere.
        device: ``auto`` (a GPU where torch sees one), ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        ModelError: no such model, or no such device.
        MissingExtra: torch or transformers is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtra("torch", "model") from error
    from bimedix2.engine.local import Engine
    from bimedix2.model.checkpoint import load

    if threads is not None:
        torch.set_num_threads(threads)
    return Engine(load(model, dtype=getattr(torch, dtype), device=device))
