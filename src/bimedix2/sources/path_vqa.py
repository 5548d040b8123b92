"""PathVQA: questions on pathology images of two textbooks and a digital library.

Published at github.com/UCSD-AI4H/PathVQA as pickles, which are not read here since opening one runs what it
says; on the hub as ``flaviagiammarino/path-vqa`` (MIT; "the copyrights of images and captions belong to the
publishers and authors"): ``data/{train,validation,test}-*.parquet``. Fields, read from the hub's card:
``image`` (an object of ``bytes`` and ``path``, as Hugging Face stores images), ``question``, ``answer``. That
the shards stand in ``data/`` is how the hub writes them, and was not seen for this set.

A question has no id: its file and row are one. The subject is the image, by its hash, since the files name
no patient.
"""

from collections.abc import Iterator
from pathlib import Path

from bimedix2.errors import DataError
from bimedix2.records import DataClass, ImagePart, Language, Message, Record, Split
from bimedix2.records.formats import Origin
from bimedix2.records.images import ImageStore
from bimedix2.sources.pictures import Pictures
from bimedix2.sources.removed import Removed
from bimedix2.sources.rows import Row, each, parquet, published, record

ORIGIN = Origin(
    source="path_vqa",
    data_class=DataClass.OPEN,
    language=Language.ENGLISH,
    task="vqa",
    licence="MIT",
    attribution="He et al. 2020, PathVQA; images of their publishers and authors",
    url="https://huggingface.co/datasets/flaviagiammarino/path-vqa",
)
FILES = {
    "data/train-*.parquet": Split.TRAIN,
    "data/validation-*.parquet": Split.VALIDATION,
    "data/test-*.parquet": Split.TEST,
}


def read(path: Path, store: ImageStore) -> Iterator[Record | Removed]:
    """Yield one record a question, on its published side.

    Raises:
        DataError: no file is there, or the first row of one has another layout.
    """
    yield from read_hub(published(path, FILES, "PathVQA"), ORIGIN, Pictures(path, store))


def read_hub(
    files: list[tuple[Path, Split]], origin: Origin, pictures: Pictures
) -> Iterator[Record | Removed]:
    """Yield one record a row of Parquet files with ``image``, ``question`` and ``answer``."""
    for file, split in files:
        yield from _read(file, split, origin, pictures)


def _read(file: Path, split: Split, origin: Origin, pictures: Pictures) -> Iterator[Record | Removed]:
    def convert(row: Row, identity: str) -> Record:
        question, answer = row.text("question"), row.text("answer")
        image = _image(row, identity, pictures)
        return record(
            origin,
            identity,
            (Message.of("user", image, question), Message.of("assistant", answer)),
            split=split,
            subject=f"{origin.source}:{image.image[:16]}",
        )

    def identify(row: Row) -> str:
        return f"{file.stem}/{row.key}"

    yield from each(origin.source, parquet(file), identify, convert)


def _image(row: Row, identity: str, pictures: Pictures) -> ImagePart:
    value = row.value.get("image")
    if not isinstance(value, dict) or not isinstance(value.get("bytes"), bytes):
        raise DataError(f"{row.where} has no 'image' with 'bytes'; fetch the file again as the hub has it")
    return pictures.held(value["bytes"], str(value.get("path") or identity))
