"""The words in which a task is asked: ``prompts.yaml``, then the input in the published form."""

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from bimedix2 import io
from bimedix2.evaluate.medhalt.load import Item
from bimedix2.records import Message


@cache
def _file() -> tuple[dict[str, Any], str]:
    """Language -> task -> ``ask`` and ``form``; and the file's hash."""
    text = files("bimedix2.evaluate.medhalt").joinpath("prompts.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text), io.sha256_bytes(text.encode())


def message(item: Item) -> Message:
    """The user's turn: what is asked, the form of the answer, ``Input:`` with a Python mapping, ``Output:``.

    No examples stand before it: the published code draws two of five for each process, without a seed.
    """
    words = _file()[0][item.language][item.task]
    return Message.of("user", f"{words['ask']}\n{words['form']}\nInput: {item.shown}\nOutput:")


def version() -> str:
    """As it stands in a signature."""
    return f"ours,0-shot:{_file()[1][:8]}"
