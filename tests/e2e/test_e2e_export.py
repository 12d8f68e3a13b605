"""A dataset taken away by the browser: chosen, written by a task, downloaded as one zip."""

import zipfile

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Served


def test_a_dataset_is_exported_and_downloaded(page: Page, served: Served) -> None:
    served.workbench.ask("import", "labelme", served.photos / "dusk", "--project", "taken", "--dataset", "dusk")
    found = served.workbench.ask("projects")["projects"]
    number = next(each["id"] for each in found if each["name"] == "taken")
    page.goto(f"{served.origin}/data?project={number}&tab=export")
    page.get_by_role("radio", name="Pascal VOC").check()
    expect(page.locator(".wb-export-dataset .wb-command code")).to_contain_text("--format=voc")
    expect(page.locator("#wb-export-masks")).to_be_visible()
    expect(page.locator("#wb-export-objects")).to_be_hidden()
    page.locator("#wb-export-dataset-start").click()
    link = page.locator("#wb-exported").get_by_role("link", name="Download zip")
    expect(link).to_be_visible()
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == "dusk-voc.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        assert sum(name.startswith("SegmentationClass/") for name in archive.namelist()) == 4
    page.get_by_role("button", name="Delete the export of dusk as voc").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("#wb-exported")).to_have_count(0)
