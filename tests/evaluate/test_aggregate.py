"""Shares with their subjects and intervals, and what is held to which target."""

from typing import Any

import pytest

from bimedix2.evaluate.aggregate import Plan, cell, image_qa, macro
from bimedix2.evaluate.grade import Expected, Grade
from bimedix2.evaluate.report import errors, percent, shown
from bimedix2.evaluate.rows import Row
from bimedix2.evaluate.targets import canary_targets, image_targets, perplexity_targets, pubmedqa_targets
from bimedix2.evaluate.task import Sample

from .conftest import question

PLAN = Plan(500, 0)


def row(
    number: int,
    right: bool,
    subject: str | None,
    *,
    modality: str = "ct",
    type_: str = "modality",
    tongue: Any = "en",
    verdict: str = "",
    trains: bool = True,
    language: bool = True,
    form: str = "single",
    region: str = "chest",
    taught: bool = True,
) -> Row:
    record = question(number, "Q?", "A.", None, tongue=tongue, subject=subject, source=f"src-{modality}")
    record = record.model_copy(update={"meta": {**record.meta, "form": form}})
    facts = {"modality": modality, "region": region}
    sample = Sample(
        record, "as it is", record.messages[:-1], expected=Expected(type_, tongue, "A.", verdict, facts)
    )
    grade = Grade(right, right, True, language, (), () if right else ("wrong",))
    return Row("image_qa", "model", sample, f"{number:03d}", {"answer": "x"}, grade, modality, trains, taught)


def test_all_alike_gives_the_exact_interval_over_subjects() -> None:
    rows = [row(n, True, f"s{n % 12}") for n in range(36)]
    found = cell(rows, PLAN)
    assert found is not None
    assert (found.value, found.n, found.subjects) == (1.0, 36, 12)
    assert (found.low, found.high) == (pytest.approx(0.7354, abs=1e-4), 1.0)


def test_one_subject_with_mixed_answers_has_no_interval_and_unknown_ones_are_one() -> None:
    found = cell([row(1, True, None), row(2, False, None)], PLAN)
    assert found is not None
    assert (found.value, found.low, found.high, found.subjects, found.unknown) == (0.5, None, None, 1, 2)
    assert shown(found) == "50.0 (n 2, no subject id)"
    two_sources = cell([row(1, True, None), row(2, False, None, modality="mri")], PLAN)
    assert two_sources is not None
    assert two_sources.subjects == 2


def test_nothing_measured_is_nothing_shown() -> None:
    assert cell([], PLAN) is None
    assert macro([], lambda r: r.modality, PLAN) is None
    assert shown(None) == percent(None) == "-"
    assert image_qa([], PLAN) == {}
    assert "None." in errors([row(1, True, "a")])


def test_a_modality_is_held_to_its_target_from_five_subjects_on() -> None:
    rows = [row(n, True, f"c{n}") for n in range(5)]
    rows += [row(10 + n, n > 0, f"m{n % 4}", modality="mri") for n in range(8)]
    names = {target.name: target for target in image_targets(rows, PLAN)}
    assert names["modality: ct"].met is True
    assert "modality: mri" not in names
    english = names["modality, macro mean, English"]
    assert english.cells["together"]["value"] == pytest.approx((1 + 7 / 8) / 2)
    assert english.met is True
    assert names["modality, macro mean, Arabic"].met is None


def test_a_target_is_of_all_together_and_shown_apart() -> None:
    rows = [row(n, True, f"c{n}") for n in range(9)] + [row(20, False, "new", trains=False)]
    target = next(t for t in image_targets(rows, PLAN) if t.name == "modality: ct")
    assert target.met is True
    assert target.cells["together"]["value"] == 0.9
    assert target.cells["sources that also train"]["value"] == 1.0
    assert target.cells["sources that never train"]["value"] == 0.0


def test_a_false_premise_about_a_blank_picture_is_no_false_premise() -> None:
    rows = [
        row(1, True, "a", type_="false_premise", verdict="correct"),
        row(2, False, "b", type_="false_premise", verdict="unreadable", modality="blank"),
    ]
    names = {target.name: target for target in image_targets(rows, PLAN)}
    assert names["false premise corrected"].cells["together"]["n"] == 1
    assert names["blank or noise recognised"].cells["together"]["value"] == 0
    tables = image_qa(rows, PLAN)["together, both"]
    assert set(tables["by type"]) == {"false_premise", "blank picture"}


def test_a_region_that_no_training_picture_shows_is_reported_apart() -> None:
    rows = [row(1, True, "a", type_="region"), row(2, False, "b", type_="region", region="leg", taught=False)]
    names = {target.name: target for target in image_targets(rows, PLAN)}
    assert names["body region, macro mean"].cells["together"]["value"] == 1.0
    tables = image_qa(rows, PLAN)["together, both"]
    assert set(tables["region questions"]) == {"chest", "leg"}
    assert {name: one.value for name, one in tables["regions that no training picture shows"].items()} == {
        "leg": 0.0
    }


def test_the_single_form_stands_alone_beside_all_forms() -> None:
    rows = [row(1, True, "a"), row(2, False, "b", form="late")]
    tables = image_qa(rows, PLAN)["together, both"]
    assert tables["modality macro"].value == 0.5
    assert tables["modality macro, single form"].value == 1.0
    assert {form: one.value for form, one in tables["by form"].items()} == {"single": 1.0, "late": 0.0}


def test_swapped_accuracy_must_be_low() -> None:
    low = [row(n, n == 0, f"s{n}") for n in range(10)]
    assert canary_targets(low, PLAN)[0].met is True
    assert canary_targets([row(n, n < 2, f"s{n}") for n in range(10)], PLAN)[0].met is False


@pytest.mark.parametrize(("low", "met"), [(-0.039, True), (-0.041, False), (None, None)])
def test_the_lower_bound_of_the_difference_decides(low: float | None, met: bool | None) -> None:
    scores = {
        "difference": {"value": 0.0, "low": low, "high": 0.05, "n": 500},
        "shares": {"yes": {"model": 0.5, "base": 0.4}, "no": {"model": 0.5, "base": 0.61}},
    }
    first, second = pubmedqa_targets(scores)
    assert first.met is met
    assert second.name.endswith("(no)")
    assert second.met is False


@pytest.mark.parametrize(("ratio", "met"), [(1.03, True), (1.031, False), (0.9, True)])
def test_a_lower_perplexity_is_no_loss(ratio: float, met: bool) -> None:
    scores = {"ratio": {"value": ratio, "low": ratio, "high": ratio, "n": 500}}
    assert perplexity_targets(scores)[0].met is met
