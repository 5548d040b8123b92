"""The chat page in real Chromium.

Every test also asserts that no request left this host and that the browser logged no error (``open_page``).
"""

import re
import threading
from collections.abc import Callable, Iterator
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
FLAGS += ["--disable-component-update", "--disable-sync"]
REFUSED = "Failed to load resource"
"""Chromium's own line for an answer of 4xx, which tests of errors cause on purpose."""


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield started
        started.close()


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, service: Any) -> Iterator[Open]:
    """``open_page(locale="ar", width=390)``: the chat page in a fresh profile."""
    contexts = []
    hosts: set[str] = set()
    problems: list[str] = []

    def opened(path: str = "/", *, locale: str = "en-US", width: int = 1280, height: int = 800) -> Page:
        context = browser.new_context(locale=locale, viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        context.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        page.goto(service.address + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert hosts - {""} == {urlsplit(service.address).netloc}, "a request left this host"
    assert [said for said in problems if not said.startswith(REFUSED)] == []


@pytest.fixture
def page(open_page: Open) -> Page:
    return open_page()


@pytest.fixture
def png(tmp_path: Path) -> Path:
    path = tmp_path / "Alice Smith.png"
    Image.new("RGB", (120, 90), (90, 120, 150)).save(path)
    return path


def scan(name: str) -> Path:
    return Path(str(files("pydicom") / "data" / "test_files" / f"{name}.dcm"))


def ask(page: Page, text: str) -> None:
    page.locator("#question").fill(text)
    page.locator("#question").press("Enter")


def attach(page: Page, *paths: Path) -> None:
    page.locator("#file").set_input_files([str(path) for path in paths])


def answer(page: Page, number: int = 0) -> Any:
    """The finished answer of that number."""
    view = page.locator(".turn.assistant").nth(number)
    expect(view.locator(".signature")).to_be_visible()
    return view


def pixels(page: Page, selector: str) -> bytes:
    source = page.locator(selector).get_attribute("src") or ""
    import base64

    return Image.open(BytesIO(base64.b64decode(source.partition(",")[2]))).convert("L").tobytes()


# Asking and reading


def test_a_question_its_answer_and_who_gave_it(page: Page, service: Any) -> None:
    assert page.title() == "BiMediX2 · medical images and questions"
    expect(page.locator(".notice")).to_contain_text("For research only, not medical advice.")
    expect(page.locator(".notice")).to_contain_text("للبحث العلمي فقط، وليس نصيحة طبية.")
    ask(page, "What is a radiograph?")
    view = answer(page)
    expect(view.locator(".answer")).to_contain_text("Answer to: What is a radiograph?")
    expect(view.locator(".by")).to_have_text(service.backend.name)
    expect(page.locator("#welcome")).to_be_hidden()
    expect(page.locator("#question")).to_be_focused()


def test_the_answer_appears_while_it_is_being_written(page: Page, service: Any) -> None:
    ask(page, "hold this")
    view = page.locator(".turn.assistant")
    expect(view.locator(".answer")).to_have_text("Answer")
    expect(view).to_have_attribute("aria-busy", "true")
    expect(page.locator("#stop")).to_be_visible()
    service.backend.gate.set()
    expect(answer(page).locator(".answer")).to_contain_text("to: hold this")
    expect(view).to_have_attribute("aria-busy", "false")


def test_stop_keeps_what_was_written_and_the_next_question_is_answered(
    page: Page, service: Any, until: Any
) -> None:
    closed = service.backend.closed
    ask(page, "slow one")
    expect(page.locator(".answer")).to_contain_text("word3")
    page.locator("#stop").click()
    view = answer(page)
    expect(view.locator(".flag")).to_have_text("Stopped by you")
    expect(view.locator(".answer")).not_to_contain_text("word39")
    until(lambda: service.backend.closed == closed + 1)
    ask(page, "and now?")
    expect(answer(page, 1).locator(".answer")).to_contain_text("turn 3")


def test_who_waits_sees_how_many_are_ahead(page: Page, service: Any, until: Any) -> None:
    other = threading.Thread(target=lambda: service.complete("hold"))
    other.start()
    until(lambda: service.backend.running == 1)
    ask(page, "hello")
    expect(page.locator(".pending")).to_contain_text("requests ahead of yours:1")
    service.backend.gate.set()
    answer(page)
    other.join(20)


def test_a_cut_answer_says_so(page: Page) -> None:
    ask(page, "cut")
    expect(answer(page).locator(".flag")).to_have_text("Cut at the length limit")


def test_an_arabic_answer_runs_right_to_left_with_its_numbers_isolated(page: Page) -> None:
    ask(page, "ما الجرعة؟")
    paragraphs = answer(page).locator(".answer > p")
    expect(paragraphs).to_have_count(2)
    for number in range(2):
        expect(paragraphs.nth(number)).to_have_attribute("dir", "rtl")
    isolated = paragraphs.nth(1).locator('bdi[dir="ltr"]').all_inner_texts()
    assert isolated == ["10-20 mg", "Paracetamol", "6"]
    # On the screen the range reads from left to right: its first digit stands left of its last.
    left, right = page.evaluate(
        """() => { const node = document.querySelector('.answer bdi').firstChild;
        return [0, 3].map((at) => { const range = document.createRange();
        range.setStart(node, at); range.setEnd(node, at + 1); return range.getBoundingClientRect().x; }); }"""
    )
    assert left < right
    expect(page.locator(".turn.user p")).to_have_css("direction", "rtl")
    expect(page.locator("html")).to_have_attribute("dir", "ltr")


def test_markdown_is_rendered_and_cannot_reach_out(page: Page) -> None:
    ask(page, "markdown")
    view = answer(page)
    expect(view.locator(".answer h1")).to_have_text("A table")
    expect(view.locator(".answer td")).to_have_count(2)
    expect(view.locator(".answer img, .answer a")).to_have_count(0)


def test_one_more_answer_to_the_same_question(page: Page, service: Any) -> None:
    ask(page, "hello")
    answer(page).locator(".again").click()
    expect(page.locator(".turn.assistant")).to_have_count(1)
    expect(answer(page).locator(".again")).to_be_enabled()
    first, second = service.backend.requests
    assert first.messages == second.messages
    assert (first.sampling.temperature, second.sampling.temperature) == (0.0, 0.7)


def test_a_new_conversation_forgets_the_old_one(page: Page, service: Any) -> None:
    ask(page, "hello")
    answer(page)
    page.locator("#new").click()
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.locator("#welcome")).to_be_visible()
    ask(page, "again")
    expect(answer(page).locator(".answer")).to_contain_text("turn 1")


# Images


def test_a_picture_is_uploaded_shown_and_sent(page: Page, service: Any, png: Path) -> None:
    attach(page, png)
    expect(page.locator(".chip")).to_contain_text("120×90")
    ask(page, "What is this?")
    expect(answer(page).locator(".answer")).to_contain_text("[1 of 1 images, turn 1]")
    expect(page.locator(".turn.user img")).to_be_visible()
    expect(page.locator(".chip")).to_have_count(0)
    assert "Alice" not in str(service.backend.requests[0].messages)


def test_an_image_may_come_at_a_later_turn(page: Page, png: Path) -> None:
    ask(page, "hello")
    answer(page)
    attach(page, png, scan("MR_small"))
    expect(page.locator(".chip")).to_have_count(2)
    ask(page, "And these?")
    expect(answer(page, 1).locator(".answer")).to_contain_text("[2 of 2 images, turn 3]")


def test_a_question_sent_while_its_image_is_being_opened_waits_for_it(page: Page, png: Path) -> None:
    page.route("**/images?*", lambda route: (page.wait_for_timeout(500), route.continue_()))
    attach(page, png)
    ask(page, "What is this?")
    expect(page.locator(".turn")).to_have_count(0)
    expect(answer(page).locator(".answer")).to_contain_text("[1 of 1 images, turn 1]")


def test_a_ct_is_windowed_by_choice(page: Page) -> None:
    attach(page, scan("CT_small"))
    window = page.locator(".chip select")
    expect(window).to_be_visible()
    automatic = pixels(page, ".chip img")
    window.focus()
    window.select_option("lung")
    expect(page.locator(".chip")).to_contain_text("window lung (-600/1500)")
    assert pixels(page, ".chip img") != automatic
    expect(window).to_be_focused()
    expect(window).to_have_value("lung")


def test_an_mri_offers_no_ct_window_and_a_film_its_frames(page: Page) -> None:
    attach(page, scan("MR_small"))
    expect(page.locator(".chip")).to_contain_text("64×64")
    expect(page.locator(".chip select")).to_have_count(0)
    page.locator(".chip button").click()
    attach(page, scan("examples_ybr_color"))
    box = page.locator(".chip input[type=number]")
    expect(box).to_have_value("16")
    box.fill("3")
    box.press("Tab")
    expect(page.locator(".chip")).to_contain_text("frame 3 of 30")


def test_a_file_is_dropped_on_the_page(page: Page, png: Path) -> None:
    import base64

    dropped = page.evaluate_handle(
        """(data) => { const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
        const transfer = new DataTransfer(); transfer.items.add(new File([bytes], 'dropped.png'));
        return transfer; }""",
        base64.b64encode(png.read_bytes()).decode(),
    )
    page.dispatch_event("body", "dragenter", {"dataTransfer": dropped})
    expect(page.locator("#dropzone")).to_be_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": dropped})
    expect(page.locator("#dropzone")).to_be_hidden()
    expect(page.locator(".chip")).to_contain_text("dropped.png")


def test_a_file_that_is_no_image_is_one_sentence_in_the_users_language(
    open_page: Open, tmp_path: Path
) -> None:
    wrong = tmp_path / "page.png"
    wrong.write_text("<html>not found</html>")
    page = open_page(locale="ar")
    attach(page, wrong)
    chip = page.locator(".chip.failed")
    expect(chip).to_contain_text("تعذّر فتح الصورة.")
    expect(chip).to_contain_text("image is text, not an image")
    page.locator("#question").fill("ما هذا؟")
    page.locator("#question").press("Enter")
    expect(page.locator(".turn")).to_have_count(0)
    chip.locator("button").click()
    ask(page, "ما هذا؟")
    answer(page)


def test_an_upload_of_50_mb_is_refused_before_it_is_sent(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.dcm"
    large.write_bytes(bytes(50_000_000))
    attach(page, large)
    expect(page.locator(".chip.failed")).to_contain_text("The file is too large.")
    page.locator(".chip button").click()
    ask(page, "hello")
    answer(page)


# Errors


def test_an_error_gives_the_question_back(page: Page, png: Path) -> None:
    attach(page, png)
    expect(page.locator(".chip img")).to_be_visible()
    ask(page, "crash now")
    failure = page.locator(".failure")
    expect(failure).to_contain_text("The server failed on this request; try again.")
    expect(failure).not_to_contain_text("Alice")
    expect(page.locator("#question")).to_have_value("crash now")
    expect(page.locator(".chip")).to_have_count(1)
    expect(page.locator(".turn")).to_have_count(0)
    ask(page, "better")
    expect(answer(page).locator(".answer")).to_contain_text("[1 of 1 images, turn 1]")
    expect(page.locator(".failure")).to_have_count(0)


def test_a_conversation_that_is_too_long_says_what_to_do_where_it_is_seen(open_page: Open) -> None:
    page = open_page(height=480)
    ask(page, "hello")
    answer(page)
    ask(page, "long")
    failure = page.locator(".failure")
    expect(failure).to_contain_text("begin a new one")
    shown, dock = failure.bounding_box(), page.locator(".composer").bounding_box()
    assert shown
    assert dock
    assert shown["y"] + shown["height"] <= dock["y"]


def test_a_mark_of_the_models_format_is_refused_and_stays_text(page: Page) -> None:
    ask(page, "what is <image>?")
    expect(page.locator(".failure")).to_contain_text("<image>")
    expect(page.locator("#question")).to_have_value("what is <image>?")


# Languages


@pytest.mark.parametrize(
    ("locale", "direction"), [("ar", "rtl"), ("ar-EG", "rtl"), ("en-GB", "ltr"), ("fr", "ltr")]
)
def test_the_interface_opens_in_the_browsers_language(open_page: Open, locale: str, direction: str) -> None:
    page = open_page(locale=locale)
    expect(page.locator("html")).to_have_attribute("dir", direction)
    said = "اسأل عن صورة طبية" if direction == "rtl" else "Ask about a medical image"
    expect(page.locator("h1")).to_have_text(said)


def test_the_arabic_interface_has_no_english_left_and_is_mirrored(open_page: Open) -> None:
    page = open_page(locale="ar")
    words = page.evaluate(
        """() => [...document.querySelectorAll('[data-t]')].filter((n) => n.id !== 'language')
        .map((n) => n.textContent)"""
    )
    assert len(words) >= 8
    assert all(re.search("[ء-ي]", text) for text in words), words
    brand, actions = page.locator(".brand").bounding_box(), page.locator(".actions").bounding_box()
    assert brand
    assert actions
    assert brand["x"] > actions["x"]
    expect(page.locator("#question")).to_have_css("direction", "rtl")


def test_switching_the_language_keeps_the_conversation_and_is_remembered(page: Page, png: Path) -> None:
    ask(page, "hello")
    answer(page)
    attach(page, png)
    page.locator("#question").fill("half a question")
    page.locator("#language").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("html")).to_have_attribute("lang", "ar")
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".answer > p")).to_have_css("direction", "ltr")
    expect(page.locator("#question")).to_have_value("half a question")
    expect(page.locator(".chip")).to_have_count(1)
    expect(page.locator("#send")).to_have_attribute("aria-label", "إرسال")
    page.reload()
    expect(page.locator("h1")).to_have_text("اسأل عن صورة طبية")


