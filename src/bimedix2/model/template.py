"""The chat template that is saved with a checkpoint: one shape, spelled in each family's markers."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

Family = Literal["chatml", "llama3", "phi3"]


@dataclass(frozen=True)
class Markers:
    """How a family writes a turn: ``open`` role ``head`` words ``close`` ``gap``."""

    open: str
    head: str
    close: str
    gap: str
    bos: str = "''"


FAMILIES: dict[Family, Markers] = {
    "chatml": Markers("<|im_start|>", "\\n", "<|im_end|>", "\\n"),
    "llama3": Markers("<|start_header_id|>", "<|end_header_id|>\\n\\n", "<|eot_id|>", "", "bos_token"),
    "phi3": Markers("<|", "|>\\n", "<|end|>", "\\n"),
}
"""Markers as the families' own published templates have them."""


def chat_template(family: Family, system: str) -> str:
    """Return the Jinja template: images first in their turn, words stripped, assistant words marked.

    Args:
        family: whose markers.
        system: the words of the system turn where a conversation brings none.
    """
    shape = files("bimedix2.model").joinpath("template.jinja").read_text(encoding="utf-8")
    markers = FAMILIES[family]
    shape = shape.replace("BOS", markers.bos).replace("OPEN", markers.open).replace("HEAD", markers.head)
    shape = shape.replace("CLOSE", markers.close).replace("GAP", markers.gap)
    return shape.replace("SYSTEM", system.replace("'", "\\'"))
