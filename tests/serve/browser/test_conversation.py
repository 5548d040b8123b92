"""Asking, reading, images and errors on the chat page."""

import base64
import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

# Asking and reading


def test_a_question_its_answer_and_who_gave_it(chat: Any, service: Any) -> None:
    assert chat.page.title() == "BiMediX2 · medical images and questions"
    expect(chat.page.locator(".notice")).to_contain_text("For research only, not medical advice.")
    expect(chat.page.locator(".notice")).to_contain_text("للبحث العلمي فقط، وليس نصيحة طبية.")
    chat.ask("What is a radiograph?")
    view = chat.answer()
    expect(view.locator(".answer")).to_contain_text("Answer to: What is a radiograph?")
    expect(view.locator(".by")).to_have_text(service.backend.name)
    expect(chat.page.locator("#welcome")).to_be_hidden()
    expect(chat.page.locator("#question")).to_be_focused()


def test_the_answer_appears_while_it_is_being_written(chat: Any, service: Any) -> None:
    chat.ask("hold this")
    view = chat.page.locator(".turn.assistant")
    expect(view.locator(".answer")).to_have_text("Answer")
    expect(view).to_have_attribute("aria-busy", "true")
    expect(chat.page.locator("#stop")).to_be_visible()
    service.backend.gate.set()
    expect(chat.answer().locator(".answer")).to_contain_text("to: hold this")
    expect(view).to_have_attribute("aria-busy", "false")


def test_stop_keeps_what_was_written_and_the_next_question_is_answered(
    chat: Any, service: Any, until: Any
) -> None:
    closed = service.backend.closed
    chat.ask("slow one")
    expect(chat.page.locator(".answer")).to_contain_text("word3")
    chat.page.locator("#stop").click()
    view = chat.answer()
    expect(view.locator(".flag")).to_have_text("Stopped by you")
    expect(view.locator(".answer")).not_to_contain_text("word39")
    until(lambda: service.backend.closed == closed + 1)
    chat.ask("and now?")
    expect(chat.answer(1).locator(".answer")).to_contain_text("turn 3")


def test_who_waits_sees_how_many_are_ahead(chat: Any, service: Any, until: Any) -> None:
    other = threading.Thread(target=lambda: service.complete("hold"))
    other.start()
    until(lambda: service.backend.running == 1)
    chat.ask("hello")
    expect(chat.page.locator(".pending")).to_contain_text("requests ahead of yours:1")
    service.backend.gate.set()
    chat.answer()
    other.join(20)


def test_a_cut_answer_says_so(chat: Any) -> None:
    chat.ask("cut")
    expect(chat.answer().locator(".flag")).to_have_text("Cut at the length limit")


def test_an_arabic_answer_runs_right_to_left_with_its_numbers_isolated(chat: Any) -> None:
    chat.ask("ما هذه الصورة؟")
    paragraphs = chat.answer().locator(".answer > p")
    expect(paragraphs).to_have_count(2)
    for number in range(2):
        expect(paragraphs.nth(number)).to_have_attribute("dir", "rtl")
    isolated = paragraphs.nth(1).locator('bdi[dir="ltr"]').all_inner_texts()
    assert isolated == ["10-20 mg", "Paracetamol", "6"]
    # On the screen the range reads from left to right: its first digit stands left of its last.
    left, right = chat.page.evaluate(
        """() => { const node = document.querySelector('.answer bdi').firstChild;
        return [0, 3].map((at) => { const range = document.createRange();
        range.setStart(node, at); range.setEnd(node, at + 1); return range.getBoundingClientRect().x; }); }"""
    )
    assert left < right
    expect(chat.page.locator(".turn.user p")).to_have_css("direction", "rtl")
    expect(chat.page.locator("html")).to_have_attribute("dir", "ltr")


def test_markdown_is_rendered_and_cannot_reach_out(chat: Any) -> None:
    chat.ask("markdown")
    view = chat.answer()
    expect(view.locator(".answer h1")).to_have_text("A table")
    expect(view.locator(".answer td")).to_have_count(2)
    expect(view.locator(".answer img, .answer a")).to_have_count(0)


def test_one_more_answer_to_the_same_question(chat: Any, service: Any) -> None:
    chat.ask("hello")
    chat.answer().locator(".again").click()
    expect(chat.page.locator(".turn.assistant")).to_have_count(1)
    expect(chat.answer().locator(".again")).to_be_enabled()
    first, second = service.backend.requests
    assert first.messages == second.messages
    assert (first.sampling.temperature, second.sampling.temperature) == (0.0, 0.7)


def test_a_new_conversation_forgets_the_old_one(chat: Any, service: Any) -> None:
    chat.ask("hello")
    chat.answer()
    chat.page.locator("#new").click()
    expect(chat.page.locator(".turn")).to_have_count(0)
    expect(chat.page.locator("#welcome")).to_be_visible()
    chat.ask("again")
    expect(chat.answer().locator(".answer")).to_contain_text("turn 1")


# Images


def test_a_picture_is_uploaded_shown_and_sent(chat: Any, service: Any, png: Path) -> None:
    chat.attach(png)
    expect(chat.page.locator(".chip")).to_contain_text("120×90")
    chat.ask("What is this?")
    expect(chat.answer().locator(".answer")).to_contain_text("[1 of 1 images, turn 1]")
    expect(chat.page.locator(".turn.user img")).to_be_visible()
    expect(chat.page.locator(".chip")).to_have_count(0)
    assert "Alice" not in str(service.backend.requests[0].messages)


