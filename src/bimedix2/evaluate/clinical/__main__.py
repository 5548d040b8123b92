"""Write the local files: ``python -m bimedix2.evaluate.clinical --from DIR --to DIR``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from bimedix2 import io
from bimedix2.errors import BiMediX2Error, DataError
from bimedix2.evaluate.clinical.catalogue import tasks
from bimedix2.evaluate.clinical.convert import BENCHMARKS, Left, Question
from bimedix2.manifest import RunFolder


def convert(source: Path, target: Path) -> dict[str, int]:
    """Convert every benchmark that is there; return file name -> number of questions.

    Args:
        source: a folder with one folder a benchmark.
        target: the folder to write, finished with a manifest.

    Raises:
        DataError: none is there, or a file is not as it is published.
        RunError: the target exists.
    """
    here = [name for name in BENCHMARKS if (source / name).is_dir()]
    if not here:
        raise DataError(
            f"{source} has none of the folders {', '.join(BENCHMARKS)}; name your copies like that"
        )
    with RunFolder(target, "evaluate", {"from": here}, {name: source / name for name in here}) as out:
        rows: dict[str, list[dict[str, object]]] = {}
        removed: list[Left] = []
        for name in here:
            for one in BENCHMARKS[name](source / name):
                if isinstance(one, Question):
                    rows.setdefault(one.file, []).append(one.row)
                else:
                    removed.append(one)
        for file, mine in rows.items():
            io.write_jsonl(out.path / file, mine)
        io.write_jsonl(out.path / "removed.jsonl", [vars(one) for one in removed])
        reasons = {
            reason: sum(one.reason == reason for one in removed) for reason in {r.reason for r in removed}
        }
        kept = sum(len(mine) for mine in rows.values())
        out.publish({"in": kept + len(removed), "kept": kept, "removed": reasons})
    return {file: len(mine) for file, mine in rows.items()}


def main(
    source: Annotated[Path, typer.Option("--from", help="Your copies, one folder a benchmark.")],
    target: Annotated[Path, typer.Option("--to", help="The folder to write; it must not exist.")],
) -> None:
    """Write the clinical benchmarks as local files in the harness's layout."""
    published = {task.files["test"]: task.published for task in tasks().values()}
    try:
        counts = convert(source, target)
    except BiMediX2Error as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    for file, count in sorted(counts.items()):
        known = published.get(file)
        print(f"{file}: {count}" + (f" ({known} are published)" if known not in (None, 0, count) else ""))
    absent = [name for name in BENCHMARKS if not (source / name).is_dir()]
    if absent:
        print(f"not there: {', '.join(absent)}")


if __name__ == "__main__":
    typer.run(main)
