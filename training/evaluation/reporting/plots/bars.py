"""IoU by class, as bars."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.evaluation.reporting.findings import Findings
from training.evaluation.reporting.plots.canvas import INK, MUTED, figure, percent_axis
from training.evaluation.reporting.words import short, written

_ROWS = 48  # bars to a column
_BAR_INCHES = 0.2


def iou_bars(found: Findings) -> Figure:
    """Draw the IoU of every class, the best first, those without one last; the mean is a dashed line."""
    rows = list(zip(found.classes, found.report.metrics.classes, found.colors, strict=False))
    rows.sort(key=lambda row: (row[1].iou is None, -(row[1].iou or 0)))
    columns = math.ceil(len(rows) / _ROWS)
    tall = math.ceil(len(rows) / columns)
    drawn = figure(0.9 + _BAR_INCHES * tall)
    grid = drawn.subplots(1, columns, squeeze=False)[0]
    mean = found.report.metrics.miou
    for place, axes in enumerate(grid):
        part = rows[place * tall : (place + 1) * tall]
        _column(axes, [(name, row.iou, color) for name, row, color in part], tall, narrow=columns > 2)
        if mean is not None:
            axes.axvline(mean, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    grid[0].set_title(f"IoU by class (mean {written(mean, 'percent')} %)")
    return drawn


def _column(axes: Axes, rows: list[tuple[str, float | None, str]], tall: int, *, narrow: bool) -> None:
    places = np.arange(len(rows))
    values = [iou or 0 for _, iou, _ in rows]
    axes.barh(places, values, height=0.72, color=[color for *_, color in rows], edgecolor=INK, linewidth=0.4)
    for place, (_, iou, _) in enumerate(rows):
        text = written(iou, "percent")
        box = {"facecolor": "white", "linewidth": 0, "pad": 0.8}  # over the line of the mean
        color = MUTED if iou is None else INK
        axes.text((iou or 0) + 0.012, place, text, va="center", fontsize=7, color=color, bbox=box)
    axes.set_yticks(places, [short(name, 14 if narrow else 32) for name, *_ in rows])
    axes.set_ylim(tall - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.grid(visible=False, axis="y")
    percent_axis(axes.xaxis, 0, 1.1, every=0.5 if narrow else 0.2)
    axes.spines["left"].set_visible(False)
