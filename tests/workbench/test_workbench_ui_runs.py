"""Runs as their pages ask for them: the list with its trash, the recipe as used, exports with their check."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from db.home import Home
from db.locks import hold
from db.schema import Project
from db.session import open_database
from tests.support.runs import make_run, run_row, tiny_recipe
from tests.support.server import serve, visitor
from training.engine.attempt import attempt
from training.engine.rundir import RunDirectory
from training.tasks.files import TaskCommand, TaskDirectory, TaskResult, describe_task

NAME = "<script>alert(1)</script> ${x} \u202e"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a project of two runs: 1 is finished, 2 was never started."""
    home = Home(tmp_path_factory.mktemp("runs") / "home")
    home.ensure()
    with open_database(home).write() as session:
        session.add(Project(id=4, name="-p"))
    for number in (1, 2):
        recipe = tiny_recipe(steps="4", **{"validation.every_steps": "2", "augment.flip": "0"})
        make_run(home.path, recipe, train=4, val=2, name=str(number), on="day")
        with open_database(home).write() as session:
            session.add(run_row(number, NAME))
    assert attempt(home.runs / "1") == 0
    return home


@pytest.fixture
def client(trained: Home) -> TestClient:
    return visitor(serve(trained))


def test_the_list_is_paged_newest_first(client: TestClient) -> None:
    found = client.get("/api/projects/4/runs").json()
    assert ([run["run"] for run in found["runs"]], found["total"], found["trash"]) == ([2, 1], 2, [])
    second = client.get("/api/projects/4/runs?offset=1&limit=1").json()
    (run,) = second["runs"]
    assert (run["run"], run["name"], run["state"], run["steps"]) == (1, NAME, "finished", 4)
    assert 0 <= run["best"]["miou"] <= 1
    assert "checkpoint" not in run
    assert client.get("/api/projects/9/runs").status_code == 404


def test_the_recipe_as_used_marks_what_was_changed(client: TestClient, trained: Home) -> None:
    answer = client.get("/api/runs/1/details")
    details = answer.json()["details"]
    used = {each["key"]: each for group in details["groups"] for each in group["settings"]}
    assert (details["recipe"], details["on"], details["device"]) == ("default", "day", "cpu")
    assert used["augment.flip"] == {"key": "augment.flip", "value": 0.0, "changed": True}
    assert used["augment.jitter"] == {"key": "augment.jitter", "value": 0.2, "changed": False}
    assert used["options.width"]["changed"]
    assert (details["settled"]["precision"], details["settled"]["validation_images"]) == ("fp32", 2)
    assert str(trained.path) not in answer.text
    assert client.get("/api/runs/2/details").json()["details"]["settled"] is None


def test_a_run_goes_to_the_trash_and_comes_back(client: TestClient, trained: Home) -> None:
    with hold(RunDirectory(trained.runs / "2").lock, wait=False):
        refused = client.post("/api/runs/2/discard")
    assert (refused.status_code, "Stop it first" in refused.json()["error"]) == (400, True)
    assert client.post("/api/runs/2/discard").json() == {"run": 2, "discarded": True}
    after = client.get("/api/projects/4/runs").json()
    assert [run["run"] for run in after["runs"]] == [1]
    assert [(run["run"], run["name"]) for run in after["trash"]] == [(2, NAME)]
    assert client.get("/api/runs/2/details").status_code == 404
    assert client.post("/api/projects/4/runs/2/restore").json()["run"] == 2
    assert client.get("/api/projects/4/runs").json()["trash"] == []


def test_checkpoints_can_be_kept(client: TestClient, trained: Home) -> None:
    best = client.get("/api/runs/1/checkpoints/best")
    assert best.content == RunDirectory(trained.runs / "1").best.read_bytes()
    assert "run-1-best.pt" in best.headers["content-disposition"]
    for path in ("2/checkpoints/best", "1/checkpoints/first", "1/checkpoints/..%2fcommand.json"):
        assert client.get(f"/api/runs/{path}").status_code in (400, 404)


def test_an_export_is_a_task_whose_check_is_told(
    client: TestClient, trained: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = client.post("/api/runs/2/export", json={})
    assert (asked.status_code, "no best checkpoint" in asked.json()["error"]) == (404, True)
    assert client.post("/api/runs/1/export", json={"format": "exe"}).status_code == 400

    def start(home: Home, argv: list[str], **about: object) -> object:
        directory = TaskDirectory(home.path / "tasks" / "1")
        directory.path.mkdir(parents=True)
        command = TaskCommand(argv=tuple(argv), title="t", home=home.path, started_at=1e9)
        directory.command_file.write_text(command.model_dump_json())
        with hold(directory.lock, wait=False):
            return describe_task(directory)

    monkeypatch.setattr("training.runs.exports.start_task", start)
    assert client.post("/api/runs/1/export", json={"checkpoint": "last", "format": "bundle"}).status_code == 200
    directory = TaskDirectory(trained.path / "tasks" / "1")
    argv = directory.command().argv
    assert argv[:5] == ("export", "weights", "1:last", "--project=-p", "--format=bundle")
    path = Path(argv[5].removeprefix("--to="))
    assert path.parent == trained.path / "exports" / "4"
    assert path.name == "script-alert-1--script-x--1-last.bundle.safetensors"
    (writing,) = client.get("/api/runs/1/exports").json()["exports"]
    assert (writing["state"], writing["file"], writing["check"]) == ("interrupted", None, None)

    path.write_bytes(b"weights")
    report = {
        "path": str(path),
        "sha256": "ab",
        "max_abs_difference": 0.0,
        "argmax_agreement": 1.0,
        "images_checked": 2,
    }
    directory.finish(TaskResult(state="finished", exit_code=0, ended_at=2e9, result=report))
    answer = client.get("/api/runs/1/exports")
    (done,) = answer.json()["exports"]
    assert (done["model"], done["format"], done["file"]) == ("1:last", "bundle", {"name": path.name, "size": 7})
    del report["path"]
    assert done["check"] == report
    assert str(trained.path) not in json.dumps(answer.json())
    assert client.get(f"/api/projects/4/exports/{path.name}").content == b"weights"

    path.unlink()
    (gone,) = client.get("/api/runs/1/exports").json()["exports"]
    assert (gone["state"], gone["file"], gone["check"]) == ("finished", None, None)
    assert client.get("/api/runs/2/exports").json()["exports"] == []
