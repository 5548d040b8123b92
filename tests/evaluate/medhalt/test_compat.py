"""Med-HALT's own scoring: numbers worked out by hand, and what the published functions say."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bimedix2 import io
from bimedix2.evaluate.medhalt import compat
from bimedix2.evaluate.medhalt.load import TASKS, TaskName

from .conftest import LINK


def test_the_point_score_is_divided_by_100_whatever_the_number_of_questions() -> None:
    # 3 x 1 + 2 x -0.25 = 2.5; / 100 = 0.025. The accuracy is over 5, not over the 7 that were asked: 60 %.
    found = compat.numbers(["correct"] * 3 + ["wrong"] * 2 + ["out"] * 2)
    assert found == {"correct": 3, "wrong": 2, "out": 2, "accuracy": 60.0, "score": 0.025}
    # 200 right answers: 2.0, more than a share can be.
    assert compat.numbers(["correct"] * 200)["score"] == 2.0
    assert compat.numbers(["correct", "correct", "wrong"])["accuracy"] == 66.667
    assert compat.numbers(["out"]) == {"correct": 0, "wrong": 0, "out": 1, "accuracy": None, "score": 0.0}


@pytest.mark.parametrize(
    ("output", "fields"),
    [
        (
            "{'cop': 'Naloxone', 'cop_index': 1, 'why_correct': 'It does.'}",
            {"cop": "Naloxone", "cop_index": "1"},
        ),
        # ... and the key behind it is lost as well
        ('{"cop": "Naloxone, by injection", "cop_index": 1}', {"cop": "Naloxone", ', "cop_index': "1"}),
        ("{'cop': 'Naloxone', 'cop_index': 1, 'why_correct': 'It rev", {"cop": "Naloxone", "cop_index": "1"}),
        ("The answer is Naloxone.", {}),
        ("", {}),
    ],
)
def test_a_value_ends_before_the_first_comma(output: str, fields: dict[str, str]) -> None:
    found = compat.parse(output)
    assert {key: found[key] for key in fields} == fields
    assert fields or not found


@pytest.mark.parametrize(
    ("task", "output", "gold", "verdict"),
    [
        ("reasoning_nota", "{'cop': 'none of the above'}", "None of the above", "correct"),
        ("reasoning_nota", "{'cop': 'None of the above.'}", "None of the above", "wrong"),
        ("reasoning_nota", "{'answer': 'None of the above'}", "None of the above", "out"),
        ("reasoning_nota", "None of the above", "None of the above", "out"),
        ("reasoning_nota", "{'cop': 'Naloxone, by injection'}", "Naloxone, by injection", "wrong"),
        # The verdict is not looked at; the option is, under the first of eight keys.
        ("reasoning_FCT", "{'is_answer_correct': 'yes', 'answer': 'Naloxone'}", "Naloxone", "correct"),
        ("reasoning_FCT", "{'corrent_answer': 'Naloxone', 'Answer': 'Atropine'}", "Naloxone", "correct"),
        ("reasoning_FCT", "{'answer': 'Naloxone', 'correct_answer': 'Atropine'}", "Naloxone", "wrong"),
        ("reasoning_FCT", "{'is_answer_correct': 'no'}", "Naloxone", "out"),
        ("reasoning_FCT", "{'answer': 'None'}", "None", "out"),  # pandas has no value there
        ("reasoning_fake", "{'cop': 'All of the above'}", "", "correct"),
        ("reasoning_fake", "{'cop': 'The absurd valve of the fifth corner'}", "", "correct"),
        ("reasoning_fake", "{'cop': 'Admit the patient to hospital'}", "", "correct"),
        ("reasoning_fake", "{'cop': 'I don\\'t know'}", "", "wrong"),
        ("reasoning_fake", "{'cop': 'The wing nerve'}", "", "wrong"),
        ("reasoning_fake", "I do not know", "", "out"),
        ("IR_pmid2title", "{'paper_title': 'a study of tea'}", "A Study of Tea", "correct"),
        ("IR_pmid2title", "{'paper_title': 'Unknown'}", "Unknown", "correct"),
        ("IR_pubmedlink2title", "{'title': 'A Study of Tea'}", "A Study of Tea", "out"),
        ("IR_title2pubmedlink", f"{{'url': '{LINK}/'}}", LINK, "wrong"),
        ("IR_abstract2pubmedlink", f'{{"url": "{LINK.upper()}"}}', LINK, "correct"),
    ],
)  # fmt: skip
def test_a_verdict(task: TaskName, output: str, gold: str, verdict: str) -> None:
    assert compat.verdict(task, output, gold) == verdict


@settings(deadline=None)
@given(st.sampled_from(TASKS), st.text(), st.text())
def test_any_output_has_a_verdict(task: TaskName, output: str, gold: str) -> None:
    assert compat.verdict(task, output, gold) in ("correct", "wrong", "out")


def golden() -> list[dict[str, Any]]:
    """Outputs judged by the published functions; the file says which."""
    found: list[dict[str, Any]] = io.read_json(Path(__file__).with_name("golden.json"))["tasks"]
    return found


@pytest.mark.parametrize("one", golden(), ids=lambda one: str(one["task"]))
def test_the_published_functions_say_the_same(one: dict[str, Any]) -> None:
    verdicts = [compat.verdict(one["task"], row["output"], row["gold"]) for row in one["rows"]]
    assert verdicts == [row["verdict"] for row in one["rows"]]
    found = compat.numbers(verdicts)
    assert (found["correct"], found["wrong"]) == (one["correct"], one["wrong"])
    assert found["accuracy"] == pytest.approx(one["accuracy"], abs=1e-6)
    assert found["score"] == pytest.approx(one["score"], abs=1e-6)
