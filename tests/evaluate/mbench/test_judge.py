"""The protocols on a judge by rule: retries, failures, swapped order, forms, facts, and a kill half way."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bimedix2.errors import ConfigError, DataError, EndpointError, RefusedError
from bimedix2.evaluate.mbench import rubric, run
from bimedix2.evaluate.mbench.canary import BOUNDS, require, run_canaries
from bimedix2.evaluate.mbench.judge import Plan, judge_pairs, swap_summary
from bimedix2.evaluate.mbench.load import Answers, Benchmark, Item, in_order, load, read_answers
from bimedix2.llm.backend import Reply, Request
from bimedix2.llm.cache import Cache, Cached
from bimedix2.records import DataClass


@pytest.fixture
def english(english_file: Path) -> Benchmark:
    return load(english_file, "en")


@pytest.fixture
def arabic(arabic_file: Path) -> Benchmark:
    return load(arabic_file, "ar")


def all_right(benchmark: Benchmark) -> Answers:
    return Answers("good", {n: item.reference for n, item in benchmark.items.items()}, {})


def one(benchmark: Benchmark) -> list[Item]:
    return [benchmark.items[0]]


def test_a_reply_that_cannot_be_read_is_asked_for_again(english: Benchmark, judge_type: Any) -> None:
    judge = judge_type(lambda text, r: "Both are fine." if r.sample < 2 else "8 6\nwhy")
    (found,) = judge_pairs(judge, one(english), all_right(english), Plan(protocol="llavamed"))
    assert (found.judged.reference, found.judged.candidate) == (8, 6)
    assert found.replies == ("Both are fine.", "Both are fine.", "8 6\nwhy")
    assert [request.sample for request in judge.requests] == [0, 1, 2]
    assert all(request.data_class is DataClass.NON_COMMERCIAL for request in judge.requests)
    assert judge.requests[0].prompt.startswith("published.en@")
    assert judge.requests[0].sampling.temperature == 0


def test_three_unreadable_replies_are_a_failure_and_no_zero(english: Benchmark, judge_type: Any) -> None:
    judge = judge_type(lambda text, r: "0 0")
    (found,) = judge_pairs(judge, one(english), all_right(english), Plan(protocol="bimedix2"))
    assert found.judged.failure == "out of range"
    assert found.judged.candidate is None
    assert len(judge.requests) == 3
    assert len(found.replies) == 3


def test_an_answer_that_is_missing_or_given_twice_is_not_judged(english: Benchmark, judge_type: Any) -> None:
    judge = judge_type()
    answers = Answers("m", {0: "a"}, {"missing": [1, 2, 3, 4], "several answers": [5]})
    found = judge_pairs(judge, list(in_order(english.items)), answers, Plan(protocol="llavamed"))
    assert [j.judged.failure for j in found] == ["", *["no answer"] * 4, "several answers"]
    assert len(judge.requests) == 1


def test_a_refused_request_fails_alone(english: Benchmark, judge_type: Any) -> None:
    class Refusing(judge_type):  # type: ignore[misc]
        def attempt(self, requests: Sequence[Request], watch: object) -> list[Reply | RefusedError]:
            bad = "brainstem"
            return [
                RefusedError("the host refused it") if bad in r.messages[1].text else self.chat([r])[0]
                for r in requests
            ]

        def score(self, pairs: object, watch: object) -> list[Any]:
            raise AssertionError

    found = judge_pairs(
        Refusing(), list(in_order(english.items)), all_right(english), Plan(protocol="llavamed")
    )
    assert [j.judged.failure for j in found] == ["", "", "", "", "refused", ""]


def test_llavamed_is_english_alone_and_published_protocols_keep_their_prompt(
    arabic: Benchmark, judge_type: Any
) -> None:
    with pytest.raises(ConfigError, match="'llavamed' is in English alone"):
        judge_pairs(judge_type(), one(arabic), all_right(arabic), Plan(protocol="llavamed"))
    with pytest.raises(ConfigError, match="has the published prompt"):
        _ = Plan(protocol="bimedix2", prompt="ours").version
    assert Plan(protocol="swap").version == "ours"
    assert Plan(protocol="swap", prompt="published").version == "published"


def test_swap_asks_in_both_orders_and_averages(english: Benchmark, judge_type: Any) -> None:
    """A judge that adds two points to the first place: the mean takes them out again."""
    judge = judge_type(lambda text, r: "8 6")
    (found,) = judge_pairs(judge, one(english), all_right(english), Plan(protocol="swap"))
    assert (found.judged.reference, found.judged.candidate) == (7, 7)
    assert found.details["orders"] == [
        {"swapped": False, "scores": [8, 6]},
        {"swapped": True, "scores": [6, 8]},
    ]
    assert (found.details["consistent"], found.details["verdict"]) == (False, "tie")
    summary = swap_summary([found])
    assert summary == {"n": 1, "consistent": 0, "first place ahead by": 2, "win": 0, "tie": 1, "loss": 0}
    first, _ = (request.messages[1].text for request in judge.requests)
    assert first.index("[Assistant 1]") < first.index("[Assistant 2]")
    assert swap_summary([]) == {"n": 0}


def test_swap_of_a_steady_judge_is_consistent(english: Benchmark, judge_type: Any) -> None:
    answers = Answers("bad", dict.fromkeys(english.items, "Nothing of it."), {})
    found = judge_pairs(judge_type(), list(in_order(english.items)), answers, Plan(protocol="swap"))
    summary = swap_summary(found)
    assert (summary["consistent"], summary["loss"], summary["first place ahead by"]) == (1, 6, 0)


def test_half_a_swap_is_a_failure(english: Benchmark, judge_type: Any) -> None:
    def say(text: str, request: Request) -> str:
        place = re.search(r"\[Assistant 1\]\n(.*)", text)
        assert place
        return "8 9" if place[1].startswith("This is an invented") else "no"

    answers = Answers("m", {0: "other"}, {})
    (found,) = judge_pairs(judge_type(say), one(english), answers, Plan(protocol="swap"))
    assert found.judged.failure == "prose"


def test_geval_is_the_mean_of_many_draws(english: Benchmark, judge_type: Any) -> None:
    def say(text: str, request: Request) -> str:
        return ["4", "5", "4.", "none"][request.sample % 4]

    judge = judge_type(say)
    (found,) = rubric.judge_geval(judge, one(english), all_right(english), Plan(protocol="geval", samples=8))
    mean = (4 + 5 + 4) / 3
    assert found.details["dimensions"] == {n: pytest.approx(mean) for n in found.details["dimensions"]}
    assert found.score == pytest.approx(100 * (mean - 1) / 4)
    assert found.details["readable"] == pytest.approx(0.75)
    assert len(judge.requests) == 5 * 8
    assert {(r.sampling.temperature, r.sampling.max_tokens) for r in judge.requests} == {(2.0, 5)}


def test_geval_without_readable_scores_fails_by_name(english: Benchmark, judge_type: Any) -> None:
    judge = judge_type(lambda text, r: "3 of 5" if "Dimension: harm" in text else "4")
    (found,) = rubric.judge_geval(judge, one(english), all_right(english), Plan(protocol="geval", samples=4))
    assert (found.score, found.failure) == (None, "too few readable scores of harm")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", 4),
        (" 5\n", 5),
        ("- accuracy: 3", 3),
        ("٤", 4),
        ("4.5", None),
        ("4/5", None),
        ("", None),
        ("7", None),
    ],
)
def test_a_form_holds_one_whole_number(text: str, value: int | None) -> None:
    assert rubric.form_value(text) == value


def test_rubric_scores_facts_and_claims(english: Benchmark, judge_type: Any) -> None:
    def say(text: str, request: Request) -> str | None:
        if not request.prompt.startswith("rubric"):
            return None
        verdicts = ["supported", "supported", "unknown", "contradicted"]
        claims = [{"claim": "c", "verdict": verdict} for verdict in verdicts]
        marks = {"facts": ["present", "absent"], "claims": claims, "in_language": True, "harmful": True}
        return f"Here it is:\n```json\n{json.dumps(marks)}\n```"

    (found,) = rubric.judge_rubric(judge_type(say), one(english), all_right(english), Plan(protocol="rubric"))
    assert (found.details["recall"], found.details["precision"]) == (0.5, 0.5)
    assert found.score == pytest.approx(50)
    assert found.details["harmful"] is True


def test_rubric_marks_of_another_number_are_asked_for_again_then_counted(
    english: Benchmark, judge_type: Any
) -> None:
    def say(text: str, request: Request) -> str | None:
        if request.prompt.startswith("facts"):
            return None
        return '{"facts": ["present"], "claims": [], "in_language": true, "harmful": false}'

    judge = judge_type(say)
    (found,) = rubric.judge_rubric(judge, one(english), all_right(english), Plan(protocol="rubric"))
    assert (found.score, found.failure) == (None, "unreadable marks")
    assert "1 values for 2 facts" in found.details["reason"]
    assert len(judge.requests) == 1 + 3


def test_rubric_takes_facts_once_for_all_systems(english: Benchmark, judge_type: Any, tmp_path: Path) -> None:
    judge = judge_type()
    with Cache(tmp_path / "cache.sqlite") as cache:
        for answers in (all_right(english), Answers("bad", dict.fromkeys(english.items, "No."), {})):
            found = rubric.judge_rubric(
                Cached(judge, cache), list(in_order(english.items)), answers, Plan(protocol="rubric")
            )
            assert len(found) == 6
    assert sum(request.prompt.startswith("facts") for request in judge.requests) == 6
    assert {one.score for one in found} == {0.0}


def test_an_answer_in_the_other_language_scores_nothing(
    english: Benchmark, arabic: Benchmark, judge_type: Any
) -> None:
    swapped = Answers("m", {n: item.reference for n, item in english.items.items()}, {})
    found = rubric.judge_rubric(judge_type(), list(in_order(arabic.items)), swapped, Plan(protocol="rubric"))
    assert {one.score for one in found} == {0.0}
    assert not any(one.details["in_language"] for one in found)


def test_length_is_told_apart_from_quality() -> None:
    lengths = [(50, 100), (100, 100), (200, 100), (400, 100)]
    items = [rubric.scored(_item(n), 40 + 10 * n) for n in range(4)]
    found = rubric.at_equal_length(items, lengths)
    assert found["slope"] == pytest.approx(10 / 0.69, abs=0.2)  # ten points for twice the length
    assert found["score"] == pytest.approx(50, abs=0.3)
    assert rubric.at_equal_length(items[:2], lengths[:2]) == {"slope": None, "score": None}
    assert rubric.at_equal_length([], []) == {"slope": None, "score": None}


def _item(number: int) -> Item:
    return Item(number, "en", f"{number}.jpg", "q", "r", "l", "c", (), "conversation", "mri")


# The whole, with canaries


@pytest.mark.parametrize("protocol", ["bimedix2", "swap", "geval", "rubric"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_sound_judge_passes_its_canaries_and_gives_scores(
    english: Benchmark, arabic: Benchmark, judge_type: Any, protocol: Any, language: str
) -> None:
    own, twin = (english, arabic) if language == "en" else (arabic, english)
    plan = Plan(protocol=protocol, samples=2)
    found = run.score(judge_type(), own, all_right(own), plan, twin=twin, canaries=4, resamples=200)
    assert [canary.name for canary in found.canaries] == list(BOUNDS["pairs"])
    overall = found.result.groups["overall"].relative if found.result else found.means["overall"].value
    assert overall == pytest.approx(100)
    assert found.partial == ""
    assert len(found.items) == 6
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["signature"]["judge"] == "rule@1"
    row = found.paper_row()
    if protocol in ("geval", "rubric"):
        assert row is None
    else:
        assert row is not None
        assert row["table"] == ("table-3" if language == "en" else "table-4")
        assert row["values"].keys() == {"conversation", "description", "cxr", "mri", "histology", "overall"}
        assert "protocol:" in row["signature"]
        assert ("not the published judge" in row["signature"]) == (protocol == "bimedix2")


@pytest.mark.parametrize(
    ("say", "failed"),
    [
        (lambda text, r: "8 8", "'empty answer' got 100.0"),
        (lambda text, r: "10 5", "'reference' got 50.0"),
        (lambda text, r: "fine", "'reference' got no readable score"),
        (
            lambda text, r: (
                "It is empty." if "[Assistant 2]\n\n\n[End" in text and "أين تقع" not in text else None
            ),
            r"'empty answer' got 10\.0 \(1 of 5 replies read\)",
        ),
    ],
)
def test_no_score_of_a_judge_that_fails_its_canaries(
    english: Benchmark, arabic: Benchmark, judge_type: Any, say: Callable[[str, Request], str], failed: str
) -> None:
    with pytest.raises(DataError, match=f"failed its canaries .*{failed}"):
        run.score(judge_type(say), arabic, all_right(arabic), Plan(), twin=english)


def test_the_language_canary_binds_where_the_prompt_speaks_of_languages(
    english: Benchmark, arabic: Benchmark, judge_type: Any
) -> None:
    """A judge that does not mind the language: caught in Arabic, noted in the published English prompt."""

    class Blind(judge_type):  # type: ignore[misc]
        def _rule(self, request: Request) -> str:
            text = request.messages[1].text
            right = any(item.reference in text.split("[Assistant 2]")[1] for item in twin.items.values())
            return "9 9" if right else str(super()._rule(request))

    twin = english
    checked = run_canaries(Blind(), arabic.items, english.items, Plan())
    assert [canary.name for canary in checked if canary.required and not canary.passed] == ["other language"]
    with pytest.raises(DataError, match=r"'other language' got 100\.0 \(5 of 5 replies read\), exp"):
        require(checked)
    twin = arabic
    checked = run_canaries(Blind(), english.items, arabic.items, Plan(protocol="llavamed"))
    require(checked)
    assert [canary.name for canary in checked if not canary.required] == ["other language"]


def test_a_prompt_that_speaks_of_languages_needs_the_other_file(
    english: Benchmark, arabic: Benchmark, judge_type: Any
) -> None:
    with pytest.raises(DataError, match="needs the benchmark's other file"):
        run.score(judge_type(), arabic, all_right(arabic), Plan())
    found = run.score(judge_type(), english, all_right(english), Plan(protocol="llavamed"))
    assert [canary.name for canary in found.canaries] == ["reference", "empty answer", "other image"]


def test_a_partial_result_says_so(english: Benchmark, judge_type: Any, tmp_path: Path) -> None:
    rows = [{"question_id": n, "text": english.items[n].reference, "model": "m"} for n in range(5)]
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    answers = read_answers(path, english.items)
    found = run.score(judge_type(), english, answers, Plan(protocol="llavamed"))
    assert found.partial == "1 of 6 items have no score (1 no answer)"
    assert found.to_json()["answers"] == {"missing": 1}
    assert found.to_json()["benchmark"]["several domains, the first counts"] == 2


def test_a_run_that_was_killed_asks_nothing_twice(
    english: Benchmark, arabic: Benchmark, judge_type: Any, tmp_path: Path
) -> None:
    """The endpoint dies after some answers; the second run asks the rest, and a third one nothing at all."""

    class Dying(judge_type):  # type: ignore[misc]
        left = 17

        def attempt(self, requests: Sequence[Request], watch: Any) -> list[Reply]:
            found = []
            for number, request in enumerate(requests):
                if not self.left:
                    raise EndpointError("the host does not answer; start again later")
                self.left -= 1
                watch.sending(number)
                found.append(self.chat([request])[0])
                watch.answered(number, found[-1])
            return found

        def score(self, pairs: object, watch: object) -> list[Any]:
            raise AssertionError

    answers, plan = all_right(arabic), Plan()
    with Cache(tmp_path / "cache.sqlite") as cache:
        first = Dying()
        with pytest.raises(EndpointError):
            run.score(Cached(first, cache), arabic, answers, plan, twin=english)
        second = judge_type()
        whole = run.score(Cached(second, cache), arabic, answers, plan, twin=english)
        again = judge_type(lambda text, r: pytest.fail("asked again"))
        replayed = run.score(Cached(again, cache), arabic, answers, plan, twin=english)
    assert len(first.requests) == 17
    fresh = judge_type()
    run.score(Cached(fresh, Cache(tmp_path / "fresh.sqlite")), arabic, answers, plan, twin=english)
    assert len(first.requests) + len(second.requests) == len(fresh.requests)
    assert replayed.to_json() == whole.to_json()


def test_the_requests_are_known_before_they_are_paid_for(english: Benchmark) -> None:
    answers = all_right(english)
    counts = {p: len(run.first_requests(english, answers, Plan(protocol=p))) for p in
              ("llavamed", "bimedix2", "swap", "geval", "rubric")}  # fmt: skip
    assert counts == {"llavamed": 6, "bimedix2": 6, "swap": 12, "geval": 6 * 5 * 20, "rubric": 6}
