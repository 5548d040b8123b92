"""From a user's own copies to Tables 6 and 7: asked, scored, kept at home, and replayed."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import evaluate, io
from bimedix2.errors import ConfigError, DataClassError, DataError
from bimedix2.evaluate.answering import NO_PICTURE
from bimedix2.evaluate.metrics import heavy
from bimedix2.evaluate.metrics.lexical import bleu
from bimedix2.evaluate.metrics.report import BERTSCORE, CHEXBERT, RADGRAPH, RESCALED, Scored
from bimedix2.evaluate.paper import ours
from bimedix2.evaluate.paper.published import load
from bimedix2.evaluate.reports import scores
from bimedix2.evaluate.signature import Subject
from bimedix2.llm.backend import Reply, Request
from bimedix2.manifest import read_manifest, verify

from ..conftest import Scripted  # noqa: TID252
from .conftest import Make, patient

ASK = "Please caption this scan with findings and impressions."
NOTE = "No bleed on ___. No shift.\nSummarize the findings."
ANSWERS = {ASK: "The lungs are clear.", NOTE: "Normal study."}
Open = Callable[[Any, int | None, str], Subject]


class Cutting(Scripted):
    """Answers to notes reached the limit."""

    def chat(self, requests: list[Request]) -> list[Reply]:  # type: ignore[override]
        return [
            Reply(r.text, r.model, "stop" if "lungs" in r.text else "length", 5, 3)
            for r in super().chat(requests)
        ]


def opened(backend: Scripted) -> Open:
    return lambda *_: Subject(backend, "weights", "template")


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [row for _, row in io.read_jsonl(folder / "answers.jsonl")]


def test_reports_are_asked_scored_and_stand_in_tables_6_and_7(settings: Make, notes: dict[str, str]) -> None:
    folder = evaluate.run(settings(mimic3=notes), opened(Cutting(ANSWERS)))
    verify(folder)
    rows = rows_of(folder)
    found = io.read_json(folder / "scores.json")
    assert [row["id"] for row in rows if row["benchmark"] == "mimic_cxr"] == [
        "mimic_cxr/s50000001",
        "mimic_cxr/s50000002",
    ]
    first = rows[0]
    assert first["scores"]["bleu1"] == bleu(first["reference"].split(), ANSWERS[ASK].split(), 1)
    for name, one in found.items():
        if not name.startswith("mimic"):
            continue
        mine = [row["scores"] for row in rows if row["benchmark"] == name]
        assert one["values"]["rougeL"] == sum(score["rougeL"] for score in mine) / len(mine)
    assert found["mimic_iii"]["values"]["bleu1"] == 1
    assert found["mimic_iii"]["odd"] == {"empty": 0, "cut": 2}
    arranged = ours.arrange(ours.read([folder]), load())
    for table, raw in (("table-6", "mimic_iii"), ("table-7", "mimic_cxr")):
        (row,) = arranged.of(table)
        assert row.values["bleu4"] == found[raw]["values"]["bleu4"]
        assert row.values["bleu4_rescaled"] == min(1, 10 * row.values["bleu4"])
        assert "average" not in row.values  # never of some of the cells
        assert "published" in row.partial
    assert read_manifest(folder)["counts"]["removed"] == {
        "no findings": 1,
        "of no group": 1,
        "0 impressions": 1,
        "not in the notes": 1,
    }


def test_equal_notes_have_an_answer_each_in_an_answers_file(
    settings: Make, notes: dict[str, str], tmp_path: Path
) -> None:
    given = tmp_path / "given.jsonl"
    rows = [{"question_id": f"mimic_iii/{n}", "text": t} for n, t in ((11, "Normal study."), (13, "Bleed."))]
    io.write_jsonl(given, [*rows, {"question_id": "mimic_iii/404", "text": "x"}])
    folder = evaluate.run(settings(cxr=None, mimic3=notes, _model={"answers": str(given), "name": "m"}))
    assert "- extra: 1 (mimic_iii/404)" in (folder / "scores.md").read_text(encoding="utf-8")
    assert [row["answer"] for row in rows_of(folder)] == ["Normal study.", "Bleed."]
    assert [row["scores"]["bleu1"] for row in rows_of(folder)] == [1, 0]


def test_other_words_than_usual_are_named_in_the_paper_s_table(settings: Make, cxr: Path) -> None:
    recipe = settings(cxr={"path": str(cxr), "prompt": "multimedeval", "indication": True})
    folder = evaluate.run(recipe, opened(Scripted({})))
    (row,) = ours.read([folder])
    assert row.model == "scripted@1, multimedeval,indication"


def test_what_needs_weights_is_unavailable_and_never_zero(settings: Make) -> None:
    folder = evaluate.run(settings(), opened(Scripted(ANSWERS)))
    one = io.read_json(folder / "scores.json")["mimic_cxr"]
    text = (folder / "scores.md").read_text(encoding="utf-8")
    for key in (RADGRAPH, CHEXBERT, BERTSCORE, "radcliq"):
        assert key not in one["values"]
        assert key in one["unavailable"]
    assert "| F1-RadGraph | unavailable: name radgraph in reports.scorers; it needs pip install" in text
    assert "average: the paper's seven cells are not all here" in text
    assert text.startswith("**Partial: mimic_cxr: 2 of 2347 published (left out: no findings: 1).")
    (row,) = ours.read([folder])
    assert set(row.values) <= {"bleu1", "bleu4", "rougeL", "meteor"}


def test_records_stay_at_home_unless_the_recipe_lists_a_host(settings: Make, tmp_path: Path) -> None:
    endpoint = {"base_url": "https://api.example.org/v1", "model": "m"}
    recipe = settings(_model={"endpoint": endpoint, "cache": str(tmp_path / "cache.sqlite")})
    with pytest.raises(DataClassError, match=r"'credentialed' may not be sent to api.example.org"):
        evaluate.run(recipe)
    folder = evaluate.run(settings(_output=str(tmp_path / "here")), opened(Scripted(ANSWERS)))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "words of credentialed records" in (folder / "scores.md").read_text(encoding="utf-8")
    assert {row["data_class"] for row in rows_of(folder)} == {"credentialed"}
    assert "Patchy" not in (folder / "removed" / "removed.jsonl").read_text(encoding="utf-8")


def test_a_killed_run_goes_on_and_a_finished_one_is_scored_again_without_asking(
    settings: Make, notes: dict[str, str], tmp_path: Path
) -> None:
    recipe = settings(mimic3=notes, _batch=1)
    killed = Scripted(ANSWERS, stop_after=2)
    with pytest.raises(KeyboardInterrupt):
        evaluate.run(recipe, opened(killed))
    again = Scripted(ANSWERS)
    folder = evaluate.run(recipe, opened(again))
    # Two notes of equal words are one request.
    assert (killed.asked, again.asked) == (2, 1)
    other = Scripted({})
    reused = evaluate.run(
        settings(mimic3=notes, _output=str(tmp_path / "again"), _reuse=str(folder)), opened(other)
    )
    assert other.asked == 0
    assert io.read_json(reused / "scores.json") == io.read_json(folder / "scores.json")


def test_every_cell_is_there_where_every_scorer_is(
    settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three scorers of known values in the places of those with weights, and one in METEOR's."""

    def known(**columns: float) -> Callable[[str | None], Any]:
        return lambda _: lambda right, given: Scored({k: [v] * len(given) for k, v in columns.items()})

    kinds = {
        "radgraph": ((RADGRAPH,), known(**{RADGRAPH: 0.25})),
        "chexbert": ((CHEXBERT,), known(**{CHEXBERT: 0.5})),
        "bertscore": ((BERTSCORE, RESCALED), known(**{BERTSCORE: 0.9, RESCALED: 0.4})),
    }
    for name, (keys, scorer) in kinds.items():
        monkeypatch.setitem(heavy.SCORERS, name, heavy.Heavy(keys, "", scorer))
    monkeypatch.setattr(
        "bimedix2.evaluate.metrics.report.meteor", lambda pairs, mode: Scored({"meteor": [0.2] * len(pairs)})
    )
    folder = evaluate.run(settings(scorers=list(kinds)), opened(Scripted(ANSWERS)))
    one = io.read_json(folder / "scores.json")["mimic_cxr"]
    raw = 2.450143 - 1.245216 * 0.25 - 1.650845 * 0.4 - 0.994772 * 0.5
    assert one["values"]["radcliq"] == pytest.approx(raw, abs=1e-5)
    cells = [0.25, 0.5, 0.2, one["values"]["bleu1"], one["values"]["rougeL"]]
    cells += [min(1, 10 * one["values"]["bleu4"]), 1 - one["values"]["radcliq"] / 10]
    assert one["rescaled"]["average"] == pytest.approx(sum(cells) / 7)
    (row,) = ours.arrange(ours.read([folder]), load()).of("table-7")
    assert row.values["average"] == pytest.approx(sum(cells) / 7)
    assert row.values["radcliq"] == one["values"]["radcliq"]
    assert set(evaluate.replay(folder)) == {"paper.jsonl", "scores.json", "scores.md"}
    assert tmp_path in folder.parents


