"""The room's door with ``clinical``: a real (tiny, random) model, every column, no network."""

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bimedix2 import evaluate, io
from bimedix2.engine.local import Engine
from bimedix2.errors import ConfigError, DataError, RunError
from bimedix2.evaluate.clinical import catalogue
from bimedix2.manifest import read_manifest, verify

pytest.importorskip("lm_eval", reason="pip install 'bimedix2[clinical]'")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, address: Any) -> None:
        pytest.fail(f"the network was asked for: {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


Make = Callable[..., evaluate.Config]


def test_ten_columns_and_their_macro_mean_with_everything_on_disk(settings: Make) -> None:
    folder = evaluate.run(settings())
    verify(folder)
    found = io.read_json(folder / "scores.json")
    answers = [row for _, row in io.read_jsonl(folder / "answers.jsonl")]
    for prompt in ("plain", "chat"):
        columns = found[prompt]["columns"]
        assert list(columns) == list(catalogue.groups()["bimed_clinical"])
        for name, column in columns.items():
            mine = [row for row in answers if (row["task"], row["prompt"]) == (name, prompt)]
            assert column["n"] == len(mine) > 2
            assert column["value"] == sum(row["right"] for row in mine) / len(mine)
            for row in mine:
                assert row["right"] == (
                    row["chosen"] == row["values"].index(max(row["values"])) == _index(row)
                )
        mean = sum(column["value"] for column in columns.values()) / 10
        assert found[prompt]["groups"]["bimed_clinical"]["value"] == pytest.approx(mean)
    words = (folder / "scores.md").read_text(encoding="utf-8")
    assert (
        "| Cli-KG | C-Bio | C-Med | Med-Gen | Pro-Med | Ana | MedMCQA | MedQA | USMLE | PubmedQA | Avg. |"
        in words
    )
    assert words.startswith("**Partial: Other numbers of questions than published: ")
    assert re.search(
        r"benchmark:\w{8}\|language:en\|harness:0.4.13\|prompt:\w{8}\+\w{8},0-shot\|checkpoint:", words
    )
    assert read_manifest(folder)["counts"]["kept"] == len(answers)
    same = evaluate.replay(folder)
    assert set(same) == {"answers.jsonl", "paper.jsonl", "scores.json", "scores.md"}
    answers[0]["values"] = [
        -9.0 if n == answers[0]["chosen"] else -1.0 for n in range(len(answers[0]["values"]))
    ]
    io.write_jsonl(folder / "answers.jsonl", answers)
    with pytest.raises(RunError, match=r"recomputed"):
        evaluate.replay(folder)


def test_its_rows_stand_in_the_paper_s_table(settings: Make) -> None:
    ours = pytest.importorskip("bimedix2.evaluate.paper.ours")
    published = pytest.importorskip("bimedix2.evaluate.paper.published")
    folder = evaluate.run(settings())
    rows = ours.arrange(ours.read([folder]), published.load()).of("table-2")
    found = io.read_json(folder / "scores.json")
    assert [row.model.split(", ")[1] for row in rows] == ["plain", "chat"]
    for row in rows:
        mean = found[row.model.split(", ")[1]]["groups"]["bimed_clinical"]["value"]
        assert row.values["average"] == pytest.approx(100 * mean)
        assert row.partial.startswith("Other numbers of questions")


def _index(row: dict[str, Any]) -> int:
    """The place of the right option, which the harness gives as a number or as its text."""
    expected = row["expected"]
    return expected if isinstance(expected, int) else [o.strip() for o in row["options"]].index(expected)


def test_prompts_are_the_harness_s_own(settings: Make) -> None:
    folder = evaluate.run(settings())
    first = {
        (row["task"], row["prompt"]): row
        for _, row in reversed(list(io.read_jsonl(folder / "answers.jsonl")))
    }
    plain = first["bimed_mmlu_anatomy", "plain"]
    assert plain["context"] == (
        "The following are multiple choice questions (with answers) about anatomy.\n\n"
        "Which bone is in the thigh?\nA. femur\nB. humerus\nC. tibia\nD. frontal bone\nAnswer:"
    )
    assert plain["options"] == [" A", " B", " C", " D"]
    assert first["bimed_usmle", "plain"]["context"] == (
        "Question: Step 1: bone of the thigh?\nA. ulna\nB. femur\nAnswer:"
    )
    assert first["bimed_pubmedqa", "plain"]["context"] == (
        "Abstract: Bone 21214884 was broken.\nIt was rested.\n"
        "Question: Does rest help bone 21214884?\nAnswer:"
    )
    chat = first["bimed_medqa_4options", "chat"]
    assert chat["context"] == (
        "<|im_start|>system\nYou are BiMediX2, a bilingual medical assistant.<|im_end|>\n<|im_start|>user\n"
        "Question: A man hurts his thigh. Which bone?\n"
        "A. femur\nB. humerus\nC. tibia\nD. frontal bone\nAnswer:"
        "<|im_end|>\n<|im_start|>assistant\n"
    )
    assert chat["options"] == ["A", "B", "C", "D"]


def test_global_mmlu_and_arabicmmlu_are_asked_in_the_harness_s_words(settings: Make) -> None:
    names = ["global_mmlu_ar_anatomy", "arabicmmlu_biology"]
    folder = evaluate.run(settings(tasks=names, prompts=["plain"]))
    rows = {row["task"]: row for _, row in reversed(list(io.read_jsonl(folder / "answers.jsonl")))}
    bones = "A. الزند\nB. الفخذ\nC. العضد\nD. الشظية"
    assert rows["global_mmlu_ar_anatomy"]["context"] == f"أي عظم يوجد في العضد؟\n{bones}\nAnswer:"
    assert rows["global_mmlu_ar_anatomy"]["options"] == [" A", " B", " C", " D"]
    assert rows["arabicmmlu_biology"]["context"] == (
        "This is a Biology question for high school in Palestine. Select the correct answer!\n\n"
        f"Question: أي عظم يوجد في العضد؟\n{bones}\n\nAnswer:"
    )
    assert rows["arabicmmlu_biology"]["id"] == "9699"
    last = [row for _, row in io.read_jsonl(folder / "answers.jsonl")][-1]
    assert (last["id"], last["options"]) == ("9700", [" A", " B"])
    page = (folder / "scores.md").read_text(encoding="utf-8")
    assert "global_mmlu_ar_anatomy 1 of 135" in page
    assert "arabicmmlu_biology 2 of" not in page  # how many are published is not known here
    assert "| arabicmmlu_biology | plain | ar |" in page


def test_arabic_twins_are_asked_in_arabic_and_paired_with_their_originals(settings: Make) -> None:
    tasks = [
        "bimed_pubmedqa_en_50",
        "bimed_pubmedqa_ar_50",
        "bimed_pubmedqa_ar_50_words",
        "oall_mmlu_anatomy",
    ]
    folder = evaluate.run(settings(tasks=tasks, prompts=["plain"], max_length=None))
    rows = {row["task"]: row for _, row in io.read_jsonl(folder / "answers.jsonl")}
    assert rows["bimed_pubmedqa_ar_50"]["context"].startswith("الملخص: ")
    assert rows["bimed_pubmedqa_ar_50"]["options"] == [" yes", " no", " maybe"]
    assert rows["bimed_pubmedqa_ar_50_words"]["options"] == [" نعم", " لا", " ربما"]
    assert rows["oall_mmlu_anatomy"]["options"] == [" أ", " ب", " ج", " د"]
    found = io.read_json(folder / "scores.json")["plain"]
    assert found["gaps"]["bimed_pubmedqa_ar_50"]["n"] == 1  # the copy has one of the fifty
    assert found["columns"]["bimed_pubmedqa_ar_50"]["cut"] == 50  # abstracts do not fit in 256 bytes
    assert found["groups"] == {}
    assert "1 of 6 columns of oall_mmlu_medical." in (folder / "scores.md").read_text(encoding="utf-8")


def test_a_killed_run_goes_on_and_asks_nothing_twice(settings: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    score, asked = Engine.score, []

    def counted(self: Engine, pairs: Any, rows: int, stop: int = 0) -> Any:
        for one in score(self, pairs, rows):
            asked.append(pairs[one[0]])
            yield one
            if stop and len(asked) >= stop:
                raise KeyboardInterrupt

    monkeypatch.setattr(Engine, "score", lambda self, pairs, rows: counted(self, pairs, rows, 60))
    with pytest.raises(KeyboardInterrupt):
        evaluate.run(settings())
    kept = next(Path(settings().output).parent.glob(".scores.partial/requests.jsonl"))
    on_disk = kept.read_bytes()
    first = len(on_disk.splitlines())
    assert 50 < first <= 60
    kept.write_bytes(on_disk[:-7])  # the kill came in the middle of a line
    asked.clear()
    monkeypatch.setattr(Engine, "score", lambda self, pairs, rows: counted(self, pairs, rows))
    folder = evaluate.run(settings())
    whole = len(list(io.read_jsonl(folder / "requests.jsonl")))
    assert len(asked) == whole - (first - 1)
    asked.clear()
    again = evaluate.run(settings(_output=str(folder.with_name("again")), _reuse=str(folder)))
    assert not asked
    assert (again / "answers.jsonl").read_bytes() == (folder / "answers.jsonl").read_bytes()


def test_examples_come_from_dev_in_order(settings: Make) -> None:
    folder = evaluate.run(settings(tasks=["bimed_mmlu_anatomy"], prompts=["plain"], fewshot=2))
    row = next(row for _, row in io.read_jsonl(folder / "answers.jsonl"))
    assert row["context"].count("Answer:") == 3
    assert row["context"].index("thigh") < row["context"].index("upper arm")
    with pytest.raises(ConfigError, match="bimed_medmcqa has no examples to show"):
        evaluate.run(settings(tasks=["bimed_medmcqa"], fewshot=1, _output="unused"))


GOLDEN = Path(__file__).parents[4] / "shared" / "golden"
"""The harness's tasks made local, run offline with the original code (specification, section 8)."""


def test_the_golden_questions_are_asked_as_the_golden_tasks_do(settings: Make, tmp_path: Path) -> None:
    if not GOLDEN.is_dir():
        pytest.skip(f"the golden files are not at {GOLDEN}; they come beside the repository")
    own = {
        "mmlu_anatomy_test.jsonl": "lm_tasks_en_local/data/anat_test.jsonl",
        "medqa_test.jsonl": "lm_tasks_en_local/data/medqa_test.jsonl",
        "pubmedqa_test.jsonl": "lm_tasks_en_local/data/pub_test.jsonl",
        "medmcqa_ar_test.jsonl": "lm_tasks_ar/data/medmcqa_ar.jsonl",
        "pubmedqa_ar_test.jsonl": "lm_tasks_ar/data/pubmedqa_ar.jsonl",
    }
    for name, path in own.items():
        io.write_bytes(tmp_path / "golden" / name, (GOLDEN / path).read_bytes())
    names = ["mmlu_anatomy", "medqa_4options", "pubmedqa", "medmcqa_ar", "pubmedqa_ar"]
    tasks = [f"bimed_{name}" for name in names]
    folder = evaluate.run(settings(tasks=tasks, prompts=["plain"], data=str(tmp_path / "golden")))
    rows = [row for _, row in io.read_jsonl(folder / "answers.jsonl")]
    assert [sum(row["task"] == name for row in rows) for name in tasks] == [1, 1, 1, 3, 2]
    for name in ("medmcqa_ar", "pubmedqa_ar"):
        theirs = yaml.safe_load((GOLDEN / "lm_tasks_ar" / f"{name}.yaml").read_text(encoding="utf-8"))
        ours = catalogue.prompt_of(catalogue.tasks()[f"bimed_{name}"])
        same = ("doc_to_choice", "doc_to_target", "output_type")
        assert [ours[key] for key in same] == [theirs[key] for key in same]
        assert "".join(ours["doc_to_text"].split()) == "".join(theirs["doc_to_text"].split())


def test_a_limit_draws_questions_and_says_partial(settings: Make) -> None:
    folder = evaluate.run(settings(tasks=["bimed_mmlu_anatomy"], prompts=["plain"], _limit=2))
    words = (folder / "scores.md").read_text(encoding="utf-8")
    assert words.startswith("**Partial: At most 2 questions a task (limit=2).")
    rows = [row for _, row in io.read_jsonl(folder / "answers.jsonl")]
    assert [row["data_class"] for row in rows] == ["open", "open"]
    assert "|limit:2|" in words


def test_files_that_are_missing_or_broken_are_named_before_a_model_is_loaded(
    settings: Make, data: Path
) -> None:
    with pytest.raises(DataError, match=r"lacks mmlu_anatomy_ar_test\.jsonl"):
        evaluate.run(settings(tasks=["bimed_mmlu_anatomy_ar"], _model="no-such-model"))
    (data / "medqa_test.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match=r"medqa_test\.jsonl holds no question"):
        evaluate.run(settings(tasks=["bimed_medqa_4options"], _model="no-such-model"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tasks": ["bimed_medqa_4option"]}, "did you mean 'bimed_medqa_4options'"),
        ({"prompts": ["plain", "plain"]}, "a prompt is named twice"),
        ({"prompts": ["shout"]}, "clinical.prompts"),
        ({"_input": "runs/nano/dataset"}, "leave 'input' out"),
        ({"_tasks": ["canary"]}, "'clinical' brings its own tasks"),
        ({"_clinical": None}, "the key 'input' is missing"),
        ({"fewshots": 5}, "did you mean 'fewshot'"),
    ],
)
def test_a_wrong_recipe_is_one_sentence(settings: Make, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        settings(**changes)


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("medqa_test.jsonl", {"ending2": None}, r"line 2: 'ending2' is no text; convert its benchmark again"),
        ("medqa_test.jsonl", {"label": 4}, r"line 2: 'label' is 4, not the number of one of 4 options"),
        ("medqa_test.jsonl", {"label": True}, "'label' is True"),
        (
            "mmlu_anatomy_test.jsonl",
            {"choices": "abcd"},
            r"'answer' is 1, not the number of one of 1 options",
        ),
        ("mmlu_anatomy_test.jsonl", {"choices": []}, "'choices' is no text"),
        (
            "pubmedqa_test.jsonl",
            {"final_decision": "perhaps"},
            "'final_decision' is 'perhaps', none of yes, no",
        ),
        ("pubmedqa_test.jsonl", {"CONTEXTS": [" "], "QUESTION": ""}, "line 2 has no words"),
    ],
)
def test_a_line_that_is_no_question_is_named_before_a_model_is_loaded(
    settings: Make, data: Path, file: str, change: dict[str, Any], said: str
) -> None:
    rows = [row for _, row in io.read_jsonl(data / file)]
    io.write_jsonl(data / file, [rows[0], rows[1] | change, *rows[2:]])
    tasks = ["bimed_medqa_4options", "bimed_mmlu_anatomy", "bimed_pubmedqa"]
    with pytest.raises(DataError, match=said):
        evaluate.run(settings(tasks=tasks, _model="no-such-model"))
