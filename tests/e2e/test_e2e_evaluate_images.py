"""The images of an evaluation: ten thousand of them, which of them, and one of them large."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from db.home import Home
from db.schema import Evaluation
from db.session import open_database
from tests.e2e.conftest import Served
from tests.support.many_images import LIST, repeat_images
from training.evaluation.opened import open_evaluation

MANY = 10_000


@pytest.fixture(scope="module")
def many(served: Served) -> Iterator[int]:
    """An evaluation of ten thousand images."""
    home = Home(served.workbench.folder / "home")
    database = open_database(home)
    number = repeat_images(home, database, open_evaluation(database, 1), MANY)
    yield number
    directory = open_evaluation(database, number).directory
    with database.write() as session:
        session.delete(session.get_one(Evaluation, number))
    shutil.rmtree(directory)


def open_images(page: Page, served: Served, number: int, more: str = "") -> None:
    page.goto(f"{served.origin}/evaluate?project=1&evaluation={number}{more}")
    expect(page.locator("#wb-evaluate-gallery .wb-tile canvas:not([hidden])").first).to_be_visible()


def tile(page: Page, place: int) -> Locator:
    return page.locator(f'#wb-evaluate-gallery [data-index="{place}"]')


def largest_mistake(served: Served, number: int) -> tuple[int, int]:
    table = served.workbench.ask("evaluations", "show", number)["confusion"]
    cells = [(t, m) for t, row in enumerate(table) for m, _ in enumerate(row) if t != m]
    return max(cells, key=lambda cell: int(table[cell[0]][cell[1]]))


def listed(served: Served, number: int, *arguments: object) -> list[dict[str, Any]]:
    found = served.workbench.ask("evaluations", "images", number, *arguments, "--limit", 3)["images"]
    return [dict(image) for image in found]


def test_ten_thousand_images_scroll_and_are_narrowed_down(page: Page, served: Served, many: int) -> None:
    open_images(page, served, many, "&sort=path")
    count = page.locator("#wb-evaluate-gallery .wb-count")
    expect(count).to_have_text("10,000 images")
    page.locator("#wb-evaluate-gallery .wb-grid").evaluate("grid => { grid.scrollTop = 0.5 * grid.scrollHeight }")
    half = tile(page, MANY // 2)
    expect(half.locator(".wb-caption")).to_have_text("day/many/005000.jpg")
    expect(half.locator("canvas")).to_be_visible()
    assert page.locator("#wb-evaluate-gallery .wb-tile").count() < 60

    page.locator("#wb-evaluate-part").select_option(LIST)
    expect(count).to_have_text("3,334 of 10,000 images")
    page.locator("#wb-evaluate-sort").select_option("-entropy")
    expect(tile(page, 0).locator(".wb-caption")).to_have_text("day/many/009999.jpg")
    below = int(100 * listed(served, many, "--sort=-miou")[0]["score"])
    open_images(page, served, many, f"&max={below / 100}")  # the address has it
    expect(page.get_by_test_id("chip-score")).to_contain_text(f"mIoU 0–{below} %")
    expect(count).to_contain_text(" of 10,000 images")
    page.get_by_test_id("chip-score").get_by_role("button").click()
    expect(count).to_have_text("10,000 images")


def test_a_cell_lights_its_pixels_and_a_link_opens_one_image(page: Page, served: Served) -> None:
    t, m = largest_mistake(served, 1)
    first = listed(served, 1, "--cell", f"{t},{m}")[0]
    open_images(page, served, 1, f"&cell={t},{m}")
    tile(page, 0).click()
    large = page.get_by_role("dialog", name="Image")
    expect(large.locator(".wb-pane")).to_have_count(4)
    page.keyboard.press("1")
    canvas = large.locator(".wb-picture canvas")
    expect(canvas).to_be_visible()
    lit = """canvas => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) count += data[i] === 255 && data[i + 1] === 0;
      return count;
    }"""
    assert canvas.evaluate(lit) == first["pixels_in_cell"]

    page.wait_for_url(f"**image={first['number']}&view=one*")
    page.reload()
    expect(large.locator(".wb-title")).to_contain_text(first["path"])
    page.keyboard.press("s")
    divider = large.get_by_role("slider", name="Divider between Truth and Prediction")
    expect(divider).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(divider).to_have_attribute("aria-valuenow", "48")
    box = large.locator(".wb-pane").bounding_box()
    assert box is not None
    grip = divider.bounding_box()
    assert grip is not None
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 20)
    page.mouse.up()
    expect(divider).to_have_attribute("aria-valuenow", "25")

    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("a divider between two pictures")
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    expect(large).to_be_visible()


def test_the_pixel_below_the_pointer_is_named(page: Page, served: Served) -> None:
    waiting: list[Route] = []
    page.route(re.compile(r"/images/[1-9]\d*/photo.size=1600"), lambda route: waiting.append(route))
    open_images(page, served, 1, "&view=one&image=0")
    large = page.get_by_role("dialog", name="Image")
    picture = large.locator(".wb-picture")
    expect(picture.locator("canvas")).to_be_visible()
    height = large.locator("footer").bounding_box()
    picture.hover(position={"x": 40, "y": 40})
    said = large.locator(".wb-pointed")
    expect(said).to_have_text(re.compile(r"^truth .+predicted .+\d+ % sure$"))
    assert large.locator("footer").bounding_box() == height  # nothing jumps
    maps = {
        layer: page.evaluate(PIXEL, [f"/api/evaluations/1/images/0/{layer}?size=0", 40, picture.bounding_box()])
        for layer in ("truth", "prediction", "confidence")
    }
    names = served.workbench.ask("evaluations", "show", 1)["axes"]["predicted"]
    sure = round(100 * maps["confidence"] / 255)
    text = f"truth {names[maps['truth']]}predicted {names[maps['prediction']]}{sure} % sure"
    expect(said).to_have_text(text)
    before = json.dumps(picture.evaluate("each => each.style.transform"))
    page.mouse.wheel(0, -400)  # into the picture
    page.keyboard.press("d")
    expect(large.locator(".wb-place")).to_have_text(re.compile("^2 of"))
    photo = picture.locator("img")
    expect(photo).to_be_hidden()  # the last one is not seen while this one is on its way
    for route in waiting:
        route.continue_()
    expect(photo).to_be_visible()
    assert json.dumps(picture.evaluate("each => each.style.transform")) != before


PIXEL = """async ([url, at, box]) => {
  const bitmap = await createImageBitmap(await (await fetch(url)).blob(), { colorSpaceConversion: "none" });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  const [x, y] = [Math.floor(at / box.width * bitmap.width), Math.floor(at / box.height * bitmap.height)];
  return canvas.getContext("2d").getImageData(x, y, 1, 1).data[0];
}"""