def test_a_score_that_its_texts_do_not_give_is_found(settings: Make, notes: dict[str, str]) -> None:
    folder = evaluate.run(settings(mimic3=notes), opened(Scripted(ANSWERS)))
    row = rows_of(folder)[0]
    assert scores.differs(row) == ""
    row["scores"]["rougeL"] += 1e-12
    assert scores.differs(row) == "rougeL"


def test_published_scorers_open_where_their_weights_are(settings: Make) -> None:
    golden = Path("../shared/golden")
    if not golden.is_dir():
        pytest.skip(f"{golden} is not here")
    pytest.importorskip("transformers")
    recipe = settings(
        scorers=[f"bertscore={golden / 'tiny_roberta'}", f"chexbert={golden / 'tiny_chexbert'}"]
    )
    folder = evaluate.run(recipe, opened(Scripted(ANSWERS)))
    one = io.read_json(folder / "scores.json")["mimic_cxr"]
    assert 0.9 < one["values"][CHEXBERT] <= 1
    # Weights that are not those of the metric give no number.
    assert "has 2 layers, BERTScore reads layer 5" in one["unavailable"][BERTSCORE]
    assert "radcliq" in one["unavailable"]
    text = (folder / "scores.md").read_text(encoding="utf-8")
    assert "| BERTScore, not rescaled | unavailable: " in text
    assert "weights=chexbert:" in text
    (row,) = ours.read([folder])
    assert row.values["chexbert"] == one["values"][CHEXBERT]


