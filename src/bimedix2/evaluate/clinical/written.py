"""Clinical knowledge by written answers: the option is asked for in words, and read from what comes back.

For models whose likelihoods nobody gives: most endpoints, and answers files. The questions are the harness's
own prompts, with one sentence before them that says how to answer. This is another metric than the harness's:
it stands under another name, with another signature.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.progress import Progress

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.evaluate import answering, choice
from bimedix2.evaluate.answering import Answered
from bimedix2.evaluate.ask import Ledger
from bimedix2.evaluate.clinical import harness, scores
from bimedix2.evaluate.clinical.catalogue import Task
from bimedix2.evaluate.clinical.scores import ANSWER, Row, question_of
from bimedix2.evaluate.signature import Subject
from bimedix2.evaluate.task import AS_IT_IS, Asking, Sample
from bimedix2.records import Message, Provenance, Record, Split

WORDS = {
    ("en", True): "Answer the following question with the letter of the right option alone ({options}).",
    ("en", False): "Answer the following question with one of these words alone: {options}.",
    ("ar", True): "أجب عن السؤال الآتي بحرف الخيار الصحيح وحده ({options}).",
    ("ar", False): "أجب عن السؤال الآتي بإحدى هذه الكلمات وحدها: {options}.",
}
"""Language, and whether the options are letters -> the sentence before the harness's prompt."""
COMMA, OR = {"en": ", ", "ar": "، "}, {"en": " or ", "ar": " أو "}
VERSION = (
    f"{ANSWER}:{io.sha256_bytes(io.canonical_json([list(map(list, WORDS)), list(WORDS.values())]).encode())}"
)
"""Of the sentences, in the signature."""


def gather(
    folder: Path, chosen: Sequence[Task], found: dict[str, Path], ask: harness.Ask
) -> tuple[dict[str, list[Row]], dict[str, Any]]:
    """Task -> its questions in the harness's words with the sentence before them; and the tasks' settings.

    Args:
        folder: of written tasks.
        chosen: the tasks.
        found: file name -> path of the data.
        ask: how many, and with how many examples.

    Raises:
        DataError: two questions of a task have one id.
    """
    with harness.quiet():
        from bimedix2.evaluate.clinical.lm import Gather

    results = harness.evaluate(Gather(), folder, chosen, found, ask)
    rows: dict[str, list[Row]] = {}
    for task in chosen:
        samples = sorted(results["samples"][task.name], key=lambda one: int(one["doc_id"]))
        rows[task.name] = [_question(task, sample) for sample in samples]
        seen: set[str] = set()
        for row in rows[task.name]:
            if row["id"] in seen:
                raise DataError(
                    f"{found[task.files['test']]}: two questions have the id '{row['id']}', by which answers "
                    "are joined; name one of them otherwise"
                )
            seen.add(row["id"])
    return rows, {task.name: results["configs"][task.name] for task in chosen}


def _question(task: Task, sample: dict[str, Any]) -> Row:
    row = question_of(task, ANSWER, sample)
    options = [option.strip() for option in row["options"]]
    lettered = bool(choice.texts_of(row["context"], options))
    tongue = "ar" if task.language == "ar" else "en"
    listed = COMMA[tongue].join(options[:-1]) + OR[tongue] + options[-1]
    sentence = WORDS[tongue, lettered].format(options=listed)
    return {
        **row,
        "question_id": f"{task.name}/{row['id']}",
        "context": f"{sentence}\n\n{row['context']}",
        "options": options,
        "language": tongue,
    }


def sample_of(row: Row) -> Sample:
    """A question as every kind of model is asked it: one turn of the user's."""
    record = Record(
        id=row["question_id"],
        messages=(Message.of("user", row["context"]),),
        language=row["language"],
        task="mcq",
        split=Split.TEST,
        provenance=Provenance(source=row["task"], source_id=row["id"]),
    )
    return Sample(record, AS_IT_IS, record.messages)


def ask(rows: Sequence[Row], subject: Subject, asking: Asking, ledger: Ledger, bar: Progress) -> list[Row]:
    """Every question with its answer and what it chose; what is on disk is not asked again.

    Raises:
        EndpointError: the endpoint answers nothing; give the same command again.
        DataError: an answers file answers none of the questions.
    """
    samples = [sample_of(row) for row in rows]
    found = answering.collect(subject, samples, asking, ledger, bar, "clinical (answer)")
    return [_answered(row, one) for row, one in zip(rows, found, strict=True)]


def _answered(row: Row, one: Answered) -> Row:
    return scores.judged({"request": one.request, **row, "raw": one.raw})


def reuse(ledger: Ledger, folder: Path) -> bool:
    """Know the written answers of a finished folder; return whether it has any."""
    found = False
    for _, row in io.read_jsonl(folder / "answers.jsonl"):
        if isinstance(row, dict) and row.get("prompt") == ANSWER and isinstance(row.get("raw"), dict):
            found = True
            if "failure" not in row["raw"]:  # what was refused there may be answered here
                ledger.known.setdefault(row["request"], row["raw"])
    return found
