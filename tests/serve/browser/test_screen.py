"""Both languages, signing in, the keyboard, and small screens."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

# Languages


@pytest.mark.parametrize(
    ("locale", "direction"), [("ar", "rtl"), ("ar-EG", "rtl"), ("en-GB", "ltr"), ("fr", "ltr")]
)
def test_the_interface_opens_in_the_browsers_language(open_page: Any, locale: str, direction: str) -> None:
    chat = open_page(locale=locale)
    expect(chat.page.locator("html")).to_have_attribute("dir", direction)
    said = "اسأل عن صورة طبية" if direction == "rtl" else "Ask about a medical image"
    expect(chat.page.locator("h1")).to_have_text(said)


def test_the_arabic_interface_has_no_english_left_and_is_mirrored(open_page: Any) -> None:
    chat = open_page(locale="ar")
    words = chat.page.evaluate(
        """() => [...document.querySelectorAll('[data-t]')].filter((n) => n.id !== 'language')
        .map((n) => n.textContent)"""
    )
    assert len(words) >= 8
    assert all(re.search("[ء-ي]", text) for text in words), words
    brand, actions = chat.page.locator(".brand").bounding_box(), chat.page.locator(".actions").bounding_box()
    assert brand
    assert actions
    assert brand["x"] > actions["x"]
    expect(chat.page.locator("#question")).to_have_css("direction", "rtl")


def test_switching_the_language_keeps_the_conversation_and_is_remembered(chat: Any, png: Path) -> None:
    chat.ask("hello")
    chat.answer()
    chat.attach(png)
    chat.page.locator("#question").fill("half a question")
    chat.page.locator("#language").click()
    expect(chat.page.locator("html")).to_have_attribute("dir", "rtl")
    expect(chat.page.locator("html")).to_have_attribute("lang", "ar")
    expect(chat.page.locator(".turn")).to_have_count(2)
    expect(chat.page.locator(".answer > p")).to_have_css("direction", "ltr")
    expect(chat.page.locator("#question")).to_have_value("half a question")
    expect(chat.page.locator(".chip")).to_have_count(1)
    expect(chat.page.locator("#send")).to_have_attribute("aria-label", "إرسال")
    chat.page.reload()
    expect(chat.page.locator("h1")).to_have_text("اسأل عن صورة طبية")


def test_the_question_turns_with_its_own_language(chat: Any) -> None:
    box = chat.page.locator("#question")
    box.fill("ما هذا؟")
    expect(box).to_have_css("direction", "rtl")
    box.fill("What is this?")
    expect(box).to_have_css("direction", "ltr")


# Signing in


def test_one_signs_in_with_the_key_in_either_language(
    open_page: Any, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVE_KEY", "a-key-of-enough-characters")
    with serve(api_key_env="SERVE_KEY") as service:
        chat = open_page(at=service.address)
        chat.page.get_by_role("link", name="العربية").click()
        expect(chat.page.locator("html")).to_have_attribute("dir", "rtl")
        chat.page.locator("#key").fill("not the key, surely")
        chat.page.keyboard.press("Enter")
        expect(chat.page.locator("#wrong")).to_have_text("هذا المفتاح غير صحيح.")
        chat.page.locator("#key").fill("a-key-of-enough-characters")
        chat.page.keyboard.press("Enter")
        expect(chat.page.locator("h1")).to_have_text("اسأل عن صورة طبية")
        chat.ask("hello")
        chat.answer()


# Keyboard and small screens


def test_everything_is_reached_with_the_keyboard(chat: Any) -> None:
    chat.page.keyboard.press("Tab")
    expect(chat.page.locator(".skip")).to_be_focused()
    chat.page.keyboard.press("Enter")
    expect(chat.page.locator("#question")).to_be_focused()
    chat.page.keyboard.type("first line")
    chat.page.keyboard.press("Shift+Enter")
    chat.page.keyboard.type("second line")
    expect(chat.page.locator("#question")).to_have_value("first line\nsecond line")
    chat.page.keyboard.press("Enter")
    chat.answer()
    expect(chat.page.locator(".turn.user p")).to_have_count(2)
    names = chat.page.evaluate(
        """() => [...document.querySelectorAll('button, a, input, select, textarea')]
        .filter((n) => n.offsetParent && !n.matches('.skip'))
        .map((n) => n.getAttribute('aria-label') || n.textContent.trim() || n.labels?.[0]?.textContent)"""
    )
    assert all(names), "a control has no name"


def test_escape_stops_an_answer(chat: Any) -> None:
    chat.ask("slow one")
    expect(chat.page.locator(".answer")).to_contain_text("word2")
    chat.page.keyboard.press("Escape")
    expect(chat.answer().locator(".flag")).to_have_text("Stopped by you")


def test_the_end_of_an_answer_is_announced(chat: Any) -> None:
    chat.ask("hello")
    chat.answer()
    expect(chat.page.locator("#status")).to_contain_text("The answer is complete.")


def test_an_example_is_asked_with_one_click(chat: Any, service: Any) -> None:
    example = chat.page.locator(".example").first
    text = example.get_attribute("data-text")
    example.click()
    chat.answer()
    request = service.backend.requests[0]
    assert request.messages[0].text == text
    assert len(request.images) == 1


@pytest.mark.parametrize("locale", ["en-US", "ar"])
def test_a_narrow_screen_shows_everything_without_scrolling_sideways(
    open_page: Any, png: Path, locale: str, scan: Any
) -> None:
    chat = open_page(locale=locale, width=360, height=640)
    chat.attach(png, scan("CT_small"))
    expect(chat.page.locator(".chip img")).to_have_count(2)
    assert chat.sideways() <= 0
    chat.ask("ما هذه الصورة؟")
    chat.answer()
    chat.attach(png)
    assert chat.sideways() <= 0
    for selector in ("#send", "#attach", "#new", "#language", ".notice", "#question"):
        box = chat.page.locator(selector).bounding_box()
        assert box, selector
        assert box["x"] >= 0, selector
        assert box["x"] + box["width"] <= 360, selector
