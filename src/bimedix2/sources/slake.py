"""SLAKE 1.0: questions on CT, MRI and X-ray images, in English and in Chinese.

Published on the hub as ``BoKelvin/SLAKE`` (CC-BY-4.0): ``train.json``, ``validation.json`` (``validate.json``
in the authors' archive), ``test.json`` and ``imgs.zip`` (unpacked: ``imgs/xmlab1/source.jpg``). Layout read
from ``../shared/data/slake_qa_en``, the files of github.com/xiaoman-zhang/PMC-VQA under ``Slake1.0/``; fields
of a row: ``qid``, ``img_id``, ``img_name``, ``question``, ``answer``, ``q_lang`` (``en`` or ``zh``),
``location``, ``modality``, ``answer_type``, ``base_type`` (``vqa``, or ``kvqa`` for knowledge),
``content_type``, ``triple``.

A record's language is English, Arabic or both, so a Chinese question is removed and counted (``chinese``).
The 9,835 of the paper's Table 12 are the training questions of both languages; 4,919 of them are English.
"""

from collections.abc import Iterator
from pathlib import Path

from bimedix2.errors import DataError
from bimedix2.records import DataClass, Language, Message, Record, Split
from bimedix2.records.formats import Origin
from bimedix2.records.images import ImageStore
from bimedix2.sources.pictures import Pictures, below
from bimedix2.sources.removed import Removed, Unfit
from bimedix2.sources.rows import Row, each, items, published, record

ORIGIN = Origin(
    source="slake",
    data_class=DataClass.OPEN,
    language=Language.ENGLISH,
    task="vqa",
    licence="CC-BY-4.0",
    attribution="Liu et al. 2021, SLAKE",
    url="https://huggingface.co/datasets/BoKelvin/SLAKE",
)
FILES = {
    "train.json": Split.TRAIN,
    "validate.json": Split.VALIDATION,
    "validation.json": Split.VALIDATION,
    "test.json": Split.TEST,
}
ABOUT = ("q_lang", "location", "modality", "answer_type", "base_type", "content_type")


def read(path: Path, store: ImageStore) -> Iterator[Record | Removed]:
    """Yield one record an English question, on its published side.

    Raises:
        DataError: no file is there, or the first row of one has another layout.
    """
    pictures = Pictures(below(path, "imgs"), store)
    for file, split in published(path, FILES, "SLAKE"):
        yield from _read(file, split, pictures)


def _read(file: Path, split: Split, pictures: Pictures) -> Iterator[Record | Removed]:
    def convert(row: Row, identity: str) -> Record:
        language = row.text("q_lang")
        if language == "zh":
            raise Unfit("chinese", row.text("question"))
        if language != "en":
            raise DataError(f"{row.where}: 'q_lang' is {language!r:.20}, neither en nor zh; correct that row")
        question, answer, name = row.text("question"), row.text("answer"), row.text("img_name")
        subject = f"slake:{row.text('img_id')}"
        return record(
            ORIGIN,
            identity,
            (Message.of("user", pictures.named(name), question), Message.of("assistant", answer)),
            split=split,
            subject=subject,
            meta={"published": row.about(*ABOUT)},
        )

    yield from each(ORIGIN.source, items(file), lambda row: row.text("qid"), convert)
