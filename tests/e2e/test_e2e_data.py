"""The data page in a browser: find images and give them a role, change classes, freeze and compare."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Served

HOSTILE = '<img src=x onerror="document.title=1">${1} {{1}}'


@pytest.fixture(scope="module")
def project(served: Served) -> int:
    """A project of its own with four photos, as these tests change it."""
    served.workbench.ask("import", "labelme", served.photos / "dusk", "--project", "night", "--dataset", "dusk")
    found = served.workbench.ask("projects")["projects"]
    number: int = next(each["id"] for each in found if each["name"] == "night")
    return number


def test_images_are_selected_given_a_role_and_filtered_by_it(page: Page, served: Served, project: int) -> None:
    page.goto(f"{served.origin}/data?project={project}")
    tiles = page.locator("#wb-data-gallery .wb-tile")
    expect(tiles).to_have_count(4)
    page.locator("#wb-selected-pick").click()
    for place in (0, 1):
        tiles.nth(place).click()
    page.locator("#wb-selected-role").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Role").select_option("val")
    dialog.get_by_role("button", name="Set role").click()
    expect(page.locator("#wb-data-gallery .wb-badge").get_by_text("val")).to_have_count(2)
    page.locator("#wb-filter-role").select_option("val")
    expect(tiles).to_have_count(2)
    page.reload()
    expect(page.locator("#wb-filter-role")).to_have_value("val")
    expect(tiles).to_have_count(2)


def test_an_image_is_shown_large_with_what_is_known_of_it(page: Page, served: Served, project: int) -> None:
    page.goto(f"{served.origin}/data?project={project}")
    page.locator("#wb-data-gallery .wb-tile").first.click()
    large = page.get_by_role("dialog", name="Image")
    expect(large.locator(".wb-image-facts")).to_contain_text("shows")
    expect(large).to_contain_text("1 of 4")
    page.keyboard.press("d")
    expect(large).to_contain_text("2 of 4")
    large.locator(".wb-pane").hover()
    expect(large.locator(".wb-pointed")).not_to_be_empty()


def test_classes_are_renamed_and_merged_and_what_is_not_taken_is_put_back(
    page: Page, served: Served, project: int
) -> None:
    page.goto(f"{served.origin}/data?project={project}&tab=classes")
    name = page.get_by_label("Name of lawn", exact=True)
    name.fill("path")
    name.press("Enter")
    expect(page.get_by_text("There is a class 'path' already.")).to_be_visible()
    expect(name).to_have_value("lawn")
    name.fill(HOSTILE)
    name.press("Enter")
    renamed = page.get_by_label(f"Name of {HOSTILE}", exact=True)
    expect(renamed).to_have_value(HOSTILE)
    expect(page.get_by_text("There is a class 'path' already.")).to_have_count(0)  # gone with the next success
    page.locator("#wb-class-add").click()
    page.get_by_role("dialog").get_by_label("Name").fill(HOSTILE)
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    said = page.get_by_role("dialog").get_by_role("alert")
    expect(said).to_have_text(re.compile(re.escape(f"The project 'night' has a class '{HOSTILE}' already.")))
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    page.get_by_label(f"Merge {HOSTILE}", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Merge").click()  # into nothing: it asks for a class
    expect(page.locator("#wb-merge-into:invalid")).to_be_visible()
    page.locator("#wb-merge-into").select_option("path")
    expect(page.locator("#wb-merge-preview")).to_contain_text("Changes the class maps of")
    page.get_by_role("dialog").get_by_role("button", name="Merge").click()
    expect(renamed).to_have_count(0)
    page.get_by_role("button", name=f"Undo the merge of {HOSTILE}").click()
    expect(renamed).to_have_count(1)


def test_a_class_that_nothing_uses_is_deleted(page: Page, served: Served, project: int) -> None:
    for name in ("bus", "<b>tram</b>"):
        served.workbench.ask("classes", "add", name, "--project", "night")
    page.goto(f"{served.origin}/data?project={project}&tab=classes")
    expect(page.get_by_label("Merge path", exact=True)).to_be_visible()
    expect(page.get_by_label("Delete path", exact=True)).to_have_count(0)
    expect(page.locator("#wb-class-unused")).to_have_text("Delete 2 unused …")
    page.get_by_label("Delete bus", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_label("Name of bus", exact=True)).to_have_count(0)
    expect(page.locator("#wb-class-unused")).to_be_hidden()
    page.get_by_label("Delete <b>tram</b>", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_label("Name of <b>tram</b>", exact=True)).to_have_count(0)


def test_a_revision_is_frozen_and_compared(page: Page, served: Served, project: int) -> None:
    served.workbench.ask("freeze", "--project", "night")
    served.workbench.ask("subsets", "add", "hard", "dusk_0000.jpg", "--dataset", "dusk", "--project", "night")
    page.goto(f"{served.origin}/data?project={project}&tab=revisions")
    boxes = page.locator("#wb-data-revision-list").get_by_role("checkbox")
    expect(boxes).to_have_count(1)
    page.locator("#wb-freeze").click()
    page.get_by_role("dialog").get_by_role("button", name="Freeze").click()
    expect(boxes).to_have_count(2)
    for place in (0, 1):
        boxes.nth(place).click()
    expect(page.get_by_role("table", name="Images that differ")).to_contain_text("dusk_0000.jpg")
    assert "from=" in page.url


def test_a_list_is_renamed(page: Page, served: Served, project: int) -> None:
    in_it = ("--dataset", "dusk", "--project", "night")
    served.workbench.ask("subsets", "add", "fog", "dusk_0001.jpg", *in_it)
    page.goto(f"{served.origin}/data?project={project}&tab=roles")
    page.get_by_role("button", name="Rename fog").click()
    page.get_by_role("dialog").get_by_label("Name").fill(HOSTILE)
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_role("table", name="Lists")).to_contain_text(HOSTILE)
    lists = served.workbench.ask("subsets", "list", *in_it)["subsets"]
    assert (lists[HOSTILE], "fog" in lists) == (1, False)
