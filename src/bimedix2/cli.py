"""The command table. Rooms are imported when called and verbs are light: ``--help`` imports no torch."""

import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.text import Text

from bimedix2 import __version__
from bimedix2.errors import BiMediX2Error
from bimedix2.verbs.ask import ask
from bimedix2.verbs.chat import chat
from bimedix2.verbs.check import app as check
from bimedix2.verbs.demo import demo
from bimedix2.verbs.models import models
from bimedix2.verbs.replay import replay
from bimedix2.verbs.score import score
from bimedix2.verbs.serve import serve

ROOMS: dict[str, str] = {
    "sources": "Read published data, or a folder of images, into records.",
    "curate": "Clean and rewrite records, and write the bilingual instruction set from annotated images.",
    "translate": "Translate records between English and Arabic, each checked, rated and corrected.",
    "dataset": "Split records by subject, mix them, and write a dataset.",
    "train": "Train one stage: align (projector) or instruct (adapter and projector).",
    "evaluate": "Score a model on held-out records, every answer on disk.",
}
"""Batch rooms: ``bimedix2 ROOM RECIPE.yaml [key=value ...]``; each has a ``Config`` and a ``run``."""

LIVE: dict[str, str] = {
    "review": "Have people judge translations and answers on web pages, blind; settle what they differ on.",
}
"""Live rooms: ``bimedix2 ROOM open|serve|close RECIPE.yaml [key=value ...]``; each has ``VERBS``."""

VERBS: tuple[Callable[..., None], ...] = (ask, chat, serve, models, score, replay, demo)
"""What a person does with a model; a verb's name is its function's."""

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="BiMediX2: a bilingual (Arabic-English) medical multimodal language model. Research only, no "
    "medical advice.",
)


def _version(show: bool) -> None:
    if show:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Options that stand before a command."""


def run_room(room: str, recipe: Path, overrides: Sequence[str]) -> Path:
    """Load a room's recipe, run it, and return the finished folder."""
    from bimedix2 import config

    module: Any = import_module(f"bimedix2.{room}")
    settings = config.load(module.Config, recipe, overrides)
    done: Path = module.run(settings)
    return done


def _room_command(room: str, summary: str) -> None:
    recipe = "local" if room == "translate" else "nano"
    example = f"\n\nExample: bimedix2 {room} recipes/{room}/{recipe}.yaml key=value"

    def command(
        recipe: Annotated[Path, typer.Argument(help="A recipe of this room, as recipes/ has them.")],
        overrides: Annotated[list[str] | None, typer.Argument(help="key=value, over the recipe.")] = None,
    ) -> None:
        typer.echo(run_room(room, recipe, overrides or []))

    app.command(name=room, help=summary + example)(command)


def _live_command(room: str, summary: str) -> None:
    example = f"\n\nExample: bimedix2 {room} serve recipes/{room}/nano.yaml key=value"

    def command(
        verb: Annotated[
            Literal["open", "serve", "close"], typer.Argument(help="Import, run the pages, export.")
        ],
        recipe: Annotated[Path, typer.Argument(help="A recipe of this room, as recipes/ has them.")],
        overrides: Annotated[list[str] | None, typer.Argument(help="key=value, over the recipe.")] = None,
    ) -> None:
        from bimedix2 import config

        module: Any = import_module(f"bimedix2.{room}")
        done = module.VERBS[verb](config.load(module.Config, recipe, overrides or []))
        if done is not None:
            typer.echo(done)

    app.command(name=room, help=summary + example)(command)


for _room, _summary in ROOMS.items():
    _room_command(_room, _summary)
for _room, _summary in LIVE.items():
    _live_command(_room, _summary)
for _verb in VERBS:
    app.command()(_verb)
app.add_typer(check, name="check")


def main() -> None:
    """Run the command line; a user's error is one line and exit code 2."""
    # Arabic in and out, whatever the locale says; names of files that are no UTF-8 stop no output.
    streams = ((sys.stdin, "strict"), (sys.stdout, "surrogateescape"), (sys.stderr, "backslashreplace"))
    for stream, errors in streams:
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)
    if not sys.warnoptions:
        warnings.simplefilter("ignore", FutureWarning)  # of libraries, for those who build on them
    try:
        app()
    except BiMediX2Error as error:
        said = Text.assemble(("error:", "bold red"), f" {error}")  # as it stands: no markup is read in it
        Console(stderr=True, soft_wrap=True).print(said, highlight=False)
        sys.exit(2)
