"""The clinical benchmarks as local files in the harness's layout, from a user's own copies.

One folder a benchmark, named as in ``BENCHMARKS``, each in a layout in which it is published:

- ``mmlu``: hub ``cais/mmlu`` (``SUBJECT/test-*.parquet``, ``SUBJECT/dev-*.parquet``) or the archive's
  ``test/SUBJECT_test.csv`` and ``dev/SUBJECT_dev.csv`` without a header.
- ``medmcqa``: hub ``openlifescienceai/medmcqa`` (``data/validation-*.parquet``, ``cop`` from 0) or the
  archive's ``dev.json`` (JSON Lines, ``cop`` from 1). Its test answers are not published: papers score on
  validation.
- ``medqa``: hub ``GBaker/MedQA-USMLE-4-options-hf`` (``sent1``, ``ending0`` to ``ending3``, ``label``) or the
  archive's ``phrases_no_exclude_test.jsonl`` (``question``, ``options``, ``answer_idx``).
- ``usmle``: hub ``medalpaca/medical_meadow_usmle_self_assessment``: ``step1.json`` (``no``, ``question``,
  ``options``), ``step1_solutions.json`` (number -> letter), and so on to 3, ``question_with_images.json``
  (step -> numbers). The layout was read from two programs on GitHub that load it; the files were not at hand.
- ``pubmedqa``: github.com/pubmedqa/pubmedqa: ``ori_pqal.json`` and ``test_ground_truth.json``.
- ``oall_arabic_mmlu``: hub ``OALL/Arabic_MMLU``: ``question``, ``A`` to ``D``, ``answer`` (a letter), as
  Parquet or CSV; the fields were read from the harness's task, where the files stand from memory.
- ``global_mmlu``: hub ``CohereForAI/Global-MMLU``, Arabic: ``ar/test-*.parquet`` and ``ar/dev-*.parquet``
  with ``sample_id``, ``subject``, ``question``, ``option_a`` to ``option_d``, ``answer`` (a letter); the
  fields were read from the harness's task and programs on GitHub, where the files stand from memory.
- ``arabicmmlu``: hub ``MBZUAI/ArabicMMLU``: ``Biology (High School)/test.csv`` and ``dev.csv``, as its card
  names them, with the columns that the harness's task reads. It holds school exams and no medical subject;
  this one is the nearest.

Every row that is left out is written to ``removed.jsonl`` with its reason.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.evaluate.clinical.tables import Table, find, letter, number, read, table, text, texts

SUBJECTS = (
    "clinical_knowledge",
    "college_biology",
    "college_medicine",
    "medical_genetics",
    "professional_medicine",
    "anatomy",
)
SPLITS = ("test", "dev")
STEPS = ("step1", "step2", "step3")
ANSWERS = ("yes", "no", "maybe")
OPTIONS = ("option_a", "option_b", "option_c", "option_d")
BIOLOGY = "Biology (High School)"
ARABICMMLU = (
    *("Subject", "Level", "Country", "Question", "Context", "Answer Key"),
    *(f"Option {number}" for number in range(1, 6)),
)
"""What the harness's task reads of a question."""


@dataclass(frozen=True)
class Question:
    """A question for one file."""

    file: str
    row: dict[str, Any]


@dataclass(frozen=True)
class Left:
    """A question that is left out."""

    file: str
    id: str
    reason: str


Found = Iterator[Question | Left]


def mmlu(folder: Path) -> Found:
    """The six medical subjects, each with its five examples."""
    for subject in SUBJECTS:
        for split in SPLITS:
            patterns = (
                f"{subject}/{split}-*.parquet",
                f"{split}/{subject}_{split}.csv",
                f"data/{split}/{subject}_{split}.csv",
            )
            for rows in read(find(folder, *patterns), header=False):
                for row in rows:
                    yield Question(f"mmlu_{subject}_{split}.jsonl", _mmlu(row))


def _mmlu(row: Table) -> dict[str, Any]:
    if "0" in row.value:  # a file without a header: its columns are numbers
        question, *choices, answer = (text(row, str(place), blank=0 < place < 5) for place in range(6))
        return {"question": question, "choices": choices, "answer": letter(row, answer, 4)}
    return {
        "question": text(row, "question"),
        "choices": texts(row, "choices", 4),
        "answer": number(row, "answer", 0, 3),
    }


