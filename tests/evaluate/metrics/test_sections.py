"""Report sections against MultiMedEval's parser, and MIMIC-III notes made ready for summarisation."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.errors import DataError
from bimedix2.evaluate.metrics.sections import (
    final_report,
    group_of,
    masked,
    section_name,
    section_text,
    summary_pair,
    tables,
)

NOTE = """[**2101-1-1**] CT HEAD
 FINAL REPORT
 INDICATION:  Fall of [**Known lastname 7**].

 CT OF THE HEAD WITHOUT IV CONTRAST:  No bleed.
 (Over)
 page two
 (Cont)
 No   shift.

 IMPRESSION:  Normal
 study.
"""


def test_sections_are_the_originals(golden: Callable[[str], Any]) -> None:
    for case in golden("section_text")["cases"]:
        found = section_text(case["text"])
        assert [s.name for s in found] == case["names"]
        assert [s.text for s in found] == case["sections"]
        assert [s.start for s in found] == case["idx"]


def test_notes_are_cut_and_masked_as_the_original(golden: Callable[[str], Any]) -> None:
    for case in golden("mimic3_pre")["cases"]:
        final = final_report(case["in"])
        assert final == case["final"]
        assert (None if final is None else masked(final)) == case["masked"]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("IMPRESSION", "impression"),
        ("CONCLUSION", "impression"),
        ("FINAL IMPRESSION", "impression"),
        ("CHEST PA AND LATERAL", "findings"),
        ("PORTABLE SUPINE RADIOGRAPH", "findings"),
        ("PRIOR COMPARISON STUDY", "comparison"),
        ("CLINICAL HISTORY", "history"),
        ("COMPARISION", "comparison"),
        ("NOTIFICATION", "notification"),
        ("SOMETHING ELSE", "something else"),
        ("  INDICATION", "indication"),
        ("NDICATION", "impression"),
    ],
)
def test_headers_are_named(header: str, name: str) -> None:
    assert section_name(header) == name


def test_findings_and_impression_of_a_note() -> None:
    pair = summary_pair(NOTE, "CT_head")
    assert (pair.findings, pair.impression) == ("No bleed. No shift.", "Normal study.")


@pytest.mark.parametrize(
    ("note", "why"),
    [
        ("no header", "no FINAL REPORT"),
        ("FINAL REPORT\n FINDINGS:  x\n", "0 impressions"),
        ("FINAL REPORT\n IMPRESSION:  x\n IMPRESSION:  y\n", "2 impressions"),
        ("FINAL REPORT\n INDICATION:  x\n IMPRESSION:  y\n", "no findings"),
    ],
)
def test_a_note_that_cannot_be_used_says_why(note: str, why: str) -> None:
    assert summary_pair(note, "CT_head").dropped == why


@pytest.mark.parametrize(
    ("description", "group"),
    [
        ("CT HEAD W/O CONTRAST", "CT_head"),
        ("CTA HEAD W&W/O C & RECONS", "CT_head"),
        ("CT C-SPINE W/O CONTRAST", "CT_spine"),
        ("CT SINUS/MANDIBLE/MAXILLOFACIAL W/O CONTRAST", "CT_sinus"),
        ("CT ABD & PELVIS WITH CONTRAST", "CT_abdomen-pelvis"),
        ("CT CHEST W/CONTRAST", "CT_chest"),
        ("MR HEAD W/O CONTRAST", "MR_head"),
        ("MR L SPINE W/O CONTRAST", "MR_spine"),
        ("MRCP (MR ABD W&W/OC)", "MR_abdomen"),
        ("MRA NECK W/O CONTRAST", "MR_neck"),
        ("CHEST (PORTABLE AP)", None),
        ("RENAL U.S.", None),
    ],
)
def test_descriptions_are_grouped(description: str, group: str | None) -> None:
    assert group_of(description) == group


def test_every_group_of_the_published_task_is_there() -> None:
    assert len(tables()["groups"]) == 11
    with pytest.raises(DataError, match="CT_head"):
        summary_pair(NOTE, "CT_hed")


@given(st.text(alphabet="AB:\n () x", max_size=60))
def test_any_text_has_sections_that_begin_where_they_say(text: str) -> None:
    for section in section_text(text):
        assert section.name == "last_paragraph" or text.startswith(section.text, section.start)


@given(st.text(alphabet="FINAL REPORT(Over)(Cont)x", max_size=80))
def test_page_breaks_never_loop(text: str) -> None:
    report = final_report(f"FINAL REPORT {text}")
    assert report is not None
    assert report.count("(Over)") == 0 or "(Cont)" not in report[report.find("(Over)") :]
