"""The instruction set says what the annotations say, and nothing of what they do not."""

import json
import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bimedix2.curate.asks import IMAGE_ASKS, TONGUES, asks_of, other_studies, rough
from bimedix2.curate.facts import facts_of, without_concept
from bimedix2.curate.instruct import InstructConfig, instruct
from bimedix2.language.concepts import concepts, named
from bimedix2.records import Record
from bimedix2.text.arabic import script

MakePicture = Callable[..., Record]
IMAGES = Path("../shared/data/medimages/manifest.json")


def _types(record: Record) -> set[str]:
    return {ask.type for ask in asks_of(facts_of(record), random.Random(0))}


def test_numbers_that_leave_nothing_to_write_are_refused_at_the_door() -> None:
    with pytest.raises(ValueError, match=r"write at least and at most, as \[6, 12\]"):
        InstructConfig(per_image=(12, 6))
    with pytest.raises(ValueError, match="less than or equal to 1"):
        InstructConfig(late=5)


def test_a_weight_of_no_question_type_is_refused_with_those_there_are() -> None:
    assert InstructConfig(weights={"false_premise": 2, "cell_count": 0}).weights["cell_count"] == 0
    for name in ("modalty", "premise", "greet"):
        with pytest.raises(ValueError, match=f"'{name}' is no question type .* cell_count, .*true_premise"):
            InstructConfig(weights={name: 2})
    with pytest.raises(ValueError, match="greater than or equal to 0"):
        InstructConfig(weights={"modality": -1})


def test_an_absent_annotation_is_asked_of_nobody(picture: MakePicture) -> None:
    types = _types(picture(modality="ct"))
    assert types == {"modality", "describe", "is_study", "false_premise", "true_premise", "disease"}


@pytest.mark.parametrize(
    ("field", "value", "added"),
    [
        ("region", "chest", {"region", "is_region"}),
        ("plane", "axial", {"plane", "is_plane"}),
        ("window", "lung", {"window"}),
        ("counts", {"RBC": 3}, {"cells", "cell_count"}),
        ("signs", ["B-lines"], {"signs"}),
    ],
)
def test_an_annotation_brings_its_questions(
    picture: MakePicture, field: str, value: Any, added: set[str]
) -> None:
    assert _types(picture(modality="ct", **{field: value})) - _types(picture(modality="ct")) == added


def test_a_value_without_a_concept_is_unknown(picture: MakePicture) -> None:
    assert _types(picture(modality="ct", region="somewhere")) == _types(picture(modality="ct"))
    assert asks_of(facts_of(picture(kind="blank")), random.Random(0))


def test_annotations_that_are_no_concept_are_named(picture: MakePicture) -> None:
    meta = {"plane": "axial", "counts": {"RBC": 3, "Blasts": 1}, "signs": ["B-lines", "Lung point"]}
    record = picture(modality="ct", region="knee", view=None, laterality="left", **meta)
    assert without_concept(record) == ["region: knee", "counts: Blasts", "signs: Lung point"]
    assert without_concept(picture(modality="ct", region="chest")) == []


def test_what_a_picture_shows_beside_its_region_is_never_denied(picture: MakePicture) -> None:
    """A chest film has ribs and a spine, so neither "bone" nor "the spine" gets a no; the head does."""
    facts = facts_of(picture(modality="cxr", region="chest"))
    denied = {
        ask.slots["region"]["en"]
        for seed in range(300)
        for ask in asks_of(facts, random.Random(seed))
        if (ask.type, ask.verdict) == ("is_region", "no")
    }
    assert {"the head", "the lower leg"} <= denied
    assert not {"bone", "the spine", "the lung", "the chest"} & denied


def test_zero_cells_and_no_signs_are_never_stated(picture: MakePicture) -> None:
    facts = facts_of(picture(modality="microscopy", counts={"RBC": 0, "WBC": 2}, signs=[]))
    assert facts.counts == {"wbc": 2}
    assert facts.signs == ()


def test_a_diagnosis_of_the_patient_never_reaches_a_conversation(picture: MakePicture) -> None:
    record = picture(modality="cxr", region="chest", patient_diagnosis="Pneumocystis pneumonia")
    made = list(instruct([record], InstructConfig(text_turns=0), 0))
    assert made
    assert not any("neumocystis" in json.dumps(r.to_json()) for r in made)


