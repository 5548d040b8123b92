"""What may be said of a pair, and what is refused before it is written."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bimedix2.errors import DataError
from bimedix2.review.judgement import Category, Judgement, Verdict, agree, merge, parse
from bimedix2.review.pairs import Item, Part

ITEM = Item(
    id="ar-1",
    of="en-1",
    plans=("all",),
    languages=("en", "ar"),
    task="vqa",
    split="train",
    subject=None,
    content="0" * 64,
    parts=(
        Part(turn=0, role="user", image="a" * 64),
        Part(turn=0, role="user", source="Which side?", target="أي جهة؟"),
        Part(turn=1, role="assistant", source="The left.", target="اليمنى."),
    ),
)
SIDE = {"category": "laterality", "part": 2, "start": 0, "end": 6}


def major(**changes: Any) -> dict[str, Any]:
    return {"verdict": "major", "issues": [SIDE], "rationale": "The source says left.", **changes}


def test_a_whole_review_is_taken_as_it_is() -> None:
    judged = parse(major(corrected=[{"part": 2, "text": "اليسرى.\r\n"}]), ITEM)
    assert judged.verdict is Verdict.MAJOR
    assert judged.texts == {2: "اليسرى."}
    assert judged.categories == {Category.LATERALITY}
    assert Judgement.model_validate(judged.to_json()) == judged


def test_a_text_that_nobody_changed_is_no_correction() -> None:
    assert parse({"verdict": "none", "corrected": [{"part": 2, "text": " اليمنى. "}]}, ITEM).corrected == ()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"verdict": "none", "issues": [SIDE]}, "'none' though an error is named"),
        ({"verdict": "none", "corrected": [{"part": 2, "text": "x"}]}, "'none' though an error is named"),
        ({"verdict": "minor"}, "without a category"),
        (major(rationale=" \n"), "needs a rationale"),
        (major(issues=[{**SIDE, "end": 8}]), "0 to 8 lies outside its text of 7"),
        (major(issues=[{**SIDE, "start": 6}]), "6 to 6 lies outside"),
        (major(issues=[{**SIDE, "end": None}]), "0 to None lies outside"),
        (major(issues=[{**SIDE, "part": 0}]), "has no text part 0"),
        (major(issues=[{**SIDE, "part": 3}]), "has no text part 3"),
        (major(issues=[{**SIDE, "category": "spelling"}]), "'issues.0.category'"),
        (major(corrected=[{"part": 2, "text": "  "}]), "corrected text is empty"),
        (major(corrected=[{"part": 2, "text": "a"}, {"part": 2, "text": "b"}]), "corrected twice"),
        (major(corrected=[{"part": 2, "text": "اليسرى\u202e."}]), "invisible marks"),
        (major(rationale="\ud800"), "'rationale'"),
        (major(score=1), "'score'"),
        ({"verdict": "bad"}, "'verdict'"),
        (None, "'judgement'"),
    ],
)
def test_what_is_not_whole_is_refused_by_name(value: Any, said: str) -> None:
    with pytest.raises(DataError) as caught:
        parse(value, ITEM)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def of(verdict: str, **texts: str) -> Judgement:
    fixed = [{"part": int(part[1:]), "text": text} for part, text in texts.items()]
    return Judgement.model_validate({"verdict": verdict, "corrected": fixed})


def test_reviews_agree_when_verdicts_do_and_no_text_is_contradicted() -> None:
    assert agree([of("minor", p1="a"), of("minor")])
    assert agree([of("minor", p1="a"), of("minor", p2="b")])
    assert not agree([of("minor", p1="a"), of("minor", p1="b")])
    assert not agree([of("none"), of("minor")])
    merged = merge([of("minor", p2="b"), of("minor", p1="a")])
    assert merged.texts == {1: "a", 2: "b"}


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["none", "major", SIDE]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["verdict", "issues", "corrected", "rationale", "part", "text"]), inner
        )
    ),
    max_leaves=8,
)


@given(values)
@settings(max_examples=200, deadline=None)
def test_anything_else_is_one_error_of_ours(value: Any) -> None:
    try:
        judged = parse(value, ITEM)
    except DataError:
        return
    assert judged.verdict in Verdict
