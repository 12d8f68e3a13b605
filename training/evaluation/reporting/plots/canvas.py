"""Figures as files: the same bytes for the same figures, whatever a user's matplotlibrc says."""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.ticker import MultipleLocator, PercentFormatter

from training.evaluation.reporting.words import PlotKind

WIDTH = 7.2
"""Inches: the text width of an A4 page, so that letters are of one size in every plot."""
INK, MUTED, GRID = "#1f2937", "#6b7280", "#e5e7eb"
_DOTS_PER_INCH = 200

_STYLE: dict[str, Any] = {
    "svg.fonttype": "path",  # a file that opens anywhere needs no font
    "svg.hashsalt": "workbench",
    "text.parse_math": False,  # a class may be called `$\\frac$`
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": "#9ca3af",
    "axes.linewidth": 0.6,
    "axes.labelcolor": MUTED,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 7,
}
# Of the first that is installed come the letters that matplotlib's own font lacks.
_MORE_FONTS = ("Noto Sans CJK JP", "Noto Sans CJK SC", "WenQuanYi Micro Hei", "Droid Sans Fallback", "Arial Unicode MS")
_NO_METADATA: dict[PlotKind, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
    "png": {"Software": None},
}

# matplotlib is not thread-safe, and its settings are the process's (https://matplotlib.org/stable/users/faq.html).
_drawing = threading.Lock()


def render(draw: Callable[[], Figure], kind: PlotKind) -> bytes:
    """Return what `draw` draws as the content of a file; of whatever thread, without pyplot."""
    buffer = io.BytesIO()
    with _drawing, matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a box stands for it
        matplotlib.rcdefaults()
        style: Any = _STYLE | {"font.family": list(_fonts())}  # of names that only some releases know
        matplotlib.rcParams.update(style)
        draw().savefig(buffer, format=kind, dpi=_DOTS_PER_INCH, metadata=_NO_METADATA[kind], facecolor="white")
    return buffer.getvalue()


@cache
def _fonts() -> tuple[str, ...]:
    installed = {font.name for font in fontManager.ttflist}
    return ("DejaVu Sans", *(name for name in _MORE_FONTS if name in installed))


def figure(height: float, width: float = WIDTH) -> Figure:
    """Return an empty figure, sizes in inches."""
    return Figure(figsize=(width, height), layout="constrained")


def percent_axis(axis: XAxis | YAxis, low: float = 0, high: float = 1, every: float = 0.2) -> None:
    """Have an axis run over fractions and say percent."""
    axis.set_major_locator(MultipleLocator(every))
    axis.set_major_formatter(PercentFormatter(1, decimals=0))
    limit = axis.axes.set_xlim if axis.axis_name == "x" else axis.axes.set_ylim
    limit(low, high)


def nothing(axes: Axes, why: str) -> None:
    """Say in the middle of a plot why it is empty."""
    axes.text(0.5, 0.5, why, ha="center", va="center", transform=axes.transAxes, color=MUTED)
