"""The glossary: what the shipped file holds, terms found in English, and their Arabic recognised."""

import re
import time
from collections import Counter
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.errors import DataError
from bimedix2.language.glossary import KINDS, Finder, Term, find, load, says
from bimedix2.text.arabic import normalise, script

TERMS = load()
BY_EN = {term.en: term for term in TERMS}
GOOD = "- {en: pleural effusion, ar: انصباب جنبي, kind: finding, source: unreviewed}\n"


def names(text: str) -> list[str]:
    return [found.term.en for found in find(text)]


def test_the_shipped_file_covers_every_kind() -> None:
    counts = Counter(term.kind for term in TERMS)
    assert len(TERMS) >= 600
    assert set(counts) == set(KINDS)
    assert counts["drug"] >= 80
    assert len(BY_EN) == len(TERMS)
    assert {term.source for term in TERMS} == {"unreviewed"}


def test_no_entry_of_the_shipped_file_writes_a_field_or_a_form_twice() -> None:
    text = files("bimedix2.language").joinpath("glossary.yaml").read_text(encoding="utf-8")
    for line in text.splitlines():
        fields = re.findall(r"[{,] (?:note: [^,]*)?(en|ar|kind|accept|en_accept|source): ", " " + line)
        assert len(fields) == len(set(fields)), line
    for term in TERMS:
        forms = (term.ar, *term.accept)
        assert len(set(forms)) == len(forms), term.en
        assert len(set(term.en_accept)) == len(term.en_accept), term.en


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.en)
def test_every_term_is_found_and_said(term: Term) -> None:
    for words in (term.en, *term.en_accept):
        assert [found.term for found in find(f"The {words}.")] == [term], words
    for form in (term.ar, *term.accept):
        assert script(form) == "ar"
        assert normalise(form)
        assert says(term, form), form
        assert says(term, normalise(form)), form


def test_the_longest_term_wins() -> None:
    assert names("A large pleural effusion and a fracture.") == ["pleural effusion", "fracture"]
    assert names("right lower lobe pneumonia") == ["right lower lobe", "pneumonia"]
    assert names("chest CT") == ["chest", "computed tomography"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The doctor fractured no actual record", ["fracture"]),
        ("chestnut, ribald, earnest, kidneyed", []),
        ("It is right. Upper lobe is clear.", ["right", "upper lobe"]),
        ("pleural, effusion", ["pleural", "effusion"]),
        ("pleural\n\neffusion", ["pleural", "effusion"]),
        ("pleural\neffusion", ["pleural effusion"]),
        ("X-RAY and x ray", ["x-ray", "x-ray"]),
        ("Crohn\u2019s disease", ["crohn's disease"]),
        ("H. pylori", ["helicobacter pylori"]),
        ("5mg of aspirin", ["milligram", "aspirin"]),
        ("HbA1c", ["glycated hemoglobin"]),
        ("lungs, biopsies, metastases, vertebrae", ["lung", "biopsy", "metastasis", "vertebra"]),
        ("", []),
    ],
)
def test_words_are_found_at_their_boundaries(text: str, expected: list[str]) -> None:
    assert names(text) == expected


def test_a_find_says_where() -> None:
    text = "Left-sided Pleural Effusions."
    found = find(text)
    assert [text[f.start : f.end] for f in found] == ["Left", "Pleural Effusions"]


@given(st.text())
def test_any_text_is_searched(text: str) -> None:
    found = find(text)
    assert all(0 <= f.start < f.end <= len(text) for f in found)
    assert all(a.end <= b.start for a, b in pairwise(found))


def test_a_kilobyte_is_searched_in_well_under_a_millisecond() -> None:
    text = "There is a right lower lobe consolidation with a small pleural effusion on chest x-ray. " * 12
    find(text)
    best = min(_seconds(text) for _ in range(30))
    assert best < 0.001


