"""From judgements to figures: what is un-blinded is logged, and every figure recomputes by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import io
from bimedix2.config import build
from bimedix2.errors import DataError, RunError
from bimedix2.evaluate import Config, replay, run
from bimedix2.evaluate.paper import ours, published
from bimedix2.evaluate.trial.judgements import Judged, Opened
from bimedix2.evaluate.trial.scores import Plan, values
from bimedix2.manifest import read_manifest, verify
from bimedix2.stats.exact import clopper_pearson

BEST, SECOND, THIRD = "BiMediX2-8B", "LLaVA-Med", "Dragonfly-Med"


def scores(folder: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    return value


def test_from_sealing_to_the_paper_row(bench: Any) -> None:
    bench.seal()
    judged = bench.judge(
        {"amal": bench.prefer(BEST), "omar": bench.prefer(BEST), "sara": bench.prefer(BEST, SECOND)}
    )
    folder = run(bench.reading(judged))
    verify(folder)
    found = scores(folder)
    best = found["models"][BEST]["best"]
    assert (best["count"], best["of"], best["share"]) == (24, 24, 1.0)
    assert (best["low"], best["high"]) == clopper_pearson(24, 24)
    assert found["models"][SECOND]["tied"] == found["counts"]["tie"] == 12
    assert found["models"][BEST]["items_won"] == {
        **best,
        "count": 12,
        "of": 12,
        "low": pytest.approx(0.7354, abs=1e-4),
    }
    # Of each item: two wins over both others, and a tie of two that both win over the third.
    strengths = found["bradley_terry"]
    assert strengths[BEST]["strength"] == pytest.approx(5 / 6)  # 2.5 wins of 3 over the second
    assert strengths[THIRD]["strength"] == 0
    assert found["pairs"][0] == {
        "models": [BEST, SECOND],
        "tied": 12,
        **{k: best[k] for k in ("count", "of", "share", "low", "high")},
    }
    assert found["agreement"]["all_the_same"]["count"] == 0
    assert found["counts"]["per_item"] == {"3": 12}
    rows = ours.read([folder])
    table = ours.arrange(rows, published.load()).of("section-a51")
    assert {row.model: row.values["preferred"] for row in table} == {BEST: 100.0, SECOND: 0.0, THIRD: 0.0}


def test_every_answer_is_on_disk_under_its_model(bench: Any) -> None:
    bench.seal()
    folder = run(bench.reading(bench.judge({"amal": bench.prefer(SECOND)})))
    rows = [json.loads(line) for line in (folder / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 12
    for row in rows:
        for answer in row["answers"]:
            assert answer["answer"] == bench.texts[answer["model"]][row["id"]]
        (said,) = row["judgements"]
        assert said["best"] == [SECOND]
        assert said["labels"] == [a["label"] for a in row["answers"] if a["model"] == SECOND]
        assert said["seconds"] == 5.0


def test_the_figures_are_replayed_from_the_logs(bench: Any) -> None:
    bench.seal()
    rules = {"amal": bench.prefer(BEST), "omar": bench.prefer(SECOND, THIRD), "sara": bench.abstain}
    folder = run(bench.reading(bench.judge(rules)))
    assert replay(folder) == ["paper.jsonl", "scores.json", "scores.md"]
    manifest = read_manifest(folder)["recipe"]
    assert build(Config, manifest).kind == "trial"
    answers = folder / "answers.jsonl"
    text = answers.read_text(encoding="utf-8")
    answers.write_text(text.replace('"choice": "tie"', '"choice": "abstain"', 1), encoding="utf-8")
    with pytest.raises(RunError, match=r"scores\.json"):
        replay(folder)


def test_the_un_blinding_is_logged_beside_the_key_and_in_the_result(bench: Any) -> None:
    bench.seal()
    judged = bench.judge({"amal": bench.prefer(BEST)})
    first = run(bench.reading(judged))
    second = run(bench.reading(judged, "again", by="omar"))
    log = [json.loads(line) for line in Path(f"{bench.key}.unblinded.jsonl").read_text().splitlines()]
    assert [line["by"] for line in log] == ["huda", "omar"]
    assert all(line["key_sha256"] == io.sha256_file(bench.key) for line in log)
    assert read_manifest(first)["unblinding"] == log[0]
    assert read_manifest(second)["unblinding"] == log[1]
    assert len((second / "unblinding.jsonl").read_text().splitlines()) == 2
    assert "| omar | " in (second / "scores.md").read_text(encoding="utf-8")


def test_a_failed_reading_opens_no_key(bench: Any) -> None:
    bench.seal()
    judged = bench.judge({"amal": bench.prefer(BEST)})
    log = Path(f"{bench.key}.unblinded.jsonl")
    (bench.folder / "there").mkdir()
    with pytest.raises(RunError, match="immutable"):
        run(bench.reading(judged, "there"))
    with pytest.raises(RunError, match="no judgements of a trial"):
        run(bench.reading(bench.records))
    key = bench.key.read_text(encoding="utf-8")
    bench.key.write_text(key.replace('"A"', '"B"', 1), encoding="utf-8")
    with pytest.raises(RunError, match="is not the key of"):
        run(bench.reading(judged))
    assert not log.exists()


def test_judgements_of_another_trial_are_refused(bench: Any) -> None:
    bench.seal()
    judged = bench.judge({"amal": bench.prefer(BEST)})
    other = bench.config(key=str(bench.folder / "other.json")).model_copy(
        update={"output": bench.folder / "other"}
    )
    run(other)
    config = bench.reading(judged, sealed=str(bench.folder / "other"), key=str(bench.folder / "other.json"))
    with pytest.raises(RunError, match="of another trial"):
        run(config)


def test_a_changed_folder_is_refused(bench: Any) -> None:
    folder = bench.seal()
    judged = bench.judge({"amal": bench.prefer(BEST)})
    items = folder / "items.jsonl"
    items.write_text(items.read_text(encoding="utf-8").replace("left", "right"), encoding="utf-8")
    with pytest.raises(RunError, match="was changed after the run"):
        run(bench.reading(judged))


def test_part_of_the_judgements_is_a_partial_result(bench: Any) -> None:
    bench.seal()
    given = iter(range(5))

    def few(row: Any, labels: Any) -> tuple[str, list[str]]:
        done: tuple[str, list[str]] = bench.prefer(BEST)(row, labels)
        return done if next(given, None) is not None else ("stop", [])

    judged = bench.judge({"amal": few, "omar": bench.prefer(THIRD)}, unfinished=True)
    folder = run(bench.reading(judged))
    page = (folder / "scores.md").read_text(encoding="utf-8")
    assert page.startswith(
        "**Partial: 7 of 12 items have fewer than 2 judgements. These numbers are no whole"
    )
    assert scores(folder)["partial"]
    assert all(row.partial for row in ours.read([folder]))


def test_abstentions_count_for_nothing_and_are_told(bench: Any) -> None:
    bench.seal()
    judged = bench.judge({"amal": bench.prefer(BEST), "omar": bench.abstain})
    folder = run(bench.reading(judged))
    found = scores(folder)
    assert (found["counts"]["best"], found["counts"]["abstain"]) == (12, 12)
    assert found["models"][BEST]["best"]["of"] == 12
    assert found["agreement"] == {}
    assert read_manifest(folder)["counts"]["removed"] == {"abstained": 12}
    page = (folder / "scores.md").read_text(encoding="utf-8")
    assert "No item has two ratings" in page


def test_nobody_chose_one_best(bench: Any) -> None:
    bench.seal()
    folder = run(bench.reading(bench.judge({"amal": bench.abstain})))
    found = scores(folder)
    assert found["models"][BEST]["best"]["share"] is None
    assert found["bradley_terry"] == {}
    assert (folder / "paper.jsonl").read_text() == ""


def test_the_page_has_the_papers_shares_and_says_what_they_are_multiples_of(bench: Any) -> None:
    bench.seal()
    folder = run(bench.reading(bench.judge({"amal": bench.prefer(BEST)})))
    page = (folder / "scores.md").read_text(encoding="utf-8")
    for words in (
        "| paper: BiMediX2 | 76.9 |",
        "| paper: Dragonfly-Med | 15.4 |",
        "| paper: LLaVA-Med | 7.7 |",
    ):
        assert words in page
    assert "10, 2 and 1 of 13" in page
    assert "46.2 to 95.0 %" in page  # Clopper-Pearson of 10 of 13
    assert page.splitlines()[-1].startswith("`trial:")


def opened(choices: list[tuple[str, str, str, tuple[str, ...]]]) -> Opened:
    """A trial of models x, y and z, labels A, B and C on every item, from (item, rater, choice, best)."""
    labels = {"A": "x", "B": "y", "C": "z"}
    back = {model: label for label, model in labels.items()}
    names = sorted({item for item, *_ in choices})
    item = {"domain": "mri", "type": "qa"}
    return Opened(
        models=("x", "y", "z"),
        items={n: {**item, "language": "en" if n < "3" else "ar", "cluster": n} for n in names},
        key={"items": {n: {"labels": labels} for n in names}},
        judged=[
            Judged(n, rater, choice, best, tuple(back[b] for b in best), "", 2.0, "", 0)
            for n, rater, choice, best in choices
        ],
        sealed={"labels": ["A", "B", "C"]},
        closed={},
    )


def test_fleiss_kappa_by_hand() -> None:
    """Items xx, yy, xy: observed (1 + 1 + 0) / 3, expected 1/2, so kappa is (2/3 - 1/2) / (1/2)."""
    trial = opened(
        [
            ("1", "a", "best", ("x",)),
            ("1", "b", "best", ("x",)),
            ("2", "a", "best", ("y",)),
            ("2", "b", "best", ("y",)),
            ("3", "a", "best", ("x",)),
            ("3", "b", "best", ("y",)),
        ]
    )
    found = values(trial, Plan(200, 0))
    assert found["agreement"]["fleiss_kappa"]["value"] == pytest.approx(1 / 3)
    assert found["agreement"]["fleiss_kappa"]["items"] == 3
    assert found["agreement"]["all_the_same"]["count"] == 2
    assert found["models"]["x"]["items_won"]["of"] == 2  # the third item has no winner
    assert found["strata"]["language"]["ar"]["models"]["x"] == {
        "count": 1,
        "of": 2,
        "share": 0.5,
        **dict(zip(("low", "high"), clopper_pearson(1, 2), strict=True)),
    }


def test_kappa_is_of_items_that_are_rated_as_often_as_most() -> None:
    choices = [(str(n), rater, "best", ("x" if n % 2 else "y",)) for n in range(4) for rater in "abc"]
    choices += [("9", "a", "best", ("x",)), ("9", "b", "tie", ("x", "y")), ("9", "c", "abstain", ())]
    found = values(opened(choices), Plan(200, 0))
    assert found["agreement"]["fleiss_kappa"] == {
        "value": 1.0,
        "low": 1.0,
        "high": 1.0,
        "items": 4,
        "ratings": 3,
    }
    assert found["agreement"]["krippendorff_alpha"]["items"] == 5
    assert found["agreement"]["krippendorff_alpha"]["value"] < 1


def test_the_papers_thirteen_judgements() -> None:
    who = ["x"] * 10 + ["y"] * 2 + ["z"]
    found = values(opened([(str(n), "a", "best", (one,)) for n, one in enumerate(who)]), Plan(200, 0))
    shares = [round(100 * found["models"][model]["best"]["share"], 1) for model in "xyz"]
    assert shares == [76.9, 15.4, 7.7]
    assert found["bradley_terry"]["x"]["strength"] == pytest.approx(10 / 13)
    assert found["labels"]["A"]["count"] == 10


def test_a_wrong_judgement_is_named() -> None:
    from bimedix2.evaluate.trial.judgements import _check, _refuse_doubles

    items = {"001": {"answers": [{"label": "A"}, {"label": "B"}]}}
    good = {"item": "001", "rater": "amal", "choice": "best", "labels": ["A"]}
    _check(good, items, "line 1")
    for change in (
        {"labels": ["C"]},
        {"labels": []},
        {"choice": "tie"},
        {"choice": "tie", "labels": ["A", "A"]},
        {"choice": "abstain"},
        {"choice": "worst"},
        {"rater": None},
    ):
        with pytest.raises(DataError, match="is no choice among A, B"):
            _check({**good, **change}, items, "line 1")
    with pytest.raises(DataError, match="of no item"):
        _check({**good, "item": "7"}, items, "line 1")
    with pytest.raises(DataError, match="item 001 by amal twice"):
        _refuse_doubles([good, good], Path("judged"))
