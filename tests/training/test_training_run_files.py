"""What a run's directory says of it, however long it has been going on, and what Ctrl-C does to its trainer."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, cast

import pytest

from db.locks import hold
from tests.support.runs import make_run, tiny_recipe
from training.engine.events import Event, EventWriter, events_at_end
from training.engine.rundir import RunDirectory
from training.runs import files as run_files
from training.runs import process as run_process
from training.runs.files import TAIL_BYTES, describe
from training.runs.series import run_series


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return make_run(tmp_path, tiny_recipe(), train=1, val=0)


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_a_run_nobody_started_waits_to_be_started(run: RunDirectory) -> None:
    age(run.path, 3600)
    state, figures = describe(run.path)
    assert state == "queued"
    assert "workbench resume" in figures["sentence"]


def test_a_trainer_that_died_before_it_said_anything_was_killed(run: RunDirectory) -> None:
    run.log.touch()
    assert describe(run.path)[0] == "queued"
    age(run.log, 3600)
    state, figures = describe(run.path)
    assert state == "interrupted"
    assert "killed" in figures["sentence"]


def test_what_is_prepared_and_that_it_is_to_stop_is_known_while_it_lives(run: RunDirectory) -> None:
    with EventWriter(run.events) as writer:
        writer.write("attempt", pid=1, host="here")
        writer.write("preparing", done=3, total=60, what="photos packed")
        with hold(run.lock, wait=False):
            state, figures = describe(run.path)
            assert (state, figures.get("stopping")) == ("preparing", None)
            assert figures["preparing"].pop("since") == pytest.approx(time.time(), abs=60)
            assert figures["preparing"] == {"done": 3, "total": 60, "what": "photos packed"}
            writer.write("started", step=0, steps=900, init="scratch", images=4)
            run.stop_flag.touch()
            state, figures = describe(run.path)
            assert (state, figures["stopping"], figures.get("preparing")) == ("running", True, None)
    assert "stopping" not in describe(run.path)[1]


def test_a_damaged_result_is_told_and_hides_no_other_run(run: RunDirectory) -> None:
    run.log.touch()
    run.result_file.write_text('{"state": "stopped"}')
    state, figures = describe(run.path)
    assert state == "failed"
    assert f"{run.result_file} is damaged" in figures["sentence"]


def test_a_long_run_does_not_forget_its_start_and_its_best(run: RunDirectory) -> None:
    writer = EventWriter(run.events)
    for init in ("scratch", "imagenet"):
        writer.write("started", step=0, steps=900, init=init, images=4)
    for step, miou in ((10, 0.5), (20, 0.7), (30, 0.6)):
        writer.write("validation", step=step, miou=miou, best=miou != 0.6)
    shown = dict.fromkeys(("steps", "images_per_second", "data_wait_share", "eta", "loss", "train_miou"), 1)
    step = 30
    while run.events.stat().st_size < 3 * TAIL_BYTES:
        step += 1
        writer.write("step", step=step, **shown)
    writer.close()
    figures = describe(run.path)[1]
    assert (figures["init"], figures["best_step"], figures["best_miou"], figures["step"]) == ("imagenet", 20, 0.7, step)


def test_what_another_version_tells_otherwise_is_left_out(run: RunDirectory) -> None:
    with EventWriter(run.events) as writer:
        writer.write("started", step=0, steps=900, init="scratch", images=4)
        for kind in ("started", "step", "validation", "preparing", "end"):
            writer.write(kind, told="otherwise")
        writer.write("validation", step=10, miou=0.5, pa=0.9, iou=[0.5], best=True)
    figures = describe(run.path)[1]
    assert (figures["steps"], figures["best_step"], figures["miou"]) == (900, 10, 0.5)
    assert [point.step for point in run_series(run.path).validations] == [10]


def test_events_are_read_once_as_long_as_nothing_is_new(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []

    def read(path: Path, size: int) -> tuple[list[Event], int]:
        reads.append(path)
        return events_at_end(path, size)

    monkeypatch.setattr(run_files, "events_at_end", read)
    writer = EventWriter(run.events)
    for init in ("scratch", "imagenet"):
        writer.write("started", step=0, steps=900, init=init, images=4)
        figures = [describe(run.path)[1] for _ in range(3)]
        assert [each["init"] for each in figures] == [init] * 3
        figures[0].clear()  # what one caller does with it is no other one's business
    writer.close()
    assert len(reads) == 2


class Child:
    """A trainer that ends some looks later."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.killed = False

    def poll(self) -> int | None:
        self.looks -= 1
        return None if self.looks >= 0 and not self.killed else 75

    def kill(self) -> None:
        self.killed = True


@pytest.mark.parametrize(("presses", "killed"), [(1, False), (2, True)])
def test_only_the_second_ctrl_c_kills_whoever_else_asked_to_stop(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, presses: int, killed: bool
) -> None:
    run.stop_flag.touch()  # `workbench stop`, from elsewhere
    left = presses

    def sleep(seconds: float) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise KeyboardInterrupt

    monkeypatch.setattr("training.runs.process.time.sleep", sleep)
    child = Child(looks=5)
    assert run_process.watch(cast("Any", child), run.path, lambda event: None) == 75
    assert child.killed is killed
