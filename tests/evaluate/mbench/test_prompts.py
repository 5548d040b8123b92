"""The judge's prompts: the published blocks in their order, ours with the user's language, and their hash."""

from pathlib import Path

import pytest

from bimedix2.errors import ConfigError, DataError
from bimedix2.evaluate.mbench.load import load
from bimedix2.evaluate.mbench.prompts import (
    dimensions,
    pair_messages,
    pair_prompt,
    parse,
    prompt,
)

BLOCKS = [
    "[Context]\nFigure Caption:\n",
    "\n\nFigure Context:\n\t- [{'tokens': ",
    "\n\n[Question]\n",
    "\n\n[Assistant 1]\n",
    "\n\n[End of Assistant 1]\n\n[Assistant 2]\n",
    "\n\n[End of Assistant 2]\n\n[System]\n",
]


def test_the_published_english_prompt_has_the_published_blocks(english_file: Path) -> None:
    item = load(english_file, "en").items[0]
    system, user = pair_messages("published", item, item.reference, "the candidate")
    assert system.role == "system"
    places = [user.text.index(block) for block in BLOCKS]
    assert places == sorted(places)
    # Mentions as Python writes a list of dicts, the question with its marker, the reference first.
    assert "{'tokens': 'Figure 1 shows it .', 'entities': [{'type': 'figure'" in user.text
    assert "[Question]\nWhat kind of picture is this?\n<image>\n\n" in user.text
    assert user.text.index(item.reference) < user.text.index("the candidate")
    assert "Figure Caption:\nFigure 1: An invented figure.\n" in user.text


def test_the_published_arabic_prompt_deducts_for_another_language(arabic_file: Path) -> None:
    item = load(arabic_file, "ar").items[0]
    text = pair_messages("published", item, item.reference, "مرشح")[1].text
    assert "in Modern Standard Arabic" in text
    assert "Take points off an answer that is in a language other than Modern Standard Arabic" in text
    assert "an Arabic caption" in text
    assert "[Question]\nما نوع هذه الصورة؟\n\n" in text
    assert "Take points off" not in prompt("published.en").user


@pytest.mark.parametrize(("language", "name"), [("en", "English"), ("ar", "Modern Standard Arabic")])
def test_our_prompt_names_the_users_language(
    request: pytest.FixtureRequest, language: str, name: str
) -> None:
    path = request.getfixturevalue("english_file" if language == "en" else "arabic_file")
    item = load(path, language).items[0]  # type: ignore[arg-type]
    text = pair_messages("ours", item, "first", "second")[1].text
    assert f"A user who reads {name} asked" in text
    assert "An answer in another language does not help this user" in text
    assert "<image>" not in text


def test_what_is_put_in_is_not_looked_through_for_names(english_file: Path) -> None:
    item = load(english_file, "en").items[0]
    text = pair_messages("ours", item, "it costs $5 and $question", "{second} $first ${x}")[1].text
    assert "it costs $5 and $question" in text
    assert "{second} $first ${x}" in text


def test_a_version_is_the_name_and_the_hash_of_the_text() -> None:
    names = ["published.en", "published.ar", "ours", "geval", "facts", "rubric"]
    versions = {prompt(name).version for name in names}
    assert len(versions) == len(names)
    one, other = parse("a", "[system]\nS\n[user]\nU $x\n"), parse("a", "[system]\nS\n[user]\nU  $x\n")
    assert one.version.startswith("a@")
    assert one.version != other.version
    assert pair_prompt("published", "ar") is prompt("published.ar")


def test_a_template_without_its_parts_or_names_is_refused() -> None:
    for text in ("U", "[user]\nU\n", "[system]\nS\n", "x[system]\nS\n[user]\nU\n"):
        with pytest.raises(DataError, match=r"needs '\[system\]' first"):
            parse("a", text)
    with pytest.raises(DataError, match="prompt 'a' cannot be filled"):
        parse("a", "[system]\nS\n[user]\n$absent\n").fill(x="1")
    with pytest.raises(ConfigError, match="'theirs' is no prompt version"):
        pair_prompt("theirs", "en")  # type: ignore[arg-type]


def test_every_dimension_says_what_it_is_and_how_to_find_it() -> None:
    assert list(dimensions()) == ["accuracy", "completeness", "relevance", "language", "harm"]
    for dimension in dimensions().values():
        assert dimension.keys() == {"definition", "steps"}
        assert "5:" in dimension["definition"]
        assert "1:" in dimension["definition"]
