"""ROC and precision-recall curves, each class against the rest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from training.evaluation.binned_curve import BinnedCurve
from training.evaluation.curves import ClassCurve
from training.evaluation.reporting.findings import Findings
from training.evaluation.reporting.plots.canvas import GRID, INK, figure, nothing, percent_axis
from training.evaluation.reporting.words import short, written

_NAMED = 24  # classes that a legend has room for


def roc(found: Findings) -> Figure:
    """Draw the true positive rate against the false positive rate; a dot is where the argmax lies."""
    drawn, axes = _axes("ROC, each class against the rest", "false positives", "recall")
    axes.plot((0, 1), (0, 1), color=INK, linewidth=0.6, linestyle=(0, (4, 3)))
    _lines(
        *(axes, found, "AUC", lambda curve: curve.auc),
        points=lambda curve: (curve.false_positive_rate, curve.recall),
        dot=lambda each: (each.working_point.false_positive_rate, each.working_point.recall),
    )
    return drawn


def precision_recall(found: Findings) -> Figure:
    """Draw precision against recall; a dot is where the argmax lies."""
    drawn, axes = _axes("Precision and recall, each class against the rest", "recall", "precision")
    _lines(
        *(axes, found, "AP", lambda curve: curve.average_precision),
        points=lambda curve: (curve.recall, curve.precision),
        dot=lambda each: (each.working_point.recall, each.working_point.precision),
    )
    return drawn


def _axes(title: str, across: str, up: str) -> tuple[Figure, Axes]:
    drawn = figure(3.9)
    axes = drawn.subplots()
    axes.set_title(title)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    percent_axis(axes.xaxis, -0.01, 1.01)
    percent_axis(axes.yaxis, -0.01, 1.01)
    return drawn, axes


def _lines(
    axes: Axes,
    found: Findings,
    area_name: str,
    area: Callable[[BinnedCurve], float],
    *,
    points: Callable[[BinnedCurve], tuple[NDArray[np.float64], NDArray[np.float64]]],
    dot: Callable[[ClassCurve], tuple[float | None, float | None]],
) -> None:
    """Draw a line a class; of more classes than a legend can name, the worst are named and the others grey."""
    having = [
        (each, each.curve, color) for each, color in zip(found.curves.classes, found.colors, strict=False) if each.curve
    ]
    if not having:
        nothing(axes, "No class has a curve.")
        return
    having.sort(key=lambda row: area(row[1]))
    for _, curve, _ in having[_NAMED:]:
        axes.plot(*points(curve), color=GRID, linewidth=0.7)
    handles, labels = [], []
    for each, curve, color in having[:_NAMED]:
        handles += axes.plot(*points(curve), color=color, linewidth=1.3)
        across, up = dot(each)
        if across is not None and up is not None:
            axes.plot(across, up, marker="o", markersize=4, color=color, markeredgecolor=INK, markeredgewidth=0.5)
        # Before 3.10 a label that begins with an underscore is left out.
        labels.append(f"\u200b{written(area(curve), 'percent'):>5}  {short(each.name, 24)}")
    head = f"{area_name} %" if len(having) <= _NAMED else f"{area_name} %, the {_NAMED} lowest"
    axes.legend(handles, labels, title=head, loc="center left", bbox_to_anchor=(1.01, 0.5), alignment="left")
