"""The review pages in real Chromium; no request may leave this host and the browser may log no error."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
REFUSED = "Failed to load resource"
"""Chromium's own line for an answer of 4xx, which a test may cause on purpose."""


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def sign_in(browser: Browser) -> Iterator[Callable[..., Page]]:
    """``sign_in(site, "amal", locale="ar")``: the first page after signing in, in a fresh profile."""
    contexts = []
    own: set[str] = set()
    asked: set[str] = set()
    problems: list[str] = []

    def opened(site: Any, name: str, *, locale: str = "en-US", width: int = 1360, height: int = 900) -> Page:
        context = browser.new_context(locale=locale, viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        context.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        own.add(urlsplit(site.address).netloc)
        page.goto(site.address)
        page.locator("#name").fill(name)
        page.locator("#password").fill(site.passwords[name])
        page.keyboard.press("Enter")
        page.locator("#main").wait_for()
        page.wait_for_load_state()  # with its script
        return page

    yield opened
    for context in contexts:
        context.close()
    assert asked - {""} == own, "a request left this host"
    assert [said for said in problems if not said.startswith(REFUSED)] == []
