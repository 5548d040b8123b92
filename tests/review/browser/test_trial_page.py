"""A blind trial in real Chromium: judged with the keyboard alone, in both languages, the picture enlarged."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect


def latest(site: Any, item: str, name: str) -> Any:
    return site.room.read(lambda board: board.of(item).latest.get(name))


def test_an_item_is_judged_with_the_keyboard_alone(serve_trial: Any, sign_in: Any) -> None:
    with serve_trial(2, overlap=1) as site:
        page = sign_in(site, "amal")
        expect(page.locator(".answer")).to_have_count(3)
        expect(page.locator(".reference")).to_contain_text("A small left pleural effusion.")
        assert page.locator(".picture img").evaluate("(image) => image.naturalWidth") == 80
        page.keyboard.press("2")
        expect(page.locator(".answer.chosen")).to_have_attribute("data-label", "B")
        page.keyboard.press("1")
        expect(page.locator(".answer.chosen")).to_have_attribute("data-label", "A")
        page.keyboard.press("c")
        page.keyboard.type("t n 2 are letters here")
        page.wait_for_timeout(1100)
        page.keyboard.press("Control+Enter")
        expect(page.locator("#by-you")).to_have_text("1")
        chosen = latest(site, "001", "amal")
        assert (chosen.choice, chosen.labels, chosen.notes) == ("best", ("A",), "t n 2 are letters here")
        assert 1 <= chosen.seconds < 60
        expect(page.locator(".answer .side p").first).to_have_css("direction", "rtl")


def test_answers_stand_side_by_side_in_the_interfaces_direction(serve_trial: Any, sign_in: Any) -> None:
    with serve_trial(1, overlap=2) as site:
        for name, locale in (("amal", "en-US"), ("omar", "ar")):
            page = sign_in(site, name, locale=locale)
            boxes = [page.locator(f".answer[data-label={label}]").bounding_box() for label in "ABC"]
            assert len({round(box["y"]) for box in boxes}) == 1
            places = [box["x"] for box in boxes]
            assert places == sorted(places, reverse=locale == "ar")
            expect(page.locator(".answer .side p").first).to_have_css("direction", "ltr")


def test_a_tie_of_some_and_of_all(serve_trial: Any, sign_in: Any) -> None:
    with serve_trial(2, overlap=1) as site:
        page = sign_in(site, "amal")
        page.keyboard.press("t")
        expect(page.locator(".answer.chosen")).to_have_count(3)
        expect(page.locator("#tie-hint")).to_be_visible()
        page.keyboard.press("2")
        expect(page.locator("#chosen")).to_have_text("Tie: A, C")
        page.keyboard.press("3")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#problem")).to_have_text("A tie is of at least two answers.")
        page.keyboard.press("3")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#by-you")).to_have_text("1")
        assert latest(site, "001", "amal").labels == ("A", "C")
        page.locator("#tie").click()
        page.locator("#judge button[type=submit]").click()
        expect(page.locator("h1")).to_have_text("Nothing is left for you")
        assert latest(site, "002", "amal").labels == ("A", "B", "C")


def test_an_arabic_keyboard_abstains_and_is_told_what_is_missing(serve_trial: Any, sign_in: Any) -> None:
    with serve_trial(1, overlap=1) as site:
        page = sign_in(site, "amal", locale="ar")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#problem")).to_have_text(
            "اختر أولًا أفضل إجابة، أو التعادل، أو «لا أستطيع الحكم»."
        )
        press = """([code, key]) => document.dispatchEvent(
            new KeyboardEvent("keydown", { code, key, bubbles: true }))"""
        page.evaluate(press, ["Digit1", "١"])
        expect(page.locator(".answer.chosen")).to_have_count(1)
        page.evaluate(press, ["KeyN", "ى"])
        expect(page.locator(".answer.chosen")).to_have_count(0)
        expect(page.locator("#chosen")).to_have_text("تعذّر الحكم")
        page.keyboard.press("Control+Enter")
        expect(page.locator("h1")).to_have_text("لم يبقَ لديك ما تقيّمه")
        assert latest(site, "001", "amal").choice == "abstain"


def test_a_choice_is_made_anew_and_the_first_stays(serve_trial: Any, sign_in: Any) -> None:
    with serve_trial(1, overlap=1) as site:
        page = sign_in(site, "amal")
        page.keyboard.press("1")
        page.keyboard.press("c")
        page.keyboard.type("at first")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#by-you")).to_have_text("1")
        page.locator("a[href='/mine']").click()
        expect(page.locator(".rows tbody td").nth(1)).to_have_text(re.compile(r"Best:\s+A"))
        page.locator(".rows a").click()
        expect(page.locator(".answer.chosen")).to_have_attribute("data-label", "A")
        expect(page.locator("#notes")).to_have_value("at first")
        page.keyboard.press("3")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".rows tbody td").nth(2)).to_have_text("1")
        given = site.room.read(lambda board: board.of("001").choices["amal"])
        assert [choice.labels for choice in given] == [("A",), ("C",)]


def test_the_picture_is_enlarged_zoomed_and_closed(serve_trial: Any, sign_in: Any) -> None:
    with serve_trial(1, overlap=1) as site:
        page = sign_in(site, "amal")
        image = page.locator("#viewer .stage img")
        page.keyboard.press("z")
        expect(page.locator("#viewer")).to_be_visible()
        page.wait_for_function("() => document.querySelector('#viewer img').style.width")
        width = "(image) => image.getBoundingClientRect().width"
        fit = image.evaluate(width)
        assert fit > 400
        page.keyboard.press("1")  # chooses nothing while the viewer is open
        page.keyboard.press("+")
        assert image.evaluate(width) == pytest.approx(1.5 * fit, rel=0.01)
        page.locator("#viewer .stage").hover()
        page.mouse.wheel(0, -100)
        expect(image).not_to_have_css("width", f"{1.5 * fit}px")
        page.keyboard.press("0")
        assert image.evaluate(width) == pytest.approx(fit, rel=0.01)
        page.keyboard.press("Escape")
        expect(page.locator("#viewer")).to_be_hidden()
        expect(page.locator(".answer.chosen")).to_have_count(0)
        page.locator(".enlarge").click()
        expect(page.locator("#viewer")).to_be_visible()
        page.locator("#viewer-close").click()
        expect(page.locator("#viewer")).to_be_hidden()


def test_switching_the_language_keeps_a_choice(serve_trial: Any, sign_in: Any) -> None:
    with serve_trial(1, overlap=1) as site:
        page = sign_in(site, "amal")
        page.keyboard.press("t")
        page.locator("#notes").fill("half a note")
        page.locator("#language").click()
        expect(page.locator("html")).to_have_attribute("dir", "rtl")
        expect(page.locator("#chosen")).to_have_text("تعادل: A, B, C")
        expect(page.locator(".answer.chosen .choose span").first).to_have_text("متعادلة")
        expect(page.locator("#notes")).to_have_value("half a note")
        expect(page).to_have_title("BiMediX2 · التقييم المعمّى")
        words = page.evaluate(
            """() => [...document.querySelectorAll('[data-t]')].filter((n) => n.id !== 'language')
            .map((n) => n.textContent)"""
        )
        assert all(re.search("[ء-ي]", text) for text in words), words


def test_a_closed_trial_is_shown_and_nothing_can_be_changed(serve_trial: Any, sign_in: Any) -> None:
    with serve_trial(1, overlap=1) as site:
        page = sign_in(site, "amal")
        page.keyboard.press("2")
        page.keyboard.press("Control+Enter")
        page.locator("a[href='/mine']").wait_for()
        expect(page.locator("#by-you")).to_have_text("1")
        site.room.end(unfinished=False)
        page.goto(f"{site.address}/item?item=001")
        expect(page.locator("#judge .closed")).to_be_visible()
        page.keyboard.press("1")
        expect(page.locator(".answer.chosen")).to_have_attribute("data-label", "B")
        expect(page.locator("#judge button[type=submit]")).to_have_count(0)


@pytest.mark.parametrize("locale", ["en-US", "ar"])
def test_nine_answers_on_a_narrow_screen(serve_trial: Any, sign_in: Any, locale: str) -> None:
    with serve_trial(1, labels=9, overlap=1) as site:
        page = sign_in(site, "amal", locale=locale, width=360, height=640)
        expect(page.locator(".answer")).to_have_count(9)
        assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0
        page.keyboard.press("9")
        expect(page.locator(".answer.chosen")).to_have_attribute("data-label", "I")


def test_of_twenty_answers_the_second_nine_are_chosen_with_shift(serve_trial: Any, sign_in: Any) -> None:
    with serve_trial(1, labels=20, overlap=1) as site:
        page = sign_in(site, "amal")
        chosen = page.locator(".answer.chosen")
        page.keyboard.press("Shift+Digit1")
        expect(chosen).to_have_attribute("data-label", "J")
        page.keyboard.press("Shift+Digit9")
        expect(chosen).to_have_attribute("data-label", "R")
        page.locator('.choose[data-label="T"]').click()
        expect(chosen).to_have_attribute("data-label", "T")
        assert page.locator("button.choose kbd").all_inner_texts()[8:11] == ["9", "\u21e71", "\u21e72"]


def test_every_control_of_the_trial_has_a_name(serve_trial: Any, sign_in: Any) -> None:
    with serve_trial(1, overlap=1) as site:
        page = sign_in(site, "amal")
        names = page.evaluate(
            """() => [...document.querySelectorAll('button, a, input, select, textarea')]
            .filter((n) => n.offsetParent && !n.matches('.skip'))
            .map((n) => n.getAttribute('aria-label') || n.textContent.trim() || n.labels?.[0]?.textContent)"""
        )
        assert all(names), "a control has no name"


def test_scores_are_given_with_the_keyboard_alone(serve_trial: Any, two_scores: Any, sign_in: Any) -> None:
    with serve_trial(2, labels=2, scales=two_scores, overlap=1) as site:
        page = sign_in(site, "amal")
        expect(page.locator(".scale.current")).to_have_attribute("data-scale", "A")
        expect(page.locator("#tie")).to_have_count(0)
        page.keyboard.press("7")
        expect(page.locator(".scale.current")).to_have_attribute("data-scale", "B")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#problem")).to_contain_text("Give every score first")
        page.keyboard.press("0")
        expect(page.locator(".scale.current")).to_have_count(0)
        expect(page.locator("#chosen")).to_have_text("Scores: 2/2")
        page.keyboard.press("k")
        expect(page.locator(".scale.current")).to_have_attribute("data-scale", "B")
        page.keyboard.press("k")
        page.keyboard.press("8")
        expect(page.locator(".scale[data-scale=A] [aria-pressed=true]")).to_have_text("8")
        page.keyboard.press("n")
        expect(page.locator("#chosen")).to_have_text("Could not judge ")
        page.keyboard.press("n")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#by-you")).to_have_text("1")
        assert latest(site, "001", "amal").scores == {"A": "8", "B": "10"}
        page.locator("a[href='/mine']").click()
        page.locator(".rows a").click()
        expect(page.locator(".scale[data-scale=B] [aria-pressed=true]")).to_have_text("10")


@pytest.mark.parametrize("locale", ["en-US", "ar"])
def test_scores_are_given_by_mouse_on_a_narrow_screen(
    serve_trial: Any, two_scores: Any, sign_in: Any, locale: str
) -> None:
    with serve_trial(1, labels=2, scales=two_scores, overlap=1) as site:
        page = sign_in(site, "amal", locale=locale, width=360, height=640)
        assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0
        first, second = (
            page.locator(f".scale[data-scale=A] [data-value='{n}']").bounding_box() for n in (1, 2)
        )
        assert (first["x"] > second["x"]) == (locale == "ar")
        words = page.evaluate("() => [...document.querySelectorAll('[data-t]')].map((n) => n.textContent)")
        assert locale != "ar" or all(re.search("[ء-ي]", text) for text in words if text != "English"), words
        page.locator(".scale[data-scale=A] [data-value='3']").click()
        page.locator(".scale[data-scale=B] [data-value='9']").click()
        page.locator("#judge button[type=submit]").click()
        done = "لم يبقَ لديك ما تقيّمه" if locale == "ar" else "Nothing is left for you"
        expect(page.locator("h1")).to_have_text(done)
        assert latest(site, "001", "amal").scores == {"A": "3", "B": "9"}
