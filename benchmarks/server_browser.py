"""What is measured in the browser: first content, tiles that stand, and a way through all pages."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any

from playwright.sync_api import Browser, Page, Playwright

from benchmarks.server_home import Contents
from benchmarks.server_process import Process

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SETTLE_SECONDS = 1.5  # what still loads once the first content is there counts among the bytes

# Functions of (what scrolls) that tell whether all tiles in sight have their caption and pictures.
GRID_STANDS = """{
  grid: () => document.querySelector(".wb-grid"),
  tiles: (grid) => [...grid.querySelectorAll(".wb-tile")],
  stands: (tile) => {
    const photo = tile.querySelector("img");
    const bare = tile.querySelector(".wb-badge").textContent === "no labels";
    return tile.querySelector(".wb-caption").textContent && photo.complete && photo.naturalWidth
      && (bare || !tile.querySelector("canvas").hidden);
  },
}"""
PEER_STANDS = """{
  grid: () => document.querySelector(".grid-wrap"),
  tiles: (grid) => [...grid.querySelectorAll("button.thumbnail-item")],
  stands: (tile) => { const photo = tile.querySelector("img"); return photo && photo.complete && photo.naturalWidth; },
}"""
_STANDS = """(far) => new Promise((resolve) => {
  const { grid: find, tiles, stands } = %s;
  const begun = performance.now();
  if (far !== null) find().scrollTop = far * find().scrollHeight;
  const look = () => {
    const grid = find();
    if (grid && all(grid)) resolve(performance.now() - begun);
    else requestAnimationFrame(look);
  };
  const all = (grid) => {
    const view = grid.getBoundingClientRect();
    const bottom = Math.min(view.bottom, innerHeight);
    const seen = tiles(grid).filter((tile) => {
      const box = tile.getBoundingClientRect();
      return box.bottom > view.top && box.top < bottom;
    });
    return seen.length > 0 && seen.every(stands);
  };
  requestAnimationFrame(look);
})"""


def launch(playwright: Playwright) -> Browser:
    """Start the system's Chromium, or leave."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        sys.exit("Chromium is needed, found none; `make browser` installs it.")
    return playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])


def first_content(browser: Browser, server: Process, path: str, content: str) -> dict[str, float]:
    """Open a page twice as a fresh visitor; return ms to its first paint and to its content, and kilobytes."""
    found: dict[str, float] = {}
    with server.visit(browser) as page:
        received = _count_bytes(page)
        for visit in ("cold", "warm"):
            received.clear()
            begun = time.perf_counter()
            page.goto(server.origin + path, wait_until="commit")
            page.locator(content).first.wait_for()
            found[f"{visit}_content_ms"] = 1000 * (time.perf_counter() - begun)
            found[f"{visit}_paint_ms"] = page.evaluate(
                "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            )
            page.wait_for_timeout(1000 * SETTLE_SECONDS)
            found[f"{visit}_kb"] = sum(received) / 1000
    return found


def _count_bytes(page: Page) -> list[float]:
    """Return a list that every answer's bytes come into as they were sent."""
    received: list[float] = []

    def count(event: dict[str, Any]) -> None:
        received.append(event["encodedDataLength"])

    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.on("Network.loadingFinished", count)
    return received


def stands(page: Page, condition: str) -> float:
    """Wait until all tiles in sight stand; return the ms that took."""
    return float(page.evaluate(_STANDS % condition, None))


def jump(page: Page, condition: str, far: float) -> float:
    """Scroll to a fraction of a gallery; return ms until all tiles in sight stand."""
    return float(page.evaluate(_STANDS % condition, far))


def visit_all(page: Page, origin: str, contents: Contents, turn: int) -> None:
    """Go through all pages as a visitor does: look, scroll, open one image large, choose a cell, try a model."""
    page.goto(origin)
    page.locator(".wb-card h2").first.wait_for()
    page.goto(f"{origin}/data?project={contents.gallery}")
    stands(page, GRID_STANDS)
    for far in (0.1, 0.37, 0.71):
        jump(page, GRID_STANDS, (far + turn * 0.0173) % 1)
    page.locator(".wb-tile").first.click()
    page.get_by_role("dialog", name="Image").wait_for()
    page.keyboard.press("Escape")
    for tab, content in (("Statistics", "table"), ("Classes", "input"), ("Roles and lists", "table")):
        page.get_by_role("tab", name=tab).click()
        page.get_by_role("tabpanel").locator(f"{content}:visible").first.wait_for()
    page.goto(f"{origin}/data?project={contents.demo}&tab=revisions")
    page.locator("#wb-data-revision-list table").first.wait_for()
    page.goto(f"{origin}/data?project={contents.demo}&tab=import")
    page.get_by_text("Drop photos with their labels here").wait_for()
    page.goto(f"{origin}/train?project={contents.demo}")
    page.locator(".wb-arch").first.wait_for(timeout=60_000)
    page.goto(f"{origin}/runs?project={contents.demo}")
    page.get_by_role("link", name="going on").wait_for()
    page.goto(f"{origin}/runs?project={contents.demo}&run={contents.run}")
    page.locator("#wb-run-figures").wait_for()
    page.goto(f"{origin}/evaluate?project={contents.demo}&evaluation={contents.evaluation}")
    page.get_by_test_id("cell-0-0").click()
    page.get_by_test_id("chip-cell").wait_for()
    page.goto(f"{origin}/use?project={contents.demo}")
    photo = contents.photos[turn % len(contents.photos)]
    page.locator("#wb-use-drop-files").set_input_files(
        {"name": f"{turn}.jpg", "mimeType": "image/jpeg", "buffer": photo.read_bytes()}
    )
    page.locator('[data-state="done"]').first.wait_for(timeout=60_000)
