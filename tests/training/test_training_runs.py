"""Runs seen from outside: created, started, waiting, stopped, resumed, listed; each trainer a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from db.errors import UserError
from db.home import Home
from db.schema import Run
from db.session import Database, open_database
from labeling.importing.request import ImportRequest
from labeling.importing.run import import_dataset
from tests.support.runs import CLASSES, paint
from training.engine.narrate import sentence
from training.engine.rundir import RunDirectory
from training.runs import estimate as run_estimate
from training.runs import lifecycle as runs
from training.runs.lifecycle import RunHandle, TrainRequest
from training.runs.trash import discard_run

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "options.width": "4",
    "options.levels": "2",
    "batch": "2",
    "crop": "16x16",
    "steps": "12",
    "checkpoint_every": "5",
    "precision": "fp32",
    "channels_last": "false",
    "init": "scratch",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home with one dataset of painted photos, `val` apart."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    home = Home(tmp_path / "home")
    home.ensure()
    database = open_database(home)
    classes = tmp_path / "labels.txt"
    classes.write_text("\n".join(CLASSES) + "\n")
    for role, count, seed in (("train", 6, 0), ("val", 3, 1)):
        source = tmp_path / f"painted-{role}"
        for photo in paint(tmp_path / "painted", count, seed=seed):
            for kind, path in (("images", photo.photo), ("masks", photo.class_map)):
                (source / kind).mkdir(parents=True, exist_ok=True)
                shutil.copy(path, source / kind / photo.name)
        request = ImportRequest(
            "masks",
            source,
            project="paint",
            dataset="bands",
            images=source / "images",
            masks=source / "masks",
            classes_file=classes,
            role=role,  # type: ignore[arg-type]
        )
        import_dataset(home, database, request)
    return home


@pytest.fixture
def database(home: Home) -> Database:
    return open_database(home)


def request(**settings: str) -> TrainRequest:
    return TrainRequest("unet", settings={**SETTINGS, **settings})


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def state(home: Home, database: Database, run: RunHandle) -> str:
    return runs.find_run(home, database, None, str(run.id)).state


def test_a_run_is_a_row_and_a_directory_before_it_trains(home: Home, database: Database) -> None:
    run = runs.create_run(home, database, request())
    command, images = RunDirectory(run.directory).command(), RunDirectory(run.directory).images()
    assert command.run == run.id
    assert command.classes == CLASSES
    assert (len(images.train), len(images.val)) == (6, 3)
    assert {photo.name.split("/")[0] for photo in images.train} == {"bands"}
    listed = runs.list_runs(home, database)
    assert [(info.id, info.state, info.name) for info in listed] == [(run.id, "queued", "unet")]


def test_in_the_foreground_it_tells_every_event_and_returns_the_end(home: Home, database: Database) -> None:
    run = runs.create_run(home, database, request())
    estimate = run_estimate.estimate(home, database, run, lambda event: None)
    assert estimate.steps == 12
    assert estimate.seconds > 0
    told: list[str] = []
    info = runs.launch(home, database, run, on_event=lambda event: told.append(event.kind))
    assert info.state == "finished", RunDirectory(run.directory).log.read_text()
    assert told[0] == "attempt"
    assert told[-1] == "end"
    values = info.to_json()
    assert (values["run"], values["state"], values["steps"]) == (run.id, "finished", 12)
    assert set(values) >= {"images_per_second", "data_wait_share", "best", "checkpoint", "init"}
    assert Path(values["checkpoint"]).name == "best.pt"
    assert values["best"]["miou"] is not None
    assert all(sentence(event) for event in runs.read_events(run.directory))
    log = list(runs.follow_log(run.directory, follow=True))
    assert any("finished: Trained 12 steps." in line for line in log)
    with pytest.raises(UserError, match=r"finished.*--init"):
        runs.resume_run(home, database, None, str(run.id))
    again = runs.create_run(home, database, request(init=str(run.id)))
    assert runs.launch(home, database, again).figures["init"].startswith(f"run {run.id}:best")


def test_one_trains_the_other_waits_both_can_be_stopped_and_resumed(home: Home, database: Database) -> None:
    long = request(steps="100000", checkpoint_every="50")
    first, second = (runs.create_run(home, database, long) for _ in range(2))
    runs.launch(home, database, first, detach=True)
    until(lambda: state(home, database, first) == "running")
    runs.launch(home, database, second, detach=True)
    until(lambda: any(event.kind == "queued" for event in runs.read_events(second.directory)))
    assert state(home, database, second) == "queued"
    assert f"run {first.id} has the device" in runs.find_run(home, database, None, str(second.id)).figures["sentence"]

    for run in (first, second):
        with pytest.raises(UserError, match="second trainer"):
            runs.resume_run(home, database, None, str(run.id))
    with pytest.raises(UserError, match="already running"):
        runs.launch(home, database, first)

    assert runs.stop_run(home, database, None, str(second.id)).state == "stopped"
    stopped = runs.stop_run(home, database, None, str(first.id))
    assert stopped.state == "stopped"
    assert stopped.checkpoint is not None
    runs.resume_run(home, database, None, str(first.id), detach=True)
    until(lambda: runs.find_run(home, database, None, str(first.id)).figures["step"] > stopped.figures["step"])

    attempt = [event for event in runs.read_events(first.directory) if event.kind == "attempt"][-1]
    os.kill(attempt.values["pid"], signal.SIGKILL)
    until(lambda: state(home, database, first) == "interrupted")
    with pytest.raises(UserError, match="not running"):
        runs.stop_run(home, database, None, str(first.id))
    discard_run(home, database, first)
    assert [info.id for info in runs.list_runs(home, database)] == [second.id]


def test_two_starts_at_once_train_once(home: Home, database: Database) -> None:
    run = runs.create_run(home, database, request())
    children = []
    for _ in range(2):
        # As two processes would that both found the run idle.
        children.append(subprocess.Popen([sys.executable, "-P", "-m", "training.engine", str(run.directory)]))
    assert sorted(child.wait(120) for child in children) == [0, 2]
    assert len([event for event in runs.read_events(run.directory) if event.kind == "attempt"]) == 1


def test_a_trainer_that_does_not_answer_is_killed(home: Home, database: Database) -> None:
    run = runs.create_run(home, database, request(steps="100000", checkpoint_every="100000"))
    runs.launch(home, database, run, detach=True)
    until(lambda: state(home, database, run) == "running")
    attempt = [event for event in runs.read_events(run.directory) if event.kind == "attempt"][-1]
    os.kill(attempt.values["pid"], signal.SIGSTOP)
    assert runs.stop_run(home, database, None, str(run.id), graces=(0.2, 0.2)).state == "interrupted"


def test_what_is_trained_on_is_never_validated_on(home: Home, database: Database) -> None:
    run = runs.create_run(home, database, TrainRequest("unet", on="all", settings=SETTINGS))
    images = RunDirectory(run.directory).images()
    assert (len(images.train), len(images.val)) == (9, 0)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (TrainRequest("fcn"), "no architecture 'fcn'"),
        (TrainRequest("unet", settings={"options.depth": "3"}), "depth"),
        (TrainRequest("unet", recipe="none"), "no recipe"),
        (TrainRequest("unet", on="dusk"), "'dusk'"),
        (TrainRequest("unet", datasets=("voc",)), "'voc'"),
        (TrainRequest("unet", revision="feed"), "No revision|no revision"),
        (TrainRequest("unet", settings={"init": "77"}), "no run 77"),
        (TrainRequest("unet", device="cuda:7"), "cuda:7"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_there_is_a_run(
    home: Home, database: Database, asked: TrainRequest, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        runs.create_run(home, database, asked)
    with database.read() as session:
        assert session.query(Run).count() == 0


def test_a_trainer_that_cannot_begin_says_why(
    home: Home, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = runs.create_run(home, database, request())
    broken = tmp_path / "broken" / "training" / "engine"
    broken.mkdir(parents=True)
    for package in (broken.parent, broken):
        (package / "__init__.py").touch()
    (broken / "__main__.py").write_text("raise SystemExit('libgomp.so.1: cannot open shared object file')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    with pytest.raises(UserError, match=r"ended with code 1 .*\n.*libgomp"):
        runs.launch(home, database, run)
