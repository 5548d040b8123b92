"""``bimedix2 serve``: the chat page and the OpenAI-compatible API."""

from typing import Annotated

import typer


def serve(
    settings: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RECIPE] [key=value ...]", help="Without a recipe: the shipped one."),
    ] = None,
) -> None:
    """Serve the chat page and an OpenAI-compatible API, for this machine alone unless told otherwise.

    Examples:

    bimedix2 serve

    bimedix2 serve port=8080 threads=2

    bimedix2 serve recipes/serve/nano.yaml host=0.0.0.0 api_key_file=key.txt
    """
    from importlib.resources import files
    from pathlib import Path

    from bimedix2 import config
    from bimedix2.engine import open_engine
    from bimedix2.serve import Config, run

    given = settings or []
    if given and (given[0].endswith((".yaml", ".yml")) or "=" not in given[0]):
        recipe, given = Path(given[0]), given[1:]
    else:
        recipe = Path(str(files("bimedix2.serve"))) / "nano.yaml"
    run(config.load(Config, recipe, given), open_engine)
