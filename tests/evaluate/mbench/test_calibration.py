"""People score what a judge scored: the sealed sample, figures by hand, the sentence beside the scores."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bimedix2 import config as recipes
from bimedix2 import evaluate
from bimedix2.errors import ConfigError, DataError, ImageError, RunError
from bimedix2.evaluate import Config
from bimedix2.evaluate.mbench import calibration
from bimedix2.evaluate.mbench.folder import run
from bimedix2.evaluate.mbench.load import load
from bimedix2.evaluate.trial.calibration import draw, scores
from bimedix2.evaluate.trial.scores import Plan
from bimedix2.llm.cache import Cache, Cached
from bimedix2.manifest import read_manifest, verify
from bimedix2.review import close_batch, open_batch
from bimedix2.review.settings import Config as Review
from bimedix2.review.store import Store
from bimedix2.review.trial.room import Room

ALPHA, BETA = "Alpha-7B", "Beta-3B"
CHANGES = {ALPHA: lambda reference: reference, BETA: lambda reference: " ".join(reference.split()[:3])}
Rule = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]
"""A sealed item and the key to it, to a choice."""


class Bench:
    """A judged benchmark of six Arabic questions and two systems, and what people do with a sample of it."""

    def __init__(self, folder: Path, questions: Path, twin: Path, judge: Any) -> None:
        self.folder, self.judge = folder, judge
        (folder / "pictures").mkdir()
        for number in range(3):
            Image.new("L", (60, 40), 60 * number).save(folder / "pictures" / f"invented_{number}.jpg")
        answers = []
        for name, change in CHANGES.items():
            items = load(questions, "ar").items
            rows = [{"question_id": n, "text": change(i.reference), "model": name} for n, i in items.items()]
            rows = rows[:-1] if name == BETA else rows
            answers.append(folder / f"{name}.jsonl")
            answers[-1].write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        self.recipe: dict[str, Any] = {
            "questions": str(questions),
            "twin": str(twin),
            "language": "ar",
            "images": str(folder / "pictures"),
            "answers": [str(path) for path in answers],
            "judge": {"base_url": "http://judge.test/v1", "model": "m"},
            "cache": str(folder / "judge.sqlite"),
            "canaries": 3,
        }

    def judged(self, output: str = "judged-answers", judge: Any = None, **changes: Any) -> Path:
        @contextmanager
        def open_it(config: Config) -> Iterator[Cached]:
            assert config.mbench is not None
            with Cache(config.mbench.cache) as cache:
                yield Cached(judge or self.judge, cache)

        given = {"mbench": {**self.recipe, **changes}, "output": str(self.folder / output), "resamples": 100}
        never = lambda *_: pytest.fail("a model was opened")  # noqa: E731
        return run(recipes.build(Config, given), never, open_it)

    def seal(self, **changes: Any) -> Path:
        calibrate = {"judged": str(self.folder / "judged-answers"), "size": 8, **changes}
        return evaluate.run(
            recipes.build(Config, {"output": str(self.folder / "sealed"), "trial": {"calibrate": calibrate}})
        )

    def items(self) -> list[dict[str, Any]]:
        text = (self.folder / "sealed" / "items.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def key(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.folder / "sealed.key.json").read_text(encoding="utf-8"))
        return value

    def score(self, rules: dict[str, Rule]) -> Path:
        settings = Review.model_validate(
            {
                "kind": "trial",
                "input": str(self.folder / "sealed"),
                "store": str(self.folder / "people.sqlite"),
                "output": str(self.folder / "people"),
                "people": [{"name": name, "role": "reviewer"} for name in rules],
                "overlap": len(rules),
            }
        )
        rows, keys = {row["id"]: row for row in self.items()}, self.key()["items"]
        open_batch(settings)
        with Store(settings.store) as store:
            room = Room(store, settings)
            for name, rule in rules.items():
                while (standing := room.next_for(name)) is not None:
                    item = standing.item.id
                    room.choose(name, item, {"seconds": 5.0, **rule(rows[item], keys[item])})
        return close_batch(settings)

    def read(self, people: Path, output: str = "calibration") -> Path:
        read = {
            "sealed": str(self.folder / "sealed"),
            "judgements": str(people),
            "key": str(self.folder / "sealed.key.json"),
            "by": "huda",
        }
        given = {"output": str(self.folder / output), "trial": {"read": read}, "resamples": 100}
        return evaluate.run(recipes.build(Config, given))


def as_the_judge(item: dict[str, Any], key: dict[str, Any]) -> dict[str, Any]:
    """Somebody who says just what the judge says, whole numbers of it."""
    given = {}
    for scale in item["scales"]:
        value = key["judge"][key["marks"][scale["id"]]]
        given[scale["id"]] = value if isinstance(value, str) else str(round(value))
    return {"choice": "scored", "scores": given}


def abstains(_: dict[str, Any], __: dict[str, Any]) -> dict[str, Any]:
    return {"choice": "abstain"}


def stated(folder: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    return value


def page(folder: Path) -> str:
    return (folder / "scores.md").read_text(encoding="utf-8")


@pytest.fixture
def bench(tmp_path: Path, arabic_file: Path, english_file: Path, judge_type: Any) -> Bench:
    return Bench(tmp_path, arabic_file, english_file, judge_type())


def test_from_a_judged_benchmark_to_the_sentence_beside_its_scores(
    bench: Bench, judge_type: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    done = bench.judged()
    assert calibration.NONE in page(done)
    assert stated(done)["calibration"] is None
    sealed = bench.seal()
    verify(sealed)
    told = (sealed / "sealed.md").read_text(encoding="utf-8")
    assert "8 answers of 11 that a judge scored by the protocol `bimedix2`" in told
    assert "cannot be drawn: 1 no answer" in told
    assert read_manifest(sealed)["counts"] == {
        "in": 12,
        "kept": 8,
        "removed": {"no answer": 1, "not-sampled": 3},
    }
    read = bench.read(bench.score({"amal": as_the_judge, "omar": as_the_judge}))
    verify(read)
    found = stated(read)
    candidate = found["columns"]["candidate"]
    assert abs(candidate["each"]["bias"]["value"]) < 0.5
    assert candidate["each"]["pairs"] == 16
    assert candidate["each"]["agreement"]["value"] == 1.0
    assert candidate["each"]["weighted_kappa"]["value"] > 0.95
    assert candidate["people"]["krippendorff_alpha"]["value"] == 1.0
    assert found["columns"]["verdict"]["each"]["kappa"]["value"] == 1.0
    assert found["columns"]["verdict"]["people"]["fleiss_kappa"]["value"] == 1.0
    assert found["partial"] == ""
    assert "Judge calibrated on 8 items by 2 raters: weighted kappa" in page(read)
    assert evaluate.replay(read) == ["scores.json", "scores.md"]

    silent = judge_type(lambda text, request: pytest.fail("the judge was asked again"))
    again = bench.judged("again", silent, answers=[str(done)], calibration=str(read))
    assert found["calibration"]["sentence"] in page(again)
    assert "of other questions" not in page(again)
    assert evaluate.replay(again)
    for name in ("judgements.jsonl", "answers.jsonl"):
        assert (again / name).read_bytes() == (done / name).read_bytes()
    assert stated(again)["systems"] == stated(done)["systems"]
    capsys.readouterr()


def test_nothing_in_the_sealed_folder_tells_the_judges_scores_or_a_system(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.judged()
    monkeypatch.setattr(
        draw.secrets, "token_hex", lambda _: "00"
    )  # a secret seed gives 8 alike 1 time in 128
    sealed = bench.seal()
    keys = bench.key()["items"]
    sides = set()
    for item in bench.items():
        opened = keys[item["id"]]
        assert item.keys().isdisjoint({"score", "judge", "system", "verdict"})
        assert [scale["id"] for scale in item["scales"]] == ["A", "B"]
        assert all(scale["values"] == [str(n) for n in range(1, 11)] for scale in item["scales"])
        assert item["reference"] == ""  # it is one of the two
        assert item["context"].startswith("الشكل 1: شكل مخترع.")
        texts = {opened["labels"][answer["label"]]: answer["text"] for answer in item["answers"]}
        question = load(Path(bench.recipe["questions"]), "ar").items[opened["question"]]
        assert texts == {
            "candidate": CHANGES[opened["system"]](question.reference),
            "reference": question.reference,
        }
        sides.add(opened["labels"]["A"])
    assert {one["system"] for one in keys.values()} == {ALPHA, BETA}
    assert sides == {"candidate", "reference"}  # drawn anew for every item
    for path in sealed.rglob("*"):
        if path.suffix in (".json", ".jsonl", ".md"):
            text = path.read_text(encoding="utf-8")
            assert ALPHA not in text
            assert "rule@1" not in text


def test_the_sample_is_even_and_the_same_for_a_seed(bench: Bench) -> None:
    bench.judged()
    bench.seal(size=6)
    strata = json.loads((bench.folder / "sealed" / "strata.json").read_text(encoding="utf-8"))
    # Chest, a slide described, a slide asked of, MRI; each of two systems.
    assert sorted(row["taken"] for row in strata) == [0, 0, 1, 1, 1, 1, 1, 1]
    assert {row["system"] for row in strata} == {"1", "2"}
    first = [(one["system"], one["question"]) for one in bench.key()["items"].values()]
    again = recipes.build(
        Config,
        {
            "output": str(bench.folder / "second"),
            "trial": {"calibrate": {"judged": str(bench.folder / "judged-answers"), "size": 6}},
        },
    )
    evaluate.run(again)
    key = json.loads((bench.folder / "second.key.json").read_text(encoding="utf-8"))
    assert [(one["system"], one["question"]) for one in key["items"].values()] == first


def test_geval_and_rubric_ask_for_what_the_judge_gives(bench: Bench) -> None:
    bench.judged(plan={"protocol": "rubric"})
    bench.seal(size=4)
    item = bench.items()[0]
    assert [scale["id"] for scale in item["scales"]][-2:] == ["in_language", "harmful"]
    assert item["scales"][0] == {
        "id": "fact-1",
        "label": "A",
        "name": "fact",
        "text": "The first thing that the reference states.",
        "values": ["present", "contradicted", "absent"],
    }
    assert item["reference"]
    read = bench.read(bench.score({"amal": as_the_judge}))
    found = stated(read)["columns"]
    assert found["facts"]["each"]["agreement"]["value"] == 1.0
    assert found["facts"]["each"]["pairs"] == 8
    assert found["score"]["each"]["bias"]["value"] == 0.0
    assert "kappa" in stated(read)["calibration"]["sentence"]


def test_geval_scores_every_dimension(bench: Bench) -> None:
    bench.judged(plan={"protocol": "geval", "samples": 2})
    bench.seal(size=4)
    item = bench.items()[0]
    names = ["accuracy", "completeness", "relevance", "language", "harm"]
    assert [scale["id"] for scale in item["scales"]] == names
    assert item["scales"][0]["values"] == ["1", "2", "3", "4", "5"]
    assert item["scales"][0]["text"].startswith("Whether what the answer says")
    found = stated(bench.read(bench.score({"amal": as_the_judge})))["columns"]
    assert found["all dimensions"]["each"]["pairs"] == 20
    assert found["all dimensions"]["each"]["distance"]["value"] == 0.0
    assert found["score"]["each"]["bias"]["value"] == 0.0


def test_what_is_missing_makes_it_partial_and_is_counted(bench: Bench) -> None:
    bench.judged()
    bench.seal(size=20)

    def sometimes(item: dict[str, Any], key: dict[str, Any]) -> dict[str, Any]:
        return abstains(item, key) if item["id"] == "001" else as_the_judge(item, key)

    read = bench.read(bench.score({"amal": sometimes, "omar": sometimes}))
    found = stated(read)
    assert found["partial"] == "11 answers were drawn of 20 wanted; on 1 items everybody abstained"
    assert page(read).startswith("**Partial: 11 answers were drawn of 20 wanted;")
    counts = found["counts"]
    assert (counts["scored"], counts["abstain"], counts["abstained_by_all"], counts["scored_items"]) == (
        20,
        2,
        1,
        10,
    )
    assert counts["unjudged"] == {"no answer": 1}
    assert read_manifest(read)["counts"] == {"in": 22, "kept": 20, "removed": {"abstained": 2}}
    again = bench.judged("again", calibration=str(read))
    assert "That calibration is partial: 11 answers were drawn of 20 wanted" in page(again)


def test_nobody_scored_anything(bench: Bench) -> None:
    bench.judged()
    bench.seal()
    read = bench.read(bench.score({"amal": abstains}))
    assert "Nobody has scored an item" in page(read)
    again = bench.judged("again", calibration=str(read))
    assert calibration.NONE in page(again)


def test_the_calibration_of_another_judge_is_refused(bench: Bench, judge_type: Any) -> None:
    bench.judged()
    bench.seal(size=4)
    read = bench.read(bench.score({"amal": as_the_judge}))
    with pytest.raises(DataError, match="is of the judge 'rule@1', and here it is 'other@1'"):
        bench.judged("other", judge_type(name="other@1"), calibration=str(read))
    with pytest.raises(DataError, match="is of the protocol 'bimedix2', and here it is 'swap'"):
        bench.judged("swap", plan={"protocol": "swap"}, calibration=str(read))
    with pytest.raises(RunError, match="is no calibration of a judge"):
        bench.judged("none", calibration=str(bench.folder / "judged-answers"))


def test_what_cannot_be_drawn_is_refused_with_the_next_action(bench: Bench, tmp_path: Path) -> None:
    bench.judged()
    with pytest.raises(ConfigError, match="has no system 'Gamma'; it has: Alpha-7B, Beta-3B"):
        bench.seal(systems=["Gamma"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="lacks 3 images"):
        bench.seal(images=str(tmp_path / "empty"))
    with pytest.raises(RunError, match="holds no judged benchmark"):
        bench.seal(judged=str(bench.seal(size=2)))


def row(
    item: int, judge: tuple[float, float], *people: tuple[int, int] | None, **more: Any
) -> dict[str, Any]:
    """A line of a calibration: candidate and reference, of the judge and of people; ``None`` abstains."""
    marks = [
        {"key": key, "name": "overall", "text": "", "label": label, "values": [], "judge": value}
        for key, label, value in zip(("candidate", "reference"), "AB", judge, strict=True)
    ]
    given = []
    for name, said in zip(("amal", "omar", "sara"), people, strict=False):
        scored = {} if said is None else {"candidate": str(said[0]), "reference": str(said[1])}
        one = {"rater": name, "choice": "abstain" if said is None else "scored", "scores": scored}
        given.append({**one, "notes": "", "seconds": None, "time": "", "revisions": 0})
    verdict = "win" if judge[0] > judge[1] else "loss" if judge[0] < judge[1] else "tie"
    facets = {"system": "a", "type": "conversation", "domain": "mri", "cluster": f"picture-{item // 2}"}
    scored_ = {"score": 100 * judge[0] / judge[1], "verdict": verdict, "marks": marks, "judgements": given}
    return {"item": str(item), **facets, **scored_, **more}


ABOUT = {"protocol": "bimedix2", "wanted": 4, "judged_answers": 9, "unjudged": {"prose": 1}}
FOUR = [((8, 8), (7, 8)), ((6, 7), (6, 5)), ((4, 3), (5, 6)), ((9, 9), (9, 9))]
"""Candidate and reference, of the judge and of a person."""


def test_every_figure_by_hand() -> None:
    """The judge's candidates 8 6 4 9, a person's 7 6 5 9: differences 1 0 -1 0; both means 6.75, variances
    3.6875 and 2.1875, covariance 2.6875. Verdicts tie loss win tie against loss win loss tie."""
    rows = [row(n, judge, person) for n, (judge, person) in enumerate(FOUR)]
    found = scores.values(rows, ABOUT, Plan(100, 0))["columns"]
    one = {name: figure["value"] for name, figure in found["candidate"]["each"].items() if name != "pairs"}
    assert one == {
        "weighted_kappa": pytest.approx(1 - 0.5 / (3.6875 + 2.1875)),
        "spearman": pytest.approx(1.0),
        "pearson": pytest.approx(2.6875 / (3.6875 * 2.1875) ** 0.5),
        "bias": 0.0,
        "distance": 0.5,
        "agreement": 0.5,
        "within_one": 1.0,
    }
    # Chance: tie 2/4 x 1/4, loss 1/4 x 2/4, win 1/4 x 1/4 = 5/16; one of four is the same.
    verdict = found["verdict"]["each"]
    assert verdict["agreement"]["value"] == 0.25
    assert verdict["kappa"]["value"] == pytest.approx((4 / 16 - 5 / 16) / (11 / 16))
    relative = found["relative score"]["each"]["bias"]["value"]
    theirs = [100 * 7 / 8, 100 * 6 / 5, 100 * 5 / 6, 100.0]
    assert relative == pytest.approx(sum([100, 600 / 7, 400 / 3, 100]) / 4 - sum(theirs) / 4)
    assert found["candidate"]["people"] == {}
    assert "mean" not in found["candidate"]


def test_several_people_are_compared_one_by_one_with_their_mean_and_with_each_other() -> None:
    rows = [row(n, judge, person, (person[0] + 1 if person[0] < 9 else 9, person[1]), None if n else (7, 8))
            for n, (judge, person) in enumerate(FOUR)]  # fmt: skip
    found = scores.values(rows, ABOUT, Plan(100, 0))
    column = found["columns"]["candidate"]
    assert column["each"]["pairs"] == 9
    assert column["raters"]["omar"]["bias"]["value"] == -0.75
    assert column["raters"]["sara"]["pairs"] == 1
    assert column["raters"]["sara"]["bias"]["low"] is None  # one picture says nothing about the next
    assert column["mean"]["bias"]["value"] == pytest.approx((8 - 22 / 3 + 6 - 6.5 + 4 - 5.5 + 0) / 4)
    assert column["people"]["krippendorff_alpha"]["items"] == 4
    kappa = found["columns"]["verdict"]["people"]["fleiss_kappa"]
    assert (kappa["items"], kappa["ratings"]) == (3, 2)
    assert found["counts"]["abstain"] == 3
    assert found["counts"]["raters"] == 3
    assert found["groups"]["domain"]["mri"]["pairs"] == 9


def test_intervals_draw_pictures_again() -> None:
    """Two pictures of two items each: resamples are one twice, both, or the other twice."""
    rows = [row(n, judge, person) for n, (judge, person) in enumerate(FOUR)]
    bias = scores.values(rows, ABOUT, Plan(2000, 0))["columns"]["candidate"]["each"]["bias"]
    assert (bias["low"], bias["high"]) == (-0.5, 0.5)
