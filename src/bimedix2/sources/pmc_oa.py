"""PMC-OA: figures of PubMed Central, cut into panels, each with its part of the caption.

Published on the hub as ``axiong/pmc_oa``: ``pmc_oa.jsonl`` (captions divided by a language model) or
``pmc_oa_beta.jsonl`` (whole captions), and ``images.zip``. Fields, read from the card and from the loader
``pmc_oa.py``: ``image`` (``PMC212319_Fig3_4.jpg``), ``caption``, and in ``pmc_oa.jsonl`` ``alignment_type``
and ``alignment_score``. The loader looks for the images in ``caption_T060_filtered_top4_sep_v0_subfigures``
of the archive. The card was not seen to state a licence: unknown. Articles in the open-access subset have
their own, and not all of them allow commercial use.

With both files there, ``pmc_oa.jsonl`` is read. A row has no id: its file and line are one. The subject is
the article. Nothing is held back as published.
"""

from collections.abc import Iterator
from pathlib import Path

from bimedix2.records import DataClass, Language, Message, Record, Split
from bimedix2.records.formats import Origin
from bimedix2.records.images import ImageStore
from bimedix2.sources.pictures import Pictures, below
from bimedix2.sources.pmc_vqa import article
from bimedix2.sources.removed import Removed
from bimedix2.sources.rows import Row, each, lines, published, record

ORIGIN = Origin(
    source="pmc_oa",
    data_class=DataClass.OPEN,
    language=Language.ENGLISH,
    task="caption",
    attribution="Lin et al. 2023, PMC-OA; figures from PubMed Central",
    url="https://huggingface.co/datasets/axiong/pmc_oa",
)
FILES = {"pmc_oa.jsonl": Split.TRAIN, "pmc_oa_beta.jsonl": Split.TRAIN}
PANELS = "caption_T060_filtered_top4_sep_v0_subfigures"


def read(path: Path, store: ImageStore) -> Iterator[Record | Removed]:
    """Yield one caption record a panel.

    Raises:
        DataError: no file is there, or its first row has another layout.
    """
    pictures = Pictures(below(path, f"images/{PANELS}", PANELS, "images"), store)
    file, split = published(path, FILES, "PMC-OA")[0]

    def convert(row: Row, identity: str) -> Record:
        name, caption = row.text("image"), row.text("caption")
        return record(
            ORIGIN,
            identity,
            (Message.of("user", pictures.named(name)), Message.of("assistant", caption)),
            split=split,
            subject=article(name),
            meta={"published": row.about("alignment_type", "alignment_score")},
        )

    yield from each(ORIGIN.source, lines(file), lambda row: f"{file.stem}/{row.key}", convert)