def medmcqa(folder: Path) -> Found:
    """The validation questions."""
    patterns = ("data/validation-*.parquet", "validation-*.parquet", "dev.json", "dev.jsonl")
    for rows in read(find(folder, *patterns)):
        first = 0 if rows.path.suffix == ".parquet" else 1
        for row in rows:
            options = {name: text(row, name, blank=True) for name in ("opa", "opb", "opc", "opd")}
            right = number(row, "cop", first, first + 3) - first
            question = {"id": text(row, "id"), "question": text(row, "question"), **options, "cop": right}
            yield Question("medmcqa_test.jsonl", question)


def medqa(folder: Path) -> Found:
    """The test questions with four options."""
    patterns = (
        "test.json",
        "test.jsonl",
        "test-*.parquet",
        "data/test-*.parquet",
        "phrases_no_exclude_test.jsonl",
        "4_options/phrases_no_exclude_test.jsonl",
        "questions/US/4_options/phrases_no_exclude_test.jsonl",
    )
    for rows in read(find(folder, *patterns)):
        for row in rows:
            yield Question("medqa_test.jsonl", _medqa(row))


def _medqa(row: Table) -> dict[str, Any]:
    if "sent1" in row.value:
        question, endings = text(row, "sent1"), [text(row, f"ending{n}", blank=True) for n in range(4)]
        label = number(row, "label", 0, 3)
    else:
        question, options = text(row, "question"), row.value.get("options")
        if (
            not isinstance(options, dict)
            or sorted(options) != list("ABCD")
            or not all(isinstance(one, str) for one in options.values())
        ):
            raise DataError(f"{row.where}: 'options' are not four texts A to D; give MedQA with four options")
        endings = [options[one] for one in "ABCD"]
        label = letter(row, text(row, "answer_idx"), 4)
    name = str(row.value.get("id") or f"test-{row.number}")
    named = {f"ending{n}": ending for n, ending in enumerate(endings)}
    return {"id": name, "sent1": question, "sent2": "", **named, "label": label}


def usmle(folder: Path) -> Found:
    """The self-assessment questions that need no image, of all three steps."""
    name = "usmle_test.jsonl"
    pictured = io.read_json(folder / "question_with_images.json")
    for step in STEPS:
        solutions = io.read_json(folder / f"{step}_solutions.json")
        listed = pictured.get(step) if isinstance(pictured, dict) else None
        if not isinstance(solutions, dict) or not isinstance(listed, list):
            raise DataError(f"{folder} is not the USMLE self-assessment's layout; fetch its files again")
        skipped = {str(one) for one in listed}
        for row in table(folder / f"{step}.json"):
            own = str(row.value.get("no"))
            options = row.value.get("options")
            if own in skipped:
                yield Left(name, f"{step}/{own}", "needs an image")
            elif not isinstance(options, dict) or not options:
                yield Left(name, f"{step}/{own}", "has no options")
            elif own not in solutions:
                yield Left(name, f"{step}/{own}", "has no solution")
            else:
                yield Question(name, _usmle(row, f"{step}/{own}", options, str(solutions[own])))


def _usmle(row: Table, name: str, options: dict[str, Any], solution: str) -> dict[str, Any]:
    keys = sorted(key for key, one in options.items() if one is not None)  # a table fills absent ones so
    right = solution.strip().upper()
    if right not in keys:
        raise DataError(f"{row.where}: the solution '{right}' is none of {', '.join(keys)}; correct the file")
    question = text(row, "question")
    said = [str(options[key]) for key in keys]
    return {"id": name, "question": question, "keys": keys, "options": said, "answer": keys.index(right)}


