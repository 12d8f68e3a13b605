"""From dropped photos to a labelled dataset, as someone does it who has read nothing."""

from __future__ import annotations

import json
import re
import shutil
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import select

from db.home import Home
from db.schema import AnnotationVersion, Class, Dataset, Image, Project
from db.session import open_database
from tests.e2e.conftest import PATIENCE, Served, drag, serving, visiting
from tests.support.cli import Workbench
from workbench.demo.sample import write_sample

DROP = """(area, files) => {
  const data = new DataTransfer();
  for (const { name, text } of files) data.items.add(new File([text], name));
  for (const type of ["dragenter", "dragover", "drop"]) {
    area.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A home of its own with an empty project; the photos wait in `photos/dusk` and `photos/day`."""
    folder = tmp_path_factory.mktemp("wizard")
    for domain in ("day", "dusk"):
        write_sample(folder / "photos" / domain, domain, 4, seed=0)
    workbench = Workbench(folder)
    workbench.ask("projects", "create", "wizard")
    with serving(workbench) as (url, origin):
        yield Served(workbench, url, origin, folder / "photos")


def open_wizard(page: Page, served: Served) -> None:
    page.goto(f"{served.origin}/data?project=1&tab=import")
    expect(page.get_by_text("Drop photos with their labels here")).to_be_visible()


def stored(workbench: Workbench, project: str, dataset: str) -> dict[str, Any]:
    """Return what is stored of a dataset, classes by name."""
    with open_database(Home(workbench.folder / "home")).read() as session:
        owner = session.scalars(select(Project).where(Project.name == project)).one()
        rows = session.scalars(select(Class).where(Class.project_id == owner.id).order_by(Class.position)).all()
        names = {row.id: row.name for row in rows}
        query = (
            select(Image.path, Image.sha256, AnnotationVersion.content)
            .join(AnnotationVersion, AnnotationVersion.id == Image.head_id)
            .join(Dataset, Dataset.id == Image.dataset_id)
            .where(Dataset.project_id == owner.id, Dataset.name == dataset)
        )
        images = {path: (sha256, named(content, names)) for path, sha256, content in session.execute(query)}
    return {"classes": list(names.values()), "images": images}


def named(value: Any, names: dict[int, str]) -> Any:
    """Return an annotation's content with names where labels are numbers of classes."""
    if isinstance(value, dict):
        return {
            key: names[each] if key == "label" and isinstance(each, int) else named(each, names)
            for key, each in value.items()
        }
    return [named(each, names) for each in value] if isinstance(value, list) else value


def test_a_dropped_folder_becomes_what_the_command_line_makes_of_it(page: Page, served: Served, tmp_path: Path) -> None:
    open_wizard(page, served)
    page.locator("#wb-import-drop-folder").set_input_files(served.photos / "dusk")
    expect(page.get_by_role("heading", name="Questions")).to_be_visible()
    expect(page.get_by_label("Name of the dataset")).to_have_value("dusk")
    expect(page.get_by_role("radio", name=re.compile("^labelme"))).to_be_checked()
    expect(page.locator(".wb-previews canvas").first).to_be_visible()

    page.get_by_label("tree becomes").select_option("another name …")
    page.get_by_label("New name of tree").fill("plants")
    page.get_by_label("person becomes").select_option("left out: like what nobody outlined")
    expect(page.locator(".wb-import-preview .wb-legend")).to_contain_text("plants")
    expect(page.locator(".wb-import-preview .wb-legend")).not_to_contain_text("person")
    # Reloaded in the middle, everything is as it was.
    page.reload()
    expect(page.get_by_label("New name of tree")).to_have_value("plants")
    expect(page.get_by_label("person becomes")).to_have_value("drop")

    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name="Imported into dusk")).to_be_visible()
    expect(page.locator("[data-count=imported] dd")).to_have_text("4")
    page.reload()
    expect(page.locator("[data-count=imported] dd")).to_have_text("4")

    theirs = Workbench(tmp_path)
    theirs.ask("projects", "create", "wizard")
    theirs.ask(
        "import", "labelme", served.photos / "dusk", "--project", "wizard", "--map", "tree=plants", "--map", "person="
    )
    assert stored(served.workbench, "wizard", "dusk") == stored(theirs, "wizard", "dusk")
    uploads = served.workbench.folder / "home" / "uploads"
    deadline = time.monotonic() + PATIENCE / 1000
    while list(uploads.iterdir()):
        assert time.monotonic() < deadline, "the upload stays though it was imported"
        time.sleep(0.1)

    page.get_by_role("link", name="Look at the images").click()
    expect(page.get_by_text("4 images").first).to_be_visible()