def test_yes_and_no_come_in_pairs(picture: MakePicture) -> None:
    records = [picture(str(n), modality="mri", region="head/brain", plane="axial") for n in range(8)]
    made = list(instruct(records, InstructConfig(late=0, follow=0, text_turns=0), 0))
    for kind in ("is_study", "is_region", "is_plane"):
        # A question of a longer conversation stands alone; singles are written two by two.
        verdicts = Counter(
            r.meta["verdict"] for r in made if (r.meta["type"], r.meta["form"]) == (kind, "single")
        )
        assert verdicts["yes"] == verdicts["no"] > 0


def test_of_an_axial_slice_the_region_of_a_whole_volume_is_unknown(picture: MakePicture) -> None:
    """It shows the chest or the abdomen, not both; a coronal one shows what the volume shows."""
    whole = {"modality": "ct", "region": "chest/abdomen"}
    assert "region" not in facts_of(picture(**whole, plane="axial")).values
    assert facts_of(picture(**whole, plane="coronal")).values["region"] == "trunk"
    assert "region" not in _types(picture(**whole, plane="axial"))


def test_a_denied_study_is_certainly_another(picture: MakePicture) -> None:
    facts = facts_of(picture(modality="mri", region="head/brain"))
    for study in other_studies(facts):
        if study.modality == "mri":
            assert study.region is not None
            assert not concepts("region")[study.region].groups & concepts("region")["brain"].groups
    mammogram = facts_of(picture(modality="mammography", region="breast"))
    assert ("radiograph", None) not in {(s.modality, s.region) for s in other_studies(mammogram)}


def test_the_same_seed_writes_the_same_set(picture: MakePicture) -> None:
    records = [picture(str(n), modality="ct", region="chest") for n in range(3)]
    first, second = (list(instruct(records, InstructConfig(text_turns=5), 7)) for _ in range(2))
    assert first == second
    assert first != list(instruct(records, InstructConfig(text_turns=5), 8))


def test_late_pictures_and_switched_languages_are_there(picture: MakePicture) -> None:
    records = [picture(str(n), modality="ct", region="chest") for n in range(6)]
    made = list(instruct(records, InstructConfig(late=0.3, follow=0.4, text_turns=0), 0))
    late = [r for r in made if r.meta["form"] == "late"]
    assert late
    assert all(not r.messages[0].images and r.images for r in late)
    switched = [r for r in made if r.meta["form"] == "switch"]
    assert switched
    for record in switched:
        answers = {script(m.text) for m in record.messages if m.role == "assistant"}
        assert answers == {"en", "ar"}


def test_a_record_says_what_study_its_picture_is(picture: MakePicture) -> None:
    """Whatever is asked of it: mixtures balance by this."""
    made = list(instruct([picture("a", modality="ct", region="chest")], InstructConfig(text_turns=1), 0))
    assert {r.meta["study"] for r in made if r.images} == {"ct chest"}
    assert all("study" not in r.meta for r in made if not r.images)


@pytest.mark.parametrize(("count", "said"), [(1, 1), (7, 7), (8, 10), (12, 10), (13, 15), (98, 100)])
def test_counts_are_said_as_people_say_them(count: int, said: int) -> None:
    assert rough(count) == said


def _real() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(IMAGES.read_text(encoding="utf-8"))
    return rows


@pytest.mark.skipif(not IMAGES.exists(), reason=f"{IMAGES} is not here; it is the training images' manifest")
def test_every_answer_of_the_real_images_names_what_is_annotated(picture: MakePicture) -> None:
    """And every answer is in its language, Latin words in brackets or known abbreviations alone."""
    seen = set()
    for row in _real():
        meta = {k: v for k, v in row.items() if k not in ("file", "sha256", "caption") and v is not None}
        facts = facts_of(picture(row["file"], **meta))
        for ask in asks_of(facts, random.Random(row["file"])):
            seen.add(ask.type)
            for tongue in TONGUES:
                assert script(ask.answer[tongue]) == tongue
                for kind, value in ask.expect.items():
                    if kind not in ("count", "cell", "sign") and ask.type == kind:
                        assert value in named(kind, ask.answer[tongue])
            outside = re.sub(r"\([^()]*\)", "", ask.answer["ar"])
            assert set(re.findall(r"[A-Za-z]+", outside)) <= {"A", "B"}, outside
    assert seen >= set(IMAGE_ASKS) - {"premise"}
