"""The questions themselves: complete, in the language they say, and wrong where they must be."""

from pathlib import Path

import pytest

from bimedix2.errors import DataError
from bimedix2.evaluate.safety import choices
from bimedix2.evaluate.safety.items import PICTURES, RIGHT, TEXTS, texts
from bimedix2.evaluate.safety.pictures import NEAR, Plan, Stores, gather, pictures, spread
from bimedix2.language.concepts import concepts
from bimedix2.records.images import ImageStore
from bimedix2.records.store import read_records
from bimedix2.text.arabic import script


def plan(dataset: Path, count: int = 4) -> Plan:
    return Plan(count, 0, Stores(None, ImageStore(dataset / "images")))


def test_every_text_stands_in_both_languages_with_a_twin() -> None:
    found = texts(TEXTS)
    assert len(found) == len(TEXTS) * 15 * 2 * 2
    for item in found:
        assert script(item.question) == item.language, item.question
        assert item.want in RIGHT
        assert (item.want == "answer") == (item.role == "twin")
    words = [item.question for item in found]
    assert len(set(words)) == len(words)  # no question twice, so that no twin is a probe


def test_a_users_file_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("dose:\n  want: decline\n  items:\n  - {en: a, ar: ب, twin: {en: c}}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"mine.yaml: dose: item 1 needs 'en', 'ar' and a 'twin' with both"):
        texts(["dose"], path)
    path.write_text("doses:\n  want: decline\n", encoding="utf-8")
    with pytest.raises(DataError, match="'doses' is no category of texts"):
        texts(["dose"], path)
    path.write_text("dose:\n  want: deny\n  items: [1]\n", encoding="utf-8")
    with pytest.raises(DataError, match="needs 'want'"):
        texts(["dose"], path)
    path.write_text("dose: [", encoding="utf-8")
    with pytest.raises(DataError, match="cannot be read as YAML"):
        texts(["dose"], path)
    path.write_text(
        "dose:\n  want: decline\n  items:\n  - {en: a, ar: ب, twin: {en: c, ar: د}}\n", encoding="utf-8"
    )
    assert [item.question for item in texts(["dose"], path)] == ["a", "c", "ب", "د"]
    with pytest.raises(DataError, match="has no 'emergency'; add it"):
        texts(["emergency"], path)


def test_pictures_are_asked_what_is_wrong_of_them_and_what_is_true(dataset: Path) -> None:
    found = pictures(PICTURES, list(read_records(dataset)), plan(dataset))
    assert {item.category for item in found} == set(PICTURES)
    regions = concepts("region")
    for item in found:
        assert script(item.question) == item.language
        facts = item.facts
        if "study" in facts:
            true = facts["study"]["modality"] == facts["modality"]
            assert true == (item.role == "twin")
            assert not any({facts["study"]["modality"], facts["modality"]} == pair for pair in NEAR)
        if item.category == "false_premise" and item.role == "probe":
            wrong, own = regions[facts["study"]["region"]].groups, regions[facts["region"]].groups
            assert not wrong & own
        if item.category == "absent_organ" and item.role == "twin":
            assert facts["organ"] == regions[facts["region"]].term
    asked = [item for item in found if item.category == "false_premise" and item.language == "en"]
    for probe, twin in zip(asked[::2], asked[1::2], strict=True):
        assert probe.sample.messages[-1].images == twin.sample.messages[-1].images


def test_both_languages_ask_about_the_same_picture_and_the_same_thing(dataset: Path) -> None:
    found = pictures(["false_premise", "absent_organ"], list(read_records(dataset)), plan(dataset))
    sides: dict[str, dict[str, object]] = {}
    for item in found:
        sides.setdefault(item.pair, {})[item.language] = (item.facts, item.sample.messages[-1].images)
    assert all(one["en"] == one["ar"] for one in sides.values())


def test_a_dataset_without_blank_pictures_gets_drawn_ones_and_says_so(dataset: Path) -> None:
    made = plan(dataset)
    found = pictures(["blank"], list(read_records(dataset)), made)
    probes = [item for item in found if item.role == "probe"]
    assert {item.facts["kind"] for item in probes} == {"blank", "noise"}
    assert {item.sample.record.provenance.source for item in probes} == {"drawn by bimedix2.evaluate.safety"}
    assert made.store.read(probes[0].sample.messages[-1].images[0].image).startswith(b"\x89PNG")


def test_a_category_without_pictures_is_an_error_that_says_what_is_missing(dataset: Path) -> None:
    records = [record for record in read_records(dataset) if record.meta.get("kind") is None]
    with pytest.raises(DataError, match=r"no test picture for 'non_medical' \(meta.kind non-medical\)"):
        pictures(["non_medical"], records, plan(dataset))


def test_subjects_come_before_second_pictures_and_modalities_in_turn(dataset: Path) -> None:
    shown = [one for one in gather(read_records(dataset)) if not one.kind]
    chosen = spread(shown, 3, "seed")
    assert {one.facts["modality"] for one in chosen} == {"ct", "mri", "radiograph"}
    assert spread(shown, 3, "seed") == chosen


def test_choices_have_their_truth_among_the_options(dataset: Path) -> None:
    found = choices.choices(list(read_records(dataset)), 10, 0)
    kinds = {(item.facts["type"], item.language) for item in found}
    assert kinds == {(kind, tongue) for kind in ("yes or no", "modality") for tongue in ("en", "ar")}
    names = concepts("modality")
    shown = {one.part.image: one for one in gather(read_records(dataset))}
    for item in found:
        options, truth = item.sample.options, item.facts["truth"]
        if item.facts["type"] == "modality":
            own = shown[item.sample.messages[-1].images[0].image].facts["modality"]
            assert options[truth] == names[own].term[item.language]
            assert all(option in item.question for option in options)
        else:
            assert options == (("Yes", "No") if item.language == "en" else ("نعم", "لا"))
            assert (truth == 0) == ("cxr" in item.question)


def test_likelihoods_become_shares() -> None:
    place, confidence = choices.chosen([-3.0, -1.0, -3.0])
    assert place == 1
    assert confidence == pytest.approx(1 / (1 + 2 * 2.718281828**-2), abs=1e-6)
    assert choices.chosen([-2000.0, -2001.0])[1] == pytest.approx(0.731059, abs=1e-6)  # no underflow
