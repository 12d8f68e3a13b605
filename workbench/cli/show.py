"""Evaluations as a person reads them: figures, classes, the confusion matrix; and what the demo found."""

from __future__ import annotations

import sys
from shutil import which
from typing import TYPE_CHECKING, Any

from labeling.parts import part_title
from training.evaluation.reporting.words import FIGURE_NAMES, MORE_FIGURES, about_shapes
from workbench.cli.output import percent, say, table
from workbench.cli.show_compared import show_comparison

if TYPE_CHECKING:
    from training.evaluation.report import EvaluationReport
    from workbench.demo.path import DemoResult

WIDEST_MATRIX = 16  # classes; a wider one is better read with --json
CLASS_NAMES = {
    **{"iou": ">IoU %", "precision": ">precision %", "recall": ">recall %", "f1": ">F1 %"},
    **{"boundary_f1": ">boundary F1 %", "boundary_iou": ">boundary IoU %", "iiou": ">iIoU %", "ece": ">ECE %"},
    **{"pixels": ">pixels", "images": ">images"},
}


def show_evaluation(report: EvaluationReport) -> None:
    """Print an evaluation: what was tested on what, all figures in percent, the confusion matrix by row."""
    record, figures = report.record, report.figures()
    refined = f", {record.refinement}" if str(record.refinement) else ""
    say(
        f"Evaluation {report.id}: model {record.model} on {part_title(record.dataset, record.on)} "
        f"({len(record.images)} images, size {record.size}{refined}, revision {record.revision[:12]})\n"
    )
    table(
        None,
        ["figure", ">%"],
        ((label, percent(figures[name])) for name, label in (FIGURE_NAMES | MORE_FIGURES).items()),
    )
    say("")
    table(None, ["class", *CLASS_NAMES.values()], (_class_cells(row) for row in report.class_rows()))
    if len(record.truth_classes) <= WIDEST_MATRIX:
        _show_matrix(report)
    notes = [*report.notes, *about_shapes(report)]
    for line in ["", *notes] if notes else []:
        say(line)


def _class_cells(row: dict[str, Any]) -> list[object]:
    return [row["name"], *(row[key] if key in ("pixels", "images") else percent(row[key]) for key in CLASS_NAMES)]


def _show_matrix(report: EvaluationReport) -> None:
    totals = report.confusion.sum(axis=1)
    # `other` is a column worth its width only where a prediction has no class of the dataset's.
    shown = len(report.predicted_names) - (report.confusion[:, -1].sum() == 0)
    rows = []
    for name, row, total in zip(report.record.truth_classes, report.confusion, totals, strict=True):
        rows.append([name, *("" if not total else f"{100 * cell / total:.0f}" for cell in row[:shown].tolist())])
    title = "\nWhere each class's pixels went (rows truth, columns prediction, % of the row)"
    table(title, ["", *(f">{name}" for name in report.predicted_names[:shown])], rows)


def show_demo(result: DemoResult) -> None:
    """Print what the demo found, and what to do next."""
    say(f"Run {result.run.id} was trained by day only. a: photos by day it has not seen; b: photos at dusk.")
    show_comparison(result.comparison)
    # As whoever started this can type it: a fresh environment is in no shell's path.
    typed = "python -m workbench.cli" if sys.argv[0].endswith("__main__.py") else sys.argv[0]
    workbench = "workbench" if which("workbench") else typed
    say(f"See it in the browser: {workbench} serve --project {result.project}")
    say(f"Look further: {workbench} evaluate {result.run.id} --dataset dusk --project {result.project}")
    say(f"Use the model: {workbench} predict {result.run.id} PHOTOS --to FOLDER --project {result.project}")
