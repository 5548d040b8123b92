"""PubMedQA's test questions: the likeliest of yes, no and maybe after the prompt, model and base alike."""

from collections.abc import Sequence

from bimedix2.errors import DataError
from bimedix2.evaluate.ask import likelihoods
from bimedix2.evaluate.grade import Expected, Grade
from bimedix2.evaluate.lexicon import Lexicon
from bimedix2.evaluate.task import AS_IT_IS, Raw, Sample, Task
from bimedix2.records import Record

SOURCE = "pubmedqa"


def of_source(records: Sequence[Record]) -> list[Record]:
    """The records of PubMedQA."""
    return [record for record in records if record.task == "mcq" and record.provenance.source == SOURCE]


def _select(records: Sequence[Record], _: int) -> list[Sample]:
    out = []
    for record in of_source(records):
        options, answer = tuple(record.meta.get("options", ())), record.messages[-1].text
        if answer not in options:
            raise DataError(
                f"{record.id}: the answer '{answer}' is not among its options; correct the record"
            )
        wanted = Expected("mcq", "en", answer)
        out.append(Sample(record, AS_IT_IS, record.messages[:-1], options, wanted))
    return out


def choice(sample: Sample, raw: Raw) -> str:
    """The option of the highest likelihood; the first where two are equal."""
    values: list[float] = raw["values"]
    return sample.options[values.index(max(values))]


def _score(sample: Sample, raw: Raw, _: Lexicon | None) -> Grade:
    assert sample.expected is not None
    chosen = choice(sample, raw)
    right = chosen == sample.expected.reference
    return Grade(right, right, True, True, (), () if right else (f"chooses {chosen}",))


PUBMEDQA = Task(
    about="log-likelihood of each option as the assistant's next words, not normalised by length",
    select=_select,
    ask=likelihoods,
    score=_score,
    base=True,
)
