"""A real server on a real home, and a real browser on it. One of each for all tests here."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from db.home import Home
from tests.support.cli import TINY, Workbench
from workbench.demo.sample import write_sample

PATIENCE = 180_000  # ms
"""A page takes seconds where other tests run beside it, and a task that loads torch a minute; what is wrong is wrong
after this, too."""
expect.set_options(timeout=PATIENCE)

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
STEPS = 8
# What is refused (400) is said on the page; Chromium notes it besides.
REFUSED = "Failed to load resource: the server responded with a status of 400"
BROKEN = "Failed to load resource: net::ERR_CONNECTION_RESET"
LEFT = ("AbortError: signal is aborted", "Unexpected error Connection errored out.")
"""What Gradio says of its streams when a page is left while one is open."""

_described: list[Path] = []
"""Where each server so far keeps its cards of architectures: describing them takes seconds, and the next has them."""


@dataclass(frozen=True)
class Served:
    """A workbench behind its server.

    Attributes:
        workbench: the same home by its command line.
        url: of the first page, with the token.
        origin: scheme, host and port.
        photos: two labelled folders, `day` (imported) and `dusk` (not yet).
    """

    workbench: Workbench
    url: str
    origin: str
    photos: Path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep all tests of the browser in one process, where they share server and browser."""
    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group("e2e"))


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A project `campus`: twelve photos by day with roles, a revision, a trained run, its evaluation on val."""
    folder = tmp_path_factory.mktemp("served")
    photos = folder / "photos"
    write_sample(photos / "day", "day", 12, seed=0)
    write_sample(photos / "dusk", "dusk", 4, seed=0)
    workbench = Workbench(folder)
    workbench.ask("import", "labelme", photos / "day", "--project", "campus", "--dataset", "day")
    workbench.ask("roles", "--dataset", "day", "--val", "0.34")
    workbench.ask("freeze")
    workbench.ask("train", *TINY, "--steps", STEPS, "--set", "validation.every_steps=4", "--name", "first")
    workbench.ask("evaluate", 1, "--dataset", "day", "--on", "val")
    with serving(workbench) as (url, origin):
        yield Served(workbench, url, origin, photos)


@contextmanager
def serving(workbench: Workbench) -> Iterator[tuple[str, str]]:
    """Serve a workbench; yield the address of the first page, with the token, and the origin.

    The tests fail where the server met an error that it did not expect.
    """
    cards = Home(workbench.folder / "home").cards
    cards.mkdir(parents=True, exist_ok=True)
    for card in _described[0].glob("*.json") if _described else ():
        shutil.copy(card, cards)
    _described.append(cards)
    said, log = workbench.folder / "server.out", workbench.folder / "server.log"
    options = ("--port", 0, "--no-browser", "--json", "--import-root", workbench.folder)
    server = workbench.fork("serve", *options, out=said, err=log)
    try:
        while not (said.exists() and said.read_text().endswith("\n")):
            assert server.is_alive(), log.read_text()
            time.sleep(0.05)
        answer = json.loads(said.read_text())
        assert "url" in answer, (answer, log.read_text())
        url = answer["url"]
        parts = urlsplit(url)
        yield url, f"{parts.scheme}://{parts.netloc}"
    finally:
        assert server.pid is not None
        os.kill(server.pid, signal.SIGINT)
        server.join(20)
        server.kill()
    errors = log.read_text(encoding="utf-8", errors="replace")
    assert "Traceback" not in errors, errors


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium of the system, headless."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail("These tests need Chromium; `make browser` installs it (Debian, Ubuntu: apt-get install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def page(served: Served, browser: Browser) -> Iterator[Page]:
    """A fresh visitor who has opened the address with the token; see `visiting`."""
    with visiting(browser, served.url, served.origin) as page:
        yield page


@contextmanager
def visiting(browser: Browser, url: str, origin: str, *, broken: bool = False) -> Iterator[Page]:
    """Open a page as a fresh visitor.

    The test fails where the browser met an error in a script, or where a page asked for anything beyond this computer.
    With `broken` the test breaks connections itself, of which Chromium says a line.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 900}, permissions=["clipboard-write"])
    context.set_default_timeout(PATIENCE)
    faults: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: faults.append(f"script: {error.stack or error}"))
    page.on(
        "console",
        lambda line: faults.append(f"console: {line.text} {line.location['url']}") if is_fault(line, broken) else None,
    )
    page.on(
        "request",
        lambda request: faults.append(f"outside: {request.url}") if is_outside(request.url, origin) else None,
    )
    page.goto(url)
    yield page
    context.close()
    assert not faults


def drag(page: Page, selector: str, path: Path) -> None:
    """Drag a file or folder of the disk into the page, as a file manager would."""
    area = page.locator(selector).bounding_box()
    assert area is not None
    place = {"x": area["x"] + 20, "y": area["y"] + 20}
    session = page.context.new_cdp_session(page)
    for step in ("dragEnter", "dragOver", "drop"):
        dragged = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        session.send("Input.dispatchDragEvent", {"type": step, "data": dragged, **place})


def is_fault(line: ConsoleMessage, broken: bool = False) -> bool:
    """Tell whether a line of the console says that something went wrong; a stream cut by leaving the page did not."""
    harmless = (REFUSED, *LEFT, *([BROKEN] if broken else []))
    return line.type == "error" and not line.text.startswith(harmless)


def is_outside(url: str, origin: str) -> bool:
    """Tell whether a request leaves the server."""
    return not url.startswith((origin, "data:", "blob:"))
