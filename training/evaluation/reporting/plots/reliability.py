"""The reliability diagram."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from training.evaluation.reporting.findings import Findings
from training.evaluation.reporting.plots.canvas import INK, figure, nothing, percent_axis
from training.evaluation.reporting.words import written

_BLUE, _RED, _GREY = "#2563eb", "#dc2626", "#9ca3af"


def reliability_diagram(found: Findings) -> Figure:
    """Draw accuracy against confidence, and beneath it the share of pixels of each confidence."""
    whole = found.report.calibration.whole
    drawn = figure(4.4, 4.6)
    upper, lower = drawn.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    upper.set_title(f"Calibration (ECE {written(whole.ece, 'percent')} %)")
    upper.set_ylabel("accuracy")
    lower.set_ylabel("pixels")
    lower.set_xlabel("confidence")
    total = sum(each.pixels for each in whole.bins)
    percent_axis(upper.yaxis, 0, 1.02)
    percent_axis(upper.xaxis)
    if not total:
        nothing(upper, "No pixel has a class.")
        return drawn
    width = whole.bins[0].end - whole.bins[0].start
    for each in whole.bins:
        if each.accuracy is None or each.confidence is None:
            continue
        upper.bar(each.start, each.accuracy, width, align="edge", color=_BLUE, alpha=0.75, linewidth=0)
        gap = each.confidence - each.accuracy
        upper.bar(each.start, gap, width, bottom=each.accuracy, align="edge", color=_RED, alpha=0.22, linewidth=0)
        lower.bar(each.start, each.pixels / total, width, align="edge", color=_GREY, linewidth=0)
    upper.plot((0, 1), (0, 1), color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    told = "too sure" if (whole.gap or 0) > 0 else "not sure enough"
    upper.text(0.03, 0.94, f"by {abs(100 * (whole.gap or 0)):.1f} points {told} on average", transform=upper.transAxes)
    lower.yaxis.set_major_locator(MaxNLocator(2))
    lower.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    return drawn
