"""What a judge is asked, what of its replies is taken, and that a kept one gives the same again."""

import json
from dataclasses import replace
from typing import Any

import pytest

from bimedix2.errors import DataError
from bimedix2.evaluate import canaries
from bimedix2.evaluate.canaries import Canary
from bimedix2.evaluate.metrics import pooled
from bimedix2.evaluate.metrics.radfact import canary, judge
from bimedix2.evaluate.metrics.radfact.judge import (
    Kept,
    Plan,
    Sentence,
    Split,
    Verdict,
    kept_problem,
    language_of,
    split_problem,
    verdict_problem,
)
from bimedix2.records import DataClass
from bimedix2.text.arabic import script

from .conftest import ARABIC, HYP, PROSE, REF, Judge, inside, items

PLAN = Plan("cxr", "keep", 2, DataClass.OPEN)


def statuses(detail: dict[str, Any], side: str) -> list[str | None]:
    return [phrase["status"] for phrase in detail[side]["phrases"]]


@pytest.mark.parametrize("pair", [(REF, HYP), ARABIC], ids=["en", "ar"])
def test_reports_become_statements_that_are_judged_both_ways(pair: tuple[str, str]) -> None:
    judge_ = Judge()
    (detail,) = judge.judge_pairs(judge_, [pair], PLAN)
    assert statuses(detail, "hyp") == ["entailment", "not_entailment"]
    assert statuses(detail, "ref") == ["entailment", "not_entailment"]
    assert pooled.values({"radfact": [detail]})["radfact_f1"] == 0.5
    assert judge.differs(detail, *pair) == ""
    # Examples stand before the question, in the report's language, and no language's words in the other's.
    for request in judge_.requests:
        shown = [message.text for message in request.messages if message.role == "assistant"]
        assert len(shown) >= 2
        assert {script(text) for text in shown if "evidence" not in text} <= {language_of(pair[0])}
        assert request.prompt == judge.version()
    assert "chest X-ray" in judge_.requests[0].messages[0].text


def test_negatives_can_be_left_out_on_both_sides() -> None:
    plan = replace(PLAN, negatives="drop", study="ct")
    judge_ = Judge()
    (detail,) = judge.judge_pairs(judge_, [(REF, HYP)], plan)
    assert detail["ref"]["dropped"] == ["There is no effusion."]
    assert statuses(detail, "ref") == ["entailment"]
    found = pooled.values({"radfact_ct_positive": [detail]})
    assert found["radfact_ct_positive_f1"] == pytest.approx(100 * 2 * 0.5 * 1 / 1.5)
    assert judge.differs(detail, REF, HYP) == ""
    assert "CT scan" in judge_.requests[0].messages[0].text


def test_a_choice_that_rewrites_is_asked_for_again_and_then_leaves_all_statements_in() -> None:
    judge_ = Judge(lambda text, _: '{"phrases": ["The heart is huge."]}' if "<statements>" in text else None)
    (detail,) = judge.judge_pairs(judge_, [(REF, HYP)], replace(PLAN, negatives="drop"))
    assert [detail[side]["unfiltered"] for side in ("ref", "hyp")] == [True, True]
    assert len(detail["ref"]["phrases"]) == 2
    assert len(detail["ref"]["negatives"]["replies"]) == 2
    assert judge.differs(detail, REF, HYP) == ""


def test_the_same_report_and_the_same_question_are_asked_once() -> None:
    judge_ = Judge()
    details = judge.judge_pairs(judge_, [(REF, HYP), (REF, HYP), (REF, REF)], PLAN)
    assert len(judge_.requests) == 2 + 4 + 1  # splits; both ways; what REF has of its own
    assert statuses(details[2], "hyp") == ["entailment", "entailment"]
    assert statuses(details[0], "ref") == ["entailment", "not_entailment"]


