"""Who gets which pair, who sees what, and how a disagreement ends."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bimedix2.errors import DataError, RunError
from bimedix2.review.board import Board

GOOD: dict[str, Any] = {"verdict": "none"}
STYLE: dict[str, Any] = {"verdict": "minor", "issues": [{"category": "style", "part": 2}]}
MAJOR: dict[str, Any] = {
    "verdict": "major",
    "issues": [{"category": "laterality", "part": 2}],
    "rationale": "The source says left.",
}


def fixed(text: str, verdict: dict[str, Any] = STYLE) -> dict[str, Any]:
    return {**verdict, "corrected": [{"part": 2, "text": text}]}


def test_each_pair_goes_to_as_many_people_as_asked_and_to_nobody_twice(open_room: Any) -> None:
    batch = open_room(3, overlap=2)
    assert batch.give("amal", GOOD, GOOD, GOOD) == ["ar-0", "ar-1", "ar-2"]
    assert batch.room.next_for("amal") is None
    assert batch.give("omar", GOOD) == ["ar-0"]
    assert batch.give("sara", GOOD, GOOD) == ["ar-1", "ar-2"]
    assert batch.room.next_for("omar") is None
    assert batch.room.board.progress() == {
        "pairs": 3,
        "settled": 3,
        "conflicts": 0,
        "reviews": 6,
        "needed": 6,
    }


def test_a_pair_that_was_handed_out_is_handed_out_again_until_it_is_done(open_room: Any) -> None:
    batch = open_room(2, overlap=1)
    first = batch.room.next_for("amal")
    assert batch.room.next_for("amal") is first
    assert batch.room.next_for("omar") is not first
    assert [e.kind for e in batch.store.events()] == ["opened", "assigned", "assigned"]


def test_a_pair_that_nobody_finishes_goes_to_somebody_else_in_time(open_room: Any) -> None:
    batch = open_room(1, overlap=1)
    batch.room.next_for("amal")
    board: Board = batch.room.board
    soon, late = (datetime.now(UTC) + timedelta(hours=hours) for hours in (23, 25))
    assert board.next_for("omar", soon.isoformat()) is None
    assert board.next_for("omar", late.isoformat()) is not None
    batch.room.review("amal", "ar-0", GOOD)
    assert board.next_for("omar", late.isoformat()) is None


def test_a_review_of_what_was_not_handed_out_is_refused(open_room: Any) -> None:
    batch = open_room(2)
    with pytest.raises(RunError, match="not given to you"):
        batch.room.review("amal", "ar-1", GOOD)
    with pytest.raises(DataError, match="no pair 'ar-9'"):
        batch.room.review("amal", "ar-9", GOOD)


def test_agreement_settles_and_difference_does_not(open_room: Any) -> None:
    batch = open_room(4)
    batch.give("amal", GOOD, STYLE, fixed("نص"), MAJOR)
    batch.give("omar", GOOD, fixed("نص"), fixed("نص آخر"), GOOD)
    assert [batch.state(f"ar-{n}") for n in range(4)] == ["settled", "settled", "conflict", "conflict"]
    assert batch.room.board.of("ar-1").verdict(2).texts == {2: "نص"}
    assert batch.room.board.of("ar-3").verdict(2) is None
    # Verdicts that differ come before wordings that differ.
    assert [s.item.id for s in batch.room.board.queue()] == ["ar-3", "ar-2"]


def test_nobody_sees_anothers_review_before_their_own_and_only_in_a_conflict(open_room: Any) -> None:
    batch = open_room(2)
    batch.give("amal", GOOD, GOOD)
    board: Board = batch.room.board
    with pytest.raises(RunError, match="not shown to you"):
        board.may_discuss("omar", "ar-0", False)
    batch.give("omar", MAJOR, GOOD)
    board.may_discuss("omar", "ar-0", False)
    board.may_discuss("huda", "ar-0", True)
    for name, item, adjudicates in [
        ("sara", "ar-0", False),
        ("amal", "ar-1", False),
        ("huda", "ar-1", True),
    ]:
        with pytest.raises(RunError, match="not shown to you"):
            board.may_discuss(name, item, adjudicates)


def test_letters_do_not_say_who_was_first(open_room: Any) -> None:
    batch = open_room(20)
    batch.give("amal", *[MAJOR] * 20)
    batch.give("omar", *[GOOD] * 20)
    letters = {s.letter("amal") for s in batch.room.board.standings.values()}
    assert letters == {"A", "B"}


def test_a_disagreement_is_discussed_and_a_revised_review_may_end_it(open_room: Any) -> None:
    batch = open_room(1)
    batch.give("amal", MAJOR)
    batch.give("omar", GOOD)
    batch.room.comment("omar", "ar-0", "  أين كُتب ذلك؟ ", False)
    batch.room.comment("amal", "ar-0", "In the second sentence.", False)
    batch.room.review("omar", "ar-0", fixed("الجهة اليسرى", MAJOR))
    standing = batch.room.board.of("ar-0")
    assert batch.state("ar-0") == "settled"
    assert standing.verdict(2).texts == {2: "الجهة اليسرى"}
    assert [text for _, _, text in standing.comments] == ["أين كُتب ذلك؟", "In the second sentence."]
    # Agreement is of what was said blind.
    assert {name: j.verdict.value for name, j in standing.first.items()} == {"amal": "major", "omar": "none"}
    assert len(standing.reviews["omar"]) == 2


def test_the_adjudicator_resolves_and_that_stands(open_room: Any) -> None:
    batch = open_room(1)
    batch.give("amal", MAJOR)
    batch.give("omar", GOOD)
    batch.room.comment("huda", "ar-0", "I will ask a radiologist.", True)
    batch.room.resolve("huda", "ar-0", fixed("الجهة اليسرى", MAJOR))
    standing = batch.room.board.of("ar-0")
    assert (standing.resolved_by, standing.verdict(2).verdict) == ("huda", "major")
    with pytest.raises(RunError, match="resolved by the adjudicator"):
        batch.room.review("omar", "ar-0", MAJOR)
    with pytest.raises(RunError, match="not in the queue"):
        batch.room.resolve("huda", "ar-0", GOOD)
    kinds = [event.kind for event in batch.store.events()]
    assert kinds.count("reviewed") == 2, "nothing was overwritten"


def test_nobody_adjudicates_their_own_review(open_room: Any) -> None:
    batch = open_room(1)
    batch.give("amal", MAJOR)
    batch.give("omar", GOOD)
    with pytest.raises(RunError, match="another adjudicator"):
        batch.room.resolve("amal", "ar-0", GOOD)


def test_what_nobody_disagrees_on_is_not_the_adjudicators(open_room: Any) -> None:
    batch = open_room(1)
    batch.give("amal", GOOD)
    with pytest.raises(RunError, match="not in the queue"):
        batch.room.resolve("huda", "ar-0", GOOD)


def test_a_pair_left_to_others_goes_to_them_and_to_the_adjudicator(open_room: Any) -> None:
    batch = open_room(2, overlap=1)
    standing = batch.room.next_for("amal")
    with pytest.raises(DataError, match="a few words"):
        batch.room.skip("amal", standing.item.id, " ")
    batch.room.skip("amal", standing.item.id, "ليس من تخصصي")
    assert [s.item.id for s in batch.room.board.queue()] == ["ar-0"]
    assert batch.room.next_for("amal").item.id == "ar-1"
    assert batch.give("omar", GOOD) == ["ar-0"]
    assert batch.room.board.queue() == []


def test_the_adjudicator_may_judge_what_was_left_out(open_room: Any) -> None:
    batch = open_room(1, overlap=1)
    batch.room.next_for("amal")
    batch.room.skip("amal", "ar-0", "not my field")
    batch.room.resolve("huda", "ar-0", GOOD)
    assert batch.state("ar-0") == "settled"
    assert batch.room.next_for("omar") is None


def test_a_closed_batch_takes_nothing_more(open_room: Any) -> None:
    batch = open_room(2)
    batch.give("amal", GOOD)
    batch.room.next_for("omar")
    with pytest.raises(RunError, match="2 of 2 pairs have no verdict"):
        batch.room.end(unfinished=False)
    batch.room.end(unfinished=True)
    last = batch.store.check()
    for act in (
        lambda: batch.room.review("omar", "ar-0", GOOD),
        lambda: batch.room.comment("huda", "ar-0", "x", True),
        lambda: batch.room.resolve("huda", "ar-0", GOOD),
    ):
        with pytest.raises(RunError, match="closed"):
            act()
    assert batch.room.next_for("amal") is None
    batch.room.end(unfinished=False)
    assert batch.store.check() == last
