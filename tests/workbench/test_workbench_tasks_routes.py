"""Tasks and runs as the pages ask for them: the tray, logs, curves, samples, downloads; and what is refused."""

from __future__ import annotations

import time
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from db.home import Home
from db.locks import hold
from db.schema import Project
from db.session import open_database
from labeling.maps import read_map_png
from tests.support.runs import CLASSES, make_run, run_row, tiny_recipe
from tests.support.server import serve, visitor
from training.engine.attempt import attempt
from training.engine.rundir import RunDirectory
from training.models.exports import new_export_path
from training.tasks.files import TaskCommand, TaskDirectory, TaskResult
from training.tasks.lifecycle import find_task
from workbench.server import tray

NAME = "<script>alert(1)</script> ${x}"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with a finished run (1), one nobody started (2), and one in the trash's place: none."""
    home = Home(tmp_path_factory.mktemp("tasks") / "home")
    home.ensure()
    with open_database(home).write() as session:
        session.add(Project(id=4, name="-p"))
    for number in (1, 2):
        recipe = tiny_recipe(steps="6", **{"validation.every_steps": "3"})
        run = make_run(home.path, recipe, train=4, val=5, name=str(number), colors=("#111111", "#222222", "#333333"))
        with open_database(home).write() as session:
            session.add(run_row(number, NAME))
        if number == 1:
            run.log.write_text("eins\nzwei\n")
            assert attempt(run.path) == 0
    return home


@pytest.fixture
def client(home: Home) -> TestClient:
    return visitor(serve(home))


def make_task(home: Home, number: int, *, ended: float | None = None) -> TaskDirectory:
    directory = TaskDirectory(home.path / "tasks" / str(number))
    directory.path.mkdir(parents=True)
    command = TaskCommand(
        argv=("freeze", "--project", NAME), title=NAME, home=home.path, project_id=4, link="/data", started_at=1e9
    )
    directory.command_file.write_text(command.model_dump_json())
    directory.log.write_text("frozen\n")
    if ended is not None:
        directory.finish(TaskResult(state="finished", exit_code=0, ended_at=ended, result={"revision": "ab"}))
    return directory


def test_the_tray_shows_what_goes_on_and_what_ended_lately(
    home: Home, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tray, "FRESH_SECONDS", 600.0)
    make_task(home, 1, ended=time.time() - 2 * tray.RECENT_SECONDS)
    make_task(home, 2, ended=time.time() - 5)
    live = make_task(home, 3)
    with hold(live.lock, wait=False), hold(RunDirectory(home.runs / "2").lock, wait=False):
        entries = client.get("/api/tasks").json()["tasks"]
        shown = [(entry["kind"], entry["id"], entry["state"]) for entry in entries]
        assert set(shown[:2]) == {("run", 2, "preparing"), ("task", 3, "running")}
        assert set(shown[2:]) == {("run", 1, "finished"), ("task", 2, "finished")}
        task = next(entry for entry in entries if entry["id"] == 3)
        assert (task["title"], task["link"], task["project_id"]) == (NAME, "/data", 4)
        assert task["command"].startswith("workbench freeze --project '<script>")
        run = next(entry for entry in entries if (entry["kind"], entry["id"]) == ("run", 1))
        assert (run["title"], run["link"]) == (f"Training {NAME}", "/project/4/run/1")
        assert run["progress"] == {"done": 6, "total": 6, "what": "steps"}
        assert set(run) - set(task) == {"images_per_second", "stopping"}

        # However many pages ask at once, it is looked up once.
        monkeypatch.setattr(tray, "recent_runs", None)
        assert client.get("/api/tasks").json()["tasks"] == entries

    found = client.get("/api/tasks/2").json()
    assert (found["state"], found["result"], found["argv"][0]) == ("finished", {"revision": "ab"}, "freeze")
    assert client.get("/api/tasks/2/log").json() == {"text": "frozen\n", "position": 7, "start": 0, "ended": True}
    refused = client.post("/api/tasks/2/cancel")
    assert (refused.status_code, "finished, not running" in refused.json()["error"]) == (400, True)
    for path in ("/api/tasks/77", "/api/tasks/0", "/api/tasks/77/log"):
        assert client.get(path).status_code == 404
    assert client.get("/api/tasks/..%2f1").status_code in (400, 404)


