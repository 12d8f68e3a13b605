"""History and trash in a browser: labels go back to an earlier version; an image is deleted and restored."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Served


@pytest.fixture(scope="module")
def project(served: Served) -> int:
    """A project of its own, whose first image has two versions."""
    folder = served.photos / "dusk"
    served.workbench.ask("import", "labelme", folder, "--project", "history", "--dataset", "dusk")
    first = sorted(folder.rglob("*.json"))[0]
    before = first.read_text()
    document = json.loads(before)
    document["shapes"] = document["shapes"][:1]
    first.write_text(json.dumps(document))
    served.workbench.ask("import", "labelme", folder, "--project", "history", "--dataset", "dusk")
    first.write_text(before)
    found = served.workbench.ask("projects")["projects"]
    number: int = next(each["id"] for each in found if each["name"] == "history")
    return number


def test_labels_go_back_and_a_deleted_image_comes_back(page: Page, served: Served, project: int) -> None:
    page.goto(f"{served.origin}/data?project={project}")
    tiles = page.locator("#wb-data-gallery .wb-tile")
    expect(tiles).to_have_count(4)
    tiles.first.click()
    page.get_by_role("button", name="Earlier versions of the labels (V)").click()
    history = page.get_by_role("dialog", name="History")
    expect(history.locator(".wb-versions li")).to_have_count(2)
    expect(history.get_by_text("Version 2, as it is now")).to_be_visible()
    history.locator("#wb-history-restore").click()
    page.get_by_role("dialog", name="Restore version 1?").get_by_role("button", name="Restore").click()
    expect(history.locator(".wb-versions li")).to_have_count(3)
    expect(history.locator(".wb-versions li").first).to_contain_text("version 1 restored")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.locator("#wb-selected-pick").click()
    tiles.first.click()
    page.locator("#wb-selected-delete").click()
    page.get_by_role("dialog", name="Delete 1 image?").get_by_role("button", name="Delete").click()
    expect(tiles).to_have_count(3)
    page.goto(served.origin)
    page.locator("#wb-trash summary").click()
    restore = page.get_by_role("button", name="Restore image dusk/")
    restore.click()
    expect(restore).to_have_count(0)
    page.goto(f"{served.origin}/data?project={project}")
    expect(tiles).to_have_count(4)
