"""A fixed answer on the chat page: labelled with its rule, in both languages, and never as the model's."""

from pathlib import Path
from typing import Any

from playwright.sync_api import expect

DOSE = "How many milligrams of ibuprofen should my son take?"


def test_a_fixed_answer_is_labelled_and_the_conversation_goes_on(chat: Any, service: Any, png: Path) -> None:
    chat.attach(png)
    expect(chat.page.locator(".chip img")).to_be_visible()
    chat.ask(DOSE)
    view = chat.answer()
    expect(view.locator(".answer")).to_contain_text("A research model cannot set a dose")
    expect(view.locator(".by")).to_have_text(
        "Fixed answer of the safeguard “dose”; the model did not write it."
    )
    expect(view).not_to_contain_text(service.backend.name)
    expect(view.locator(".again")).to_have_count(0)
    expect(chat.page.locator("#status")).to_contain_text("the model did not write it")
    expect(chat.page.locator("#model")).to_have_text(service.backend.name)
    assert service.backend.requests == []
    chat.ask("What is a radiograph?")
    second = chat.answer(1)
    expect(second.locator(".answer")).to_contain_text("turn 3")
    expect(second.locator(".by")).to_have_text(service.backend.name)
    assert [m.role for m in service.backend.requests[0].messages] == ["user", "assistant", "user"]
    assert service.backend.requests[0].messages[0].images


def test_the_label_is_arabic_on_the_arabic_page_and_follows_the_switch(open_page: Any) -> None:
    chat = open_page(locale="ar", width=360)
    chat.ask("أريد أن أنهي حياتي الليلة.")
    view = chat.answer()
    expect(view.locator(".answer > p")).to_have_attribute("dir", "rtl")
    expect(view.locator(".answer")).to_contain_text("لست وحدك")
    expect(view.locator(".by")).to_have_text("إجابة ثابتة من قاعدة الأمان «إيذاء النفس»، ولم يكتبها النموذج.")
    assert chat.sideways() <= 0
    chat.page.locator("#language").click()
    expect(view.locator(".by")).to_contain_text("Fixed answer of the safeguard “self-harm”")


def test_a_new_answer_to_an_earlier_question_is_the_models_again(chat: Any, service: Any) -> None:
    chat.ask("My father is unconscious and is not breathing!")
    expect(chat.answer().locator(".by")).to_contain_text("“emergency”")
    chat.ask("hello")
    chat.answer(1).locator(".again").click()
    expect(chat.answer(1).locator(".by")).to_have_text(service.backend.name)
    expect(chat.answer().locator(".by")).to_contain_text("“emergency”")