def test_an_image_may_come_at_a_later_turn(chat: Any, png: Path, scan: Any) -> None:
    chat.ask("hello")
    chat.answer()
    chat.attach(png, scan("MR_small"))
    expect(chat.page.locator(".chip")).to_have_count(2)
    chat.ask("And these?")
    expect(chat.answer(1).locator(".answer")).to_contain_text("[2 of 2 images, turn 3]")


def test_a_question_sent_while_its_image_is_being_opened_waits_for_it(chat: Any, png: Path) -> None:
    chat.page.route("**/images?*", lambda route: (chat.page.wait_for_timeout(500), route.continue_()))
    chat.attach(png)
    chat.ask("What is this?")
    expect(chat.page.locator(".turn")).to_have_count(0)
    expect(chat.answer().locator(".answer")).to_contain_text("[1 of 1 images, turn 1]")


def pixels(chat: Any) -> bytes:
    """What the model will see of the attached image."""
    source = chat.page.locator(".chip img").get_attribute("src") or ""
    return Image.open(BytesIO(base64.b64decode(source.partition(",")[2]))).convert("L").tobytes()


def test_a_ct_is_windowed_by_choice(chat: Any, scan: Any) -> None:
    chat.attach(scan("CT_small"))
    window = chat.page.locator(".chip select")
    expect(window).to_be_visible()
    automatic = pixels(chat)
    window.focus()
    window.select_option("lung")
    expect(chat.page.locator(".chip")).to_contain_text("window lung (-600/1500)")
    assert pixels(chat) != automatic
    expect(window).to_be_focused()
    expect(window).to_have_value("lung")


def test_an_mri_offers_no_ct_window_and_a_film_its_frames(chat: Any, scan: Any) -> None:
    chat.attach(scan("MR_small"))
    expect(chat.page.locator(".chip")).to_contain_text("64×64")
    expect(chat.page.locator(".chip select")).to_have_count(0)
    chat.page.locator(".chip button").click()
    chat.attach(scan("examples_ybr_color"))
    box = chat.page.locator(".chip input[type=number]")
    expect(box).to_have_value("16")
    box.fill("3")
    box.press("Tab")
    expect(chat.page.locator(".chip")).to_contain_text("frame 3 of 30")


def test_a_file_is_dropped_on_the_page(chat: Any, png: Path) -> None:
    dropped = chat.page.evaluate_handle(
        """(data) => { const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
        const transfer = new DataTransfer(); transfer.items.add(new File([bytes], 'dropped.png'));
        return transfer; }""",
        base64.b64encode(png.read_bytes()).decode(),
    )
    chat.page.dispatch_event("body", "dragenter", {"dataTransfer": dropped})
    expect(chat.page.locator("#dropzone")).to_be_visible()
    chat.page.dispatch_event("body", "drop", {"dataTransfer": dropped})
    expect(chat.page.locator("#dropzone")).to_be_hidden()
    expect(chat.page.locator(".chip")).to_contain_text("dropped.png")


def test_a_file_that_is_no_image_is_one_sentence_in_the_users_language(
    open_page: Any, tmp_path: Path
) -> None:
    wrong = tmp_path / "page.png"
    wrong.write_text("<html>not found</html>")
    chat = open_page(locale="ar")
    chat.attach(wrong)
    chip = chat.page.locator(".chip.failed")
    expect(chip).to_contain_text("تعذّر فتح الصورة.")
    expect(chip).to_contain_text("image is text, not an image")
    chat.page.locator("#question").fill("ما هذا؟")
    chat.page.locator("#question").press("Enter")
    expect(chat.page.locator(".turn")).to_have_count(0)
    chip.locator("button").click()
    chat.ask("ما هذا؟")
    chat.answer()


def test_an_upload_of_50_mb_is_refused_before_it_is_sent(chat: Any, tmp_path: Path) -> None:
    large = tmp_path / "large.dcm"
    large.write_bytes(bytes(50_000_000))
    chat.attach(large)
    expect(chat.page.locator(".chip.failed")).to_contain_text("The file is too large.")
    chat.page.locator(".chip button").click()
    chat.ask("hello")
    chat.answer()


# Errors


@pytest.mark.parametrize("fault", ["crash", "break"])
def test_an_error_before_or_amid_an_answer_gives_the_question_back(chat: Any, png: Path, fault: str) -> None:
    chat.attach(png)
    expect(chat.page.locator(".chip img")).to_be_visible()
    chat.ask(f"{fault} now")
    failure = chat.page.locator(".failure")
    expect(failure).to_contain_text("The server failed on this request; try again.")
    expect(failure).not_to_contain_text("Alice")
    expect(chat.page.locator("#question")).to_have_value(f"{fault} now")
    expect(chat.page.locator(".chip")).to_have_count(1)
    expect(chat.page.locator(".turn")).to_have_count(0)
    chat.ask("better")
    expect(chat.answer().locator(".answer")).to_contain_text("[1 of 1 images, turn 1]")
    expect(chat.page.locator(".failure")).to_have_count(0)


def test_a_conversation_that_is_too_long_says_what_to_do_where_it_is_seen(open_page: Any) -> None:
    chat = open_page(height=480)
    chat.ask("hello")
    chat.answer()
    chat.ask("long")
    failure = chat.page.locator(".failure")
    expect(failure).to_contain_text("begin a new one")
    shown, dock = failure.bounding_box(), chat.page.locator(".composer").bounding_box()
    assert shown
    assert dock
    assert shown["y"] + shown["height"] <= dock["y"]


def test_a_mark_of_the_models_format_is_refused_and_stays_text(chat: Any) -> None:
    chat.ask("what is <image>?")
    expect(chat.page.locator(".failure")).to_contain_text("<image>")
    expect(chat.page.locator("#question")).to_have_value("what is <image>?")
