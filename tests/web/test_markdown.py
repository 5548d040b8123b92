"""What of a model's answer reaches a page."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bimedix2.web.markdown import TAGS, render


def test_every_paragraph_has_its_own_direction() -> None:
    html = render("A chest radiograph.\n\nصورة أشعة سينية للصدر.")
    assert html == '<p dir="ltr">A chest radiograph.</p>\n<p dir="rtl">صورة أشعة سينية للصدر.</p>\n'


def test_numbers_and_names_inside_arabic_are_isolated() -> None:
    html = render("الجرعة 10-20 mg من **Paracetamol**.")
    assert '<bdi dir="ltr">10-20 mg</bdi>' in html
    assert '<strong><bdi dir="ltr">Paracetamol</bdi></strong>' in html


def test_lists_and_tables_are_rendered() -> None:
    assert '<ol start="3" dir="rtl">' in render("3. أولًا\n4. ثانيًا")
    assert '<td dir="rtl">رئة</td>' in render("| a | b |\n|---|---|\n| lung | رئة |")
    assert '<pre><code dir="ltr">x = 1' in render("```\nx = 1\n```")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![x](http://evil.example/x.png)",
        "[x](javascript:alert(1))",
        "<http://evil.example>",
        '<p style="position:fixed">',
        "<svg><use href='http://evil.example'></svg>",
        "<!-- --><iframe src=//evil.example></iframe>",
    ],
)
def test_an_answer_brings_no_markup_of_its_own(text: str) -> None:
    html = render(text)
    assert not re.search(r"<(script|img|a|svg|iframe|style|use)\b", html)
    assert not re.search(r"<[^>]*\b(src|href|style|on\w+)=", html)


@given(st.text(alphabet="ab<>&\"'/=![]()*_`#|-\n http:اب", max_size=80))
def test_only_known_elements_and_attributes(text: str) -> None:
    for name, attributes in re.findall(r"</?([a-z0-9]+)([^>]*)>", render(text)):
        assert name in TAGS
        assert re.fullmatch(r'( dir="(ltr|rtl)"| start="\d+")*( /)?', attributes)
