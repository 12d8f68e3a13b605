"""The confusion matrix, each row in shares of its class."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from training.evaluation.reporting.findings import Findings
from training.evaluation.reporting.plots.canvas import INK, WIDTH, figure, nothing
from training.evaluation.reporting.words import short

WRITTEN = 24
"""Classes up to which shares stand in the cells, and the whole is as wide as a page."""

_CELL_INCHES = 0.13  # of a cell whose class can still be read, zoomed in


def confusion_matrix(found: Findings) -> Figure:
    """Draw where the pixels of each class went; classes that are in neither truth nor prediction are left out."""
    counts = found.report.confusion
    rows = np.flatnonzero(counts.sum(axis=1))
    columns = np.flatnonzero(counts.any(axis=0) | np.isin(np.arange(counts.shape[1]), rows))
    many = max(len(rows), len(columns))
    width = max(WIDTH, many * _CELL_INCHES + 2.2)
    drawn = figure(1.5 + (width - 2.4) * len(rows) / max(1, len(columns)) * 0.86, width)
    axes = drawn.subplots()
    axes.set_title("Where the pixels of each class went, % of the row")
    if not many:
        nothing(axes, "No pixel has a class.")
        return drawn
    shares = counts[np.ix_(rows, columns)] / counts[rows].sum(axis=1, keepdims=True)
    # The root lets the small confusions be seen beside the diagonal.
    image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1), aspect="auto", interpolation="nearest")
    size = 7.5 if many <= WRITTEN else 6
    letters = 18 if many <= WRITTEN else 24
    names = found.report.predicted_names
    axes.set_xticks(range(len(columns)), [short(names[each], letters) for each in columns], fontsize=size)
    axes.set_yticks(range(len(rows)), [short(names[each], letters) for each in rows], fontsize=size)
    axes.tick_params(axis="x", rotation=90 if many > WRITTEN else 45, labelcolor=INK, length=0)
    if many <= WRITTEN:
        for label in axes.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")
    axes.tick_params(axis="y", labelcolor=INK, length=0)
    axes.set_xlabel("predicted")
    axes.set_ylabel("truth")
    axes.grid(visible=False)
    axes.set_xticks(np.arange(len(columns) - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) - 1) + 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=0.6 if many <= WRITTEN else 0.2)
    axes.tick_params(which="minor", length=0)
    if many <= WRITTEN:
        _write(axes, shares, 7.5 if many <= 12 else 5.5)
    share = 0.03 if many <= WRITTEN else 0.01
    bar = drawn.colorbar(image, ax=axes, fraction=share, pad=0.01, ticks=(0, 0.05, 0.2, 0.5, 1))
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    bar.outline.set_visible(False)
    return drawn


def _write(axes: Axes, shares: NDArray[np.float64], size: float) -> None:
    """Write the shares, in percent, into the cells; less than half a percent is not worth its ink."""
    for (row, column), share in np.ndenumerate(shares):
        if share >= 0.005:
            color = "white" if share > 0.35 else INK
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=size, color=color)
