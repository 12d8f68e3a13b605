"""A run's curves: read on from where one was, never zigzagging, thinned without losing a peak."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.support.runs import make_run, tiny_recipe
from training.engine.events import EventWriter
from training.engine.rundir import RunDirectory
from training.runs.series import StepPoint, run_series, thin


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return make_run(tmp_path, tiny_recipe(), train=1, val=0)


STARTED: dict[str, Any] = {
    **{"steps": 100, "init": "scratch", "images": 4, "validation_images": 2, "device": "cpu", "precision": "fp32"},
    **{"channels_last": False, "threads": 1, "seconds": 9.0, "peak_memory": 2**30, "data": "Read."},
}


def begin(run: RunDirectory, step: int = 0) -> EventWriter:
    writer = EventWriter(run.events)
    writer.write("attempt", pid=1, host="here")
    writer.write("started", step=step, **STARTED)
    return writer


def tell(writer: EventWriter, steps: range, loss: float = 1.0) -> None:
    for step in steps:
        rest = {"eta": 1.0, "data_wait_share": 0.0, "seconds_per_step": 0.1, "memory": 1}
        writer.write("step", step=step, steps=100, loss=loss, lr=0.1, train_miou=0.5, images_per_second=9.0, **rest)


def validate(writer: EventWriter, step: int, miou: float) -> None:
    writer.write("validation", step=step, miou=miou, pa=0.9, iou=[miou, None], best=True, seconds=1.0)


def test_a_second_look_gives_only_what_is_new(run: RunDirectory) -> None:
    assert run_series(run.path).position == 0
    writer = begin(run)
    tell(writer, range(1, 4))
    validate(writer, 3, 0.25)
    first = run_series(run.path)
    assert [point.step for point in first.steps] == [1, 2, 3]
    assert first.validations[0].iou == (0.25, None)
    assert [message.kind for message in first.messages] == ["started"]
    assert "step 0 of 100" in first.messages[0].text
    again = run_series(run.path, first.position)
    assert (again.position, again.steps, again.rewind) == (first.position, [], None)
    tell(writer, range(4, 6))
    writer.write("warning", text="Take <b>care</b>.")
    new = run_series(run.path, first.position)
    assert [point.step for point in new.steps] == [4, 5]
    assert new.messages[0].text.endswith("Take <b>care</b>.")
    assert new.figures["step"] == 5
    writer.close()


def test_what_a_resumed_trainer_says_of_a_step_supersedes_what_a_killed_one_said(run: RunDirectory) -> None:
    writer = begin(run)
    tell(writer, range(1, 9), loss=1.0)
    validate(writer, 4, 0.1)
    validate(writer, 8, 0.2)
    writer.close()
    known = run_series(run.path).position
    writer = begin(run, step=5)
    tell(writer, range(7, 10, 2), loss=2.0)
    validate(writer, 8, 0.3)
    writer.close()

    whole = run_series(run.path)
    assert [(point.step, point.loss) for point in whole.steps] == [*((s, 1.0) for s in range(1, 6)), (7, 2.0), (9, 2.0)]
    assert [(point.step, point.miou) for point in whole.validations] == [(4, 0.1), (8, 0.3)]
    new = run_series(run.path, known)
    assert (new.rewind, [point.step for point in new.steps]) == (5, [7, 9])
    values = new.to_json()
    assert values["steps"]["step"] == [7, 9]
    assert set(values["steps"]) == {"step", "loss", "lr", "train_miou", "images_per_second"}
    assert values["validations"][0]["iou"] == [0.3, None]


def test_thinning_keeps_both_ends_and_every_peak_and_valley() -> None:
    points = [StepPoint(step, 1.0 + step % 3 / 10, 0.1, None, 9.0) for step in range(1, 50_001)]
    points[20_000] = StepPoint(20_001, 99.0, 0.1, None, 9.0)
    points[30_000] = StepPoint(30_001, 0.001, 0.1, None, 9.0)
    points[40_000] = StepPoint(40_001, None, 0.1, None, 9.0)
    kept = thin(points, 1000)
    assert 900 <= len(kept) <= 1002
    assert [kept[0], kept[-1]] == [points[0], points[-1]]
    assert {points[20_000], points[30_000]} <= set(kept)
    assert [point.step for point in kept] == sorted({point.step for point in kept})
    gaps = [b.step - a.step for a, b in pairwise(kept)]
    assert max(gaps) <= 200
    assert thin(points[:1000], 1000) == points[:1000]