def test_blank_reports_and_advice_alone_are_not_judged() -> None:
    judge_ = Judge()
    details = judge.judge_pairs(judge_, [(REF, " \n"), ("Recommend a CT.", HYP)], PLAN)
    assert len(judge_.requests) == 3  # three splits, and no verdict against a report that says nothing
    assert details[0]["hyp"] == details[0]["hyp"] | {"blank": True, "phrases": []}
    assert statuses(details[0], "ref") == ["not_entailment"] * 2
    own = pooled.columns("radfact", details)
    assert own["radfact_precision"] == [None, 0]
    assert own["radfact_recall"] == [0, None]
    assert judge.differs(details[0], REF, "") == judge.differs(details[1], "Recommend a CT.", HYP) == ""
    assert judge.differs(details[0], REF, HYP) == "'hyp' is blank"


def test_a_verdict_in_prose_is_asked_for_again_counted_and_never_guessed() -> None:
    judge_ = Judge(lambda text, _: PROSE if "<statement>\nThere is an effusion." in text else None)
    (detail,) = judge.judge_pairs(judge_, [(REF, HYP)], PLAN)
    assert statuses(detail, "hyp") == ["entailment", None]
    assert detail["hyp"]["phrases"][1]["judge"] == {"failure": "unparsed", "replies": [PROSE, PROSE]}
    mended = Judge(lambda text, tries: PROSE if "<statement>\nThe heart" in text and not tries else None)
    (detail,) = judge.judge_pairs(mended, [(REF, HYP)], PLAN)
    assert statuses(detail, "hyp") == ["entailment", "not_entailment"]
    assert detail["hyp"]["phrases"][0]["judge"]["replies"][0] == PROSE


def test_a_report_that_cannot_be_split_has_no_number() -> None:
    wrong = json.dumps({"sentences": [{"orig": "Pneumonia.", "new": ["There is pneumonia."]}]})
    judge_ = Judge(lambda text, _: wrong if HYP in text else None)
    details = judge.judge_pairs(judge_, [(REF, HYP), (REF, REF)], PLAN)
    assert details[0]["hyp"]["phrases"] is None
    assert details[0]["hyp"]["split"]["failure"] == "unparsed"
    own = pooled.columns("radfact", details)
    assert own["radfact_precision"] == [None, 1]
    assert judge.differs(details[0], REF, HYP) == ""


@pytest.mark.parametrize(
    ("split", "said"),
    [
        ([], "'sentences' is empty"),
        ([Sentence(orig="Big heart.", new=[])], "does not stand in the report"),
        ([Sentence(orig="The HEART  is enlarged", new=["  "])], "is empty; leave it out"),
        (
            [Sentence(orig="The heart is enlarged.", new=["القلب متضخم."])],
            "not in the language of",
        ),
        ([Sentence(orig="The heart is enlarged. There is no effusion.", new=["Large heart."])], ""),
    ],
)
def test_a_split_keeps_to_the_report(split: list[Sentence], said: str) -> None:
    problem = split_problem(Split(sentences=split), REF)
    assert said in problem
    assert bool(said) == bool(problem)


def test_evidence_and_choices_come_from_what_was_given() -> None:
    reference = ["The heart is enlarged.", "لا يُوجد انصباب."]
    assert verdict_problem(Verdict(status="entailment", evidence=["the heart is enlarged"]), reference) == ""
    assert verdict_problem(Verdict(status="entailment", evidence=["لا يوجد انصباب"]), reference) == ""
    assert "is empty" in verdict_problem(Verdict(status="entailment", evidence=[]), reference)
    assert "no statement of the reference" in verdict_problem(
        Verdict(status="not_entailment", evidence=["There is no effusion."]), reference
    )
    assert kept_problem(Kept(phrases=["the heart is enlarged"]), reference) == ""
    assert "none of the statements" in kept_problem(Kept(phrases=["The heart is normal."]), reference)


def test_what_was_changed_on_disk_is_found() -> None:
    (detail,) = judge.judge_pairs(Judge(), [(REF, HYP)], PLAN)
    detail["hyp"]["phrases"][1]["status"] = "entailment"
    assert judge.differs(detail, REF, HYP) == "the verdict on 'There is an effusion.'"
    detail["hyp"]["phrases"].pop()
    assert judge.differs(detail, REF, HYP) == "the statements of 'hyp'"


