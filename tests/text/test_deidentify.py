"""What identifies a person is replaced by its kind, in both languages, and the rest is left as it was."""

import json
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bimedix2.errors import MissingExtra
from bimedix2.text import names
from bimedix2.text.deidentify import KINDS, Span, deidentify, find

CASES: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parent / "identifiers.yaml").read_text(encoding="utf-8")
)
PUBMEDQA = Path("../shared/data/pubmedqa/ori_pqal.json")


@pytest.mark.parametrize("case", CASES["found"], ids=lambda case: case["in"][:40])
def test_an_identifier_is_replaced_by_its_kind(case: dict[str, str]) -> None:
    assert deidentify(case["in"])[0] == case["out"]


@pytest.mark.parametrize("text", CASES["left"], ids=lambda text: text[:40])
def test_what_identifies_nobody_is_left(text: str) -> None:
    assert deidentify(text) == (text, {})


def test_counts_are_by_kind() -> None:
    text = "Dr. Amal Haddad, Mr Smith and a.b@example.org on 2021-03-04"
    assert deidentify(text)[1] == {"NAME": 2, "EMAIL": 1, "DATE": 1}


def test_only_the_kinds_that_are_asked_for_are_replaced() -> None:
    text = "Dr. Amal Haddad on 2021-03-04"
    assert deidentify(text, ["DATE"]) == ("Dr. Amal Haddad on [DATE]", {"DATE": 1})
    assert deidentify(text, []) == (text, {})


def test_what_is_not_seen_hides_nothing() -> None:
    """A direction mark in a number, or tatweel in a cue, changes how text looks and not what it says."""
    assert deidentify("هاتف: 050\u200e1234567")[0] == "هاتف: [PHONE]"
    assert deidentify("اسـم المريض: أحمد علي")[0] == "اسـم المريض: [NAME]"
    assert deidentify("MRN\u00a048291")[0] == "MRN\u00a0[ID]"


def test_spans_name_places_in_the_text_itself() -> None:
    text = "\u202bهاتف\u202c: 0501234567 (Dr. Amal Haddad)"
    spans = find(text)
    assert [(span.kind, text[span.start : span.end]) for span in spans] == [
        ("PHONE", "0501234567"),
        ("NAME", "Amal Haddad"),
    ]
    assert spans[0] == Span("PHONE", 8, 18)


@settings(deadline=None)  # the first example compiles the patterns
@given(st.text(max_size=120))
def test_any_text_goes_through_and_what_lies_between_stays(text: str) -> None:
    spans = find(text)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    assert all(0 <= s.start < s.end <= len(text) and s.kind in KINDS for s in spans)
    cleaned, counts = deidentify(text)
    assert sum(counts.values()) == len(spans)
    at = 0
    for span in spans:
        kept = text[at : span.start]
        assert cleaned.startswith(kept)
        cleaned = cleaned[len(kept) :].removeprefix(f"[{span.kind}]")
        at = span.end
    assert cleaned == text[at:]


WORDS = st.sampled_from(
    ["Dr.", "Amal", "Haddad", "MRN:", "48291", "on", "2021-03-04", "Address:", "12", "King", "Road", "،", ".",
     "اسم المريض:", "أحمد", "علي", "هاتف", "٠٥٠١٢٣٤٥٦٧", "السيدة", "فاطمة", "العنوان:", "شارع", "في", "\n",
     "Tel"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(WORDS, max_size=14).map(" ".join))
def test_a_second_pass_finds_nothing_new_in_what_the_first_put_there(text: str) -> None:
    once, _ = deidentify(text)
    twice, _ = deidentify(once)
    for kind in KINDS:
        assert twice.count(f"[{kind}]") >= once.count(f"[{kind}]")
        assert f"[[{kind}]" not in twice


@pytest.mark.skipif(not PUBMEDQA.exists(), reason=f"{PUBMEDQA} is not here; it is PubMedQA's labelled set")
def test_published_abstracts_lose_next_to_nothing() -> None:
    """They name no patient: what is replaced beside dates is a false alarm, in at most 1 abstract of 100."""
    rows = json.loads(PUBMEDQA.read_text(encoding="utf-8")).values()
    texts = [" ".join([row["QUESTION"], *row["CONTEXTS"], row["LONG_ANSWER"]]) for row in rows]
    kinds = [kind for kind in KINDS if kind != "DATE"]
    touched = [text for text in texts if find(text, kinds)]
    assert len(touched) <= len(texts) / 100


def test_text_made_to_be_slow_is_not() -> None:
    """Each of these makes some pattern begin anew at every place; together they take about a second."""
    began = time.process_time()
    for piece in (
        "كلمة ",
        "Dr. ",
        "1-",
        "12 ",
        "John ",
        "A.",
        "a@",
        "A^",
        "patient name ",
        "اسم المريض: ",
        " ",
    ):
        deidentify(f"شارع Patient name: {piece * 20_000}")
    assert time.process_time() - began < 20


def test_without_the_lists_of_names_nothing_is_passed_off_as_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    names._given.cache_clear()
    monkeypatch.setitem(sys.modules, "faker.providers.person", None)
    with pytest.raises(MissingExtra, match=r"pip install 'bimedix2\[curate\]'"):
        find("Seen today with Ewa Nowak.")
    names._given.cache_clear()
