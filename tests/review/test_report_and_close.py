"""The figures with their denominators, when a batch is accepted, and what the closed folder holds."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bimedix2 import manifest
from bimedix2.errors import DataError, RunError
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records
from bimedix2.review import close_batch
from bimedix2.review.events import Event, check_chain
from bimedix2.review.present import markdown
from bimedix2.review.report import figures

GOOD: dict[str, Any] = {"verdict": "none"}
STYLE: dict[str, Any] = {"verdict": "minor", "issues": [{"category": "style", "part": 2}]}
MAJOR: dict[str, Any] = {
    "verdict": "major",
    "issues": [{"category": "laterality", "part": 2, "start": 31, "end": 37}],
    "rationale": "The source says left.",
}
LEFT = "يوجد انصباب جنبي صغير في الجهة اليسرى.\nلا يوجد استرواح صدري."
FIXED = {**MAJOR, "corrected": [{"part": 2, "text": LEFT}]}


def test_rates_have_denominators_and_exact_intervals(open_room: Any) -> None:
    batch = open_room(40, overlap=1)
    batch.give("amal", MAJOR, STYLE, STYLE, *[GOOD] * 37)
    found = figures(batch.room.board, batch.config)
    plan = found["plans"]["all"]
    assert (plan["population"], plan["pairs"], plan["settled"]) == (40, 40, 40)
    assert plan["major"]["count"] == 1
    assert plan["major"]["share"] == 1 / 40
    # Clopper-Pearson of 1 in 40 at 95 %: 0.06 % to 13.16 % (scipy's binomtest, method "exact").
    assert plan["major"]["low"] == pytest.approx(0.000633, abs=5e-6)
    assert plan["major"]["high"] == pytest.approx(0.131586, abs=5e-6)
    assert plan["categories"]["style"] == 2
    assert found["acceptance"]["accepted"] is False


@pytest.mark.parametrize(("count", "accepted"), [(44, False), (45, True)])
def test_a_batch_is_accepted_when_the_upper_bound_is_below_the_limit(
    open_room: Any, count: int, accepted: bool
) -> None:
    """Without any major error in n pairs the bound is 1 - 0.025^(1/n): 8.04 % for 44 and 7.87 % for 45."""
    batch = open_room(count, overlap=1)
    batch.give("amal", *[GOOD] * count)
    assert figures(batch.room.board, batch.config)["acceptance"]["accepted"] is accepted


def test_a_batch_with_pairs_left_is_not_decided(open_room: Any) -> None:
    batch = open_room(60, overlap=1)
    batch.give("amal", *[GOOD] * 59)
    assert figures(batch.room.board, batch.config)["acceptance"]["accepted"] is None


def test_pairs_chosen_for_low_quality_decide_nothing(open_room: Any) -> None:
    plans = [{"plan": "lowest", "count": 3}, {"plan": "random", "count": 60}]
    batch = open_room(60, overlap=1, plans=plans)
    batch.give("amal", MAJOR, *[GOOD] * 59)
    found = figures(batch.room.board, batch.config)
    assert found["plans"]["lowest"]["major"]["count"] == 1
    assert found["plans"]["lowest"]["estimates"] is False
    # One in 60 has an upper bound of 8.94 %; the lowest three alone would have 90 %.
    assert found["acceptance"]["accepted"] is False


def test_lowest_alone_estimates_nothing(open_room: Any) -> None:
    batch = open_room(60, overlap=1, plans=[{"plan": "lowest", "count": 50}])
    batch.give("amal", *[GOOD] * 50)
    assert figures(batch.room.board, batch.config)["acceptance"]["accepted"] is None


def test_agreement_is_of_first_reviews(open_room: Any) -> None:
    batch = open_room(12)
    batch.give("amal", *[MAJOR] * 6, *[GOOD] * 6)
    batch.give("omar", *[MAJOR] * 5, *[GOOD] * 7)
    before = figures(batch.room.board, batch.config)["agreement"]
    batch.room.review("omar", "ar-5", MAJOR)
    after = figures(batch.room.board, batch.config)
    assert after["agreement"] == before
    assert after["states"]["settled"] == 12
    assert after["revised_after_discussion"] == 1
    # Observed 11/12; expected 6/12 * 5/12 + 6/12 * 7/12 = 1/2: kappa 5/6.
    assert before["cohen_kappa"]["amal, omar"]["value"] == pytest.approx(5 / 6)
    assert before["all_the_same"] == {"count": 11, "of": 12}
    # Fleiss: expected (11/24)^2 + (13/24)^2.
    expected = (11 / 24) ** 2 + (13 / 24) ** 2
    assert before["fleiss_kappa"]["value"] == pytest.approx((11 / 12 - expected) / (1 - expected))
    assert before["krippendorff_alpha_nominal"]["pairs"] == 12
    assert before["krippendorff_alpha_nominal"]["low"] is not None


def test_a_report_for_people_names_counts_and_intervals(open_room: Any) -> None:
    batch = open_room(12)
    batch.give("amal", MAJOR, STYLE, *[GOOD] * 10)
    batch.give("omar", FIXED, STYLE, *[GOOD] * 10)
    text = markdown(figures(batch.room.board, batch.config), "pairs")
    assert "| all | 12 of 12 | 12 | 83.3% (10/12; " in text
    assert "8.3% (1/12; 0.2% to 38.5%)" in text
    assert "**not accepted**" in text
    assert "Cohen's kappa of amal, omar | 1.000" in text
    assert "| amal | 12 | 10 | 1 | 1 |" in text


def closed(batch: Any, **changes: Any) -> Path:
    batch.store.close()
    return close_batch(batch.config.model_copy(update=changes))


def test_closing_writes_corrections_verdicts_and_the_whole_log(open_room: Any) -> None:
    batch = open_room(3)
    batch.give("amal", FIXED, STYLE, GOOD)
    batch.give("omar", GOOD, STYLE, MAJOR)
    batch.room.resolve("huda", "ar-0", FIXED)
    batch.room.resolve("huda", "ar-2", MAJOR)
    folder = closed(batch)
    manifest.verify(folder)
    records = {record.id: record for record in read_records(folder)}
    assert set(records) == {"en-0", "en-1", "en-2", "ar-0", "ar-1"}
    assert records["ar-0"].messages[1].text == LEFT
    assert records["ar-0"].images
    assert records["ar-0"].meta["review"] == {
        "verdict": "major",
        "categories": ["laterality"],
        "by": ["amal", "omar"],
        "corrected": [2],
        "plans": ["all"],
        "adjudicated_by": "huda",
    }
    assert records["ar-0"].meta["translation"]["of"] == "en-0"
    step = records["ar-0"].provenance.steps[-1]
    assert step.startswith("review:major+corrected:amal+omar+huda@20")
    assert records["ar-1"].provenance.steps[-1].startswith("review:minor:amal+omar@20")
    assert records["en-0"].provenance.steps == ()
    removed = [json.loads(line) for line in (folder / "removed" / "removed.jsonl").read_text().splitlines()]
    assert [(row["id"], row["reason"]) for row in removed] == [("ar-2", "major-uncorrected")]


def test_the_manifest_names_the_input_and_the_last_event(open_room: Any) -> None:
    batch = open_room(3)
    for name in ("amal", "omar"):
        batch.give(name, GOOD, GOOD, GOOD)
    folder = closed(batch)
    stamped = manifest.read_manifest(folder)
    assert stamped["inputs"] == {"input": manifest.folder_hash(batch.config.input)}
    events = [Event(**json.loads(line)) for line in (folder / "events.jsonl").read_text().splitlines()]
    head = check_chain(events)
    assert stamped["events"] == {"count": head.seq, "last": head.hash}
    assert events[-1].kind == "closed"
    assert events[0].payload["inputs"] == stamped["inputs"]
    assert stamped["counts"] == {
        "in": 6,
        "reviewed": 3,
        "corrected": 0,
        "kept": 6,
        "removed": {},
        "kept_without_verdict": 0,
        "not_in_exchange": 0,
    }
    assert stamped["acceptance"]["accepted"] is False
    assert json.loads((folder / "report.json").read_text())["plans"]["all"]["none"]["count"] == 3
    with Image.open(folder / "report.png") as shown:
        assert shown.size[0] > 600
    key = next(image.image for record in read_records(folder) for image in record.images)
    assert ImageStore(folder / "images").read(key)


def test_a_batch_is_closed_once_and_written_as_often_as_wanted(open_room: Any, tmp_path: Path) -> None:
    batch = open_room(2)
    with pytest.raises(RunError, match="2 of 2 pairs have no verdict"):
        closed(batch)
    first = closed(batch, unfinished=True)
    second = closed(batch, unfinished=True, output=tmp_path / "again")
    assert manifest.read_manifest(first)["events"] == manifest.read_manifest(second)["events"]
    assert manifest.folder_hash(first) == manifest.folder_hash(second)
    assert not any("review" in record.meta for record in read_records(first))
    with pytest.raises(RunError, match="finished folders are immutable"):
        closed(batch)


def test_closing_goes_on_after_it_was_killed(open_room: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from bimedix2.review import closing

    batch = open_room(2)
    for name in ("amal", "omar"):
        batch.give(name, GOOD, GOOD)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(closing, "_write_records", killed)
        with pytest.raises(KeyboardInterrupt):
            closed(batch)
    assert not batch.config.output.exists()
    folder = closed(batch)
    manifest.verify(folder)
    assert manifest.read_manifest(folder)["counts"]["kept"] == 4


def test_another_input_than_the_one_that_was_opened_is_refused(open_room: Any, finish: Any) -> None:
    batch = open_room(2)
    records = list(read_records(batch.config.input))
    shutil.rmtree(batch.config.input)
    finish(batch.config.input, records[:2])
    with pytest.raises(RunError, match="is not the folder that the batch was opened with"):
        closed(batch, unfinished=True)


def test_a_record_that_changed_since_is_not_corrected(open_room: Any) -> None:
    from bimedix2.review.closing import stamped

    batch = open_room(1, overlap=1)
    batch.give("amal", FIXED)
    standing = batch.room.board.of("ar-0")
    record = next(r for r in read_records(batch.config.input) if r.id == "ar-0")
    changed = record.model_copy(update={"messages": record.messages[:1]})
    with pytest.raises(DataError, match="has changed since it was reviewed"):
        stamped(changed, standing, standing.verdict(1))


def test_a_major_error_that_somebody_saw_does_not_pass_for_want_of_a_verdict(open_room: Any) -> None:
    batch = open_room(3, unfinished=True)
    batch.give("amal", MAJOR, STYLE, MAJOR)
    batch.give("omar", GOOD)
    folder = closed(batch)
    counts = manifest.read_manifest(folder)["counts"]
    assert (counts["in"], counts["kept"], counts["reviewed"]) == (6, 4, 0)
    assert counts["removed"] == {"major-unresolved": 2}
    assert counts["kept_without_verdict"] == 1
    rows = [json.loads(line) for line in (folder / "removed" / "removed.jsonl").read_text().splitlines()]
    assert rows[0] == {"id": "ar-0", "reason": "major-unresolved", "what": "The source says left."}


def test_a_failed_translation_that_nobody_reviewed_is_removed(open_room: Any) -> None:
    failing = {"plan": "random", "count": 1, "where": {"failed": True}}
    batch = open_room(3, failed=[0, 2], plans=[failing, {"plan": "all", "where": {"failed": False}}])
    assert [plan.estimates for plan in batch.config.plans] == [False, True]
    for name in ("amal", "omar"):
        given = batch.give(name, GOOD, GOOD)
    (looked,) = set(given) - {"ar-1"}
    (unseen,) = {"ar-0", "ar-2"} - {looked}
    folder = closed(batch)
    assert {record.id for record in read_records(folder)} == {"en-0", "en-1", "en-2", "ar-1", looked}
    (removed,) = (folder / "removed" / "removed.jsonl").read_text().splitlines()
    assert (json.loads(removed)["id"], json.loads(removed)["reason"]) == (unseen, "failed-translation")