def test_a_real_model_reads_pictures_and_writes_reports(
    tiny: object, settings: Make, cxr: Path, notes: dict[str, str]
) -> None:
    """Report generation and summarisation, from the files to the tables, through the embedded engine."""
    picture = patient(cxr / "mimic-cxr-jpg" / "2.0.0", 10000002) / "s50000002" / "bb-1.jpg"
    picture.write_bytes(b"no picture at all")
    folder = evaluate.run(settings(mimic3=notes, max_tokens=4, _model="tiny-base"))
    found = io.read_json(folder / "scores.json")
    assert found["mimic_cxr"]["failures"] == {NO_PICTURE: 1}
    assert found["mimic_cxr"]["n"] == 1
    assert found["mimic_iii"]["n"] == 2
    rows = rows_of(folder)
    assert all(row["answer"] or row["odd"] == "empty" for row in rows if not row["failure"])
    first = (folder / "scores.md").read_text(encoding="utf-8").splitlines()[0]
    assert "mimic_cxr: 1 of 2 reports have no score (1 picture cannot be opened)" in first
    assert {row.table for row in ours.read([folder])} == {"table-6", "table-7"}


def test_a_benchmark_without_a_single_answer_is_refused(settings: Make, tmp_path: Path) -> None:
    given = tmp_path / "given.jsonl"
    io.write_text(given, '{"question_id": "mimic_cxr/s50000001", "text": null, "model": "m"}\n')
    with pytest.raises(DataError, match=r"no answer to 'mimic_cxr' can be scored \(1 .*, 1 .*\)"):
        evaluate.run(settings(_model={"answers": str(given)}))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cxr": None}, "name 'cxr', 'mimic3' or both below 'reports'"),
        ({"scorers": ["bertscor"]}, "there is no scorer 'bertscor'; did you mean 'bertscore'"),
        ({"scorers": ["chexbert=none.pth"]}, "the weights of chexbert are not at none.pth"),
        ({"cxr": {"path": "x", "promt": "paper"}}, "unknown key 'reports.cxr.promt'; did you mean 'prompt'"),
    ],
)
def test_a_recipe_is_checked_at_the_door(settings: Make, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        settings(**changes)
