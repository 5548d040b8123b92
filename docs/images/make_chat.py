"""Make docs/images/chat.png: the chat page in Chromium, with the model's own answers.

    python docs/images/make_chat.py [model=nano] [out=docs/images/chat.png]

The page's first Arabic example is asked as a person would, then a question in English about the same picture.
The server is started as a user starts it; nothing on the picture is written by hand.
"""

import re
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
SIZE = {"width": 1120, "height": 860}
MAX_BYTES = 300_000


def talk(page: Page, address: str) -> None:
    """Ask the first Arabic example and, in the same conversation, an English question on the same picture."""
    page.goto(address)
    page.locator(".example:has([lang=ar])").first.click()
    expect(page.locator(".signature")).to_have_count(1, timeout=300_000)
    page.locator("#question").fill("Is this a brain MRI?")
    page.locator("#question").press("Enter")
    expect(page.locator(".signature")).to_have_count(2, timeout=300_000)
    page.locator("body").evaluate("() => { document.activeElement.blur(); window.scrollTo(0, 0); }")


def photograph(address: str) -> bytes:
    """Return the page as a PNG of few colours."""
    chromium = shutil.which("chromium")
    if not chromium:
        raise SystemExit("error: Chromium is not here; run: apt-get install -y chromium fonts-noto-core")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport=SIZE, locale="en-US", device_scale_factor=1.5)
        talk(page, address)
        picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
        browser.close()
    buffer = BytesIO()
    picture.quantize(128, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def main() -> None:
    """Start, ask, photograph, write."""
    options = dict(argument.split("=", 1) for argument in sys.argv[1:])
    out = Path(options.get("out", Path(__file__).with_name("chat.png")))
    command = [sys.executable, "-m", "bimedix2", "serve", "port=0", f"model={options.get('model', 'nano')}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = re.findall(r"http://\S+(?=;)", server.stdout.readline())[0]
            data = photograph(address)
        finally:
            server.terminate()
    if len(data) > MAX_BYTES:
        raise SystemExit(f"error: the picture has {len(data)} bytes, over {MAX_BYTES}; lower SIZE")
    out.write_bytes(data)
    print(f"{out}: {len(data)} bytes")


if __name__ == "__main__":
    main()
