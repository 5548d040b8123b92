"""Written answers: files and endpoints without log-probabilities stand in Table 2 under their own name."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import evaluate, io
from bimedix2.errors import ConfigError, DataError, EndpointError, ModelError
from bimedix2.manifest import read_manifest, verify

from .serving import Server

pytest.importorskip("lm_eval", reason="pip install 'bimedix2[clinical]'")

Make = Callable[..., evaluate.Config]
TASKS = ["bimed_medqa_4options", "bimed_pubmedqa", "oall_mmlu_anatomy"]
KEYS = {
    "bimed_medqa_4options/test-0": "A",
    "bimed_medqa_4options/test-1": "B",
    "bimed_medqa_4options/test-2": "C",
    "bimed_pubmedqa/21214884": "no",
    "bimed_pubmedqa/2": "yes",
    "bimed_pubmedqa/3": "maybe",
    "oall_mmlu_anatomy/0": "ب",
}
"""Question -> its right option."""


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def start(*given: Any, **more: Any) -> Server:
        running.append(Server(*given, **more))
        return running[-1]

    yield start
    for server in running:
        server.close()


def write(path: Path, answers: dict[str, Any], *more: dict[str, Any]) -> dict[str, str]:
    """An answers file as a recipe's model."""
    rows = [{"question_id": key, "text": text, "model": "gpt"} for key, text in answers.items()]
    path.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in [*rows, *more]), encoding="utf-8"
    )
    return {"answers": str(path)}


def values(folder: Path) -> dict[str, Any]:
    return {
        name: one["value"] for name, one in io.read_json(folder / "scores.json")["answer"]["columns"].items()
    }


def lines(folder: Path) -> dict[str, dict[str, Any]]:
    return {row["question_id"]: row for _, row in io.read_jsonl(folder / "answers.jsonl")}


def test_an_answers_file_stands_in_table_2_under_another_name(settings: Make, tmp_path: Path) -> None:
    said = {
        "bimed_medqa_4options/test-0": "The answer is (A).",
        "bimed_medqa_4options/test-1": "b",
        "bimed_medqa_4options/test-2": "D. frontal bone",
        "bimed_pubmedqa/21214884": "No, it does not.",
        "bimed_pubmedqa/2": "نعم",
        "bimed_pubmedqa/3": "It may or may not.",
        "oall_mmlu_anatomy/0": "الإجابة الصحيحة هي ب.",
    }
    model = write(tmp_path / "a.jsonl", said)
    folder = evaluate.run(settings(tasks=TASKS, max_length=None, _model=model))
    verify(folder)
    assert values(folder) == {TASKS[0]: 2 / 3, TASKS[1]: 2 / 3, TASKS[2]: 1.0}
    found = io.read_json(folder / "scores.json")
    assert found["answer"]["metric"] == "answer_acc"
    assert found["answer"]["columns"]["bimed_pubmedqa"]["unparsed"] == {"names no option": 1}
    row = lines(folder)["bimed_pubmedqa/3"]
    assert (row["right"], row["unparsed"], row["raw"]["answer"]) == (
        False,
        "names no option",
        "It may or may not.",
    )
    page = (folder / "scores.md").read_text(encoding="utf-8")
    assert "| gpt, written answer | " in page
    assert "| bimed_pubmedqa | names no option (counted as wrong) | 1 | 3 |" in page
    assert "another measure than log-likelihood" in page
    assert "decoding:unknown (answers file)|metric:answer_acc,option-3|judge:none|host:file|" in page
    paper = [row for _, row in io.read_jsonl(folder / "paper.jsonl")]
    assert [row["model"] for row in paper] == ["gpt, written answer"]
    assert paper[0]["signature"].endswith("|asked:answer")
    assert set(evaluate.replay(folder)) == {"answers.jsonl", "paper.jsonl", "scores.json", "scores.md"}
    assert read_manifest(folder)["counts"] == {"in": 7, "kept": 7, "removed": {}}


