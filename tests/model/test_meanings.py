"""What Arabic words mean: joined particles and pronouns, several meanings, and none where none is known."""

from pathlib import Path

import pytest

from bimedix2.errors import ModelError
from bimedix2.model import meanings
from bimedix2.model.meanings import meaning, words


@pytest.mark.parametrize(
    ("word", "english"),
    [
        ("صورة", {"picture", "image"}),
        ("للصورة", {"picture", "image"}),
        ("وصورتها", {"picture", "image"}),
        ("بالرنين", {"magnetic"}),
        ("الرِّئَتَيْن", {"lung"}),
        ("أرفقتُها", {"attached"}),
        ("تقريباً", {"about"}),
    ],
)
def test_words_as_they_are_written(word: str, english: set[str]) -> None:
    assert set(meaning(word)) == english


def test_a_word_of_two_meanings_has_both() -> None:
    assert {"eye", "identify"} <= set(meaning("عين"))


@pytest.mark.parametrize("word", ["", "x", "ش", "ضفدعة"])
def test_no_meaning_is_made_up(word: str) -> None:
    assert meaning(word) == ()


def test_the_glossary_is_in_it() -> None:
    assert "kidney" in meaning("الكلية")
    assert len(words()) > 1500


def test_a_broken_line_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / meanings.WORDS).write_text("# head\npicture صورة\n", encoding="utf-8")
    monkeypatch.setattr(meanings, "files", lambda _: tmp_path)
    with pytest.raises(ModelError, match=r"arabic_words\.tsv line 2 is not"):
        list(meanings.listed())
