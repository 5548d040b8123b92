"""Users' copies of the benchmarks in their published layouts; every question is invented."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from bimedix2 import config, evaluate
from bimedix2.evaluate.clinical.convert import SUBJECTS

PAIRS = [
    ("thigh", "femur"),
    ("upper arm", "humerus"),
    ("shin", "tibia"),
    ("skull", "frontal bone"),
    ("palm", "hamate"),
]


def options(right: int, answer: str) -> list[str]:
    """Four options, the right one in its place."""
    rest = [bone for _, bone in PAIRS if bone != answer][:3]
    return [*rest[:right], answer, *rest[right:]]


def mmlu_rows() -> list[dict[str, Any]]:
    return [
        {"question": f"Which bone is in the {part}?", "choices": options(n % 4, bone), "answer": n % 4}
        for n, (part, bone) in enumerate(PAIRS)
    ]


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.Table.from_pylist(rows), path)


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def write_csv(path: Path, rows: list[list[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def mmlu_hub(folder: Path) -> None:
    for subject in SUBJECTS:
        write_parquet(folder / subject / "test-00000-of-00001.parquet", mmlu_rows()[:3])
        write_parquet(folder / subject / "dev-00000-of-00001.parquet", mmlu_rows())


def mmlu_archive(folder: Path) -> None:
    for subject in SUBJECTS:
        for split, count in (("test", 3), ("dev", 5)):
            rows = [[r["question"], *r["choices"], "ABCD"[r["answer"]]] for r in mmlu_rows()[:count]]
            write_csv(folder / "data" / split / f"{subject}_{split}.csv", rows)


def medmcqa_rows(first: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"m{n}",
            "question": f"Bone of the {part}",
            **dict(zip(("opa", "opb", "opc", "opd"), options(n, bone), strict=True)),
            "cop": n + first,
        }
        for n, (part, bone) in enumerate(PAIRS[:4])
    ]


def medmcqa_hub(folder: Path) -> None:
    write_parquet(folder / "data" / "validation-00000-of-00001.parquet", medmcqa_rows(0))


def medmcqa_archive(folder: Path) -> None:
    write_lines(folder / "dev.json", medmcqa_rows(1))


def medqa_hub(folder: Path) -> None:
    rows = [
        {
            "id": f"test-{n}",
            "sent1": f"A man hurts his {part}. Which bone?",
            "sent2": "",
            **{f"ending{k}": one for k, one in enumerate(options(n, bone))},
            "label": n,
        }
        for n, (part, bone) in enumerate(PAIRS[:3])
    ]
    write_lines(folder / "test.json", rows)


def medqa_archive(folder: Path) -> None:
    rows = [
        {
            "question": f"A man hurts his {part}. Which bone?",
            "options": dict(zip("ABCD", options(n, bone), strict=True)),
            "answer": bone,
            "answer_idx": "ABCD"[n],
        }
        for n, (part, bone) in enumerate(PAIRS[:3])
    ]
    write_lines(folder / "4_options" / "phrases_no_exclude_test.jsonl", rows)


def usmle(folder: Path) -> None:
    """Step 1 has a question with an image, one without options and one without a solution."""
    for step in (1, 2, 3):
        questions: list[dict[str, Any]] = [
            {"no": 1, "question": f"Step {step}: bone of the thigh?", "options": {"A": "ulna", "B": "femur"}},
            {"no": 2, "question": "What is shown?", "options": {"A": "ulna", "B": "femur"}},
        ]
        if step == 1:
            questions += [
                {"no": 3, "question": "Which is none?", "options": {c: f"bone {c}" for c in "ABCDEFG"}},
                {"no": 4, "question": "Say it.", "options": {}},
                {"no": 5, "question": "Which?", "options": {"A": "ulna", "B": "femur"}},
            ]
        write_json(folder / f"step{step}.json", questions)
        write_json(folder / f"step{step}_solutions.json", {"1": "B", "2": "A", "3": "G", "4": "A"})
    write_json(folder / "question_with_images.json", {f"step{step}": [2] for step in (1, 2, 3)})


def pubmedqa(folder: Path) -> None:
    rows = {
        name: {
            "QUESTION": f"Does rest help bone {name}?",
            "CONTEXTS": [f"Bone {name} was broken.", "It was rested."],
            "LABELS": ["BACKGROUND", "METHODS"],
            "final_decision": answer,
        }
        for name, answer in (("21214884", "no"), ("2", "yes"), ("3", "maybe"), ("9", "yes"))
    }
    write_json(folder / "ori_pqal.json", rows)
    write_json(folder / "test_ground_truth.json", {"21214884": "no", "2": "yes", "3": "maybe"})


def oall(folder: Path) -> None:
    for subject in SUBJECTS:
        rows = [
            {
                "question": "أي عظم يوجد في الفخذ؟",
                **dict(zip("ABCD", ("زند", "فخذ", "كعبرة", "شظية"), strict=True)),
                "answer": "B",
                "subject": subject,
            }
        ]
        for split in ("test", "dev"):
            write_parquet(folder / subject / f"{split}-00000-of-00001.parquet", rows)


def global_mmlu(folder: Path) -> None:
    """Two of the other 51 subjects stand between those that are asked."""
    for split in ("test", "dev"):
        rows = [
            {
                "sample_id": f"{subject}/{split}/0",
                "subject": subject,
                "subject_category": "Medical",
                "question": "أي عظم يوجد في العضد؟",
                **dict(zip(("option_a", "option_b", "option_c", "option_d"), BONES, strict=True)),
                "answer": "C",
                "is_annotated": False,
            }
            for subject in ("astronomy", *SUBJECTS, "virology")
        ]
        write_parquet(folder / "ar" / f"{split}-00000-of-00001.parquet", rows)


BONES = ("الزند", "الفخذ", "العضد", "الشظية")
COLUMNS = ["ID", "Source", "Country", "Group", "Subject", "Level", "Question", "Context", "Answer Key"]


def arabicmmlu(folder: Path) -> None:
    """Of the third question the answer is no option, of the fourth an option is missing."""
    head = [*COLUMNS, *(f"Option {n}" for n in range(1, 6)), "is_few_shot"]
    about = ["https://exams.test", "Palestine", "STEM", "Biology", "High", "أي عظم يوجد في العضد؟", ""]
    rows = [
        ["9699", *about, "C", *BONES, "", "0"],
        ["9700", *about, "B", *BONES[1:3], "", "", "", "0"],
        ["9701", *about, "D", *BONES[:3], "", "", "0"],
        ["9702", *about, "A", *BONES[:2], "", BONES[2], "", "0"],
    ]
    for split in ("test", "dev"):
        write_csv(folder / "Biology (High School)" / f"{split}.csv", [head, *rows])


HUB: dict[str, Callable[[Path], None]] = {
    "mmlu": mmlu_hub,
    "medmcqa": medmcqa_hub,
    "medqa": medqa_hub,
    "usmle": usmle,
    "pubmedqa": pubmedqa,
    "oall_arabic_mmlu": oall,
    "global_mmlu": global_mmlu,
    "arabicmmlu": arabicmmlu,
}


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """A user's copies of every benchmark."""
    folder = tmp_path / "copies"
    for name, make in HUB.items():
        make(folder / name)
    return folder


@pytest.fixture
def data(copies: Path, tmp_path: Path) -> Path:
    """Converted."""
    from bimedix2.evaluate.clinical.__main__ import convert

    convert(copies, tmp_path / "data")
    return tmp_path / "data"


Make = Callable[..., evaluate.Config]


@pytest.fixture
def settings(tiny: object, data: Path, tmp_path: Path) -> Make:
    """The room's recipe; keywords go over ``clinical``, those with a ``_`` over the room's own keys."""

    def make(**changes: Any) -> evaluate.Config:
        clinical: dict[str, Any] = {"data": str(data), "tasks": ["bimed_clinical"], "max_length": 512}
        recipe: dict[str, Any] = {
            "output": str(tmp_path / "scores"),
            "model": "tiny-base",
            "clinical": clinical | {k: v for k, v in changes.items() if not k.startswith("_")},
            "threads": 1,
            "resamples": 100,
            "batch": 4,
            "dtype": "float32",
        }
        recipe |= {k[1:]: v for k, v in changes.items() if k.startswith("_")}
        return config.build(evaluate.Config, recipe)

    return make
