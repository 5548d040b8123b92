"""Where a model computes: the processor, or a CUDA GPU."""

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator

from bimedix2.errors import ModelError

if TYPE_CHECKING:
    import torch


def named(name: str) -> str:
    """Return the name of a device.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d{1,4})?", name, re.ASCII):
        raise ValueError(f"'{name}' is no device; say auto, cpu, cuda or cuda:N")
    return name


Device = Annotated[str, AfterValidator(named)]
"""``auto`` (a GPU where torch sees one), ``cpu``, ``cuda`` or ``cuda:N``."""


def choose(name: str = "auto") -> "torch.device":
    """Return the device of a name.

    Raises:
        ModelError: the name is none, or a GPU is asked for that torch does not see.
    """
    import torch

    try:
        named(name)
    except ValueError as error:
        raise ModelError(str(error)) from error
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name != "cpu" and int(name.partition(":")[2] or 0) >= torch.cuda.device_count():
        raise ModelError(
            f"device '{name}' is not here: torch {torch.__version__} sees {torch.cuda.device_count()} GPUs; "
            "use device=cpu, or install torch for your GPU's driver"
        )
    return torch.device(name)
