"""Concepts name themselves, at word boundaries, unless they are denied."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.language.concepts import Study, Tongue, concepts, mentions, named, studies, study_of
from bimedix2.language.denial import affirmed
from bimedix2.text.arabic import normalise, script

KINDS = ("modality", "region", "plane", "projection", "view", "window", "stain", "cell", "sign", "unreadable")
TONGUES: tuple[Tongue, Tongue] = ("en", "ar")
ALL = [(kind, value) for kind in KINDS for value in concepts(kind)]


@pytest.mark.parametrize(("kind", "value"), ALL)
@pytest.mark.parametrize("tongue", TONGUES)
def test_every_word_of_a_concept_names_it(kind: str, value: str, tongue: Tongue) -> None:
    concept = concepts(kind)[value]
    assert script(concept.term[tongue]) == tongue
    for phrase in (concept.term[tongue], *concept.accept[tongue]):
        found = mentions(kind, normalise(phrase))
        assert value in {v for _, _, values in found for v in values}, phrase


@pytest.mark.parametrize(("kind", "value"), ALL)
@pytest.mark.parametrize("tongue", TONGUES)
def test_a_term_names_nothing_else_but_what_shares_its_place(kind: str, value: str, tongue: Tongue) -> None:
    """Regions may overlap (a chest is part of a trunk); of every other kind a term names one value."""
    found = {
        v for _, _, values in mentions(kind, normalise(concepts(kind)[value].term[tongue])) for v in values
    }
    if kind == "region":
        groups = concepts("region")
        assert all(groups[v].groups & groups[value].groups for v in found)
    else:
        assert found == {value}


@pytest.mark.parametrize(("kind", "value"), ALL)
def test_arabic_terms_hold_latin_letters_in_brackets_alone(kind: str, value: str) -> None:
    outside = re.sub(r"\([^()]*\)", "", concepts(kind)[value].term["ar"])
    assert set(re.findall("[A-Za-z]+", outside)) <= ({"A", "B"} if kind == "sign" else set())


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        ("region", "تُظهر هذه الصورة الدماغ.", "brain"),
        ("region", "صورة للدماغ", "brain"),
        ("region", "مسحة دم", "blood"),
        ("region", "وبالصدر", "chest"),
    ],
)
def test_arabic_words_end_where_they_end(kind: str, answer: str, expected: str) -> None:
    found = named(kind, answer)
    assert expected in found
    assert "blood" not in found or expected == "blood"


def test_part_of_an_english_word_is_not_the_word() -> None:
    assert named("region", "This heartily skinned chestnut") == set()
    assert named("modality", "The doctor's act: correct.") == set()


def test_a_longer_phrase_hides_the_shorter_one_inside_it() -> None:
    assert named("region", "This is a lumbar spine MRI.") == {"lumbar_spine"}
    assert named("cell", "I see white blood cells.") == {"wbc"}
    assert named("modality", "a bone scan") == {"nuclear"}


@pytest.mark.parametrize(
    ("answer", "modalities"),
    [
        ("This is a chest radiograph, not a brain MRI.", {"radiograph"}),
        ("This is a CT rather than an MRI.", {"ct"}),
        ("هذه صورة مقطعية محوسبة للصدر، وليست صورة رنين مغناطيسي للدماغ.", {"ct"}),
        ("ليست صورة رنين مغناطيسي.", set()),
        ("Not an MRI.", set()),
        ("A note on MRI", {"mri"}),
    ],
)
def test_what_is_denied_is_not_affirmed(answer: str, modalities: set[str]) -> None:
    assert named("modality", answer) == modalities


def test_a_denied_region_is_not_affirmed_in_arabic() -> None:
    assert "brain" not in named("region", "تُظهر هذه الصورة الصدر، لا الدماغ.")
    assert "chest" in named("region", "تُظهر هذه الصورة الصدر، لا الدماغ.")


def test_words_that_only_begin_like_a_denial_deny_nothing() -> None:
    assert named("region", "هذه صورة لاحقة للصدر") == named("region", "هذه صورة للصدر")
    assert affirmed("notable MRI") == "notable mri"


def test_unreadable_pictures_are_named_by_a_denial() -> None:
    assert named("unreadable", "This is not a medical image.") == {"non-medical"}
    assert named("unreadable", "هذه ليست صورة طبية.") == {"non-medical"}


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    for kind in KINDS:
        assert named(kind, text) <= concepts(kind).keys()


@pytest.mark.parametrize("study", studies(), ids=lambda s: f"{s.modality}-{s.region}")
@pytest.mark.parametrize("tongue", TONGUES)
def test_a_study_names_its_modality_and_its_region(study: Study, tongue: Tongue) -> None:
    words = study.name[tongue]
    assert script(words) == tongue
    assert named("modality", words) == {study.modality}
    if study.region is not None and study.modality not in ("nuclear", "mammography", "microscopy"):
        assert study.region in named("region", words) or study.modality in ("fundus", "dermoscopy")


def test_a_pair_without_a_study_falls_back_to_its_modality() -> None:
    found = study_of("ct", "heart")
    assert found is not None
    assert (found.modality, found.region) == ("ct", None)
    assert study_of("fundus", None) is None
    pairs = [(s.modality, s.region) for s in studies()]
    assert len(set(pairs)) == len(pairs)
