"""MedQA (USMLE): questions of the United States medical licensing examination, with 5 or with 4 options.

Published by github.com/jind11/MedQA (MIT) as an archive, ``questions/US/{train,dev,test}.jsonl`` (5 options)
and ``questions/US/4_options/phrases_no_exclude_{train,dev,test}.jsonl`` (4 options); the latter's train and
test files are also on the hub as ``GBaker/MedQA-USMLE-4-options`` (which says CC-BY-4.0). Fields, read from
the features of ``augtoma/medqa_usmle`` on the hub and from loaders on GitHub, since the archive itself was
not at hand: ``question``, ``options`` (an object of letter -> text), ``answer`` (the text), ``answer_idx``
(its letter), ``meta_info`` (the step of the examination), and ``metamap_phrases`` with 4 options.

``path`` is the folder of one of the two versions. A question has no id: its file and line are one.
"""

from collections.abc import Iterator
from pathlib import Path
from string import ascii_uppercase

from bimedix2.errors import DataError
from bimedix2.records import DataClass, Language, Record, Split
from bimedix2.records.formats import Origin
from bimedix2.sources import mcq
from bimedix2.sources.removed import Removed, Unfit
from bimedix2.sources.rows import Row, each, lines, published, record

ORIGIN = Origin(
    source="medqa",
    data_class=DataClass.OPEN,
    language=Language.ENGLISH,
    task="mcq",
    licence="MIT",
    attribution="Jin et al. 2020, MedQA",
    url="https://github.com/jind11/MedQA",
)
FILES = {
    "train.jsonl": Split.TRAIN,
    "dev.jsonl": Split.VALIDATION,
    "test.jsonl": Split.TEST,
    "phrases_no_exclude_train.jsonl": Split.TRAIN,
    "phrases_no_exclude_dev.jsonl": Split.VALIDATION,
    "phrases_no_exclude_test.jsonl": Split.TEST,
}


def read(path: Path) -> Iterator[Record | Removed]:
    """Yield one record a question, on its published side.

    Raises:
        DataError: no file is there, or the first row of one has another layout.
    """
    for file, split in published(path, FILES, "MedQA"):
        yield from _read(file, split)


def _read(file: Path, split: Split) -> Iterator[Record | Removed]:
    def convert(row: Row, identity: str) -> Record:
        options = _options(row)
        letter, answer = row.text("answer_idx"), row.text("answer")
        messages, meta = mcq.turns(row.text("question"), list(options.values()), letter)
        if options[letter] != answer:
            raise Unfit("unknown-answer", f"'answer' is {answer!r:.60}, not what stands at {letter}")
        return record(ORIGIN, identity, messages, split=split, meta=meta | row.about("meta_info"))

    yield from each(ORIGIN.source, lines(file), lambda row: f"{file.stem}/{row.key}", convert)


def _options(row: Row) -> dict[str, str]:
    """The options in the order of their letters."""
    options = row.value.get("options")
    if isinstance(options, dict) and options and all(isinstance(text, str) for text in options.values()):
        letters = ascii_uppercase[: len(options)]
        if sorted(options) == list(letters):
            return {letter: options[letter].strip() for letter in letters}
    raise DataError(f"{row.where}: 'options' must be texts under the letters from A on; correct that row")
