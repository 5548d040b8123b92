"""The paper's tables and figures with our rows beside its own, and whether its averages recompute.

The recipe key ``paper`` makes them (``recipes/evaluate/paper.yaml``); every number of ours comes from the
``paper.jsonl`` that an evaluation wrote.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from bimedix2 import io
from bimedix2.config import Settings
from bimedix2.evaluate.paper import capabilities, check, figures, ours, tables
from bimedix2.evaluate.paper.figures import Tongue
from bimedix2.evaluate.paper.published import load
from bimedix2.manifest import RunFolder

if TYPE_CHECKING:
    from bimedix2.evaluate import Config


class Paper(Settings):
    """Which rows stand beside the published ones, and how."""

    scores: list[Path] = []
    """Finished folders of scores, or files of rows; none gives the published numbers alone."""
    figures: Tongue = "en"
    """Language of the words in the figures."""
    bleu4: float = Field(default=10.0, gt=0)
    """BLEU-4* is this times BLEU-4, at most 1."""
    radcliq: float = Field(default=10.0, gt=0)
    """RadCliQ* is 1 minus RadCliQ-v1 over this."""


def run(config: "Config", opener: Any = None) -> Path:
    """Make the folder that a recipe's ``paper`` asks for; no model is opened.

    Raises:
        DataError: a row does not fit its table, or has no signature.
        RunError: the output exists, or a source is not finished.
    """
    del opener
    own = config.paper
    assert own is not None
    rescaling = ours.Rescaling(own.bleu4, own.radcliq)
    return make(config.output, own.scores, rescaling, own.figures, config.model_dump(mode="json"))


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
    able, stem = capabilities.load(), folder / "tables" / "table-1"
    io.write_text(stem.with_suffix(".md"), capabilities.markdown(able))
    io.write_text(stem.with_suffix(".csv"), capabilities.comma_separated(able))
    io.write_text(stem.with_suffix(".tex"), capabilities.latex(able))
    figures.write(folder / "figures", published, arranged, tongue)
    io.write_text(folder / "check.md", check.report(published))
    return len(published.tables) + 1


def make(
    output: Path,
    sources: Sequence[Path] = (),
    rescaling: ours.Rescaling | None = None,
    tongue: figures.Tongue = "en",
    recipe: dict[str, Any] | None = None,
) -> Path:
    """Make a finished folder of tables and figures from folders of scores, or files of rows.

    Args:
        output: the folder, which must not exist.
        sources: folders of scores, or files of rows.
        rescaling: how raw BLEU-4 and RadCliQ become the paper's starred columns.
        tongue: of the words in the figures.
        recipe: for the manifest; ``None`` states the other arguments.

    Raises:
        DataError: a row does not fit its table, or has no signature.
        RunError: the output exists, or a source is not finished.
    """
    rescaling = rescaling or ours.Rescaling()
    rows = ours.read(sources)
    own = Paper(scores=list(sources), figures=tongue, bleu4=rescaling.bleu4, radcliq=rescaling.radcliq)
    recipe = recipe or {"paper": own.model_dump(mode="json")}
    inputs = {f"scores-{number}": source for number, source in enumerate(sources, 1)}
    with RunFolder(output, "evaluate", recipe, inputs) as out:
        made = write(out.path, rows, rescaling, tongue)
        return out.publish({"in": len(rows), "kept": len(rows), "removed": {}, "tables": made})