def test_the_question_turns_with_its_own_language(page: Page) -> None:
    box = page.locator("#question")
    box.fill("ما هذا؟")
    expect(box).to_have_css("direction", "rtl")
    box.fill("What is this?")
    expect(box).to_have_css("direction", "ltr")


# Signing in


def test_one_signs_in_with_the_key_in_either_language(
    browser: Browser, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVE_KEY", "a-key-of-enough-characters")
    with serve(api_key_env="SERVE_KEY") as service:
        context = browser.new_context(locale="en-US")
        page = context.new_page()
        page.goto(service.address)
        page.get_by_role("link", name="العربية").click()
        expect(page.locator("html")).to_have_attribute("dir", "rtl")
        page.locator("#key").fill("not the key, surely")
        page.keyboard.press("Enter")
        expect(page.locator("#wrong")).to_have_text("هذا المفتاح غير صحيح.")
        page.locator("#key").fill("a-key-of-enough-characters")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("اسأل عن صورة طبية")
        ask(page, "hello")
        answer(page)
        context.close()


# Keyboard and small screens


def test_everything_is_reached_with_the_keyboard(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type("first line")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second line")
    expect(page.locator("#question")).to_have_value("first line\nsecond line")
    page.keyboard.press("Enter")
    answer(page)
    expect(page.locator(".turn.user p")).to_have_count(2)
    names = page.evaluate(
        """() => [...document.querySelectorAll('button, a, input, select, textarea')]
        .filter((n) => n.offsetParent && !n.matches('.skip'))
        .map((n) => n.getAttribute('aria-label') || n.textContent.trim() || n.labels?.[0]?.textContent)"""
    )
    assert all(names), "a control has no name"


def test_escape_stops_an_answer(page: Page) -> None:
    ask(page, "slow one")
    expect(page.locator(".answer")).to_contain_text("word2")
    page.keyboard.press("Escape")
    expect(answer(page).locator(".flag")).to_have_text("Stopped by you")


def test_the_end_of_an_answer_is_announced(page: Page) -> None:
    ask(page, "hello")
    answer(page)
    expect(page.locator("#status")).to_contain_text("The answer is complete.")


def test_an_example_is_asked_with_one_click(page: Page, service: Any) -> None:
    example = page.locator(".example").first
    text = example.get_attribute("data-text")
    example.click()
    answer(page)
    request = service.backend.requests[0]
    assert request.messages[0].text == text
    assert len(request.images) == 1


@pytest.mark.parametrize("locale", ["en-US", "ar"])
def test_a_narrow_screen_shows_everything_without_scrolling_sideways(
    open_page: Open, png: Path, locale: str
) -> None:
    page = open_page(locale=locale, width=360, height=640)
    attach(page, png, scan("CT_small"))
    expect(page.locator(".chip img")).to_have_count(2)
    assert wider(page) <= 0
    ask(page, "ما الجرعة؟")
    answer(page)
    attach(page, png)
    assert wider(page) <= 0
    for selector in ("#send", "#attach", "#new", "#language", ".notice", "#question"):
        box = page.locator(selector).bounding_box()
        assert box, selector
        assert box["x"] >= 0, selector
        assert box["x"] + box["width"] <= 360, selector


def wider(page: Page) -> int:
    """Pixels by which the page is wider than the screen."""
    return int(page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth"))