def test_examples_keep_the_rules_that_replies_are_held_to() -> None:
    for study, languages in judge._examples().items():
        assert study in judge.STUDIES
        assert set(languages) == {"en", "ar"}
        for language, steps in languages.items():
            for case in steps["split"]:
                value = Split.model_validate({"sentences": case["sentences"]}, strict=False)
                assert split_problem(value, case["report"]) == ""
                assert language_of(case["report"]) == language
                assert any(not sentence.new for sentence in value.sentences)
            for case in steps["negatives"]:
                assert kept_problem(Kept(phrases=case["phrases"]), case["statements"]) == ""
                assert len(case["phrases"]) < len(case["statements"])
            for case in steps["entailment"]:
                value_ = Verdict(status=case["status"], evidence=case["evidence"])
                assert verdict_problem(value_, case["reference"]) == ""
            assert {case["status"] for case in steps["entailment"]} == {"entailment", "not_entailment"}


def test_canaries_stand_in_no_example_and_a_judge_that_fails_them_gives_no_score() -> None:
    shown = {
        (*case["reference"], case["statement"])
        for languages in judge._examples().values()
        for steps in languages.values()
        for case in steps["entailment"]
    }
    for language, verdicts in canary.cases().items():
        assert set(verdicts) == {"entailment", "not_entailment"}
        for rows in verdicts.values():
            assert len(rows) == 5
            assert not {(*row["reference"], row["statement"]) for row in rows} & shown
            assert {language_of(row["statement"]) for row in rows} == {language}
            assert {language_of(line) for row in rows for line in row["reference"]} == {language}
    known = canary.judge_canaries(Judge(), ["en", "ar"], PLAN)
    assert known == [
        Canary(tongue, verdict, 5, 5)
        for tongue in ("en", "ar")
        for verdict in ("entailment", "not_entailment")
    ]
    assert canaries.in_short(known) == "canaries=20/20"
    canaries.require("judge of RadFact", known)

    def yes(text: str, _: int) -> str:
        first = items(inside(text, "reference") or "")[0]
        return json.dumps({"status": "entailment", "evidence": [first]})

    agreeing = canary.judge_canaries(Judge(yes), ["en"], PLAN)
    with pytest.raises(DataError, match=r"failed its canaries \(right: 0 of 5 'not_entailment' in 'en'"):
        canaries.require("judge of RadFact", agreeing)
    prose = canary.judge_canaries(Judge(lambda *_: PROSE), ["ar"], PLAN)
    assert prose == [Canary("ar", "entailment", 0, 5), Canary("ar", "not_entailment", 0, 5)]


FLIPS = [
    ("No pleural effusion.", "There is no effusion in the pleural space.", "Pleural effusion."),
    ("There is no pneumothorax.", "Pneumothorax is absent.", "There is pneumothorax."),
    ("The heart is enlarged.", "There is cardiomegaly.", "The heart is not enlarged."),
]
ARABIC_FLIPS = [
    ("لا يوجد انصباب جنبي.", "الجنبة خالية من الانصباب.", "يوجد انصباب جنبي."),
    ("القلب متضخم.", "يوجد كبر في حجم القلب.", "القلب غير متضخم."),
]


def test_a_paraphrase_ranks_above_a_flipped_negation() -> None:
    """The sanity ranking of the specification (section 5), as far as it needs no real judge: the verdicts are
    written here, and come out as numbers the right way round."""
    paraphrases = {one[1] for one in (*FLIPS, *ARABIC_FLIPS)}

    def say(text: str, _: int) -> str | None:
        reference, statement = inside(text, "reference"), inside(text, "statement")
        if reference is None or statement is None:
            return None
        first = reference.removeprefix("- ")
        same = statement in paraphrases or first in paraphrases
        return f'{{"status": "entailment", "evidence": ["{first}"]}}' if same else None

    plan = Plan("cxr", "keep", 1, DataClass.OPEN)
    for cases in (FLIPS, ARABIC_FLIPS):
        for place, wanted in ((0, 1.0), (1, 1.0), (2, 0.0)):
            details = judge.judge_pairs(Judge(say), [(case[0], case[place]) for case in cases], plan)
            assert pooled.values({"radfact": details})["radfact_f1"] == wanted
