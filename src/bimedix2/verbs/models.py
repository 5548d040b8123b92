"""``bimedix2 models``: what the presets are made of, and what of them is on this machine."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from bimedix2.model.presets import Preset, Wheel


def models() -> None:
    """List the presets: what each is made of, under which licences, and what of it is here already.

    Example: bimedix2 models
    """
    from bimedix2.model.presets import PRESETS

    console = Console(file=sys.stdout, soft_wrap=True, highlight=False, markup=False)
    for preset in PRESETS.values():
        console.print(f"{preset.name}  {preset.about}", style="bold")
        for key, value in rows(preset).items():
            console.print(f"    {key:<15}{value}")
    console.print("A checkpoint's folder is a model too: --model FOLDER. NAME-base is a preset's base alone.")


def rows(preset: "Preset") -> dict[str, str]:
    """What is said of one preset."""
    from bimedix2.model.build import base_folder
    from bimedix2.model.checkpoint import shipped

    base = base_folder(preset.name)
    trained = shipped(preset.name)
    return {
        "language model": _origin(preset.llm),
        "vision tower": _origin(preset.vision),
        "picture": f"{preset.image_size} x {preset.image_size} px",
        "context": f"{preset.context} tokens",
        "base": f"cached, {_size(base)}: {base}" if base.is_dir() else "not here; built on first use",
        "trained part": f"shipped, {_size(trained)}" if trained else "not shipped; train it (recipes/train)",
    }


def _origin(source: "str | Wheel") -> str:
    if isinstance(source, str):
        return f"{source} (model hub or a local folder; licence on its page there)"
    return f"{Path(source.member).name} in the package {source.requirement} ({source.licence})"


def _size(folder: Path) -> str:
    total = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return f"{total / 1e6:.0f} MB"
