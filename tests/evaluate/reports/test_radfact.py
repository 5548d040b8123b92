"""RadFact and F1-CheXbert inside a run of reports: on disk, on the page, in the signature, and replayed."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import evaluate, io
from bimedix2.errors import ConfigError, DataClassError, RunError
from bimedix2.evaluate.metrics import chexbert_f1, heavy
from bimedix2.evaluate.metrics.radfact import canary, scorer
from bimedix2.evaluate.metrics.report import CHEXBERT, Scored
from bimedix2.evaluate.signature import Subject
from bimedix2.llm.backend import Reply, Request
from bimedix2.llm.cache import Cache, Cached
from bimedix2.records import DataClass

from ..conftest import Scripted  # noqa: TID252
from .conftest import Make

ASK = "Please caption this scan with findings and impressions."
ANSWERS = {ASK: "The lungs are clear."}
CANARIES = {
    (case["reference"][0], case["statement"]): verdict
    for verdicts in canary.cases().values()
    for verdict, rows in verdicts.items()
    for case in rows
}


class Judge:
    """A sentence is a statement; one that stands in the reference is entailed, and canaries are known."""

    name, identity = "literal@1", "literal"

    def __init__(self, stop_after: int | None = None) -> None:
        self.asked: list[Request] = []
        self.stop_after = stop_after

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        if self.stop_after is not None and len(self.asked) >= self.stop_after:
            raise KeyboardInterrupt
        self.asked += requests
        return [
            Reply(json.dumps(self.say(one.messages[-1].text)), self.name, "stop", 1, 1) for one in requests
        ]

    def say(self, text: str) -> Any:
        if report := re.search(r"<report>\n(.*)\n</report>", text, re.S):
            whole = [one.strip() for one in re.findall(r"[^.?]+[.?]", report[1])]
            return {"sentences": [{"orig": one, "new": [" ".join(one.split())]} for one in whole]}
        found = re.search(r"<reference>\n(.*)\n</reference>\n\n<statement>\n(.*)\n</statement>", text, re.S)
        assert found
        reference = [line.removeprefix("- ") for line in found[1].splitlines()]
        known = CANARIES.get((reference[0], found[2]), "")
        if known == "entailment" or (not known and found[2] in reference):
            return {"status": "entailment", "evidence": [found[2] if found[2] in reference else reference[0]]}
        return {"status": "not_entailment", "evidence": []}

    def loglikelihood(self, pairs: Any) -> Any:
        raise AssertionError("a judge is not asked for likelihoods")


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Callable[[Judge], Judge]:
    """Put a judge in the endpoint's place, behind the recipe's own cache."""

    def put(judge: Judge) -> Judge:
        @contextmanager
        def opened(settings: scorer.Radfact, run: str) -> Iterator[Cached]:
            with Cache(settings.cache) as cache:
                yield Cached(judge, cache, run)

        monkeypatch.setattr(scorer.Radfact, "opened", opened)
        return judge

    return put


@pytest.fixture
def radfact(tmp_path: Path) -> dict[str, Any]:
    judge = {"base_url": "http://127.0.0.1:9/v1", "model": "m"}
    return {"judge": judge, "cache": str(tmp_path / "judge.sqlite")}


def opened(backend: Scripted) -> Callable[..., Subject]:
    return lambda *_: Subject(backend, "weights", "template")


def test_radfact_stands_beside_the_other_metrics_and_is_replayed_from_the_judges_replies(
    settings: Make, radfact: dict[str, Any], judged: Callable[[Judge], Judge]
) -> None:
    judge = judged(Judge())
    folder = evaluate.run(settings(radfact=radfact), opened(Scripted(ANSWERS)))
    assert {one.data_class for one in judge.asked} == {DataClass.CREDENTIALED, DataClass.OPEN}
    # Canaries alone are open: nothing of a report is.
    open_ = [one.messages[-1].text for one in judge.asked if one.data_class is DataClass.OPEN]
    assert len(open_) == 10
    assert not any("lungs are clear.  Heart" in text or "Patchy" in text for text in open_)
    one = io.read_json(folder / "scores.json")["mimic_cxr"]
    rows = [row for _, row in io.read_jsonl(folder / "answers.jsonl")]
    # The first reference has three sentences, one of which the model said; the second has one other.
    assert [row["scores"]["radfact_precision"] for row in rows] == [1, 0]
    assert [row["scores"]["radfact_recall"] for row in rows] == [pytest.approx(1 / 3), 0]
    precision, recall = 1 / 2, 1 / 6
    assert one["values"]["radfact_f1"] == pytest.approx(2 * precision * recall / (precision + recall))
    assert one["intervals"]["radfact_f1"][0] <= one["values"]["radfact_f1"]
    assert one["signature"]["judge"].startswith("literal@1,radfact@")
    assert one["signature"]["judge"].endswith("canaries=10/10")
    assert one["signature"]["judge host"] == "127.0.0.1"
    page = (folder / "scores.md").read_text(encoding="utf-8")
    assert "| RadFact, F1 of the two means | 0.2500 [" in page
    assert "judge:literal@1,radfact@" in page
    assert set(evaluate.replay(folder)) == {"paper.jsonl", "scores.json", "scores.md"}
    rows[0]["details"]["radfact"]["hyp"]["phrases"][0]["status"] = "not_entailment"
    io.write_jsonl(folder / "answers.jsonl", rows)
    with pytest.raises(RunError):
        evaluate.replay(folder)


def test_a_run_killed_while_it_is_judged_asks_neither_model_nor_judge_again(
    settings: Make, radfact: dict[str, Any], judged: Callable[[Judge], Judge]
) -> None:
    recipe = settings(radfact=radfact)
    first, model = judged(Judge(stop_after=11)), Scripted(ANSWERS)
    with pytest.raises(KeyboardInterrupt):
        evaluate.run(recipe, opened(model))
    second, again = judged(Judge()), Scripted(ANSWERS)
    evaluate.run(recipe, opened(again))
    assert again.asked == 0
    keys = [tuple(message.text for message in one.messages) for one in (*first.asked, *second.asked)]
    assert len(set(keys)) == len(keys)


def test_the_judges_host_is_asked_for_leave_before_the_model_is(
    settings: Make, radfact: dict[str, Any]
) -> None:
    model = Scripted(ANSWERS)
    there = {**radfact, "judge": {"base_url": "https://api.example.org/v1", "model": "m"}}
    with pytest.raises(DataClassError, match=r"'credentialed' may not be sent to api.example.org"):
        evaluate.run(settings(radfact=there), opened(model))
    assert model.asked == 0
    with pytest.raises(ConfigError, match="reports of MIMIC are credentialed"):
        settings(radfact={**radfact, "data_class": "open"})


def test_labels_make_a_table_with_both_ways_and_intervals_over_patients(
    settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A labeller of known labels in CheXbert's place."""

    def known(_: str | None) -> Any:
        def score(right: Sequence[str], given: Sequence[str]) -> Scored:
            hyp = [{"Edema": "uncertain"}] * len(given)
            refs = [{"Edema": "positive"}, {"Fracture": "positive"}]
            details = [{"ref": ref, "hyp": said} for ref, said in zip(refs, hyp, strict=True)]
            return Scored({CHEXBERT: [0.5] * len(right)}, details={chexbert_f1.NAME: details})

        return score

    monkeypatch.setitem(heavy.SCORERS, "chexbert", heavy.Heavy((CHEXBERT, *chexbert_f1.KEYS), "", known))
    folder = evaluate.run(settings(scorers=["chexbert"]), opened(Scripted(ANSWERS)))
    one = io.read_json(folder / "scores.json")["mimic_cxr"]
    assert one["values"]["f1chexbert_rrg_14_micro_f1"] == pytest.approx(2 * 1 / (2 + 2))
    assert one["values"]["f1chexbert_positive_14_micro_f1"] == 0
    assert one["values"]["f1chexbert_rrg_5_accuracy"] == 0.5
    assert one["intervals"]["f1chexbert_rrg_14_micro_f1"] == [0, 1]
    assert one["conditions"]["rrg"]["Edema"] == pytest.approx(
        {"precision": 0.5, "recall": 1, "f1": 2 / 3, "support": 1}
    )
    page = (folder / "scores.md").read_text(encoding="utf-8")
    assert "| 14 conditions, micro F1 | 0.5000 [0.0000, 1.0000] | 0.0000" in page
    assert "| Edema | 0.6667 | 1 | 0.0000 | 1 |" in page
    assert (
        "| RadFact, F1 of the two means | unavailable: it asks a judge; name one in reports.radfact |" in page
    )
    assert set(evaluate.replay(folder)) == {"paper.jsonl", "scores.json", "scores.md"}
    rows = [row for _, row in io.read_jsonl(folder / "answers.jsonl")]
    assert rows[0]["details"] == {"f1chexbert": {"ref": {"Edema": "positive"}, "hyp": {"Edema": "uncertain"}}}
