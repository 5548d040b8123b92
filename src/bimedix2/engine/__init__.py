"""The embedded engine: answers of a local checkpoint, on this machine.

Knows nothing about rooms, HTTP or where a conversation came from.
"""

from bimedix2.llm.backend import StreamingBackend


def open_engine(model: str, threads: int | None = None) -> StreamingBackend:
    """Load a model (a preset, a checkpoint folder or a Hugging Face folder) and return it as a backend.

    Args:
        model: see ``bimedix2.model.checkpoint.describe``.
        threads: torch threads; ``None`` leaves torch's choice. Two threads on a machine whose second core is
            busy are slower than one.

    Raises:
        ModelError: no such model.
        MissingExtra: torch or transformers is not installed.
    """
    from bimedix2.engine.local import Engine
    from bimedix2.model.checkpoint import load

    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    return Engine(load(model))
