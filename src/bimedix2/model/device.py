"""Where a model computes: the processor, or a CUDA GPU."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from bimedix2.errors import ModelError

if TYPE_CHECKING:
    import torch

Device = Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")]
"""``auto`` (a GPU where torch sees one), ``cpu``, ``cuda`` or ``cuda:N``."""


def choose(name: str = "auto") -> "torch.device":
    """Return the device of a name.

    Raises:
        ModelError: a GPU is asked for that torch does not see.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ModelError(
            f"device '{name}' is not here: torch {torch.__version__} sees {torch.cuda.device_count()} GPUs; "
            "use device=cpu, or install torch for your GPU's driver"
        )
    return device
