"""The plots by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from db.errors import NotFoundError
from training.evaluation.reporting.findings import Findings
from training.evaluation.reporting.plots.bars import iou_bars
from training.evaluation.reporting.plots.canvas import render
from training.evaluation.reporting.plots.matrix import confusion_matrix
from training.evaluation.reporting.plots.reliability import reliability_diagram
from training.evaluation.reporting.plots.score_curves import precision_recall, roc
from training.evaluation.reporting.words import PlotKind

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PLOTS: Mapping[str, Callable[[Findings], Figure]] = {
    "iou": iou_bars,
    "confusion": confusion_matrix,
    "reliability": reliability_diagram,
    "roc": roc,
    "precision-recall": precision_recall,
}


def plot(found: Findings, name: str, kind: PlotKind) -> bytes:
    """Return a plot as the content of a file.

    Raises:
        NotFoundError: there is none of this name.
    """
    if name not in PLOTS:
        raise NotFoundError(f"There is no plot {name!r}. The plots: {', '.join(PLOTS)}.")
    return render(partial(PLOTS[name], found), kind)
