"""A name is found however it is written, and no word that only begins like it."""

import pytest

from bimedix2.evaluate.trial.masks import Masks, known_names, short_names


@pytest.mark.parametrize(
    "text",
    [
        "BiMediX2-8B",
        "bimedix2",
        "BiMediX 2",
        "BIMEDIX",
        "(BiMediX2)",
        "by BiMediX_2_8B.",
        "MBZUAI-Models/BiMediX2",
        "نموذج BiMediX2 الطبي",
        "بـBiMediX2",
    ],
)
def test_ways_of_writing_a_name(text: str) -> None:
    masks = Masks(["MBZUAI/BiMediX2-8B"], known=())
    assert masks.named(text) is not None
    covered, found = masks.mask(text, "en")
    assert len(found) == 1
    assert "bimedix" not in covered.lower()


@pytest.mark.parametrize(
    "text", ["nanometre", "a nanotube of 8b", "BiMediXin", "xBiMediX", "claudication", "GPTs", "llamas"]
)
def test_words_that_only_begin_like_a_name(text: str) -> None:
    assert Masks(["BiMediX2-8B", "nano"]).mask(text, "en") == (text, [])


def test_what_stood_around_a_name_stays() -> None:
    masks = Masks(["LLaVA-Med"])
    assert masks.mask("As LLaVA-Med, I see a 5 mm nodule.", "en")[0] == "As [model], I see a 5 mm nodule."
    assert masks.mask("وشات جي بي تي يقول ذلك", "ar") == ("و[النموذج] يقول ذلك", ["شات جي بي تي"])
    assert masks.mask("الرئة سليمة", "ar") == ("الرئة سليمة", [])


def test_a_name_of_several_words_is_not_cut_to_a_common_one() -> None:
    assert Masks(["Chest-Reader"], known=()).mask("The chest is clear.", "en")[1] == []
    assert Masks(["GPT-4o"], known=()).mask("GPT-4 and GPT", "en")[1] == ["GPT-4", "GPT"]


def test_short_names_are_told_and_not_looked_for() -> None:
    assert short_names(["A", "8b", "nano"]) == ["A", "8b"]
    assert Masks(["A"], known=()).mask("A nodule of 3 cm", "en")[1] == []
    assert Masks([], known=()).named("anything") is None


def test_the_list_holds_no_word_of_prose() -> None:
    prose = (
        "Meta-analysis of palm and phi angles; a bard; the medical image shows a chest with a large dragon "
        "fly on a small base, mini and turbo flow, an instructed patient."
    )
    assert Masks(known_names(), known=()).mask(prose, "en") == (prose, [])
