"""The whole way on files: two systems in one folder, judged again from the cache, in the paper's table."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config as recipes
from bimedix2 import evaluate, io
from bimedix2.errors import ConfigError, ContextError, DataError, ImageError, RunError
from bimedix2.evaluate import Config, paper
from bimedix2.evaluate.mbench.folder import run
from bimedix2.evaluate.mbench.load import load
from bimedix2.evaluate.signature import Subject
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
    judge = {"base_url": "http://judge.test/v1", "model": "m", "prices": {"input": 1, "output": 2}}
    return {
        "mbench": {
            "questions": str(arabic_file),
            "twin": str(english_file),
            "language": "ar",
            "answers": [str(path) for path in answers],
            "judge": judge,
            "cache": str(tmp_path / "judge.sqlite"),
            "canaries": 3,
        },
        "output": str(tmp_path / "scores"),
        "resamples": 200,
    }


def judged(settings: dict[str, Any], judge: Any, opener: Any = None) -> Path:
    """Run a recipe with a judge of our own behind the recipe's cache."""

    @contextmanager
    def open_it(config: Config) -> Iterator[Cached]:
        assert config.mbench is not None
        with Cache(config.mbench.cache) as cache:
            yield Cached(judge, cache)

    return run(
        recipes.build(Config, settings), opener or (lambda *_: pytest.fail("a model was opened")), open_it
    )


def with_(settings: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**settings, "mbench": {**settings["mbench"], **more}}


def test_two_systems_in_one_folder(
    settings: dict[str, Any], judge_type: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judge = judge_type()
    done = judged(settings, judge)
    verify(done)
    printed = capsys.readouterr()
    assert printed.out == ""  # bars and costs are for the error stream
    said = printed.err
    assert "11 requests, an estimate" in said
    page = (done / "scores.md").read_text(encoding="utf-8")
    first = "**Partial: poor: 1 of 6 items have no score (1 no answer). These numbers are no whole result.**"
    assert page.splitlines()[0] == first
    assert "| good | 100.0 [100.0, 100.0] (n 5)" in page
    assert "good minus poor" in page
    assert "answers: missing: 1" in page
    assert "host:judge.test" in page
    assert ",from a file|protocol:" in page
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
    other = "6 questions, of 193 published"
    assert text.splitlines()[0].startswith(
        f"**Partial: good: {other}; poor: {other}; 1 of 6 items have no score (1 no answer)."
    )
    assert "| good (run here, 1) | 100.0" in text


def test_a_second_run_asks_nothing_and_gives_the_same(settings: dict[str, Any], judge_type: Any) -> None:
    first = judged(settings, judge_type())
    silent = judge_type(lambda text, request: pytest.fail("asked again"))
    settings["output"] += "-again"
    again = judged(settings, silent)
    for name in ("scores.json", "scores.md", "judgements.jsonl", "answers.jsonl", "paper.jsonl"):
        assert (again / name).read_bytes() == (first / name).read_bytes()


def test_rubric_scores_are_compared_too_and_have_no_place_in_the_papers_table(
    settings: dict[str, Any], judge_type: Any
) -> None:
    settings["mbench"]["plan"] = {"protocol": "rubric"}
    done = judged(settings, judge_type())
    assert (done / "paper.jsonl").read_text() == ""
    assert "| good | 100.0 [100.0, 100.0] (n 5)" in (done / "scores.md").read_text(encoding="utf-8")


def test_swapped_orders_are_told(settings: dict[str, Any], judge_type: Any) -> None:
    settings["mbench"]["plan"] = {"protocol": "swap"}
    done = judged(settings, judge_type())
    assert "both orders agree: 100.0 %" in (done / "scores.md").read_text(encoding="utf-8")


def test_nothing_is_published_for_a_judge_that_fails_its_canaries(
    settings: dict[str, Any], judge_type: Any
) -> None:
    with pytest.raises(DataError, match="failed its canaries"):
        judged(settings, judge_type(lambda text, request: "9 9"))
    assert not Path(settings["output"]).exists()


def test_files_are_checked_before_the_judge_is_asked(
    settings: dict[str, Any], judge_type: Any, tmp_path: Path
) -> None:
    judge = judge_type(lambda text, request: pytest.fail("asked"))
    with pytest.raises(ImageError, match="lacks 3 images"):
        judged(with_(settings, images=str(tmp_path)), judge)
    twice = [settings["mbench"]["answers"][0]] * 2
    with pytest.raises(DataError, match=r"of one model \(good, good\)"):
        judged(with_(settings, answers=twice), judge)


@pytest.mark.parametrize("key", ["limit", "reuse"])
def test_a_quick_look_is_refused_and_not_a_whole_run_with_its_bill(
    settings: dict[str, Any], judge_type: Any, tmp_path: Path, key: str
) -> None:
    judge = judge_type(lambda text, request: pytest.fail("asked"))
    with pytest.raises(ConfigError, match=f"'mbench' is of all its samples and takes no '{key}'"):
        judged({**settings, key: 1 if key == "limit" else str(tmp_path)}, judge)


def test_one_judge_is_named(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="name one judge"):
        recipes.build(Config, with_(settings, judge=None))
    with pytest.raises(ConfigError, match="name one judge"):
        recipes.build(Config, with_(settings, replies="replies.jsonl"))


def test_replies_written_by_hand_stand_in_for_a_judge(settings: dict[str, Any], tmp_path: Path) -> None:
    """The file's first line says what it is, and the signature repeats it."""
    replies = [{"contains": "[Assistant 2]\n\n\n[End", "answer": "9 1"}]
    items = load(Path(settings["mbench"]["questions"]), "ar").items
    twin = load(Path(settings["mbench"]["twin"]), "en").items
    replies += [{"contains": f"[Assistant 2]\n{i.reference}", "answer": "9 2"} for i in twin.values()]
    for item in items.values():
        own = f"[Question]\n{item.question}\n\n[Assistant 1]\n{item.reference}\n\n[End of Assistant 1]"
        replies.append({"contains": f"{own}\n\n[Assistant 2]\n{item.reference}", "answer": "9 9"})
    replies.append({"contains": "[Assistant 2]", "answer": "9 3"})
    path = tmp_path / "replies.jsonl"
    lines = ["written by hand", *(json.dumps(row, ensure_ascii=False) for row in replies)]
    path.write_text("\n".join(lines), encoding="utf-8")
    done = evaluate.run(recipes.build(Config, with_(settings, judge=None, replies=str(path))))
    page = (done / "scores.md").read_text(encoding="utf-8")
    assert "judge:written by hand (not the published judge)|host:file" in page
    assert "| poor | 33.3 [33.3, 33.3] (n 4)" in page


ROOT = Path(__file__).parents[3]


def test_the_shipped_recipe_and_the_one_of_the_docs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "paper.md").read_text(encoding="utf-8")
    (tmp_path / "judge.yaml").write_text(page.split("judge.yaml -->\n```yaml\n")[1].split("```")[0])
    for path in (ROOT / "recipes" / "evaluate" / "mbench.yaml", tmp_path / "judge.yaml"):
        found = recipes.load(Config, path, ["mbench.plan.protocol=swap"]).mbench
        assert found is not None
        assert (found.plan.version, found.host) == ("ours", "api.example.org")


