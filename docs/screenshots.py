"""Takes the pictures of these pages: `workbench demo --home HOME`, then `python docs/screenshots.py HOME`.

Every page of the sample project in docs/images, light, dark and as narrow as a telephone. Look at each of them. What
the data need care for is shown of a copy of the home, to which it happened.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

IMAGES = Path(__file__).parent / "images"
WORKBENCH = [sys.executable, "-P", "-m", "workbench.cli"]
PAGES = {
    "projects": "/",
    "data": "/data?project=1",
    "import": "/data?project=1&tab=import",
    "statistics": "/data?project=1&tab=statistics",
    "classes": "/data?project=1&tab=classes",
    "roles": "/data?project=1&tab=roles",
    "revisions": "/data?project=1&tab=revisions",
    "label": "/data?project=1",
    "train": "/train?project=1",
    "runs": "/runs?project=1",
    "run": "/runs?project=1&run=1",
    "evaluations": "/evaluate?project=1",
    "evaluation": "/evaluate?project=1&evaluation=2",
    "confusions": "/evaluate?project=1&evaluation=2",
    "compare": "/evaluate?project=1&a=1&b=2",
    "shift": "/evaluate?project=1&tab=domains&to=dusk:all",
    "use": "/use?project=1",
}
CARED = {
    "remedies": "/evaluate?project=1&tab=domains&to=dusk:all",
    "care": "/data?project=1&tab=care",
    "doubts": "/data?project=1&tab=care",
    "export": "/data?project=1&tab=export",
    "history": "/data?project=1&dataset=dusk",
    "storage": "/",
    "trash": "/",
}
RENAMED = {"tree": "Tree"}
MISTAKEN = {"car": "building"}
LOOKS = {"light": (1280, 900), "dark": (1280, 900), "narrow": (390, 844)}


def main() -> None:
    """Take all pictures, or only those of the pages named."""
    home, *wanted = sys.argv[1:]
    IMAGES.mkdir(exist_ok=True)
    if pages := [name for name in wanted or PAGES if name in PAGES]:
        take_all(home, pages)
    if cared := [name for name in wanted or CARED if name in CARED]:
        with tempfile.TemporaryDirectory() as folder:
            copy = shutil.copytree(home, Path(folder) / "workbench")
            wear(copy)
            take_all(copy, cared)


def take_all(home: str | Path, names: Iterable[str]) -> None:
    """Serve a home and take the pictures of some of its pages."""
    command = [*WORKBENCH, "serve", "--port=0", "--no-browser", "--json", f"--home={home}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            chromium = shutil.which("chromium") or shutil.which("google-chrome")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
                for name in names:
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
    page.goto(url.split("?")[0].rstrip("/") + (PAGES | CARED)[name])
    expect(page.locator(".wb-mount *").filter(visible=True).first).to_be_visible(timeout=60_000)
    expect(page.get_by_text("being described")).to_have_count(0, timeout=120_000)  # what networks cost, the first time
    if name in ACTS:
        ACTS[name](page)
    page.wait_for_timeout(4000)  # pictures arrive one by one, and none of them is waited for by name
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    # Colours that few pixels have are classes': they stay as they are.
    small = picture.quantize(128, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    small.save(IMAGES / f"{name}-{look}.png", optimize=True)
    context.close()


def label(page: Page) -> None:
    """Ask what to label in labelme."""
    page.get_by_role("button", name="Label …").click()


def confusions(page: Page) -> None:
    """Look at the confusion matrix."""
    expect(page.locator(".wb-matrix-cells")).to_be_visible(timeout=60_000)
    page.get_by_role("heading", name="Confusion matrix").evaluate(
        "title => scrollTo(0, title.getBoundingClientRect().top - 110)"
    )


def care(page: Page) -> None:
    """Wait until the photos are compared."""
    expect(page.locator(".wb-alike").first).to_be_visible(timeout=60_000)


def doubts(page: Page) -> None:
    """Look at the labels that are doubted."""
    part = page.locator("#wb-doubts")
    expect(part.locator("img").first).to_be_visible(timeout=60_000)
    part.evaluate("part => scrollTo(0, part.getBoundingClientRect().top + scrollY - 200)")


def export(page: Page) -> None:
    """Export the first dataset, once for all looks."""
    button = page.locator("#wb-export-dataset-start")
    expect(button).to_be_visible()
    page.wait_for_timeout(1000)
    if not page.get_by_role("link", name="Download zip").count():
        page.get_by_role("radio", name="YOLO").check()
        button.click()
        expect(page.get_by_role("link", name="Download zip")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Download zip").scroll_into_view_if_needed()


def history(page: Page) -> None:
    """Open the history of the first image."""
    page.locator(".wb-tile").first.click()
    page.get_by_role("button", name="Earlier versions of the labels (V)").click()
    expect(page.get_by_text("Version 2, as it is now")).to_be_visible(timeout=60_000)


def storage(page: Page) -> None:
    """Unfold what takes the space, and check it."""
    fold = page.locator("#wb-storage")
    fold.locator("summary").click()
    fold.locator("#wb-storage-check").click()
    expect(fold.locator(".wb-say")).not_to_have_text("", timeout=60_000)
    expect(fold.locator("#wb-storage-check")).to_be_enabled(timeout=60_000)
    fold.evaluate("fold => fold.scrollIntoView()")


def trash(page: Page) -> None:
    """Unfold what was deleted."""
    fold = page.locator("#wb-trash")
    fold.locator("summary").click()
    expect(fold.get_by_role("button", name="Restore").first).to_be_visible()
    fold.evaluate("fold => fold.scrollIntoView({ block: 'end' })")


def shift(page: Page) -> None:
    """Wait until it is said what is lost."""
    expect(page.locator("#wb-shift-said")).to_be_visible(timeout=60_000)


def remedies(page: Page) -> None:
    """Try all remedies, once for all looks."""
    part = page.locator("#wb-shift-remedies")
    expect(part.locator("tbody tr")).to_have_count(7, timeout=60_000)
    button = part.locator("#wb-shift-try-all")
    if button.count():
        button.click()
        expect(button).to_have_count(0, timeout=1_200_000)
    part.evaluate("part => part.scrollIntoView()")


ACTS: dict[str, Callable[[Page], None]] = {
    "label": label,
    "confusions": confusions,
    "shift": shift,
    "remedies": remedies,
    "care": care,
    "doubts": doubts,
    "export": export,
    "history": history,
    "storage": storage,
    "trash": trash,
}


def wear(home: Path) -> None:
    """Let happen to a sample project what data need care for."""

    def workbench(*words: str) -> str:
        command = [*WORKBENCH, *words, f"--home={home}"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    source = next((home / "demo").iterdir())
    workbench("use", "demo")
    edit(source / "dusk" / "dusk_0000.json", lambda shapes: [each for each in shapes if each["label"] != "tree"])
    workbench("import", "labelme", str(source / "dusk"), "--dataset=dusk")
    held_out = json.loads(workbench("images", "--dataset=day", "--role=val", "--class=car", "--json"))["images"]
    rename(source / "day" / held_out[0]["path"], MISTAKEN)
    workbench("import", "labelme", str(source / "day"), "--dataset=day")
    workbench("discard", "evaluation", "1")  # it saw the labels that were right
    workbench("evaluate", "1:best", "--dataset=day", "--on=val", "--device=cpu")
    taken_again(source / "day", source / "phone")
    workbench("import", "labelme", str(source / "phone"), "--dataset=phone")
    workbench("set-role", "val", "IMG_0020.jpg", "IMG_0022.jpg", "IMG_0024.jpg", "--dataset=phone")
    workbench("discard", "image", "dusk/dusk_0007.jpg", "dusk/dusk_0011.jpg")
    workbench("projects", "create", "first try")
    workbench("discard", "project", "first try")
    workbench("use", "demo")


def taken_again(photos: Path, to: Path) -> None:
    """Save some photos again as if they were another camera's, with one class misspelt in two of them."""
    to.mkdir()
    for number, path in enumerate(sorted(photos.glob("*.jpg"))[1:7]):
        again = to / f"IMG_{20 + 2 * number:04}.jpg"
        with Image.open(path) as photo:
            photo.save(again, quality=70)
        document = json.loads(path.with_suffix(".json").read_text())
        again.with_suffix(".json").write_text(json.dumps(document | {"imagePath": again.name, "imageData": None}))
        if number < 2:
            rename(again, RENAMED)


def rename(photo: Path, names: dict[str, str]) -> None:
    """Give the shapes on a photo other labels."""
    edit(
        photo.with_suffix(".json"),
        lambda found: [each | {"label": names.get(each["label"], each["label"])} for each in found],
    )


def edit(labels: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Change the shapes of a labelme file."""
    document = json.loads(labels.read_text())
    document["shapes"] = change(document["shapes"])
    labels.write_text(json.dumps(document))


if __name__ == "__main__":
    main()
