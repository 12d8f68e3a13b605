"""Exporting a dataset through the server: what is asked, the task that does it, the zip, and what is refused."""

import io
import time
import zipfile

import pytest

from labeling.exporting.request import ExportRequest
from labeling.projects import list_projects
from tests.support.labelled_home import make_place
from tests.support.labelme_folder import make_folder
from tests.support.server import serve, visitor
from training.tasks.lifecycle import find_task
from workbench.cli.commands_export import export_argv

PATIENCE = 120.0


@pytest.fixture
def place(tmp_path):
    place = make_place(tmp_path / "home")
    place.run_import(make_folder(tmp_path / "campus", ["day/a", "b"]), dataset="räum <b>", project="-campus")
    return place


@pytest.fixture
def root(place):
    (project,) = list_projects(place.database)
    return f"/api/projects/{project.id}/dataset-exports"


@pytest.fixture
def client(place):
    with visitor(serve(place.home)) as client:
        yield client


def wait(place, task):
    deadline = time.monotonic() + PATIENCE
    while find_task(place.home, task).state == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_dataset_is_exported_by_a_task_downloaded_and_deleted(place, client, root):
    started = client.post(root, json={"dataset": "räum <b>", "format": "voc", "masks": "colors"})
    assert started.status_code == 200, started.text
    wait(place, started.json()["id"])
    (export,) = client.get(root).json()["exports"]
    assert (export["state"], export["report"]["images"], export["sentence"]) == ("finished", 2, None)
    assert str(place.home.path) not in client.get(root).text
    answer = client.get(f"{root}/{export['id']}/zip")
    assert 'filename="r-um-b-voc.zip"' in answer.headers["Content-Disposition"]
    names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
    assert {"JPEGImages/day/a.png", "SegmentationClass/day/a.png", "labelmap.txt"} <= set(names)
    assert not any(part.startswith(".") for name in names for part in name.split("/"))
    assert client.delete(f"{root}/{export['id']}").status_code == 204
    assert client.get(root).json()["exports"] == []
    assert client.get(f"{root}/{export['id']}/zip").status_code == 404


def test_the_command_is_told_that_does_the_same(client, root):
    wanted = {"dataset": "räum <b>", "format": "coco", "objects": "pixels", "photos": "none", "on": "val"}
    command = client.post(f"{root}/command", json=wanted).json()["command"]
    assert command.startswith("workbench export dataset")
    assert "'--dataset=räum <b>' --format=coco --to=r-um-b-coco --on=val --photos=none --objects=pixels" in command
    assert "--project=-campus" in command


@pytest.mark.parametrize(
    ("wanted", "status", "words"),
    [
        ({"dataset": "nope", "format": "voc"}, 404, "no dataset"),
        ({"dataset": "räum <b>", "format": "tiff"}, 400, "format"),
        ({"dataset": "räum <b>", "format": "voc", "objects": "pixels"}, 400, "--objects says nothing"),
        ({"dataset": "räum <b>", "format": "voc", "to": "/etc"}, 400, "to"),
        ({"dataset": "räum <b>", "format": "voc", "photos": "link"}, 400, "photos"),
    ],
)
def test_what_cannot_be_exported_is_refused_before_a_task_begins(client, root, wanted, status, words):
    answer = client.post(root, json=wanted)
    assert answer.status_code == status
    assert words in answer.json()["error"]
    assert client.get(root).json()["exports"] == []


def test_an_export_of_another_project_is_not_there(place, client, root):
    assert client.get(root.replace("/1/", "/99/")).status_code == 404


def test_the_words_of_the_command_say_only_what_is_not_usual(tmp_path):
    request = ExportRequest("yolo", "day", tmp_path, project="p")
    assert export_argv(request) == [
        *("export", "dataset", "--dataset=day", "--format=yolo", f"--to={tmp_path}", "--project=p")
    ]
