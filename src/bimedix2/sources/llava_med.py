"""LLaVA-Med: captions of PubMed Central figures for alignment, and conversations that GPT-4 wrote on them.

Published by github.com/microsoft/LLaVA-Med ("The dataset is CC BY NC 4.0"), the files behind links of its
README, laid out by its ``download_data.sh`` as ``alignment/llava_med_alignment_500k.json``,
``instruct/llava_med_instruct_60k_inline_mention.json`` (60K-IM) and ``images/``. ``path`` is that folder, or
one that holds a file and ``images/`` directly. Fields, read from the repository: ``instruct_postprocess.py``,
``remove_instructions.py`` and ``download_images.py``: ``id`` (the pair, ``17506892_F1``), ``image`` (the
same with ``.jpg``), ``conversations`` (``conversatons`` in some files) of ``from`` and ``value``, and
``domain`` (an object of true and false) in instructions. The files themselves were not at hand.

The subject is the article: what stands before the first ``_`` of the image's name is taken for its PubMed id,
from the look of the names alone.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bimedix2.records import DataClass, Language, Record, Split
from bimedix2.records.formats import Origin
from bimedix2.records.images import ImageStore
from bimedix2.sources import conversations
from bimedix2.sources.pictures import Pictures, below
from bimedix2.sources.removed import Removed
from bimedix2.sources.rows import items_or_lines, published

ALIGNMENT = Origin(
    source="llava_med_alignment",
    data_class=DataClass.NON_COMMERCIAL,
    language=Language.ENGLISH,
    task="caption",
    split=Split.TRAIN,
    licence="CC-BY-NC-4.0",
    attribution="Li et al. 2023, LLaVA-Med; figures from PubMed Central",
    url="https://github.com/microsoft/LLaVA-Med",
)
INSTRUCT = replace(ALIGNMENT, source="llava_med_instruct", task="conversation")
ARTICLE = re.compile(r"(\d+)_")


def article(record: Record) -> str | None:
    """The PubMed id in front of an image's name."""
    found = ARTICLE.match(Path(record.images[0].name).name) if record.images else None
    return f"pmid:{found[1]}" if found else None


def read_alignment(path: Path, store: ImageStore) -> Iterator[Record | Removed]:
    """Yield one caption record a pair.

    Raises:
        DataError: the file is not there, or its first row has another layout.
    """
    yield from _read(path, store, "alignment", "llava_med_alignment_500k.json", ALIGNMENT)


def read_instruct(path: Path, store: ImageStore) -> Iterator[Record | Removed]:
    """Yield one conversation a row of 60K-IM.

    Raises:
        DataError: the file is not there, or its first row has another layout.
    """
    yield from _read(path, store, "instruct", "llava_med_instruct_60k_inline_mention.json", INSTRUCT)


def _read(
    path: Path, store: ImageStore, folder: str, name: str, origin: Origin
) -> Iterator[Record | Removed]:
    files = {f"{folder}/{name}": Split.TRAIN, name: Split.TRAIN}
    file, _ = published(path, files, "LLaVA-Med")[0]
    pictures = Pictures(below(path, "images"), store)
    yield from conversations.read(items_or_lines(file), origin, pictures, article)
