"""labelme itself, whatever version is installed: opened on the project's images, worked in, closed."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from db.home import Home
from db.session import open_database
from labeling.desktop.hand_out import LabelRequest, hand_out
from labeling.desktop.program import Labelme
from tests.e2e.conftest import Served
from tests.support.desktop import Screen, require_desktop, screen, wait_for
from tests.support.labelled_home import Place, make_place
from tests.support.labelme_files import base64_mask, shape
from tests.support.labelme_folder import rectangle, write_labels, write_photo

SIZE = (80, 60)
BIG = rectangle("road", 4, 4, 76, 56)  # the middle of labelme's canvas lies in it
MIDDLE = (360, 305)
KINDS = [
    shape(
        "räum <b>", [[1, 1], [9.25, 1.5], [7, 8.123456789]], group_id=0, description="far\naway", flags={"far": True}
    ),
    shape("_background_", [[30, 25], [10, 10]], "rectangle"),
    shape("car", [[20, 20], [20, 25]], "circle"),
    shape("car", [[20, 20], [30, 25]], "line", group_id=7),
    shape("car", [[20, 20], [30, 25], [40, 20]], "linestrip"),
    shape("__ignore__", [[50, 50]], "point", score=0.5, attributes={"a": [1, None]}),
    shape("car", [[60, 5], [65, 8]], "mask", mask=base64_mask(np.eye(4, 6, dtype=bool))),
    shape("car", [[1, 40], [9, 42], [8, 46], [0, 44]], "oriented_rectangle"),
    shape("car", [[1, 1], [2, 2]], "points"),
    BIG,
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    require_desktop()
    with screen(tmp_path_factory.mktemp("labelme")) as found:
        yield found


@pytest.fixture
def place(tmp_path: Path) -> Place:
    photo = tmp_path / "photos" / "all.png"
    write_photo(photo, seed=1, size=SIZE)
    write_labels(photo, KINDS, size=SIZE)
    place = make_place(tmp_path / "home")
    place.run_import(tmp_path / "photos", dataset="d")
    return place


@contextmanager
def opened(place: Place, desk: Screen, image: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Open an image by the command; yield its process and the label file in labelme's folder."""
    environment = {**desk.environment, "PYTHONPATH": os.environ["PYTHONPATH"]}
    command = [sys.executable, "-P", "-m", "workbench.cli", "label", "--desktop", "--json"]
    process = subprocess.Popen(
        [*command, "--home", str(place.home.path), image], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        wait_for(desk.windows, process)
        yield process, place.home.desktop / "1" / "photos" / f"{Path(image).stem}.json"
    finally:
        process.kill()
        process.wait()


def labels(file: Path) -> list[str]:
    try:
        return [each["label"] for each in json.loads(file.read_text())["shapes"]]
    except ValueError:  # it is being written
        return []


def duplicate(desk: Screen, process: subprocess.Popen[str], file: Path) -> None:
    """Click the shape in the middle and duplicate it, and wait until labelme has saved that."""
    before = labels(file)

    def is_done() -> bool:
        desk.click(*MIDDLE)
        desk.press("ctrl+d")
        return len(labels(file)) > len(before)

    wait_for(is_done, process)


def close(desk: Screen, process: subprocess.Popen[str]) -> dict[str, Any]:
    """Close labelme's window and return what the command says."""
    desk.press("ctrl+q")
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return json.loads(said)


def test_what_labelme_reads_and_writes_again_is_what_was_handed_out(place: Place, desk: Screen) -> None:
    """Every kind of shape, through labelme's own reader and writer: nothing is changed, and no version made."""
    with opened(place, desk, "all.png") as (process, file):
        handed_out = json.loads(file.read_text())
        duplicate(desk, process, file)
        saved = json.loads(file.read_text())
        del saved["shapes"][len(handed_out["shapes"]) :]
        file.write_text(json.dumps(saved))
        report = close(desk, process)
    assert saved["version"] != handed_out["version"]
    assert report["taken"]["counts"] == {"unchanged": 1}
    assert len(place.versions("all.png")) == 1
    assert list(place.home.desktop.iterdir()) == []


def test_what_is_done_in_labelme_is_a_version_here(place: Place, desk: Screen) -> None:
    before = place.annotation("all.png").to_json()
    with opened(place, desk, "all.png") as (process, file):
        duplicate(desk, process, file)
        report = close(desk, process)
    (changed,) = report["taken"]["files"]
    assert (changed["action"], changed["removed"], changed["changed"]) == ("stored", 0, 0)
    assert changed["added"] >= 1
    after = place.annotation("all.png").to_json()
    assert after["shapes"][: len(before["shapes"])] == before["shapes"]
    assert after["extra"] == before["extra"]
    assert after["shapes"][-1]["label"] == before["shapes"][-1]["label"]
    assert place.versions("all.png")[-1].origin == "labelme"


def test_what_waits_is_taken_back_from_the_page(page: Page, served: Served) -> None:
    home = Home(served.workbench.folder / "home")
    request = LabelRequest("campus", "day", images=("day_0000.jpg",))
    hand_out(home, open_database(home), request, Labelme("", "6.3.1", frozenset()))
    page.goto(f"{served.origin}/data?project=1")
    waiting = page.locator(".wb-sessions")
    expect(waiting).to_contain_text("1 image of day waits to be taken back from labelme")
    page.locator("#wb-desktop-collect").click()
    page.get_by_role("dialog").get_by_role("button", name="Take back", exact=True).click()
    expect(waiting).to_be_hidden()
    assert list((home.path / "desktop").iterdir()) == []
