"""A reviewer and an adjudicator at work, with the keyboard, in both languages."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

LEFT = "يوجد انصباب جنبي صغير في الجهة اليسرى.\nلا يوجد استرواح صدري."
GOOD: dict[str, Any] = {"verdict": "none"}
MAJOR: dict[str, Any] = {
    "verdict": "major",
    "issues": [{"category": "laterality", "part": 2, "start": 31, "end": 37}],
    "corrected": [{"part": 2, "text": LEFT}],
    "rationale": "المصدر يقول اليسرى",
}
MARK = """([part, from, to]) => {
    const line = document.querySelector(`.target[data-part="${part}"] p[data-start]`);
    const range = document.createRange();
    range.setStart(line.firstChild, from);
    range.setEnd(line.firstChild, to);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
}"""


def latest(site: Any, item: str, name: str) -> Any:
    return site.room.read(lambda board: board.of(item).latest.get(name))


def test_a_review_with_the_keyboard_alone(serve: Any, sign_in: Any) -> None:
    with serve(2) as site:
        page = sign_in(site, "amal")
        expect(page.locator(".side.source").last).to_contain_text("small left pleural effusion")
        text = page.locator(".target[data-part='2'] .text p").first
        expect(text).to_have_css("direction", "rtl")
        expect(page.locator(".side.source p").last).to_have_css("direction", "ltr")
        assert page.locator(".picture img").evaluate("(image) => image.naturalWidth") == 80
        page.evaluate(MARK, [2, 31, 37])
        page.keyboard.press("l")
        expect(page.locator("#issues q")).to_have_text("اليمنى")
        page.keyboard.press("3")
        page.evaluate(MARK, [2, 31, 37])
        page.keyboard.press("e")
        area = page.locator(".target[data-part='2'] textarea")
        expect(area).to_be_focused()
        area.fill(LEFT)
        expect(page.locator(".target[data-part='2'] .diff del")).to_have_text(["اليمنى"])
        expect(page.locator(".target[data-part='2'] .diff ins")).to_have_text(["اليسرى"])
        page.keyboard.press("Escape")
        page.keyboard.press("r")
        expect(page.locator("#rationale")).to_be_focused()
        page.keyboard.type("The source says left, l 1 e.")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#by-you")).to_have_text("1")
        expect(page.locator("#given")).to_have_text("1/4")
        assert page.locator("progress").evaluate("(bar) => [bar.value, bar.max]") == [1, 4]
        judged = latest(site, "ar-0", "amal")
        assert judged.verdict == "major"
        assert [(i.category, i.part, i.start, i.end) for i in judged.issues] == [("laterality", 2, 31, 37)]
        assert judged.texts == {2: LEFT}
        assert judged.rationale == "The source says left, l 1 e."
        expect(page.locator(".side.source").last).to_contain_text("500 mg")


def test_an_arabic_keyboard_works_by_the_places_of_its_keys(serve: Any, sign_in: Any) -> None:
    with serve(1) as site:
        page = sign_in(site, "amal", locale="ar")
        press = """([code, key]) => document.dispatchEvent(
            new KeyboardEvent("keydown", { code, key, bubbles: true }))"""
        page.evaluate(press, ["Digit2", "٢"])
        page.evaluate(press, ["KeyS", "س"])
        expect(page.locator("input[value=minor]")).to_be_checked()
        expect(page.locator("#issues li")).to_have_text([re.compile("الأسلوب")])
        page.locator("#judge button[type=submit]").click()
        expect(page.locator("#by-you")).to_have_text("1")
        assert latest(site, "ar-0", "amal").verdict == "minor"


def test_what_is_missing_is_said_before_anything_is_sent(serve: Any, sign_in: Any) -> None:
    with serve(1) as site:
        page = sign_in(site, "amal")
        problem = page.locator("#problem")
        page.keyboard.press("Control+Enter")
        expect(problem).to_have_text("Choose a verdict first.")
        page.keyboard.press("3")
        page.keyboard.press("Control+Enter")
        expect(problem).to_have_text("Choose at least one kind of error.")
        page.keyboard.press("o")
        page.keyboard.press("Control+Enter")
        expect(problem).to_have_text("Write one sentence on why the error is major.")
        page.keyboard.press("1")
        page.keyboard.press("Control+Enter")
        expect(problem).to_contain_text("An error is named although")
        page.keyboard.press("o")
        expect(page.locator("#issues li")).to_have_count(0)
        assert latest(site, "ar-0", "amal") is None
        page.keyboard.press("Control+Enter")
        expect(page.locator("h1")).to_have_text("Nothing is left for you")
        assert latest(site, "ar-0", "amal").verdict == "none"


def test_a_pair_is_left_to_others_with_a_reason(serve: Any, sign_in: Any) -> None:
    with serve(2) as site:
        page = sign_in(site, "amal")
        page.keyboard.press("k")
        expect(page.locator("#problem")).to_have_text("Write the reason in the box first.")
        expect(page.locator("#rationale")).to_be_focused()
        page.keyboard.type("not my field")
        page.locator("#leave").click()
        expect(page.locator(".side.source").last).to_contain_text("500 mg")
        assert site.room.board.of("ar-0").skipped == {"amal": "not my field"}


def test_switching_the_language_keeps_a_half_written_review(serve: Any, sign_in: Any) -> None:
    with serve(1) as site:
        page = sign_in(site, "amal")
        page.keyboard.press("2")
        page.locator("#rationale").fill("half a reason")
        page.locator("#language").click()
        expect(page.locator("html")).to_have_attribute("dir", "rtl")
        expect(page.locator("input[value=minor]")).to_be_checked()
        expect(page.locator("#rationale")).to_have_value("half a reason")
        expect(page).to_have_title("BiMediX2 · مراجعة الترجمة")
        page.reload()
        expect(page.locator("html")).to_have_attribute("lang", "ar")


def test_the_arabic_pages_have_no_english_word_of_the_interface(serve: Any, sign_in: Any) -> None:
    with serve(1) as site:
        page = sign_in(site, "amal", locale="ar")
        words = page.evaluate(
            """() => [...document.querySelectorAll('[data-t]')].filter((n) => n.id !== 'language')
            .map((n) => n.textContent)"""
        )
        assert len(words) > 25
        assert all(re.search("[ء-ي]", text) for text in words), words


def differing(site: Any) -> None:
    for name, judged in (("amal", MAJOR), ("omar", GOOD)):
        standing = site.room.next_for(name)
        site.room.review(name, standing.item.id, judged)


def test_reviewers_discuss_and_the_adjudicator_resolves(serve: Any, sign_in: Any) -> None:
    with serve(1) as site:
        differing(site)
        omar = sign_in(site, "omar")
        omar.locator("a[href='/mine']").click()
        expect(omar.locator(".rows .tag")).to_have_text("verdicts differ")
        omar.locator(".rows a").click()
        expect(omar.locator(".other")).to_have_count(2)
        expect(omar.locator("#others")).to_contain_text("المصدر يقول اليسرى")
        expect(omar.locator("#others del")).to_have_text("اليمنى")
        expect(omar.locator("body")).not_to_contain_text("amal")
        omar.keyboard.press("c")
        omar.keyboard.type("نعم، أخطأت.")
        omar.keyboard.press("Control+Enter")
        expect(omar.locator("#comments")).to_contain_text("نعم، أخطأت.")
        huda = sign_in(site, "huda", locale="ar")
        expect(huda.locator(".rows tbody tr")).to_have_count(1)
        huda.locator(".rows a").click()
        expect(huda.locator("#comments")).to_contain_text("نعم، أخطأت.")
        letters = huda.locator(".other.major h3 bdi").inner_text()
        huda.keyboard.press(str(4 + "AB".index(letters)))
        expect(huda.locator("input[value=major]")).to_be_checked()
        expect(huda.locator(".target[data-part='2'] textarea")).to_have_value(LEFT)
        huda.keyboard.press("Control+Enter")
        expect(huda.locator("main")).to_contain_text("لا خلاف في الانتظار.")
        standing = site.room.board.of("ar-0")
        assert (standing.resolved_by, standing.verdict(2).texts) == ("huda", {2: LEFT})


def test_a_review_may_be_revised_and_the_first_stays(serve: Any, sign_in: Any) -> None:
    with serve(1, overlap=1) as site:
        page = sign_in(site, "amal")
        page.keyboard.press("1")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#by-you")).to_have_text("1")
        page.locator("a[href='/mine']").click()
        page.locator(".rows a").click()
        expect(page.locator("input[value=none]")).to_be_checked()
        page.keyboard.press("2")
        page.keyboard.press("t")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".rows")).to_contain_text("Minor")
        given = site.room.read(lambda board: board.of("ar-0").reviews["amal"])
        assert [judged.verdict.value for judged in given] == ["none", "minor"]


@pytest.mark.parametrize(
    ("before", "after", "pieces"),
    [
        ("a b c", "a x c", [["=", "a "], ["-", "b"], ["+", "x"], ["=", " c"]]),
        ("الجهة اليمنى.", "الجهة اليسرى.", [["=", "الجهة "], ["-", "اليمنى"], ["+", "اليسرى"], ["=", "."]]),
        ("", "a", [["+", "a"]]),
        ("a", "", [["-", "a"]]),
        ("a", "a", [["=", "a"]]),
        ("5 mg", "50 mg", [["-", "5"], ["+", "50"], ["=", " mg"]]),
        ("يُعطى", "يعطى", [["-", "يُعطى"], ["+", "يعطى"]]),
    ],
)
def test_the_diff_is_by_words(shown: Any, before: str, after: str, pieces: list[Any]) -> None:
    assert shown.evaluate("([a, b]) => diff(a, b)", [before, after]) == pieces


@pytest.fixture(scope="module")
def shown(browser: Any) -> Any:
    """The script alone, on a page that holds nothing to review."""
    from bimedix2.web import shell

    page = browser.new_page()
    page.set_content(
        '<script type="application/json" id="data">{"strings": {}}</script><a id="language"></a>'
    )
    for name in ("page.js", "desk.js", "review.js"):
        page.add_script_tag(content=(shell.STATIC / name).read_text(encoding="utf-8"))
    yield page
    page.close()


def test_a_diff_gives_both_texts_back_whatever_they_are(shown: Any) -> None:
    import random

    draw = random.Random(0)
    words = ["a", "b", "اليسرى", "10-20", " ", "  ", "\n", ".", "𝒳", "mg"]
    for _ in range(200):
        before, after = ("".join(draw.choices(words, k=draw.randrange(14))) for _ in range(2))
        pieces = shown.evaluate("([a, b]) => diff(a, b)", [before, after])
        assert "".join(text for kind, text in pieces if kind != "+") == before
        assert "".join(text for kind, text in pieces if kind != "-") == after
    long = " ".join(str(n) for n in range(5000))
    other = " ".join(str(n + 1) for n in range(0, 10000, 2))
    pieces = shown.evaluate("([a, b]) => diff(a, b)", [long, other])
    assert "".join(text for kind, text in pieces if kind != "-") == other


@pytest.mark.parametrize("locale", ["en-US", "ar"])
def test_a_narrow_screen_shows_everything_without_scrolling_sideways(
    serve: Any, sign_in: Any, locale: str
) -> None:
    with serve(1) as site:
        differing(site)
        page = sign_in(site, "huda", locale=locale, width=360, height=640)
        page.locator(".rows a").click()
        expect(page.locator(".other")).to_have_count(2)
        assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_every_control_has_a_name_and_the_skip_link_works(serve: Any, sign_in: Any) -> None:
    with serve(1) as site:
        page = sign_in(site, "amal")
        names = page.evaluate(
            """() => [...document.querySelectorAll('button, a, input, select, textarea')]
            .filter((n) => n.offsetParent && !n.matches('.skip'))
            .map((n) => n.getAttribute('aria-label') || n.textContent.trim() || n.labels?.[0]?.textContent
                || n.querySelector('img')?.alt)"""
        )
        assert all(names), "a control has no name"
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