@pytest.mark.parametrize("protocol", ["bimedix2", "swap", "geval", "rubric"])
def test_a_judged_folder_is_replayed_from_its_replies(
    settings: dict[str, Any], judge_type: Any, protocol: str, tmp_path: Path
) -> None:
    def say(text: str, request: Any) -> str | None:
        """Prose at the first try of one question."""
        return "It is good." if request.sample == 0 and "[Question]\nما الصبغة" in text else None

    done = judged(with_(settings, plan={"protocol": protocol, "samples": 2}), judge_type(say))
    for name in ("ar.jsonl", "en.jsonl", "good.jsonl", "poor.jsonl", "judge.sqlite"):
        (tmp_path / name).unlink()
    same = evaluate.replay(done)
    assert set(same) == {"scores.json", "scores.md", "judgements.jsonl", "paper.jsonl"}
    replies = (done / "replies.jsonl").read_text(encoding="utf-8").splitlines()
    (done / "replies.jsonl").write_text("\n".join(replies[:-1]) + "\n", encoding="utf-8")
    with pytest.raises((RunError, DataError), match=r"recomputed|failed its canaries"):
        evaluate.replay(done)


def test_every_answer_stands_with_its_question_reference_and_score(
    settings: dict[str, Any], judge_type: Any
) -> None:
    done = judged(settings, judge_type())
    rows = {(row["model"], row["id"]): row for _, row in io.read_jsonl(done / "answers.jsonl")}
    assert len(rows) == 12
    one = rows["good", "0"]
    assert one["answer"] == one["expected"]["reference"]
    assert one["score"] == 100
    assert one["prompt"][0]["text"]
    lost = rows["poor", "5"]
    assert (lost["answer"], lost["score"], lost["failure"]) == (None, None, "no answer")


