"""MedMCQA: questions of Indian medical entrance examinations, four options each.

Published by github.com/medmcqa/medmcqa (Apache-2.0) as an archive of ``train.json``, ``dev.json`` and
``test.json``, which hold JSON Lines (so says the loader of github.com/stanford-crfm/helm's MedMCQA scenario),
and on the hub as ``openlifescienceai/medmcqa``: ``data/{train,validation,test}-*.parquet``. Fields, read from
the repository's README and the hub's card: ``id``, ``question``, ``opa`` to ``opd``, ``cop`` (the right one:
1 to 4 in the JSON files, 0 to 3 in Parquet), ``choice_type``, ``exp`` (an explanation, may be null),
``subject_name``, ``topic_name`` (may be null).

The answers of the test file are not published (no ``cop``, or -1): its questions are removed. Papers score on
the validation file, which stays ``validation`` here, as it is published.
"""

from collections.abc import Iterator
from pathlib import Path

from bimedix2.errors import DataError
from bimedix2.records import DataClass, Language, Record, Split
from bimedix2.records.formats import Origin
from bimedix2.sources import mcq
from bimedix2.sources.removed import Removed, Unfit
from bimedix2.sources.rows import Row, each, lines, parquet, published, record

ORIGIN = Origin(
    source="medmcqa",
    data_class=DataClass.OPEN,
    language=Language.ENGLISH,
    task="mcq",
    licence="Apache-2.0",
    attribution="Pal et al. 2022, MedMCQA",
    url="https://huggingface.co/datasets/openlifescienceai/medmcqa",
)
FILES = {
    "train.json": Split.TRAIN,
    "dev.json": Split.VALIDATION,
    "test.json": Split.TEST,
    "data/train-*.parquet": Split.TRAIN,
    "data/validation-*.parquet": Split.VALIDATION,
    "data/test-*.parquet": Split.TEST,
}
OPTIONS = ("opa", "opb", "opc", "opd")


def read(path: Path) -> Iterator[Record | Removed]:
    """Yield one record a question whose answer is published, on its published side.

    Raises:
        DataError: no file is there, or the first row of one has another layout.
    """
    for file, split in published(path, FILES, "MedMCQA"):
        yield from _read(file, split)


def _read(file: Path, split: Split) -> Iterator[Record | Removed]:
    first = 0 if file.suffix == ".parquet" else 1

    def convert(row: Row, identity: str) -> Record:
        question, options = row.text("question"), [row.text(field) for field in OPTIONS]
        right = row.value.get("cop")
        if right is None or right == -1:
            raise Unfit("no-answer", "published without its answer")
        if type(right) is not int or not first <= right < first + len(OPTIONS):
            raise DataError(f"{row.where}: 'cop' is {right!r:.20}, which is no option; correct that row")
        messages, meta = mcq.turns(question, options, "ABCD"[right - first])
        about = row.about("exp", "choice_type", "subject_name", "topic_name")
        return record(ORIGIN, identity, messages, split=split, meta=meta | about)

    rows = parquet(file) if file.suffix == ".parquet" else lines(file)
    yield from each(ORIGIN.source, rows, lambda row: row.text("id"), convert)