def _seconds(text: str) -> float:
    start = time.perf_counter()
    find(text[:1024])
    return time.perf_counter() - start


@pytest.mark.parametrize(
    ("en", "arabic"),
    [
        ("pleural effusion", "يوجد انصبابٌ جنبيٌّ صغير"),
        ("pleural effusion", "الانصباب الجنبي"),
        ("pleural effusion", "وبالانصباب الجنبي"),
        ("pleural effusion", "للانصباب الجنبي"),
        ("pleural effusion", "أظهرت الصورة انصباباً جنبياً"),
        ("pleural effusion", "انصبابان جنبيان"),
        ("lung", "كتلة في رئته اليمنى"),
        ("lung", "الرئتين"),
        ("lung", "فالرئه"),
        ("heart", "كقلبه"),
        ("tonsil", "للوزة"),
        ("inflammation", "وللالتهاب"),
        ("brain", "للدماغ"),
        ("brain", "آفة دماغية"),
        ("milligram", "5ملغ"),
        ("eye", "عينه اليسرى"),
        ("virus", "ڤيروس"),
        ("fourth lumbar vertebra", "الفقرة القطنية الرابعة"),
    ],
)
def test_a_term_is_said_however_it_is_inflected(en: str, arabic: str) -> None:
    assert says(BY_EN[en], arabic)


@pytest.mark.parametrize(
    ("en", "arabic"),
    [
        ("blood", "الدماغ"),
        ("right", "الرئة اليسرى"),
        ("left", "الرئة اليمنى"),
        ("eye", "عينة"),
        ("lung", "رئيس القسم"),
        ("pleural effusion", "انصباب تاموري"),
        ("metformin", "إنسولين"),
        ("brain", ""),
    ],
)
def test_another_word_is_not_the_term(en: str, arabic: str) -> None:
    assert not says(BY_EN[en], arabic)


def test_no_drug_is_said_by_the_name_of_another() -> None:
    drugs = [term for term in TERMS if term.kind == "drug"]
    general = {"drug", "vaccine"}
    for drug in drugs:
        said = {other.en for other in drugs if says(other, drug.ar)} - {drug.en} - general
        assert not said, drug.en


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD.replace("source:", "origin: book, source:"), "unknown field 'origin'"),
        (GOOD + GOOD, "entry 1 ('pleural effusion') has already"),
        (GOOD + GOOD.replace("en: pleural effusion", "en: x, en_accept: [Pleural  effusion]"), "claims"),
        (GOOD.replace("انصباب جنبي", "effusion"), "without an Arabic letter"),
        (GOOD.replace("kind:", "accept: [effusion], kind:"), "without an Arabic letter"),
        (GOOD.replace("kind:", "accept: انصباب, kind:"), "no list of texts"),
        (GOOD.replace(", source: unreviewed", ""), "no text as 'source'"),
        (GOOD.replace("kind: finding", "kind: thing"), "the kind 'thing'"),
        (GOOD.replace("pleural effusion", "Pleural"), "capitals"),
        (GOOD.replace("en: pleural effusion", "en: no"), "no text as 'en'"),
        (GOOD.replace("en: pleural effusion", "en: '...'"), "without a letter or digit"),
        ("- pleural effusion\n", "entry 1 is no mapping"),
        ("en: pleural effusion\n", "no list of entries"),
        ("- {en: [\n", "is not YAML at line"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=re.escape(message)) as error:
        load(path)
    assert "mine.yaml" in str(error.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.yaml"):
        load(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"\xff\xfe\xe9")
    with pytest.raises(DataError, match=r"latin\.yaml"):
        load(tmp_path / "latin.yaml")


def test_a_glossary_of_ones_own_is_searched(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD, encoding="utf-8")
    terms = load(path)
    assert terms == (Term("pleural effusion", "انصباب جنبي", "finding", "unreviewed"),)
    assert [f.term for f in Finder(terms).find("pleural effusions of the chest")] == list(terms)
