"""Strings, the language of the interface, and what a page is made of."""

import re

import pytest

from bimedix2.web import shell


def test_both_languages_have_the_same_words() -> None:
    words = shell.strings()
    assert words["en"].keys() == words["ar"].keys()
    for key, text in words["ar"].items():
        if key not in ("switch_language",):
            assert re.search("[ء-ي]", text), f"{key} is not Arabic"
        assert "  " not in text
        assert "?" not in text, f"{key}: an Arabic question mark is ؟"
        assert "," not in text, f"{key}: an Arabic comma is ،"


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("ar", "en", "ar"),
        ("en", "ar", "en"),
        (None, "ar-EG,ar;q=0.9,en;q=0.8", "ar"),
        (None, "fr,en;q=0.5,ar;q=0.6", "ar"),
        (None, "en-GB,ar;q=0.9", "en"),
        (None, "ar;q=0", "en"),
        (None, "", "en"),
        (None, ";;;q=x,,ar;q=", "en"),
        ("xx", "ar", "ar"),
    ],
)
def test_the_language_of_the_interface(chosen: str | None, accepted: str, language: str) -> None:
    assert shell.interface_language(chosen, accepted) == language


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_word_of_the_page_comes_from_the_strings(language: shell.Interface) -> None:
    html = shell.page("chat.html", language, {}, model="m", examples=[])
    keys = set(re.findall(r'data-t(?:-\w+)?="(\w+)"', html))
    assert keys
    assert keys <= shell.strings()[language].keys()
    assert "built-in" not in html
    assert "{{" not in html


def test_the_script_asks_only_for_words_that_exist() -> None:
    script = (shell.STATIC / "app.js").read_text(encoding="utf-8")
    used = set(re.findall(r'(?:\bt|word|label)\("(\w+)"', script))
    assert used
    assert used <= shell.strings()["en"].keys()


def test_values_cannot_break_out_of_the_page() -> None:
    html = shell.page("chat.html", "en", {"x": "</script><script>"}, model="<b>", examples=[])
    assert "</script><script>" not in html
    assert "<b>" not in html


def test_nothing_in_the_package_names_another_host() -> None:
    for path in (
        *shell.STATIC.rglob("*.*s"),
        *shell.STATIC.rglob("*.svg"),
        *(shell.HERE / "templates").iterdir(),
    ):
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//[a-z]+\.[a-z]", text), path
