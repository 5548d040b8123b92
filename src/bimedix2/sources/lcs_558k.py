"""LCS-558K, the alignment set of LLaVA-1.5: everyday images of LAION, CC and SBU with short captions.

Published on the hub as ``liuhaotian/LLaVA-Pretrain``: ``blip_laion_cc_sbu_558k.json`` and ``images.zip``
(unpacked to ``images/00453/004539375.jpg``). Fields, read from a sample row that several loaders on GitHub
quote: ``id``, ``image``, ``conversations`` of ``from`` and ``value``. Its card says "license: other": that of
CC-3M and BLIP; and of the images, that they "should not be used for any other purpose" than reproducing the
work in research, so the data class is non-commercial.

Not medical: the source of the baseline in the paper's Table 9. The image is the subject.
"""

from collections.abc import Iterator
from pathlib import Path

from bimedix2.records import DataClass, Language, Record, Split
from bimedix2.records.formats import Origin
from bimedix2.records.images import ImageStore
from bimedix2.sources import conversations
from bimedix2.sources.pictures import Pictures, below
from bimedix2.sources.removed import Removed
from bimedix2.sources.rows import items_or_lines, published

ORIGIN = Origin(
    source="lcs_558k",
    data_class=DataClass.NON_COMMERCIAL,
    language=Language.ENGLISH,
    task="caption",
    split=Split.TRAIN,
    licence="other (CC-3M and BLIP; images as LAION, CC and SBU state)",
    attribution="Liu et al. 2023, LLaVA; images of LAION, CC-3M and SBU",
    url="https://huggingface.co/datasets/liuhaotian/LLaVA-Pretrain",
)
FILES = {"blip_laion_cc_sbu_558k.json": Split.TRAIN}


def read(path: Path, store: ImageStore) -> Iterator[Record | Removed]:
    """Yield one caption record a pair.

    Raises:
        DataError: the file is not there, or its first row has another layout.
    """
    file, _ = published(path, FILES, "LLaVA-Pretrain")[0]
    pictures = Pictures(below(path, "images"), store)
    yield from conversations.read(items_or_lines(file), ORIGIN, pictures, _image)


def _image(record: Record) -> str | None:
    return f"lcs_558k:{record.images[0].name}" if record.images else None
