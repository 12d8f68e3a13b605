"""The gallery of an evaluation as its users meet it: ten thousand images, `workbench serve`, a real Chromium.

    python -m benchmarks.evaluation_tiles [--images 10000]

No photo and no network is needed: photos, class maps and predictions of 480x360 are generated. Prints one JSON line
each, all in milliseconds, the median and 95 %:

* **page**: a page of 100 over HTTP, in every order, by class, by cell and by a range of scores, the first of each left
  out; and `first_ms`, with all files read and all scores computed.
* **tiles**: from a jump to a place in the gallery until captions, photos and overlays of all tiles in sight stand, at
  places never seen before (thumbnails are made), and again in a fresh browser (they are there); by prediction, and by
  the lit pixels of a cell of the confusion matrix.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import select

from benchmarks.evaluation_gallery import generate
from benchmarks.gallery import CLASSES, SHOWN
from benchmarks.server_browser import GRID_STANDS, jump, launch, stands
from benchmarks.server_calls import Caller
from benchmarks.server_home import HEIGHT, WIDTH, make_gallery
from benchmarks.server_process import Process, serve
from db.home import Home
from db.schema import Image, Rendering
from db.session import Database, open_database
from labeling.maps import write_map_png
from training.evaluation.report import register, report
from training.evaluation.store import CONFIDENCE, INDEX, EvaluatedImage, map_name

JUMPS, PAGES, PAGE, VARIANTS = 20, 10, 100, 64
ORDERS = (
    *("sort=miou", "sort=-miou", "sort=path", "sort=class:class 3", "class=class 3", "cell=1,2"),
    *("cell=3,3&sort=-miou", "min_score=0.3&max_score=0.9"),
)


def main() -> None:
    """Measure and print the lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    images = parser.parse_args().images
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Home(Path(folder) / "home")
        database = open_database(home)
        make_gallery(home, database, images * 10 // 9 + 1)  # nine of ten are labelled
        number = evaluate(home, database, images)
        browser = launch(playwright)
        with serve(home.path) as server:
            server.settle()
            pages(server, number, images)
            for kind, query in (("prediction", ""), ("cell", "&cell=1,2")):
                for turn in ("made", "again"):
                    tiles(browser, server, f"{kind}, {turn}", f"/evaluate?project=1&evaluation={number}{query}")
        browser.close()


def evaluate(home: Home, database: Database, count: int) -> int:
    """Write an evaluation of the labelled images of the project; return its number."""
    query = select(Image.path, Image.sha256, Rendering.pixels_sha256).join(
        Rendering, Rendering.version_id == Image.head_id
    )
    with database.read() as session:
        rows = session.execute(query.order_by(Image.id).limit(count)).all()
    images = [
        EvaluatedImage(path=path, image_sha256=photo, map_sha256=truth, height=HEIGHT, width=WIDTH)
        for path, photo, truth in rows
    ]
    directory = generate(home.evaluations, images, CLASSES, partial(put_predictions, count=len(images)))
    return register(database, report(directory, 0), None)


def put_predictions(directory: Path, count: int) -> None:
    """Write predicted maps of blocks, some that are different and links to them."""
    for folder in (INDEX, CONFIDENCE):
        (directory / folder).mkdir()
    for number in range(count):
        if number >= VARIANTS:
            for folder in (INDEX, CONFIDENCE):
                os.link(directory / folder / map_name(number % VARIANTS), directory / folder / map_name(number))
            continue
        rng = np.random.default_rng(number)
        blocks = rng.integers(0, SHOWN, (12, 16), np.uint8).repeat(HEIGHT // 12, 0).repeat(WIDTH // 16, 1)
        (directory / INDEX / map_name(number)).write_bytes(write_map_png(blocks))
        sure = rng.integers(100, 256, (HEIGHT, WIDTH), np.uint8)
        (directory / CONFIDENCE / map_name(number)).write_bytes(write_map_png(sure))


def pages(server: Process, number: int, count: int) -> None:
    """Pages over HTTP."""
    caller, draw = Caller(server), random.Random(0)
    root = f"/api/evaluations/{number}/gallery?limit={PAGE}"
    first = caller.get(root)
    times = []
    for order in ORDERS:
        asked = f"{root}&{order.replace(' ', '%20')}&offset="
        caller.get(f"{asked}0")
        times += [caller.get(f"{asked}{draw.randrange(count)}") for _ in range(PAGES)]
    say("page", times, images=count, first_ms=round(1000 * first, 1))


def tiles(browser: Browser, server: Process, kind: str, address: str) -> None:
    """Tiles as one sees them."""
    places = random.Random(kind.partition(",")[0]).sample(range(100), JUMPS)
    with server.visit(browser) as page:
        page.set_default_timeout(60_000)
        page.goto(server.origin + address)
        page.locator(".wb-tile").first.wait_for()
        page.locator("#wb-evaluate-gallery").scroll_into_view_if_needed()
        stands(page, GRID_STANDS)
        say(f"tiles: {kind}", [jump(page, GRID_STANDS, place / 100) / 1000 for place in places])


def say(name: str, seconds: list[float], **more: float) -> None:
    """Print a line."""
    tail = float(np.percentile(seconds, 95))
    line = {"measure": name, **more, "median_ms": round(1000 * median(seconds), 1), "p95_ms": round(1000 * tail, 1)}
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
