"""Learning curves of several runs as a sheet to print: training loss and validation mIoU, and who is who below."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from db.errors import UserError
from db.files import explain_os_errors, write_atomic
from training.curves.paper import Line, Mark, Shape, Sheet, Words, to_png, to_svg
from training.curves.several import Point, RunCurves
from training.evaluation.as_csv import harmless

Axis = Literal["steps", "minutes"]
Kind = Literal["svg", "png", "csv"]

COLORS = ("#2563eb", "#c2410c", "#15803d", "#7e22ce")
DASHES: tuple[tuple[float, ...], ...] = ((), (7, 4), (2, 3), (10, 3, 2, 3), (14, 5))
MARKS: tuple[Shape, ...] = ("circle", "square", "triangle", "diamond")
MARKS_A_LINE = 6

_PLOT = (480.0, 280.0)
_LEFT, _TOP, _GAP = 64.0, 40.0, 84.0
_ROW = 20.0


@dataclass(frozen=True)
class Look:
    """How a line looks. The pairs of dash and mark of the first twenty are all different, so colour is not needed."""

    color: str
    dash: tuple[float, ...]
    mark: Shape


def look(place: int) -> Look:
    """Return the look of the line at a place among others."""
    return Look(COLORS[place % len(COLORS)], DASHES[place % len(DASHES)], MARKS[place % len(MARKS)])


@dataclass(frozen=True)
class _Scale:
    """Values to places: `low` and `high` are the ends of the axis, as logarithms where it is a logarithmic one."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def share(self, value: float) -> float:
        value = math.log10(value) if self.log else value
        return (value - self.low) / (self.high - self.low)


def write_curves(runs: Sequence[RunCurves], path: Path, axis: Axis = "steps") -> None:
    """Write the curves of some runs as `.svg`, `.png` or `.csv`, whichever the path ends with.

    Raises:
        UserError: it ends with something else, or cannot be written.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in get_args(Kind):
        raise UserError(f"Curves are written as .svg, .png or .csv; found {path.name!r}.")
    with explain_os_errors(path):
        write_atomic(path, render(runs, cast(Kind, kind), axis))


def render(runs: Sequence[RunCurves], kind: Kind, axis: Axis = "steps") -> bytes:
    """Return the curves of some runs as the content of a file."""
    if kind == "csv":
        return to_csv(runs).encode()
    drawn = sheet(runs, axis)
    return to_svg(drawn).encode() if kind == "svg" else to_png(drawn)


def to_csv(runs: Sequence[RunCurves]) -> str:
    """Write a row a point: the run, what it is, its step, its minutes of training, which figure, its value."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["run", "name", "architecture", "differences", "figure", "step", "minutes", "value"])
    for run in runs:
        about = [run.run, harmless(run.name), run.architecture, harmless(", ".join(run.differences))]
        for figure, points in (("training loss", run.loss), ("validation mIoU", run.miou)):
            writer.writerows([*about, figure, point.step, point.minutes, point.value] for point in points)
    return text.getvalue()


def sheet(runs: Sequence[RunCurves], axis: Axis = "steps") -> Sheet:
    """Draw the curves of some runs."""
    width, height = _PLOT
    last = max((_x(point, axis) for run in runs for point in (*run.loss, *run.miou)), default=0.0) or 1.0
    across = _Scale(0.0, last, ticks(0.0, last))
    right = _LEFT + width + _GAP
    items = [
        *_plot("Training loss", _LEFT, [run.loss for run in runs], axis, across, log=True),
        *_plot("Validation mIoU %", right, [run.miou for run in runs], axis, across, log=False),
        *_legend(runs, _TOP + height + 62),
    ]
    return Sheet(right + width + 24, _TOP + height + 62 + _ROW * len(runs) + 8, tuple(items))


def _x(point: Point, axis: Axis) -> float:
    return point.step if axis == "steps" else point.minutes


def _plot(
    title: str, left: float, lines: Sequence[Sequence[Point]], axis: Axis, across: _Scale, *, log: bool
) -> Iterator[Line | Mark | Words]:
    width, height = _PLOT
    foot = _TOP + height
    yield Words((left, _TOP - 14), title, "#111827", 14)
    values = [point.value for line in lines for point in line if point.value > 0 or not log]
    if not values:
        yield Words((left + width / 2, _TOP + height / 2), "No values yet", "#6b7280", 13, "middle")
        return
    up = _logarithmic(min(values), max(values)) if log else _linear(max(values))
    for tick in up.ticks:
        y = foot - height * up.share(tick)
        yield Line(((left, y), (left + width, y)), "#e5e7eb", 1)
        yield Words((left - 8, y + 4), f"{tick:g}" if log else f"{100 * tick:g}", "#6b7280", 11, "end")
    for tick in across.ticks:
        yield Words((left + width * across.share(tick), foot + 18), f"{tick:,g}", "#6b7280", 11, "middle")
    yield Words((left + width / 2, foot + 36), axis, "#6b7280", 11, "middle")
    for place, line in enumerate(lines):
        shown = [point for point in line if point.value > 0 or not log]
        spots = [(left + width * across.share(_x(p, axis)), foot - height * up.share(p.value)) for p in shown]
        seen = look(place)
        if len(spots) > 1:
            yield Line(tuple(spots), seen.color, 1.5, seen.dash)
        every = max(1, len(spots) // MARKS_A_LINE)
        for at in spots[place % every :: every]:
            yield Mark(at, seen.mark, seen.color)


def _legend(runs: Sequence[RunCurves], top: float) -> Iterator[Line | Mark | Words]:
    for place, run in enumerate(runs):
        y = top + _ROW * place
        seen = look(place)
        yield Line(((_LEFT, y - 4), (_LEFT + 44, y - 4)), seen.color, 1.5, seen.dash)
        yield Mark((_LEFT + 22, y - 4), seen.mark, seen.color)
        best = "" if run.best is None else f" (best mIoU {100 * run.best:.1f} %)"
        yield Words((_LEFT + 56, y), f"{_short(run.label)}{best}")


def _short(text: str, most: int = 130) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _linear(most: float) -> _Scale:
    most = max(most, 0.1)
    marks = ticks(0.0, most)
    return _Scale(0.0, max(most, marks[-1]), marks)


def _logarithmic(least: float, most: float) -> _Scale:
    low, high = math.log10(least), math.log10(most)
    if high - low < 0.5:
        low, high = low - 0.25, high + 0.25
    powers = range(math.floor(low), math.ceil(high) + 1)
    factors = (1,) if high - low > 3 else (1, 2, 5)
    marks = [factor * 10.0**power for power in powers for factor in factors]
    return _Scale(low, high, tuple(mark for mark in marks if low <= math.log10(mark) <= high), log=True)


def ticks(low: float, high: float, count: int = 5) -> tuple[float, ...]:
    """Return round numbers from low to high, about `count` of them."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step)
    return tuple(float(f"{number * step:.12g}") for number in range(first, math.floor(high / step + 1e-6) + 1))
