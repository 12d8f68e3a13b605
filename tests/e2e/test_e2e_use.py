"""Trying a model on photos, predicting a folder, and what is there before there is a model."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Served, serving, visiting
from tests.support.cli import Workbench

AT_REST = """() => new Promise((resolve) => {
  const look = (before) => setTimeout(() => (scrollY === before ? resolve(before) : look(scrollY)), 200);
  look(scrollY);
})"""


def test_photos_are_tried_shown_and_taken_away(page: Page, served: Served, tmp_path: Path) -> None:
    page.goto(f"{served.origin}/use?project=1")
    photos = sorted((served.photos / "dusk").glob("*.jpg"))[:2]
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    expect(page.locator("#wb-use-model")).to_contain_text("val mIoU")
    page.locator("#wb-use-drop-files").set_input_files([*photos, broken])
    strip = page.get_by_role("listbox", name="Photos tried")
    expect(strip.locator('[data-state="done"]')).to_have_count(2)
    expect(strip.locator('[data-state="failed"]')).to_contain_text("cannot be used as a photo")
    expect(page.locator(".wb-viewer canvas")).to_be_visible()
    expect(page.locator(".wb-tried .wb-legend")).to_contain_text("%")

    zoomed = "document.querySelector('.wb-viewer .wb-picture').style.transform.endsWith('scale(1.5)')"
    viewer = page.locator(".wb-viewer")
    page.evaluate("scrollTo(0, 0)")
    viewer.hover(position={"x": 40, "y": 40})
    page.mouse.wheel(0, 200)
    page.wait_for_function("scrollY > 0")  # past the picture, as past any other
    viewer.focus()
    place = page.evaluate(AT_REST)
    page.keyboard.press("+")
    page.wait_for_function(zoomed)
    page.mouse.wheel(0, 200)
    page.wait_for_function(f"!{zoomed}")
    assert page.evaluate(AT_REST) == place
    page.keyboard.press("f")

    with page.expect_download() as asked:
        page.get_by_role("link", name="Index PNG").click()
    assert asked.value.suggested_filename == f"{photos[0].stem}_index.png"
    with Image.open(asked.value.path()) as index, Image.open(photos[0]) as photo:
        assert (index.mode, index.size) == ("P", photo.size)
        assert int(np.asarray(index).max()) < 10

    page.get_by_text("Beside other models").click()
    page.locator(".wb-others").get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Side by side").click()
    expect(page.get_by_text("of the pixels get the same class from both models.")).to_be_attached()
    page.keyboard.press("Escape")

    page.reload()
    expect(strip.locator('[data-state="done"]')).to_have_count(2)
    strip.get_by_role("option").first.focus()
    page.keyboard.press("ArrowDown")
    expect(strip.get_by_role("option").nth(1)).to_be_focused()
    expect(strip.get_by_role("option").nth(1)).to_have_attribute("aria-selected", "true")


def test_a_prediction_is_refined_by_a_crf(page: Page, served: Served) -> None:
    page.goto(f"{served.origin}/use?project=1")
    photo = sorted((served.photos / "dusk").glob("*.jpg"))[0]
    page.get_by_label("a CRF refines it").check()
    page.locator("#wb-use-drop-files").set_input_files(photo)
    steps = page.get_by_role("group", name="Iterations of the CRF").get_by_role("button")
    expect(steps).to_have_text(["without a CRF", "1 iteration", "2 iterations", "10 iterations"])
    expect(steps.first).to_have_attribute("aria-pressed", "true")
    steps.last.click()
    expect(steps.last).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".wb-tried")).to_contain_text("CRF 10")
    with page.expect_download() as asked:
        page.get_by_role("link", name="Index PNG").click()
    assert asked.value.suggested_filename == f"{photo.stem}_crf10_index.png"

    page.get_by_text("Which pixels look alike, and which are predicted alike").click()
    page.wait_for_function("document.querySelector('.wb-affinity img')?.naturalWidth > 0")

    page.get_by_label("a CRF refines it").uncheck()
    page.get_by_role("button", name="Try these photos again").click()
    expect(steps).to_have_count(0)


def test_a_folder_is_predicted_by_a_task_and_downloaded(page: Page, served: Served) -> None:
    page.goto(f"{served.origin}/use?project=1")
    page.get_by_text("Predict a whole folder").click()
    field = page.get_by_label("Or a folder on this computer, below")
    field.fill("/etc")
    page.get_by_role("button", name="Predict it").click()
    expect(page.get_by_text("is not below")).to_be_visible()
    field.fill("photos/dusk")
    page.get_by_role("button", name="Predict it").click()
    with page.expect_download() as asked:
        page.get_by_role("link", name="Download zip").click()
    with zipfile.ZipFile(asked.value.path()) as archive:
        assert len([name for name in archive.namelist() if name.startswith("index/")]) == 4
    page.get_by_role("button", name="Delete the prediction of dusk").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("link", name="Download zip")).to_have_count(0)


def test_without_a_model_the_page_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    workbench = Workbench(tmp_path)
    workbench.ask("projects", "create", "empty")
    with serving(workbench) as (url, origin), visiting(browser, url, origin) as page:
        page.goto(f"{origin}/use")
        expect(page.get_by_text("This project has no model yet.")).to_be_visible()
        expect(page.get_by_role("link", name="Train one")).to_have_attribute("href", "/train?project=1")
        expect(page.get_by_text("Drop the model's file")).to_be_visible()


def test_a_camera_is_watched_live_and_stopped(page: Page, served: Served) -> None:
    page.add_init_script("""navigator.mediaDevices.getUserMedia = async () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 48 });
      const pen = canvas.getContext("2d");
      setInterval(() => pen.fillRect(32 * Math.random(), 0, 9, 9), 40);
      return canvas.captureStream(25);
    }""")
    page.goto(f"{served.origin}/use?project=1")
    page.locator("#wb-use-webcam > summary").click()
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#wb-webcam-figures")).to_contain_text("frames/s")
    expect(page.locator(".wb-webcam canvas").last).to_be_visible()
    expect(page.locator("#wb-use-webcam .wb-share").first).to_contain_text("%")
    page.locator("#wb-use-webcam").get_by_role("button", name="Stop").click()
    expect(page.locator("#wb-webcam-figures")).to_have_text("stopped")
