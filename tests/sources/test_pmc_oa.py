"""PMC-OA: captions line by line, articles as subjects, one of the two files."""

from pathlib import Path

from bimedix2.records.images import ImageStore
from bimedix2.sources import pmc_oa

from .conftest import as_lines, parted, picture

# Layout: the card and the loader of axiong/pmc_oa; the words are written by hand.
ROW = {
    "image": "PMC10_Fig3_4.jpg",
    "caption": "A. A cell.",
    "alignment_type": "box",
    "alignment_score": 0.5,
}


def test_captions_become_records(tmp_path: Path) -> None:
    picture(tmp_path / "images" / pmc_oa.PANELS / "PMC10_Fig3_4.jpg")
    as_lines(tmp_path / "pmc_oa_beta.jsonl", [ROW])
    rows = [ROW, {**ROW, "image": "PMC11_Fig1_1.jpg"}, {**ROW, "caption": " "}, {**ROW, "image": ["x"]}]
    as_lines(tmp_path / "pmc_oa.jsonl", rows)
    records, removed = parted(pmc_oa.read(tmp_path, ImageStore(tmp_path / "store")))
    (record,) = records
    assert (record.id, record.task, record.provenance.subject) == ("pmc_oa/pmc_oa/1", "caption", "pmc:PMC10")
    assert record.messages[1].text == "A. A cell."
    assert record.provenance.licence == "unknown"
    assert record.meta == {"published": {"alignment_type": "box", "alignment_score": 0.5}}
    assert [reason for _, reason in removed] == ["missing-image", "empty-field", "broken-row"]