def test_a_dragged_folder_is_read_with_the_folders_in_it(page: Page, served: Served) -> None:
    open_wizard(page, served)
    drag(page, "#wb-import-drop", served.photos)
    expect(page.locator(".wb-import-source")).to_contain_text("photos16 files")
    expect(page.get_by_text("8 photos, 8 labelled")).to_be_visible()
    expect(page.locator(".wb-previews .wb-caption").first).to_contain_text(re.compile("^(day|dusk)/"))


def test_dropped_files_with_odd_names_are_text_and_refusals_are_said(page: Page, served: Served) -> None:
    open_wizard(page, served)
    label = "<img src=x onerror=alert(1)> ${7*7}"
    shape = {"label": label, "shape_type": "rectangle", "points": [[0, 0], [9, 9]]}
    document = {"version": "5.5.0", "shapes": [shape], "imagePath": "a b.png", "imageWidth": 20, "imageHeight": 20}
    files = [
        {"name": "<b>ä ${1}.json", "text": json.dumps(document)},
        {"name": "con.jpg", "text": "x"},
        {"name": "Thumbs.db", "text": "x"},
    ]
    page.locator("#wb-import-drop").evaluate(DROP, files)
    expect(page.get_by_text("1 file not taken")).to_be_visible()
    expect(page.get_by_text("is the name of a device on Windows")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("rowheader", name=label, exact=True)).to_be_visible()
    expect(page.get_by_text("1 file that the system keeps")).to_be_visible()
    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_text("Drop photos with their labels here")).to_be_visible()
    assert "upload=" not in page.url


def test_a_folder_on_this_computer_is_taken_below_the_root_only(page: Page, served: Served) -> None:
    open_wizard(page, served)
    field = page.get_by_label("Or a folder, zip or tar on this computer, below")
    field.fill("/etc")
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_text("is not below")).to_be_visible()
    zipped(served.photos / "dusk", served.workbench.folder / "packed.zip")
    field.fill("packed.zip")
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_label("Name of the dataset")).to_have_value("packed")
    page.get_by_role("button", name="Start over").click()
    field.fill("photos/dusk")
    page.get_by_role("button", name="Look at it").click()
    expect(page.get_by_label("Leave the photos where they are")).to_be_visible()
    page.get_by_label("Name of the dataset").fill(" ")
    expect(page.get_by_text("Name the dataset.")).to_be_visible()
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_disabled()
    page.get_by_label("Name of the dataset").fill("evening")
    page.get_by_text("The same as a command").click()
    expect(page.locator(".wb-command code")).to_contain_text("--dataset=evening")
    open_wizard(page, served)  # without the address that has it: it is offered again
    page.get_by_role("button", name="Go on with photos/dusk").click()
    expect(page.get_by_label("Leave the photos where they are")).to_be_visible()
    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_label("Or a folder, zip or tar on this computer, below")).to_be_visible()
    expect(page.get_by_role("button", name="Go on with")).to_have_count(0)


