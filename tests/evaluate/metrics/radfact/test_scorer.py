"""RadFact as a recipe names it: a real endpoint on this machine, its cache, and who may see the reports."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bimedix2 import config
from bimedix2.errors import ConfigError, DataClassError, DataError, EndpointError
from bimedix2.evaluate.metrics.pairs import Pair
from bimedix2.evaluate.metrics.radfact.judge import version
from bimedix2.evaluate.metrics.radfact.scorer import Radfact, opener
from bimedix2.evaluate.metrics.report import Report, score_reports

from .conftest import ARABIC, HYP, PROSE, REF, Host

PAIRS = [Pair(1, REF, HYP), Pair(2, REF, REF), Pair(3, *ARABIC)]


@pytest.fixture
def recipe(host: Host, tmp_path: Path) -> dict[str, Any]:
    judge = {"base_url": host.url, "model": "m", "tries": 1, "concurrency": 2}
    return {"judge": judge, "cache": str(tmp_path / "judge.sqlite")}


def scored(recipe: dict[str, Any], mode: Any = "compat") -> Report:
    settings = config.build(Radfact, recipe)
    settings.check()
    return score_reports(PAIRS, mode, {"radfact": opener(settings, "test")})


@pytest.mark.parametrize("mode", ["compat", "arabic"])
def test_english_and_arabic_reports_are_judged_over_a_socket(recipe: dict[str, Any], mode: str) -> None:
    report = scored(recipe, mode)
    found = report.values()
    # REF and HYP share one of two statements each; the Arabic pair is theirs, translated.
    assert report.columns["radfact_precision"] == [0.5, 1, 0.5]
    assert found["radfact_recall"] == pytest.approx(2 / 3)
    assert found["radfact_f1"] == pytest.approx(2 / 3)
    assert report.judges[0] == (f"m@127.0.0.1,{version()},canaries=20/20", "127.0.0.1")
    assert report.notes == ["radfact: 12 statements of 3 pairs were judged"]
    assert report.partial == []


def test_a_judge_that_dies_stops_the_run_and_the_same_command_asks_only_the_rest(
    recipe: dict[str, Any], host: Host
) -> None:
    host.dies_after = 27
    with pytest.raises(EndpointError):
        scored(recipe)
    assert host.answered == 27
    host.dies_after = None
    whole = scored(recipe).values()
    asked = host.answered
    assert scored(recipe).values() == whole
    assert host.answered == asked
    again = {**recipe, "cache": recipe["cache"] + ".new"}
    assert scored(again).values() == whole
    needed = 20 + 4 + 9  # canaries, reports, different questions about their statements
    assert host.answered - asked == needed
    # Of two in flight one may have been on its way at the failure.
    assert needed <= asked <= needed + 1


def test_prose_makes_a_partial_result_and_a_judge_that_fails_its_canaries_none(
    recipe: dict[str, Any], host: Host
) -> None:
    host.judge.say = lambda text, _: PROSE if "<statement>\nThere is an effusion." in text else None
    report = scored(recipe)
    assert report.partial == ["radfact: 1 of 12 statements have no readable verdict and are left out"]
    assert report.columns["radfact_precision"] == [1, 1, 0.5]  # of the one statement that was judged
    host.judge.say = lambda *_: PROSE
    report = scored({**recipe, "cache": recipe["cache"] + ".new"})
    assert report.values()["radfact_f1"] is None
    assert "failed its canaries" in report.unavailable["radfact_f1"]
    assert report.values()["bleu1"] is not None


def test_credentialed_reports_are_sent_to_no_other_host_unless_it_is_listed(tmp_path: Path) -> None:
    judge = {"base_url": "https://api.example.org/v1", "model": "m", "tries": 1}
    recipe = {"judge": judge, "cache": str(tmp_path / "judge.sqlite")}
    with pytest.raises(DataClassError, match=r"'credentialed' may not be sent to api.example.org"):
        config.build(Radfact, recipe).check()
    asked = config.build(Radfact, recipe)
    with pytest.raises(DataClassError):  # not even where nobody has checked before
        score_reports(PAIRS, scorers={"radfact": opener(asked, "test")})
    assert not (tmp_path / "judge.sqlite").exists()
    for changes in ({"judge": {**judge, "credentialed_hosts": ["api.example.org"]}}, {"data_class": "open"}):
        config.build(Radfact, {**recipe, **changes}).check()
    with pytest.raises(DataClassError, match="'patient'"):
        config.build(Radfact, {**recipe, "data_class": "patient"}).check()


def test_replies_written_by_hand_need_no_network(tmp_path: Path) -> None:
    replies = tmp_path / "replies.jsonl"
    split = {"sentences": [{"orig": "Edema.", "new": ["There is edema."]}]}
    lines = [{"contains": "<report>\nEdema.", "answer": json.dumps(split)}]
    known = json.dumps({"status": "entailment", "evidence": ["There is edema."]})
    lines.append({"contains": "<statement>\nThere is edema.\n", "answer": known})
    text = "\n".join(["written by hand", *(json.dumps(line) for line in lines)])
    replies.write_text(text + "\n", encoding="utf-8")
    recipe = {"replies": str(replies), "cache": str(tmp_path / "judge.sqlite")}
    settings = config.build(Radfact, recipe)
    assert settings.check() == {"replies": replies}
    # The file says nothing to the canaries: no score, and the reason.
    report = score_reports([Pair(1, "Edema.", "Edema.")], scorers={"radfact": opener(settings, "test")})
    assert "has no answer to" in report.unavailable["radfact_f1"]
    with pytest.raises(DataError, match="does not exist"):
        config.build(Radfact, {"replies": str(tmp_path / "none.jsonl")}).check()


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({}, "name one judge"),
        ({"replies": "a", "judge": {"base_url": "http://127.0.0.1:1/v1", "model": "m"}}, "name one judge"),
        ({"replies": "a", "negatives": "off"}, "'negatives': Input should be 'keep' or 'drop'"),
        ({"replies": "a", "studdy": "ct"}, "unknown key 'studdy'; did you mean 'study'"),
    ],
)
def test_settings_are_checked(recipe: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config.build(Radfact, recipe)


def test_a_bar_counts_the_judges_replies(recipe: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """On the error stream, so that a table or JSON stays what it is."""
    scored(recipe)
    said = capsys.readouterr()
    assert said.out == ""
    found = re.search(r"judge of RadFact \S* *(\d+)/(\d+)", said.err)
    assert found
    needed = 20 + 4 + 9 + 3  # canaries, reports, different questions about their statements, equal ones again
    assert int(found[1]) == int(found[2]) <= needed
