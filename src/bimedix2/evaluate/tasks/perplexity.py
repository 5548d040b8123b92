"""Perplexity of PubMedQA's test abstracts as plain text, model and base alike: is plain English kept?"""

from collections.abc import Sequence

from bimedix2.errors import DataError
from bimedix2.evaluate.ask import likelihoods
from bimedix2.evaluate.grade import Grade
from bimedix2.evaluate.lexicon import Lexicon
from bimedix2.evaluate.task import Raw, Sample, Task
from bimedix2.evaluate.tasks.pubmedqa import of_source
from bimedix2.records import Record


def _select(records: Sequence[Record], _: int) -> list[Sample]:
    out = []
    for record in of_source(records):
        abstract = record.meta.get("abstract")
        if not isinstance(abstract, str) or not abstract.strip():
            raise DataError(f"{record.id} has no abstract; run the source again")
        out.append(Sample(record, "abstract", options=(abstract,)))
    return out


def _score(_: Sample, raw: Raw, __: Lexicon | None) -> Grade:
    """Nothing is right or wrong here: the likelihood itself is the score."""
    del raw
    return Grade(True, True, True, True, (), ())


PERPLEXITY = Task(
    about="likelihood of each abstract as plain text, its first token given",
    select=_select,
    ask=likelihoods,
    score=_score,
    base=True,
)
