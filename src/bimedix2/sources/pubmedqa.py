"""PubMedQA, the 1,000 labelled questions (PQA-L): abstract, question, yes / no / maybe.

Layout read from ``../shared/data/pubmedqa``, the files of github.com/pubmedqa/pubmedqa (MIT):
``ori_pqal.json`` maps a PubMed id to ``QUESTION``, ``CONTEXTS`` (list of paragraphs), ``LONG_ANSWER`` and
``final_decision``; ``test_ground_truth.json`` maps the 500 test ids to their answers.
"""

from collections.abc import Iterator
from pathlib import Path

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.records import Language, Message, Provenance, Record, Split
from bimedix2.sources.removed import Removed

OPTIONS = ("yes", "no", "maybe")


def read(path: Path) -> Iterator[Record | Removed]:
    """Yield one record a question; the published test questions are marked as such, the others train.

    Raises:
        DataError: a file or a field is absent.
    """
    rows = _read(path / "ori_pqal.json")
    truth = _read(path / "test_ground_truth.json")
    for identity, row in rows.items():
        try:
            context, question, answer = "\n".join(row["CONTEXTS"]), row["QUESTION"], row["final_decision"]
        except KeyError as error:
            raise DataError(
                f"{path / 'ori_pqal.json'}: '{identity}' has no field {error}; fetch the file again"
            ) from None
        except TypeError:
            raise DataError(
                f"{path / 'ori_pqal.json'}: '{identity}' is not PubMedQA's layout; fetch the file again"
            ) from None
        if answer not in OPTIONS:
            yield Removed(f"pubmedqa/{identity}", "unknown-answer", str(answer))
            continue
        yield Record(
            id=f"pubmedqa/{identity}",
            messages=(
                Message.of("user", f"{context}\n\nQuestion: {question}\nAnswer yes, no or maybe."),
                Message.of("assistant", answer),
            ),
            language=Language.ENGLISH,
            task="mcq",
            split=Split.TEST if identity in truth else Split.TRAIN,
            provenance=Provenance(
                source="pubmedqa",
                source_id=identity,
                subject=f"pmid:{identity}",
                url=f"https://pubmed.ncbi.nlm.nih.gov/{identity}/",
                licence="MIT",
                attribution="Jin et al. 2019, PubMedQA; abstracts from PubMed",
            ),
            meta={"options": list(OPTIONS), "abstract": context},
        )


def _read(file: Path) -> dict[str, dict[str, str]]:
    if not file.is_file():
        raise DataError(f"{file} does not exist; give the folder that holds PubMedQA's published files")
    rows = io.read_json(file)
    if not isinstance(rows, dict):
        raise DataError(f"{file} is not PubMedQA's layout (an object by PubMed id); fetch it again")
    return rows
