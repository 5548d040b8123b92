"""The chat page in real Chromium.

Every test also asserts that no request left this host and that the browser logged no error (``open_page``).
"""

from collections.abc import Callable, Iterator
from importlib.resources import files
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


class Chat:
    """The page as a person uses it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def ask(self, text: str) -> None:
        """Type a question and press Enter, once the script is there that hears it."""
        self.page.wait_for_load_state()
        self.page.locator("#question").fill(text)
        self.page.locator("#question").press("Enter")

    def attach(self, *paths: Path) -> None:
        """Choose files."""
        self.page.locator("#file").set_input_files([str(path) for path in paths])

    def answer(self, number: int = 0) -> Any:
        """The finished answer of that number."""
        view = self.page.locator(".turn.assistant").nth(number)
        expect(view.locator(".signature")).to_be_visible()
        return view

    def sideways(self) -> int:
        """Pixels by which the page is wider than the screen."""
        wide = "() => document.documentElement.scrollWidth - window.innerWidth"
        return int(self.page.evaluate(wide))


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser, service: Any) -> Iterator[Callable[..., Chat]]:
    """``open_page(locale="ar", width=360)``: the chat page in a fresh profile; ``at``: of another server."""
    contexts = []
    own: set[str] = set()
    asked: set[str] = set()
    problems: list[str] = []

    def opened(
        path: str = "/",
        *,
        at: str = service.address,
        locale: str = "en-US",
        width: int = 1280,
        height: int = 800,
    ) -> Chat:
        context = browser.new_context(locale=locale, viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        context.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        own.add(urlsplit(at).netloc)
        page.goto(at + path)
        return Chat(page)

    yield opened
    for context in contexts:
        context.close()
    assert asked - {""} == own, "a request left this host"
    assert [said for said in problems if not said.startswith(REFUSED)] == []


@pytest.fixture
def chat(open_page: Callable[..., Chat]) -> Chat:
    """The page in English on a wide screen."""
    return open_page()


@pytest.fixture
def png(tmp_path: Path) -> Path:
    """A picture with a patient's name in its file's name."""
    path = tmp_path / "Alice Smith.png"
    Image.new("RGB", (120, 90), (90, 120, 150)).save(path)
    return path


@pytest.fixture
def scan() -> Callable[[str], Path]:
    """``scan("CT_small")``: a DICOM file of pydicom."""
    return lambda name: Path(str(files("pydicom") / "data" / "test_files" / f"{name}.dcm"))
