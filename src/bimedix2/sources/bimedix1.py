"""BiMediX v1's bilingual text set, BiMed1.3M: questions, multiple choice and conversations, no images.

The README of github.com/mbzuai-oryx/BiMediX names the set and says of it "coming soon" in every version that
was found; the paper (EMNLP 2024 Findings) says it is available there. One script on GitHub loads
``BiMediX/BiMed1.3M`` from the hub and guesses at its fields; no page of it was found. So neither the hub id
nor a field could be confirmed. The layout that is read is the one that the authors' training code takes
(Axolotl's ShareGPT, which the README thanks): files ``*.jsonl`` or ``*.json``, a row with ``conversations``
of ``from`` and ``value``, and an ``id`` if there is one. Anything else is refused with the first row's field.
The licence is BiMediX's (CC-BY-NC-SA-4.0); that it covers the set is taken from the same README.

The language is told from the answers' script. Test sets are not among the files: a folder that holds the
authors' Arabic benchmarks (``BiMediX/medqa-test_arabic`` and its like are Parquet) is not read as this set.
"""

from collections.abc import Iterator
from pathlib import Path

from bimedix2.records import DataClass, Record, Split
from bimedix2.records.formats import Origin
from bimedix2.records.images import ImageStore
from bimedix2.sources import conversations
from bimedix2.sources.pictures import Pictures
from bimedix2.sources.removed import Removed
from bimedix2.sources.rows import items_or_lines, published
from bimedix2.text.arabic import script

ORIGIN = Origin(
    source="bimedix1",
    data_class=DataClass.NON_COMMERCIAL,
    language=script,
    split=Split.TRAIN,
    licence="CC-BY-NC-SA-4.0",
    attribution="Pieri et al. 2024, BiMediX",
    url="https://github.com/mbzuai-oryx/BiMediX",
)
FILES = {"*.jsonl": Split.TRAIN, "*.json": Split.TRAIN}


def read(path: Path, store: ImageStore) -> Iterator[Record | Removed]:
    """Yield one record a row: ``conversation`` from two questions on, else ``qa``.

    Raises:
        DataError: no file is there, or the first row of one has another layout.
    """
    pictures, kind = Pictures(path, store), conversations.kind
    for file, _ in published(path, FILES, "BiMed1.3M"):
        rows, prefix = items_or_lines(file), f"{file.stem}/"
        yield from conversations.read(rows, ORIGIN, pictures, lambda _: None, kind, prefix)
