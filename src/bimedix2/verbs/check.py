"""``bimedix2 check``: files of anybody's, checked. One module a subcommand."""

import typer

from bimedix2.verbs.check_translation import translation

app = typer.Typer(
    no_args_is_help=True,
    help="Check files of your own: translations.\n\nExample: bimedix2 check translation PAIRS.jsonl",
)
app.command()(translation)


@app.callback()
def _group() -> None:
    """Without this a single subcommand would stand for the group."""
