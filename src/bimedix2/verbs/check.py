"""``bimedix2 check``: files of anybody's, checked. One module a subcommand."""

import typer

from bimedix2.verbs.check_dataset import dataset
from bimedix2.verbs.check_translation import translation

app = typer.Typer(
    no_args_is_help=True,
    help="Check files of your own: translations, datasets.\n\nExample: bimedix2 check dataset FILE.json",
)
app.command()(translation)
app.command()(dataset)


@app.callback()
def _group() -> None:
    """Without this a single subcommand would stand for the group."""
