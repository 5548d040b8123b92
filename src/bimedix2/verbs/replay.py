"""``bimedix2 replay``: a finished folder's tables from its own logs, compared to the last digit."""

from pathlib import Path
from typing import Annotated

import typer


def replay(
    folder: Annotated[Path, typer.Argument(help="A finished folder of scores.")],
) -> None:
    """Compute every table of finished scores again from their logs, and compare to the last digit.

    Needs no model, no judge and no network. Where a number differs, the first one is named and the exit code
    is 2.

    Example: bimedix2 replay runs/nano/scores
    """
    from bimedix2 import evaluate

    same = evaluate.replay(folder)
    print(f"{folder}: recomputed from its logs, the same to the last digit: {', '.join(same)}")
