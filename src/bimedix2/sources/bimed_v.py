"""BiMed-V, the training set of BiMediX2 as its authors published it.

On the hub as ``MBZUAI/BiMed-V-1.6M``: ``BiMed-V_stage1.json`` and ``BiMed-V_stage2.json``. The authors'
script (github.com/mbzuai-oryx/BiMediX2, ``scripts/download_pmc_images.py``) reads both as JSON Lines, as is
done here; a JSON list is read too. It uses the fields ``id`` (the pair and a number, ``17506892_F1_0``)
and ``image`` (below ``images/``: PubMed Central figures, and from a second script ``xmlab1_source.jpg`` of
SLAKE, ``synpic*.jpg`` of VQA-RAD and ``path-vqa_1.jpg`` of PathVQA). LLaVA's trainer, which they use, takes
``conversations`` of ``from`` and ``value``; that was not seen in the files. Nor was it seen how rows without
an image are written: ``image`` may be absent, null or empty. The licence is that of the repository
(CC-BY-NC-SA-4.0); the hub's card was not at hand.

No row names the component of the paper's Table 12 that it belongs to. The language is told from the answers'
script. PubMed Central figures get the same subject as in LLaVA-Med, SLAKE and VQA-RAD images as there;
PathVQA's are renumbered, so theirs is unknown.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bimedix2.records import DataClass, Record, Split
from bimedix2.records.formats import Origin
from bimedix2.records.images import ImageStore
from bimedix2.sources import conversations, llava_med
from bimedix2.sources.pictures import Pictures, below
from bimedix2.sources.removed import Removed
from bimedix2.sources.rows import items_or_lines, published
from bimedix2.text.arabic import script

ORIGIN = Origin(
    source="bimed_v",
    data_class=DataClass.NON_COMMERCIAL,
    language=script,
    task="caption",
    split=Split.TRAIN,
    licence="CC-BY-NC-SA-4.0",
    attribution="Mullappilly et al. 2024, BiMediX2",
    url="https://huggingface.co/datasets/MBZUAI/BiMed-V-1.6M",
)
FILES = {"BiMed-V_stage1.json": Split.TRAIN, "BiMed-V_stage2.json": Split.TRAIN}
SLAKE = re.compile(r"xmlab(\d+)_")
VQA_RAD = re.compile(r"(synpic\d+)\.")


def read(path: Path, store: ImageStore) -> Iterator[Record | Removed]:
    """Yield one record a row: captions of stage 1; ``vqa``, ``qa`` or ``conversation`` of stage 2.

    Raises:
        DataError: neither file is there, or the first row of one has another layout.
    """
    pictures = Pictures(below(path, "images"), store)
    for file, _ in published(path, FILES, "BiMed-V"):
        stage = file.stem.rpartition("_")[2]
        origin = replace(ORIGIN, source=f"bimed_v_{stage}")
        task = conversations.kind if stage == "stage2" else lambda record: record.task
        yield from conversations.read(items_or_lines(file), origin, pictures, subject, task)


def subject(record: Record) -> str | None:
    """The subject that the image has in the dataset that it came from."""
    name = Path(record.images[0].name).name if record.images else ""
    if found := SLAKE.match(name):
        return f"slake:{found[1]}"
    if found := VQA_RAD.match(name):
        return f"vqa_rad:{found[1]}"
    return llava_med.article(record)
