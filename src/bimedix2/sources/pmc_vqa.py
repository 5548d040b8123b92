"""PMC-VQA: multiple-choice questions that a language model wrote on figures of PubMed Central.

Published on the hub as ``RadGenome/PMC-VQA`` (before: ``xmcmic/PMC-VQA``; "under CC BY-SA licenses", figures
CC0 or CC BY): ``train.csv`` and ``test.csv`` with ``images.zip`` (version 1), ``train_2.csv`` and
``test_2.csv`` with ``images_2.zip`` (version 2: figures of one panel). ``test_clean.csv``, a part of
``test.csv``, is not read. Columns, read from the hub's card: ``Figure_path`` (``PMC1064097_F1.jpg``),
``Question``, ``Answer`` (``Anwser`` in older files), ``Choice A`` to ``Choice D`` (``B:Focal uptake``), and
``Answer_label`` (the letter). Version 2 has ``Caption``, and no label: its ``Answer`` is the letter. That is
read from loaders on GitHub, as are the folders that its archive unpacks to (``figures``,
``images_2/figures``).

A question has no id: its file and row are one. The subject is the article.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from bimedix2.records import DataClass, Language, Record, Split
from bimedix2.records.formats import Origin
from bimedix2.records.images import ImageStore
from bimedix2.sources import mcq
from bimedix2.sources.pictures import Pictures, below
from bimedix2.sources.removed import Removed
from bimedix2.sources.rows import Row, each, published, record, table

ORIGIN = Origin(
    source="pmc_vqa",
    data_class=DataClass.OPEN,
    language=Language.ENGLISH,
    task="mcq",
    licence="CC-BY-SA (the card names no version)",
    attribution="Zhang et al. 2023, PMC-VQA; figures from PubMed Central",
    url="https://huggingface.co/datasets/RadGenome/PMC-VQA",
)
FILES = {
    "train.csv": Split.TRAIN,
    "test.csv": Split.TEST,
    "train_2.csv": Split.TRAIN,
    "test_2.csv": Split.TEST,
}
ARTICLE = re.compile(r"(PMC\d+)_")


def article(name: str) -> str | None:
    """The subject of a figure that is called after its article, such as ``PMC1064097_F1.jpg``."""
    found = ARTICLE.match(Path(name).name)
    return f"pmc:{found[1]}" if found else None


def read(path: Path, store: ImageStore) -> Iterator[Record | Removed]:
    """Yield one record a question, on its published side.

    Raises:
        DataError: no file is there, or the first row of one has another layout.
    """
    folders = {
        1: Pictures(below(path, "images"), store),
        2: Pictures(below(path, "figures", "images_2/figures", "images_2"), store),
    }
    for file, split in published(path, FILES, "PMC-VQA"):
        yield from _read(file, split, folders[2 if file.stem.endswith("_2") else 1])


def _read(file: Path, split: Split, pictures: Pictures) -> Iterator[Record | Removed]:
    def convert(row: Row, identity: str) -> Record:
        choices = [mcq.without_letter(row.text(f"Choice {letter}")) for letter in "ABCD"]
        answer = row.text("Answer_label" if "Answer_label" in row.value else "Answer")
        question, name = row.text("Question"), row.text("Figure_path")
        messages, meta = mcq.turns(question, choices, answer, pictures.named(name))
        subject = article(name)
        return record(
            ORIGIN, identity, messages, split=split, subject=subject, meta=meta | row.about("Caption")
        )

    yield from each(ORIGIN.source, table(file), lambda row: f"{file.stem}/{row.key}", convert)
