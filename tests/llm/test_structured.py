"""JSON or nothing: what models do wrong is seen, said to them, and kept when they do not learn."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from bimedix2.errors import RefusedError
from bimedix2.llm.backend import Loglikelihood, Reply, Request, Watch
from bimedix2.llm.cache import Cache, Cached
from bimedix2.llm.structured import (
    Accepted,
    Answer,
    Rejected,
    Rules,
    as_asked,
    ask_structured,
    read,
    repetition,
)
from bimedix2.records import ImagePart, Language, Message

Ask = Callable[..., Request]


class Pair(Answer):
    question: str = Field(min_length=1)
    answer: str = Field(min_length=1)


class Choice(Answer):
    stem: str
    options: list[str] = Field(min_length=2)
    right: Literal["A", "B"]


GOOD = {"question": "What does the radiograph show?", "answer": "A fracture of the left radius."}
ARABIC = {"question": "ماذا تُظهر صورة الأشعة؟", "answer": "تُظهر كسراً في عظم الكعبرة (radius) الأيسر."}
TEXT = json.dumps(GOOD)


def reply(text: str, finish: Any = "stop") -> Reply:
    return Reply(text, "scripted@1", finish, 1, 1)


class Scripted:
    """Answers the n-th time with the n-th text; an exception is a refusal."""

    name = "scripted@1"

    def __init__(self, **answers: list[Any]) -> None:
        self.answers = answers
        self.asked: list[list[Request]] = []

    def chat(self, requests: Sequence[Request]) -> list[Reply]:
        raise AssertionError("structured answers are asked for one by one")

    def loglikelihood(self, pairs: Sequence[tuple[Request, str]]) -> list[Loglikelihood]:
        raise AssertionError("nobody asks for likelihoods")

    def score(self, pairs: Any, watch: Watch) -> Any:
        raise AssertionError("nobody asks for likelihoods")

    def attempt(self, requests: Sequence[Request], watch: Watch) -> list[Reply | RefusedError]:
        self.asked.append(list(requests))
        outcomes: list[Reply | RefusedError] = []
        for request in requests:
            text = self.answers[request.messages[0].text.partition("\n")[0]].pop(0)
            outcomes.append(text if isinstance(text, RefusedError) else reply(text))
        return outcomes


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"  {TEXT}\n",
        f"```json\n{TEXT}\n```",
        f"Here is the pair you asked for:\n\n{TEXT}\n\nLet me know {{if}} it helps.",
        f"<think>a { {1} }</think>{json.dumps(GOOD, indent=2)}",
        f"{TEXT}\n{TEXT}",
        f'{{"not": "it"}} {TEXT}',
    ],
)
def test_one_valid_object_is_found_whatever_stands_around_it(text: str) -> None:
    value, problem = read(reply(text), Rules(Pair))
    assert (value, problem) == (Pair(**GOOD), "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it holds no whole JSON object"),
        ("The radiograph shows a fracture.", "it holds no whole JSON object"),
        (TEXT[:-5], "it holds no whole JSON object"),
        ('{"question": "What?"}', "'answer': Field required"),
        ('{"question": "What?", "answer": ""}', "'answer': String should have at least 1 character"),
        ('{"question": "What?", "answer": 3}', "'answer': Input should be a valid string"),
        ('{"question": "What?", "answer": null}', "'answer': Input should be a valid string"),
        (TEXT[:-1] + ', "note": "x"}', "'note': Extra inputs are not permitted"),
        (TEXT[:-1] + ', "answer": "twice"}', "it holds no whole JSON object"),
        (TEXT[:-1] + ', "n": NaN}', "it holds no whole JSON object"),
        (
            f"[{TEXT}, {TEXT.replace('left', 'right')}]",
            "it holds 2 different objects of the schema; give one",
        ),
        ('{"pair": ' + TEXT + "}", "'question': Field required; 'answer': Field required; 'pair': Extra"),
        ("{" * 5000, "it holds no whole JSON object"),
        ('{"a":' * 100_000, "it repeats '{\"a\":' without end"),
    ],
)
def test_what_is_not_one_valid_object_is_refused(text: str, said: str) -> None:
    value, problem = read(reply(text), Rules(Pair))
    assert value is None
    assert problem.startswith(said)


def test_what_was_cut_is_refused_even_if_a_part_of_it_is_whole() -> None:
    value, problem = read(reply(f'[{TEXT}, {{"question": "Wh', "length"), Rules(Pair))
    assert (value, problem) == (None, "it was cut off at the token limit; give a shorter one")


@given(
    st.dictionaries(st.sampled_from(["question", "answer"]), st.text(min_size=1), min_size=2),
    st.text(),
    st.text(),
)
@settings(deadline=None)
def test_prose_without_braces_never_hides_or_changes_an_object(
    value: dict[str, str], before: str, after: str
) -> None:
    around = [text.replace("{", "(").replace("}", ")") for text in (before, after)]
    text = around[0] + json.dumps(value, ensure_ascii=False) + around[1]
    found, problem = read(reply(text), Rules(Pair))
    if any(repetition(part) for part in value.values()):
        assert "repeats" in problem
    else:
        assert found is not None
        assert found.model_dump() == value


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from('{}[]":,\\ntrue0 aب"'), max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    value, problem = read(reply(text), Rules(Pair))
    assert (value is None) == bool(problem)


@pytest.mark.parametrize(
    ("value", "language", "said"),
    [
        (GOOD, Language.ENGLISH, ""),
        (ARABIC, Language.ARABIC, ""),
        (GOOD, Language.ARABIC, "is in English and has to be in Arabic"),
        (ARABIC, Language.ENGLISH, "is in Arabic and has to be in English"),
        (
            {**ARABIC, "answer": GOOD["answer"]},
            Language.ARABIC,
            "'A fracture of the left radius.' is in English",
        ),
        ({**ARABIC, "answer": "MRI"}, Language.ARABIC, ""),
        (GOOD, None, ""),
        (GOOD, Language.MIXED, ""),
    ],
)
def test_sentences_in_another_language_are_refused(
    value: dict[str, str], language: Language | None, said: str
) -> None:
    found, problem = read(reply(json.dumps(value)), Rules(Pair, language))
    assert said in problem
    assert (found is None) == bool(said)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("no fracture is seen. " * 30, "no fracture is seen."),
        ("ههههههههههههههههههههههههههه", "ه"),
        ("the the " * 15, "the"),
        ("لا يوجد كسر ولا خلع " * 12, "لا يوجد كسر ولا خلع"),
        ("1, 2" + ", 3" * 25, ", 3"),
        ("----------------------------------------", ""),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n" + " " * 500, ""),
        ("Normal liver. Normal spleen. Normal pancreas. Normal kidneys. Normal bladder. " * 2, ""),
        (" ".join(f"lesion {n} measures {n} mm," for n in range(60)), ""),
    ],
)
def test_repetition_is_seen_and_lists_are_none(text: str, unit: str) -> None:
    found = repetition(text)
    assert bool(found) == bool(unit)
    assert sorted(found.split()) == sorted(unit.split())


@pytest.mark.parametrize(
    "text",
    ['{"question": "' + "no " * 400, json.dumps({**GOOD, "answer": "very " * 40})],
    ids=["cut", "whole"],
)
def test_a_repetition_is_refused_inside_and_outside_of_json(text: str) -> None:
    value, problem = read(reply(text, "length"), Rules(Pair))
    assert value is None
    assert problem.startswith("it repeats ")


def test_repetition_is_looked_for_in_time_that_grows_with_the_text() -> None:
    began = time.process_time()
    repetition("ab c" * 3 + "".join(chr(97 + n * n % 26) for n in range(100_000)))
    repetition(" ".join(str(n) for n in range(20_000)))
    assert time.process_time() - began < 5


# Asking


def test_a_wrong_answer_is_shown_to_the_model_with_what_is_wrong(ask: Ask) -> None:
    backend = Scripted(one=["no JSON here", '{"question": "What?"}', TEXT], two=[TEXT])
    first, second = ask_structured(backend, [ask("one", prompt="p1"), ask("two")], Rules(Pair))
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert first.value == second.value == Pair(**GOOD)
    assert [one.problem for one in first.attempts] == [
        "it holds no whole JSON object",
        "'answer': Field required",
    ]
    assert second.attempts == ()
    assert [len(requests) for requests in backend.asked] == [2, 1, 1]
    last = backend.asked[2][0]
    assert [message.role for message in last.messages] == ["user", "assistant", "user", "assistant", "user"]
    assert last.messages[3].text == '{"question": "What?"}'
    assert "'answer': Field required" in last.messages[4].text
    assert last.prompt == "p1"


def test_the_schema_is_asked_for_after_the_question_and_the_image(ask: Ask) -> None:
    backend = Scripted(see=[TEXT])
    image = ImagePart(image="a" * 64)
    ask_structured(backend, [Request((Message.of("user", "see", image),))], Rules(Pair))
    sent = backend.asked[0][0]
    assert sent.messages[0].images == (image,)
    assert json.loads(sent.schema)["required"] == ["question", "answer"]
    assert sent.messages[0].content[-1].text.endswith(sent.schema)  # type: ignore[union-attr]


def test_a_model_that_does_not_learn_is_rejected_with_all_it_said(ask: Ask) -> None:
    backend = Scripted(one=["a", "", "x" * 9000])
    (rejected,) = ask_structured(backend, [ask("one", prompt="p1")], Rules(Pair))
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "it repeats 'x' without end"
    assert rejected.to_json() == {
        "reason": "it repeats 'x' without end",
        "prompt": "p1",
        "attempts": [
            {"text": "a", "problem": "it holds no whole JSON object"},
            {"text": "", "problem": "it holds no whole JSON object"},
            {"text": "x" * 9000, "problem": "it repeats 'x' without end"},
        ],
    }
    assert backend.asked[2][0].messages[3].text == "(nothing)"
    assert len(backend.asked) == 3


def test_a_long_wrong_answer_is_not_sent_back_whole(ask: Ask) -> None:
    backend = Scripted(one=["word " * 9000, TEXT])
    ask_structured(backend, [ask("one")], Rules(Pair))
    assert len(backend.asked[1][0].messages[1].text) < 2100


def test_a_refused_request_is_rejected_and_not_asked_again(ask: Ask) -> None:
    backend = Scripted(one=["a", RefusedError("too long")], two=[TEXT])
    first, second = ask_structured(backend, [ask("one"), ask("two")], Rules(Pair))
    assert isinstance(first, Rejected)
    assert (first.reason, len(first.attempts)) == ("too long", 1)
    assert isinstance(second, Accepted)


def test_a_rooms_own_check_is_said_to_the_model(ask: Ask) -> None:
    def asks(pair: Pair) -> str:
        return "" if pair.question.endswith("?") else "the question must end with a question mark"

    backend = Scripted(one=[json.dumps({**GOOD, "question": "Tell me."}), TEXT])
    (found,) = ask_structured(backend, [ask("one")], Rules(Pair, Language.ENGLISH, asks))
    assert isinstance(found, Accepted)
    assert found.attempts[0].problem == "the question must end with a question mark"


def test_lists_and_choices_are_read_as_json_has_them() -> None:
    value, _ = read(reply('{"stem": "s", "options": ["a", "b"], "right": "B"}'), Rules(Choice))
    assert value == Choice(stem="s", options=["a", "b"], right="B")
    value, problem = read(reply('{"stem": "s", "options": ["a"], "right": "C"}'), Rules(Choice))
    assert value is None
    assert "'options': List should have at least 2 items" in problem
    assert "'right': Input should be 'A' or 'B'" in problem


def test_an_estimate_leaves_out_what_the_cache_answers(ask: Ask, tmp_path: Path) -> None:
    """The cache knows a request by what was sent, the schema with it."""

    class Known(Scripted):
        identity = "scripted"

        def attempt(self, requests: Sequence[Request], watch: Watch) -> list[Reply | RefusedError]:
            outcomes = super().attempt(requests, watch)
            for number, outcome in enumerate(outcomes):
                watch.answered(number, outcome)
            return outcomes

    asked, rules = ask("one"), Rules(Pair)
    with Cache(tmp_path / "cache.sqlite") as store:
        backend = Cached(Known(one=[TEXT]), store)
        assert backend.unanswered([as_asked(asked, rules)]) == [as_asked(asked, rules)]
        assert isinstance(ask_structured(backend, [asked], rules)[0], Accepted)
        assert backend.unanswered([as_asked(asked, rules)]) == []
        assert backend.unanswered([asked]) == [asked]
