"""Two finished folders of scores against each other, by sample: numbers by hand, and what is left out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import evaluate, io
from bimedix2.config import build
from bimedix2.errors import DataError, RunError
from bimedix2.evaluate import Config
from bimedix2.evaluate.vqa import scores as vqa
from bimedix2.manifest import RunFolder, read_manifest, verify

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a finished folder of scores with these lines."""

    def write(name: str, lines: list[dict[str, Any]], stated: dict[str, Any] | None = None) -> Path:
        with RunFolder(tmp_path / name, "evaluate", {}) as out:
            io.write_jsonl(out.path / "answers.jsonl", lines)
            if stated is not None:
                io.write_json(out.path / "scores.json", stated)
            return out.publish({}, {"signature": {"benchmark": "b"}})

    return write


def lines(right: str, task: str = "vqa", **more: Any) -> list[dict[str, Any]]:
    """``1`` is right, ``0`` is wrong, ``-`` has no score; a subject a sample."""
    values = {"1": True, "0": False, "-": None}
    return [
        {"task": task, "id": f"s{n}", "role": "model", "right": values[mark], "subject": f"p{n}", **more}
        for n, mark in enumerate(right)
    ]


def run(first: Path, second: Path, **more: Any) -> Path:
    compare = {"folders": [str(first), str(second)], **more}
    return evaluate.run(
        build(Config, {"compare": compare, "output": first.with_name("out"), "resamples": 200})
    )


def test_numbers_worked_out_by_hand(make: Make) -> None:
    """First alone right on 6, second alone on none, both on 2: McNemar's p is 2 / 2^6."""
    done = run(make("a", lines("11111111")), make("b", lines("11000000")))
    verify(done)
    found = io.read_json(done / "scores.json")
    one = found["tasks"]["vqa"]
    assert (one["n"], one["groups"], one["first"], one["second"]) == (8, 8, 1.0, 0.25)
    assert one["difference"]["value"] == 0.75
    assert one["mcnemar"] == {"first only": 6, "second only": 0, "p": pytest.approx(2 / 64)}
    assert one["randomisation"] == {"p": pytest.approx(2 / 64), "exact": True, "rounds": 64}
    assert one["bootstrap"]["p"] < 0.05
    assert found["partial"] == ""
    page = (done / "scores.md").read_text(encoding="utf-8")
    assert page.splitlines()[0].startswith("# ")
    assert "| vqa | 1.0000 | 0.2500 | +0.7500 [" in page
    assert "|value:right|resamples:200|" in page.splitlines()[-1]


def test_samples_of_one_subject_are_one_coin(make: Make) -> None:
    done = run(make("a", lines("111111", subject="p")), make("b", lines("000000", subject="p")))
    one = io.read_json(done / "scores.json")["tasks"]["vqa"]
    assert (one["groups"], one["randomisation"]["p"], one["bootstrap"]["p"]) == (1, 1.0, None)


def test_samples_without_a_partner_are_counted_and_said_first(make: Make) -> None:
    first = [*lines("111-"), {**lines("1")[0], "id": "only here"}]
    second = [*lines("100"), *lines("1", "canary"), {**lines("1")[0], "role": "base"}]
    done = run(make("a", first), make("b", second))
    left = {"only in the first": 2, "only in the second": 1}
    assert read_manifest(done)["counts"] == {"in": 6, "kept": 3, "removed": left}
    page = (done / "scores.md").read_text(encoding="utf-8")
    assert page.splitlines()[0] == "**Partial: of the samples, 2 only in the first, 1 only in the second.**"
    assert [row["id"] for _, row in io.read_jsonl(done / "pairs.jsonl")] == ["s0", "s1", "s2"]


def test_a_number_inside_a_line_is_compared_without_mcnemar(make: Make) -> None:
    first = [
        {"task": "mbench", "id": n, "image": f"i{n // 2}", "scores": {"F1": 0.5 + n / 10}} for n in range(4)
    ]
    second = [{**line, "scores": {"F1": None if line["id"] == 3 else 0.5}} for line in first]
    done = run(make("a", first), make("b", second), value="scores.F1")
    one = io.read_json(done / "scores.json")["tasks"]["mbench"]
    assert one["difference"]["value"] == pytest.approx(0.1)
    assert (one["n"], one["groups"], one["mcnemar"]) == (3, 2, None)
    assert io.read_json(done / "scores.json")["left out"] == {"without a score in one of them": 1}


def test_parts_are_told_apart_and_their_p_values_adjusted(make: Make) -> None:
    first = [*lines("1111"), *lines("1111", prompt="chat"), *lines("1111", condition="swapped")]
    second = [*lines("0000"), *lines("1111", prompt="chat"), *lines("0000", condition="swapped")]
    tasks = io.read_json(run(make("a", first), make("b", second)) / "scores.json")["tasks"]
    assert list(tasks) == ["vqa", "vqa, chat", "vqa, swapped"]
    assert tasks["vqa"]["randomisation"]["p"] == 2 / 16
    assert tasks["vqa"]["p, Holm"] == 3 * 2 / 16


