"""Tasks by command line, estimates and the trash; and what a command tells its task."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.home import Home
from tests.support.campus import make_campus
from tests.support.cli import TINY, Workbench
from training.engine.events import Event, read_events
from training.tasks.files import TaskCommand, TaskDirectory
from training.tasks.lifecycle import cancel_task, list_tasks, start_task
from workbench.cli.app import run
from workbench.cli.output import emit, fail, progress_bar, say, task_progress, telling
from workbench.cli.task import TaskOutlet
from workbench.cli.watch import Watcher

pytestmark = pytest.mark.xdist_group("cli-tasks")


@pytest.fixture
def directory(tmp_path: Path) -> TaskDirectory:
    directory = TaskDirectory(tmp_path / "1")
    directory.path.mkdir()
    command = TaskCommand(argv=("freeze",), title="Freeze", home=tmp_path, started_at=time.time())
    directory.command_file.write_text(command.model_dump_json())
    return directory


def test_progress_is_written_a_few_times_a_second_and_never_without_its_end(directory: TaskDirectory) -> None:
    outlet = TaskOutlet(directory)
    with telling(outlet), progress_bar() as progress:
        for done in range(1, 2001):
            progress(done, 2000, "files")
        for done in range(1, 500):
            progress(done, None, "images")
    outlet.end(0)
    told = [event.values for event in read_events(directory.events) if event.kind == "progress"]
    assert (told[0]["done"], told[0]["what"]) == (1, "files")
    assert [each["done"] for each in told if each["what"] == "files"][-1] == 2000
    assert (told[-1]["done"], told[-1]["what"]) == (499, "images")
    assert len(told) < 100
    assert task_progress() is None


def test_what_a_training_waits_for_is_the_progress_of_its_task(directory: TaskDirectory) -> None:
    outlet = TaskOutlet(directory)
    said = "A training (run 1) has the device; the estimate waits for it."
    with telling(outlet):
        Watcher(progress=task_progress())(Event("queued", 1, 0.0, {"text": said}))
    told = [event.values for event in read_events(directory.events) if event.kind == "progress"]
    assert told == [{"done": 0, "total": None, "what": said}]  # at once, as nothing else comes for hours
    outlet.end(0)


def test_a_command_prints_for_people_and_gives_its_object_to_the_task(
    directory: TaskDirectory, capsys: pytest.CaptureFixture[str]
) -> None:
    outlet = TaskOutlet(directory)
    with telling(outlet):
        emit({"masks": Path("/x"), "share": float("nan")}, as_json=True, show=lambda: say("2 masks"))
    outlet.end(0)
    assert capsys.readouterr().out == "2 masks\n"
    result = directory.result()
    assert result is not None
    assert (result.state, result.sentence, result.result) == ("finished", None, {"masks": "/x", "share": None})


def test_a_task_tells_of_files_whose_names_are_no_text(directory: TaskDirectory) -> None:
    outlet = TaskOutlet(directory)
    with telling(outlet):
        emit({"skipped": ["caf\udce9.jpg"], "caf\udce9": Path("caf\udce9")}, as_json=True, show=lambda: None)
        assert fail("No caf\udce9.jpg.", 2, as_json=True) == 2
    outlet.end(2)
    result = directory.result()
    assert result is not None
    assert (result.sentence, result.result) == (
        r"No caf\udce9.jpg.",
        {"skipped": [r"caf\udce9.jpg"], r"caf\udce9": r"caf\udce9"},
    )


@pytest.mark.parametrize(
    ("code", "asked", "state"),
    [(0, True, "finished"), (1, False, "failed"), (2, True, "cancelled"), (130, False, "cancelled")],
)
def test_how_a_task_ended_follows_from_its_exit_code(
    directory: TaskDirectory, code: int, asked: bool, state: str
) -> None:
    if asked:
        directory.cancel_flag.touch()
    directory.log.write_text("Reading.\nThe last line.\n\n")
    outlet = TaskOutlet(directory)
    outlet.end(code)
    result = directory.result()
    assert result is not None
    assert (result.state, result.exit_code) == (state, code)
    assert (result.sentence is None) == (code == 0)
    assert code == 0 or "The last line." in str(result.sentence)


def test_a_mistake_is_told_once_to_the_task_and_in_the_log(
    directory: TaskDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outlet = TaskOutlet(directory)
    with telling(outlet):
        code = run(["use", "nowhere", "--home", str(tmp_path / "home"), "--json"])
    outlet.end(code)
    said = capsys.readouterr()
    assert (code, said.out) == (2, "")
    result = directory.result()
    assert result is not None
    assert said.err == f"Error: {result.sentence}\n"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    make_campus(tmp_path, 4)
    yield Workbench(tmp_path)
    home = Home(tmp_path / "home")
    for task in list_tasks(home):  # leave no trainer behind, whatever failed
        if task.state == "running":
            cancel_task(home, task.id)


def test_listed_shown_read_cancelled_and_estimates_that_leave_nothing(bench: Workbench) -> None:
    home = Home(bench.folder / "home")
    found = bench.ask("train", *TINY, "--steps", 7, "--estimate")
    assert (found["steps"], found["precision"], found["device"]) == (7, "fp32", "cpu")
    assert found["seconds"] > 0
    assert found["images_per_second"] > 0
    assert bench.ask("runs")["runs"] == []

    assert bench.ask("tasks") == {"tasks": []}
    task = start_task(home, ["train", *TINY, "--steps", "1000000"], title="Train <b>")
    bench.wait_for_run(1, lambda run: run["state"] == "running")
    (listed,) = bench.ask("tasks")["tasks"]
    assert (listed["id"], listed["title"], listed["state"], listed["result"]) == (1, "Train <b>", "running", None)
    assert "Train <b>" in bench.run("tasks").out
    # Cancelling the command that watches a training lets the training save and end.
    cancelled = bench.ask("tasks", "cancel", task.id)
    assert cancelled["state"] == "cancelled"
    assert cancelled["result"]["state"] == "stopped"
    assert "workbench train --arch unet" in bench.run("tasks", "show", 1).out
    assert "step" in bench.run("tasks", "log", 1, "-f").out
    assert bench.ask("tasks", "log", 1)["state"] == "cancelled"
    for arguments in (("tasks", "cancel", 1), ("tasks", "show", 9), ("tasks", "log", 9)):
        refused = bench.run(*arguments)
        assert (refused.code, "Traceback" in refused.err) == (2, False)

    assert bench.ask("discard", "run", "unet") == {"discarded": [{"kind": "run", "name": "unet"}]}
    assert [(item["kind"], item["name"]) for item in bench.ask("trash")["items"]] == [("run", "1")]
    assert bench.run("resume", 1).code == 2
    assert bench.ask("trash", "restore", "run", 1)["restored"] == [{"kind": "run", "name": "1"}]
    assert [run["state"] for run in bench.ask("runs")["runs"]] == ["stopped"]
    assert bench.ask("trash") == {"items": []}
