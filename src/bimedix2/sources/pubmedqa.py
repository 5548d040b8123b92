"""PubMedQA: abstract, question, yes / no / maybe; labelled by people (PQA-L) or by rule (PQA-A).

Published by github.com/pubmedqa/pubmedqa (MIT), layout read from ``../shared/data/pubmedqa``:
``ori_pqal.json`` (1,000 questions) maps a PubMed id to ``QUESTION``, ``CONTEXTS`` (list of paragraphs),
``LONG_ANSWER`` and ``final_decision``; ``test_ground_truth.json`` maps the 500 test ids to their answers.
PQA-A (211,269 questions on the hub) is linked from the README as ``ori_pqaa.json``; its
``preprocess/split_dataset.py`` reads the same fields and divides it into ``pqaa_train_set.json`` and
``pqaa_dev_set.json``. The hub's ``qiaojin/PubMedQA`` holds ``pqa_labeled/train-*.parquet`` and
``pqa_artificial/train-*.parquet`` with ``pubid``, ``question``, ``context``, ``long_answer`` and
``final_decision``, as its card states; that ``context`` holds ``contexts`` is read from code on GitHub.

The labelled questions are read only beside ``test_ground_truth.json``: without it test questions would train.
"""

from collections.abc import Iterator
from pathlib import Path

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.records import DataClass, Language, Message, Record, Split
from bimedix2.records.formats import Origin
from bimedix2.sources.removed import Removed, Unfit
from bimedix2.sources.rows import Row, each, members, parquet, published, record

ORIGIN = Origin(
    source="pubmedqa",
    data_class=DataClass.OPEN,
    language=Language.ENGLISH,
    task="mcq",
    licence="MIT",
    attribution="Jin et al. 2019, PubMedQA; abstracts from PubMed",
)
OPTIONS = ("yes", "no", "maybe")
TRUTH = "test_ground_truth.json"
LABELLED = frozenset({"ori_pqal.json", "pqa_labeled"})
FILES = {
    "ori_pqal.json": Split.TRAIN,
    "ori_pqaa.json": Split.TRAIN,
    "pqaa_train_set.json": Split.TRAIN,
    "pqaa_dev_set.json": Split.VALIDATION,
    "pqa_labeled/train-*.parquet": Split.TRAIN,
    "pqa_artificial/train-*.parquet": Split.TRAIN,
}


def read(path: Path) -> Iterator[Record | Removed]:
    """Yield one record a question; the published test questions are marked as such.

    Raises:
        DataError: no file is there, the first row of one has another layout, or labelled questions stand
            without ``test_ground_truth.json``.
    """
    files = published(path, FILES, "PubMedQA")
    truth: set[str] = set()
    if LABELLED & {name for file, _ in files for name in (file.name, file.parent.name)}:
        truth = _truth(path / TRUTH)
    for file, split in files:
        yield from _read(file, split, truth)


def _truth(file: Path) -> set[str]:
    if not file.is_file():
        raise DataError(f"{file} does not exist; it says which labelled questions are the test's")
    found = io.read_json(file)
    if not isinstance(found, dict):
        raise DataError(f"{file} is not PubMedQA's layout (an object by PubMed id); fetch it again")
    return set(found)


def _read(file: Path, split: Split, truth: set[str]) -> Iterator[Record | Removed]:
    hub = file.suffix == ".parquet"

    def identify(row: Row) -> str:
        return row.text("pubid") if hub else row.key

    def convert(row: Row, identity: str) -> Record:
        number = identify(row)
        context = "\n".join(_contexts(row, hub))
        question = row.text("question" if hub else "QUESTION")
        answer = row.text("final_decision")
        if answer not in OPTIONS:
            raise Unfit("unknown-answer", answer)
        long = row.value.get("long_answer" if hub else "LONG_ANSWER")
        return record(
            ORIGIN,
            identity,
            (
                Message.of("user", f"{context}\n\nQuestion: {question}\nAnswer yes, no or maybe."),
                Message.of("assistant", answer),
            ),
            split=Split.TEST if number in truth else split,
            subject=f"pmid:{number}",
            url=f"https://pubmed.ncbi.nlm.nih.gov/{number}/",
            meta={"options": list(OPTIONS), "abstract": context} | ({"long_answer": long} if long else {}),
        )

    yield from each(ORIGIN.source, parquet(file) if hub else members(file), identify, convert)


def _contexts(row: Row, hub: bool) -> list[str]:
    held = row.value.get("context") if hub else row.value
    field = "contexts" if hub else "CONTEXTS"
    found = held.get(field) if isinstance(held, dict) else None
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise DataError(f"{row.where} has no '{field}' that is a list of texts; fetch the file again")
    return found
