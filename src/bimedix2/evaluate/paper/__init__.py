"""The paper's tables and figures with our rows beside its own, and whether its averages recompute.

``python -m bimedix2.evaluate.paper OUT [SCORES ...]`` makes them; every number of ours comes from the
``paper.jsonl`` that an evaluation wrote.
"""

from collections.abc import Sequence
from pathlib import Path

from bimedix2 import io
from bimedix2.evaluate.paper import capabilities, check, figures, ours, tables
from bimedix2.evaluate.paper.published import load
from bimedix2.manifest import RunFolder


def write(
    folder: Path,
    rows: Sequence[ours.OurRow] = (),
    rescaling: ours.Rescaling | None = None,
    tongue: figures.Tongue = "en",
) -> int:
    """Write ``tables/`` (Markdown, CSV, LaTeX), ``figures/`` (PNG, SVG) and ``check.md``; return the tables.

    Args:
        folder: a folder in the making.
        rows: systems that were run or scored here.
        rescaling: how raw BLEU-4 and RadCliQ become the paper's starred columns.
        tongue: of the words in the figures.

    Raises:
        DataError: a row does not fit its table.
        MissingExtra: matplotlib is not installed.
    """
    published = load()
    arranged = ours.arrange(rows, published, rescaling)
    for table in published.tables:
        stem = folder / "tables" / table.id
        io.write_text(stem.with_suffix(".md"), tables.markdown(table, published, arranged))
        io.write_text(stem.with_suffix(".csv"), tables.comma_separated(table, arranged))
        io.write_text(stem.with_suffix(".tex"), tables.latex(table, published, arranged))
    io.write_text(folder / "tables" / "table-1.md", capabilities.markdown(capabilities.load()))
    figures.write(folder / "figures", published, arranged, tongue)
    io.write_text(folder / "check.md", check.report(published))
    return len(published.tables) + 1


def make(
    output: Path,
    sources: Sequence[Path] = (),
    rescaling: ours.Rescaling | None = None,
    tongue: figures.Tongue = "en",
) -> Path:
    """Make a finished folder of tables and figures from folders of scores, or files of rows.

    Raises:
        DataError: a row does not fit its table, or has no signature.
        RunError: the output exists, or a source is not finished.
    """
    rescaling = rescaling or ours.Rescaling()
    rows = ours.read(sources)
    recipe = {
        "paper": [str(source) for source in sources],
        "rescaling": {"bleu4": rescaling.bleu4, "radcliq": rescaling.radcliq},
        "figures": tongue,
    }
    inputs = {f"scores-{number}": source for number, source in enumerate(sources, 1)}
    with RunFolder(output, "evaluate", recipe, inputs) as out:
        made = write(out.path, rows, rescaling, tongue)
        return out.publish({"in": len(rows), "kept": len(rows), "removed": {}, "tables": made})