@pytest.mark.parametrize(
    ("first", "second", "more", "said"),
    [
        ("11", "", {}, "has no line"),
        ("1", "-", {}, "share no scored sample"),
        ("1", "1", {"value": "score"}, "has no 'score'; name a field of it in compare.value"),
        ("1", "1", {"value": "subject"}, "is 'p0', no number"),
        ("1", "1", {"group": "patient"}, "has no 'patient' to group by"),
    ],
)
def test_what_cannot_be_compared_is_said(
    make: Make, first: str, second: str, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        run(make("a", lines(first)), make("b", lines(second)), **more)


def test_two_systems_in_one_folder_are_chosen_by_name(make: Make) -> None:
    both = make("a", [*lines("11", model="x"), *lines("00", model="y")])
    with pytest.raises(
        DataError, match=r"'s0' of vqa is there twice; it holds x, y: name one in compare\.systems"
    ):
        run(both, both)
    one = io.read_json(run(both, both, systems=["x", "y"]) / "scores.json")["tasks"]["vqa"]
    assert one["difference"]["value"] == 1


def test_a_comparison_is_replayed_from_its_pairs(make: Make) -> None:
    done = run(make("a", lines("1110")), make("b", lines("1001")))
    assert evaluate.replay(done) == ["scores.json", "scores.md"]
    pairs = (done / "pairs.jsonl").read_text(encoding="utf-8")
    (done / "pairs.jsonl").write_text(pairs.replace('"second": false', '"second": true', 1), encoding="utf-8")
    with pytest.raises(RunError, match=r"'tasks\.vqa\.second' is 0\.5, recomputed 0\.75"):
        evaluate.replay(done)


def visual(gold: str, answer: str | None, benchmark: str = "slake") -> dict[str, Any]:
    """A line of the kind ``vqa``; without an answer it has no scores."""
    scores = None if answer is None else vqa.score(gold, answer, "compat")
    row = {"benchmark": benchmark, "id": f"{benchmark}/{gold}", "language": "en", "gold": gold}
    return {**row, "image": f"{benchmark} {gold}", "scores": scores}


def test_benchmarks_of_one_folder_are_not_pooled(make: Make) -> None:
    first = [visual("lung", "lung"), visual("axial", "axial", "vqa_rad"), visual("left", "left", "vqa_rad")]
    second = [visual("lung", "heart"), visual("axial", "axial", "vqa_rad"), visual("left", None, "vqa_rad")]
    found = io.read_json(run(make("a", first), make("b", second), value="scores.recall") / "scores.json")
    tasks = {name: (one["n"], one["difference"]["value"]) for name, one in found["tasks"].items()}
    assert tasks == {"slake, en": (1, 1.0), "vqa_rad, en": (1, 0.0)}
    assert found["left out"] == {"without a score in one of them": 1}


def test_open_questions_are_in_no_mean_over_closed_ones(make: Make) -> None:
    """MultiMedEval counts an open question as 0 there; a mean over all would be halved in silence."""
    first = [visual("yes", "yes"), visual("left lung", "left lung")]
    second = [visual("yes", "no"), visual("left lung", "left lung")]
    for value, wanted in (("closedQuestionsAccuracy", 1.0), ("openQuestionsAccuracy", 0.0)):
        folders = make(f"{value} a", first), make(f"{value} b", second)
        done = run(*folders, value=f"scores.{value}")
        one = io.read_json(done / "scores.json")["tasks"]["slake, en"]
        assert (one["n"], one["first"], one["difference"]["value"]) == (1, 1.0, wanted)
        done.rename(done.with_name(value))


SIDES = (("probe", "off"), ("twin", "off"), ("probe", "on"))


def test_probes_and_twins_with_and_without_safeguards_are_parts(make: Make) -> None:
    def asked(right: str) -> list[dict[str, Any]]:
        return [
            {"role": role, "safeguards": side, "language": "en", "id": f"{role} {n}", "pair": f"{role} {n}",
             "images": [], "subject": None, "source": "safety texts", "verdict": {"right": mark == "1"}}
            for (role, side), marks in zip(SIDES, right.split(), strict=True)
            for n, mark in enumerate(marks)
        ]  # fmt: skip

    done = run(make("a", asked("11 00 11")), make("b", asked("00 00 11")), value="verdict.right")
    tasks = io.read_json(done / "scores.json")["tasks"]
    found = {name: (one["first"], one["second"], one["groups"]) for name, one in tasks.items()}
    assert found == {
        "probe, off, en": (1.0, 0.0, 2),
        "probe, on, en": (1.0, 1.0, 2),
        "twin, off, en": (0.0, 0.0, 2),
    }


def test_what_is_partial_in_a_folder_is_partial_here(make: Make) -> None:
    first = make("a", lines("11", model="x"), {"systems": [{"model": "x", "partial": "1 of 3 has no score"}]})
    second = make("b", lines("10", model="y"), {"partial": ["slake: 2 of 1061 published questions"]})
    done = run(first, second)
    said = "the first is partial: x: 1 of 3 has no score; the second is partial: slake: 2 of 1061 published"
    assert (done / "scores.md").read_text(encoding="utf-8").startswith(f"**Partial: {said} questions.**")
    assert evaluate.replay(done) == ["scores.json", "scores.md"]


def test_samples_with_another_right_answer_are_no_pair(make: Make) -> None:
    """The same ids in two versions of a benchmark, or in two benchmarks."""
    first = [{**line, "gold": gold} for line, gold in zip(lines("111"), "abc", strict=True)]
    second = [{**line, "gold": gold} for line, gold in zip(lines("10-"), "axy", strict=True)]
    found = io.read_json(run(make("a", first), make("b", second)) / "scores.json")
    left = {"with another right answer in the other": 1, "without a score in one of them": 1}
    assert (found["left out"], found["tasks"]["vqa"]["n"]) == (left, 1)
