"""``bimedix2 check dataset``: what is wrong with a LLaVA, ShareGPT or messages file, and a mended copy."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from bimedix2.dataset.check import Result


def dataset(
    file: Annotated[Path, typer.Argument(help="A JSON list or JSON Lines of conversations.")],
    fix: Annotated[
        bool, typer.Option("--fix", help="Write a mended copy and a report beside the file, never over it.")
    ] = False,
    form: Annotated[
        str | None, typer.Option("--format", help="llava, sharegpt or messages; told by the rows otherwise.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="The folder that the rows' images are below; looks for each file.")
    ] = None,
    shown: Annotated[int, typer.Option(min=0, help="At most so many problems are printed.")] = 50,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all problems, a JSON object a line.")
    ] = False,
) -> None:
    """Check a dataset's file: images and their places, roles, turns, ids, encoding, invisible characters.

    Ends with 1 if something is wrong that was not mended.

    Example: bimedix2 check dataset llava.json --fix
    """
    from bimedix2.dataset.check import check

    result = check(file, form, images, fix)
    if as_json:
        for problem in result.problems:
            print(json.dumps({"file": str(file), **asdict(problem)}, ensure_ascii=False))
    else:
        _print(file, result, shown)
    wrong = result.left_out if result.written else len(result.problems)
    if wrong:
        raise typer.Exit(1)


def _print(file: Path, result: "Result", shown: int) -> None:
    console = Console(file=sys.stdout, soft_wrap=True, highlight=False, markup=False)
    for problem in result.problems[:shown]:
        done = problem.mended or "left out: mend it by hand"
        if not result.written:
            done = f"--fix: {done}" if problem.mended else "mend it by hand"
        console.print(f"{problem.where(file)}: {problem.name}: {problem.what} ({done})")
    if len(result.problems) > shown:
        console.print(f"... and {len(result.problems) - shown} more problems; --shown prints more")
    console.print(f"{result.rows} rows read as {result.form}, {result.left_out} of them cannot be mended")
    for name, count in result.counts().items():
        console.print(f"    {count:>8}  {name}")
    for path in result.written:
        console.print(f"written: {path}")
    if result.problems and not result.written:
        console.print("--fix writes a mended copy beside the file")
