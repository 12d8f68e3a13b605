"""An evaluation's figures as CSV, for spreadsheets: what was tested on what, then the figures, classes and matrix."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from training.evaluation.report import CLASS_COLUMNS, EvaluationReport

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NOT_DEFINED = "n/a"


def figures_csv(report: EvaluationReport) -> str:
    """Return everything that `EvaluationReport.to_json` has of figures, as four tables with a blank line between.

    Fractions are 0..1 in full precision. A cell that a spreadsheet would take for a formula begins with an apostrophe.
    """
    record = report.record
    by_row = zip(record.truth_classes, report.confusion.tolist(), strict=True)
    tables: tuple[Iterable[Iterable[object]], ...] = (
        (
            ("evaluation", report.id),
            ("model", record.model),
            ("dataset", record.dataset),
            ("on", record.on),
            ("images", len(record.images)),
            ("size", record.size),
            ("revision", record.revision),
            ("mapping", report.mapping.name if report.mapping else "classes of the same name"),
            *(("note", note) for note in report.notes),
        ),
        (
            ("figure", "value"),
            *report.figures().items(),
        ),
        (
            ("class", *CLASS_COLUMNS),
            *((row["name"], *(row[column] for column in CLASS_COLUMNS)) for row in report.class_rows()),
        ),
        (
            ("pixels: truth in rows, prediction in columns", *report.predicted_names),
            *((name, *row) for name, row in by_row),
        ),
    )
    text = io.StringIO()
    writer = csv.writer(text)
    for place, table in enumerate(tables):
        if place:
            writer.writerow([])
        writer.writerows([harmless(value) for value in row] for row in table)
    return text.getvalue()


def table_csv(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV in which no cell is taken for a formula."""
    text = io.StringIO()
    csv.writer(text).writerows([harmless(value) for value in row] for row in rows)
    return text.getvalue()


def harmless(value: object) -> object:
    """Return what stands in a cell: names of classes come from anywhere, and spreadsheets run formulas."""
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return f"'{value}"
    return _NOT_DEFINED if value is None else value
