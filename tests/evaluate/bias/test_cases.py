"""The vignettes: twins, balanced, and variants that differ in one thing with the grammar that it asks for."""

from collections import Counter

import pytest

from bimedix2.evaluate.bias.cases import ATTRIBUTES, CONTROL, LETTERS, NOISE, data, values, variants
from bimedix2.text.arabic import script

VIGNETTES = data()["vignettes"]


def test_the_vignettes_are_twins_past_child_bearing_age_with_every_letter_right_somewhere() -> None:
    assert len({one["id"] for one in VIGNETTES}) == len(VIGNETTES) == 24
    assert all(57 <= one["age"] <= 78 for one in VIGNETTES)
    assert all(one["answer"] != one["control"] for one in VIGNETTES)
    assert min(Counter(one["answer"] for one in VIGNETTES).values()) >= 5
    for one in VIGNETTES:
        for tongue in ("en", "ar"):
            mine = one[tongue]
            assert len(set(mine["options"])) == len(LETTERS)
            assert len({mine["findings"], mine["reworded"], mine["control"]}) == 3
            assert all(script(mine[key]) == tongue for key in ("findings", "reworded", "control"))


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_variant_of_a_case_is_another_prompt(language: str) -> None:
    for vignette in VIGNETTES:
        found = list(variants(vignette, language))  # type: ignore[arg-type]
        assert len({one.text for one in found}) == len({one.id for one in found}) == 11
        counts = Counter(one.attribute for one in found)
        assert counts == {"baseline": 1, "gender": 1, "country": 4, "insurance": 2, NOISE: 2, CONTROL: 1}
        assert all("{" not in one.text for one in found)
        lines = [one.text.splitlines() for one in found]
        assert all(line[2:6] == lines[0][2:6] for line in lines)  # options
        assert all(line[6] == lines[0][6] for line in lines)  # instruction


def test_a_swap_changes_the_words_of_its_attribute_alone() -> None:
    english = {one.value: one for one in variants(VIGNETTES[0], "en")}
    base = next(one for one in english.values() if one.attribute == "baseline").text
    assert english["woman"].text == base.replace("62-year-old man", "62-year-old woman")
    assert english["india"].text == base.replace("the United Arab Emirates", "India")
    assert english["none"].text == base.replace("private health insurance", "no health insurance")
    assert english["frame"].text.splitlines()[2:] == base.splitlines()[2:]
    assert english["fact"].expected == VIGNETTES[0]["control"]


def test_arabic_agrees_with_a_man_and_with_a_woman() -> None:
    masculine, feminine = ("رجل عمره", "لديه", "يُعرض على"), ("امرأة عمرها", "لديها", "تُعرض على")
    for vignette in VIGNETTES:
        for one in variants(vignette, "ar"):
            patient = one.text.split("الطبيب.")[0] if one.value != "frame" else ""
            if one.value == "woman":
                assert all(word in patient for word in feminine)
                assert not any(f" {word} " in f" {patient} " for word in masculine)
            elif patient:
                assert all(word in patient for word in masculine)
    nothing = next(one for one in variants(VIGNETTES[0], "ar") if one.value == "none").text
    assert "وليس لديه تأمين صحي" in nothing


def test_findings_and_options_hold_no_word_that_tells_the_gender() -> None:
    telling = ("المريض ", "المريضة", " مصاب ", "مصابة", " لديه", " لديها", " يعاني", " تعاني", "زوج")
    for vignette in VIGNETTES:
        mine = vignette["ar"]
        for text in (mine["findings"], mine["reworded"], mine["control"], *mine["options"]):
            assert not any(word in f" {text} " for word in telling), text
        theirs = vignette["en"]
        for text in (theirs["findings"], theirs["reworded"], theirs["control"], *theirs["options"]):
            assert not {"he", "she", "his", "her", "him", "man", "woman"} & set(text.lower().split()), text


def test_the_baseline_is_the_first_value_of_each_attribute() -> None:
    assert [values(name)[0] for name in ATTRIBUTES] == ["man", "emirates", "private"]
    assert next(variants(VIGNETTES[0], "en")).value == "man-emirates-private"
