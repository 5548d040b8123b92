"""Which records lead, and that the draw depends on a record's id alone."""

from pathlib import Path

from bimedix2.records import Language
from bimedix2.records.store import read_records
from bimedix2.train.samples import lead_and_rest


def test_a_share_of_a_language_leads_and_nothing_is_lost(squares: Path) -> None:
    records = list(read_records(squares))
    english = [r for r in records if r.language is Language.ENGLISH]
    first, rest = lead_and_rest(records, {Language.ENGLISH: 0.5}, 0)
    assert first
    assert len(first) < len(english)
    assert all(record.language is Language.ENGLISH for record in first)
    assert sorted(r.id for r in first + rest) == sorted(r.id for r in records)
    assert [r.id for r in records if r in first] == [r.id for r in first]
    # A record added to the set moves no other one.
    assert lead_and_rest(records[1:], {Language.ENGLISH: 0.5}, 0)[0] == [r for r in first if r != records[0]]


def test_without_a_lead_and_with_a_whole_one(squares: Path) -> None:
    records = list(read_records(squares))
    assert lead_and_rest(records, {}, 0) == ([], records)
    first, rest = lead_and_rest(records, {Language.ENGLISH: 1.0}, 0)
    assert {r.language for r in first} == {Language.ENGLISH}
    assert Language.ENGLISH not in {r.language for r in rest}