def pubmedqa(folder: Path) -> Found:
    """The 500 test questions, and those whose Arabic twins come with this package."""
    asked, truth = io.read_json(folder / "ori_pqal.json"), io.read_json(folder / "test_ground_truth.json")
    if not isinstance(asked, dict) or not isinstance(truth, dict):
        raise DataError(f"{folder} is not PubMedQA's layout (objects by PubMed id); fetch it again")
    twins = {
        row["pubid"] for _, row in io.read_jsonl(Path(__file__).parent / "data" / "pubmedqa_ar_50.jsonl")
    }
    for name, answer in truth.items():
        row = Table(folder / "ori_pqal.json", name, asked.get(name) or {})
        if answer not in ANSWERS:
            raise DataError(
                f"{row.where}: the answer '{answer}' is none of {', '.join(ANSWERS)}; fetch it again"
            )
        made = {
            "pubid": name,
            "QUESTION": text(row, "QUESTION"),
            "CONTEXTS": texts(row, "CONTEXTS"),
            "final_decision": answer,
        }
        yield Question("pubmedqa_test.jsonl", made)
        if name in twins:
            yield Question("pubmedqa_en_50.jsonl", made)


def oall_arabic_mmlu(folder: Path) -> Found:
    """The six medical subjects of MMLU as the Open Arabic LLM Leaderboard has them."""
    for subject in SUBJECTS:
        for split in SPLITS:
            patterns = (
                f"{subject}/{split}-*.parquet",
                f"{subject}/{split}/*.parquet",
                f"{subject}/{split}.csv",
                f"{split}/{subject}_{split}.csv",
            )
            for rows in read(find(folder, *patterns)):
                for row in rows:
                    options = {one: text(row, one, blank=True) for one in "ABCD"}
                    right = "ABCD"[letter(row, text(row, "answer"), 4)]
                    question = {"question": text(row, "question"), **options, "answer": right}
                    yield Question(f"oall_{subject}_{split}.jsonl", question | {"subject": subject})


def global_mmlu(folder: Path) -> Found:
    """The six medical subjects of MMLU, translated and partly edited by people (Global-MMLU)."""
    for split in SPLITS:
        found = find(folder, f"ar/{split}-*.parquet", f"ar/{split}/*.parquet", f"{split}-*.parquet")
        seen = set()
        for rows in read(found):
            for row in rows:
                subject = text(row, "subject")
                if subject not in SUBJECTS:
                    continue  # another of the 57: no question of these tasks
                seen.add(subject)
                options = {name: text(row, name, blank=True) for name in OPTIONS}
                right = "ABCD"[letter(row, text(row, "answer"), 4)]
                question = {"question": text(row, "question"), **options, "answer": right}
                named = {"sample_id": text(row, "sample_id"), "subject": subject}
                yield Question(f"global_mmlu_ar_{subject}_{split}.jsonl", named | question)
        missing = [subject for subject in SUBJECTS if subject not in seen]
        if missing:
            raise DataError(
                f"{found[0]} has no question of {', '.join(missing)}; fetch its Arabic part again"
            )


def arabicmmlu(folder: Path) -> Found:
    """High school biology, from exams written in Arabic."""
    for split in SPLITS:
        file = f"arabicmmlu_biology_{split}.jsonl"
        for rows in read(find(folder, f"{BIOLOGY}/{split}.csv", f"{BIOLOGY}/{split}/*.parquet")):
            for row in rows:
                values = {name: str(row.value.get(name) or "") for name in ARABICMMLU}
                made = {"id": str(row.value.get("ID") or row.number), **values}
                made["Question"] = text(row, "Question")
                options = [values[f"Option {n}"] for n in range(1, 6)]
                there = options.index("") if "" in options else len(options)
                if made["Answer Key"] not in ("A", "B", "C", "D", "E")[:there]:
                    yield Left(file, made["id"], "its answer is none of its options")
                elif any(options[there:]):
                    yield Left(file, made["id"], "an option is missing between others")
                else:
                    yield Question(file, made)


BENCHMARKS: dict[str, Callable[[Path], Found]] = {
    "mmlu": mmlu,
    "medmcqa": medmcqa,
    "medqa": medqa,
    "usmle": usmle,
    "pubmedqa": pubmedqa,
    "oall_arabic_mmlu": oall_arabic_mmlu,
    "global_mmlu": global_mmlu,
    "arabicmmlu": arabicmmlu,
}
"""Folder below ``--from`` -> its reader."""
