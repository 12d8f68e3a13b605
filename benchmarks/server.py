"""The server as its users meet it: `workbench serve` in a process of its own, real HTTP, a real Chromium.

    python -m benchmarks.server [NAME ...] [--images 10000] [--minutes 10]

No photo and no network is needed: photos and class maps of 480x360 are generated, and the demo's project beside them.
Prints one JSON line each; the names choose among them:

* **start**: from the start of the process to the first page answered, the median of three; beside it a Gradio app of
  two text fields.
* **first_page**: from the address to its first content, in a browser that has nothing and in one that was here
  before, with the bytes that came, the median of three; and right after the start, while the server still loads torch
  in the background; beside it the same app.
* **gallery**: a page of the images over HTTP, and in the browser the time until captions, photos and labels of all
  tiles stand after a jump to a place never seen before (thumbnails are made) and again in a fresh browser; beside it
  gr.Gallery with the same photos, without labels.
* **tabs**: what part of a core the server takes while eight tabs, all in sight, watch a run. The run's events are
  appended by a small process, a step a second on top of an hour, as a trainer does; nothing is trained meanwhile.
* **callers**: fifty clients that ask without a pause for pages of the gallery, photos and class maps; beside it the
  photos by Gradio's own route.
* **memory**: of the server's process while a visitor goes through all pages, again and again: at rest, once around
  (what is loaded on first use is loaded then), each minute, and in the end.

Memory and shares of a core are read from /proc: Linux only.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.server_browser import GRID_STANDS, PEER_STANDS, first_content, jump, launch, stands, visit_all
from benchmarks.server_calls import Address, Caller, call_at_once
from benchmarks.server_home import Contents, make_home
from benchmarks.server_process import Process, going_on, peer, serve

ROUNDS, JUMPS, TABS, CALLERS = 3, 20, 8, 50
WATCHED_SECONDS, CALLED_SECONDS, PEER_PATIENCE = 30.0, 8.0, 300.0
PAGE = 100  # images of a page, as the browser asks for them
HELLO = "textarea, input[type=text]"


def main() -> None:
    """Measure what was asked for and print the lines."""
    measures: dict[str, Callable[..., None]] = {
        "start": start,
        "first_page": first_page,
        "gallery": gallery,
        "tabs": tabs,
        "callers": callers,
        "memory": memory,
    }
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(measures)} (default: all)")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=10.0, help="of going through the pages")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(measures):
        parser.error(f"no {', '.join(sorted(unknown))}; there are {', '.join(measures)}")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder) / "home"
        contents = make_home(home, arguments.images)
        browser = launch(playwright)
        for name, measure in measures.items():
            if not arguments.names or name in arguments.names:
                more = {"minutes": arguments.minutes} if name == "memory" else {}
                measure(home, contents, browser, **more)
        browser.close()


def start(home: Path, contents: Contents, browser: Browser) -> None:
    """From the start of the process to the first page."""
    ours, theirs = [], []
    for _ in range(ROUNDS):
        with serve(home) as server:
            ours.append(server.started_after)
        with peer("hello") as other:
            theirs.append(other.started_after)
    _say("start", seconds=round(median(ours), 2), gradio_hello_seconds=round(median(theirs), 2))


def first_page(home: Path, contents: Contents, browser: Browser) -> None:
    """From the address to the first content."""
    with serve(home) as server:
        early = first_content(browser, server, "/", ".wb-card h2")["cold_content_ms"]
        server.settle()
        ours = [first_content(browser, server, "/", ".wb-card h2") for _ in range(ROUNDS)]
    with peer("hello") as other:
        theirs = [first_content(browser, other, "/", HELLO) for _ in range(ROUNDS)]
    line = {name: round(median(each[name] for each in ours), 1) for name in ours[0]}
    _say(
        "first_page",
        right_after_start_ms=round(early),
        **line,
        **{f"gradio_hello_{name}": round(median(e[name] for e in theirs), 1) for name in line},
    )


def gallery(home: Path, contents: Contents, browser: Browser) -> None:
    """Pages of the gallery, over HTTP and as one sees them."""
    count = len(contents.photos)
    places = random.Random(0).sample(range(PAGE, count - PAGE), JUMPS)
    address = f"/data?project={contents.gallery}"
    with serve(home) as server:
        server.settle()
        caller = Caller(server)
        page_url = f"/api/projects/{contents.gallery}/gallery?limit={PAGE}&offset="
        caller.get(f"{page_url}0")
        pages = [caller.get(f"{page_url}{place}") for place in places]
        first, seen = _jumps(browser, server, address, places, count)
        _, again = _jumps(browser, server, address, places, count)
    line = {"images": count, **_milliseconds("page", pages), "opened_ms": round(first, 0)}
    line |= {**_milliseconds("jump", seen), **_milliseconds("jump_again", again)}
    with tempfile.TemporaryDirectory() as folder:
        for number, photo in enumerate(contents.photos):
            (Path(folder) / f"{number:06}.jpg").hardlink_to(photo)
        with peer("gallery", folder, patience=PEER_PATIENCE) as other:
            first, seen = _jumps(browser, other, "/", places, count, theirs=True)
            line |= {"gr_gallery_started_s": round(other.started_after, 1), "gr_gallery_opened_ms": round(first, 0)}
            line |= _milliseconds("gr_gallery_jump", seen)
    _say("gallery", **line)


def _jumps(
    browser: Browser, server: Process, address: str, places: list[int], count: int, *, theirs: bool = False
) -> tuple[float, list[float]]:
    """Open a gallery as a fresh visitor and jump to places in it; return ms until each stood."""
    condition = PEER_STANDS if theirs else GRID_STANDS
    with server.visit(browser) as page:
        page.set_default_timeout(1000 * PEER_PATIENCE)
        begun = time.perf_counter()
        page.goto(server.origin + address, wait_until="commit")
        stands(page, condition)
        opened = 1000 * (time.perf_counter() - begun)
        return opened, [jump(page, condition, place / count) / 1000 for place in places]


def tabs(home: Path, contents: Contents, browser: Browser) -> None:
    """What watching a run costs."""
    address = f"/runs?project={contents.demo}&run={contents.run}"
    with serve(home) as server, going_on(contents.run_directory), server.visit(browser) as first:
        server.settle()
        pages: list[Page] = [first, *(first.context.new_page() for _ in range(TABS - 1))]
        shares = {}
        for count, fresh in ((1, pages[:1]), (TABS, pages[1:])):
            for page in fresh:
                page.goto(server.origin + address)
                page.locator("#wb-run-figures").wait_for(timeout=60_000)
            time.sleep(3)
            shares[count] = server.share_of_a_core(WATCHED_SECONDS)
        shown = pages[-1].locator("#wb-run-figures").inner_text()
    if "/ 100,000" not in shown:
        sys.exit(f"The tabs do not show the run: {shown}")
    _say("tabs", tabs=TABS, core_percent=round(100 * shares[TABS], 1), one_tab_core_percent=round(100 * shares[1], 1))


def callers(home: Path, contents: Contents, browser: Browser) -> None:
    """Many who ask at once."""
    root, count = f"/api/projects/{contents.gallery}", len(contents.photos)

    def of_page(draw: random.Random) -> str:
        return f"{root}/gallery?limit={PAGE}&offset={draw.randrange(count)}"

    def of_picture(kind: str, draw: random.Random) -> str:
        number = draw.randrange(1, 1000)
        return f"{root}/images/{number + (number % 10 == 0)}/{kind}?size=256"  # the tenth has no labels

    asked: dict[str, Address] = {
        "pages": of_page,
        "photos": partial(of_picture, "photo"),
        "maps": partial(of_picture, "map"),
    }
    with serve(home) as server:
        server.settle()
        for name in ("photos", "maps"):  # thumbnails are made once
            call_at_once(server, asked[name], CALLERS, CALLED_SECONDS)
        for name, address in asked.items():
            _say(f"callers/{name}", **call_at_once(server, address, CALLERS, CALLED_SECONDS))
        everything = list(asked.values())
        _say("callers/mixed", **call_at_once(server, lambda d: d.choice(everything)(d), CALLERS, CALLED_SECONDS))
    with tempfile.TemporaryDirectory() as folder:
        for number, photo in enumerate(contents.photos[:1000]):
            (Path(folder) / f"{number:06}.jpg").hardlink_to(photo)
        with peer("gallery", folder, patience=PEER_PATIENCE) as other:

            def of_file(draw: random.Random) -> str:
                return f"/gradio_api/file={folder}/{draw.randrange(1000):06}.jpg"

            _say("callers/gradio_photos", **call_at_once(other, of_file, CALLERS, CALLED_SECONDS))


def memory(home: Path, contents: Contents, browser: Browser, minutes: float) -> None:
    """What the server keeps."""
    with serve(home) as server, server.visit(browser) as page:
        page.goto(server.origin)
        page.locator(".wb-card h2").first.wait_for()
        server.settle()
        line: dict[str, Any] = {"start_mib": server.memory_mib()}
        visit_all(page, server.origin, contents, 0)
        line["once_around_mib"] = server.memory_mib()
        kept: list[int] = []
        begun, rounds = time.monotonic(), 1
        while time.monotonic() < begun + 60 * minutes:
            visit_all(page, server.origin, contents, rounds)
            rounds += 1
            if time.monotonic() > begun + 60 * (len(kept) + 1):
                kept.append(server.memory_mib())
        line |= {"each_minute_mib": kept, "end_mib": server.memory_mib()}
    _say("memory", minutes=minutes, rounds=rounds, **line)


def _milliseconds(name: str, seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        f"{name}_p50_ms": round(1000 * median(ordered), 1),
        f"{name}_p95_ms": round(1000 * ordered[len(ordered) * 95 // 100], 1),
    }


def _say(name: str, **figures: Any) -> None:
    print(json.dumps({"benchmark": f"server/{name}", **figures}), flush=True)


if __name__ == "__main__":
    main()