def zipped(folder: Path, to: Path) -> Path:
    """Pack a folder's files, without the folder."""
    with zipfile.ZipFile(to, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    return to


def test_a_dropped_zip_is_imported_and_after_editing_dropped_again(page: Page, served: Served, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(served.photos / "dusk", tmp_path / "photos"))
    open_wizard(page, served)
    drag(page, "#wb-import-drop", zipped(folder, tmp_path / "twilight.zip"))
    expect(page.get_by_label("Name of the dataset")).to_have_value("twilight")
    expect(page.get_by_text("4 photos, 4 labelled")).to_be_visible()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", name="Imported into twilight")).to_be_visible()
    expect(page.locator("[data-count=imported] dd")).to_have_text("4")

    edited = next(iter(sorted(folder.glob("*.json"))))
    document = json.loads(edited.read_text())
    edited.write_text(json.dumps(document | {"shapes": document["shapes"][:1]}))
    page.get_by_role("button", name="Import something else").click()
    drag(page, "#wb-import-drop", zipped(folder, tmp_path / "twilight.zip"))
    expect(page.get_by_text("Updates the dataset of this name (4 images)")).to_be_visible()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator("[data-count=updated] dd")).to_have_text("1")
    expect(page.locator("[data-count=unchanged] dd")).to_have_text("3")
    expect(page.locator("[data-count=conflicts]")).to_have_count(0)
    expect(page.get_by_text("last imported from")).to_have_count(0)


def tasks(page: Page, served: Served) -> list[int]:
    return [each["id"] for each in page.request.get(f"{served.origin}/api/tasks").json()["tasks"]]


def test_an_upload_cancelled_in_the_middle_leaves_nothing(page: Page, served: Served) -> None:
    open_wizard(page, served)
    before = tasks(page, served)
    sent: list[Route] = []

    def answer_two(route: Route) -> None:
        sent.append(route)
        if len(sent) <= 2:
            route.continue_()

    page.route("**/api/uploads/*/files?*", answer_two)
    page.locator("#wb-import-drop-folder").set_input_files(served.photos / "day")
    expect(page.get_by_text("2 of 8 files")).to_be_visible()
    expect(page.locator(".wb-under-way li")).to_have_count(4)
    [upload] = parse_qs(urlsplit(page.url).query)["upload"]
    kept = served.workbench.folder / "home" / "uploads" / upload
    assert kept.is_dir()
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.wait_for_url(lambda url: "upload=" not in url)
    assert not kept.exists()
    expect(page.locator(".wb-under-way")).to_have_count(0)
    expect(page.get_by_role("button", name="Choose a folder")).to_be_enabled()
    assert tasks(page, served) == before

    page.unroute_all()
    page.locator("#wb-import-drop-folder").set_input_files(served.photos / "day")
    expect(page.get_by_label("Name of the dataset")).to_have_value("day")
    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_text("Drop photos with their labels here")).to_be_visible()


def test_what_a_broken_connection_left_out_is_sent_again(browser: Browser, served: Served) -> None:
    with visiting(browser, served.url, served.origin, broken=True) as page:
        open_wizard(page, served)
        lost = re.compile(r"/files\?path=.*\.json$")
        page.route(lost, lambda route: route.abort("connectionreset"))
        page.locator("#wb-import-drop-folder").set_input_files(served.photos / "day")
        expect(page.get_by_text("4 files could not be sent")).to_be_visible()
        expect(page.get_by_text("the workbench did not answer").first).to_be_visible()
        expect(page.get_by_role("heading", name="Questions")).to_have_count(0)
        page.unroute(lost)
        page.route("**/finish", lambda route: route.abort("connectionreset"))
        page.get_by_role("button", name="Try those again").click()
        expect(page.get_by_text("The workbench does not answer.")).to_be_visible()
        page.unroute_all()
        page.get_by_role("button", name="Try again", exact=True).click()
        expect(page.get_by_text("4 photos, 4 labelled")).to_be_visible()
        expect(page.locator(".wb-import-source")).to_contain_text("day8 files")
