"""The pages in real Chromium, opened from the disk: filters, keys, both directions, no other host."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bimedix2 import evaluate
from bimedix2.errors import RunError
from bimedix2.evaluate import Config
from bimedix2.evaluate.sheets import shoot
from bimedix2.manifest import read_manifest

from .conftest import MakeScores, Scored

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000
"""Milliseconds; a machine that trains beside the tests is slow."""


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """``opened(path, fragment)``: a page of the disk; at the end it has asked no host and logged no error."""
    contexts = []
    asked: list[str] = []
    problems: list[str] = []

    def open_(path: Path, fragment: str = "", width: int = 1280, height: int = 900) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        context.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
        page.goto(f"{path.resolve().as_uri()}{fragment}")
        page.wait_for_load_state()
        return page

    yield open_
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert problems == []


@pytest.fixture(scope="module")
def page_folder(scored: Scored, tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = {
        "folders": [scored.one, scored.two],
        "names": ["one", "two"],
        "tasks": ["image_qa"],
        "each": 4,
    }
    output = tmp_path_factory.mktemp("browse") / "page"
    return evaluate.run(Config.model_validate({"output": output, "browse": settings}))


def count(page: Page, number: int) -> None:
    expect(page.locator("#count")).to_have_text(str(number))


def test_samples_stand_side_by_side_with_their_pictures_and_fonts(
    opened: Callable[..., Page], page_folder: Path
) -> None:
    page = opened(page_folder / "index.html")
    count(page, 6)
    expect(page.locator(".sample")).to_have_count(4)
    first = page.locator(".sample").nth(1)  # the Arabic radiograph
    expect(first.locator(".system h3 bdi").first).to_have_text("one")
    expect(first.locator(".system").nth(0)).to_have_class("system wrong")
    expect(first.locator(".system").nth(1)).to_have_class("system right")
    expect(first.locator(".said.reference p")).to_have_attribute("dir", "rtl")
    loaded = "all => Promise.all(all.map(i => (i.loading = 'eager', i.decode().then(() => i.naturalWidth))))"
    sizes = page.locator(".sample .pictures img").evaluate_all(loaded)
    assert len(sizes) == 4
    assert min(sizes) >= 200
    assert page.evaluate("document.fonts.ready.then(() => document.fonts.check('16px Plex', 'aس'))")
    assert page.evaluate("[...document.fonts].some(f => f.family.includes('Plex') && f.status === 'loaded')")


def test_an_answer_that_holds_html_is_shown_as_words(opened: Callable[..., Page], page_folder: Path) -> None:
    page = opened(page_folder / "index.html", "#search=onerror")
    count(page, 1)
    expect(page.locator(".system.wrong p").first).to_contain_text("<script>document.title=2</script>")
    assert page.locator(".system img, .system script").count() == 0
    assert page.title() not in ("1", "2")


def test_filters(opened: Callable[..., Page], page_folder: Path) -> None:
    page = opened(page_folder / "index.html")
    page.locator("#lang").select_option("ar")
    count(page, 2)
    page.locator("#lang").select_option("")
    page.locator("#result").select_option("wrong")
    count(page, 4)
    page.locator("#system").select_option("1")
    count(page, 1)
    page.locator("#clear").click()
    page.locator("#error").select_option("subtype")
    count(page, 1)
    expect(page.locator(".sample .id")).to_have_text("seen/6")
    page.locator("#clear").click()
    page.locator("#disagree").check()
    count(page, 4)
    page.locator("#type").select_option("plane")
    count(page, 1)
    page.locator("#clear").click()
    page.locator("#search").fill("مغنَاطيسى")  # marks and forms of a letter do not matter
    count(page, 1)
    page.locator("#search").fill("zzz")
    count(page, 0)
    expect(page.locator("#samples")).to_contain_text("No sample fits these filters.")


def test_keys(opened: Callable[..., Page], page_folder: Path) -> None:
    page = opened(page_folder / "index.html")
    count(page, 6)
    focused = "document.activeElement.querySelector('.id')?.textContent"
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate(focused) == "seen/2"
    page.keyboard.press("k")
    assert page.evaluate(focused) == "seen/1"
    page.keyboard.press("n")
    expect(page.locator("#at")).to_have_text("2/2")
    page.keyboard.press("p")
    expect(page.locator("#at")).to_have_text("1/2")
    for _ in range(5):  # over the page's end
        page.keyboard.press("j")
    expect(page.locator("#at")).to_have_text("2/2")
    page.keyboard.press("w")
    count(page, 4)
    page.keyboard.press("w")
    page.keyboard.press("d")
    count(page, 4)
    page.keyboard.press("/")
    page.keyboard.type("w")  # in the search it is a letter
    assert page.locator("#search").input_value() == "w"
    assert page.locator("#result").input_value() == ""


def test_arabic_turns_the_page_and_a_link_keeps_what_was_chosen(
    opened: Callable[..., Page], page_folder: Path
) -> None:
    page = opened(page_folder / "index.html")
    page.locator("#language").click()
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator(".brand .name")).to_have_text("العينات جنبًا إلى جنب")
    page.locator("#result").select_option("wrong")
    count(page, 4)
    # What is missing in the middle of an Arabic page must not push it sideways.
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    again = opened(page_folder / "index.html", page.evaluate("location.hash"))
    count(again, 4)
    expect(again.locator("html")).to_have_attribute("dir", "rtl")
    expect(again.locator("#result")).to_have_value("wrong")
    narrow = opened(page_folder / "index.html", "#language=ar", width=390)
    count(narrow, 6)
    assert narrow.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_five_thousand_samples(opened: Callable[..., Page], make_scores: MakeScores, tmp_path: Path) -> None:
    rows = [
        {"id": str(n), "task": "t", "question": f"السؤال {n}?", "answer": f"answer {n}", "right": n % 3 == 0,
         "reference": "x"} for n in range(5000)
    ]  # fmt: skip
    settings = {"folders": [make_scores(rows)], "data_class": "open"}
    folder = evaluate.run(Config.model_validate({"output": tmp_path / "page", "browse": settings}))
    page = opened(folder / "index.html")
    count(page, 5000)
    expect(page.locator("#at")).to_have_text("1/250")
    page.locator("#search").fill("answer 4321")
    count(page, 1)
    page.locator("#search").fill("")
    page.locator("#result").select_option("right")
    count(page, 1667)


def test_the_gallery_and_its_figures(
    opened: Callable[..., Page], scored: Scored, tmp_path: Path, chromium_path: str
) -> None:
    settings = {"folders": [scored.one], "names": ["one"], "tasks": ["image_qa"], "language": "ar"}
    folder = evaluate.run(Config.model_validate({"output": tmp_path / "errors", "errors": settings}))
    page = opened(folder / "gallery.html")
    expect(page.locator(".mistake")).to_have_count(3)
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    assert page.locator(".mistake img").evaluate_all("all => all.every(i => i.naturalWidth > 0)")
    figures = read_manifest(folder)["figures"]
    assert set(figures) == {"gallery-modality.png", "gallery-subtype.png", "gallery-language.png"}
    for name in figures:
        with Image.open(folder / name) as picture:
            assert picture.width == 2200
            assert 300 < picture.height < 2400
            assert len(picture.convert("L").getcolors()) > 20  # type: ignore[arg-type]


def test_a_conversation_as_a_figure(talks: Callable[..., Path], tmp_path: Path, chromium_path: str) -> None:
    records = talks()
    settings: dict[str, Any] = {"records": records, "twins": records, "ids": ["talk/1"]}
    folder = evaluate.run(Config.model_validate({"output": tmp_path / "c", "conversations": settings}))
    with Image.open(folder / "conversation-01.png") as picture:
        assert picture.width == 1800
        assert picture.height > 800
    assert read_manifest(folder)["figures"] == {"conversation-01.png": "made"}


def test_a_page_too_tall_for_a_picture_is_refused(
    tmp_path: Path, chromium_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "tall.html"
    page.write_text(
        '<body style="margin:0"><div style="height:900px;margin:0 9px;background:red"></div>',
        encoding="utf-8",
    )
    monkeypatch.setattr(shoot, "HEIGHTS", (300, 600))
    with pytest.raises(RunError, match="taller than 600 pixels"):
        shoot.photograph(page, tmp_path / "out.png", width=400, scale=1)
    monkeypatch.setattr(shoot, "HEIGHTS", (300, 1200))
    shoot.photograph(page, tmp_path / "out.png", width=400, scale=1)
    with Image.open(tmp_path / "out.png") as picture:
        assert 900 <= picture.height <= 940


def test_without_chromium_the_next_action_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shoot.chromium() is None
    with pytest.raises(RunError, match="apt-get install -y chromium"):
        shoot.photograph(tmp_path / "x.html", tmp_path / "x.png")