def test_the_recipes_model_answers_and_is_asked_once(
    settings: dict[str, Any], judge_type: Any, tmp_path: Path
) -> None:
    items = load(Path(settings["mbench"]["questions"]), "ar").items
    for number, item in items.items():
        (tmp_path / item.image).write_bytes(f"picture {number // 2}".encode())
    asked: list[Any] = []

    class Model:
        name, identity = "ours@1", "weights"

        def chat(self, requests: Any) -> Any:
            from bimedix2.llm.backend import Reply

            asked.extend(requests)
            found = {item.question: item.reference for item in items.values()}
            return [Reply(found[r.messages[0].text], self.name, "stop", 1, 1) for r in requests]

    def opener(name: Any, *_: Any) -> Subject:
        assert name == "nano"
        model: Any = Model()
        return Subject(model, model.identity, "template")

    changed = with_(settings, images=str(tmp_path), answers=[])
    with pytest.raises(KeyboardInterrupt):
        judged(changed, judge_type(lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)), opener)
    done = judged(changed, judge_type(), opener)
    assert len(asked) == 6  # what reached the disk before the judge died is not asked again
    assert all(request.images and request.messages[0].images for request in asked)
    (system,) = io.read_json(done / "scores.json")["systems"]
    assert (system["model"], system["result"]["groups"]["overall"]["relative"]) == ("ours@1", 100)
    decoding = {"temperature": 0.0, "max_tokens": 128, "dtype": "float32"}
    assert system["signature"]["asked"] == {
        "checkpoint": "weights", "template": "template", "decoding": decoding, "host": "local",
    }  # fmt: skip
    line = (done / "scores.md").read_text(encoding="utf-8").splitlines()[-1]
    assert ",checkpoint=weights,template=template,host=local,greedy,max_tokens=128,float32|" in line
    assert evaluate.replay(done) == ["judgements.jsonl", "paper.jsonl", "scores.json", "scores.md"]
    both = judged(
        {**with_(settings, images=str(tmp_path)), "model": "nano", "output": f"{done}-3"},
        judge_type(),
        opener,
    )
    assert [one["model"] for one in io.read_json(both / "scores.json")["systems"]] == [
        "good",
        "poor",
        "ours@1",
    ]


def test_its_questions_are_written_out_and_their_answers_come_back(
    settings: dict[str, Any], judge_type: Any, tmp_path: Path
) -> None:
    for number, item in load(Path(settings["mbench"]["questions"]), "ar").items.items():
        (tmp_path / item.image).write_bytes(f"picture {number // 2}".encode())
    changed = {**with_(settings, images=str(tmp_path)), "export": True, "output": str(tmp_path / "questions")}
    folder = evaluate.run(recipes.build(Config, changed))
    rows = [row for _, row in io.read_jsonl(folder / "questions.jsonl")]
    assert [row["question_id"] for row in rows] == [str(n) for n in range(6)]
    assert (folder / rows[0]["images"][0]).read_bytes() == b"picture 0"
    file = tmp_path / "back.jsonl"
    io.write_jsonl(
        file, ({"question_id": row["question_id"], "text": "لا أعرف", "model": "x"} for row in rows)
    )
    done = judged({**with_(settings, answers=[]), "model": {"answers": str(file)}}, judge_type())
    assert [one["model"] for one in io.read_json(done / "scores.json")["systems"]] == ["x"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"plan": {"protocol": "llavamed"}}, "'llavamed' is in English alone"),
        ({"plan": {"protocol": "bimedix2", "prompt": "ours"}}, "has the published prompt"),
        ({"twin": None}, "needs the benchmark's other file"),
    ],
)
def test_what_would_stop_the_judging_is_said_before_a_model_answers(
    settings: dict[str, Any], judge_type: Any, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    """Not after hours of inference."""
    judge = judge_type(lambda text, request: pytest.fail("asked"))
    with pytest.raises((ConfigError, DataError), match=said):
        judged(with_(settings, images=str(tmp_path), answers=[], **changes), judge)


@pytest.mark.parametrize("key", ["tries", "samples", "max_tokens"])
def test_a_plan_without_a_reply_is_refused(settings: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError, match=f"mbench.plan.{key}"):
        recipes.build(Config, with_(settings, plan={key: 0}))


def test_a_question_that_cannot_be_asked_has_no_score_and_its_reason(
    settings: dict[str, Any], judge_type: Any, tmp_path: Path
) -> None:
    """Longer than the context, or a picture that does not open: the others are answered and judged."""
    items = load(Path(settings["mbench"]["questions"]), "ar").items
    for item in items.values():
        (tmp_path / item.image).write_bytes(item.image.encode())

    class Model:
        name, identity = "ours@1", "weights"

        def chat(self, requests: Any) -> Any:
            from bimedix2.llm.backend import Reply

            found = {item.question: item for item in items.values()}
            for request in requests:
                number = found[request.messages[0].text].question_id
                if number == 1:
                    raise ContextError("the conversation is longer than 4 tokens")
                if number == 4:
                    raise ImageError("no picture")
            return [Reply(found[r.messages[0].text].reference, self.name, "stop", 1, 1) for r in requests]

    model: Any = Model()
    done = judged(
        with_(settings, images=str(tmp_path), answers=[]),
        judge_type(),
        lambda *_: Subject(model, "weights", "template"),
    )
    first = (done / "scores.md").read_text(encoding="utf-8").splitlines()[0]
    assert "2 of 6 items have no score" in first
    assert "1 longer than the context, 1 picture cannot be opened" in first
    assert evaluate.replay(done) == ["judgements.jsonl", "paper.jsonl", "scores.json", "scores.md"]
