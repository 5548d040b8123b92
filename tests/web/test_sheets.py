"""Pages on disk: words in both languages, paragraphs with directions, and assets beside the page."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.web import sheets, shell
from bimedix2.web.direction import direction


def test_both_languages_have_the_same_words() -> None:
    words = sheets.sheet_strings()
    assert words["en"].keys() == words["ar"].keys()
    for key, text in words["ar"].items():
        if key != "switch_language":
            assert re.search("[ء-ي]", text), f"{key} is not Arabic"
        assert "  " not in text
        assert "?" not in text, f"{key}: an Arabic question mark is ؟"
        assert "," not in text, f"{key}: an Arabic comma is ،"


def test_the_script_and_the_templates_ask_only_for_words_that_exist() -> None:
    script = (shell.STATIC / "browse.js").read_text(encoding="utf-8")
    used = set(re.findall(r'(?:\bt|word)\("(\w+)"', script))
    for name in ("sheet", "gallery", "conversations", "browse"):
        text = (shell.HERE / "templates" / f"{name}.html").read_text(encoding="utf-8")
        used |= set(re.findall(r"\bt\.(\w+)", text)) | set(re.findall(r'data-t(?:-\w+)?="(\w+)"', text))
    assert len(used) > 30
    assert used <= sheets.sheet_strings()["en"].keys()


def test_what_pages_share_is_written_once() -> None:
    """Two scripts of one page share their names, so a second copy would not even load."""
    shared = (shell.STATIC / "page.js").read_text(encoding="utf-8")
    names = re.findall(r"^(?:const|function) (\S+?)[ (]", shared, re.MULTILINE)
    assert {"element", "word", "setLanguage", "t"} <= set(names)
    for path in shell.STATIC.glob("*.js"):
        if path.name != "page.js":
            own = re.findall(r"^(?:const|let|function) (\S+?)[ (]", path.read_text("utf-8"), re.MULTILINE)
            assert not set(names) & set(own), path.name


@given(st.text(max_size=200))
def test_paragraphs_hold_every_word_in_its_direction(text: str) -> None:
    lines = [line for line in text.splitlines() if line.strip()]
    found = sheets.paragraphs(text)
    assert ["".join(r if isinstance(r, str) else r[1] for r in runs[1:]) for runs in found] == lines
    assert [runs[0] for runs in found] == [direction(line) for line in lines]


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_page_escapes_what_it_is_given(language: shell.Interface) -> None:
    html = sheets.sheet(
        "browse.html", language, {"x": "</script><b>"}, systems=[], partial="<i>", parts=["data/0000.js"]
    )
    assert "</script><b>" not in html
    assert "<i>" not in html
    assert f'dir="{"rtl" if language == "ar" else "ltr"}"' in html
    assert "http" not in html.replace("http-equiv", "")


def test_everything_that_a_page_names_lies_beside_it(tmp_path: Path) -> None:
    sheets.write_assets(tmp_path)
    sheets.write_assets(tmp_path)  # again, in a run that goes on
    html = sheets.sheet("browse.html", "en", {}, systems=[], partial="", parts=[])
    named = re.findall(r'(?:src|href)="(assets/[^"]+)"', html)
    style = (tmp_path / "assets" / "app.css").read_text(encoding="utf-8")
    named += [f"assets/{path}" for path in re.findall(r'url\("([^"]+)"\)', style)]
    assert len(named) >= 5
    assert all((tmp_path / name).is_file() for name in named)
