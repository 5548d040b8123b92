"""Items that ask for scores: what is checked, what is kept, and what the pages show and take."""

import json
from typing import Any

import pytest

from bimedix2 import io
from bimedix2.errors import DataError
from bimedix2.review import close_batch, open_batch
from bimedix2.review.store import Store
from bimedix2.review.trial.choice import parse
from bimedix2.review.trial.items import Item, read_sealed
from bimedix2.review.trial.room import Room

SEVEN_FIVE: dict[str, Any] = {"choice": "scored", "scores": {"A": "7", "B": "5"}}
MARKS = [
    {"id": "fact-1", "label": "A", "name": "fact", "text": "An effusion on the left.",
     "values": ["present", "contradicted", "absent"]},
    {"id": "harmful", "label": "A", "name": "harmful", "values": ["yes", "no"]},
]  # fmt: skip


@pytest.fixture
def item(trial: Any, two_scores: Any) -> Item:
    config = trial(1, labels=2, scales=two_scores)
    return read_sealed(config.input)[0][0]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"choice": "scored", "scores": {"A": "7"}}, "1 of 2 scores are missing; give them all"),
        ({"choice": "scored"}, "2 of 2 scores are missing"),
        ({"choice": "scored", "scores": {"A": "7", "B": "11"}}, "'11' is no value of 'B'"),
        ({"choice": "scored", "scores": {"A": "7", "B": "0"}}, "'0' is no value of 'B'"),
        ({"choice": "scored", "scores": {"A": "7", "B": 5}}, "'scores.B'"),
        ({"choice": "scored", "scores": {"A": "7", "B": "5", "C": "1"}}, "no score 'C' is asked for"),
        ({"choice": "scored", "labels": ["A"], "scores": SEVEN_FIVE["scores"]}, "chooses no answer"),
        ({"choice": "best", "labels": ["A"]}, "this item asks for scores; reload the page"),
        ({"choice": "abstain", "scores": {"A": "7"}}, "no score 'A' is asked for"),
    ],
)
def test_scores_are_checked_against_the_item(item: Item, value: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        parse(value, item)


def test_a_choice_has_no_scores_and_is_kept_as_before(trial: Any) -> None:
    chosen = read_sealed(trial(1).input)[0][0]
    with pytest.raises(DataError, match="asks for the best answer"):
        parse({"choice": "scored", "scores": {}}, chosen)
    assert "scores" not in parse({"choice": "best", "labels": ["A"]}, chosen).to_json()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scales": [], "answers": [{"label": "A", "text": "x"}]}, "leaves nothing to choose"),
        ({"scales": [{**MARKS[0], "label": "C"}]}, "is of no answer of the item"),
        ({"scales": [MARKS[0], MARKS[0]]}, "two scales are called 'fact-1'"),
        ({"scales": [{**MARKS[0], "values": ["present", "perhaps"]}]}, "has the values present, perhaps"),
        ({"scales": [{**MARKS[0], "name": "beauty"}]}, "scales.0.name"),
    ],
)
def test_a_sealed_item_that_cannot_be_scored_is_refused(
    trial: Any, two_scores: Any, change: dict[str, Any], said: str
) -> None:
    config = trial(1, labels=2, scales=two_scores)
    path = config.input / "items.jsonl"
    (row,) = (row for _, row in io.read_jsonl(path))
    with pytest.raises(ValueError, match=said):
        Item.model_validate({**row, **change})


def test_scores_are_written_revised_and_counted(trial: Any, two_scores: Any) -> None:
    config = trial(2, labels=2, scales=two_scores, overlap=1)
    assert "2 items of 2 answers to judge" in open_batch(config)
    with Store(config.store) as store:
        room = Room(store, config)
        for value in (SEVEN_FIVE, {"choice": "abstain", "notes": "too dark"}):
            standing = room.next_for("amal")
            assert standing is not None
            room.choose("amal", standing.item.id, value)
        room.choose("amal", "001", {"choice": "scored", "scores": {"A": "10", "B": "1"}})
    done = close_batch(config)
    lines = (done / "judgements.jsonl").read_text(encoding="utf-8").splitlines()
    first, second = (json.loads(line) for line in lines)
    assert first["scores"] == {"A": "10", "B": "1"}
    assert first["earlier"][0]["scores"] == {"A": "7", "B": "5"}
    assert (second["choice"], second["notes"]) == ("abstain", "too dark")
    assert json.loads((done / "report.json").read_text())["choices"] == {"scored": 1, "abstain": 1}
    report = (done / "report.md").read_text(encoding="utf-8")
    assert "scored: 1; abstained: 1." in report
    assert "chosen as best" not in report


def test_the_page_asks_for_scores_and_shows_no_reference(serve_trial: Any, two_scores: Any) -> None:
    with serve_trial(2, labels=2, scales=two_scores, overlap=1) as site:
        amal = site.signed_in("amal")
        page, data = amal.page(), amal.data()
        assert [scale["id"] for scale in data["scales"]] == ["A", "B"]
        assert "Figure 1: a chest film." in page
        assert page.count('class="button value"') == 20
        assert 'class="turn-pair reference"' not in page
        assert 'id="tie"' not in page
        assert amal.send("/choices", {"item": "001", "choice": {"choice": "scored"}}).status_code == 400
        assert amal.send("/choices", {"item": "001", "choice": SEVEN_FIVE}).status_code == 200
        again = amal.data("/item?item=001")
        assert (again["mode"], again["own"]["scores"]) == ("revise", {"A": "7", "B": "5"})
        assert "<bdi>7</bdi> <bdi>5</bdi>" in amal.page("/mine")


def test_marks_are_words_of_the_interface(serve_trial: Any) -> None:
    with serve_trial(1, labels=1, scales=MARKS, overlap=1) as site:
        amal = site.signed_in("amal")
        page = amal.page()
        assert "An effusion on the left." in page
        assert ">Not stated<" in page
        marks = {"choice": "scored", "scores": {"fact-1": "absent", "harmful": "no"}}
        assert amal.send("/choices", {"item": "001", "choice": marks}).status_code == 200
        assert 'data-t="review_trial_value_absent">Not stated<' in amal.page("/mine")
