"""Questions on held-out pictures (and the ones without a picture), in held-out wordings, both languages."""

from collections.abc import Sequence

from bimedix2.errors import DataError
from bimedix2.evaluate.ask import answers
from bimedix2.evaluate.grade import Expected, Grade, check, grade
from bimedix2.evaluate.lexicon import Lexicon
from bimedix2.evaluate.task import AS_IT_IS, Raw, Sample, Task
from bimedix2.records import Record

NEEDED = ("type", "form", "answer_language", "expect", "verdict")
"""Keys of ``meta`` that make a record a question of this task."""


def questions(records: Sequence[Record]) -> list[Record]:
    """The records that are questions of the instruction set."""
    return [record for record in records if all(key in record.meta for key in NEEDED)]


def expected(record: Record) -> Expected:
    """What the last answer of a record must say.

    Raises:
        DataError: the grader cannot judge it.
    """
    meta = record.meta
    if meta["answer_language"] not in ("en", "ar"):
        raise DataError(f"{record.id}: answer_language is '{meta['answer_language']}', not en or ar")
    if record.messages[-1].role != "assistant":
        raise DataError(f"{record.id}: the last turn is not an answer; a test record needs its reference")
    out = Expected(
        type=str(meta["type"]),
        tongue=meta["answer_language"],
        reference=record.messages[-1].text,
        verdict=str(meta["verdict"]),
        facts=dict(meta["expect"]),
    )
    check(out, record.id)
    return out


def _select(records: Sequence[Record], _: int) -> list[Sample]:
    return [
        Sample(record, AS_IT_IS, record.messages[:-1], expected=expected(record))
        for record in questions(records)
    ]


def _score(sample: Sample, raw: Raw, lexicon: Lexicon | None) -> Grade:
    assert sample.expected is not None
    return grade(raw["answer"], raw["finish"], sample.expected, lexicon)


IMAGE_QA = Task(
    about="every test question's last turn, earlier answers given as in the record",
    select=_select,
    ask=answers,
    score=_score,
)
