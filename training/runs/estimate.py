"""What a training will take, measured before it is started."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

from db.errors import UserError
from db.files import explain_os_errors
from db.home import Home
from db.session import Database
from training.engine.events import Event
from training.engine.rundir import RunDirectory
from training.runs import process as run_process
from training.runs.creation import RunHandle, RunPlan
from training.runs.files import describe, events_of
from training.runs.lifecycle import sync


@dataclass(frozen=True)
class Estimate:
    """What a training will take, as measured on a throw-away copy of its network.

    Attributes:
        steps: optimiser steps in all.
        seconds: of the whole training.
        peak_memory: bytes; of the GPU where it trains on one.
        images_per_second: trained on.
        precision: of the forward pass.
        device: it was measured on, and will be trained on.
        images: trained on.
        validation_images: validated on.
        init: what the weights start from, in words.
    """

    steps: int
    seconds: float
    peak_memory: int
    images_per_second: float
    precision: str
    device: str
    images: int
    validation_images: int
    init: str


def estimate(home: Home, database: Database, run: RunHandle, on_event: Callable[[Event], None]) -> Estimate:
    """Settle everything about a run and measure it, without training; `launch` then goes on from there.

    Raises:
        UserError: the run cannot be prepared; says why.
    """
    try:
        return _measure(run.directory, on_event)
    finally:
        sync(home, database)


def estimate_plan(plan: RunPlan, on_event: Callable[[Event], None]) -> Estimate:
    """Measure a training that nobody has started, on a run of which nothing stays: no number, no row, no file.

    Its data are packed as for the training itself, which then finds that done.

    Args:
        plan: from `training.runs.creation.plan_run`.
        on_event: told every event of the preparation.

    Raises:
        UserError: it cannot be prepared; says why.
    """
    with explain_os_errors(Path(gettempdir())), TemporaryDirectory(prefix="workbench-estimate-") as folder:
        directory = Path(folder) / "run"
        RunDirectory(directory).create(plan.command, plan.images)
        return _measure(directory, on_event)


def _measure(directory: Path, on_event: Callable[[Event], None]) -> Estimate:
    child = run_process.start(directory, prepare_only=True)
    run_process.watch(child, directory, on_event)
    started = [event for event in events_of(directory) if event.kind == "started"]
    if not started:
        state, figures = describe(directory)
        if state == "stopped":
            raise UserError("Measuring was stopped before it was done.")
        raise UserError(figures.get("sentence") or "The training could not be prepared; see its log.")
    values: Any = started[-1].values
    recipe = RunDirectory(directory).command().recipe
    return Estimate(
        steps=values["steps"],
        seconds=values["seconds"],
        peak_memory=values["peak_memory"],
        images_per_second=recipe.batch * recipe.accumulate / values["seconds_per_step"],
        precision=values["precision"],
        device=values["device"],
        images=values["images"],
        validation_images=values["validation_images"],
        init=values["init"],
    )