def test_curves_and_log_of_a_run(client: TestClient) -> None:
    run = client.get("/api/runs/1").json()
    assert (run["run"], run["name"], run["checkpoints"]) == (1, NAME, ["best", "last"])
    assert [row["name"] for row in run["classes"]] == list(CLASSES)
    whole = client.get("/api/runs/1/series").json()
    assert (whole["state"], whole["steps"]["step"][-1]) == ("finished", 6)
    assert [point["step"] for point in whole["validations"]] == [3, 6]
    assert len(whole["validations"][0]["iou"]) == len(CLASSES)
    assert whole["messages"][-1]["kind"] == "end"
    rest = client.get(f"/api/runs/1/series?after={whole['position']}").json()
    assert (rest["position"], rest["steps"]["step"], rest["rewind"]) == (whole["position"], [], None)
    log = client.get("/api/runs/1/log?from=5").json()
    assert log["text"] == "zwei\n"
    assert log["ended"]
    for path in ("", "/series", "/log", "/samples"):
        assert client.get(f"/api/runs/9{path}").status_code == 404


def test_samples_lie_over_their_photo_pixel_by_pixel(client: TestClient) -> None:
    samples = client.get("/api/runs/1/samples").json()
    assert samples["steps"] == [3, 6]
    assert samples["classes"][2] == {"name": "wall", "color": "#333333"}
    numbers = [image["n"] for image in samples["images"]]
    assert len(numbers) == 4
    for layer in ("photo", "truth", "prediction"):
        answer = client.get(f"/api/runs/1/samples/6/{numbers[1]}/{layer}?size=0")
        assert (answer.status_code, answer.headers["x-content-type-options"]) == (200, "nosniff")
        if layer == "photo":
            assert answer.headers["content-type"] == "image/jpeg"
            assert Image.open(BytesIO(answer.content)).size == (32, 24)
        else:
            assert answer.headers["content-type"] == "image/png"
            pixels = read_map_png(answer.content)
            assert pixels.shape == (24, 32)
            assert set(np.unique(pixels)) <= {0, 1, 2, 255}
        again = client.get(answer.request.url, headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
    for path in ("5/0/prediction", "6/99/photo"):
        assert client.get(f"/api/runs/1/samples/{path}").status_code == 404
    for path in ("6/0/../prediction", f"6/{numbers[0]}/lock", f"6/{numbers[0]}/photo?size=33"):
        assert client.get(f"/api/runs/1/samples/{path}").status_code in (400, 404)


def test_stopping_and_resuming_are_tasks_and_what_makes_no_sense_is_refused_at_once(
    home: Home, client: TestClient
) -> None:
    for path, words in (("1/stop", "finished, not running"), ("1/resume", "is finished"), ("9/stop", "no run 9")):
        refused = client.post(f"/api/runs/{path}")
        assert (refused.status_code in (400, 404), words in refused.json()["error"]) == (True, True)
    started = client.post("/api/runs/2/resume").json()
    assert (started["kind"], started["state"], started["link"]) == ("task", "running", "/project/4/run/2")
    deadline = time.monotonic() + 240
    while find_task(home, started["id"]).state == "running" and time.monotonic() < deadline:
        time.sleep(0.1)
    task = find_task(home, started["id"])
    assert (task.state, task.result["run"]) == ("finished", 2), task.sentence
    while client.get("/api/runs/2").json()["state"] != "finished" and time.monotonic() < deadline:
        time.sleep(0.1)
    assert client.get("/api/runs/2").json()["steps"] == 6
    shown = {(entry["kind"], entry["id"]) for entry in visitor(serve(home)).get("/api/tasks").json()["tasks"]}
    assert ("run", 2) in shown
    assert ("task", started["id"]) not in shown  # one entry for one start


def test_exported_weights_are_downloaded_by_a_name_that_is_looked_up(home: Home, client: TestClient) -> None:
    assert client.get("/api/projects/4/exports").json() == {"exports": []}
    path = new_export_path(home, 4, "1:best", "onnx")
    path.write_bytes(b"weights")
    second = new_export_path(home, 4, "1:best", "onnx")
    assert (path.name, second.name) == ("1-best.onnx", "1-best-2.onnx")
    assert new_export_path(home, 4, "../../x y.safetensors", "bundle").parent == path.parent
    (path.parent / "link").symlink_to(home.database)
    (listed,) = client.get("/api/projects/4/exports").json()["exports"]
    assert (listed["name"], listed["size"]) == ("1-best.onnx", 7)
    answer = client.get("/api/projects/4/exports/1-best.onnx")
    assert (answer.content, answer.headers["content-type"]) == (b"weights", "application/octet-stream")
    assert answer.headers["content-disposition"].startswith("attachment")
    for name in ("link", "..%2f..%2fworkbench.db", "%2e%2e", "none"):
        assert client.get(f"/api/projects/4/exports/{name}").status_code == 404
    assert client.get("/api/projects/5/exports").status_code == 404
