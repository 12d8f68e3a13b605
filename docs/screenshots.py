"""Takes the pictures of these pages: `workbench demo --home HOME`, then `python docs/screenshots.py HOME`.

Every page of the sample project in docs/images, light, dark and as narrow as a telephone. Look at each of them.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

IMAGES = Path(__file__).parent / "images"
PAGES = {
    "projects": "/",
    "data": "/data?project=1",
    "import": "/data?project=1&tab=import",
    "statistics": "/data?project=1&tab=statistics",
    "classes": "/data?project=1&tab=classes",
    "roles": "/data?project=1&tab=roles",
    "revisions": "/data?project=1&tab=revisions",
    "train": "/train?project=1",
    "runs": "/runs?project=1",
    "run": "/runs?project=1&run=1",
    "evaluations": "/evaluate?project=1",
    "evaluation": "/evaluate?project=1&evaluation=2",
    "compare": "/evaluate?project=1&a=1&b=2",
    "use": "/use?project=1",
}
LOOKS = {"light": (1280, 900), "dark": (1280, 900), "narrow": (390, 844)}


def main() -> None:
    """Serve the home and take all pictures, or only those of the pages named."""
    home, *wanted = sys.argv[1:]
    IMAGES.mkdir(exist_ok=True)
    command = [sys.executable, "-P", "-m", "workbench.cli", "serve", "--port", "0", "--no-browser", "--json"]
    with subprocess.Popen([*command, "--home", home], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            chromium = shutil.which("chromium") or shutil.which("google-chrome")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
                for name in wanted or PAGES:
                    for look in LOOKS:
                        take(browser, url, name, look)
                browser.close()
        finally:
            server.terminate()


def take(browser: Browser, url: str, name: str, look: str) -> None:
    """Take one picture, in 128 colours: a page needs no more."""
    width, height = LOOKS[look]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if look == "dark" else "light"
    )
    page = context.new_page()
    page.goto(url)
    page.goto(url.split("?")[0].rstrip("/") + PAGES[name])
    expect(page.locator(".wb-mount *").filter(visible=True).first).to_be_visible(timeout=60_000)
    expect(page.get_by_text("being described")).to_have_count(0, timeout=120_000)  # what networks cost, the first time
    page.wait_for_timeout(4000)  # pictures arrive one by one, and none of them is waited for by name
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(128, dither=Image.Dither.NONE).save(IMAGES / f"{name}-{look}.png", optimize=True)
    context.close()


if __name__ == "__main__":
    main()
