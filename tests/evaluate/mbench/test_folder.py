"""The whole way on files: two systems in one folder, judged again from the cache, in the paper's table."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config as recipes
from bimedix2.errors import ConfigError, DataError, ImageError
from bimedix2.evaluate import paper
from bimedix2.evaluate.mbench.folder import Config, run
from bimedix2.evaluate.mbench.load import load
from bimedix2.llm.cache import Cache, Cached
from bimedix2.manifest import read_manifest, verify

MARKS = {"good": lambda reference: reference, "poor": lambda reference: " ".join(reference.split()[:3])}


@pytest.fixture
def settings(english_file: Path, arabic_file: Path, tmp_path: Path) -> dict[str, Any]:
    """A recipe: two systems on the Arabic questions, one of them without its last answer."""
    answers = []
    for name, change in MARKS.items():
        items = load(arabic_file, "ar").items
        rows = [{"question_id": n, "text": change(i.reference), "model_id": name} for n, i in items.items()]
        rows = rows[:-1] if name == "poor" else rows[::-1]
        answers.append(tmp_path / f"{name}.jsonl")
        answers[-1].write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return {
        "questions": str(arabic_file),
        "twin": str(english_file),
        "language": "ar",
        "answers": [str(path) for path in answers],
        "judge": {"base_url": "http://judge.test/v1", "model": "m", "prices": {"input": 1, "output": 2}},
        "cache": str(tmp_path / "judge.sqlite"),
        "output": str(tmp_path / "scores"),
        "canaries": 3,
        "resamples": 200,
    }


def opener(judge: Any) -> Any:
    @contextmanager
    def open_it(config: Config) -> Iterator[Cached]:
        with Cache(config.cache) as cache:
            yield Cached(judge, cache)

    return open_it


def test_two_systems_in_one_folder(
    settings: dict[str, Any], judge_type: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judge = judge_type()
    done = run(recipes.build(Config, settings), opener(judge))
    verify(done)
    said = capsys.readouterr().err
    assert "11 requests, an estimate" in said
    page = (done / "scores.md").read_text(encoding="utf-8")
    first = "**Partial: poor: 1 of 6 items have no score (1 no answer). These numbers are no whole result.**"
    assert page.splitlines()[0] == first
    assert "| good | 100.0 [100.0, 100.0] (n 5)" in page
    assert "good minus poor" in page
    assert "answers: missing: 1" in page
    assert "host:judge.test" in page
    values = json.loads((done / "scores.json").read_text(encoding="utf-8"))
    (pair,) = values["comparisons"]
    assert (pair["questions"], pair["images"]) == (5, 3)
    assert pair["difference"]["value"] > 20
    assert pair["p"] == pair["p, Holm"] == 0.25  # three images are three coins
    assert values["files that differ"] == {}
    rows = [json.loads(line) for line in (done / "judgements.jsonl").read_text().splitlines()]
    assert [(row["model"], row["question_id"]) for row in rows] == [
        (name, n) for name in ("good", "poor") for n in range(6)
    ]
    assert rows[0]["replies"][0].endswith("Because of the words.")
    assert read_manifest(done)["counts"] == {"in": 12, "kept": 11, "removed": {"no answer": 1}}
    table = paper.make(tmp_path / "paper", [done]) / "tables" / "table-4.md"
    text = table.read_text(encoding="utf-8")
    assert text.splitlines()[0].startswith("**Partial: poor: 1 of 6 items")
    assert "| good (run here, 1) | 100.0" in text


def test_a_second_run_asks_nothing_and_gives_the_same(settings: dict[str, Any], judge_type: Any) -> None:
    first = run(recipes.build(Config, settings), opener(judge_type()))
    silent = judge_type(lambda text, request: pytest.fail("asked again"))
    settings["output"] += "-again"
    again = run(recipes.build(Config, settings), opener(silent))
    for name in ("scores.json", "scores.md", "judgements.jsonl", "paper.jsonl"):
        assert (again / name).read_bytes() == (first / name).read_bytes()


def test_rubric_scores_are_compared_too_and_have_no_place_in_the_papers_table(
    settings: dict[str, Any], judge_type: Any
) -> None:
    settings["plan"] = {"protocol": "rubric"}
    done = run(recipes.build(Config, settings), opener(judge_type()))
    assert (done / "paper.jsonl").read_text() == ""
    assert "| good | 100.0 [100.0, 100.0] (n 5)" in (done / "scores.md").read_text(encoding="utf-8")


def test_swapped_orders_are_told(settings: dict[str, Any], judge_type: Any) -> None:
    settings["plan"] = {"protocol": "swap"}
    done = run(recipes.build(Config, settings), opener(judge_type()))
    assert "both orders agree: 100.0 %" in (done / "scores.md").read_text(encoding="utf-8")


def test_nothing_is_published_for_a_judge_that_fails_its_canaries(
    settings: dict[str, Any], judge_type: Any
) -> None:
    with pytest.raises(DataError, match="failed its canaries"):
        run(recipes.build(Config, settings), opener(judge_type(lambda text, request: "9 9")))
    assert not Path(settings["output"]).exists()


def test_files_are_checked_before_the_judge_is_asked(
    settings: dict[str, Any], judge_type: Any, tmp_path: Path
) -> None:
    judge = judge_type(lambda text, request: pytest.fail("asked"))
    with pytest.raises(ImageError, match="lacks 3 images"):
        run(recipes.build(Config, {**settings, "images": str(tmp_path)}), opener(judge))
    twice = [settings["answers"][0]] * 2
    with pytest.raises(DataError, match=r"of one model \(good, good\)"):
        run(recipes.build(Config, {**settings, "answers": twice}), opener(judge))


def test_one_judge_is_named(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="name one judge"):
        recipes.build(Config, {**settings, "judge": None})
    with pytest.raises(ConfigError, match="name one judge"):
        recipes.build(Config, {**settings, "replies": "replies.jsonl"})


def test_replies_written_by_hand_stand_in_for_a_judge(settings: dict[str, Any], tmp_path: Path) -> None:
    """The file's first line says what it is, and the signature repeats it."""
    replies = [{"contains": "[Assistant 2]\n\n\n[End", "answer": "9 1"}]
    items = load(Path(settings["questions"]), "ar").items
    twin = load(Path(settings["twin"]), "en").items
    replies += [{"contains": f"[Assistant 2]\n{i.reference}", "answer": "9 2"} for i in twin.values()]
    for item in items.values():
        own = f"[Question]\n{item.question}\n\n[Assistant 1]\n{item.reference}\n\n[End of Assistant 1]"
        replies.append({"contains": f"{own}\n\n[Assistant 2]\n{item.reference}", "answer": "9 9"})
    replies.append({"contains": "[Assistant 2]", "answer": "9 3"})
    path = tmp_path / "replies.jsonl"
    lines = ["written by hand", *(json.dumps(row, ensure_ascii=False) for row in replies)]
    path.write_text("\n".join(lines), encoding="utf-8")
    done = run(recipes.build(Config, {**settings, "judge": None, "replies": str(path)}))
    page = (done / "scores.md").read_text(encoding="utf-8")
    assert "judge:written by hand (not the published judge)|host:file" in page
    assert "| poor | 33.3 [33.3, 33.3] (n 4)" in page


def test_the_recipe_of_the_docs_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "paper.md").read_text(encoding="utf-8")
    (tmp_path / "judge.yaml").write_text(page.split("judge.yaml -->\n```yaml\n")[1].split("```")[0])
    found = recipes.load(Config, tmp_path / "judge.yaml", ["plan.protocol=swap"])
    assert (found.plan.version, found.host) == ("ours", "api.example.org")
