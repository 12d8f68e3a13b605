"""History, trash and storage as the pages ask for them."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from db.errors import NotFoundError
from labeling.projects import trash_project
from tests.support.labelled_home import Place, make_place
from tests.support.labelme_folder import make_folder, rectangle, write_labels
from tests.support.server import serve, visitor
from workbench.ui.pages import data_images, data_roles, projects


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """day/a.png in two versions, day/b.png in one."""
    place = make_place(tmp_path / "home")
    folder = make_folder(tmp_path / "day", ["a", "b"])
    place.run_import(folder, project="campus")
    write_labels(folder / "a.png", [rectangle("car", 3, 3, 20, 20)])
    place.run_import(folder)
    return place


@pytest.fixture
def client(place: Place) -> TestClient:
    return visitor(serve(place.home))


def versions(client: TestClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/api/projects/1/images/1/versions").json()["versions"]
    return found


def pixels(client: TestClient, number: int, version: str) -> np.ndarray:
    answer = client.get(f"/api/projects/1/images/1/versions/{number}/map", params={"size": 0, "v": version})
    assert "immutable" in answer.headers["cache-control"]
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def test_versions_are_shown_and_gone_back_to_unless_somebody_saved_meanwhile(client: TestClient) -> None:
    newest, first = versions(client)
    differing = pixels(client, 2, newest["map_version"]) != pixels(client, 1, first["map_version"])
    assert differing.sum() == newest["changed"] > 0
    restore = "/api/projects/1/images/1/versions/1/restore"
    for head in (first["id"], 99):
        refused = client.post(restore, json={"head": head})
        assert (refused.status_code, "somebody else" in refused.json()["error"]) == (400, True)
    answer = client.post(restore, json={"head": newest["id"]}).json()
    assert answer["version"] == 3
    assert client.get("/api/projects/1/gallery").json()["images"][0]["map_version"] == answer["map_version"]
    assert client.get("/api/projects/1/images/1/versions/9/map").status_code == 404
    assert client.get("/api/projects/2/images/1/versions").status_code == 404


def test_what_is_deleted_in_the_pages_is_restored_there(place: Place, client: TestClient) -> None:
    services = serve(place.home)
    data_images.discard(services, 1, {"images": [2]})
    data_images.discard(services, 2, {"images": [1]})
    assert [image["id"] for image in client.get("/api/projects/1/gallery").json()["images"]] == [1]
    (item,) = projects.content(services)["trash"]
    assert (item["project"], item["kind"], item["name"]) == ("campus", "image", "day/b.png")
    projects.take_out(services, item)
    with pytest.raises(NotFoundError):
        projects.take_out(services, item)
    data_roles.act(services, 1, "discard_dataset", {"dataset": "day"})
    assert client.get("/api/projects/1/datasets").json()["datasets"] == []
    (item,) = projects.content(services)["trash"]
    assert (item["kind"], item["name"]) == ("dataset", "day")
    trash_project(services.database, "campus")
    (item,) = projects.content(services)["trash"]
    assert (item["project"], item["kind"], item["name"]) == (None, "project", "campus")
    projects.take_out(services, item)
    assert [card["name"] for card in projects.content(services)["cards"]] == ["campus"]


def ended(client: TestClient, task: int) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        state: str = client.get(f"/api/tasks/{task}").json()["state"]
        if state != "running":
            return state
        time.sleep(0.1)
    raise AssertionError("the task does not end")


def test_a_backup_is_made_and_deleted_and_a_check_tells_what_it_found(place: Place, client: TestClient) -> None:
    assert ended(client, client.post("/api/storage/backup").json()["id"]) == "finished"
    (backup,) = client.get("/api/storage").json()["backups"]
    assert str(place.home.path) not in client.get("/api/storage").text
    assert client.delete("/api/storage/backups/..%2Fworkbench.db").status_code == 404
    assert client.delete(f"/api/storage/backups/{backup['name']}").status_code == 200
    assert client.get("/api/storage").json()["backups"] == []
    place.store.path(place.image("a.png").sha256).unlink()
    task = client.post("/api/storage/doctor", json={}).json()["id"]
    ended(client, task)
    found = client.get(f"/api/storage/doctor/{task}").json()["report"]
    assert (found["clean"], found["findings"][0]["severity"]) == (False, "error")
    assert client.get("/api/storage/doctor/1").status_code == 404
