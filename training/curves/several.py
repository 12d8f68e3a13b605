"""Several runs side by side: their curves, and in words what they were asked to do differently."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import fmean
from typing import Any

from db.errors import UserError
from db.home import Home
from db.session import Database
from training.engine.rundir import RunDirectory
from training.recipe_form import recipe_values
from training.runs.lifecycle import RunInfo, find_run
from training.runs.series import Series, run_series

MOST = 20
"""Runs on one chart; more cannot be told apart."""
LOSSES = 120
"""Points of a loss curve: each is the mean over its stretch of the run, so that lines do not hide one another."""
_ALL = 10**9  # points: means are of all of them


@dataclass(frozen=True)
class Point:
    """A figure at a step, and after how many minutes of training (pauses left out)."""

    step: int
    minutes: float
    value: float


@dataclass(frozen=True)
class RunCurves:
    """A run among others.

    Attributes:
        run: its number.
        name: its name.
        architecture: its name.
        state: as `RunInfo.state`.
        differences: what it was asked that not all of the others were, in words: `batch 8`.
        loss: of training, the mean over stretches of the run.
        miou: of validation, fractions.
    """

    run: int
    name: str
    architecture: str
    state: str
    differences: tuple[str, ...]
    loss: tuple[Point, ...]
    miou: tuple[Point, ...]

    @property
    def label(self) -> str:
        """What tells it from the others; its name where nothing does."""
        return f"run {self.run}: " + (", ".join(self.differences) or self.name)

    @property
    def best(self) -> float | None:
        """The highest validation mIoU, None before the first."""
        return max((point.value for point in self.miou), default=None)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; points by column, as there are many."""
        lines = {
            name: {key: [getattr(point, key) for point in points] for key in ("step", "minutes", "value")}
            for name, points in (("loss", self.loss), ("miou", self.miou))
        }
        return {**vars(self), **lines, "label": self.label, "best": self.best}


def several_runs(home: Home, database: Database, project: str | None, references: Sequence[str]) -> list[RunCurves]:
    """Return the curves of some runs of a project, in the order asked for.

    Args:
        home: of the runs.
        database: likewise.
        project: name; None is the current one, or the only one.
        references: numbers or names.

    Raises:
        UserError: one is not there or damaged, or there are more than `MOST`.
    """
    if not 0 < len(references) <= MOST:
        raise UserError(f"One chart shows 1 to {MOST} runs, found {len(references)}.")
    found = [find_run(home, database, project, reference) for reference in dict.fromkeys(references)]
    asked = [what_was_asked(run) for run in found]
    return [_curves(run, words, _series(run.directory)) for run, words in zip(found, differences(asked), strict=True)]


def differences(asked: Sequence[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Say of each of several runs what it was asked that not all were, in words; options it has not are left out.

    Args:
        asked: settings by dotted key, of each run.
    """
    differ = differing(asked)
    words = _words(differ)
    return [tuple(f"{words[key]}{in_words(each[key])}" for key in differ if key in each) for each in asked]


def differing(asked: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys of the settings that are not the same in all, in their order."""
    keys = dict.fromkeys(key for each in asked for key in each)
    missing = object()
    return [key for key in keys if any(each.get(key, missing) != asked[0].get(key, missing) for each in asked)]


def _words(keys: Sequence[str]) -> dict[str, str]:
    """Return what keys are called: by their last part where no other key ends with it, the architecture by nothing."""
    last = [key.rpartition(".")[2] for key in keys]
    called = {
        key: (end if last.count(end) == 1 else key).replace("_", " ") + " " for key, end in zip(keys, last, strict=True)
    }
    return called | {"architecture": ""}


def in_words(value: Any) -> str:
    """Return a setting's value as a person writes it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | tuple):
        return " x ".join(map(str, value)) or "none"
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def what_was_asked(run: RunInfo) -> dict[str, Any]:
    """Return what a run was asked to do: its settings by dotted key, and what it was trained on."""
    command = RunDirectory(run.directory).command()
    values = recipe_values(command.recipe)
    start = command.start.label if command.start else command.recipe.init
    data = {
        "trained on": command.on,
        "datasets": ", ".join(command.datasets) or "all",
        "revision": command.revision[:8],
    }
    return {"architecture": command.architecture, "recipe": command.recipe.name, **values, "init": start, **data}


def _curves(run: RunInfo, words: tuple[str, ...], series: Series) -> RunCurves:
    loss = [(point.step, point.seconds, point.loss) for point in series.steps]
    miou = [(point.step, point.seconds, point.miou) for point in series.validations]
    return RunCurves(run.id, run.name, run.architecture, run.state, words, smooth(_points(loss)), _points(miou))


def _points(rows: Sequence[tuple[int, float | None, float | None]]) -> tuple[Point, ...]:
    return tuple(
        Point(step, round((seconds or 0.0) / 60, 4), value) for step, seconds, value in rows if value is not None
    )


def smooth(points: Sequence[Point], count: int = LOSSES) -> tuple[Point, ...]:
    """Return the means over at most `count` equal stretches of steps; or the points, if those are not more."""
    if len(points) <= count:
        return tuple(points)
    first, last = points[0].step, points[-1].step
    stretches: dict[int, list[Point]] = {}
    for point in points:
        stretches.setdefault((point.step - first) * count // (last - first + 1), []).append(point)
    return tuple(
        Point(
            round(fmean(point.step for point in stretch)),
            round(fmean(point.minutes for point in stretch), 4),
            fmean(point.value for point in stretch),
        )
        for stretch in stretches.values()
    )


def _series(directory: Path) -> Series:
    try:
        status = RunDirectory(directory).events.stat()
    except FileNotFoundError:
        return run_series(directory, points=_ALL)
    return _read(directory, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=2 * MOST)
def _read(directory: Path, _size: int, _mtime_ns: int) -> Series:
    """Read a run's curves once as long as nothing is added: a chart that is looked at asks every second."""
    return run_series(directory, points=_ALL)
