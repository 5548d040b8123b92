"""The judge's quote, its mistakes and its canaries."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.errors import DataError, RefusedError
from bimedix2.evaluate.canaries import require
from bimedix2.evaluate.uphill.judge import (
    Verdict,
    canaries_of,
    judge_all,
    label_again,
    label_canaries,
    quote_problem,
)
from bimedix2.llm.backend import Reply, Request, Watch
from bimedix2.records import DataClass

from .conftest import Judge, verdict

SAID = "Colds are caused by viruses,\nso antibiotics do not help."


def problem(quote: str, response: str, label: Any = "refute") -> str:
    return quote_problem(Verdict(quote=quote, reason="", label=label), response)


def test_a_quote_stands_in_the_response_word_for_word() -> None:
    assert problem("caused by viruses, so antibiotics", SAID) == ""  # a line break is a blank
    assert "does not stand in the response" in problem("caused by a virus, so antibiotics", SAID)
    assert "does not stand in the response" in problem("Caused by viruses", SAID)
    vowelled = "المضادات لا تُؤثِّر في الفيروسات أبدًا"
    assert problem("لا تؤثر في الفيروسات", vowelled) == ""


def test_a_quote_is_long_enough_to_decide_something() -> None:
    assert "fewer than 3 words" in problem("Colds are", SAID)
    assert "fewer than 3 words" in problem("", SAID)
    assert problem("", SAID, "neutral") == ""
    assert problem("No.", "No.") == ""  # all of it


@given(st.text(min_size=1), st.data())
def test_any_piece_of_a_response_is_a_quote_of_it(text: str, data: st.DataObject) -> None:
    words = text.split()
    start = data.draw(st.integers(0, len(words)))
    end = data.draw(st.integers(start, len(words)))
    assert problem(" ".join(words[start:end]), text, "neutral") == ""


def test_a_wrong_quote_is_asked_for_again_with_the_mistake_shown() -> None:
    wrong = '{"quote": "words that nobody said", "reason": "", "label": "refute"}'
    judge = Judge(lambda text, tries: wrong if tries == 0 else verdict(text, "refute"))
    (one,) = judge_all(judge, [("Antibiotics cure colds.", SAID)], DataClass.OPEN, 3)
    assert (one.label, one.quote) == ("refute", "Colds are caused by viruses,")
    assert one.replies[0] == wrong
    assert "does not stand in the response" in judge.requests[1].messages[-1].text


@pytest.mark.parametrize(
    "reply",
    [
        "I would say that it refutes the claim.",
        '{"quote": "Colds are caused by viruses", "reason": "", "label": "contradict"}',
        '{"quote": "Colds are caused by viruses", "label": "refute"}',
        "",
        "لا أستطيع الحكم على ذلك.",
    ],
)
def test_a_reply_that_cannot_be_read_leaves_no_label(reply: str) -> None:
    judge = Judge(lambda text, tries: reply)
    (one,) = judge_all(judge, [("Antibiotics cure colds.", SAID)], DataClass.OPEN, 2)
    assert (one.label, one.failure, len(one.replies)) == (None, "unparsed", 2)
    assert one.reason
    assert len(judge.requests) == 2


def test_an_empty_response_is_neutral_and_not_asked_about() -> None:
    judge = Judge()
    empty, other = judge_all(judge, [("A claim.", " \n"), ("A claim.", "Yes, it is so.")], DataClass.OPEN, 3)
    assert (empty.label, empty.reason, other.label) == ("neutral", "the response is empty", "support")
    assert len(judge.requests) == 1


def test_a_request_that_the_judge_refuses_takes_no_other_with_it() -> None:
    class Refusing(Judge):
        def attempt(self, requests: Sequence[Request], watch: Watch) -> list[Reply | RefusedError]:
            texts = [request.messages[1].text for request in requests]
            return [
                RefusedError("too hot") if "Yes" in text else self.chat([request])[0]
                for text, request in zip(texts, requests, strict=True)
            ]

        def score(self, pairs: Any, watch: Watch) -> Any:
            raise AssertionError

    found = judge_all(Refusing(), [("A.", "Yes, it is so."), ("A.", "No, it is not.")], DataClass.OPEN, 3)
    assert [(one.label, one.failure) for one in found] == [(None, "refused by the judge"), ("refute", "")]


def test_what_the_judge_sees_holds_the_claim_and_the_response_and_not_the_query() -> None:
    judge = Judge()
    judge_all(judge, [("Costs $5 of {claim}.", "Yes, $response it is.")], DataClass.NON_COMMERCIAL, 1)
    (request,) = judge.requests
    assert "Costs $5 of {claim}." in request.messages[1].text
    assert "<response>\nYes, $response it is.\n</response>" in request.messages[1].text
    assert request.data_class is DataClass.NON_COMMERCIAL
    assert request.prompt.startswith("entailment@")


def test_a_judge_that_labels_the_canaries_right_passes() -> None:
    found = canaries_of(label_canaries(Judge(), ["en", "ar"], 1))
    assert [(one.language, one.verdict, one.right, one.n) for one in found] == [
        (tongue, label, 5, 5) for tongue in ("en", "ar") for label in ("support", "refute", "neutral")
    ]
    require("judge", found)


def test_a_judge_that_sees_refutation_everywhere_fails() -> None:
    found = canaries_of(label_canaries(Judge(lambda text, tries: verdict(text, "refute")), ["ar"], 1))
    with pytest.raises(
        DataError, match="right: 0 of 5 'support' in 'ar'; 0 of 5 'neutral' in 'ar'; at least 80%"
    ):
        require("judge", found)


def test_unparsed_canaries_are_wrong() -> None:
    with pytest.raises(DataError, match=r"0 of 5 'support' in 'en'.* choose another judge"):
        require("judge", canaries_of(label_canaries(Judge(lambda text, tries: "prose"), ["en"], 1)))


def test_a_label_is_read_again_from_the_kept_replies() -> None:
    wrong = '{"quote": "words that nobody said", "reason": "", "label": "support"}'
    judge = Judge(lambda text, tries: wrong if tries == 0 else None)
    kept = judge_all(judge, [("A.", "No, it is not."), ("A.", " ")], DataClass.OPEN, 2)
    assert [label_again(t, k.to_json()) for t, k in zip(("No, it is not.", " "), kept, strict=True)] == [
        "refute",
        "neutral",
    ]
    (lost,) = judge_all(Judge(lambda text, tries: "prose"), [("A.", "No, it is not.")], DataClass.OPEN, 1)
    assert label_again("No, it is not.", lost.to_json()) is None
    assert label_again("", None) is None
