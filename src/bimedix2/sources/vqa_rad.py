"""VQA-RAD: clinicians' questions on radiology images of MedPix.

Published at osf.io/89kps (CC0-1.0 on the hub's card of the copy) as ``VQA_RAD Dataset Public.json`` (a list)
beside ``VQA_RAD Image Folder``, and without most fields on the hub as ``flaviagiammarino/vqa-rad``
(``data/{train,test}-*.parquet``: ``image``, ``question``, ``answer``). Fields of the JSON, read from code on
GitHub that writes them all and from the card of ``OctoMed/VQA-RAD``, since the file itself was not at hand:
``qid``, ``phrase_type`` (``freeform``, ``para``, ``test_freeform``, ``test_para``: the published split),
``qid_linked_id``, ``image_case_url``, ``image_name``, ``image_organ``, ``evaluation``, ``question``,
``question_rephrase``, ``question_relation``, ``question_frame``, ``question_type``, ``answer`` (a number in
some rows), ``answer_type``. That ``image_case_url`` names the MedPix case is from memory.

Training and test questions share images, as published: the audit of ``dataset`` will say so. The subject is
the image, since the files do not name the patient.
"""

from collections.abc import Iterator
from pathlib import Path

from bimedix2.errors import DataError
from bimedix2.records import DataClass, Language, Message, Record, Split
from bimedix2.records.formats import Origin
from bimedix2.records.images import ImageStore
from bimedix2.sources import path_vqa
from bimedix2.sources.pictures import Pictures, below
from bimedix2.sources.removed import Removed
from bimedix2.sources.rows import Row, each, items, published, record

ORIGIN = Origin(
    source="vqa_rad",
    data_class=DataClass.OPEN,
    language=Language.ENGLISH,
    task="vqa",
    licence="CC0-1.0",
    attribution="Lau et al. 2018, VQA-RAD; images from MedPix",
    url="https://osf.io/89kps/",
)
JSON = "VQA_RAD Dataset Public.json"
FILES = {JSON: Split.NONE, "data/train-*.parquet": Split.TRAIN, "data/test-*.parquet": Split.TEST}
SIDES = {
    "freeform": Split.TRAIN,
    "para": Split.TRAIN,
    "test_freeform": Split.TEST,
    "test_para": Split.TEST,
}
ABOUT = ("phrase_type", "image_organ", "question_type", "answer_type")


def read(path: Path, store: ImageStore) -> Iterator[Record | Removed]:
    """Yield one record a question, on its published side.

    Raises:
        DataError: no file is there, or the first row of one has another layout.
    """
    files = published(path, FILES, "VQA-RAD")
    if files[0][0].name == JSON:
        yield from _read(files[0][0], Pictures(below(path, "VQA_RAD Image Folder"), store))
    else:
        yield from path_vqa.read_hub(files, ORIGIN, Pictures(path, store))


def _read(file: Path, pictures: Pictures) -> Iterator[Record | Removed]:
    def convert(row: Row, identity: str) -> Record:
        side = row.text("phrase_type")
        if side not in SIDES:
            raise DataError(f"{row.where}: 'phrase_type' is {side!r:.40}, not one of {', '.join(SIDES)}")
        question, answer, name = row.text("question"), row.text("answer"), row.text("image_name")
        return record(
            ORIGIN,
            identity,
            (Message.of("user", pictures.named(name), question), Message.of("assistant", answer)),
            split=SIDES[side],
            subject=f"vqa_rad:{Path(name).stem}",
            url=row.about("image_case_url").get("image_case_url", ""),
            meta={"published": row.about(*ABOUT)},
        )

    yield from each(ORIGIN.source, items(file), lambda row: row.text("qid"), convert)
