"""What is affirmed and what is denied, by words, in both languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.language.denial import APART, Parts, parts, plain


@pytest.mark.parametrize(
    ("text", "affirmed", "denied"),
    [
        ("This is a CT, not an MRI.", "this is a ct", ("an mri",)),
        ("This isn't a CT, it's an MRI.", "this is | it s an mri", ("a ct",)),
        ("Not a CT but an MRI.", "an mri", ("a ct",)),
        ("Not a CT. An MRI of 1.5 tesla.", "an mri of 1 5 tesla", ("a ct",)),
        ("It is not only a CT.", "it is not only a ct", ()),
        ("B-lines are not visible in the lung.", "in the lung", ("b lines are",)),
        ("I see A-lines and B-lines are absent.", "i see a lines", ("b lines",)),
        ("A CT without contrast of the chest", "a ct of the chest", ()),
        ("There are no B-lines.", "there are", ()),
        ("Is it a CT? It is an MRI.", "it is an mri", ()),
        ("ليست هذه صورة للصدر، بل صورة للدماغ.", "صوره للدماغ", ("هذه صوره للصدر",)),
        ("هذه صورة للصدر ولا تُظهر الدماغ", "هذه صوره للصدر", ("تظهر الدماغ",)),
        ("لا شك أنها صورة للصدر", "لا شك انها صوره للصدر", ()),
        ("لا يظهر إلا الصدر.", "الصدر", ("يظهر",)),
    ],
)
def test_what_is_affirmed_and_what_is_denied(text: str, affirmed: str, denied: tuple[str, ...]) -> None:
    assert parts(text) == Parts(affirmed, denied, False)


@pytest.mark.parametrize(
    ("text", "opens"),
    [
        ("No, it is a CT.", True),
        ("no - a CT", True),
        ("No it is a CT", True),
        ("No B-lines are seen", False),
        ("No-contrast CT", False),
        ("لَا، هذه صورة", True),
        ("كلا. هذه صورة", True),
        ("لا توجد صورة", False),
        ("Nothing", False),
    ],
)
def test_an_opening_no(text: str, opens: bool) -> None:
    assert parts(text).opens_with_no is opens


def test_contractions_are_written_out() -> None:
    assert plain("It can't, isn’t and cannot; won't.") == "it can not, is not and can not; will not."


@given(st.text())
def test_any_text_is_read_and_no_phrase_crosses_clauses(text: str) -> None:
    found = parts(text)
    assert all(clause == clause.strip() != "" for clause in found.affirmed.split(APART) if found.affirmed)
