"""The whole way in a browser, as a newcomer goes it: from dropped photos to tested weights on one's own disk.

Beside it the same choices by the command line, in a home of its own: both ends must be one.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from db.errors import NotFoundError
from db.home import Home
from db.session import open_database
from db.store import Store
from labeling.manifest import Manifest, load_manifest
from tests.e2e.conftest import PATIENCE, drag, serving, visiting
from tests.support.cli import Workbench
from training.runs.files import events_of
from training.runs.lifecycle import get_run
from workbench.demo.sample import write_sample

STEPS = 120
SETTINGS = {"options.width": "8", "options.levels": "3"}


def test_from_a_dropped_folder_to_weights_on_disk(browser: Browser, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    write_sample(photos / "noon", "day", 8, seed=0)
    write_sample(photos / "evening", "dusk", 4, seed=0)
    workbench, theirs = Workbench(tmp_path), Workbench(tmp_path / "terminal")
    theirs.folder.mkdir()

    with serving(workbench) as (url, origin), visiting(browser, url, origin) as page:
        create_project(page)
        import_photos(page, photos)
        deal_roles(page)
        revision = freeze(page)
        command = train(page, workbench)
        cell = evaluate(page, workbench)
        weights = export(page, tmp_path)

    theirs.ask("import", "labelme", photos, "--project", "campus", "--map", "person=")
    theirs.ask("roles", "--dataset", "photos", "--val", "0.25")
    assert theirs.ask("freeze")["revision"].startswith(revision)
    theirs.ask(*command)
    ours = measured(workbench)
    # The precision is chosen by the clock where nobody does, and figures depend on it a little.
    theirs.ask("evaluate", "1:best", "--dataset", "photos", "--on", "val", "--precision", ours["computed_in"])
    assert manifest(workbench) == manifest(theirs)
    assert measured(theirs) == ours
    assert images_of(workbench, cell) == images_of(theirs, cell)

    brought = theirs.ask("models", "import", weights, "--name", "from the browser")
    assert brought["classes"] == [row["name"] for row in ours["classes"]]


# ---- the way, page by page


def create_project(page: Page) -> None:
    expect(page.get_by_text("No project yet. Make one")).to_be_visible()
    page.get_by_role("button", name="New project").click()
    page.get_by_label("Name").fill("campus")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("Drop photos with their labels here")).to_be_visible()


def import_photos(page: Page, photos: Path) -> None:
    drag(page, "#wb-import-drop", photos)
    expect(page.get_by_role("heading", name="Questions")).to_be_visible()
    expect(page.get_by_text("12 photos, 12 labelled")).to_be_visible()
    page.get_by_label("person becomes").select_option("left out: like what nobody outlined")
    preview = page.locator(".wb-import-preview")
    expect(preview.locator(".wb-legend")).not_to_contain_text("person")
    expect(preview.locator("canvas").first).to_be_visible()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name="Imported into photos")).to_be_visible()
    expect(page.locator("[data-count=imported] dd")).to_have_text("12")
    expect(page.locator("[data-count=skipped]")).to_have_count(0)


def deal_roles(page: Page) -> None:
    page.get_by_role("link", name="Deal out roles").click()
    page.get_by_role("button", name="Deal roles of photos").click()
    page.get_by_role("dialog").get_by_label("val, %").fill("25")
    page.get_by_role("dialog").get_by_role("button", name="Deal roles").click()
    row = page.get_by_role("table", name="Roles of each dataset").get_by_role("row").nth(1)
    expect(row).to_contain_text(re.compile("photos.*12.*12.*9.*3.*0"))


def freeze(page: Page) -> str:
    page.get_by_role("tab", name="Revisions").click()
    page.get_by_role("button", name="Freeze a revision").click()
    page.get_by_role("dialog").get_by_role("button", name="Freeze").click()
    row = page.get_by_role("table", name="Revisions").get_by_role("row").nth(1)
    expect(row).to_contain_text("photos: train 9, val 3")
    return row.get_by_role("code").inner_text()


def train(page: Page, workbench: Workbench) -> list[str]:
    """Train with settings of the form, the page loaded again in the middle; return the command that stands beside."""
    page.get_by_role("link", name="Train", exact=True).click()
    # It is the last of all to be described by a server that has just begun, which takes a core for seconds.
    page.locator('.wb-arch[data-name="unet"]').click(timeout=5 * PATIENCE)
    for key, value in SETTINGS.items():
        page.locator(f"#wb-set-{key.replace('.', '-')}").fill(value)
    crop = page.locator('[data-key="crop"] input')
    crop.first.fill("96")
    crop.last.fill("128")
    page.get_by_label("Photos per step").fill("4")
    page.get_by_label("How long, measure").select_option("steps")
    page.get_by_label("How long", exact=True).fill(str(STEPS))
    page.get_by_label("Starting weights").fill("scratch")
    page.get_by_text("Validation and stopping").click()
    page.get_by_label("Every steps").fill("40")
    page.get_by_text("Computing", exact=True).click()
    # What would be measured otherwise, and could come out differently the second time.
    page.get_by_label("Precision").select_option(label="fp32")
    page.get_by_label("Channels last").select_option(label="on")
    page.get_by_label("Device").select_option("cpu")
    shown = page.locator("#wb-train-command code")
    expect(shown).to_contain_text("--set=channels_last=true")
    expect(page.get_by_text("9 photos to train on, 3 to validate on.")).to_be_visible()
    command = shlex.split(shown.inner_text())

    state = page.locator(".wb-page-head .wb-pill")
    loss = page.get_by_role("img", name="Loss").locator("path.wb-line")
    with paused_in_the_middle(workbench):
        page.get_by_role("button", name="Start training").click()
        page.wait_for_url(re.compile(r"/runs\?project=1&run=1$"))
        expect(state).to_have_text("running")
        expect(loss).to_have_count(1)
        page.reload()
        expect(state).to_have_text("running")
        expect(loss).to_have_count(1)
        done, total = page.locator("#wb-run-figures dd").first.inner_text().split(" / ")
        assert 0 < int(done) < int(total) == STEPS
    expect(state).to_have_text("finished")
    expect(page.locator("#wb-run-figures")).to_contain_text(f"{STEPS} / {STEPS}")
    return [word for word in command[1:] if word != "--detach"]


def evaluate(page: Page, workbench: Workbench) -> str:
    """Evaluate on val, and look at the images behind the largest mistake; return that cell."""
    page.get_by_role("link", name="Evaluate", exact=True).last.click()
    expect(page.locator("#wb-evaluate-command textarea")).to_have_value(re.compile("--on=val "))
    page.locator("#wb-evaluate-start").click()
    expect(page.get_by_role("heading", name="Evaluation 1", exact=True)).to_be_visible()
    known = measured(workbench)
    expect(page.get_by_test_id("figure-miou")).to_have_text(f"{100 * known['miou']:.1f} %")
    counts = known["confusion"]
    wrong = [(t, m) for t, row in enumerate(counts) for m, _ in enumerate(row) if t != m]
    t, m = max(wrong, key=lambda cell: counts[cell[0]][cell[1]])
    chosen = page.get_by_test_id(f"confusion-{t}-{m}")
    expect(chosen).to_contain_text(f"{100 * counts[t][m] / sum(counts[t]):.1f} % · {counts[t][m]:,} px")
    chosen.click()
    expect(page.get_by_test_id("chip-cell")).to_contain_text(f"{counts[t][m]:,} pixels")
    tiles = page.locator("#wb-evaluate-gallery .wb-tile")
    behind = images_of(workbench, f"{t},{m}")
    expect(tiles).to_have_count(len(behind))
    captions = tiles.locator(".wb-caption")
    for image in behind:
        expect(captions.get_by_text(f"{image['dataset']}/{image['path']}", exact=True)).to_have_count(1)
    for canvas in tiles.locator("canvas").all():
        expect(canvas).to_be_visible()
    return f"{t},{m}"


def export(page: Page, folder: Path) -> Path:
    page.get_by_role("link", name="Runs", exact=True).click()
    page.get_by_role("table").get_by_role("link").first.click()
    page.locator("#wb-export-start").click()
    link = page.get_by_role("link", name=re.compile("^Download "))
    expect(link).to_be_visible()
    with page.expect_download() as downloading:
        link.click()
    file = folder / downloading.value.suggested_filename
    downloading.value.save_as(file)
    return file


# ---- what is known of it elsewhere


@contextmanager
def paused_in_the_middle(workbench: Workbench) -> Iterator[None]:
    """Let the trainer of run 1 wait after its first steps, so that what is looked at here is the middle of its work.

    It is watched from before its start, as it may be done before the page has led to it.
    """
    with ThreadPoolExecutor(1) as beside:
        paused = beside.submit(pause_trainer, workbench)
        try:
            yield
        finally:
            os.kill(paused.result(), signal.SIGCONT)


def pause_trainer(workbench: Workbench) -> int:
    """Stop the process that trains run 1 as soon as it has told of a step; return it."""
    home = Home(workbench.folder / "home")
    database = open_database(home)
    deadline = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < deadline:
        with suppress(NotFoundError):
            told = {event.kind: event.values for event in events_of(get_run(home, database, 1).directory)}
            if "step" in told:
                trainer = int(told["attempt"]["pid"])
                os.kill(trainer, signal.SIGSTOP)
                return trainer
        time.sleep(0.02)
    raise AssertionError("run 1 told of no step")


def manifest(workbench: Workbench) -> Manifest:
    """Return the one revision there is: photos, class maps, roles and classes."""
    (revision,) = workbench.ask("revisions")["revisions"]
    return load_manifest(Store(Home(workbench.folder / "home").store), revision["revision"])


def measured(workbench: Workbench) -> dict[str, Any]:
    """Return what evaluation 1 found, without when, how fast and where."""
    report = workbench.ask("evaluations", "show", 1)
    return {key: value for key, value in report.items() if key not in ("created_at", "images_per_second", "directory")}


def images_of(workbench: Workbench, cell: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = workbench.ask("evaluations", "images", 1, "--cell", cell, "--limit", 100)["images"]
    return found