def test_faults_of_a_file_are_counted_and_named_and_are_in_no_accuracy(
    settings: Make, tmp_path: Path
) -> None:
    said: dict[str, Any] = {key: text for key, text in KEYS.items() if key != "bimed_pubmedqa/2"}
    said["bimed_medqa_4options/test-0"] = ""
    said["oall_mmlu_anatomy/0"] = float("nan")
    more = [
        {"question_id": "bimed_pubmedqa/3", "text": "yes", "model": "gpt"},
        {"question_id": "nobody", "text": "A", "model": "gpt"},
    ]
    model = write(tmp_path / "a.jsonl", said, *more)
    folder = evaluate.run(settings(tasks=TASKS, max_length=None, _model=model))
    found = io.read_json(folder / "scores.json")
    assert found["answers file"]["model"] == {
        "no answer": ["bimed_pubmedqa/2"],
        "several answers": ["bimed_pubmedqa/3"],
        "text is NaN or none": ["oall_mmlu_anatomy/0"],
        "empty answer": ["bimed_medqa_4options/test-0"],
        "extra": ["nobody"],
    }
    assert values(folder) == {TASKS[0]: 2 / 3, TASKS[1]: 1.0, TASKS[2]: None}
    page = (folder / "scores.md").read_text(encoding="utf-8")
    why = "1 no answer, 1 several answers, 1 text is NaN or none"
    assert f"3 of 7 questions have no answer to score ({why})." in page.splitlines()[0]
    assert "| bimed_pubmedqa | no answer (not counted) | 1 | 2 |" in page
    assert "- extra: 1 (nobody)" in page
    removed = {"no answer": 1, "several answers": 1, "text is NaN or none": 1}
    assert read_manifest(folder)["counts"] == {"in": 7, "kept": 4, "removed": removed}
    assert "scores.md" in evaluate.replay(folder)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"max_length": None}, DataError, "answers none of 3 questions"),
        (
            {"max_length": None, "mode": "likelihood"},
            ModelError,
            r"gpt gives no likelihoods; take 'plain' out of clinical\.prompts, or set",
        ),
        ({"max_length": 512}, ConfigError, r"clinical\.max_length cuts prompts .* gpt gets whole ones"),
    ],
)
def test_what_a_file_cannot_give_is_one_sentence(
    settings: Make, tmp_path: Path, changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    model = write(tmp_path / "a.jsonl", {"x": "A"})
    with pytest.raises(error, match=words):
        evaluate.run(settings(tasks=TASKS[:1], _model=model, **changes))


def test_questions_are_written_out_and_their_answers_come_back(settings: Make, tmp_path: Path) -> None:
    recipe = settings(tasks=TASKS, max_tokens=16, _export=True, _output=str(tmp_path / "out"))
    folder = evaluate.run(recipe, lambda *_: pytest.fail("a model was opened"))
    asked = {row["question_id"]: row for _, row in io.read_jsonl(folder / "questions.jsonl")}
    assert asked.keys() == KEYS.keys()
    assert asked["bimed_medqa_4options/test-0"]["text"] == (
        "Answer the following question with the letter of the right option alone (A, B, C or D).\n\n"
        "Question: A man hurts his thigh. Which bone?\n"
        "A. femur\nB. humerus\nC. tibia\nD. frontal bone\nAnswer:"
    )
    assert asked["bimed_pubmedqa/2"]["text"].startswith(
        "Answer the following question with one of these words alone: yes, no or maybe.\n\nAbstract: "
    )
    assert asked["oall_mmlu_anatomy/0"]["text"].startswith(
        "أجب عن السؤال الآتي بحرف الخيار الصحيح وحده (أ، ب، ج أو د).\n\n"
    )
    assert asked["oall_mmlu_anatomy/0"]["max_tokens"] == 16
    model = write(tmp_path / "a.jsonl", {key: KEYS[key] for key in asked})
    scored = evaluate.run(settings(tasks=TASKS, max_length=None, _model=model))
    assert set(values(scored).values()) == {1.0}
    assert io.read_json(scored / "scores.json")["answers file"] == {}


# An endpoint without log-probabilities


def right(text: str) -> str:
    """As a model that knows bones and is unsure of everything else."""
    if "thigh" in text or "الفخذ" in text:
        return "A" if "A. femur" in text else "The answer is B."
    return "I am not sure."


def remote(server: Server, tmp_path: Path, **more: Any) -> dict[str, Any]:
    return {"endpoint": {**server.endpoint, **more}, "cache": str(tmp_path / "cache.sqlite")}


@pytest.mark.parametrize("deaf", [False, True])
def test_an_endpoint_without_log_probabilities_answers_in_words(
    settings: Make, serve: Callable[..., Server], tmp_path: Path, deaf: bool
) -> None:
    """``deaf``: completions are there, and take ``echo`` without heeding it."""
    server = serve(object() if deaf else None, right, deaf=deaf)
    recipe = settings(tasks=TASKS[:1], max_length=None, _model=remote(server, tmp_path))
    folder = evaluate.run(recipe)
    found = io.read_json(folder / "scores.json")
    assert list(found["signature"]["decoding"]) == ["answer"]
    assert found["not asked"].keys() == {"plain", "chat"}
    assert values(folder) == {TASKS[0]: 1 / 3}
    assert found["answer"]["columns"][TASKS[0]]["unparsed"] == {"names no option": 2}
    page = (folder / "scores.md").read_text(encoding="utf-8")
    assert "Not asked, 'plain': m@127.0.0.1 gives no likelihoods of 'plain' prompts (" in page
    assert "| m@127.0.0.1, written answer | " in page
    assert "decoding:greedy,max_tokens=64|metric:answer_acc,option-3|" in page
    more = {"mode": "likelihood", "_output": str(tmp_path / "other"), "_model": remote(server, tmp_path)}
    with pytest.raises(ModelError, match=r"m@127\.0\.0\.1 gives no likelihoods of 'plain' prompts"):
        evaluate.run(settings(tasks=TASKS[:1], max_length=None, **more))


def test_an_endpoint_that_dies_half_way_is_asked_for_the_rest_alone(
    settings: Make, serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve(None, right, fail_after=4)
    recipe = settings(tasks=TASKS, mode="answer", max_length=None, _model=remote(server, tmp_path), _batch=2)
    with pytest.raises(EndpointError):
        evaluate.run(recipe)
    assert len(server.bodies) == 4
    server.fail_after = None
    folder = evaluate.run(recipe)
    asked = [json.dumps(body["messages"]) for body in server.bodies]
    assert len(asked) == len(set(asked)) == 7
    again = evaluate.run(settings(
        tasks=TASKS, mode="answer", max_length=None, _model=remote(server, tmp_path / "new"), _batch=2,
        _output=str(tmp_path / "again"), _reuse=str(folder),
    ))  # fmt: skip
    assert len(server.bodies) == 7
    assert (again / "answers.jsonl").read_bytes() == (folder / "answers.jsonl").read_bytes()


def test_a_question_that_is_refused_is_counted(
    settings: Make, serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve(None, right, refuse="upper arm")
    recipe = settings(tasks=TASKS[:1], mode="answer", max_length=None, _model=remote(server, tmp_path))
    folder = evaluate.run(recipe)
    column = io.read_json(folder / "scores.json")["answer"]["columns"][TASKS[0]]
    assert (column["n"], column["value"], column["failures"]) == (2, 1 / 2, {"refused": 1})


def test_a_checkpoint_can_be_asked_to_write_too(settings: Make) -> None:
    folder = evaluate.run(settings(tasks=TASKS[:1], mode="answer", max_length=None, max_tokens=4))
    found = io.read_json(folder / "scores.json")
    assert found["answer"]["columns"][TASKS[0]]["n"] == 3
    assert found["signature"]["decoding"]["answer"]["score"] == "written answer"
